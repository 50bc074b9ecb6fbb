"""Records on which everything only fades: whole stretches of time are passed over that can change nothing.

Where no rule asks for days or for what fired, every row of behaviour moves one way for good: signals fade, people cease
to be engaged, idleness comes once. Between two instants each row therefore lies between what it is at both. If no
score and no group outside of what is asked for lies in that box, nothing happens in between. Else the
stretch is halved, down to one that is walked step by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leadline.core.scoring.amounts import toward_zero, whole, within
from leadline.core.scoring.conduct import members
from leadline.core.scoring.course import Course
from leadline.core.scoring.decay import is_idle
from leadline.core.scoring.groups import stay_ends
from leadline.core.scoring.ladder import PLACES, Box
from leadline.core.scoring.model import DAY, IDLE, POINT, Pick
from leadline.core.scoring.plan import TimedSignal
from leadline.core.scoring.walk import Standing, State, Walk

_GRAIN = DAY // 2  # stretches of this many seconds are walked: each event steps once in them at most
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows of behaviour at an instant: thousandths (0 where there is none), and which watched ids are there."""

    at: int
    points: tuple[int, ...]
    present: frozenset[str]


class Glide:
    """One such record from `now` on."""

    def __init__(self, course: Course, standing: Standing, now: int) -> None:
        self._course, self._standing, self.now = course, standing, now
        self._model = course.plan.model
        self._seen: dict[int, Snapshot] = {}
        self._signals = _cells(course, standing)
        self._committees = self._model.committee if course.of_account else ()
        ids = [timed.signal.id for timed, _ in self._signals] + [entry.id for entry in self._committees]
        ids += [IDLE] if self._model.idle else []
        self._slots = [course.slots[name] for name in ids]
        self._static, self._static_caps = [0] * len(course.bounds), [0] * len(course.caps)
        for name, points in standing.rows.items():
            place, cap = course.slots[name]
            if cap is None:
                self._static[place] += points
            else:
                self._static_caps[cap] += points
        self._fixed = course.watched & {*standing.rows, *standing.flags}

    def first(self, start: Snapshot, end: int, *, reference: int, step: int | None) -> State | None:
        """The first instant after the snapshot and before `end` at which the group differs, or (with `step`) the score
        is so far off `reference`.
        """
        last = end - 1
        if last <= start.at:
            return None
        stretches = [(start, self.at(last))]
        while stretches:
            before, after = stretches.pop()
            if self._quiet(before, after, reference, step):
                continue
            if after.at - before.at <= _GRAIN:
                for state in Walk(self._course, self._standing, before.at).states(after.at + 1):
                    if state.group != self._standing.group or (
                        step is not None and abs(state.score - reference) >= step
                    ):
                        return state
                continue
            middle = self.at((before.at + after.at) // 2)
            stretches += [(middle, after), (before, middle)]
        return None

    # What it is at an instant

    def at(self, instant: int) -> Snapshot:
        """The rows of behaviour at an instant; each is worked out once."""
        found = self._seen.get(instant)
        if found is None:
            found = self._seen[instant] = self._look(instant)
        return found

    def _look(self, instant: int) -> Snapshot:
        points: list[int] = []
        present = []
        for timed, cells in self._signals:
            worth = _worth(timed, cells, instant, of_account=self._course.of_account)
            points.append(worth or 0)
            if worth is not None:
                present.append(timed.signal.id)
        if self._committees:
            functions = self._engaged(instant)
            for entry in self._committees:
                enough = members(entry, functions) >= entry.people
                points.append(entry.points if enough else 0)
                present += [entry.id] * enough
        idle, last = self._model.idle, self._standing.last_positive
        if idle:
            quiet = last is not None and is_idle(idle, last, instant)
            points.append(idle.points if quiet else 0)
            present += [IDLE] * quiet
        return Snapshot(instant, tuple(points), frozenset(present) & self._course.watched)

    def _engaged(self, instant: int) -> list[str | None]:
        found = set()
        for timed, cells in self._signals:
            if timed.positive:
                points = timed.curve.points
                for holder, ats in cells:
                    day = (instant - ats[0]) // DAY
                    if holder is not None and day < len(points) and points[max(day, 0)] > 0:
                        found.add(holder)
        return [self._standing.functions.get(holder) for holder in found]

    def score(self, snapshot: Snapshot) -> int:
        """The score at an instant, in thousandths."""
        return self._box(snapshot, snapshot).lowest

    # What lies between two

    def _quiet(self, before: Snapshot, after: Snapshot, reference: int, step: int | None) -> bool:
        if before.present != after.present:
            return False
        box = self._box(before, after)
        if step is not None and (box.highest - reference >= step or reference - box.lowest >= step):
            return False
        return self._standing.out or self._stays(box, after.at)

    def _box(self, before: Snapshot, after: Snapshot) -> Box:
        low, high = list(self._static), list(self._static)
        low_caps, high_caps = list(self._static_caps), list(self._static_caps)
        for (place, cap), one, other in zip(self._slots, before.points, after.points, strict=True):
            least, most = (one, other) if one < other else (other, one)
            if cap is None:
                low[place] += least
                high[place] += most
            else:
                low_caps[cap] += least
                high_caps[cap] += most
        for number, cap_plan in enumerate(self._course.caps):
            place = PLACES[cap_plan.part]
            low[place] += within(low_caps[number], cap_plan.cap)
            high[place] += within(high_caps[number], cap_plan.cap)
        lowest, lows = self._finished(low)
        highest, highs = self._finished(high)
        return Box(lows, highs, lowest, highest, self._fixed | before.present)

    def _finished(self, sums: Sequence[int]) -> tuple[int, list[int]]:
        """The score, and every dimension in whole points."""
        dimensions, entering = [], 0
        for (low, high, weight), value in zip(self._course.bounds, sums, strict=True):
            points = (high if value > high else low if value < low else value) // POINT
            dimensions.append(points)
            entering += points * POINT * weight // _PERCENT
        score = whole(within(entering, self._model.total))
        dimensions += (score // POINT, self._standing.fit_max // POINT, self._standing.completeness)
        return score, dimensions

    def _stays(self, box: Box, until: int) -> bool:
        """Whether every record in the box is in the group of today."""
        ladder = self._course.ladders.get(self._standing.group)
        if ladder is None or not all(entry.fails(box) for entry in ladder.better):
            return False
        since = self._standing.since
        if since is not None and until < stay_ends(self._model, since):
            return True
        return any(entry.holds(box, self._model.hysteresis) for entry in ladder.mine)


_Cells = list[tuple[str | None, list[int]]]


def _cells(course: Course, standing: Standing) -> list[tuple[TimedSignal, _Cells]]:
    """By signal and holder the times of the events, newest first."""
    found: dict[int, dict[str | None, list[int]]] = {}
    for at, signal, holder in sorted(standing.events, reverse=True, key=lambda event: event[0]):
        found.setdefault(signal, {}).setdefault(holder, []).append(at)
    return [(timed, list(found[timed.index].items())) for timed in course.plan.signals if timed.index in found]


def _worth(timed: TimedSignal, cells: _Cells, instant: int, *, of_account: bool) -> int | None:
    """Thousandths that a signal gives, None when it is not there. Of what fades, the newest event is the strongest."""
    signal, points = timed.signal, timed.curve.points
    size, every, cap = len(points), signal.pick is Pick.ALL, signal.cap
    total = count = people = 0
    for holder, ats in cells:
        kept = number = 0
        for at in ats:
            day = (instant - at) // DAY
            if day >= size:
                break
            if every or not number:
                kept += points[day if day > 0 else 0]
            number += 1
        if number:
            count += number
            people += holder is not None
            total += toward_zero(kept, cap)
    if not count or count < signal.min_count or (signal.min_people > 1 and people < signal.min_people):
        return None
    return toward_zero(total, signal.account_cap if of_account else None)
