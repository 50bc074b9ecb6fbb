"""Running a contender: a program in an environment of its own that is told what to do, and measures itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.contest.sandboxes import ROOT, Crm

PROGRAMS = ROOT / "bench" / "contenders"
STUCK = 600  # seconds


class Failed(Exception):  # noqa: N818 - names what happened
    """A contender ended with an error."""


@dataclass(frozen=True)
class Contender:
    """Who does what: a program in an environment, with the job and options that its order names.

    `rows` is how many it writes (0: it reads all there are), `sample` how many of them at latency,
    `floor` the calls per 1,000 records that the vendor's page or batch size allows at best.
    """

    system: str
    name: str
    program: str
    job: str
    rows: int = 0
    sample: int = 0
    floor: float = 0.0
    environment: str = ""
    order: Mapping[str, Any] = field(default_factory=dict)
    fast: Mapping[str, Any] = field(default_factory=dict)  # only while CPU is measured: no pacing
    targets: Mapping[str, float] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The interpreter of its environment; Leadline's own for the clients that Leadline uses too."""
        return ROOT / ".peers" / self.environment / "bin" / "python" if self.environment else Path(sys.executable)

    def told(self, crm: Crm, rows: int, score: int) -> dict[str, Any]:
        """Its order."""
        return {**crm.order(rows, score), "job": self.job, **self.order}


def run(crm: Crm, contender: Contender, order: Mapping[str, Any], latency: int = 0) -> tuple[dict[str, Any], int]:
    """One run: what the contender told, and the calls of its work. Failed when it ended with an error."""
    command = [str(contender.python), "-W", "ignore", str(PROGRAMS / contender.program)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        if process.stdout.readline() != "ready\n":
            raise Failed(f"{contender.name} did not get ready:\n{process.communicate()[1][-3_000:]}")
        since = crm.control("requests?since=999999999")["next"]
        crm.control("latency", {"ms": latency})
        said, complaint = process.communicate("go\n", timeout=STUCK)
        crm.control("latency", {"ms": 0})
    if process.returncode:
        raise Failed(f"{contender.name} failed:\n{complaint[-3_000:]}")
    made = crm.control(f"requests?since={since}")["requests"]
    return json.loads(said), sum("/oauth" not in each["path"] for each in made)
