"""Scoring on this machine: Polars, all plans of a call run together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from leadline.core.entities import Entity
from leadline.core.scoring.canonical import BREAK
from leadline.core.scoring.digest import Digest, of_messages
from leadline.core.scoring.facts import EVENTS, Facts, Lazy, Schema, subject_schema
from leadline.core.scoring.portable import Portable

Row = Mapping[str, Any]


class LocalEngine(Portable):
    """Polars in this process. Digests hold so many lines in memory at once, or those of one record."""

    def __init__(self, lines_at_once: int = 1_000_000) -> None:
        self._lines_at_once = lines_at_once

    def constant(self, columns: Mapping[str, Sequence[Any]], schema: Schema) -> Lazy:
        """A small frame of these values."""
        return _lazy(pl.LazyFrame(columns, schema=native_schema(schema)))

    def collect(self, frames: Sequence[Lazy]) -> list[pl.DataFrame]:
        """Run all plans at once; what they share is computed once."""
        return pl.collect_all([frame.to_native() for frame in frames])

    def share(self, frame: Lazy) -> Lazy:
        """The frame, worked out now: Polars finds shared parts of large plans too late or not at all."""
        return _lazy(frame.to_native().collect().lazy())

    def number(self, frame: Lazy) -> Lazy:
        """With the place of the row as `key`."""
        return _lazy(frame.to_native().with_row_index("key"))

    def translate(self, frame: Lazy, column: str, name: str, words: Sequence[str]) -> Lazy:
        """A cast of numbers to words."""
        return _lazy(frame.to_native().with_columns(worded(column, words).cast(pl.String).alias(name)))

    def columns(self, frame: pl.DataFrame) -> dict[str, list[Any]]:
        """The frame's values as Python lists."""
        return frame.to_dict(as_series=False)

    def digest(self, lines: Lazy) -> Digest:
        """By shares of the records, so that not all lines are in memory at once."""
        native: pl.LazyFrame = lines.to_native()
        rows = native.select(pl.len()).collect().item()
        shares = 1 + rows // self._lines_at_once
        share = pl.col("uid").hash() % shares
        message = pl.col("line").list.sort().list.join(BREAK)  # faster than to sort within the grouping
        total = Digest()
        for number in range(shares):
            found = native.filter(share == number).group_by("uid").agg("line").select(message).collect()
            total += of_messages(text.encode() for text in found["line"])
        return total


ENGINE = LocalEngine()


def facts(accounts: Iterable[Row], people: Iterable[Row], events: Iterable[Row]) -> Facts[pl.DataFrame]:
    """Facts from rows; keys that a row does not have are missing facts, other keys are left out."""
    return from_frames(
        pl.DataFrame(list(accounts), schema=account_schema()),
        pl.DataFrame(list(people), schema=person_schema()),
        pl.DataFrame(list(events), schema=event_schema()),
    )


def from_frames(accounts: pl.DataFrame, people: pl.DataFrame, events: pl.DataFrame) -> Facts[pl.DataFrame]:
    """Facts from Polars frames with the columns of `account_schema` and its siblings."""
    return Facts(accounts.lazy(), people.lazy(), events.lazy(), ENGINE)


def account_schema() -> dict[str, pl.DataType]:
    """Columns of the frame of accounts."""
    return native_schema(subject_schema(Entity.ACCOUNT))


def person_schema() -> dict[str, pl.DataType]:
    """Columns of the frame of people."""
    return native_schema(subject_schema(Entity.PERSON))


def event_schema() -> dict[str, pl.DataType]:
    """Columns of the frame of events."""
    return native_schema(EVENTS)


def worded(column: str, words: Sequence[str]) -> pl.Expr:
    """The words at these places, as numbers that stand for them."""
    number = pl.col(column).cast(pl.UInt32)
    distinct = {word: place for place, word in enumerate(dict.fromkeys(words))}
    if len(distinct) < len(words):
        places = [distinct[word] for word in words]
        number = number.replace_strict(range(len(words)), places, default=None, return_dtype=pl.UInt32)
    return number.cat.to(pl.Enum(list(distinct)))


def _lazy(native: pl.LazyFrame) -> Lazy:
    frame: Lazy = nw.from_native(native)
    return frame


def native_schema(schema: Schema) -> dict[str, pl.DataType]:
    """Types of Polars for a schema."""
    kinds: dict[Any, pl.DataType] = {
        nw.String(): pl.String(),
        nw.Int64(): pl.Int64(),
        nw.Boolean(): pl.Boolean(),
        nw.List(nw.String()): pl.List(pl.String()),
    }
    return {name: kinds[kind] for name, kind in schema.items()}
