"""Scoring everything that is stored, as of now or of a time in the past, without writing any of it to the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw

from leadline.app.lookback import Asked, chosen_model, forgotten_before, looking_back
from leadline.app.sparkrun import scored_by_spark
from leadline.app.survey import frames_of, survey
from leadline.core.scoring.canonical import of_scored
from leadline.core.scoring.compile import score
from leadline.core.scoring.digest import Digest
from leadline.core.scoring.groups import every_group
from leadline.core.scoring.plan import compile_model
from leadline.frames.folder import ParquetFolder
from leadline.frames.local import ENGINE

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project
    from leadline.config import Settings
    from leadline.core.scoring.facts import Engine, Facts
    from leadline.core.scoring.model import Model

_COUNTED = ("entity", "group", "segment", "records")


@dataclass(slots=True)
class ScoreRun:
    """What came of it. `groups` and `segments` count subjects by (entity, name); a segment is empty outside of all.

    `assumed` subjects were read only after that time; `forgotten_before`: the time lies before what is kept.
    """

    at: int
    model: Model
    digest: Digest = field(default_factory=Digest)
    groups: Counter[tuple[str, str]] = field(default_factory=Counter)
    segments: Counter[tuple[str, str]] = field(default_factory=Counter)
    assumed: int = 0
    forgotten_before: int | None = None

    @property
    def group_order(self) -> list[str]:
        """The groups that were met, best first."""
        met = {group for _, group in self.groups}
        known = [name for name in every_group(self.model) if name in met]
        return known + sorted(met - set(known))


def score_stored(
    project: Project, asked: Asked, *, out: Path | None = None, looked_at: Callable[[int], None] = lambda _: None
) -> ScoreRun:
    """Score everything that is stored; scores and ledgers go as Parquet to the folder `out`, if there is one.

    `looked_at` hears of how many records more have been gone through.

    ConfigError for a model that does not exist, a folder that is not empty, and Spark where it is not to be had.
    """
    model, moment = chosen_model(project, asked), looking_back(project, asked)
    now = project.now() if asked.at is None else asked.at
    run = ScoreRun(now, model, forgotten_before=forgotten_before(project, moment))
    folder = ParquetFolder(out) if out is not None else None

    def chunks() -> Iterator[Facts[Any]]:
        for chunk in survey(project, moment):
            run.assumed += chunk.assumed
            if chunk.facts.subjects():
                yield frames_of(chunk.facts)
            looked_at(chunk.looked_at)

    if project.settings.frames == "spark":
        _together(project.settings, run, chunks(), folder)
    else:
        _chunk_by_chunk(run, chunks(), folder)
    return run


def _chunk_by_chunk(run: ScoreRun, chunks: Iterator[Facts[Any]], folder: ParquetFolder | None) -> None:
    plan = compile_model(run.model)
    for chunk in chunks:
        scored = score(run.model, chunk, run.at, plan=plan)
        run.digest += of_scored(ENGINE, scored)
        _count(run, ENGINE, scored.scores)
        if folder is not None:
            folder.write(scored.scores, scored.ledger)


def _together(settings: Settings, run: ScoreRun, chunks: Iterator[Facts[Any]], folder: ParquetFolder | None) -> None:
    with scored_by_spark(settings, run.model, chunks, run.at) as (engine, scored):
        run.digest = of_scored(engine, scored)
        _count(run, engine, scored.scores)
        if folder is not None:
            folder.copy(engine.files(scored.scores), engine.files(scored.ledger))


def _count(run: ScoreRun, engine: Engine[Any], scores: Any) -> None:
    counted = nw.from_native(scores).lazy().group_by("entity", "group", "segment").agg(nw.len().alias("records"))
    (frame,) = engine.collect([counted])
    columns = engine.columns(frame)
    for entity, group, segment, records in zip(*(columns[name] for name in _COUNTED), strict=True):
        run.groups[entity, group] += records
        run.segments[entity, segment or ""] += records
