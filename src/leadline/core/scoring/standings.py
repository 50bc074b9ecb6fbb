"""Where the records of whole tables stand, for walks from there. Records on which nothing steps are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring.book import sum_id
from leadline.core.scoring.course import Course, course_of
from leadline.core.scoring.expressions import number
from leadline.core.scoring.facts import Facts, Lazy, Scored
from leadline.core.scoring.holding import Holder, holding
from leadline.core.scoring.model import DAY, Part
from leadline.core.scoring.moments import Counted
from leadline.core.scoring.plan import SUBJECTS, Plan
from leadline.core.scoring.reading import account_read, person_read
from leadline.core.scoring.stillness import all_restless, behaviour, with_stillness, with_sums
from leadline.core.scoring.walk import Standing

Row = dict[str, Any]
_EVENT = {"kind": nw.String(), "asset_key": nw.String(), "signal": nw.Int64(), "days": nw.Int64()}
FEW = 10_000  # records: less are gone through one by one sooner than a plan for all of them is made
_BATCH = 20_000  # records whose events are Python objects at a time


@dataclass(frozen=True, slots=True)
class Push:
    """What was pushed, by uid: scores (thousandths), and the instant from which a push is old.

    A score that is less than `step` off the pushed one is measured from there.
    """

    scores: Mapping[str, int]
    aged: Mapping[str, int]
    step: int

    def reference(self, uid: str, score: int) -> int:
        """The score from which a move is measured."""
        return reference_score(score, self.scores.get(uid), self.step)


def reference_score(score: int, pushed: int | None, step: int) -> int:
    """The score from which a move is measured: the pushed one, unless today's is a step off it already."""
    return score if pushed is None or abs(score - pushed) >= step else pushed


@dataclass(frozen=True, slots=True)
class Placed:
    """A record to which something may happen, and what can move there."""

    uid: str
    course: Course
    standing: Standing


class Standings:
    """Starting points of all records, from frames. `scored` must come from these facts at `now`.

    `still` are the uids to which nothing can happen; among less than `few` records they are not looked for.
    """

    def __init__(
        self, plan: Plan, facts: Facts[Any], scored: Scored[Any], now: int, push: Push, *, few: int = FEW
    ) -> None:
        self._plan, self._facts, self._now, self._push = plan, facts, now, push
        self._courses = {(each.segment, kind): course_of(each, kind) for each in plan.every() for kind in SUBJECTS}
        self._apart = {name for course in self._courses.values() for name in _asked_for(course)}
        self._ledger: Lazy = nw.from_native(scored.ledger).lazy()
        self._scores: Lazy = nw.from_native(scored.scores).lazy()
        self.still, self._restless = self._split(few)

    def _split(self, few: int) -> tuple[list[str], dict[str, list[Any]]]:
        """The uids to which nothing can happen, and the rows of all others."""
        engine, push = self._facts.engine, self._push
        (eager,) = engine.collect([self._scores.select("uid", "score")])
        known = engine.columns(eager)
        pairs = list(zip(known["uid"], known["score"], strict=True))
        given = {
            "uid": known["uid"],
            "reference": [push.reference(uid, score) for uid, score in pairs],
            "aged": [push.aged.get(uid) for uid in known["uid"]],
        }
        pushed = engine.constant(given, {"uid": nw.String(), "reference": nw.Int64(), "aged": nw.Int64()})
        found = with_sums(self._scores.join(pushed, on="uid", how="inner"), self._plan, self._ledger, self._apart)
        if len(pairs) < few:
            found = all_restless(found)
        else:
            found = with_stillness(engine.share(found), self._courses, push.step)
        plain = [f"plain_{part}" for part in Part]
        kept = ("uid", "entity", "segment", "group", "score", "fit_max", "completeness", "disqualified", "flags")
        still, restless = engine.collect(
            [
                found.filter(nw.col("still")).select("uid"),
                found.filter(~nw.col("still")).select(*kept, *plain),
            ]
        )
        return engine.columns(still)["uid"], engine.columns(restless)

    def restless(self) -> Iterator[Placed]:
        """The other records, in any order."""
        names, uids = list(self._restless), self._restless["uid"]
        numbers: Lazy = self._facts.engine.constant(
            {"uid": uids, "record": list(range(len(uids)))}, {"uid": nw.String(), "record": nw.Int64()}
        )
        events, rows = self._gathered(numbers)
        for start in range(0, len(uids), _BATCH):
            mine = _between(events, start, start + _BATCH)
            happened = _by_record(self._rows(mine, "record", "at", "signal", "known"), Counted._make)
            told = _by_record(self._rows(_between(rows, start, start + _BATCH), "record", "rule", "points"), tuple)
            columns = [self._restless[name][start : start + _BATCH] for name in names]
            for place, values in enumerate(zip(*columns, strict=True), start):
                row = dict(zip(names, values, strict=True))
                yield self._placed(row, happened.get(place, []), dict(told.get(place, ())))

    def _gathered(self, numbers: Lazy) -> tuple[Lazy, Lazy]:
        """Events that count and rows that stand for themselves, by the number of the record; worked out."""
        share, events = self._facts.engine.share, _matched(self._plan, self._facts)
        counted = events.filter(nw.col("at") > number(self._now) - nw.col("days") * DAY)
        both = [
            counted.join(numbers, left_on=name, right_on="uid", how="inner").select("record", "at", "signal", "known")
            for name in ("known", "place")
        ]
        rows = self._ledger.filter(nw.col("rule").is_in(sorted(self._apart - behaviour(self._plan))))
        told = rows.join(numbers, on="uid", how="inner").select("record", "rule", "points")
        return share(nw.concat(both)), share(told)

    def _rows(self, frame: Lazy, *names: str) -> Iterable[tuple[Any, ...]]:
        engine = self._facts.engine
        (found,) = engine.collect([frame.select(*names)])
        columns = engine.columns(found)
        return zip(*(columns[name] for name in names), strict=True)

    def _placed(self, row: Row, events: Sequence[Counted], rows: dict[str, int]) -> Placed:
        uid = row["uid"]
        course = self._courses[row["segment"], Entity(row["entity"])]
        rows = {name: points for name, points in rows.items() if name in course.slots}
        rows |= {sum_id(part): row[f"plain_{part}"] for part in Part}
        holder = self._holder(uid, course.entity) if course.reads_facts else None
        out = row["disqualified"]
        if out and course.exits and holder:
            out = any(holding(course.settled_exits, holder, ()))
        standing = Standing(
            group=row["group"],
            since=self._since(uid, row),
            score=row["score"],
            completeness=row["completeness"],
            fit_max=row["fit_max"],
            rows=rows,
            events=events,
            last_positive=self._last_positive(uid, course.plan),
            functions=self._functions,
            flags=row["flags"].split(";") if row["flags"] else (),
            out=out,
            holder=holder,
        )
        return Placed(uid, course, standing)

    def _last_positive(self, uid: str, plan: Plan) -> int | None:
        if plan.model.idle is None:
            return None
        times = self._lasts.get(uid, {})
        return max((times[t.index] for t in plan.signals if t.positive and t.index in times), default=None)

    @cached_property
    def _lasts(self) -> dict[str, dict[int, int]]:
        """By record and signal, the time of its last event, however long ago."""
        found: dict[str, dict[int, int]] = {}
        events = self._facts.engine.share(_matched(self._plan, self._facts))
        for name in ("known", "place"):
            last = events.filter(~nw.col(name).is_null()).group_by(name, "signal").agg(nw.col("at").max())
            for uid, signal, at in self._rows(last, name, "signal", "at"):
                found.setdefault(uid, {})[signal] = at
        return found

    def _since(self, uid: str, row: Row) -> int | None:
        if not any(each.model.minimum_stay_days for each in self._plan.every()):
            return None
        previous, since = self._before.get(uid, (None, None))
        return since if previous == row["group"] else self._now

    def _holder(self, uid: str, entity: Entity) -> Holder:
        accounts, people, staff = self._records
        if entity is Entity.ACCOUNT:
            account = accounts[uid]
            reads = [person_read(person, account) for person in staff.get(uid, ())]
            return Holder(entity, account_read(account), reads, self._now)
        read = person_read(people[uid], accounts.get(people[uid]["account"]))
        return Holder(entity, read, [read], self._now)

    @cached_property
    def _functions(self) -> dict[str, str | None]:
        if not any(each.model.committee for each in self._plan.every()):
            return {}
        return dict(self._rows(nw.from_native(self._facts.people).lazy(), "uid", "function"))

    @cached_property
    def _before(self) -> dict[str, tuple[str | None, int | None]]:
        found = {}
        for frame in (self._facts.accounts, self._facts.people):
            rows = self._rows(nw.from_native(frame).lazy(), "uid", "previous_group", "group_since")
            found.update({uid: (group, since) for uid, group, since in rows})
        return found

    @cached_property
    def _records(self) -> tuple[dict[str, Row], dict[str, Row], dict[str, list[Row]]]:
        """Facts of accounts, of people, and the people of each account."""
        engine = self._facts.engine
        frames = [nw.from_native(frame).lazy() for frame in (self._facts.accounts, self._facts.people)]
        accounts, people = (_by_uid(engine.columns(frame)) for frame in engine.collect(frames))
        staff: dict[str, list[Row]] = {}
        for person in people.values():
            if person["account"] in accounts:
                staff.setdefault(person["account"], []).append(person)
            else:
                person["account"] = None
        return accounts, people, staff


def _asked_for(course: Course) -> set[str]:
    """The ids whose rows stand for themselves: somebody asks about them, they change, or a cap is on them."""
    capped = {name for cap in course.caps for name in (cap.cap.id, *cap.of)}
    return {*course.watched, *capped, *(rule.id for rule in (*course.dated, *course.combined))}


def _between(frame: Lazy, low: int, high: int) -> Lazy:
    return frame.filter((nw.col("record") >= low) & (nw.col("record") < high))


def _by_record(rows: Iterable[tuple[Any, ...]], make: Callable[[Iterable[Any]], Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for record, *rest in rows:
        found.setdefault(record, []).append(make(rest))
    return found


def _matched(plan: Plan, facts: Facts[Any]) -> Lazy:
    """Events of any signal: known (person or null), place (account or null), signal (index), days (window), at."""
    signals = plan.all_signals()
    kinds = sorted({kind for timed in signals for kind in timed.signal.kinds})
    asset_kinds = sorted({kind for timed in signals if timed.signal.assets for kind in timed.signal.kinds})
    events: Lazy = nw.from_native(facts.events).lazy().filter(nw.col("kind").is_in(kinds))
    named = nw.col("kind").is_in(asset_kinds) & ~nw.col("asset").is_null()
    key = nw.when(named).then(nw.col("asset")).otherwise(nw.lit("", nw.String()))
    keyed = events.select("person", "account", "kind", "at", asset_key=key)
    pairs = {(kind, "") for kind in kinds}
    if asset_kinds:
        (frame,) = facts.engine.collect([keyed.select("kind", "asset_key").unique()])
        columns = facts.engine.columns(frame)
        pairs.update(zip(columns["kind"], columns["asset_key"], strict=True))
    rows = [
        (kind, asset, timed.index, timed.signal.window_days)
        for kind, asset in sorted(pairs)
        for timed in signals
        if timed.matches(kind, asset)
    ]
    table = {name: [row[place] for row in rows] for place, name in enumerate(_EVENT)}
    found = keyed.join(facts.engine.constant(table, _EVENT), on=["kind", "asset_key"], how="inner")
    return _located(found, facts).select("known", "place", "signal", "days", "at")


def _located(events: Lazy, facts: Facts[Any]) -> Lazy:
    """Adds known (the person, if there is such a row) and place (their account, else the account given)."""
    accounts: Lazy = nw.from_native(facts.accounts).lazy().select("uid", place=nw.col("uid"))
    people: Lazy = nw.from_native(facts.people).lazy().select("uid", "account", known=nw.col("uid"))
    known = people.rename({"account": "home"})
    found = events.join(known, left_on="person", right_on="uid", how="left")
    home = nw.when(nw.col("known").is_null()).then(nw.col("account")).otherwise(nw.col("home"))
    return found.with_columns(home=home).join(accounts, left_on="home", right_on="uid", how="left")


def _by_uid(columns: Mapping[str, list[Any]]) -> dict[str, Row]:
    names = list(columns)
    rows = (dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return {row["uid"]: row for row in rows}
