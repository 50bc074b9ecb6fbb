"""The scoring model that somebody means: the project's, a file, or one that was in use before, by its digest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.app.bootstrap import load_model_file
from leadline.sdk.errors import ConfigError
from leadline.store.models import digest_at, load_model_row, models_like

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import Project
    from leadline.core.scoring.model import Model

ACTIVE = "active"
_SHORTEST = 6
"""Digits of a digest that are taken for one."""


def find_model(project: Project, words: str) -> Model:
    """The model that `words` mean: `active`, a file, or the beginning of a digest. ConfigError when there is none."""
    if words == ACTIVE:
        return project.model
    path = Path(words)
    if path.exists() or not re.fullmatch(rf"[0-9a-f]{{{_SHORTEST},64}}", words):
        return load_model_file(path)
    if project.model.digest.startswith(words):
        return project.model
    with project.reading().begin() as connection:
        found = models_like(connection, words)
    if len(found) != 1:
        what = f"{len(found)} models have digests that begin so" if found else "no model in use had this digest"
        fix = "Name a file, `active`, or more digits of a digest as `leadline explain --json` shows it in `history`."
        raise ConfigError(what, place=words, fix=fix)
    return _read(found[0]["content"], found[0]["digest"])


def kept_model(project: Project, connection: Connection, digest: str) -> Model | None:
    """The model with this digest, as far as it is kept and means today what it meant."""
    if digest == project.model.digest:
        return project.model
    row = load_model_row(connection, digest)
    if row is None:
        return None
    try:
        model = _read(row["content"], digest)
    except ConfigError:
        return None  # the language has changed since: such a scoring cannot be made again, and its readers say so
    return model if model.digest == digest else None


def model_at(project: Project, at: int) -> Model | None:
    """The model that scored at that time, as far as it is kept."""
    with project.reading().begin() as connection:
        digest = digest_at(connection, at)
        return None if digest is None else kept_model(project, connection, digest)


def _read(text: str, digest: str) -> Model:
    from leadline.core.scoring.load import load_model

    return load_model(text, place=f"model {digest[:12]}")
