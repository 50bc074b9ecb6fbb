"""What scoring needs from an engine, in constructs that all engines have. An engine may know faster ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.scoring.expressions import added
from leadline.core.scoring.facts import Cell, Gather, Lazy, Schema


class Portable:
    """Base of engines."""

    def constant(self, columns: Mapping[str, Sequence[Any]], schema: Schema) -> Lazy:
        """A small frame of these values."""
        raise NotImplementedError

    def number(self, people: Lazy, accounts: Lazy) -> tuple[Lazy, Lazy]:
        """Both with `key`: their uids, which are unique over both."""
        key = nw.col("uid").alias("key")
        return people.with_columns(key), accounts.with_columns(key)

    def link(self, frame: Lazy, column: str, to: Lazy, name: str) -> Lazy:
        """A join by uid."""
        return frame.join(to.select("uid", nw.col("key").alias(name)), left_on=column, right_on="uid", how="left")

    def tally(self, events: Lazy, cells: Sequence[Cell], *, keys: Sequence[Lazy]) -> list[Lazy]:
        """One grouping, with conditional aggregates per cell; engines differ on sums of nothing."""
        found = events.group_by("holder").agg(*[value.alias(name) for cell in cells for name, value in _gathered(cell)])
        sums = [cell.name for cell in cells if cell.how is Gather.SUM]
        counted = {name: nw.when(nw.col(f"{name}_n") > 0).then(nw.col(name)) for name in sums}
        tally = added(found, counted).select("holder", *[cell.name for cell in cells])
        return [tally] * len(keys)

    def translate(self, frame: Lazy, column: str, name: str, words: Sequence[str]) -> Lazy:
        """A join with the words."""
        place = f"{name}_place"
        columns: dict[str, Sequence[Any]] = {place: range(len(words)), name: words}
        small = self.constant(columns, {place: nw.Int64(), name: nw.String()})
        return frame.join(small, left_on=column, right_on=place, how="left")

    def stack(self, frame: Lazy, rows: Sequence[Mapping[str, nw.Expr]]) -> Lazy:
        """One selection per entry."""
        return nw.concat([frame.select(**row).filter(~nw.col("points").is_null()) for row in rows])


def _gathered(cell: Cell) -> list[tuple[str, nw.Expr]]:
    value = nw.when(nw.col("event_class") == cell.event_class).then(nw.col(cell.of))
    count = value.count().cast(nw.Int64())
    match cell.how:
        case Gather.SUM:
            return [(cell.name, value.sum()), (f"{cell.name}_n", count)]
        case Gather.LOWEST:
            return [(cell.name, value.min())]
        case Gather.HIGHEST:
            return [(cell.name, value.max())]
        case Gather.COUNT:
            return [(cell.name, count)]
