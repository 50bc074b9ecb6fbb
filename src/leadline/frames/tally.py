"""Tallies of events on Polars: a sum per holder and class, laid out as one column per class and value."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from leadline.core.scoring.facts import Cell, Gather


def tally(events: pl.LazyFrame, cells: Sequence[Cell], sizes: Sequence[int]) -> list[pl.DataFrame]:
    """One row per holder with `holder` and the cells, in a frame for each range of holders.

    Events have `holder`, `event_class` and what cells are of; holders are numbered from 0, the ranges have `sizes`.
    Grouped once, by one whole number; what is left has at most a row per holder and class.
    """
    classes = 1 + max(cell.event_class for cell in cells)
    wanted = {(cell.of, cell.how): f"{cell.how}_{cell.of}" for cell in cells}
    number = pl.col("holder").cast(pl.Int64) * classes + pl.col("event_class")
    sums = [_gathered(of, how).alias(name) for (of, how), name in wanted.items()]
    columns = sorted({of for of, _ in wanted})
    grouped = events.select(number.alias("number"), *columns).group_by("number").agg(sums)
    place, event_class = pl.col("number") // classes, pl.col("number") % classes
    found = grouped.with_columns(place.alias("holder"), event_class.alias("event_class")).collect(engine="streaming")
    by_class = {key[0]: part for key, part in found.partition_by("event_class", as_dict=True).items()}
    holders = sum(sizes)
    laid_out = {"holder": pl.int_range(holders, dtype=pl.UInt32, eager=True)}
    for cell in cells:
        part = by_class.get(cell.event_class)
        laid_out[cell.name] = _spread(part, wanted[cell.of, cell.how], holders)
    table = pl.DataFrame(laid_out)
    there = pl.any_horizontal(pl.exclude("holder").is_not_null())
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    return [table.slice(start, size).filter(there) for start, size in zip(starts, sizes, strict=True)]


def _gathered(of: str, how: Gather) -> pl.Expr:
    value = pl.col(of)
    match how:
        case Gather.SUM:
            return pl.when(value.count() > 0).then(value.sum())
        case Gather.LOWEST:
            return value.min()
        case Gather.HIGHEST:
            return value.max()
        case Gather.COUNT:
            return value.count().cast(pl.Int64)


def _spread(part: pl.DataFrame | None, column: str, holders: int) -> pl.Series:
    """The column at the places of its holders; null elsewhere."""
    empty = pl.repeat(None, holders, dtype=pl.Int64, eager=True)
    return empty if part is None or not holders else empty.scatter(part["holder"], part[column])
