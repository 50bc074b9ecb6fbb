"""Leadline's connectors beside others': calls and client CPU per 1,000 records, seconds at 80 ms latency, rows lost.

    python bench/connectors.py [--contacts N] [--repeat N] [--only TEXT]

Each contender is a process of its own in its own environment (`make peers` installs those of others; a
missing one is named and left out), the sandbox is another process with its rates lifted. Contenders
sign in and read descriptions first; then the work is measured:

- *calls*: as the sandbox counts them, sign-in left out;
- *CPU*: user and kernel time of the contender's process during the work, the least of `--repeat` runs at
  no latency (what else the machine does only adds); *start* is what it took until the work began;
- *seconds*: at 80 ms latency, on a smaller number of rows (`sample`) where each row is a call; scaled;
- *bad day*: the same rows again, ten of them refused by the CRM, one call answered 503 and one reply
  lost after effect. What the contender says it wrote against what the CRM holds.

All read the same fields of contacts and write the same values. docs/benchmarks.md says more.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from leadline.app.bootstrap import load_mapping_file
from leadline.app.rehearsal import LocalCrm
from leadline.core.normalize.apply import request
from leadline.core.normalize.write import vendor_values
from leadline.sdk.records import Scalar

HERE = Path(__file__).parent
ROOT = HERE.parent
LATENCY_MS = 80
BAD_ROWS = 10
STUCK = 600  # seconds
SLOW = 3  # seconds of CPU that are precise enough without another run


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


OBJECTS = {"salesforce": "Contact", "hubspot": "contacts"}
UNPACED = {"options": {"rates": {"calls_per_10_seconds": 10**6, "searches_per_second": 10**6}}}
READ_CPU, WRITE_CPU = 10.0, 15.0  # ms per 1,000 records
READ, WRITE = {"cpu": READ_CPU}, {"cpu": WRITE_CPU, "calls": 1.1}


def _unpaced(**options: Any) -> dict[str, Any]:
    return {"options": {**UNPACED["options"], **options}}


CONTENDERS = [
    Contender("salesforce", "Leadline, REST", "ours.py", "read", floor=0.5, targets=READ),
    Contender(
        "salesforce", "Leadline, bulk query", "ours.py", "read", order={"options": {"bulk_above_rows": 2_000}},
        targets=READ,
    ),
    Contender("salesforce", "tap-salesforce, REST", "singer_salesforce.py", "read", floor=0.5,
              environment="tap-salesforce"),
    Contender("salesforce", "simple-salesforce, query_all_iter", "client_salesforce.py", "read", floor=0.5),
    Contender("salesforce", "simple-salesforce, bulk2 query", "client_salesforce.py", "read_bulk"),
    Contender("salesforce", "Leadline, collections", "ours.py", "write", rows=5_000, floor=5, targets=WRITE),
    Contender("salesforce", "simple-salesforce, collections", "client_salesforce.py", "write", rows=5_000, floor=5),
    Contender("salesforce", "simple-salesforce, one by one", "client_salesforce.py", "each", rows=1_000, sample=50,
              floor=5),
    Contender("salesforce", "Leadline, bulk job", "ours.py", "bulk", rows=10_000, targets={"cpu": WRITE_CPU}),
    Contender("salesforce", "drt-core, bulk job", "drt_salesforce.py", "write", rows=10_000,
              environment="drt-core"),
    Contender("salesforce", "simple-salesforce, bulk2 update", "client_salesforce.py", "bulk", rows=10_000),
    Contender("hubspot", "Leadline, list", "ours.py", "read", floor=10, order={"options": {"search_above_rows": 10**9}},
              fast=_unpaced(search_above_rows=10**9), targets=READ),
    Contender("hubspot", "Leadline, search", "ours.py", "read", floor=6, order={"options": {"search_above_rows": 0}},
              fast=_unpaced(search_above_rows=0), targets=READ),
    Contender("hubspot", "tap-hubspot", "singer_hubspot.py", "read", floor=10, environment="tap-hubspot"),
    Contender("hubspot", "hubspot-api-client, get_all", "client_hubspot.py", "read", floor=10),
    Contender("hubspot", "Leadline, batches", "ours.py", "write", rows=5_000, floor=10, fast=_unpaced(), targets=WRITE),
    Contender("hubspot", "hubspot-api-client, batches", "client_hubspot.py", "write", rows=5_000, floor=10),
    Contender("hubspot", "hubspot-api-client, one by one", "client_hubspot.py", "each", rows=1_000, sample=50,
              floor=10),
    Contender("hubspot", "drt-core, upsert", "drt_hubspot.py", "upsert", rows=1_000, sample=50, floor=10,
              environment="drt-core", fast={"unpaced": True}),
    Contender("hubspot", "drt-core, update only", "drt_hubspot.py", "update_only", rows=1_000, sample=50, floor=10,
              environment="drt-core", fast={"unpaced": True}),
]  # fmt: skip


@dataclass
class Figures:
    """What one contender took, per 1,000 records; CPU in ms."""

    contender: Contender
    rows: int
    fields: int
    calls: float
    cpu: float
    start: float
    normalizing: float = 0.0
    seconds: float = 0.0
    sample: int = 0
    bad_day: str = ""
    lost: bool = False


class Crm:
    """A sandbox in a process of its own, and what stands in it."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.system: str = told["system"]
        self.sign_ins: Mapping[str, Any] = told["sign_ins"]
        self._crm = LocalCrm(self.system, told["base_url"], told["credentials"], told["records"], ())
        self.object = OBJECTS[self.system]
        mapping = load_mapping_file(ROOT / "mappings" / f"{self.system}.yaml").objects[self.object]
        key = ["Id"] if self.system == "salesforce" else []
        self.fields = [*key, *request(mapping)[0]]
        self._write = mapping
        self.people = self._people()

    def _people(self) -> list[tuple[str, str]]:
        """(id, e-mail) of everybody who has one, in the CRM's order."""
        rows = self.control(f"state?object={self.object}")[self.object]
        known = [
            (row.get("Id") or row["id"], row.get("Email") or row.get("properties", {}).get("email")) for row in rows
        ]
        return [(uid, email) for uid, email in known if email]

    def control(self, path: str, body: Any = None) -> Any:
        """Ask the sandbox's control surface."""
        return self._crm.control(path, body)

    def forget_faults(self) -> None:
        """Remove all rules."""
        asked = urllib.request.Request(f"{self._crm.base_url}/__sandbox__/faults", method="DELETE")
        urllib.request.urlopen(asked, timeout=60).close()

    def order(self, contender: Contender, rows: int, score: int) -> dict[str, Any]:
        """What a contender is told. `score` tells one run's writes from another's."""
        given = {"system": self.system, "credentials": dict(self._crm.credentials), "sign_ins": self.sign_ins}
        values = self.values(score)
        written = [{"id": uid, "email": email, "fields": values} for uid, email in self.people[:rows]]
        return {**given, "job": contender.job, "object": self.object, "fields": self.fields, "rows": written,
                **contender.order}  # fmt: skip

    def values(self, score: int) -> dict[str, Scalar]:
        """What is written to every record; as text where the vendor takes nothing else."""
        reasons = "Pricing page twice in a week (+20); Head of Finance (+15)"
        values: dict[str, Scalar] = {"score": score, "fit": 50, "intent": 21, "group": "nurture", "reasons": reasons}
        given = vendor_values(self._write, values)
        return {name: str(value) for name, value in given.items()} if self.system == "hubspot" else dict(given)

    def written(self, score: int) -> int:
        """How many records hold this score."""
        (name, value) = next(iter(self.values(score).items()))
        rows = self.control(f"state?object={self.object}")[self.object]
        held = [row.get("properties", row).get(name) for row in rows]
        return sum(str(each).removesuffix(".0") == str(value) for each in held)


@contextmanager
def served(system: str, contacts: int) -> Iterator[Crm]:
    """A sandbox with a crowd, its rates lifted."""
    command = [sys.executable, "-m", "leadline", "sandbox", system, "--json"]
    command += ["--accounts", str(contacts // 5), "--contacts", str(contacts), "--seed", "7"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            crm = Crm(json.loads(process.stdout.readline()))
            if system == "hubspot":
                crm.control("settings", {"unlimited": True})
            yield crm
        finally:
            process.terminate()


def run(crm: Crm, contender: Contender, order: Mapping[str, Any], latency: int = 0) -> tuple[dict[str, Any], int]:
    """One run: what the contender told, and the calls of its work."""
    command = [str(contender.python), "-W", "ignore", str(HERE / "contenders" / contender.program)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"{contender.name} did not get ready:\n{process.communicate()[1][-3_000:]}")
        since = crm.control("requests?since=999999999")["next"]
        crm.control("latency", {"ms": latency})
        said, complaint = process.communicate("go\n", timeout=STUCK)
        crm.control("latency", {"ms": 0})
    if process.returncode:
        raise SystemExit(f"{contender.name} failed:\n{complaint[-3_000:]}")
    made = crm.control(f"requests?since={since}")["requests"]
    return json.loads(said), sum("/oauth" not in each["path"] for each in made)


SCORES = iter(range(100))


def measured(crm: Crm, contender: Contender, repeat: int) -> Figures:
    """CPU and calls at no latency, seconds at latency, and a bad day for writers."""
    runs = []
    for _ in range(repeat):
        score = next(SCORES)
        order = {**crm.order(contender, contender.rows, score), **contender.fast}
        told, calls = run(crm, contender, order)
        runs.append(told)
        if contender.rows and (held := crm.written(score)) != contender.rows:
            raise SystemExit(f"{contender.name} wrote {held} of {contender.rows} rows on a good day")
        if told["cpu"] > SLOW:
            break
    rows = told["rows"]
    figures = Figures(
        contender=contender,
        rows=rows,
        fields=len(crm.values(0) if contender.rows else crm.fields),
        calls=calls * 1_000 / rows,
        cpu=min(each["cpu"] for each in runs) * 1e6 / rows,
        start=min(each["start_cpu"] for each in runs) * 1e3,
    )
    if contender.program == "ours.py" and not contender.rows:
        told, _ = run(crm, contender, {**order, "job": "normalize"})
        figures.normalizing = told["cpu"] * 1e6 / rows - figures.cpu
    asked = contender.sample or min(contender.rows, 2_000)
    told, _ = run(crm, contender, crm.order(contender, asked, next(SCORES)), LATENCY_MS)
    figures.sample = told["rows"]
    figures.seconds = told["seconds"] * 1_000 / told["rows"]
    if contender.rows:
        _bad_day(crm, contender, figures)
    return figures


WRITES = {
    "salesforce": r"^/services/data/v[0-9.]+/(composite/sobjects|sobjects/Contact/|jobs/ingest)",
    "hubspot": r"^/crm/.*contacts(/batch/update|/[^/]+)?$",
}


def _bad_day(crm: Crm, contender: Contender, figures: Figures) -> None:
    rows = contender.rows if contender.rows <= 1_000 else 2_500
    score = next(SCORES)
    order = {**crm.order(contender, rows, score), **contender.fast}
    refused = [each["id"] for each in random.Random(5).sample(order["rows"], BAD_ROWS)]
    code = "FIELD_CUSTOM_VALIDATION_EXCEPTION" if crm.system == "salesforce" else "VALIDATION_ERROR"
    writes = {"path": WRITES[crm.system], "times": 1}
    crm.control("faults", [
        {"object": crm.object, "ids": refused, "code": code, "message": "Not on a bad day"},
        {**writes, "status": 503, "skip": 1},
        {**writes, "drop_reply": True, "skip": 3},
    ])  # fmt: skip
    try:
        told, _ = run(crm, contender, order)
        written = told["written"]
    except SystemExit as error:
        written, told = 0, {"ended": str(error)}
    finally:
        crm.forget_faults()
    held, good = crm.written(score), rows - BAD_ROWS
    figures.bad_day = f"{held:,} of {good:,}"
    if written != held:
        figures.bad_day += f", says {written:,}"
    figures.lost = held < good


def main() -> None:
    """Print the figures, and the targets of ours beside them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contacts", type=int, default=12_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", default="", help="contenders whose system or name contains this")
    told = parser.parse_args()
    chosen = [each for each in CONTENDERS if told.only.lower() in f"{each.system} {each.name}".lower()]
    everything = []
    for system in dict.fromkeys(each.system for each in chosen):
        with served(system, told.contacts) as crm:
            for contender in (each for each in chosen if each.system == system):
                if not contender.python.exists():
                    print(f"{contender.name}: not installed, run: make peers", file=sys.stderr)
                    continue
                everything.append(measured(crm, contender, told.repeat))
                print(f"{system}: {contender.name}", file=sys.stderr)
    show(everything)


def show(everything: Sequence[Figures]) -> None:
    """The table, and the targets."""
    console = Console(width=150)
    for reading in (True, False):
        verb = "read" if reading else "written"
        table = Table(title=f"per 1,000 contacts {verb}", title_justify="left")
        for column in ("", "", "rows", "fields", "calls", "floor", "CPU ms", "normalizing", "start", "s at 80 ms"):
            table.add_column(column, justify="left" if not column else "right")
        if not reading:
            table.add_column("on a bad day, written", justify="right")
        for each in everything:
            if bool(each.contender.rows) is reading:
                continue
            scaled = f" ({each.sample:,} rows)" if each.contender.sample else ""
            row = [
                each.contender.system, each.contender.name, f"{each.rows:,}", str(each.fields), f"{each.calls:,.1f}",
                f"{each.contender.floor:g}" if each.contender.floor else "", f"{each.cpu:,.1f}",
                f"{each.normalizing:.1f}" if each.normalizing else "", f"{each.start:,.0f}",
                f"{each.seconds:,.2f}{scaled}",
            ]  # fmt: skip
            table.add_row(*row, *([] if reading else [each.bad_day]))
        console.print(table)
    for each in everything:
        for line in verdicts(each):
            console.print(line)


def verdicts(figures: Figures) -> Iterator[str]:
    """One line for each target."""
    who = f"{figures.contender.system}, {figures.contender.name}"
    limit = figures.contender.targets.get("cpu")
    if limit is not None:
        yield f"{_met(figures.cpu <= limit)}: {who}: {figures.cpu:.1f} ms CPU per 1,000, target {limit:g}"
    share = figures.contender.targets.get("calls")
    if share is not None:
        ratio = figures.calls / figures.contender.floor
        yield f"{_met(ratio <= share)}: {who}: {ratio:.2f} times the floor of calls, target {share:g}"
    if figures.contender.targets and figures.contender.rows:
        yield f"{_met(not figures.lost)}: {who}: {figures.bad_day} rows written on a bad day, target all"


def _met(good: bool) -> str:
    return "met" if good else "MISSED"


if __name__ == "__main__":
    main()
