"""Is a CRM of a million records read completely while people work in it? And what does that take?

    python -m bench.complete_read [--records N] [--only SYSTEM]

`make complete-read` does it with 1,000,000 records for each CRM. The proof is that of
tests/flow/test_complete_read.py: after every call people edit, create, delete, bring back, merge and convert
records; the reader is killed six times; when the storm is over, ids and content hashes of what is stored must
equal the sandbox's state, object by object. The sandbox and its storm are a process of their own, so
that *peak* (the kernel's high-water mark of resident memory) is the reader's alone, before it compares.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.completeness import (
    OVERLAP,
    Allowed,
    Reader,
    contents,
    differing,
    keyboard,
    mapping_of,
    merges_of,
    mixed,
    rereads,
)
from tests.stage import DAY, NOW, sandbox_factory
from tests.storm import Exposed, Storm, exposed

from leadline.core.normalize.apply import request
from leadline.core.normalize.mapping import Mapping as FieldMapping
from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.server import running

SYSTEMS = ("salesforce", "hubspot")
OPTIONS: dict[str, dict[str, Any]] = {"salesforce": {}, "hubspot": {"search_above_rows": 0}}
EDITS = {"salesforce": 60, "hubspot": 5}  # after each call; HubSpot takes ten times as many
PULLS, DEATHS = 2, 3
LAG = 30


# The sandbox's process


def serve(wire: Connection, system: str, records: int, folder: Path) -> None:
    """A sandbox in a storm that obeys orders: (verb, argument), each with an answer."""
    clock = SandboxClock()
    clock.set(NOW)
    with running(exposed(sandbox_factory(system)), mixed(records, seed=1), clock=clock) as crm:
        vendor: Any = crm.vendor
        if system == "hubspot":
            vendor.inner.search_lag = LAG
        storm = Storm(keyboard(system, vendor, silent=True), clock, seed=1, every=1, edits=EDITS[system])
        vendor.after_a_call = storm.after_a_call
        wire.send(dict(crm.credentials))
        sandbox = Sandbox(system, vendor, storm, clock, folder)
        while True:
            verb, argument = wire.recv()
            if verb == "end":
                return
            wire.send(sandbox.obey(verb, argument))


@dataclass
class Sandbox:
    """What the reader's process may order."""

    system: str
    vendor: Exposed
    storm: Storm
    clock: SandboxClock
    folder: Path

    def obey(self, verb: str, argument: Any) -> Any:
        match verb:
            case "now":
                return self.clock.unskewed()
            case "edits":
                return self.storm.done.total()
            case "contents":
                return self._contents(links=argument)
            case "advance":
                self.clock.advance(argument)
            case "blow":
                self.storm.blowing = argument
        return None

    def _contents(self, *, links: bool) -> Allowed:
        mapping = mapping_of(self.folder, self.system)
        state = partial(_state, self.system, self.vendor.inner, mapping)  # told anew for each walk
        return contents(self.system, state(), mapping, merges_of(self.system, state()), links=links)


def _state(system: str, vendor: Any, mapping: FieldMapping) -> Mapping[str, Iterable[Mapping[str, Any]]]:
    """The sandbox's state as `state()` gives it, row by row: a million rows in full would not fit into memory."""
    if system == "salesforce":
        return {name: vendor.org.tables[name].rows.values() for name in mapping.objects}
    return {name: _portal_rows(vendor, name, mapping) for name in mapping.objects}


def _portal_rows(vendor: Any, name: str, mapping: FieldMapping) -> Iterator[Mapping[str, Any]]:
    from leadline_hubspot.sandbox.account_api import owner_state
    from leadline_hubspot.sandbox.records import as_json

    portal = vendor.portal
    if name == "owners":
        yield from map(owner_state, portal.owners.values())
        return
    fields, links = request(mapping.objects[name])
    table = portal.tables[name]
    for record in table.store.all():
        ids = {to: [str(each) for each in portal.links.of(name, record.id, to)] for to in links}
        yield {**as_json(table.kind, record, list(fields)), "associations": ids}


# The reader's process


@dataclass
class Measured:
    """Of one CRM: records stored in the end, edits, calls, seconds of reading in the storm and after it, MB."""

    system: str
    stored: int
    edits: int
    calls: int
    deaths: int
    stormy: float
    after: float
    peak: float
    wrong: Mapping[str, Any]


def measure(system: str, records: int) -> Measured:
    """Read one CRM through a storm and compare."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        child = context.Process(target=serve, args=(theirs, system, records, Path(folder)), daemon=True)
        child.start()
        try:
            return _measured(system, ours, Path(folder))
        finally:
            ours.send(("end", None))
            child.join()


def _measured(system: str, wire: Connection, folder: Path) -> Measured:
    lock = multiprocessing.get_context("spawn").Lock()

    def order(verb: str, argument: Any = None) -> Any:
        with lock:
            wire.send((verb, argument))
            return wire.recv()

    credentials = {**wire.recv(), **OPTIONS[system]}
    reader = Reader(folder, system, credentials, partial(order, "now"), random.Random(1))
    began = time.perf_counter()
    order("blow", True)
    for _ in range(PULLS):
        reader.pull(deaths=DEATHS)
    order("blow", False)
    stormy = time.perf_counter() - began
    began = time.perf_counter()
    order("advance", OVERLAP)
    reader.pull()
    after = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    stored = reader.stored(links=system == "salesforce")
    wrong = differing(stored, _there(order, links=system == "salesforce"))
    if system == "hubspot" and not wrong:  # what moved no stamp
        order("advance", DAY)
        for _ in range(rereads(stored)):
            reader.pull()
        stored = reader.stored()
        wrong = differing(stored, _there(order, links=True))
    edits, rows = order("edits"), sum(map(len, stored.values()))
    reader.engine.dispose()
    return Measured(system, rows, edits, reader.calls, reader.deaths, stormy, after, peak, wrong)


def _there(order: Any, *, links: bool) -> Allowed:
    found: Allowed = order("contents", links)
    return found


def main() -> int:
    """Print the figures; 1 when anything was lost."""
    said = argparse.ArgumentParser()
    said.add_argument("--records", type=int, default=20_000)
    said.add_argument("--only", choices=SYSTEMS)
    asked = said.parse_args()
    table = Table(title=f"{asked.records:,} records, read in a storm", title_justify="left")
    for column in (
        "CRM",
        "stored",
        "edits",
        "calls",
        "kills",
        "storm s",
        "one pull after s",
        "peak MB",
        "lost or wrong",
    ):
        table.add_column(column, justify="left" if column == "CRM" else "right")
    lost = False
    for system in [asked.only] if asked.only else SYSTEMS:
        told = measure(system, asked.records)
        lost = lost or bool(told.wrong)
        table.add_row(
            system, f"{told.stored:,}", f"{told.edits:,}", f"{told.calls:,}", str(told.deaths), f"{told.stormy:.0f}",
            f"{told.after:.1f}", f"{told.peak:.0f}", str(told.wrong or "nothing"),
        )  # fmt: skip
    Console().print(table)
    return int(lost)


if __name__ == "__main__":
    sys.exit(main())
