"""Signals, idleness and committees in wide form: from a tally of every holder to rows of people and accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import narwhals.stable.v2 as nw

from leadline.core.scoring import expressions as ex
from leadline.core.scoring.behaviour import Tallied, decoded
from leadline.core.scoring.expressions import Expr, either, number
from leadline.core.scoring.model import DAY, IDLE, Committee, Pick, Signal
from leadline.core.scoring.plan import Plan, TimedSignal
from leadline.core.scoring.rowcolumns import COUNT, DECAY, LAST, LIMIT, RAW, row
from leadline.core.scoring.variants import Merged, Variants

Columns = dict[str, Expr]
_ALL = "all_"
"""Begins columns over all holders of an account."""


class Conduct:
    """What the signals of a plan come to. `detail`: with everything that a ledger tells, not points alone.

    Columns end in the index of a signal: `of_` is what a holder's events are worth, `kept_` after the holder's cap.
    """

    def __init__(self, variants: Variants, tallied: Tallied, now: int, *, detail: bool) -> None:
        self._variants, self._tallied, self._now, self._detail = variants, tallied, now, detail
        self.zeros: set[str] = set()
        """Columns of rows that hold 0 where there is no row."""
        self.narrow: set[str] = set()
        """Columns of rows of 32 bits."""
        every = {timed.index: timed for plan in variants.plans for timed in plan.signals}
        self._timed = [every[index] for index in sorted(every) if index in tallied.signals]
        self._committees = variants.merged(lambda plan: plan.model.committee)
        self._idle = next((plan.model.idle for plan in variants.plans if plan.model.idle), None)

    def given(self, name: str, fires: Expr, points: Sequence[int]) -> Expr:
        """A column of points, by variant, where something fires. Where none of them is 0, 0 says that nothing does."""
        self.narrow.add(name)
        value = self._variants.chosen(points, ex.small)
        if not all(points):
            return nw.when(fires).then(value)
        self.zeros.add(name)
        return either(fires, value, ex.small(0))

    # One holder

    def of_holder(self) -> Columns:
        """Columns of people before their rows."""
        found: Columns = {}
        for timed in self._timed:
            worth = decoded(timed, nw.col(f"worth_{timed.index}"))
            found[f"kept_{timed.index}"] = ex.limited_sign(worth, timed.signal.cap)
            if self._detail:
                found[f"of_{timed.index}"] = worth
        return found

    def of_person(self) -> Columns:
        """Rows of people; `seat_`: who counts for a committee, `chair_`: who would with a function that is known."""
        found = self._signals("")
        found |= self._idleness(nw.col)
        for entry in self._committees:
            engaged = self._variants.of_each(self._positive, self._engaged)
            functions, function = entry.any.functions, nw.col("person_function")
            if functions is None:
                found[f"seat_{entry.any.id}"] = engaged
            else:
                found[f"seat_{entry.any.id}"] = engaged & ex.one_of(function, functions)
                found[f"chair_{entry.any.id}"] = engaged & function.is_null()
        return found

    def _engaged(self, positive: Sequence[TimedSignal]) -> Expr:
        return ex.some([_most(timed) > 0 for timed in positive])

    # An account's people together

    def of_staff(self) -> Columns:
        """Aggregates of people by account."""
        found: Columns = {}
        for timed in self._timed:
            index = timed.index
            count = nw.col(f"count_{index}")
            found[f"kept_{index}"] = nw.col(self._kept_of_person(timed)).sum()
            if index in self._tallied.counted:
                found[f"count_{index}"] = count.sum()
            if self._by_holder(timed):
                found[f"holders_{index}"] = ex.how_many(count > 0)
            if self._detail:
                found[f"of_{index}"] = nw.col(f"of_{index}").sum()
                found[f"last_{index}"] = nw.col(f"last_{index}").max()
        if self._idle:
            found |= {name: nw.col(name).max() for name in self._any_columns()}
        for entry in self._committees:
            names = [f"seat_{entry.any.id}", *([f"chair_{entry.any.id}"] if entry.any.functions else [])]
            found |= {name: ex.how_many(nw.col(name)) for name in names}
        return found

    def _kept_of_person(self, timed: TimedSignal) -> str:
        """The column of what a person keeps: that of the row, where this is always there and the same for everybody."""
        signal = timed.signal
        name = row(signal.part, signal.id)
        everybodys = all(self._timed_of(plan, signal.id) is timed for plan in self._variants.plans)
        return name if everybodys and name in self.zeros else f"kept_{timed.index}"

    def _by_holder(self, timed: TimedSignal) -> bool:
        """Whether it matters how many holders have the signal."""
        return timed.signal.min_people > 1 or (self._detail and timed.signal.pick is not Pick.ALL)

    def of_all_holders(self) -> Columns:
        """Columns of accounts before their rows: staff and an account's own events together."""
        found: Columns = {}
        for timed in self._timed:
            index = timed.index
            worth, count = decoded(timed, nw.col(f"worth_{index}")), nw.col(f"count_{index}")
            found[f"{_ALL}kept_{index}"] = _both(ex.limited_sign(worth, timed.signal.cap), f"kept_{index}")
            if index in self._tallied.counted:
                found[f"{_ALL}count_{index}"] = _both(count, f"count_{index}")
            if self._by_holder(timed):
                found[f"{_ALL}holders_{index}"] = _both(nw.when(count > 0).then(number(1)), f"holders_{index}")
            if self._detail:
                found[f"{_ALL}of_{index}"] = _both(worth, f"of_{index}")
                last = nw.max_horizontal(nw.col(f"last_{index}"), nw.col(f"staff_last_{index}"))
                found[f"{_ALL}last_{index}"] = last
        return found

    def of_account(self) -> Columns:
        """Rows of accounts."""
        found = self._signals(_ALL)
        found |= self._idleness(lambda name: nw.max_horizontal(nw.col(name), nw.col(f"staff_{name}")))
        for entry in self._committees:
            found |= self._committee(entry)
        return found

    def _committee(self, merged: Merged[Committee]) -> Columns:
        entry = merged.any
        name, seats = row(entry.part, entry.id), nw.col(f"staff_seat_{entry.id}")
        points = [entry.points if mine is None else mine.points for mine in merged.by_variant]
        enough = self._variants.where(merged, seats >= entry.people)
        found: Columns = {name: self.given(name, enough, points)}
        if self._detail:
            found[name + COUNT] = seats
        return found

    # Rows of signals and idleness

    def _signals(self, prefix: str) -> Columns:
        found: Columns = {}
        for signal in self._variants.merged(lambda plan: plan.model.signals):
            timed = [self._timed_of(plan, signal.any.id) for plan in self._variants.plans]
            if all(each is None or each.index not in self._tallied.counted for each in timed):
                self.zeros.add(row(signal.any.part, signal.any.id))
            for name, make in self._cells(signal.any, prefix):
                found[name] = self._variants.chosen(timed, make)
        return found

    def _timed_of(self, plan: Plan, name: str) -> TimedSignal | None:
        return next((t for t in plan.signals if t.signal.id == name and t.index in self._tallied.signals), None)

    def _cells(self, signal: Signal, prefix: str) -> Iterator[tuple[str, Callable[[TimedSignal | None], Expr]]]:
        """The columns of a signal's row, each from the signal as a variant has it."""
        name = row(signal.part, signal.id)

        def cell(value: Callable[[TimedSignal], Expr]) -> Callable[[TimedSignal | None], Expr]:
            def make(timed: TimedSignal | None) -> Expr:
                if timed is None or (not prefix and timed.signal.min_people > 1):
                    return number(0 if name in self.zeros else None)
                if name in self.zeros:
                    return value(timed).fill_null(0)
                return nw.when(self._present(timed, prefix)).then(value(timed))

            return make

        def read(what: str, timed: TimedSignal) -> Expr:
            return nw.col(f"{prefix}{what}_{timed.index}")

        def kept(timed: TimedSignal) -> Expr:
            value = read("kept", timed)
            return ex.limited_sign(value, timed.signal.account_cap) if prefix else value

        def raw(timed: TimedSignal) -> Expr:
            if timed.signal.pick is Pick.ALL:
                return read("count", timed) * timed.signal.points
            return read("holders", timed) * timed.signal.points if prefix else number(timed.signal.points)

        yield name, cell(kept)
        if self._detail:
            yield name + RAW, cell(raw)
            yield name + DECAY, cell(lambda timed: raw(timed) - read("of", timed))
            yield name + LIMIT, cell(lambda timed: read("of", timed) - kept(timed))
            yield name + COUNT, cell(lambda timed: read("count", timed))
            yield name + LAST, cell(lambda timed: read("last", timed))

    def _present(self, timed: TimedSignal, prefix: str) -> Expr:
        """Whether the record has the signal at all."""
        signal = timed.signal
        there = [nw.col(f"{prefix}count_{timed.index}") >= max(signal.min_count, 1)]
        if signal.min_people > 1:
            there.append(nw.col(f"staff_holders_{timed.index}") >= signal.min_people)
        if signal.alone:
            there.append(~self._variants.of_each(self._positive, partial(_some_event, prefix)))
        return ex.every(there)

    def _positive(self, plan: Plan) -> list[TimedSignal]:
        return [timed for timed in plan.signals if timed.positive and timed.index in self._tallied.signals]

    def _idleness(self, read: Callable[[str], Expr]) -> Columns:
        if self._idle is None:
            return {}
        after = self._idle.after_days * DAY
        name = row(self._idle.part, IDLE)

        def last(columns: Sequence[str]) -> Expr:
            times = [read(column) for column in columns]
            return nw.max_horizontal(*times) if len(times) > 1 else times[0] if times else number(None)

        last_at = self._variants.of_each(self._any_of, last)
        quiet = last_at <= self._now - after
        points = [plan.model.idle.points if plan.model.idle else 0 for plan in self._variants.plans]
        found: Columns = {name: self.given(name, quiet, points)}
        if self._detail:
            found[name + LAST] = nw.when(quiet).then(last_at)
        return found

    def _any_of(self, plan: Plan) -> list[str]:
        mine = {timed.index for timed in self._positive(plan)}
        return [
            f"any_{found.index}"
            for found in self._tallied.classes
            if any(timed.index in mine for timed in found.members)
        ]

    def _any_columns(self) -> list[str]:
        return list(dict.fromkeys(name for plan in self._variants.plans for name in self._any_of(plan)))


def _both(own: Expr, name: str) -> Expr:
    return own.fill_null(0) + nw.col(f"staff_{name}").fill_null(0)


def _some_event(prefix: str, signals: Sequence[TimedSignal]) -> Expr:
    """Whether a record has a counting event of any of these."""
    return ex.some([(nw.col(f"{prefix}count_{timed.index}") > 0).fill_null(value=False) for timed in signals])


def _most(timed: TimedSignal) -> Expr:
    """What a person's event of a positive signal is worth at most; of sums, what all are."""
    by_time = timed.signal.pick in (Pick.FIRST, Pick.LAST)
    most: Expr = nw.col(f"{'lively' if by_time else 'worth'}_{timed.index}").fill_null(0)
    return most
