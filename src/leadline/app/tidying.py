"""Once a day: letting go of what ended long ago, in small transactions, so that nobody waits for it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from leadline.store import retention, runs
from leadline.store.past_scores import purge_former
from leadline.store.versions import purge_versions

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project

DAY = 86_400
_PAGE = 2_000
_VALUES = 1_000
"""Unplaced values of one field that are kept: nobody reads more, and a free text would give one per record."""


def tidy_daily(project: Project) -> int:
    """Purge by `retention.days`, in the first run of a day (UTC). Returns how many effects went."""
    days = project.settings.retention.days
    now = project.now()
    with project.reading().begin() as connection:
        last = runs.last_ended(connection, "sync")
    if not days or (last is not None and last["now"] // DAY == now // DAY):
        return 0
    gone, position = 0, 0
    _tidy_history(project, before=now - days * DAY)
    while True:
        with project.writing() as connection:
            page = retention.purge_effects(connection, before=now - days * DAY, after=position, limit=_PAGE)
        if page is None:
            break
        position, gone = page[0], gone + page[1]
    with project.writing() as connection:
        retention.purge_runs(connection, before=int(time.time()) - days * DAY)
        retention.purge_unmapped(connection, keep=_VALUES)
    return gone


def _tidy_history(project: Project, *, before: int) -> None:
    """Let go of versions of facts and of scores that were replaced before that time."""
    for purge in (purge_versions, purge_former):
        gone = _PAGE
        while gone == _PAGE:
            with project.writing() as connection:
                gone = purge(connection, before=before, limit=_PAGE)
