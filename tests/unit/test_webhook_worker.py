"""The worker on webhooks: a storm is a few runs, never two at once, and what could not be done is tried again."""

from __future__ import annotations

import dataclasses
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fakes import FakeCRM
from tests.projects import fake_project

from leadline.app.backfill import backfill
from leadline.app.bootstrap import Project
from leadline.app.schedule import Health, Worker
from leadline.app.stopping import Stop
from leadline.app.sync import Report
from leadline.app.webhooks import Receiver
from leadline.sdk.errors import TransientError
from leadline.sdk.records import Notice, PullRequest, RawRecord, WebhookCall
from leadline.store import notices

AT_ONCE = timedelta(milliseconds=1)
STUCK = 60  # seconds after which a worker that should have ended is told to


class Believing:
    """Believes everybody; the body is the id of an account."""

    def read(self, call: WebhookCall) -> list[Notice]:
        """That account."""
        return [Notice("Account", call.body.decode())]


@dataclasses.dataclass(slots=True)
class Busy(FakeCRM):
    """Notes when more than one run is at it; `on_fetch` may fail or wait."""

    on_fetch: Callable[[], None] = lambda: None
    fetches: int = 0
    met: bool = False
    _inside: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        """As the CRM does it."""
        self.met |= self._inside.locked()
        with self._inside:
            self.fetches += 1
            self.on_fetch()
            return FakeCRM.fetch(self, request, ids)


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Busy]:
    """The folder of a project that was backfilled, and its CRM, both to be copied."""
    folder, made = tmp_path_factory.mktemp("backfilled"), Busy(page_size=50)
    for number in range(5):
        made.put("Account", f"a{number}", Name=f"Acme {number}", Industry="Software")
    with fake_project(folder, made) as opened:
        backfill(opened, lambda _: None)
    return folder, made


@pytest.fixture
def crm(backfilled: tuple[Path, Busy]) -> Busy:
    return backfilled[1].copied()


@pytest.fixture
def project(tmp_path: Path, backfilled: tuple[Path, Busy], crm: Busy) -> Iterator[Project]:
    shutil.copytree(backfilled[0], tmp_path, dirs_exist_ok=True)
    with fake_project(tmp_path, crm) as opened:
        opened.connections["crm"] = dataclasses.replace(opened.connections["crm"], webhooks=Believing)
        yield opened


class Shift:
    """A worker at work, with a receiver that wakes it; its first sync reads nothing new."""

    def __init__(self, project: Project, **how: Any) -> None:
        self.stop = Stop()
        self.reports: list[Report] = []
        self.health = Health()
        self.worker = Worker(project, self.health, self.stop, on_report=self._heard, **{"settle": AT_ONCE, **how})
        self.receiver = Receiver(project, wake=self.worker.wake, patience=STUCK)
        self.until: Callable[[Report], bool] = lambda _: False

    def _heard(self, report: Report) -> None:
        self.reports.append(report)
        if self.until(report):
            self.stop.ask()

    def hears(self, *ids: str) -> None:
        """A webhook for each of these accounts."""
        for each in ids:
            self.receiver.take("crm", WebhookCall("POST", "", {}, each.encode(), 0))

    def work(self) -> None:
        """Until it is told to stop."""
        watch = threading.Timer(STUCK, self.stop.ask)
        watch.start()
        try:
            self.worker.run()
        finally:
            stuck = not watch.is_alive()
            watch.cancel()
            self.receiver.close()
        assert not stuck

    def kinds(self) -> list[str]:
        return [report.kind for report in self.reports]


def left(project: Project) -> int:
    with project.reading().begin() as connection:
        return notices.count_waiting(connection).records


def test_a_storm_is_followed_by_few_runs_and_every_record_is_read(project: Project, crm: Busy) -> None:
    """500 webhooks for 5 records arrive from many sides while the run that the first one caused is under way."""
    shift = Shift(project)

    def storm() -> None:
        crm.on_fetch = lambda: None
        for number in range(5):
            crm.put("Account", f"a{number}", Industry="Mining")
        with ThreadPoolExecutor(8) as senders:
            list(senders.map(shift.hears, [f"a{number % 5}" for number in range(500)]))

    crm.on_fetch = storm
    shift.until = lambda _: crm.fetches > 1 and left(project) == 0
    shift.hears("a0")
    shift.work()

    assert (crm.fetches <= 4, crm.met) == (True, False)
    assert crm.value("Account", "a4", "Group") == "poor_fit"
    assert left(project) == 0


def test_many_webhooks_are_followed_by_one_run(project: Project) -> None:
    shift = Shift(project, every=timedelta(milliseconds=50))
    for _ in range(500):
        shift.worker.wake()
    shift.until = lambda _: shift.kinds() == ["sync", "sync"]

    shift.work()

    assert shift.health.webhook_runs == 1


def test_webhooks_that_came_before_the_first_sync_go_with_it(project: Project, crm: Busy) -> None:
    """What a killed worker has stored: nobody is woken for it."""
    with project.engine.begin() as connection:
        notices.note(connection, "crm", [Notice("Account", "a0")], now=0)
    shift = Shift(project)
    shift.until = lambda report: report.kind == "sync"

    shift.work()

    assert (shift.reports[0].counts["noticed"], left(project)) == (1, 0)


def test_a_run_that_could_not_is_tried_again_before_the_schedule_says_so(project: Project, crm: Busy) -> None:
    shift = Shift(project, every=timedelta(hours=1), pause=AT_ONCE)
    failures = iter([TransientError("down"), TransientError("still down")])

    def once_synced(report: Report) -> bool:
        if report.kind == "sync":
            crm.put("Account", "a0", Industry="Mining")
            crm.on_fetch = fail
            shift.hears("a0")
        return report.kind == "webhook"

    def fail() -> None:
        for failure in failures:
            raise failure

    shift.until = once_synced
    shift.work()

    assert (crm.fetches, crm.value("Account", "a0", "Group")) == (3, "poor_fit")
    assert shift.health.last_error is None, "the syncs are well"


def test_what_came_to_nothing_is_not_reported(project: Project, crm: Busy) -> None:
    """Such as the webhooks that our own writes cause."""
    shift = Shift(project, every=timedelta(hours=1))
    seen: list[int] = []

    def once_synced(report: Report) -> bool:
        if report.kind == "sync":
            crm.on_fetch = then_another
            shift.hears("a0")
        return report.kind == "webhook"

    def then_another() -> None:
        seen.append(crm.fetches)
        if len(seen) == 1:
            crm.put("Account", "a1", Industry="Mining")
            shift.hears("a1")

    shift.until = once_synced
    shift.work()

    assert shift.kinds() == ["sync", "webhook"]
    assert shift.reports[1].counts["records_changed"] == 1


def test_asked_to_stop_it_begins_nothing_and_the_next_start_goes_on(project: Project, crm: Busy) -> None:
    shift = Shift(project)

    def asked(report: Report) -> bool:
        shift.hears("a0")
        return report.kind == "sync"

    shift.until = asked
    shift.worker.wake()  # its run waits for the sync to end
    shift.work()
    assert (crm.fetches, left(project)) == (0, 1)

    following = Shift(project)
    following.until = lambda _: True
    following.work()
    assert (crm.fetches, left(project)) == (1, 0)


def test_asked_to_stop_while_a_run_plans_the_next_it_stops(project: Project, crm: Busy) -> None:
    """The run under way fails, and wants to be tried again, just when the worker stops."""
    shift = Shift(project, every=timedelta(hours=1))

    def stop_and_fail() -> None:
        shift.stop.ask()
        while not shift.health.stopping:
            pass
        raise TransientError("down")

    def synced(_: Report) -> bool:
        crm.on_fetch = stop_and_fail
        shift.hears("a0")
        return False

    shift.until = synced
    shift.work()

    assert left(project) == 1
