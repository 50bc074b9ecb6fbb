"""Scoring everything that is stored, as of now or of a time in the past, without writing any of it to the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.app.lookback import Asked, chosen_model, forgotten_before, looking_back
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
    from leadline.core.scoring.model import Model


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

    ConfigError for a model that does not exist, and a folder that is not empty.
    """
    model, moment = chosen_model(project, asked), looking_back(project, asked)
    now = project.now() if asked.at is None else asked.at
    run = ScoreRun(now, model, forgotten_before=forgotten_before(project, moment))
    plan = compile_model(model)
    folder = ParquetFolder(out) if out is not None else None
    for chunk in survey(project, moment):
        scored = score(model, frames_of(chunk.facts), now, plan=plan)
        run.digest += of_scored(ENGINE, scored)
        run.assumed += chunk.assumed
        _count(run, scored.scores)
        if folder is not None:
            folder.write(scored)
        looked_at(chunk.looked_at)
    return run


def _count(run: ScoreRun, scores: Any) -> None:
    columns = ENGINE.columns(scores)
    run.groups.update(zip(columns["entity"], columns["group"], strict=True))
    named = columns.get("segment") or [None] * len(columns["uid"])
    run.segments.update(zip(columns["entity"], (name or "" for name in named), strict=True))
