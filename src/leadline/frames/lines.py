"""Facts and events as lines of text, and back: what the store keeps of a cluster for scoring.

Comma-separated values, because nothing is read faster into frames, and every database and eye can read them. A line
of facts is: how many events the record has, its uid, and the scored fields of its entity in their order. A line of an
event is kind, asset and time. A missing fact is nothing between two commas, an empty text is quoted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl

from leadline.core.entities import FIELDS, Entity, Kind

_KINDS: Mapping[Kind, pl.DataType] = {
    Kind.TEXT: pl.String(), Kind.ENUM: pl.String(), Kind.LINK: pl.String(), Kind.INTEGER: pl.Int64(),
    Kind.TIME: pl.Int64(), Kind.BOOLEAN: pl.Boolean(), Kind.LIST: pl.String(),
}  # fmt: skip
_EVENT: dict[str, pl.DataType] = {"kind": pl.String(), "asset": pl.String(), "at": pl.Int64()}
COUNT = "events"
"""The column of a record's number of events."""
_BETWEEN = "\x1f"  # of the words of a list: no word holds the separator of units


def names(entity: Entity) -> list[str]:
    """The facts of a line, behind the number of events and the uid."""
    return [field.name for field in FIELDS[entity] if field.scored]


def _schema(entity: Entity) -> dict[str, pl.DataType]:
    facts = {field.name: _KINDS[field.kind] for field in FIELDS[entity] if field.scored}
    return {COUNT: pl.Int64(), "uid": pl.String(), **facts}


def store_schema(entity: Entity) -> dict[str, pl.DataType]:
    """Columns of rows of the store: uid and facts, lists as their JSON."""
    return {name: kind for name, kind in _schema(entity).items() if name != COUNT}


def lists(entity: Entity) -> list[str]:
    """The facts that are lists."""
    return [field.name for field in FIELDS[entity] if field.scored and field.kind is Kind.LIST]


def _layout() -> str:
    told = [[(field.name, field.kind.value) for field in FIELDS[e] if field.scored] for e in Entity]
    return hashlib.blake2b(repr(told).encode(), digest_size=6).hexdigest()


LAYOUT = _layout()
"""Names the facts of a line and their order."""


def fact_lines(frame: pl.DataFrame, entity: Entity) -> pl.Series:
    """A line per row of `frame`: `events` (a count), uid, and the facts."""
    joined = {name: pl.col(name).list.join(_BETWEEN) for name in lists(entity)}
    # An empty list is a missing fact.
    ready = frame.with_columns(pl.when(text != "").then(text).alias(name) for name, text in joined.items())
    return ready.select(_line(_schema(entity))).to_series()


def event_lines(events: pl.DataFrame) -> pl.Series:
    """A line per event."""
    return events.select(_line(_EVENT)).to_series()


def _line(schema: Mapping[str, pl.DataType]) -> pl.Expr:
    cells = (_text(name) if kind == pl.String() else pl.col(name).cast(pl.String) for name, kind in schema.items())
    return pl.concat_str(*(cell.fill_null("") for cell in cells), separator=",") + "\n"


def _text(name: str) -> pl.Expr:
    text = pl.col(name)
    quoted = '"' + text.str.replace_all('"', '""', literal=True) + '"'
    return pl.when(text.str.contains(r'[",\r\n]') | (text == "")).then(quoted).otherwise(text)


def read_facts(text: str, entity: Entity) -> pl.DataFrame:
    """The rows of such lines: `events` (a count), uid, facts."""
    frame = _read(text, _schema(entity))
    return frame.with_columns(pl.col(name).str.split(_BETWEEN) for name in lists(entity))


def read_events(text: str) -> pl.DataFrame:
    """The rows of lines of events."""
    return _read(text, _EVENT)


def _read(text: str, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    if not text:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(text.encode(), has_header=False, schema=schema)


def owners_of(facts: pl.DataFrame) -> pl.Series:
    """The uid behind each event, where events stand in the order of the records that have them."""
    busy = facts.filter(pl.col(COUNT) > 0)  # nothing repeated no times would come out as a missing uid
    return busy.select(pl.col("uid").repeat_by(COUNT).explode()).to_series()
