"""`leadline run` as a process of its own: starts, tells how it is, stops between two batches, shares with others."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.edits import heat
from tests.gate import Lost
from tests.stage import NOW, Stage, _iso, is_write, stage, worker_environment
from tests.traces import Terminal, shown

from leadline.app.schedule import Health, Worker
from leadline.app.stopping import Stop, StoppedError
from leadline.app.sync import Report
from leadline.sdk.sandbox.bundle import generate
from leadline.store import tables

SETTINGS = {"web": {"port": 0}, "log": {"format": "json"}, "http": {"attempts": 1, "timeout_seconds": 20}}
HEATED, TASKS = 9, 6  # accounts at which somebody acts, and those of them that nothing holds back
STUCK = 60  # seconds after which a worker that should have said something is ended


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Stage]:
    """One CRM, backfilled, in which people at nurtured accounts have asked for a demo since."""
    with stage(tmp_path / "project", {"hubspot": generate(60, seed=5, now=NOW)}, settings=SETTINGS) as made:
        made.backfill()
        heat("hubspot", made, HEATED)
        yield made


class Process:
    """A worker under way, read line by line."""

    def __init__(self, on: Stage, *words: str) -> None:
        self.process = subprocess.Popen(
            on.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=worker_environment()
        )
        self.said: list[str] = []
        self._watch = threading.Timer(STUCK, self.process.kill)
        self._watch.start()

    def until(self, word: str) -> str:
        """The next line of stderr with this word."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if word in line:
                return line
        raise AssertionError(f"the worker ended without {word!r}: {self.said}")

    def health(self, address: str) -> httpx.Response:
        """What the health endpoint says."""
        return httpx.get(address)

    def address(self) -> str:
        """Where the health endpoint is."""
        return self.until("serving health on ").split()[3].rstrip(";")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, list[dict[str, Any]]]:
        """Ask it to stop; its exit code, and the objects that it printed."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> tuple[int, list[dict[str, Any]]]:
        """Wait for its end."""
        out, rest = self.process.communicate()
        self.said += rest.splitlines(keepends=True)
        return self.process.returncode, [json.loads(line) for line in out.splitlines()]

    def close(self) -> None:
        """Whatever happened: it does not stay."""
        self._watch.cancel()
        self.process.kill()
        self.process.communicate()


@contextmanager
def worker(on: Stage, *words: str) -> Iterator[Process]:
    made = Process(on, *(words or ("run", "--json")))
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_syncs_at_once_says_that_it_is_well_and_stops_when_asked(portal: Stage, number: signal.Signals) -> None:
    with worker(portal) as running:
        address = running.address()
        running.until("sync_done")
        well = running.health(address)
        code, reports = running.stop(number)

    assert (well.status_code, well.json()["status"], well.json()["runs"]) == (200, "ok", 1)
    assert code == 0
    (report,) = reports
    assert (report["kind"], report["failures"]) == ("sync", {})
    assert report["written"] > 0
    assert len(report["crossings"]) == HEATED
    assert "Traceback" not in "".join(running.said)
    assert [row["state"] for row in portal.rows(tables.runs)] == ["done", "done"]


def test_a_sync_that_fails_is_told_by_the_health_endpoint(portal: Stage) -> None:
    portal.crms["hubspot"].faults.add({"path": "/crm/*", "status": 503, "times": None})

    with worker(portal) as running:
        address = running.address()
        running.until("sync_failed")
        ill = running.health(address)
        code, reports = running.stop()

    assert (ill.status_code, ill.json()["status"]) == (503, "failing")
    assert ill.json()["last_error"].startswith("hubspot: ")
    assert code == 0
    assert list(reports[0]["failures"]) == ["hubspot"]


def test_asked_to_stop_it_ends_the_batch_under_way_and_the_next_start_goes_on(portal: Stage) -> None:
    hold = portal.gate.hold(1, Lost.APPLIED, lambda method, path: is_write(f"{method} {path}"))

    with worker(portal) as running:
        assert hold.reached.wait(STUCK)
        running.process.send_signal(signal.SIGTERM)
        running.until("worker_stopping")
        hold.release()
        code, reports = running.end()

    assert (code, reports) == (0, [])
    assert any("sync_stopped" in line for line in running.said)
    states = [row["state"] for row in portal.rows(tables.effects, tables.effects.c.kind != "update")]
    assert set(states) == {"planned"}, "the update under way was the last call"
    assert not portal.rows(tables.effects, tables.effects.c.state == "sending")

    with worker(portal) as running:
        running.until("sync_done")
        assert running.stop()[0] == 0
    assert not portal.rows(tables.effects, tables.effects.c.state.in_(["planned", "sending", "unknown"]))
    _nothing_twice(portal)


def test_others_beside_it_say_so_and_leave_it_the_work(portal: Stage) -> None:
    hold = portal.gate.hold(1, Lost.APPLIED, lambda method, path: is_write(f"{method} {path}"))

    with worker(portal) as first:
        assert hold.reached.wait(STUCK)
        with worker(portal) as second:
            told = second.until("sync_failed")
            assert second.stop()[0] == 0
        # Not beside the second: whichever of the two came later would be told of the other's scoring.
        with worker(portal, "sync", "--json") as once:
            code, (answer,) = once.end()
        assert "another worker is writing to this connection" in told
        assert (code, answer["error"]["type"], answer["written"]) == (4, "TransientError", 0)
        hold.release()
        first.until("sync_done")
        assert first.stop()[0] == 0

    _nothing_twice(portal)


def _nothing_twice(portal: Stage) -> None:
    tasks = [row["leadline_key"] for row in portal.records("hubspot", "tasks").values()]
    assert len(tasks) == len(set(tasks)) == TASKS
    effects = portal.rows(tables.effects, tables.effects.c.kind == "task")
    assert [row["state"] for row in effects] == ["written"] * TASKS


def test_ctrl_c_ends_a_backfill_where_everything_is_stored(tmp_path: Path) -> None:
    with stage(tmp_path / "project", {"hubspot": generate(60, seed=5, now=NOW)}, settings=SETTINGS) as portal:
        hold = portal.gate.hold(1, Lost.APPLIED, lambda method, path: is_write(f"{method} {path}"))
        with worker(portal, "backfill") as running:
            assert hold.reached.wait(STUCK)
            running.process.send_signal(signal.SIGINT)
            running.until("stopping after the page or batch under way")
            hold.release()
            code, _ = running.process.wait(), None
            running.until("stopped")

        assert code == 130
        assert not portal.rows(tables.effects, tables.effects.c.state == "sending")
        left = portal.rows(tables.effects, tables.effects.c.state == "planned")
        assert left
        assert portal.backfill().counts["written"] == len(left)


# Before it starts


def test_a_port_that_is_taken_is_one_line(portal: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (portal.folder / "leadline.yaml").write_text(
            json.dumps({**portal.settings, "web": {"port": port}}), encoding="utf-8"
        )
        before = shown(portal.crms)

        ended = Terminal(portal.folder, capsys, _iso(NOW)).type("run")

    assert (ended.code, shown(portal.crms) == before) == (2, True)
    assert ended.err == (
        f"error: web.port: port {port} on 127.0.0.1 cannot be served: address already in use. "
        "Choose a free port and an address of this machine under `web` in leadline.yaml; port 0 takes any.\n"
    )


# The schedule itself


def test_it_goes_on_at_its_pace_until_asked_to_stop(portal: Stage) -> None:
    stop, reports = Stop(), list[Report]()

    def heard(report: Report) -> None:
        reports.append(report)
        if len(reports) == 3:
            stop.ask()

    with portal.open() as project:
        health = Health()
        Worker(project, health, stop, every=timedelta(milliseconds=10), on_report=heard).run()

    assert len(reports) == 3
    assert [report.counts["written"] > 0 for report in reports] == [True, False, False]
    assert (health.runs, health.answer(60)[1]["status"]) == (3, "stopping")


def test_a_worker_whose_syncs_do_not_end_is_not_well() -> None:
    health = Health(started_at=0.0)

    assert health.answer(60)[0] == 503


@pytest.mark.parametrize("seconds", [0.01, 4.9])
def test_a_short_wait_is_sat_out(seconds: float) -> None:
    naps: list[float] = []
    stop = Stop(naps.append)
    stop.ask()

    stop.sleep(seconds)

    assert naps == [seconds]


def test_a_long_wait_ends_when_asked() -> None:
    stop = Stop(lambda _: None)
    threading.Timer(0, stop.ask).start()

    with pytest.raises(StoppedError):
        stop.sleep(3_600)
