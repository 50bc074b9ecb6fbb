"""Programs that are measured: each a process of its own, in rounds, so that none alone meets a busy minute.

This process stays small and imports nothing large: a child begins with its parent's peak memory.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
OURS = Path(sys.executable)
PEERS = ROOT / ".peers" / "scoring" / "bin" / "python"


class Failed(Exception):  # noqa: N818 - names what happened
    """A program ended with an error."""


@dataclass(frozen=True)
class Program:
    """A file that is run with these arguments. Its last line on stdout may be JSON with what it measured itself."""

    name: str
    file: str
    arguments: tuple[str, ...]
    python: Path = OURS

    @property
    def installed(self) -> bool:
        """Whether its environment is there."""
        return self.python.exists()


@dataclass(frozen=True)
class Run:
    """What one run took: wall and CPU seconds of the whole process (its threads and children too), peak MB."""

    seconds: float
    cpu: float
    memory: float
    told: Mapping[str, Any]

    @property
    def engine(self) -> float:
        """Seconds of the work alone, as the program measured them."""
        return float(self.told["engine"])


def run(program: Program) -> Run:
    """Run it once. Failed when it ends with an error."""
    command = [str(program.python), "-W", "ignore", str(HERE / program.file), *program.arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaint:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=complaint, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0), complaint.seek(0)
        if process.returncode:
            raise Failed(f"{program.name} ended with {process.returncode}:\n{complaint.read().decode()[-3_000:]}")
        lines = [line for line in said.read().decode().splitlines() if line.startswith("{")]
    told = json.loads(lines[-1]) if lines else {}
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, told)


def rounds(programs: Sequence[Program], times: int) -> dict[str, list[Run]]:
    """That many rounds, in each of which every program runs once."""
    runs: dict[str, list[Run]] = {program.name: [] for program in programs}
    for turn in range(times):
        for program in programs:
            print(f"round {turn + 1} of {times}: {program.name}", file=sys.stderr)
            runs[program.name].append(run(program))
    return runs


def median(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    """The middle one."""
    return statistics.median(of(each) for each in runs)


def seconds(each: Run) -> float:
    """Of the whole process."""
    return each.seconds


def ratio(left: Sequence[Run], right: Sequence[Run], of: Callable[[Run], float] = seconds) -> float:
    """How many times as much the left one took: the median over rounds of both."""
    return statistics.median(of(one) / of(other) for one, other in zip(left, right, strict=False))
