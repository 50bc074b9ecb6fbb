"""`run`: a sync every so many minutes until told to stop, and what the health endpoint says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from leadline.app.failures import told
from leadline.app.fitting import require_fitting
from leadline.app.stopping import Stop, StoppedError
from leadline.app.sync import require_backfill, sync
from leadline.sdk.errors import LeadlineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadline.app.bootstrap import Project
    from leadline.app.sync import Report


@dataclass(slots=True)
class Health:
    """What is known about the worker. Times are wall-clock seconds."""

    started_at: float = field(default_factory=time.time)
    last_started: float | None = None
    last_finished: float | None = None
    last_error: str | None = None
    runs: int = 0
    stopping: bool = False

    def answer(self, every_seconds: int) -> tuple[int, dict[str, Any]]:
        """HTTP status and body: 503 when stopping, when no run has ended for three periods, or the last one failed."""
        since = time.time() - (self.last_finished or self.started_at)
        late = since > 3 * every_seconds + 60
        well = not self.stopping and not late and self.last_error is None
        body = {
            "status": "ok" if well else "stopping" if self.stopping else "failing",
            "runs": self.runs,
            "seconds_since_last_run": round(since, 1),
            "last_error": self.last_error,
        }
        return (200 if well else 503), body


class Worker:
    """Runs syncs one after another on APScheduler until `stop` is asked for; the project should sleep by it too."""

    def __init__(
        self,
        project: Project,
        health: Health,
        stop: Stop,
        *,
        every: timedelta | None = None,
        on_report: Callable[[Report], None] = lambda _: None,
    ) -> None:
        """`every` is the time from one start to the next, that of the settings unless given."""
        self._every = every or timedelta(minutes=project.settings.schedule.every_minutes)
        self._project = project
        self._health = health
        self._on_report = on_report
        self._stop = stop
        self._log = structlog.get_logger("leadline.run")

    def prepare(self) -> None:
        """ConfigError for what no later sync could mend by itself: no backfill yet, a mapping that does not fit."""
        require_backfill(self._project)
        require_fitting(self._project)

    def run(self) -> None:
        """Sync at once and then on schedule, until asked to stop. Returns when the sync under way has ended."""
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            # One run at a time: a start that comes while one is under way is left out.
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
            timezone="UTC",
        )
        seconds = self._every.total_seconds()
        scheduler.add_job(self._once, "interval", seconds=seconds, next_run_time=datetime.now(UTC))
        scheduler.start()
        self._log.info("worker_started", every_seconds=round(seconds))
        self._stop.wait()
        self._health.stopping = True
        self._log.info("worker_stopping")
        scheduler.shutdown(wait=True)
        self._log.info("worker_stopped", runs=self._health.runs)

    def _once(self) -> None:
        self._health.last_started = time.time()
        try:
            report = sync(self._project, self._stop.listening(lambda _: None))
        except StoppedError:
            self._log.info("sync_stopped")
        except LeadlineError as error:
            self._health.last_error = str(error)
            self._log.error("sync_failed", reason=str(error))
        except BaseException as error:
            self._health.last_error = f"{type(error).__name__}: {error}"
            raise  # a defect: the scheduler logs it with its traceback, and the next sync comes in time
        else:
            self._health.last_error = told(report.failures) or None
            if report.failures:
                self._log.error("sync_failed", reason=told(report.failures))
            else:
                self._log.info("sync_done", **_figures(report.counts))
            self._on_report(report)
        finally:
            self._health.runs += 1
            self._health.last_finished = time.time()


def _figures(counts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in counts.items() if isinstance(value, int)}
