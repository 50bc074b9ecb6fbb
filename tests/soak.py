"""A day of operation, simulated: people edit both CRMs, the worker syncs every quarter of an hour, calls fail, the
process is killed.

Worker and CRMs are moved together. The same day goes by once undisturbed. The disturbed one syncs again at
the same time until a sync ends well, as `leadline run` would; killed workers are processes of their own.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.comparison import Snapshot, crm_state, store_state
from tests.edits import heat, user_of
from tests.gate import Hold, Lost, Matches
from tests.people import Crowd
from tests.recompute import Truth
from tests.stage import DAY, SYSTEMS, Stage, is_write, worker_environment

from leadline.app.bootstrap import load_mapping_file

STEP = 900
STEPS_PER_HOUR = 3_600 // STEP
KILLS_PER_HOUR = 3
SHARE = 0.02
"""Of all calls: how many go wrong."""

SETTINGS: dict[str, Any] = {"http": {"timeout_seconds": 2}}
TRIES = 12
"""Syncs at one time after which something is wrong that trying again does not mend."""
STUCK = 60

# Every kind of failure that is not the vendor's considered refusal; one share of SHARE each.
CALL_FAULTS: tuple[dict[str, Any], ...] = (
    {"drop_reply": True},
    {"drop_request": True},
    {"truncate": 0.5},
    {"drip": 0.3, "drip_for": 3.0},
    {"delay": 0.05},
    {"status": 401},
    {"status": 429},
    {"status": 429, "headers": {"Retry-After": "3"}},
    {"status": 500},
    {"status": 502, "body": "<html><body>Bad Gateway</body></html>"},
    {"status": 503},
    {"status": 504},
)
VENDOR_FAULTS: dict[str, tuple[dict[str, Any], ...]] = {
    "salesforce": (
        {"status": 420},
        {"status": 403, "code": "REQUEST_LIMIT_EXCEEDED"},
        {"status": 400, "code": "QUERY_TIMEOUT", "method": "GET", "path": "*/query*"},
    ),
    "hubspot": ({"status": 423}, {"status": 477, "headers": {"Retry-After": "600"}}, {"status": 521}, {"status": 524}),
}


@dataclass
class Account:
    """What a day was like."""

    syncs: int = 0
    repeated: int = 0
    kills: int = 0
    edits: int = 0
    killed_at: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    def lines(self) -> Iterator[str]:
        """The report."""
        yield f"{self.edits} edits, {self.calls} calls, {self.syncs} syncs of which {self.repeated} repeated"
        yield "faults: " + ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        yield f"{self.kills} kills at: " + ", ".join(f"{call} {count}" for call, count in self.killed_at.most_common())


class Day:
    """One history. `disturbed`: calls fail, and the worker is killed."""

    def __init__(self, on: Stage, *, hours: int, seed: int, disturbed: bool) -> None:
        self.on = on
        self.account = Account()
        self._hours = hours
        self._seed = seed
        self._disturbed = disturbed
        self._drawn = random.Random(f"edits {seed}")
        self._chance = random.Random(f"kills {seed}")
        self._mappings = {name: load_mapping_file(on.folder / "mappings" / f"{name}.yaml") for name in on.crms}

    def live(self) -> Snapshot:
        """The whole day, and a week of silence after it in which the last writes catch up."""
        self.on.backfill()
        if self._disturbed:
            self._set_faults()
        for step in range(self._hours * STEPS_PER_HOUR):
            self.on.advance(STEP)
            self._edit(step)
            if self._disturbed and step % STEPS_PER_HOUR < KILLS_PER_HOUR:
                self._kill_one()
            self._sync()
        self._count()
        for crm in self.on.crms.values():
            crm.faults.clear()
        self.on.advance(8 * DAY)
        self._sync()
        self.on.advance(120)
        self._sync()
        return {**{system: crm_state(self.on, system) for system in SYSTEMS}, "store": store_state(self.on)}

    # People

    def _edit(self, step: int) -> None:
        if step % 8 == 3:
            for system in SYSTEMS:
                heat(system, self.on, 2)
        for system in SYSTEMS:
            state = self.on.crms[system].vendor.state()
            truth = Truth.of(system, state, self._mappings[system])
            Crowd(user_of(system, self.on), truth, self._drawn, self.on.now).act()
            self.account.edits += 1

    # The worker

    def _sync(self) -> None:
        for again in range(TRIES):
            self.account.syncs += 1
            self.account.repeated += again > 0
            if not self.on.sync().report.failures:
                return
        raise AssertionError(f"{TRIES} syncs at one time, and each failed")

    def _kill_one(self) -> None:
        """Kill a worker at a call, a writing one where it makes some; a few more tries when it ended before."""
        first: Matches = _a_write if self._chance.random() < 0.5 else _any_call
        lost, number = self._chance.choice(list(Lost)), self._chance.randint(1, 12)
        for at, matches in ((number, first), (1, first), (2, _any_call), (1, _any_call)):
            if self._kill_at(self.on.gate.hold(at, lost, matches)):
                return

    def _kill_at(self, hold: Hold) -> bool:
        with (self.on.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                self.on.command("sync"), env=worker_environment(), stdout=log, stderr=subprocess.STDOUT
            )
        while not hold.reached.wait(0.01) and process.poll() is None:
            pass
        if not hold.reached.is_set():
            self.on.gate.open()
            return False
        os.kill(process.pid, signal.SIGKILL)
        process.wait(STUCK)
        self.account.kills += 1
        self.account.killed_at[_kind(hold.call)] += 1
        hold.release()
        return True

    # Faults

    def _set_faults(self) -> None:
        for system, crm in self.on.crms.items():
            rules = CALL_FAULTS + VENDOR_FAULTS[system]
            for number, rule in enumerate(rules):
                share = SHARE / len(rules)
                crm.faults.add({**rule, "probability": share, "seed": self._seed * 100 + number, "times": None})

    def _count(self) -> None:
        for crm in self.on.crms.values():
            for entry in crm.requests.since(0):
                self.account.calls += 1
                if entry.fault:
                    self.account.faults[entry.fault] += 1


def _any_call(_method: str, _path: str) -> bool:
    return True


def _a_write(method: str, path: str) -> bool:
    return is_write(f"{method} {path}")


def _kind(call: str) -> str:
    return " ".join("*" if any(c.isdigit() for c in part) else part for part in call.replace("/", " /").split())
