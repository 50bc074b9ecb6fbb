"""Rows of all records in wide form: what facts, persona, signals, idleness and committees give, per variant of a model.

People come first; accounts have what their people have together. Every rule is one expression over a record's columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring import expressions as ex
from leadline.core.scoring.behaviour import Tallied, decoded
from leadline.core.scoring.expressions import Asked, Expr, number
from leadline.core.scoring.facts import Lazy
from leadline.core.scoring.interval import person_reach, staff_reach
from leadline.core.scoring.model import DAY, IDLE, PERSONA, Committee, Part, Pick, Rule
from leadline.core.scoring.plan import Plan, TimedSignal
from leadline.core.scoring.rowcolumns import COUNT, DECAY, LAST, LIMIT, RAW, VALUE, row, told
from leadline.core.scoring.rules import Conditional

Columns = dict[str, Expr]


@dataclass(frozen=True, slots=True)
class Rows:
    """Records with their rows before caps. `points` are columns of points by id, `columns` all that tell of rows."""

    frame: Lazy
    asked: Asked
    points: Mapping[str, str]
    parts: Mapping[str, Part]
    columns: tuple[str, ...]

    def over(self, frame: Lazy) -> Rows:
        """The same of a frame with the same columns."""
        return replace(self, frame=frame)


class Variant:
    """The rows of one variant of a model. `detail`: with everything that a ledger tells, not points alone."""

    def __init__(self, plan: Plan, tallied: Tallied, asked: Asked, *, detail: bool) -> None:
        self._plan, self._tallied, self._asked, self._detail = plan, tallied, asked, detail
        self._now = asked.now
        self._signals = [timed for timed in plan.signals if timed.index in tallied.signals]
        self._positive = [timed for timed in self._signals if timed.positive]
        self._people_rules = plan.subjects[Entity.ACCOUNT].people_rules

    # People

    def people(self, frame: Lazy) -> Rows:
        """People, with the columns that `accounts` needs of them."""
        model, concerns = self._plan.model, self._plan.subjects[Entity.PERSON]
        found: Columns = {}
        for rule in concerns.own_rules:
            found |= self._own_rule(rule)
        if model.persona:
            found["persona_points"] = ex.persona_points(model.persona)
        for timed in self._signals:
            index = timed.index
            found[f"of_{index}"] = decoded(timed, nw.col(f"worth_{index}"))
            found[f"kept_{index}"] = ex.limited_sign(found[f"of_{index}"], timed.signal.cap)
        found |= dict(self._hits())
        found |= person_reach(self._plan, self._asked)
        frame = ex.added(frame, found)
        more: Columns = {}
        if model.persona:
            more |= self._persona(nw.col("persona_points"), None, ex.persona_text())
        counts = [nw.col(f"count_{timed.index}") for timed in self._positive]
        for timed in self._plan.signals:
            more |= self._signal(timed, _sum(counts), None)
        more |= self._idle(nw.col)
        more |= dict(self._seats())
        return self._combined(ex.added(frame, more), {**found, **more}, Entity.PERSON)

    def _own_rule(self, rule: Rule) -> Columns:
        name = row(rule.part, rule.id)
        fires = ex.holds(rule.when, self._asked)
        found: Columns = {name: nw.when(fires).then(number(rule.points))}
        if self._detail:
            found[name + VALUE] = nw.when(fires).then(ex.shown(rule.when))
        return found

    def _hits(self) -> Iterator[tuple[str, Expr]]:
        """What any person of an account is asked for."""
        for rule in self._people_rules:
            fires = ex.holds(rule.when, self._asked)
            yield f"hit_{rule.id}", nw.when(fires).then(number(1))
            if self._detail:
                yield f"seen_{rule.id}", nw.when(fires).then(ex.shown(rule.when))
        for entry in self._any_person():
            yield f"hit_{entry.id}", nw.when(ex.holds(entry.when, self._asked)).then(number(1))

    def _any_person(self) -> Iterable[Conditional]:
        model = self._plan.model
        every: Sequence[Conditional] = (*model.disqualify, *model.flags)
        return (entry for entry in every if entry.by_any_person and entry.counts_for(Entity.ACCOUNT))

    def _seats(self) -> Iterator[tuple[str, Expr]]:
        """Whether a person counts for a committee (`seat_`), or would with a known function (`chair_`)."""
        if not self._plan.model.committee:
            return
        engaged = ex.some([self._most(timed) > 0 for timed in self._positive])
        for entry in self._plan.model.committee:
            if entry.functions is None:
                yield f"seat_{entry.id}", nw.when(engaged).then(number(1))
            else:
                function = nw.col("person_function")
                yield f"seat_{entry.id}", nw.when(engaged & function.is_in(list(entry.functions))).then(number(1))
                yield f"chair_{entry.id}", nw.when(engaged & function.is_null()).then(number(1))

    def _most(self, timed: TimedSignal) -> Expr:
        """What a person's event of a positive signal is worth at most; of sums, what all are."""
        by_time = timed.signal.pick in (Pick.FIRST, Pick.LAST)
        most: Expr = nw.col(f"{'lively' if by_time else 'worth'}_{timed.index}").fill_null(0)
        return most

    # Accounts

    def staff(self, people: Lazy) -> Lazy:
        """What an account's people have together: key and columns `staff_`."""
        found: Columns = {}
        for rule in self._people_rules:
            found[f"hit_{rule.id}"] = ex.how_many(nw.col(f"hit_{rule.id}"))
            if self._detail:
                found[f"seen_{rule.id}"] = nw.col(f"seen_{rule.id}").min()
        for entry in self._any_person():
            found[f"hit_{entry.id}"] = ex.how_many(nw.col(f"hit_{entry.id}"))
        if self._plan.model.persona:
            found["persona_points"] = nw.col("persona_points").max()
        for timed in self._signals:
            found |= self._summed(timed)
        if self._plan.model.idle:
            found |= {name: nw.col(name).max() for name in self._any_columns()}
        for committee in self._plan.model.committee:
            names = [f"seat_{committee.id}", *([f"chair_{committee.id}"] if committee.functions else [])]
            found |= {name: ex.how_many(nw.col(name)) for name in names}
        found |= staff_reach(self._plan)
        if not found:
            found = {"people": ex.how_many(nw.col("uid"))}
        grouped = people.filter(~nw.col("account_key").is_null()).group_by("account_key")
        return grouped.agg(*[value.alias(f"staff_{name}") for name, value in found.items()])

    def _summed(self, timed: TimedSignal) -> Columns:
        index = timed.index
        count = nw.col(f"count_{index}")
        found: Columns = {f"count_{index}": count.sum(), f"kept_{index}": nw.col(f"kept_{index}").sum()}
        if timed.signal.min_people > 1:
            found[f"with_{index}"] = ex.how_many(nw.when(count > 0).then(count))
        if self._detail:
            found[f"of_{index}"] = nw.col(f"of_{index}").sum()
            found[f"last_{index}"] = nw.col(f"last_{index}").max()
            if timed.signal.pick is not Pick.ALL:
                found[f"holders_{index}"] = ex.how_many(nw.when(count > 0).then(count))
        return found

    def accounts(self, frame: Lazy, staff: Lazy, staff_persona: Lazy | None) -> Rows:
        """Accounts. `staff_persona`: account_key, best_count and best_seen, for the ledger."""
        model, concerns = self._plan.model, self._plan.subjects[Entity.ACCOUNT]
        frame = frame.join(staff, left_on="key", right_on="account_key", how="left")
        if staff_persona is not None:
            frame = frame.join(staff_persona, left_on="key", right_on="account_key", how="left")
        own: Columns = {}
        for timed in self._signals:
            own |= self._own_and_staff(timed)
        frame = ex.added(frame, own)
        found: Columns = {}
        for rule in concerns.own_rules:
            found |= self._own_rule(rule)
        for rule in concerns.people_rules:
            found |= self._people_rule(rule)
        if model.persona:
            best = nw.col("staff_persona_points").fill_null(0)
            found |= self._persona(best, _column("best_count", staff_persona), _column("best_seen", staff_persona))
        counts = [nw.col(f"all_count_{timed.index}") for timed in self._positive]
        for timed in self._plan.signals:
            found |= self._signal(timed, _sum(counts), "all_")
        found |= self._idle(lambda name: nw.max_horizontal(nw.col(name), nw.col(f"staff_{name}")))
        for entry in model.committee:
            found |= self._committee(entry)
        return self._combined(ex.added(frame, found), found, Entity.ACCOUNT)

    def _own_and_staff(self, timed: TimedSignal) -> Columns:
        """A signal over all holders of an account."""
        index, signal = timed.index, timed.signal
        worth = decoded(timed, nw.col(f"worth_{index}"))
        kept = ex.limited_sign(worth, signal.cap)
        count = nw.col(f"count_{index}")

        def both(mine: Expr, name: str) -> Expr:
            return mine.fill_null(0) + nw.col(f"staff_{name}_{index}").fill_null(0)

        found: Columns = {f"all_count_{index}": both(count, "count"), f"all_kept_{index}": both(kept, "kept")}
        if self._detail:
            found[f"all_of_{index}"] = both(worth, "of")
            found[f"all_last_{index}"] = nw.max_horizontal(nw.col(f"last_{index}"), nw.col(f"staff_last_{index}"))
            if signal.pick is not Pick.ALL:
                found[f"all_holders_{index}"] = both(nw.when(count > 0).then(number(1)), "holders")
        return found

    def _people_rule(self, rule: Rule) -> Columns:
        name, hits = row(rule.part, rule.id), nw.col(f"staff_hit_{rule.id}")
        found: Columns = {name: nw.when(hits > 0).then(number(rule.points))}
        if self._detail:
            found[name + COUNT] = hits
            found[name + VALUE] = nw.col(f"staff_seen_{rule.id}")
        return found

    def _committee(self, entry: Committee) -> Columns:
        name, seats = row(entry.part, entry.id), nw.col(f"staff_seat_{entry.id}")
        found: Columns = {name: nw.when(seats >= entry.people).then(number(entry.points))}
        if self._detail:
            found[name + COUNT] = seats
        return found

    # Both

    def _persona(self, points: Expr, count: Expr | None, seen: Expr | None) -> Columns:
        name = row(Part.PERSONA, PERSONA)
        found: Columns = {name: nw.when(points != 0).then(points)}
        if self._detail and seen is not None:
            found[name + VALUE] = nw.when(points != 0).then(seen)
            if count is not None:
                found[name + COUNT] = count
        return found

    def _signal(self, timed: TimedSignal, positive: Expr, every: str | None) -> Columns:
        """`every`: the prefix of columns over all holders of an account."""
        signal, index, prefix = timed.signal, timed.index, every or ""
        name = row(signal.part, signal.id)
        if timed not in self._signals or (not every and signal.min_people > 1):
            return {name: number(None)}
        count = nw.col(f"{prefix}count_{index}")
        there = [count >= max(signal.min_count, 1)]
        if every and signal.min_people > 1:
            there.append(nw.col(f"staff_with_{index}") >= signal.min_people)
        if signal.alone:
            there.append(positive == 0)
        present = ex.every(there)
        kept = nw.col(f"{prefix}kept_{index}")
        kept = ex.limited_sign(kept, signal.account_cap) if every else kept
        found: Columns = {name: nw.when(present).then(kept)}
        if self._detail:
            times = count
            if signal.pick is not Pick.ALL:
                times = nw.col(f"all_holders_{index}") if every else number(1)
            raw, worth = times * signal.points, nw.col(f"{prefix}of_{index}")
            found[name + RAW] = nw.when(present).then(raw)
            found[name + DECAY] = nw.when(present).then(raw - worth)
            found[name + LIMIT] = nw.when(present).then(worth - kept)
            found[name + COUNT] = nw.when(present).then(count)
            found[name + LAST] = nw.when(present).then(nw.col(f"{prefix}last_{index}"))
        return found

    def _any_columns(self) -> list[str]:
        mine = {timed.index for timed in self._positive}
        return [
            f"any_{found.index}"
            for found in self._tallied.classes
            if any(timed.index in mine for timed in found.members)
        ]

    def _idle(self, read: Callable[[str], Expr]) -> Columns:
        idle = self._plan.model.idle
        if idle is None:
            return {}
        name, columns = row(idle.part, IDLE), self._any_columns()
        if not columns:
            return {name: number(None)}
        times = [read(column) for column in columns]
        last = times[0] if len(times) == 1 else nw.max_horizontal(*times)
        quiet = number(self._now) - last >= idle.after_days * DAY
        found: Columns = {name: nw.when(quiet).then(number(idle.points))}
        if self._detail:
            found[name + LAST] = nw.when(quiet).then(last)
        return found

    def _combined(self, frame: Lazy, found: Columns, entity: Entity) -> Rows:
        """With the rules that ask what fired."""
        points: dict[str, str] = {}
        parts: dict[str, Part] = {}
        for name in found:
            about = told(name)
            if about is not None:
                points[about.rule], parts[about.rule] = name, Part(about.part)
        columns = [name for name in found if ":" in name]
        asked = self._asked.with_rows(points)
        more: Columns = {}
        for rule in self._plan.subjects[entity].combined:
            name = row(rule.part, rule.id)
            fires = ex.holds(rule.when, asked)
            more[name] = nw.when(fires).then(number(rule.points))
            if self._detail:
                more[name + VALUE] = nw.when(fires).then(ex.shown(rule.when))
            points[rule.id], parts[rule.id] = name, rule.part
        if more:
            frame = ex.added(frame, more)
        asked = self._asked.with_rows(points)
        return Rows(frame, asked, points, parts, (*columns, *more))


def best_of_staff(people: Lazy, staff: Lazy) -> Lazy:
    """For each account how many of its people have the best persona, and the first of their texts."""
    best = staff.select("account_key", nw.col("staff_persona_points").alias("best"))
    texts = people.select("account_key", "persona_points", seen=ex.persona_text())
    top = texts.join(best, on="account_key", how="inner").filter(nw.col("persona_points") == nw.col("best"))
    return top.group_by("account_key").agg(
        ex.how_many(nw.col("persona_points")).alias("best_count"), nw.col("seen").min().alias("best_seen")
    )


def _column(name: str, frame: Lazy | None) -> Expr | None:
    return None if frame is None else nw.col(name)


def _sum(counts: Sequence[Expr]) -> Expr:
    found: Expr = nw.sum_horizontal(*counts).fill_null(0) if counts else number(0)
    return found
