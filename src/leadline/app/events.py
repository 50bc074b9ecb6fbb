"""One dataclass per thing that happens in a run; progress bars, log lines and counters come from these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from leadline.core.scoring.digest import Digest
from leadline.sdk.errors import LeadlineError
from leadline.sdk.ports import CallMade


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage began; `total` units are expected, None when nobody can know."""

    stage: str
    connection: str = ""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class PageStored:
    """A page was read and stored: `records` came, `stored` differed from our copy, `news` concern scoring.

    `unplaced` values no transform or value map knew.
    """

    connection: str
    object: str
    records: int
    stored: int
    news: int
    unplaced: int = 0


@dataclass(frozen=True, slots=True)
class ObjectRead:
    """One object of one connection was read to its end."""

    connection: str
    object: str


@dataclass(frozen=True, slots=True)
class NoticesHandled:
    """Records that webhooks had named were fetched and stored."""

    connection: str
    object: str
    records: int


@dataclass(frozen=True, slots=True)
class NoticesIgnored:
    """Records that webhooks had named were left alone: the mapping does not read their objects."""

    connection: str
    records: int


@dataclass(frozen=True, slots=True)
class ChunkScored:
    """Subjects were scored and decided: `crossed` changed group, `planned` effects were put in the outbox.

    `marks` is how many of the marked records, the stage's total, are seen to with it; `digest` that of their scores.
    """

    clusters: int
    subjects: int
    crossed: int
    planned: int
    marks: int = 0
    digest: Digest = field(default_factory=Digest)


@dataclass(frozen=True, slots=True)
class Crossed:
    """One record changed group, and what follows from it."""

    uid: str
    name: str
    was: str | None
    group: str
    score: int
    action: str


@dataclass(frozen=True, slots=True)
class BatchPushed:
    """A batch was pushed; `outcomes` counts rows by how they ended."""

    connection: str
    kind: str
    rows: int
    outcomes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The run waits, and why."""

    connection: str
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class ConnectionFailed:
    """One connection could not go on; the others do. `error` is what stopped it."""

    connection: str
    stage: str
    error: LeadlineError

    @property
    def message(self) -> str:
        """The error in one line."""
        return str(self.error)


Event: TypeAlias = (
    StageStarted
    | PageStored
    | ObjectRead
    | NoticesHandled
    | NoticesIgnored
    | ChunkScored
    | Crossed
    | BatchPushed
    | Waiting
    | ConnectionFailed
    | CallMade
)
Listener: TypeAlias = Callable[[Event], None]
