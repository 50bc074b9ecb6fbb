"""`run`: a sync every so many minutes and after webhooks, until told to stop; what the health endpoint says."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from leadline.app.failures import told
from leadline.app.fitting import require_fitting
from leadline.app.stopping import Stop, StoppedError
from leadline.app.sync import follow_notices, require_backfill, sync
from leadline.sdk.errors import LeadlineError
from leadline.store.notices import count_waiting

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
    webhook_runs: int = 0
    stopping: bool = False

    def answer(self, every_seconds: int) -> tuple[int, dict[str, Any]]:
        """HTTP status and body: 503 when stopping, when no run has ended for three periods, or the last one failed."""
        since = time.time() - (self.last_finished or self.started_at)
        late = since > 3 * every_seconds + 60
        well = not self.stopping and not late and self.last_error is None
        body = {
            "status": "ok" if well else "stopping" if self.stopping else "failing",
            "runs": self.runs,
            "webhook_runs": self.webhook_runs,
            "seconds_since_last_run": round(since, 1),
            "last_error": self.last_error,
        }
        return (200 if well else 503), body


class Worker:
    """Runs syncs one after another on APScheduler until `stop` is asked for; the project should sleep by it too.

    `wake` asks for a run that follows webhooks. No two runs meet.
    """

    def __init__(
        self,
        project: Project,
        health: Health,
        stop: Stop,
        *,
        every: timedelta | None = None,
        settle: timedelta | None = None,
        pause: timedelta = timedelta(seconds=5),
        on_report: Callable[[Report], None] = lambda _: None,
    ) -> None:
        """`every` is the time from one start to the next, `settle` that from a webhook to the run that follows it;
        those of the settings unless given. `pause` is that from a run that could not follow all webhooks to the
        next; it is doubled each time, up to the schedule's period."""
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        self._every = every or timedelta(minutes=project.settings.schedule.every_minutes)
        self._settle = timedelta(seconds=project.settings.webhooks.settle_seconds) if settle is None else settle
        self._project = project
        self._health = health
        self._on_report = on_report
        self._stop = stop
        self._log = structlog.get_logger("leadline.run")
        self._awake = threading.Lock()  # held from a webhook to the start of the run that follows it
        self._running = threading.Lock()  # held by the run under way
        self._first_pause = self._pause = pause
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            # One run at a time: a start that comes while one is under way is left out.
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
            timezone="UTC",
        )

    def prepare(self) -> None:
        """ConfigError for what no later sync could mend by itself: no backfill yet, a mapping that does not fit."""
        require_backfill(self._project)
        require_fitting(self._project)

    def run(self) -> None:
        """Sync at once and then on schedule, until asked to stop. Returns when the sync under way has ended."""
        seconds = self._every.total_seconds()
        now = datetime.now(UTC)
        self._scheduler.add_job(self._alone, "interval", args=[self._once], seconds=seconds, next_run_time=now)
        self._scheduler.start()
        self._log.info("worker_started", every_seconds=round(seconds))
        self._stop.wait()
        self._health.stopping = True
        self._log.info("worker_stopping")
        # Not by waiting in there: it holds a lock that the run under way needs to plan the next one.
        self._scheduler.shutdown(wait=False)
        with self._running:
            pass
        self._log.info("worker_stopped", runs=self._health.runs)

    def wake(self) -> None:
        """Follow webhooks soon: those that come until then are followed by the same run. May come from any thread."""
        self._wake_in(self._settle)

    def _wake_in(self, delay: timedelta) -> None:
        if self._awake.acquire(blocking=False):
            self._scheduler.add_job(self._alone, "date", args=[self._follow], run_date=datetime.now(UTC) + delay)

    def _alone(self, run: Callable[[], None]) -> None:
        """A run, once the one before has ended; none when the worker is to stop."""
        with self._running:
            if not self._stop.asked:
                run()

    def _follow(self) -> None:
        """One run for what webhooks have named. What it leaves waits a while longer each time, then for a sync."""
        self._awake.release()  # a webhook from here on may come too late for this run
        try:
            report = follow_notices(self._project, self._stop.listening(lambda _: None))
        except StoppedError:
            self._log.info("webhooks_stopped")
            return
        except LeadlineError as error:
            self._log.error("webhooks_failed", reason=str(error))
            self._try_later()
            return
        self._health.webhook_runs += 1
        if report.failures:
            self._log.error("webhooks_failed", reason=told(report.failures))
        else:
            self._log.info("webhooks_followed", **_figures(report.counts))
        if any(report.counts[name] for name in _WORTH_TELLING):
            self._on_report(report)
        if report.failures or self._left():
            self._try_later()
        else:
            self._pause = self._first_pause

    def _left(self) -> bool:
        with self._project.reading().begin() as connection:
            return count_waiting(connection).records > 0

    def _try_later(self) -> None:
        self._wake_in(self._pause)
        self._pause = min(self._pause * 2, self._every)

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


_WORTH_TELLING = ("records_changed", "scored", "written", "refused", "unknown")


def _figures(counts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in counts.items() if isinstance(value, int)}
