"""Looking back: which time, which knowledge and which model somebody asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadline.app.models import find_model, model_at
from leadline.store.versions import Moment

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project
    from leadline.core.scoring.model import Model

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Asked:
    """The time to score at (seconds; None: now), whether only with what was known then, and by which model."""

    at: int | None = None
    as_known: bool = False
    model: str | None = None


def looking_back(project: Project, asked: Asked) -> Moment | None:
    """The moment to look back to; None for the present, and for a time that is still to come."""
    if asked.at is None or asked.at >= project.now():
        return None
    return Moment(asked.at, as_known=asked.as_known)


def chosen_model(project: Project, asked: Asked) -> Model:
    """The model to score by: the one that is named, else the one of then for a replay, else the project's."""
    if asked.model is not None:
        return find_model(project, asked.model)
    then = model_at(project, asked.at) if asked.as_known and asked.at is not None else None
    return then or project.model


def forgotten_before(project: Project, moment: Moment | None) -> int | None:
    """Before when changes are forgotten, if the moment lies there: later values stand there. None if it does not."""
    days = project.settings.retention.days
    kept_from = project.now() - days * DAY
    return kept_from if days and moment is not None and moment.at < kept_from else None
