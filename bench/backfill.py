"""A backfill of a whole CRM: peak memory, time and calls at two sizes, and what a killed worker does again.

    python bench/backfill.py [--small N] [--big N] [--only SYSTEM] [--without-twin] [--folder DIR]

N counts records, one account for every five contacts. For each system three backfills of a fresh sandbox:
of the small size, of the big size, and of the big size by a worker that is killed (SIGKILL) in reading, in
scoring and in writing, and started again each time. `--without-twin` leaves the second out; peaks and calls
are then those of the killed one.

Sandbox and worker are processes of their own. Salesforce is read by Bulk API 2.0 and HubSpot by listing, both
with their rates lifted; mappings and model are those that Leadline ships. *Peak* is the kernel's high-water
mark of the worker's resident memory (`VmHWM`). Calls are counted by the sandbox. Below some 20,000 records
memory grows with the size, because bulk jobs (10,000 rows) and caches (16,384 names) are not full yet.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from leadline.app.rehearsal import LocalCrm, write_project

PEAK_MB, GROWTH = 700, 1.2
BEGIN = 1_780_000_000
"""Epoch seconds at which the sandbox's clock begins to run; every worker is told what time it has become."""
KILLS = (("read", 0.5), ("score", 0.5), ("write", 0.1))
"""After which share of a stage the worker is killed. Early in writing: what is written counts as changed, and is read
again by the next worker, as by any sync."""
OPTIONS: dict[str, dict[str, Any]] = {
    "salesforce": {"bulk_above_rows": 2_000},
    "hubspot": {
        "search_above_rows": 10**9,
        "rates": {"calls_per_10_seconds": 10**6, "searches_per_second": 10**6},
    },
}
PAGE = {"salesforce": 2_000, "hubspot": 100}
READERS = 2  # objects read at the same time, the setting's default: a kill can lose a page of each
_SAMPLE = 0.05  # seconds between two looks at a worker's memory
_STAGES = {"read": "read", "score_and_decide": "score", "write": "write"}


@dataclass
class Life:
    """One worker process from its start to its end or kill. Peak in MB, CPU in seconds, wall seconds by stage."""

    seconds: Counter[str] = field(default_factory=Counter)
    peak: float = 0.0
    cpu: float = 0.0
    calls: int = 0
    read: int = 0
    scored: int = 0
    written: int = 0


@dataclass
class Measured:
    """One backfill, over all workers that it needed, and what its store held in the end."""

    system: str
    records: int
    lives: list[Life] = field(default_factory=list)
    state: dict[str, int] = field(default_factory=dict)

    def sum(self, name: str) -> float:
        """The workers' figures of that name, added up."""
        return float(sum(getattr(life, name) for life in self.lives))

    def seconds(self, stage: str) -> float:
        """Wall seconds of a stage."""
        return sum(life.seconds.get(stage, 0) for life in self.lives)

    @property
    def peak(self) -> float:
        """The highest resident memory of any worker, in MB."""
        return max(life.peak for life in self.lives)


class Worker:
    """One process of `leadline backfill`, followed by its log until it ends or is killed."""

    def __init__(self, folder: Path, now: int, records: int) -> None:
        command = [sys.executable, "-m", "leadline", "--project", str(folder), "--now", _iso(now)]
        self._process = subprocess.Popen(
            [*command, "--json", "--verbose", "backfill"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.life = Life()
        self._stage = "read"
        self._done: Counter[str] = Counter()
        self._totals = Counter({"read": records})
        self._complaints: list[str] = []
        self._ended = threading.Event()

    def run(self, kill: tuple[str, float] | None) -> None:
        """Follow it. `kill` names a stage and the share of it after which it is killed.

        SystemExit when it fails, or ends without having come so far.
        """
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            killed = self._follow(kill)
            answer = self._process.stdout.read() if self._process.stdout else ""
        finally:
            self._ended.set()
            watcher.join()
            # Not by Popen's own methods: they reap the process, and what it used is lost.
            _, status, used = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
        self.life.cpu = used.ru_utime + used.ru_stime
        if not killed and (kill or self._process.returncode):
            raise SystemExit(f"the worker ended ({kill}):\n{answer[-2_000:]}\n{''.join(self._complaints)[-4_000:]}")

    def _follow(self, kill: tuple[str, float] | None) -> bool:
        began = time.monotonic()
        for line in self._process.stderr or ():
            if not line.startswith("{"):
                self._complaints.append(line)
                continue
            event, now = json.loads(line), time.monotonic()
            self.life.seconds[self._stage] += now - began  # type: ignore[assignment] # a Counter of floats
            began = now
            self._note(event)
            if kill and self._stage == kill[0] and self._done[kill[0]] >= self._totals[kill[0]] * kill[1] > 0:
                os.kill(self._process.pid, signal.SIGKILL)
                return True
        return False

    def _note(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "StageStarted":
                self._stage = _STAGES.get(event["stage"], self._stage)
                if event["stage"] in {"score", "write:update"}:
                    self._totals[self._stage] = event["total"]
            case "PageStored":
                self._done["read"] += event["records"]
                self.life.read += event["records"]
            case "ChunkScored":
                self._done["score"] += event["marks"]
                self.life.scored += event["subjects"]
            case "BatchPushed":
                self._done["write"] += event["rows"]
                self.life.written += event["outcomes"].get("written", 0)

    def _watch(self) -> None:
        status = Path(f"/proc/{self._process.pid}/status")
        while not self._ended.wait(_SAMPLE):
            _, named, rest = status.read_text().partition("VmHWM:")
            if named:  # else it has ended, and is not reaped yet
                self.life.peak = int(rest.split()[0]) / 1_024


def _iso(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@contextmanager
def served(system: str, records: int) -> Iterator[LocalCrm]:
    """A sandbox with a crowd of so many records, its rates lifted, its clock running."""
    accounts = records // 6
    command = [sys.executable, "-m", "leadline", "--now", _iso(BEGIN), "sandbox", system, "--json", "--seed", "7"]
    command += ["--accounts", str(accounts), "--contacts", str(records - accounts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = json.loads(process.stdout.readline())
            names = ("system", "base_url", "credentials", "records", "unassigned_owners")
            crm = LocalCrm(**{name: said[name] for name in names})
            crm.control("clock", {"set": BEGIN, "running": True})
            if system == "hubspot":
                crm.control("settings", {"unlimited": True})
            yield crm
        finally:
            process.terminate()


def set_up(folder: Path, crm: LocalCrm) -> None:
    """The project that is measured."""
    write_project(folder, {crm.system: crm})
    path = folder / "leadline.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["connections"][crm.system]["options"].update(OPTIONS[crm.system])
    settings["log"] = {"format": "json"}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def backfilled(system: str, records: int, kills: Sequence[tuple[str, float]], folder: Path | None) -> Measured:
    """One backfill of a fresh sandbox, by a worker that is killed at these points and started again."""
    measured = Measured(system, records)
    note(f"{system}, {records:,} records, {len(kills)} kills")
    with served(system, records) as crm, tempfile.TemporaryDirectory(dir=folder) as project:
        set_up(Path(project), crm)
        for kill in [*kills, None]:
            before = crm.control("requests?since=999999999")["next"]
            worker = Worker(Path(project), int(crm.control("clock")["epoch"]), records)
            measured.lives.append(worker.life)
            worker.run(kill)
            worker.life.calls = crm.control("requests?since=999999999")["next"] - before
            note(f"  {f'killed in {kill[0]}' if kill else 'ended'}: {worker.life}")
        measured.state = stored(Path(project) / "leadline.db")
    return measured


def stored(database: Path) -> dict[str, int]:
    """What the worker's store holds in the end: rows, points, and effects by how they ended."""
    with closing(sqlite3.connect(database)) as store:
        found = {name: store.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("accounts", "people")}
        found["scores"], found["points"] = store.execute("SELECT count(*), sum(score) FROM scores").fetchone()
        found.update(store.execute("SELECT state, count(*) FROM effects GROUP BY state ORDER BY state"))
        return found


def note(text: str) -> None:
    """Progress, beside the table."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def verdicts(small: Measured, big: Measured, killed: Measured) -> Iterator[tuple[bool, str]]:
    """Every target: whether it is met, and the figure. `big` is `killed` where there was no twin."""
    who = f"{big.system}, {big.records:,} records"
    worst = max(big.peak, killed.peak)
    yield worst < PEAK_MB, f"{who}: peak {worst:.0f} MB, target under {PEAK_MB}"
    grown = worst / small.peak
    yield grown <= GROWTH, f"{who}: {grown:.2f} times the peak at {small.records:,}, target {GROWTH:g}"
    # The first two workers read everything; users are read by each of them.
    again = sum(life.read for life in killed.lives[:2]) - killed.records
    allowed = READERS * PAGE[big.system]
    yield again <= allowed, f"{who}: {again:,} rows read twice after a kill in reading, target {allowed:,}"
    twice = killed.sum("scored") - killed.records
    yield twice <= 0, f"{who}: {twice:,.0f} records scored twice after a kill in scoring, target 0"
    ended = killed.state.get("written", 0) + killed.state.get("unchanged", 0)
    left = set(killed.state) & {"planned", "sending", "unknown", "refused"}
    yield ended >= killed.records and not left, f"{who}: {ended:,} writes have ended well, none is left over"
    if big is not killed:
        alike = {name: count for name, count in big.state.items() if killed.state.get(name) != count}
        yield not alike, f"{who}: the killed backfill and the undisturbed one end with {killed.state}"


def show(everything: Sequence[Measured]) -> None:
    """A row for each backfill, and one for each worker of those that were killed."""
    table = Table(title="leadline backfill", title_justify="left")
    columns = (
        "",
        "records",
        "peak MB",
        "read s",
        "score s",
        "write s",
        "CPU s",
        "calls",
        "rows read",
        "scored",
        "written",
    )
    for name in columns:
        table.add_column(name, justify="right" if name else "left")
    for each in everything:
        of_each = [each.lives] if len(each.lives) == 1 else [each.lives, *([life] for life in each.lives)]
        for number, lives in enumerate(of_each):
            part = Measured(each.system, each.records, lives)
            many = f", killed {len(lives) - 1} times" if len(lives) > 1 else ""
            name = f"  worker {number}" if number else f"{each.system}{many}"
            figures = [part.peak, *map(part.seconds, _STAGES.values())]
            figures += [part.sum(name) for name in ("cpu", "calls", "read", "scored", "written")]
            table.add_row(name, "" if number else f"{each.records:,}", *(f"{figure:,.0f}" for figure in figures))
    Console(width=150).print(table)


def main() -> None:
    """Print the figures, and each target with whether it is met."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", type=int, default=24_000)
    parser.add_argument("--big", type=int, default=120_000)
    parser.add_argument("--only", choices=sorted(OPTIONS), help="one system")
    parser.add_argument("--without-twin", action="store_true", help="no undisturbed backfill of the big size")
    parser.add_argument("--folder", type=Path, help="where the stores are kept meanwhile; about 1.5 GB a million")
    told = parser.parse_args()
    for system in [told.only] if told.only else sorted(OPTIONS, reverse=True):
        small = backfilled(system, told.small, (), told.folder)
        twin = [] if told.without_twin else [backfilled(system, told.big, (), told.folder)]
        killed = backfilled(system, told.big, KILLS, told.folder)
        show([small, *twin, killed])
        for met, text in verdicts(small, [*twin, killed][0], killed):
            print(f"{'met' if met else 'MISSED'}: {text}")


if __name__ == "__main__":
    main()
