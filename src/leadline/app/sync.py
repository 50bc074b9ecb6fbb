"""One run, readable top to bottom: read, score and decide, write."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from leadline.app.bootstrap import Project
from leadline.app.counts import Counts
from leadline.app.decide import score_all, settle_versions
from leadline.app.events import Crossed, Event, Listener, StageStarted
from leadline.app.failures import as_one, told
from leadline.app.fetch import fetch_noticed
from leadline.app.fitting import require_fitting
from leadline.app.journal import journal
from leadline.app.pull import pull_all
from leadline.app.tidying import tidy_daily
from leadline.app.writer import push_all
from leadline.sdk.errors import ConfigError, LeadlineError
from leadline.store import runs
from leadline.store.outbox import count_unknown

WEBHOOK = "webhook"
"""The kind of a run that webhooks have caused."""
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Run:
    """What the stages of one run share."""

    project: Project
    emit: Listener
    counts: Counts
    plays: bool


def settle(run: Run) -> None:
    """What a new version of the model moves by itself, on the facts of before: it causes no action."""
    settle_versions(run.project, run.emit, run.counts, plays=run.plays)


def read(run: Run) -> None:
    """Rows of every connection into the store, with marks on what they concern."""
    readable = pull_all(run.project, run.emit)
    # What a webhook has named may not be in a search index yet.
    fetch_noticed(run.project, run.emit, of=readable)


def fetch(run: Run) -> None:
    """Rows of what webhooks have named into the store, with marks on what they concern."""
    fetch_noticed(run.project, run.emit)


def score_and_decide(run: Run) -> None:
    """Scores, groups, ledgers and planned effects for what is marked or due."""
    score_all(run.project, run.emit, run.counts, plays=run.plays)


def write(run: Run) -> None:
    """Planned effects to their CRMs, an outcome for each."""
    push_all(run.project, run.emit)


def tidy(run: Run) -> None:
    """Let go of what ended long ago."""
    tidy_daily(run.project)


STAGES: tuple[Callable[[Run], None], ...] = (settle, read, score_and_decide, write, tidy)
NOTICE_STAGES: tuple[Callable[[Run], None], ...] = (settle, fetch, score_and_decide, write)


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended. `counts` is JSON-able; `failures` has the connections that could not go on, and why."""

    kind: str
    counts: dict[str, Any]
    crossings: list[Crossed]
    failures: dict[str, LeadlineError]

    @property
    def failure(self) -> LeadlineError | None:
        """What stopped connections of this run, as one error; None when every connection could be finished."""
        return as_one(self.failures)


def sync(project: Project, listener: Listener) -> Report:
    """Read what changed, score it, decide, write what differs.

    Raises ConfigError when no backfill has been done: the first look at a CRM must not flood
    anybody with tasks.
    """
    require_backfill(project)
    return perform(project, listener, kind="sync", plays=True)


def follow_notices(project: Project, listener: Listener) -> Report:
    """Read the records that webhooks have named, score them and what is due, decide, write what differs.

    Nothing else is read: that is for the next sync. To be called of a project that has been backfilled.
    """
    with project.writing() as connection:
        # There may be one every few seconds; those of a day tell how they went.
        runs.forget_done(connection, WEBHOOK, before=int(time.time()) - _DAY)
    return perform(project, listener, kind=WEBHOOK, plays=True, stages=NOTICE_STAGES)


def require_backfill(project: Project) -> None:
    """ConfigError when this project, or a connection that was added to it, has not been backfilled."""
    with project.reading().begin() as connection:
        done = runs.backfilled(connection)
    new = sorted(project.connections.keys() - done)
    if new or not done:
        what = f"connection {', '.join(new)}" if done else "this project"
        raise ConfigError(
            f"{what} has not been backfilled yet",
            fix="Run `leadline backfill --dry-run`, then `leadline backfill`: "
            "it scores everything once without starting any play.",
        )


def perform(
    project: Project,
    listener: Listener,
    *,
    kind: str,
    plays: bool,
    stages: tuple[Callable[[Run], None], ...] = STAGES,
) -> Report:
    """Run the stages, and keep a log of the run whatever happens.

    A connection that fails is reported at the end and stops nobody else; the run then counts as
    failed. A mapping that is new or changed must fit its CRM before anything is read: ConfigError
    naming file and line otherwise.
    """
    counts = Counts()
    run_id = f"{kind}-{uuid.uuid4().hex[:12]}"
    note = journal(run_id)

    def emit(event: Event) -> None:
        counts(event)
        note(event)
        listener(event)

    project.listen(emit)
    require_fitting(project)
    with project.writing() as connection:
        runs.mark_killed(connection)
        runs.begin_run(connection, run_id, kind, now=project.now(), wall_clock=int(time.time()))
    error: str | None = "stopped"
    try:
        for stage in stages:
            emit(StageStarted(stage.__name__))
            stage(Run(project, emit, counts, plays))
        error = told(counts.failures) or None
    except LeadlineError as failure:
        error = str(failure)
        raise
    finally:
        with project.writing() as connection:
            # An outcome that was unknown and has been looked up since is not unknown any more.
            report = {**counts.report(), "unknown": count_unknown(connection, project.settings.connections)}
            runs.end_run(connection, run_id, report, wall_clock=int(time.time()), error=error)
    return Report(kind, report, counts.crossings, counts.failures)
