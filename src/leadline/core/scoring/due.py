"""When a record must be looked at again if nothing else happens.

Scores are not monotone in time (gates, idleness, negative signals that fade), so the steps of every
event are walked in order, each applied as a difference, until the group or the score has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from typing import Any, TypeVar

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring import behaviour
from leadline.core.scoring.amounts import toward_zero as limit
from leadline.core.scoring.compile import subjects_of
from leadline.core.scoring.conduct import last_positive
from leadline.core.scoring.decay import Curve, idle_step, is_idle
from leadline.core.scoring.expressions import either, number
from leadline.core.scoring.facts import Facts, Scored
from leadline.core.scoring.groups import Place, assign
from leadline.core.scoring.model import CAP, DAY, FLOOR, IDLE, POINT, ROUNDING, Limits, Model, Part, Signal
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.subject import Evaluation

Out = TypeVar("Out")
_MOVING = (Part.INTENT.value, Part.NEGATIVE.value)  # parts that behaviour changes
_IDLE_STEP = -1  # in place of an event's number


@dataclass(frozen=True, slots=True)
class Counted:
    """An event inside the window of a signal (by its index); `holder` is a person, or None."""

    holder: str | None
    signal: int
    at: int


@dataclass(frozen=True, slots=True)
class Standing:
    """What the walk starts from.

    `fixed`: thousandths of intent and negative that do not come from behaviour. `dimensions`: whole
    points of everything that a group may look at. `functions`: of the account's people, for committees.
    """

    entity: Entity
    group: str
    score: int
    disqualified: bool
    dimensions: Mapping[str, int]
    fixed: Mapping[str, int]
    events: Sequence[Counted]
    last_positive: int | None = None
    functions: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(slots=True)
class _Cell:
    """One holder's events of one signal, as they are at the walk's instant."""

    moment: _Moment
    holder: str | None
    points: list[int] = field(default_factory=list)
    kept: int = 0


@dataclass(slots=True)
class _Moment:
    """One signal, as it is at the walk's instant. `given` is what the sums hold of it."""

    signal: Signal
    curve: Curve
    cap: int | None
    positive: bool
    cells: dict[str | None, _Cell] = field(default_factory=dict)
    count: int = 0
    kept: int = 0
    given: int = 0

    def refresh(self, cell: _Cell) -> None:
        """Take over the cell's points."""
        worth = max(cell.points, key=abs) if self.signal.once else sum(cell.points)
        kept = limit(worth, self.signal.cap)
        self.kept += kept - cell.kept
        cell.kept = kept

    def worth(self, *, silenced: bool) -> int:
        """Thousandths that the signal gives now; `silenced`: a positive signal counts."""
        if self.count < self.signal.min_count or (silenced and self.signal.alone):
            return 0
        return limit(self.kept, self.cap)


class Walk:
    """One record going through time from `now`. Every step is applied as a difference."""

    def __init__(self, plan: Plan, standing: Standing, now: int) -> None:
        self._plan, self._standing, self._now = plan, standing, now
        model = plan.model
        self._account = standing.entity is Entity.ACCOUNT
        self._committees = model.committee if self._account else ()
        self._limits = [(part, model.limits(Part(part))) for part in _MOVING]
        self._moments: dict[int, _Moment] = {}
        self._places: list[tuple[_Cell, int, int]] = []  # cell, position in it, time of the event
        self._lively: dict[str | None, int] = {}  # positive events that are worth something, by holder
        self._positive = 0  # counted events of positive signals
        self._committee_points = dict.fromkeys(_MOVING, 0)
        self._reseat = False  # somebody began or ceased to be engaged
        self._sums = dict(standing.fixed)
        for event in standing.events:
            self._place(event)
        for moment in self._moments.values():
            for cell in moment.cells.values():
                moment.refresh(cell)
        self._give(self._moments.values())
        self._seat_committees()
        last = standing.last_positive
        if model.idle and last is not None and is_idle(model.idle, last, now):
            self._sums[model.idle.part] += model.idle.points

    def _place(self, event: Counted) -> None:
        moment = self._moments.get(event.signal)
        if moment is None:
            timed = self._plan.signals[event.signal]
            cap = timed.signal.account_cap if self._account else None
            moment = self._moments[event.signal] = _Moment(timed.signal, timed.curve, cap, timed.positive)
        cell = moment.cells.get(event.holder)
        if cell is None:
            cell = moment.cells[event.holder] = _Cell(moment, event.holder)
        points = moment.curve.at(max(0, self._now - event.at) // DAY)
        self._places.append((cell, len(cell.points), event.at))
        cell.points.append(points)
        moment.count += 1
        if moment.positive:
            self._positive += 1
            self._lively[event.holder] = self._lively.get(event.holder, 0) + (points > 0)

    def next_change(self, reference: int, step: int, end: int, aged: int | None = None) -> int:
        """The first second after now, before `end`, at which the group changes or the score is `step` off; else `end`.

        From `aged` on, the score being off by anything is enough. `reference` and `step` are thousandths.
        """
        off = self._standing.score != reference
        heap = self._first_steps(end)
        before = self._parts()
        while heap:
            instant = heap[0][0]
            if off and aged is not None and instant > aged:
                return aged
            self._apply(heap, instant, end)
            parts = self._parts()
            if parts == before:
                continue
            before = parts
            score, dimensions = self._dimensions(parts)
            off = score != reference
            if abs(score - reference) >= step or self._moved(dimensions):
                return instant
            if off and aged is not None and instant >= aged:
                return instant
        return end if aged is None or not off else min(aged, end)

    def _moved(self, dimensions: Mapping[str, int]) -> bool:
        place = Place(dimensions, disqualified=self._standing.disqualified)
        return assign(self._plan.model, place, self._standing.group) != self._standing.group

    def _first_steps(self, end: int) -> list[tuple[int, int]]:
        heap = []
        for index, (cell, _, at) in enumerate(self._places):
            instant = cell.moment.curve.next_step(at, self._now)
            if instant is not None and instant < end:
                heap.append((instant, index))
        idle, last = self._plan.model.idle, self._standing.last_positive
        begins = idle_step(idle, last, self._now) if idle and last is not None else None
        if begins is not None and begins < end:
            heap.append((begins, _IDLE_STEP))
        heapify(heap)
        return heap

    def _apply(self, heap: list[tuple[int, int]], instant: int, end: int) -> None:
        """Take all steps of the instant; each event's next step joins the heap."""
        touched: list[_Cell] = []
        self._reseat, alone = False, self._positive > 0
        while heap and heap[0][0] == instant:
            index = heap[0][1]
            if index == _IDLE_STEP:
                self._grow_idle()
                heappop(heap)
                continue
            cell, position, at = self._places[index]
            self._age(cell, position, (instant - at) // DAY)
            touched.append(cell)
            following = cell.moment.curve.next_step(at, instant)
            if following is not None and following < end:
                heapreplace(heap, (following, index))
            else:
                heappop(heap)
        for cell in touched:
            cell.moment.refresh(cell)
        everything = alone != (self._positive > 0)
        self._give(self._moments.values() if everything else [cell.moment for cell in touched])
        if self._reseat and self._committees:
            self._seat_committees()

    def _age(self, cell: _Cell, position: int, day: int) -> None:
        """Bring one event to its age in whole days."""
        moment = cell.moment
        points = moment.curve.at(day)
        gone = day >= moment.signal.window_days
        moment.count -= gone
        if moment.positive:
            self._positive -= gone
            before = self._lively[cell.holder]
            self._lively[cell.holder] = after = before + (points > 0) - (cell.points[position] > 0)
            self._reseat |= (before > 0) != (after > 0)
        cell.points[position] = points

    def _give(self, moments: Iterable[_Moment]) -> None:
        silenced = self._positive > 0
        for moment in moments:
            worth = moment.worth(silenced=silenced)
            self._sums[moment.signal.part] += worth - moment.given
            moment.given = worth

    def _grow_idle(self) -> None:
        if self._plan.model.idle:
            self._sums[self._plan.model.idle.part] += self._plan.model.idle.points

    def _seat_committees(self) -> None:
        """Put the points of committees into the sums, in place of those that are there."""
        engaged = [holder for holder, count in self._lively.items() if count and holder is not None]
        functions = [self._standing.functions.get(holder) for holder in engaged]
        points = dict.fromkeys(_MOVING, 0)
        for entry in self._committees:
            count = sum(entry.functions is None or function in entry.functions for function in functions)
            if count >= entry.people:
                points[entry.part] += entry.points
        for part in _MOVING:
            self._sums[part] += points[part] - self._committee_points[part]
        self._committee_points = points

    def _parts(self) -> list[int]:
        """Intent and negative, limited and rounded."""
        return [_within(self._sums[part], limits) // POINT for part, limits in self._limits]

    def _dimensions(self, parts: Sequence[int]) -> tuple[int, dict[str, int]]:
        dimensions = dict(self._standing.dimensions) | dict(zip(_MOVING, parts, strict=True))
        total = POINT * sum(dimensions[part] for part in Part)
        score = _within(total, self._plan.model.total)
        dimensions["score"] = score // POINT
        return score, dimensions


def _within(value: int, limits: Limits) -> int:
    if limits.max is not None and value > limits.max * POINT:
        return limits.max * POINT
    if limits.min is not None and value < limits.min * POINT:
        return limits.min * POINT
    return value


def reference_score(score: int, pushed: int | None, step: int) -> int:
    """The score from which a move is measured: the pushed one, unless today's is a step off it already."""
    return score if pushed is None or abs(score - pushed) >= step else pushed


def next_due(plan: Plan, evaluation: Evaluation, now: int, *, pushed: int | None, n: int, horizon: int) -> int:
    """When the evaluated record next changes group or moves `n` points from `pushed` (thousandths).

    The answer lies after `now` and is at most `now + horizon` seconds.
    """
    subject = evaluation.subject
    moving = {timed.signal.id for timed in plan.signals} | _behaviour_rules(plan.model)
    fixed = dict.fromkeys(_MOVING, 0)
    for row in evaluation.ledger:
        if row.part in fixed and row.rule not in moving:
            fixed[row.part] += row.points
    dimensions = {name: points // POINT for name, points in evaluation.parts.items()}
    dimensions |= {"fit_max": evaluation.fit_max // POINT, "completeness": evaluation.completeness}
    standing = Standing(
        subject.entity,
        evaluation.group,
        evaluation.score,
        bool(evaluation.reasons),
        dimensions,
        fixed,
        [Counted(t.holder, t.timed.index, event.at) for t in evaluation.tallies for event in t.events],
        last_positive(plan, subject.events),
        {str(person["uid"]): person.get("function") for person in subject.people},
    )
    return _due(Walk(plan, standing, now), evaluation.score, pushed, n=n, end=now + horizon)


def _due(walk: Walk, score: int, pushed: int | None, *, n: int, end: int, aged: int | None = None) -> int:
    step = n * POINT
    return walk.next_change(reference_score(score, pushed, step), step, end, aged)


def _behaviour_rules(model: Model) -> set[str]:
    """Ledger rows of parts that the walk works out itself."""
    return {signal.id for signal in model.signals} | {c.id for c in model.committee} | {IDLE, CAP, FLOOR, ROUNDING}


# All records at once


def due_all(
    model: Model,
    facts: Facts[Out],
    scored: Scored[Out],
    now: int,
    *,
    pushed: Mapping[str, int],
    n: int,
    horizon_seconds: int,
    aged: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """`next_due` of every scored record, by uid. `scored` must come from these facts at `now`.

    `aged` gives instants after which a record is due as soon as its score is off by anything at all.
    """
    plan = compile_model(model)
    end = now + horizon_seconds
    ages = aged or {}
    standings = _Standings(plan, facts, scored, now, end)
    due: dict[str, int] = {}
    restless = set(standings.restless())
    for uid in standings.uids():
        score, old = standings.score(uid), ages.get(uid)
        if uid in restless:
            due[uid] = _due(Walk(plan, standings.of(uid), now), score, pushed.get(uid), n=n, end=end, aged=old)
        else:
            off = old is not None and reference_score(score, pushed.get(uid), n * POINT) != score
            due[uid] = min(old, end) if off and old is not None else end
    return due


class _Standings:
    """Starting points of all records, from frames."""

    def __init__(self, plan: Plan, facts: Facts[Out], scored: Scored[Out], now: int, end: int) -> None:
        self._plan, self._now, self._end = plan, now, end
        engine = facts.engine
        people = subjects_of(facts).people
        frames = [
            behaviour.counted_events(plan, facts, people, now),
            behaviour.last_positive(plan, facts, people, now),
            _fixed_sums(plan.model, scored.ledger),
            people.select("uid", "person_function"),
        ]
        events, lasts, fixed, functions = (engine.columns(frame) for frame in engine.collect(frames))
        self._scores = _rows_by_uid(engine.columns(scored.scores))
        self._fixed = _rows_by_uid(fixed)
        self._lasts = dict(zip(lasts["uid"], lasts["positive_at"], strict=True))
        self._functions = dict(zip(functions["uid"], functions["person_function"], strict=True))
        self._events: dict[str, list[Counted]] = {}
        self._moving: set[str] = set()
        for known, place, signal, at in zip(
            *(events[name] for name in ("known", "place", "signal", "at")), strict=True
        ):
            self._add(known, place, Counted(known, signal, at))

    def _add(self, known: str | None, place: str | None, event: Counted) -> None:
        step = self._plan.signals[event.signal].curve.next_step(event.at, self._now)
        moves = step is not None and step < self._end
        for uid in (known, place):
            if uid is not None:
                self._events.setdefault(uid, []).append(event)
                if moves:
                    self._moving.add(uid)

    def uids(self) -> Iterable[str]:
        """Every scored record."""
        return self._scores

    def score(self, uid: str) -> int:
        """The record's score, in thousandths."""
        return int(self._scores[uid]["score"])

    def restless(self) -> Iterable[str]:
        """Records on which something steps before the end."""
        idle = self._plan.model.idle
        quiet = set()
        if idle:
            begins = ((uid, idle_step(idle, last, self._now)) for uid, last in self._lasts.items())
            quiet = {uid for uid, instant in begins if instant is not None and instant < self._end}
        return (self._moving | quiet) & self._scores.keys()

    def of(self, uid: str) -> Standing:
        """Where the record stands."""
        row = self._scores[uid]
        fixed = self._fixed.get(uid, {})
        return Standing(
            Entity(row["entity"]),
            row["group"],
            row["score"],
            row["disqualified"],
            {name: row[name] // POINT for name in (*Part, "fit_max")} | {"completeness": row["completeness"]},
            {part: fixed.get(part, 0) for part in _MOVING},
            self._events.get(uid, ()),
            self._lasts.get(uid),
            self._functions,
        )


def _fixed_sums(model: Model, ledger: Any) -> nw.LazyFrame[Any]:
    rows = nw.from_native(ledger).lazy().filter(nw.col("part").is_in(list(_MOVING)))
    rows = rows.filter(~nw.col("rule").is_in(sorted(_behaviour_rules(model))))
    sums = {part: either(nw.col("part") == part, nw.col("points"), number(0)) for part in _MOVING}
    split: nw.LazyFrame[Any] = rows.select("uid", **sums).group_by("uid").agg(*[nw.col(part).sum() for part in _MOVING])
    return split


def _rows_by_uid(columns: Mapping[str, list[Any]]) -> dict[str, dict[str, Any]]:
    names = list(columns)
    rows = (dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return {row["uid"]: row for row in rows}
