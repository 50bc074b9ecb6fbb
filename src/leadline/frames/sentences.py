"""The reasons of many scores at once, as `core.scoring.explain.sentences` words them one record at a time.

From the wide form of scores (`core.scoring.rowcolumns`). Only rows that are told become text; one sort puts all of
them in order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import polars as pl

from leadline.core.scoring.explain import LEAST_TOLD, short_date, spoken_names
from leadline.core.scoring.model import DAY, IDLE, PERSONA, POINT, Model
from leadline.core.scoring.rowcolumns import COUNT, LAST, VALUE, Told, told

_BITS = 62  # of one sort key


def sentences_of(model: Model, frame: pl.DataFrame, *, max_length: int = 1_000) -> pl.DataFrame:
    """`uid` and `sentences` of every row of a wide frame, in its order. Strongest first, whole lines only.

    `frame` has `uid`, `segment` where segments have personas of their own, and the columns of rows with their counts,
    times and values. At most `max_length` characters each; "" where there is nothing to tell.
    """
    lines = _ordered(list(_lines(model, frame)), frame.height)
    texts = _joined(lines)
    if (texts["sentences"].str.len_chars() > max_length).any():
        lengths = (pl.col("text").str.len_chars() + 1).cum_sum().over("place") - 1
        texts = _joined(lines.filter(lengths <= max_length))
    places = frame.select("uid").with_row_index("place")
    found = places.join(texts, on="place", how="left", maintain_order="left")
    return found.select("uid", pl.col("sentences").fill_null(""))


def _joined(lines: pl.DataFrame) -> pl.DataFrame:
    """place and sentences. To gather first and join then is a third of the work of joining while gathering."""
    gathered = lines.group_by("place", maintain_order=True).agg(pl.col("text"))
    return gathered.select("place", pl.col("text").list.join("\n").alias("sentences"))


def _lines(model: Model, frame: pl.DataFrame) -> Iterator[pl.LazyFrame]:
    """Per column of points: place (of the record), strength, rank (of the rule) and text."""
    columns = {name: about for name in frame.columns if (about := told(name)) is not None and not about.adjusts}
    names, given = spoken_names(model), set(frame.columns)
    ranks = {rule: rank for rank, rule in enumerate(sorted({about.rule for about in columns.values()}))}
    lazy, days = frame.lazy().with_row_index("place"), _days(frame)
    for column, about in columns.items():
        if about.rule in names:
            strength = pl.col(column).abs()
            yield lazy.filter(strength >= LEAST_TOLD).select(
                "place",
                strength.alias("strength"),
                pl.lit(ranks[about.rule], pl.Int64).alias("rank"),
                _text(_name(model, about, names[about.rule], given), column, about, given, days).alias("text"),
            )


def _ordered(frames: list[pl.LazyFrame], records: int) -> pl.DataFrame:
    """place and text, strongest first within each place."""
    if not frames:
        return pl.DataFrame(schema={"place": pl.UInt32(), "text": pl.String()})
    lines = pl.concat(pl.collect_all(frames))
    strongest = int(lines.select(pl.col("strength").max().fill_null(0)).item())
    rank_bits = len(frames).bit_length()
    if records.bit_length() + strongest.bit_length() + rank_bits > _BITS:
        return lines.sort("place", pl.lit(0) - pl.col("strength"), "rank").select("place", "text")
    weakness = pl.lit(strongest, pl.Int64) - pl.col("strength")
    within = weakness * (1 << rank_bits) + pl.col("rank")
    key = pl.col("place").cast(pl.Int64) * (1 << (rank_bits + strongest.bit_length())) + within
    return lines.select("place", "text", key.alias("key")).sort("key").select(pl.col("place").set_sorted(), "text")


def _name(model: Model, about: Told, name: str, given: Collection[str]) -> pl.Expr:
    found = pl.lit(name)
    if about.rule == PERSONA and "segment" in given:
        for segment in model.segments:
            if segment.persona:
                found = pl.when(pl.col("segment") == segment.id).then(pl.lit(segment.persona.name)).otherwise(found)
    return found


def _text(name: pl.Expr, column: str, about: Told, given: Collection[str], days: tuple[int, pl.Series]) -> pl.Expr:
    pieces = [name]
    if column + VALUE in given:
        value = pl.col(column + VALUE)
        shown = pl.concat_str(pl.lit(": "), value.str.replace_all("_", " ", literal=True))
        pieces.append(pl.when(value.str.len_bytes() > 0).then(shown).otherwise(pl.lit("")))
    count = pl.col(column + COUNT) if column + COUNT in given else None
    if column + LAST in given:
        pieces.append(_when(pl.col(column + LAST), None if about.rule == IDLE else count, about, days))
    elif count is not None:
        people = pl.concat_str(pl.lit(" ("), count.cast(pl.String), pl.lit(" people)"))
        pieces.append(pl.when(count > 1).then(people).otherwise(pl.lit("")))
    nearest = (pl.col(column).abs() + POINT // 2) // POINT
    sign = pl.when(pl.col(column) < 0).then(pl.lit(" (-")).otherwise(pl.lit(" (+"))
    return pl.concat_str(*pieces, sign, nearest.cast(pl.String), pl.lit(")"))


def _when(at: pl.Expr, count: pl.Expr | None, about: Told, days: tuple[int, pl.Series]) -> pl.Expr:
    first, texts = days
    day = pl.lit(texts).gather(at.fill_null(first * DAY) // DAY - first)
    if about.rule == IDLE:
        return pl.concat_str(pl.lit(" since "), day)
    once = pl.concat_str(pl.lit(" on "), day)
    if count is None:
        return once
    often = pl.concat_str(pl.lit(" "), count.cast(pl.String), pl.lit(" times, last on "), day)
    return pl.when(count > 1).then(often).otherwise(once)


def _days(frame: pl.DataFrame) -> tuple[int, pl.Series]:
    """The first day (since 1970) that any row was last on, and the text of each day from there."""
    lasts = [name for name in frame.columns if name.endswith(LAST)]
    if not lasts:
        return 0, pl.Series(["1 Jan"])
    low, high = frame.select(
        pl.min_horizontal(pl.col(name).min() for name in lasts).alias("low"),
        pl.max_horizontal(pl.col(name).max() for name in lasts).alias("high"),
    ).row(0)
    first = (low or 0) // DAY
    return first, pl.Series([short_date(day * DAY) for day in range(first, (high or 0) // DAY + 1)])
