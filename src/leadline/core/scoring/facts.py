"""What scoring reads and gives, as frames, and what it needs from the engine that runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

import narwhals.stable.v2 as nw

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.scoring.digest import Digest

Out = TypeVar("Out")
Lazy = nw.LazyFrame[Any]
Schema = Mapping[str, Any]

_TYPES = {
    Kind.TEXT: nw.String(), Kind.ENUM: nw.String(), Kind.LINK: nw.String(), Kind.INTEGER: nw.Int64(),
    Kind.TIME: nw.Int64(), Kind.BOOLEAN: nw.Boolean(), Kind.LIST: nw.List(nw.String()),
}  # fmt: skip


class Gather(StrEnum):
    """How the values of one holder become one."""

    SUM = "sum"
    LOWEST = "min"
    HIGHEST = "max"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of a tally: `of`, over the holder's rows of one class. Nulls are left out."""

    name: str
    of: str
    event_class: int
    how: Gather


class Engine(Protocol[Out]):
    """Where frames run. `Out` is its eager frame. `frames.Portable` has ways that every engine knows."""

    def constant(self, columns: Mapping[str, Sequence[Any]], schema: Schema) -> Lazy:
        """A small frame of these values."""
        ...

    def collect(self, frames: Sequence[Lazy]) -> list[Out]:
        """Run all plans, sharing what they share."""
        ...

    def share(self, frame: Lazy) -> Lazy:
        """The same frame, to be worked out once however often it is used."""
        ...

    def columns(self, frame: Out) -> dict[str, list[Any]]:
        """The values of an eager frame."""
        ...

    def number(self, frame: Lazy) -> Lazy:
        """The frame with `key`, which tells its rows apart; it has `uid`, which does too."""
        ...

    def tally(self, events: Lazy, cells: Sequence[Cell], people: Lazy, accounts: Lazy) -> tuple[Lazy, Lazy]:
        """What people did, and what nobody known did for accounts, each for `beside`: a column per cell.

        Events have the uids `person` and `account`, either null or naming a row that does not exist. Where there are
        no values in a cell, it is null; sums and counts may be 0.
        """
        ...

    def beside(self, frame: Lazy, tally: Lazy) -> Lazy:
        """The frame, which has `uid`, with the columns of its tally; null where there is nothing."""
        ...

    def translate(self, frame: Lazy, column: str, name: str, words: Sequence[str]) -> Lazy:
        """Adds `name`: the word at the place `column` (from 0; never null)."""
        ...

    def stack(self, frame: Lazy, rows: Sequence[Mapping[str, nw.Expr]]) -> Lazy:
        """One row per row of the frame and entry of `rows`, where `points` is not null. Entries have one shape."""
        ...

    def digest(self, lines: Lazy) -> Digest:
        """The digest of records by their lines (uid, line): sorted by their bytes, with line breaks between."""
        ...


@dataclass(frozen=True, slots=True)
class Facts(Generic[Out]):
    """Everything that is known, as native frames (eager or lazy) of one engine.

    accounts: `uid`, the scored fields of `Entity.ACCOUNT`, `previous_group` and `group_since` (seconds). people:
    one row per human, `uid`, the scored fields of `Entity.PERSON` (`account` is an account's uid), the same two.
    events: `person`, `account`, `kind`, `asset`, `at`; uids of rows above, or null. Row order does not matter, but
    a lazy frame must give its rows in the same order each time; uids are unique over both tables.
    """

    accounts: Any
    people: Any
    events: Any
    engine: Engine[Out]


@dataclass(frozen=True, slots=True)
class Scored(Generic[Out]):
    """Scores and their explanation; the columns are `SCORES` and `LEDGER`. Row order is not defined.

    Over the rows of one uid, `points` of the ledger sum to its `score`, exactly.
    """

    scores: Out
    ledger: Out


# Scores and parts in thousandths; completeness in percent; texts joined by ';'; segment "" for none.
SCORES: Schema = {
    "uid": nw.String(), "entity": nw.String(), "segment": nw.String(), "score": nw.Int64(), "score_min": nw.Int64(),
    "score_max": nw.Int64(), "fit": nw.Int64(), "fit_max": nw.Int64(), "persona": nw.Int64(), "intent": nw.Int64(),
    "readiness": nw.Int64(), "negative": nw.Int64(), "completeness": nw.Int64(), "missing_fields": nw.String(),
    "flags": nw.String(), "disqualified": nw.Boolean(), "disqualify_reasons": nw.String(), "group": nw.String(),
}  # fmt: skip
# points = raw_points - lost_to_decay - lost_to_cap, in thousandths; last_at in seconds.
LEDGER: Schema = {
    "uid": nw.String(), "rule": nw.String(), "part": nw.String(), "points": nw.Int64(), "raw_points": nw.Int64(),
    "lost_to_decay": nw.Int64(), "lost_to_cap": nw.Int64(), "count": nw.Int64(), "last_at": nw.Int64(),
    "value": nw.String(),
}  # fmt: skip
EVENTS: Schema = {
    "person": nw.String(), "account": nw.String(), "kind": nw.String(), "asset": nw.String(), "at": nw.Int64(),
}  # fmt: skip


def subject_schema(entity: Entity) -> Schema:
    """Columns of `Facts.accounts` or `Facts.people`."""
    scored = {field.name: _TYPES[field.kind] for field in FIELDS[entity] if field.scored}
    return {"uid": nw.String(), **scored, "previous_group": nw.String(), "group_since": nw.Int64()}
