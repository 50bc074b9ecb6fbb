"""Where the records of whole tables stand, for walks from there. Records on which nothing steps are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring.course import Course, course_of
from leadline.core.scoring.decay import idle_step, stay_step
from leadline.core.scoring.facts import Facts, Lazy, Scored
from leadline.core.scoring.groups import stay_ends
from leadline.core.scoring.holding import Holder, holding
from leadline.core.scoring.model import DAY, IDLE
from leadline.core.scoring.moments import Counted
from leadline.core.scoring.plan import SUBJECTS, Plan
from leadline.core.scoring.reading import account_read, person_read
from leadline.core.scoring.vocabulary import ADJUSTMENTS
from leadline.core.scoring.walk import Standing

Row = dict[str, Any]
_EVENT = {"kind": nw.String(), "asset_key": nw.String(), "signal": nw.Int64(), "days": nw.Int64()}


@dataclass(frozen=True, slots=True)
class Placed:
    """A record on which something may step, and what can move there."""

    uid: str
    course: Course
    standing: Standing


class Standings:
    """Starting points of all records, from frames. `scored` must come from these facts at `now`."""

    def __init__(self, plan: Plan, facts: Facts[Any], scored: Scored[Any], now: int, end: int) -> None:
        self._plan, self._facts, self._now, self._end = plan, facts, now, end
        self._courses = {
            (each.segment, entity): course_of(each, entity) for each in plan.every() for entity in SUBJECTS
        }
        self._reads_facts = any(course.reads_facts for course in self._courses.values())
        self._scored = scored
        events = _matched(plan, facts)
        counted = events.filter(nw.col("at") > number_of(now) - nw.col("days") * DAY)
        self._events: dict[str, list[Counted]] = {}
        for at, signal, known, place in self._rows(counted, "at", "signal", "known", "place"):
            event = Counted(at, signal, known)
            for uid in (known, place):
                if uid is not None:
                    self._events.setdefault(uid, []).append(event)
        self._lasts = self._last_times(events)

    def _rows(self, frame: Lazy, *names: str) -> Iterable[tuple[Any, ...]]:
        engine = self._facts.engine
        (found,) = engine.collect([frame.select(*names)])
        columns = engine.columns(found)
        return zip(*(columns[name] for name in names), strict=True)

    def _last_times(self, events: Lazy) -> dict[str, dict[int, int]]:
        """By record and signal, the time of its last event, however long ago; for models with idleness."""
        found: dict[str, dict[int, int]] = {}
        if any(each.model.idle for each in self._plan.every()):
            for name in ("known", "place"):
                last = events.filter(~nw.col(name).is_null()).group_by(name, "signal").agg(nw.col("at").max())
                for uid, signal, at in self._rows(last, name, "signal", "at"):
                    found.setdefault(uid, {})[signal] = at
        return found

    def scores(self) -> Mapping[str, int]:
        """Score of every record, in thousandths."""
        return {uid: row["score"] for uid, row in self._scores.items()}

    @cached_property
    def _scores(self) -> dict[str, Row]:
        engine = self._facts.engine
        return _by_uid(engine.columns(self._scored.scores))

    def restless(self) -> Iterator[Placed]:
        """Records on which something may step before the end, in any order."""
        for uid, row in self._scores.items():
            course = self._courses[row.get("segment", ""), Entity(row["entity"])]
            last = self._last_positive(uid, course.plan)
            since = self._since(uid, row)
            if uid in self._events or self._steps(course, last, since) or course.reads_facts:
                yield Placed(uid, course, self._standing(uid, row, course, last, since))

    def _steps(self, course: Course, last: int | None, since: int | None) -> bool:
        model = course.plan.model
        steps = [
            idle_step(model.idle, last, self._now) if model.idle and last is not None else None,
            stay_step(stay_ends(model, since), self._now) if since is not None else None,
        ]
        return any(step is not None and step < self._end for step in steps)

    def _last_positive(self, uid: str, plan: Plan) -> int | None:
        times = self._lasts.get(uid)
        if times is None or plan.model.idle is None:
            return None
        return max((times[t.index] for t in plan.signals if t.positive and t.index in times), default=None)

    def _since(self, uid: str, row: Row) -> int | None:
        if not any(each.model.minimum_stay_days for each in self._plan.every()):
            return None
        previous, since = self._before.get(uid, (None, None))
        return since if previous == row["group"] else self._now

    def _standing(self, uid: str, row: Row, course: Course, last: int | None, since: int | None) -> Standing:
        holder = self._holder(uid, course.entity) if course.reads_facts else None
        out = row["disqualified"]
        if out and course.exits and holder:
            out = any(holding(course.settled_exits, holder, ()))
        return Standing(
            group=row["group"],
            since=since,
            score=row["score"],
            completeness=row["completeness"],
            fit_max=row["fit_max"],
            rows=self._fixed.get(uid, {}),
            events=self._events.get(uid, ()),
            last_positive=last,
            functions=self._functions,
            flags=row["flags"].split(";") if row.get("flags") else (),
            out=out,
            holder=holder,
        )

    def _holder(self, uid: str, entity: Entity) -> Holder:
        accounts, people, staff = self._records
        if entity is Entity.ACCOUNT:
            account = accounts[uid]
            reads = [person_read(person, account) for person in staff.get(uid, ())]
            return Holder(entity, account_read(account), reads, self._now)
        read = person_read(people[uid], accounts.get(people[uid]["account"]))
        return Holder(entity, read, [read], self._now)

    @cached_property
    def _fixed(self) -> dict[str, dict[str, int]]:
        """Points by record and id of rows that no event makes."""
        every = self._plan.every()
        ours = {timed.signal.id for timed in self._plan.all_signals()} | {IDLE, *ADJUSTMENTS}
        ours |= {entry.id for each in every for entry in (*each.model.committee, *each.model.caps)}
        rows: Lazy = nw.from_native(self._scored.ledger).lazy().filter(~nw.col("rule").is_in(sorted(ours)))
        found: dict[str, dict[str, int]] = {}
        for uid, rule, points in self._rows(rows, "uid", "rule", "points"):
            found.setdefault(uid, {})[rule] = points
        return found

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


def number_of(value: int) -> nw.Expr:
    """A constant."""
    return nw.lit(value, nw.Int64())


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
