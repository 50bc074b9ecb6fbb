"""From a folder of canonical Parquet to a folder of scores, without holding the tables in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl

from leadline.core.entities import Entity
from leadline.core.scoring.compile import break_down
from leadline.core.scoring.facts import EVENTS, SCORES, Facts, Lazy, Schema, subject_schema
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.rowcolumns import Told, told
from leadline.core.scoring.settling import Broken
from leadline.core.scoring.vocabulary import ADJUSTMENTS
from leadline.frames.local import LocalEngine, native_schema, worded


class _Streaming(LocalEngine):
    """Texts that a table gives are numbers of its words until they are in a file: no text is made per record."""

    def translate(self, frame: Lazy, column: str, name: str, words: Sequence[str]) -> Lazy:
        """A cast of numbers to words."""
        native: pl.LazyFrame = frame.to_native()
        return nw.from_native(native.with_columns(worded(column, words).alias(name)))


FILES = ("accounts.parquet", "people.parquet", "events.parquet")


def score_parquet(model: Model, folder: Path, out: Path, now: int, *, plan: Plan | None = None) -> None:
    """Score the files `FILES` of `folder` at `now` (seconds); write people.parquet and accounts.parquet to `out`.

    Input columns are those of `Facts`; one that a file does not have is missing everywhere. Output columns: those of
    `SCORES`, then `points.<id>` in thousandths for everything that can leave a row in a ledger (null: no row), and
    `points.<part>.<cap|floor|rounding|weight>`.
    """
    schemas = (subject_schema(Entity.ACCOUNT), subject_schema(Entity.PERSON), EVENTS)
    accounts, people, events = (_scan(folder / name, schema) for name, schema in zip(FILES, schemas, strict=True))
    facts: Facts[pl.DataFrame] = Facts(accounts, people, events, _Streaming())
    found = break_down(plan or compile_model(model), facts, now, detail=False, share=False)
    sinks = [
        _named(broken).sink_parquet(out / name, compression_level=1, statistics=False, maintain_order=False, lazy=True)
        for name, broken in (("people.parquet", found.people), ("accounts.parquet", found.accounts))
    ]
    pl.collect_all(sinks, engine="streaming")


def _scan(path: Path, schema: Schema) -> pl.LazyFrame:
    frame = pl.scan_parquet(path)
    given = set(frame.collect_schema())
    absent = {name: pl.lit(None, dtype=kind) for name, kind in native_schema(schema).items() if name not in given}
    return frame.with_columns(**absent) if absent else frame


def _named(broken: Broken) -> pl.LazyFrame:
    frame: Any = broken.frame.to_native()
    labels = {name: f"points.{_label(about)}" for name in broken.rows if (about := told(name)) is not None}
    selected: pl.LazyFrame = frame.select(*SCORES, *[pl.col(name).alias(label) for name, label in labels.items()])
    return selected


def _label(about: Told) -> str:
    """The rule's id; of limits, rounding and weights also their part."""
    return f"{about.part}.{about.rule}" if about.rule in ADJUSTMENTS else about.rule
