"""Kill -9 in the middle of reading, scoring and writing, again and again: the end is that of an undisturbed run.

The worker is a process of its own, the CRMs are in this one. A kill comes at a chosen call (before
it arrives, or after it was applied and before it is answered), or when so many scores have been
stored. Then the worker is started again, killed again, and in the end left alone.

`KILL_ROUNDS=20 pytest tests/flow/test_kill.py -m heavy -s` draws many more.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from tests.comparison import Snapshot, crm_state, nothing_twice, same, store_state
from tests.edits import heat
from tests.gate import Lost, Matches
from tests.stage import DAY, NOW, SYSTEMS, Stage, is_write, stage, worker_environment

from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.world import World
from leadline.store import tables

READING, SCORING, WRITING = "reading", "scoring", "writing"
# A call of a killed worker is waited out by the next one: not long, here.
SETTINGS = {"http": {"timeout_seconds": 2}}
DEADLINE = 120  # seconds after which a worker that should end is stuck


# Calls to be killed at


def a_read(_method: str, path: str) -> bool:
    """Of records, in either CRM."""
    return "/query" in path or (path.startswith("/crm/objects/") and not path.endswith("/batch/update"))


def a_write(method: str, path: str) -> bool:
    return is_write(f"{method} {path}")


def calls_to(*ends: str) -> Matches:
    """Calls that change something, to paths with one of these ends."""
    return lambda method, path: a_write(method, path) and path.endswith(ends)


FIELDS = {"salesforce": calls_to("/composite/sobjects"), "hubspot": calls_to("/companies/batch/update")}
PEOPLE = calls_to("/contacts/batch/update")
TASKS = {"salesforce": calls_to("/Task/Leadline_Key__c"), "hubspot": calls_to("/tasks/batch/create")}
ENROLMENTS = {"salesforce": calls_to("/assignTargetToSalesCadence"), "hubspot": calls_to("/enrollments")}


def a_read_back(_method: str, path: str) -> bool:
    """HubSpot's way of looking at what became of an update: nothing else reads companies in batches."""
    return path.startswith("/crm/objects/") and path.endswith("/companies/batch/read")


@dataclass
class Worker:
    """Runs the command until it is killed or ends, and notes where the kills hit."""

    stage: Stage
    command: str
    chunk: int
    kills: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    @property
    def hits(self) -> Counter[str]:
        """Kills by stage."""
        return Counter(where for where, _ in self.kills)

    def _start(self) -> subprocess.Popen[bytes]:
        environment = worker_environment() | {"LEADLINE_SYNC__CHUNK": str(self.chunk)}
        with (self.stage.folder / "worker.log").open("wb") as log:
            command = self.stage.command(self.command)
            return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def finish(self) -> None:
        """Let it run to its end."""
        process = self._start()
        assert process.wait(DEADLINE) == 0, (self.stage.folder / "worker.log").read_text()

    def kill_at_call(self, number: int, lost: Lost, matches: Matches) -> bool:
        """Kill it at the `number`-th matching call; False when it ended before."""
        hold = self.stage.gate.hold(number, lost, matches)
        process = self._start()
        while not hold.reached.wait(0.01):
            if process.poll() is not None:
                self.stage.gate.open()
                assert process.returncode == 0, (self.stage.folder / "worker.log").read_text()
                return False
        self.calls.append(hold.call)
        self._kill(process, f"{hold.call}, {lost}")
        hold.release()
        return True

    def kill_at_score(self, number: int) -> bool:
        """Kill it when `number` records have been scored at the stage's time; False when it ended before."""
        process = self._start()
        with closing(sqlite3.connect(self.stage.folder / "leadline.db", timeout=60)) as database:
            while scored_now(database, self.stage.now) < number:
                if process.poll() is not None:
                    assert process.returncode == 0, (self.stage.folder / "worker.log").read_text()
                    return False
        self._kill(process, f"{number} scores")
        return True

    def _kill(self, process: subprocess.Popen[bytes], at: str) -> None:
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        self.kills.append((self._doing(process.pid), at))

    def _doing(self, pid: int) -> str:
        """What a killed worker was doing: the leases that it left behind say so."""
        held = {row["name"] for row in self.stage.rows(tables.leases) if f":{pid}:" in row["holder"]}
        if "decide" in held:
            return SCORING
        return WRITING if held else READING


def scored_now(database: sqlite3.Connection, now: int) -> int:
    """Records that were scored at that time."""
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'scores'").fetchone():
        return 0
    (count,) = database.execute("SELECT count(*) FROM scores WHERE scored_at = ?", (now,)).fetchone()
    return int(count)


def snapshot(on: Stage) -> Snapshot:
    """CRMs and store, once one more sync has read back what was written and found nothing to do."""
    ran = on.sync()
    assert (ran.counts["records_changed"], ran.counts["scored"], ran.counts["written"]) == (0, 0, 0)
    return {**{system: crm_state(on, system) for system in SYSTEMS}, "store": store_state(on)}


# The runs


def news(on: Stage) -> None:
    """Three days pass, and then many accounts look at prices and ask for a demo."""
    on.advance(3 * DAY)
    for system in SYSTEMS:
        heat(system, on, 12)


@pytest.fixture(scope="module")
def world() -> World:
    return generate(150, seed=3, now=NOW)


@pytest.fixture(scope="module")
def calm(world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Snapshot, Snapshot]:
    """What an undisturbed backfill leads to, and an undisturbed sync after it, in one chunk each."""
    with stage(tmp_path_factory.mktemp("calm"), dict.fromkeys(SYSTEMS, world), settings=SETTINGS) as on:
        on.backfill()
        backfilled = snapshot(on)
        news(on)
        ran = on.sync()
        assert ran.counts["effects"].keys() == {"update", "task", "enrol"}
        return backfilled, snapshot(on)


@dataclass(frozen=True)
class Plan:
    """Where to kill: at which reads of records (drawn), after how many scores, at which writes."""

    reads: range
    scores: Sequence[int]
    writes: Sequence[Matches]

    def carry_out(self, worker: Worker, drawn: random.Random) -> None:
        """Kill and start again; in the end let it be."""
        ways = list(Lost)
        for _ in range(3):
            worker.kill_at_call(drawn.choice(self.reads), drawn.choice(ways), a_read)
        for number in self.scores:
            worker.kill_at_score(number)
        drawn.shuffle(ways)
        left = list(self.writes)
        while left:  # whichever comes first: the two CRMs are written to at once
            before = len(left)
            # Every way of losing a call comes up.
            if not worker.kill_at_call(1, ways[before % len(ways)], partial(_any_of, tuple(left))):
                return
            method, path = worker.calls[-1].split(" ")
            left.remove(next(matches for matches in left if matches(method, path)))
        worker.finish()


def _any_of(several: Sequence[Matches], method: str, path: str) -> bool:
    return any(matches(method, path) for matches in several)


# The forecast of a backfill takes the first twenty reads.
BACKFILL = Plan(
    range(21, 40), (1, 60, 150), (FIELDS["hubspot"], a_read_back, FIELDS["salesforce"], PEOPLE, FIELDS["salesforce"])
)
SYNC = Plan(range(2, 20), (1, 20, 40), [of[system] for of in (FIELDS, TASKS, ENROLMENTS) for system in SYSTEMS])


def killed_anywhere(seed: int, world: World, calm: tuple[Snapshot, Snapshot], folder: Path) -> None:
    """A backfill and a sync, each killed at least three times in each stage, end like undisturbed ones."""
    drawn = random.Random(seed)
    with stage(folder, dict.fromkeys(SYSTEMS, world), settings=SETTINGS) as on:
        backfill = Worker(on, "backfill", chunk=10)
        BACKFILL.carry_out(backfill, drawn)
        same(snapshot(on), calm[0])
        news(on)
        sync = Worker(on, "sync", chunk=3)
        SYNC.carry_out(sync, drawn)
        same(snapshot(on), calm[1])
        nothing_twice(on)
    for worker in (backfill, sync):
        print(f"\nseed {seed}, {worker.command}: {dict(worker.hits)}")
        print(*(f"  {where}: {at}" for where, at in worker.kills), sep="\n")
        assert min(worker.hits[where] for where in (READING, SCORING, WRITING)) >= 3


def test_killed_anywhere_it_ends_as_if_undisturbed(
    world: World, calm: tuple[Snapshot, Snapshot], tmp_path: Path
) -> None:
    killed_anywhere(20, world, calm, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", range(int(os.environ.get("KILL_ROUNDS", "1"))))
def test_killed_many_times_more(seed: int, world: World, calm: tuple[Snapshot, Snapshot], tmp_path: Path) -> None:
    killed_anywhere(seed, world, calm, tmp_path)
