"""One scoring laid out once, for batch after batch: what a batch costs is then its records, not the model's rules.

Laying out the plans of a model takes as long as scoring thousands of records. They are made over empty places here,
into which each batch's frames are put before they run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
from polars.io.plugins import register_io_source

from leadline.core.scoring.compile import break_down
from leadline.core.scoring.facts import SCORES, Cell, Facts, Lazy
from leadline.core.scoring.plan import Plan
from leadline.frames.local import LocalEngine, account_schema, event_schema, person_schema
from leadline.frames.tally import gathered
from leadline.frames.wide import Wide

# What pays for a batch. Each of the others takes a millisecond or more for plans of hundreds of columns.
_OPTIMIZED = pl.QueryOptFlags.none(projection_pushdown=True, comm_subexpr_elim=True)
_PAIR = {"kind": pl.String(), "asset": pl.String()}


class _Place:
    """Where frames of one schema stand, one after the other."""

    def __init__(self, schema: pl.Schema) -> None:
        self._empty = pl.DataFrame(schema=schema)
        self._frame = self._empty

    @property
    def empty(self) -> pl.DataFrame:
        """The frame without rows."""
        return self._empty

    def put(self, frame: pl.DataFrame | None) -> None:
        """Let this frame stand here, or none."""
        self._frame = self._empty if frame is None else frame

    def lazy(self) -> pl.LazyFrame:
        """Whatever stands here when it is collected."""
        return register_io_source(self._read, schema=self._empty.schema, is_pure=True)

    def _read(
        self, columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
    ) -> Iterator[pl.DataFrame]:
        frame = self._frame if columns is None else self._frame.select(columns)
        if predicate is not None:
            frame = frame.filter(predicate)
        yield frame if rows is None else frame.head(rows)


@dataclass(frozen=True, slots=True)
class _Step:
    """A plan that is worked out before those that use it, and where its frame goes."""

    plan: pl.LazyFrame
    place: _Place


class _Layout(LocalEngine):
    """Notes what is shared instead of working it out."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[_Step] = []

    def share(self, frame: Lazy) -> Lazy:
        """The frame as it will be."""
        plan = frame.to_native()
        place = _Place(plan.collect_schema())
        self.steps.append(_Step(plan, place))
        shared: Lazy = nw.from_native(place.lazy())
        return shared

    def tally(self, events: Lazy, cells: Sequence[Cell], people: Lazy, accounts: Lazy) -> tuple[Lazy, Lazy]:
        """Whose an event is, is known already. People and accounts share what is worked out."""
        native: pl.LazyFrame = events.to_native()
        holder = pl.coalesce("person", "account").alias("holder")
        found = self.share(
            nw.from_native(native.group_by(holder).agg(gathered(cell).alias(cell.name) for cell in cells))
        )
        return found, found


class Prepared:
    """Scores facts by a plan at `now` (seconds), with ledgers in wide form. One batch at a time.

    An event of somebody names no account, and all are of people and accounts that are there. Once it has met more
    than so many `assets`, it begins to know them anew.
    """

    def __init__(self, plan: Plan, now: int, *, assets: int = 10_000) -> None:
        self._plan, self._now, self._assets = plan, now, assets
        signals = [timed.signal for timed in plan.all_signals()]
        self._asset_kinds = sorted({kind for signal in signals if signal.assets for kind in signal.kinds})
        self._met = pl.DataFrame(schema=_PAIR)
        self._laid: _Laid | None = None

    def score(self, facts: Facts[Any]) -> Wide:
        """Score these. They have the columns of `local.account_schema` and its siblings."""
        frames = [frame.lazy().collect() for frame in (facts.accounts, facts.people, facts.events)]
        return self._ready(frames[2]).score(frames)

    def _ready(self, events: pl.DataFrame) -> _Laid:
        """Plans that know every asset of these events that signals may ask for."""
        kinds = pl.Series(self._asset_kinds, dtype=pl.String).implode()
        pairs = events.lazy().filter(pl.col("kind").is_in(kinds)).select(*_PAIR).drop_nulls().unique().collect()
        new = pairs.join(self._met, on=list(_PAIR), how="anti")
        if self._laid is None or len(new):
            self._met = pl.concat([self._met, new]) if len(self._met) + len(new) <= self._assets else pairs
            self._laid = _laid(self._plan, self._now, self._met)
        return self._laid


@dataclass(frozen=True, slots=True)
class _Laid:
    """Plans over places: of facts, then step by step, then of scores and ledgers."""

    given: Sequence[_Place]
    steps: Sequence[_Step]
    found: Sequence[pl.LazyFrame]

    def score(self, frames: Sequence[pl.DataFrame]) -> Wide:
        try:
            for place, frame in zip(self.given, frames, strict=True):
                place.put(frame)
            for step in self.steps:
                step.place.put(step.plan.collect(optimizations=_OPTIMIZED))
            return Wide(*pl.collect_all(self.found, optimizations=_OPTIMIZED))
        finally:
            for place in (*self.given, *(step.place for step in self.steps)):
                place.put(None)


def _laid(plan: Plan, now: int, pairs: pl.DataFrame) -> _Laid:
    """Plans for events of these kinds and assets, and of any other kind."""
    layout, schemas = _Layout(), (account_schema(), person_schema(), event_schema())
    given = accounts, people, events = [_Place(pl.Schema(schema)) for schema in schemas]
    # Laying out looks at the events' assets: here is one event of each.
    events.put(pl.concat([events.empty, pairs.with_columns(at=pl.lit(now, pl.Int64))], how="diagonal"))
    found = break_down(plan, Facts(accounts.lazy(), people.lazy(), events.lazy(), layout), now)
    plans = [broken.frame.select(*SCORES, *broken.rows).to_native() for broken in found.both]
    return _Laid(given, layout.steps, plans)
