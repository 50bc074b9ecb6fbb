"""What a new scoring changes about the stored one, for all records at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from leadline.core.scoring.facts import SCORES

_POINT = 1_000
SHOWN = "shown"
"""The column of a hash of a record's scores, to tell a change by."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When a record must be decided on: see `core.decisions.outputs`. Seconds, whole points."""

    min_points: int
    max_age: int
    now: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Records by what a scoring does to them.

    `moved`: somebody must decide: it changes group, is off the score last written by enough, or that write is old.
    `changed`: scores that differ, with `shown`. `same`: uids of the others.
    """

    moved: pl.Series
    changed: pl.DataFrame
    same: pl.Series

    def uids(self) -> pl.Series:
        """Everybody who stays where they are."""
        return pl.concat([self.changed["uid"], self.same])


def with_hash(scores: pl.DataFrame) -> pl.DataFrame:
    """Scores with `shown`, a signed number of 64 bits."""
    told = sorted(name for name in SCORES if name != "uid")
    return scores.with_columns(pl.struct(told).hash(seed=0).reinterpret(signed=True).alias(SHOWN))


def drift(scores: pl.DataFrame, state: pl.DataFrame, policy: Policy, *, restless: Collection[str] = ()) -> Drift:
    """Compare scores with the stored state of the same records; those of `restless` are decided on anyway.

    `state`: uid, group, pushed_score, pushed_at, shown. A record that has none is decided on.
    """
    former = state.select("uid", *(pl.col(name).alias(f"old_{name}") for name in _FORMER))
    both = with_hash(scores).join(former, on="uid", how="left")
    off = (pl.col("score") // _POINT - pl.col("old_pushed_score") // _POINT).abs() >= policy.min_points
    aged = policy.now - pl.col("old_pushed_at") >= policy.max_age
    moves = pl.col("group").ne_missing(pl.col("old_group")) | off.fill_null(True) | aged.fill_null(True)
    if restless:
        moves |= pl.col("uid").is_in(pl.Series(sorted(restless)).implode())
    both = both.with_columns(moves.alias("moves"))
    moved = both.filter("moves")["uid"]
    stays = both.filter(~pl.col("moves"))
    differs = pl.col(SHOWN).ne_missing(pl.col("old_shown"))
    changed = stays.filter(differs).select(*scores.columns, SHOWN)
    return Drift(moved, changed, stays.filter(~differs)["uid"])


_FORMER = ("group", "pushed_score", "pushed_at", SHOWN)
