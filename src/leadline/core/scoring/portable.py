"""What scoring needs from an engine, in constructs that all engines have. An engine may know faster ways."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.scoring.facts import Cell, Gather, Lazy, Schema


class Portable(ABC):
    """Base of engines."""

    @abstractmethod
    def constant(self, columns: Mapping[str, Sequence[Any]], schema: Schema) -> Lazy:
        """A small frame of these values."""

    def number(self, frame: Lazy) -> Lazy:
        """With the uid as `key`."""
        return frame.with_columns(key=nw.col("uid"))

    def tally(self, events: Lazy, cells: Sequence[Cell], people: Lazy, accounts: Lazy) -> tuple[Lazy, Lazy]:
        """One grouping by uid, which is unique over both, with conditional aggregates per cell."""
        known = people.select("uid", known=nw.col("uid"))
        places = accounts.select("uid", place=nw.col("uid"))
        found = events.join(known, left_on="person", right_on="uid", how="left")
        found = found.join(places, left_on="account", right_on="uid", how="left")
        holder = nw.when(nw.col("known").is_null()).then(nw.col("place")).otherwise(nw.col("known"))
        found = found.with_columns(holder=holder).filter(~nw.col("holder").is_null())
        tally = found.group_by("holder").agg(*[_gathered(cell).alias(cell.name) for cell in cells])
        return tally, tally

    def beside(self, frame: Lazy, tally: Lazy) -> Lazy:
        """A join by uid."""
        return frame.join(tally, left_on="uid", right_on="holder", how="left")

    def translate(self, frame: Lazy, column: str, name: str, words: Sequence[str]) -> Lazy:
        """A join with the words."""
        place = f"{name}_place"
        columns: dict[str, Sequence[Any]] = {place: range(len(words)), name: words}
        small = self.constant(columns, {place: nw.Int64(), name: nw.String()})
        return frame.join(small, left_on=column, right_on=place, how="left")

    def stack(self, frame: Lazy, rows: Sequence[Mapping[str, nw.Expr]]) -> Lazy:
        """One selection per entry."""
        return nw.concat([frame.select(**row).filter(~nw.col("points").is_null()) for row in rows])


def _gathered(cell: Cell) -> nw.Expr:
    value = nw.when(nw.col("event_class") == cell.event_class).then(nw.col(cell.of))
    match cell.how:
        case Gather.SUM:
            return value.sum()
        case Gather.LOWEST:
            return value.min()
        case Gather.HIGHEST:
            return value.max()
        case Gather.COUNT:
            return value.count().cast(nw.Int64())
