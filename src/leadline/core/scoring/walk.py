"""One record going through time: the instants at which its score or group may differ, in order.

Scores are not monotone in time (gates, idleness, negative signals that fade, conditions that ask for days), so
the steps of everything that moves are taken one by one. What ages is applied as a difference; what asks
about it is asked again only when something that it names came or went, or an edge of its own has passed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heapreplace

from leadline.core.scoring.amounts import whole, within
from leadline.core.scoring.book import Book
from leadline.core.scoring.course import Course, edges
from leadline.core.scoring.decay import idle_step, is_idle, stay_step
from leadline.core.scoring.groups import Place, assign, stay_ends
from leadline.core.scoring.holding import Holder, holding
from leadline.core.scoring.model import POINT, Part
from leadline.core.scoring.moments import Counted, Moments
from leadline.core.scoring.reaching import Reaching
from leadline.core.scoring.rules import Conditional

_IDLE_STEP, _STAY_STEP, _ENTRIES = -1, -2, -3  # in place of an event's number; entries count down from the last
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """What a walk starts from. Points are thousandths.

    `rows`: points by the id of what fired, signals, idleness and committees left out. `events` are those that count.
    `functions`: of the account's people, by uid. `flags` that are up. `out`: disqualified by what does not move.
    `holder` may be left out where the course reads no facts.
    """

    group: str
    since: int | None
    score: int
    completeness: int
    fit_max: int
    rows: Mapping[str, int]
    events: Sequence[Counted]
    last_positive: int | None = None
    functions: Mapping[str, str | None] = field(default_factory=dict)
    flags: Collection[str] = ()
    out: bool = False
    holder: Holder | None = None


@dataclass(frozen=True, slots=True)
class State:
    """Score (thousandths) and group from `at` on."""

    at: int
    score: int
    group: str


class Walk:
    """One record from `now` on."""

    def __init__(self, course: Course, standing: Standing, now: int) -> None:
        self._course, self._standing, self._now = course, standing, now
        self._model = course.plan.model
        self._book = Book(course.plan, course.entity, course.watched)
        for name, points in standing.rows.items():
            self._book.put(name, points)
        self._moments = Moments(course.plan, course.entity, standing.events, standing.functions, self._book)
        self._first = self._moments.begin(now)
        last, idle = standing.last_positive, self._model.idle
        if idle and last is not None and is_idle(idle, last, now):
            self._moments.grow_idle()
        self._asking: tuple[Conditional, ...] = (*course.dated, *course.combined, *course.exits, *course.flags)
        self._flags = set(standing.flags)
        self._out = standing.out
        self._spans: tuple[Mapping[Part, int], Mapping[Part, int]] = ({}, {})
        self._ask_others(now)
        self._book.turned = False

    # What comes when

    def states(self, end: int) -> Iterator[State]:
        """What the record comes to at every instant after now and before `end` at which that may differ."""
        heap = self._heap(end)
        before: list[int] | None = self._parts()
        while heap:
            instant = heap[0][0]
            turned = self._apply(heap, instant, end)
            parts = self._parts()
            if turned or parts != before:
                before = parts
                yield self._state(instant, parts)

    def _heap(self, end: int) -> list[tuple[int, int]]:
        heap = [step for step in self._first if step[0] < end]
        others = [(self._next(_ENTRIES - number, self._now), _ENTRIES - number) for number in range(len(self._asking))]
        others += [(self._next(key, self._now), key) for key in (_IDLE_STEP, _STAY_STEP)]
        heap += [(instant, key) for instant, key in others if instant is not None and instant < end]
        heapify(heap)
        return heap

    def _next(self, key: int, now: int) -> int | None:
        """The next step of something other than an event."""
        standing = self._standing
        if key == _IDLE_STEP:
            idle, last = self._model.idle, standing.last_positive
            return idle_step(idle, last, now) if idle and last is not None else None
        if key == _STAY_STEP:
            return stay_step(stay_ends(self._model, standing.since), now) if standing.since is not None else None
        entry = self._asking[_ENTRIES - key]
        asked = standing.holder.asked(entry) if standing.holder else ()
        return min((edge for read in asked for edge in edges(entry.when, read, now)), default=None)

    def _apply(self, heap: list[tuple[int, int]], instant: int, end: int) -> bool:
        """Take all steps of the instant; whether more may have changed than the parts."""
        passed: list[int] = []
        while heap and heap[0][0] == instant:
            key = heap[0][1]
            if key >= 0:
                following = self._moments.age(key, instant)
            else:
                passed.append(key)
                following = self._next(key, instant)
            if following is not None and following < end:
                heapreplace(heap, (following, key))
            else:
                heappop(heap)
        if _IDLE_STEP in passed:
            self._moments.grow_idle()
        reseated = self._moments.settle()
        return self._ask(instant, passed, reseated=reseated)

    # What asks about other things

    def _ask(self, instant: int, passed: Sequence[int], *, reseated: bool) -> bool:
        book, course = self._book, self._course
        if passed and course.dated:
            holder = self._holder(instant)
            for rule in course.dated:
                so = any(rule.when.holds(read, instant) for read in holder.asked(rule))
                book.put(rule.id, rule.points if so else None)
        if not (passed or book.turned or (reseated and course.interval)):
            return False
        self._ask_others(instant)
        book.turned = False
        return True

    def _ask_others(self, instant: int) -> None:
        """Rules that ask what fired; then flags, disqualifications and what missing facts leave open."""
        course, book = self._course, self._book
        if not course.reads_facts:
            return
        holder = self._holder(instant)
        for rule in course.combined:
            book.put(rule.id, rule.points if rule.when.holds(holder.own, instant, book.points) else None)
        self._flags.difference_update(flag.id for flag in course.flags)
        self._flags.update(flag.id for flag in holding(course.flags, holder, book.points))
        self._out = self._standing.out or any(holding(course.exits, holder, book.points))
        if course.interval:
            self._spans = Reaching(course.plan, holder, self._moments.engaged()).spans(book.points)

    def _holder(self, instant: int) -> Holder:
        if self._standing.holder is None:
            raise ValueError("a walk whose course reads facts needs them")
        return replace(self._standing.holder, now=instant)

    # What it comes to

    def _parts(self) -> list[int]:
        """Every part, limited and rounded."""
        sums = self._book.sums
        return [whole(within(sums[part], limits)) for part, limits, _ in self._course.limits]

    def _score(self, parts: Sequence[int]) -> int:
        weights = self._course.limits
        entering = sum(value * weight // _PERCENT for value, (_, _, weight) in zip(parts, weights, strict=True))
        return whole(within(entering, self._model.total))

    def _state(self, instant: int, parts: Sequence[int]) -> State:
        score = self._score(parts)
        dimensions = {
            part.value: value // POINT for (part, _, _), value in zip(self._course.limits, parts, strict=True)
        }
        dimensions |= {"score": score // POINT, "completeness": self._standing.completeness}
        dimensions |= self._reach()
        place = Place(dimensions, {*self._book.points, *self._flags}, disqualified=self._out)
        standing = self._standing
        return State(instant, score, assign(self._model, place, standing.group, since=standing.since, now=instant))

    def _reach(self) -> dict[str, int]:
        if not self._course.interval:
            return {"fit_max": self._standing.fit_max // POINT}
        gains, losses = self._spans
        sums, limits = self._book.sums, self._course.limits
        high = [whole(within(sums[part] + gains[part], given)) for part, given, _ in limits]
        low = [whole(within(sums[part] + losses[part], given)) for part, given, _ in limits]
        fit_max = next(value for value, (part, _, _) in zip(high, limits, strict=True) if part is Part.FIT)
        return {
            "fit_max": fit_max // POINT,
            "score_min": self._score(low) // POINT,
            "score_max": self._score(high) // POINT,
        }
