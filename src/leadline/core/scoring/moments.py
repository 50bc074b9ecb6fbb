"""What somebody did, as it ages: signals, idleness and committees of one record, kept up step by step.

Every step is applied as a difference; what comes of it goes into the record's book.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from leadline.core.entities import Entity
from leadline.core.scoring.amounts import toward_zero
from leadline.core.scoring.book import Book
from leadline.core.scoring.conduct import members
from leadline.core.scoring.decay import Curve
from leadline.core.scoring.model import DAY, IDLE, Model, Pick
from leadline.core.scoring.plan import Plan, TimedSignal


class Counted(NamedTuple):
    """An event inside the window of a signal (by its index); `holder` is a person, or None."""

    at: int
    signal: int
    holder: str | None


@dataclass(slots=True)
class _Cell:
    """One holder's events of one signal, oldest first; as all have one window, the oldest leave first."""

    moment: _Moment
    holder: str | None
    ats: list[int] = field(default_factory=list)
    points: list[int] = field(default_factory=list)
    gone: int = 0
    kept: int = 0

    def worth(self) -> int:
        """Thousandths before caps."""
        left = self.points[self.gone :]
        pick = self.moment.timed.signal.pick
        if not left or pick is Pick.ALL:
            return sum(left)
        if pick is Pick.STRONGEST:
            return max(left, key=abs)
        return left[0] if pick is Pick.FIRST else left[-1]


@dataclass(slots=True)
class _Moment:
    """One signal, as it is at the walk's instant. `people` are those with a counting event."""

    timed: TimedSignal
    curve: Curve
    account_cap: int | None
    cells: dict[str | None, _Cell] = field(default_factory=dict)
    count: int = 0
    people: int = 0
    kept: int = 0

    def refresh(self, cell: _Cell) -> None:
        """Take over the cell's points."""
        kept = toward_zero(cell.worth(), self.timed.signal.cap)
        self.kept += kept - cell.kept
        cell.kept = kept

    def points(self, *, silenced: bool) -> int | None:
        """Thousandths that the signal gives now, None when it is not there; `silenced`: a positive signal counts."""
        signal = self.timed.signal
        if not self.count or self.count < signal.min_count or (silenced and signal.alone):
            return None
        if signal.min_people > 1 and self.people < signal.min_people:
            return None
        return toward_zero(self.kept, self.account_cap)


class Moments:
    """The behaviour behind one record from `now` on. `functions`: of an account's people, by uid."""

    def __init__(
        self, plan: Plan, entity: Entity, events: Iterable[Counted], functions: Mapping[str, str | None], book: Book
    ) -> None:
        self._model: Model = plan.model
        self._account = entity is Entity.ACCOUNT
        self._committees = plan.model.committee if self._account else ()
        self._functions, self._book = functions, book
        self._timed = {timed.index: timed for timed in plan.signals}
        self._moments: dict[int, _Moment] = {}
        self._places: list[tuple[_Cell, int]] = []  # cell, position in it
        self._lively: dict[str | None, int] = {}  # positive events that are worth something, by holder
        self._positive = 0  # counted events of positive signals
        self._reseat = True  # somebody began or ceased to be engaged
        self._touched: list[_Cell] = []
        self._silenced = False
        for at, signal, holder in sorted(events, key=itemgetter(0)):
            self._place(at, signal, holder)

    def _place(self, at: int, signal: int, holder: str | None) -> None:
        timed = self._timed.get(signal)
        if timed is None:  # of another segment
            return
        moment = self._moments.get(signal)
        if moment is None:
            cap = timed.signal.account_cap if self._account else None
            moment = self._moments[signal] = _Moment(timed, timed.curve, cap)
        cell = moment.cells.get(holder)
        if cell is None:
            cell = moment.cells[holder] = _Cell(moment, holder)
            moment.people += holder is not None
        self._places.append((cell, len(cell.ats)))
        cell.ats.append(at)
        cell.points.append(0)
        moment.count += 1
        if timed.positive:
            self._positive += 1
            self._lively.setdefault(holder, 0)

    def begin(self, now: int) -> list[tuple[int, int]]:
        """Bring everything to `now`: (instant, number) of the first step of each event that has one."""
        steps = []
        for number in range(len(self._places)):
            instant = self.age(number, now)
            if instant is not None:
                steps.append((instant, number))
        for moment in self._moments.values():
            for cell in moment.cells.values():
                moment.refresh(cell)
        self._touched = []
        self._silenced = self._positive > 0
        self._give(self._moments.values())
        self.seat()
        return steps

    def age(self, number: int, instant: int) -> int | None:
        """Bring one event to its age at the instant; when it changes next."""
        cell, position = self._places[number]
        moment, at = cell.moment, cell.ats[position]
        day = max(0, instant - at) // DAY
        points, before = moment.curve.at(day), cell.points[position]
        if day >= len(moment.curve.points):
            self._leave(cell)
        if moment.timed.positive and (points > 0) != (before > 0):
            self._enliven(cell.holder, 1 if points > 0 else -1)
        cell.points[position] = points
        self._touched.append(cell)
        return moment.curve.next_step(at, instant)

    def _leave(self, cell: _Cell) -> None:
        moment = cell.moment
        cell.gone += 1
        moment.count -= 1
        moment.people -= cell.holder is not None and cell.gone == len(cell.ats)
        self._positive -= moment.timed.positive

    def _enliven(self, holder: str | None, step: int) -> None:
        before = self._lively[holder]
        self._lively[holder] = after = before + step
        self._reseat |= (before > 0) != (after > 0)

    def settle(self) -> bool:
        """Put what aged since the last time into the book; whether somebody began or ceased to be engaged."""
        for cell in self._touched:
            cell.moment.refresh(cell)
        silenced = self._positive > 0
        everything, self._silenced = silenced != self._silenced, silenced
        self._give(self._moments.values() if everything else [cell.moment for cell in self._touched])
        self._touched = []
        reseated, self._reseat = self._reseat, False
        if reseated:
            self.seat()
        return reseated

    def _give(self, moments: Iterable[_Moment]) -> None:
        for moment in moments:
            self._book.put(moment.timed.signal.id, moment.points(silenced=self._silenced))

    def grow_idle(self) -> None:
        """From now on nothing has happened for too long."""
        if self._model.idle:
            self._book.put(IDLE, self._model.idle.points)

    def engaged(self) -> Sequence[str | None]:
        """The functions of the people who are engaged."""
        return [self._functions.get(holder) for holder, count in self._lively.items() if count and holder is not None]

    def seat(self) -> None:
        """Put the points of committees into the book."""
        self._reseat = False
        if not self._committees:
            return
        functions = self.engaged()
        for entry in self._committees:
            enough = members(entry, functions) >= entry.people
            self._book.put(entry.id, entry.points if enough else None)
