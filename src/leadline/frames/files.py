"""From a folder of canonical Parquet to a folder of scores, without holding the tables in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from leadline.core.entities import Entity
from leadline.core.scoring.compile import Scoring
from leadline.core.scoring.facts import EVENTS, SCORES, Cell, Facts, Lazy, Schema, subject_schema
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.rowcolumns import Told, told
from leadline.core.scoring.settling import Broken
from leadline.core.scoring.vocabulary import ADJUSTMENTS
from leadline.frames.local import LocalEngine, native_schema, worded
from leadline.frames.tally import joined, tally


class _Streaming(LocalEngine):
    """Uids are hashed, and texts are numbers until they are in a file."""

    def __init__(self, *, hashes: bool) -> None:
        super().__init__()
        self._hashes = hashes

    def tally(self, events: Lazy, cells: Sequence[Cell], people: Lazy, accounts: Lazy) -> tuple[Lazy, Lazy]:
        """By hashes of uids, worked out at once; by uids in the unlikely case that two have one hash."""
        found = tally(events.to_native(), cells, people.to_native()) if self._hashes else None
        self._hashes = found is not None
        if found is None:
            return super().tally(events, cells, people, accounts)
        return nw.from_native(found[0].lazy()), nw.from_native(found[1].lazy())

    def beside(self, frame: Lazy, tally: Lazy) -> Lazy:
        """A join by what the tally was made by."""
        if not self._hashes:
            return super().beside(frame, tally)
        return nw.from_native(joined(frame.to_native(), tally.to_native()))

    def translate(self, frame: Lazy, column: str, name: str, words: Sequence[str]) -> Lazy:
        """A cast of numbers to words."""
        native: pl.LazyFrame = frame.to_native()
        return nw.from_native(native.with_columns(worded(column, words).alias(name)))


FILES = ("accounts.parquet", "people.parquet", "events.parquet")


def score_parquet(
    model: Model, folder: Path, out: Path, now: int, *, plan: Plan | None = None, hashes: bool = True
) -> None:
    """Score the files `FILES` of `folder` at `now` (seconds); write people.parquet and accounts.parquet to `out`.

    Input columns are those of `Facts`; one that a file does not have is missing everywhere. Output columns: those of
    `SCORES`, then `points.<id>` in thousandths for everything in the model that gives points; null or 0 where there is
    no row in the ledger, or one without points. What limits, rounding and weights take is the difference between
    these and the parts. `hashes` False finds people by their uids, which is slower and comes to the same.
    """
    schemas = (subject_schema(Entity.ACCOUNT), subject_schema(Entity.PERSON), EVENTS)
    accounts, people, events = (_scan(folder / name, schema) for name, schema in zip(FILES, schemas, strict=True))
    facts: Facts[pl.DataFrame] = Facts(accounts, people, events, _Streaming(hashes=hashes))
    plan = plan or compile_model(model)
    scoring = Scoring(plan, facts, now, detail=False)
    of_people = scoring.people(_as_it_is)
    staff: pl.LazyFrame = scoring.staff(of_people).to_native()
    shared = _shared_words(plan)
    sink = _sink(scoring.scored(of_people, _as_it_is), shared, out / "people.parquet")
    _, together = pl.collect_all([sink, staff], engine="streaming")
    of_accounts = scoring.accounts(nw.from_native(together.lazy()), of_people)
    pl.collect_all(
        [_sink(scoring.scored(of_accounts, _as_it_is), shared, out / "accounts.parquet")], engine="streaming"
    )


def _as_it_is(frame: Lazy) -> Lazy:
    """Nothing is worked out before the end."""
    return frame


def _shared_words(plan: Plan) -> dict[str, pl.Enum]:
    """Columns in which all rows share a word: they need no text per row either."""
    found = {"entity": pl.Enum([entity.value for entity in Entity])}
    if not any(variant.model.flags for variant in plan.every()):
        found["flags"] = pl.Enum([""])
    return found


def _sink(broken: Broken, words: Mapping[str, pl.Enum], path: Path) -> pl.LazyFrame:
    """Fast, and without order: statistics of scattered ids help no reader."""
    named = _named(broken).with_columns(pl.col(name).cast(kind) for name, kind in words.items())
    return named.sink_parquet(path, compression_level=1, statistics=False, maintain_order=False, lazy=True)


def _scan(path: Path, schema: Schema) -> pl.LazyFrame:
    frame = pl.scan_parquet(path)
    given = set(frame.collect_schema())
    absent = {name: pl.lit(None, dtype=kind) for name, kind in native_schema(schema).items() if name not in given}
    return frame.with_columns(**absent) if absent else frame


def _named(broken: Broken) -> pl.LazyFrame:
    frame: Any = broken.frame.to_native()
    labels = {name: f"points.{about.rule}" for name in broken.rows if (about := _rule(name)) is not None}
    points = [pl.col(name).alias(label) for name, label in labels.items()]
    selected: pl.LazyFrame = frame.select(*SCORES, *points)
    return selected


def _rule(name: str) -> Told | None:
    """What a column of points is about, unless that is the way from points to score."""
    about = told(name)
    return None if about is None or about.rule in ADJUSTMENTS else about
