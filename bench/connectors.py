"""Leadline's connectors beside others': calls and client CPU per 1,000 records, seconds at 80 ms latency, rows lost.

    python -m bench.connectors [--contacts N] [--repeat N] [--only TEXT]

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
import itertools
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.contest.programs import Contender, Failed, run
from bench.contest.sandboxes import Crm, served
from rich.console import Console
from rich.table import Table

LATENCY_MS = 80
BAD_ROWS = 10
SLOW = 3  # seconds of CPU that are precise enough without another run


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
    Contender("hubspot", "Leadline, batches", "ours.py", "bulk", rows=5_000, floor=10, fast=_unpaced(), targets=WRITE),
    Contender("hubspot", "hubspot-api-client, batches", "client_hubspot.py", "write", rows=5_000, floor=10),
    Contender("hubspot", "hubspot-api-client, one by one", "client_hubspot.py", "each", rows=1_000, sample=50,
              floor=10),
    Contender("hubspot", "drt-core, upsert", "drt_hubspot.py", "upsert", rows=1_000, sample=50, floor=10,
              environment="drt-core", fast={"unpaced": True}),
    Contender("hubspot", "drt-core, update only", "drt_hubspot.py", "update_only", rows=1_000, sample=50, floor=10,
              environment="drt-core", fast={"unpaced": True}),
]  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What a contender told of one run, and the calls that it made."""

    told: Mapping[str, Any]
    calls: int


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


SCORES = itertools.count(1)


def rounds(crm: Crm, contenders: Sequence[Contender], repeat: int) -> dict[str, list[Run]]:
    """Runs without latency by contender's name. All take turns, so that no one alone meets a busy minute."""
    runs: dict[str, list[Run]] = {each.name: [] for each in contenders}
    for turn in range(repeat):
        for contender in contenders:
            mine = runs[contender.name]
            if turn and (not mine or mine[-1].told["cpu"] > SLOW):
                continue
            print(f"{crm.system}: {contender.name}, run {turn + 1}", file=sys.stderr)
            try:
                mine.append(_good_day(crm, contender))
            except Failed as failed:
                print(failed, file=sys.stderr)
    return runs


def _good_day(crm: Crm, contender: Contender) -> Run:
    score = next(SCORES)
    told, calls = run(crm, contender, {**contender.told(crm, contender.rows, score), **contender.fast})
    if contender.rows and (held := crm.written(score)) != contender.rows:
        raise Failed(f"{contender.name} wrote {held} of {contender.rows} rows on a good day")
    return Run(told, calls)


def measured(crm: Crm, contender: Contender, runs: Sequence[Run]) -> Figures:
    """What the runs took, seconds at latency, and a bad day for writers."""
    rows = runs[-1].told["rows"]
    figures = Figures(
        contender=contender,
        rows=rows,
        fields=len(crm.values(0) if contender.rows else crm.fields),
        calls=runs[-1].calls * 1_000 / rows,
        cpu=min(each.told["cpu"] for each in runs) * 1e6 / rows,
        start=min(each.told["start_cpu"] for each in runs) * 1e3,
    )
    if contender.program == "ours.py" and not contender.rows:
        order = {**contender.told(crm, 0, 0), **contender.fast, "job": "normalize"}
        told, _ = run(crm, contender, order)
        figures.normalizing = told["cpu"] * 1e6 / rows - figures.cpu
    asked = contender.sample or min(contender.rows, 2_000)
    told, _ = run(crm, contender, contender.told(crm, asked, next(SCORES)), LATENCY_MS)
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
    order = {**contender.told(crm, rows, score), **contender.fast}
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
    except Failed:
        written = 0
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
            mine = [each for each in chosen if each.system == system and _is_installed(each)]
            for name, runs in rounds(crm, mine, told.repeat).items():
                if runs:
                    everything.append(measured(crm, next(each for each in mine if each.name == name), runs))
    show(everything)


def _is_installed(contender: Contender) -> bool:
    if not contender.python.exists():
        print(f"{contender.name}: not installed, run: make peers", file=sys.stderr)
        return False
    return True


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
