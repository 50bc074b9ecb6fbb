"""Records on which everything only fades: whole stretches of time are passed over that can change nothing.

Where no rule asks for days or for what fired, every row of behaviour moves one way for good: signals fade, people cease
to be engaged, idleness comes once. Between two instants each row therefore lies between what it is at both. If no
score and no group outside of what is asked for lies in that box, nothing happens in between. Else the
stretch is halved, down to the instants at which something steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leadline.core.scoring.amounts import toward_zero, whole, within
from leadline.core.scoring.conduct import members
from leadline.core.scoring.course import Course
from leadline.core.scoring.decay import is_idle
from leadline.core.scoring.groups import Place, assign, stay_ends
from leadline.core.scoring.ladder import PLACES, Box
from leadline.core.scoring.model import DAY, IDLE, POINT, Pick
from leadline.core.scoring.plan import TimedSignal
from leadline.core.scoring.walk import Standing, State

_GRAIN = DAY // 2  # seconds: in less than a day each event steps once at most
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows of behaviour at an instant: thousandths (0 where there is none), and which watched ids are there."""

    at: int
    points: tuple[int, ...]
    present: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for besides another group: a score so far off (thousandths)."""

    reference: int
    step: int | None


class Glide:
    """One such record from `now` on."""

    def __init__(self, course: Course, standing: Standing, now: int) -> None:
        self._course, self._standing, self.now = course, standing, now
        self._model = course.plan.model
        self._seen: dict[int, Snapshot] = {}
        self._corners: dict[tuple[int, ...], tuple[int, list[int]]] = {}
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
        asked = _Asked(reference, step)
        stretches = [(start, self.at(last))]
        while stretches:
            before, after = stretches.pop()
            if self._quiet(before, after, asked):
                continue
            if after.at - before.at > _GRAIN:
                middle = self.at((before.at + after.at) // 2)
                stretches += [(middle, after), (before, middle)]
                continue
            found = self._among(before, self._instants(before.at, after.at), asked)
            if found:
                return found
        return None

    def _among(self, before: Snapshot, instants: Sequence[int], asked: _Asked) -> State | None:
        """The first of these instants at which it is so. Nothing changes between them."""
        if len(instants) < 2:
            state = self._state(self.at(instants[0])) if instants else None
            return state if state and self._ends(state, asked) else None
        half = len(instants) // 2
        middle, last = self.at(instants[half - 1]), self.at(instants[-1])
        found = None if self._quiet(before, middle, asked) else self._among(before, instants[:half], asked)
        if found or self._quiet(middle, last, asked):
            return found
        return self._among(middle, instants[half:], asked)

    def _ends(self, state: State, asked: _Asked) -> bool:
        off = asked.step is not None and abs(state.score - asked.reference) >= asked.step
        return off or state.group != self._standing.group

    def _instants(self, low: int, high: int) -> list[int]:
        """When anything may step in (low, high], which is less than a day."""
        found = {
            at + (max(low - at, 0) // DAY + 1) * DAY for _, cells in self._signals for _, ats in cells for at in ats
        }
        if self._model.idle and self._standing.last_positive is not None:
            found.add(self._standing.last_positive + self._model.idle.after_days * DAY)
        if self._standing.since is not None:
            found.add(stay_ends(self._model, self._standing.since))
        return sorted(instant for instant in found if low < instant <= high)

    def _state(self, snapshot: Snapshot) -> State:
        score, values = self._corner(snapshot.points)
        dimensions = dict(zip(PLACES, values, strict=True))
        place = Place(dimensions, self._fixed | snapshot.present, disqualified=self._standing.out)
        since, at = self._standing.since, snapshot.at
        return State(at, score, assign(self._model, place, self._standing.group, since=since, now=at))

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
        return self._corner(snapshot.points)[0]

    # What lies between two

    def _quiet(self, before: Snapshot, after: Snapshot, asked: _Asked) -> bool:
        if before.present != after.present:
            return False
        box = self._box(before, after)
        reference, step = asked.reference, asked.step
        if step is not None and (box.highest - reference >= step or reference - box.lowest >= step):
            return False
        return self._standing.out or self._stays(box, after.at)

    def _box(self, before: Snapshot, after: Snapshot) -> Box:
        """Its corners are mostly the snapshots themselves, so that each is worked out once."""
        lowest, lows = self._corner(tuple(map(min, before.points, after.points)))
        highest, highs = self._corner(tuple(map(max, before.points, after.points)))
        return Box(lows, highs, lowest, highest, self._fixed | before.present)

    def _corner(self, points: tuple[int, ...]) -> tuple[int, list[int]]:
        """The score, and every dimension in whole points."""
        found = self._corners.get(points)
        if found is None:
            found = self._corners[points] = self._finished(self._sums(points))
        return found

    def _sums(self, points: Sequence[int]) -> list[int]:
        sums = list(self._static)
        if not self._course.caps:
            for (place, _), value in zip(self._slots, points, strict=True):
                sums[place] += value
            return sums
        capped = list(self._static_caps)
        for (place, cap), value in zip(self._slots, points, strict=True):
            if cap is None:
                sums[place] += value
            else:
                capped[cap] += value
        for value, cap_plan in zip(capped, self._course.caps, strict=True):
            sums[PLACES[cap_plan.part]] += within(value, cap_plan.cap)
        return sums

    def _finished(self, sums: Sequence[int]) -> tuple[int, list[int]]:
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
