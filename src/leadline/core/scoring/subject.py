"""One record: the facts behind it, and what scoring makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline.core.entities import Entity
from leadline.core.scoring.model import Pick
from leadline.core.scoring.plan import TimedSignal


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `uid` names the activity's record."""

    kind: str
    at: int
    person: str | None = None
    account: str | None = None
    asset: str | None = None
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The facts behind one record.

    `account` is the account itself or the person's (None when there is none); `people` are an
    account's people, or the one person. `events` are theirs, and those of the account alone.
    Every mapping has `uid` and fields of `core.entities`. `previous_group` is where the record stands, since
    `group_since` (seconds; None when that is not known).
    """

    entity: Entity
    uid: str
    account: Mapping[str, Any] | None
    people: tuple[Mapping[str, Any], ...] = ()
    events: tuple[Event, ...] = ()
    previous_group: str | None = None
    group_since: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One contribution. points = raw_points - lost_to_decay - lost_to_cap, all in thousandths.

    `count` is how many events or people stand behind it; `last_at` the last event's time.
    """

    rule: str
    part: str
    points: int
    raw_points: int
    lost_to_decay: int = 0
    lost_to_cap: int = 0
    count: int = 1
    last_at: int | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """The counted events of one signal by one holder (a person's uid; None: nobody known)."""

    timed: TimedSignal
    holder: str | None
    events: tuple[Event, ...]
    points: tuple[int, ...]  # of each event, decayed

    @property
    def picked(self) -> int | None:
        """The position of the only event that gives points; None when all do. Events of one time are worth the same."""
        places = range(len(self.events))
        pick = self.timed.signal.pick
        if pick is Pick.STRONGEST:
            return max(places, key=lambda place: abs(self.points[place]))
        if pick is Pick.FIRST:
            return min(places, key=lambda place: self.events[place].at)
        if pick is Pick.LAST:
            return max(places, key=lambda place: self.events[place].at)
        return None

    @property
    def worth(self) -> int:
        """Thousandths before caps."""
        picked = self.picked
        return sum(self.points) if picked is None else self.points[picked]

    @property
    def raw(self) -> int:
        """Thousandths had nothing aged."""
        return self.timed.signal.points * (len(self.events) if self.timed.signal.pick is Pick.ALL else 1)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A scored record. The ledger's points sum to `score`. Points are thousandths.

    `fired` are the ids that have a row in the ledger, `flags` those of the flags that are up, `segment` the
    segment by which it was scored ("" for none). `score_min` and `score_max` are what missing facts leave open.
    """

    subject: Subject
    segment: str
    score: int
    score_min: int
    score_max: int
    parts: Mapping[str, int]
    fit_max: int
    completeness: int
    missing: tuple[str, ...]
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    fired: frozenset[str]
    group: str
    ledger: tuple[LedgerRow, ...]
    tallies: tuple[Tally, ...] = field(default=())
