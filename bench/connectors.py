"""Calls and CPU per 1,000 records, read and written, for every connector that brings a sandbox.

Run: `make bench` or `python bench/connectors.py [leads]`. The sandbox is a process of its own, so the
CPU figures are the worker's alone (`time.process_time`): one exchange over loopback HTTP, decoding,
and for reads the normalizing as well, in a second column. The floor is the vendor's page or batch size.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from leadline import config
from leadline.app.bootstrap import LiveConnection, Project, open_project
from leadline.app.pull import make_request
from leadline.app.rehearsal import local_crms, systems, write_project
from leadline.core.normalize.apply import normalize
from leadline.core.normalize.write import vendor_values
from leadline.sdk.ports import CallMade
from leadline.sdk.records import Outcome, RecordRef, Scalar, UpdateFields

WRITES = 1_000


@dataclass
class Figures:
    """Of one connector: rows, calls and CPU seconds of reading, normalizing and writing."""

    read: int = 0
    read_calls: int = 0
    read_cpu: float = 0.0
    normalize_cpu: float = 0.0
    written: int = 0
    write_calls: int = 0
    write_cpu: float = 0.0
    bulk_written: int = 0
    bulk_calls: int = 0
    bulk_cpu: float = 0.0


class Calls:
    """Counts calls."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, _: CallMade) -> None:
        self.made += 1


def measure_reading(project: Project, live: LiveConnection, calls: Calls, figures: Figures) -> dict[str, list[str]]:
    """Read every object in full; returns ids by object."""
    ids: dict[str, list[str]] = {}
    for name, mapping in live.mapping.objects.items():
        request, _ = make_request(project, live, name)
        before, started = calls.made, time.process_time()
        pages = list(live.connection.pull(request))
        figures.read_cpu += time.process_time() - started
        figures.read_calls += calls.made - before
        records = [record for page in pages for record in page.records]
        figures.read += len(records)
        ids[name] = list(dict.fromkeys(record.id for record in records))
        started = time.process_time()
        for page in pages:
            normalize(mapping, live.name, name, page.records, project.now())
        figures.normalize_cpu += time.process_time() - started
    return ids


def score_updates(live: LiveConnection, ids: dict[str, list[str]], most: int) -> list[UpdateFields]:
    """Updates of the score fields of up to `most` records of the largest object."""
    name = max((n for n, m in live.mapping.objects.items() if m.write), key=lambda n: len(ids[n]))
    values: dict[str, Scalar] = {
        "score": 71,
        "fit": 50,
        "intent": 21,
        "group": "nurture",
        "reasons": "A reason of usual length (+20)",
    }
    fields = vendor_values(live.mapping.objects[name], values)
    return [UpdateFields(f"bench-{record_id}", RecordRef(name, record_id), fields) for record_id in ids[name][:most]]


def measure_writing(live: LiveConnection, ids: dict[str, list[str]], calls: Calls, figures: Figures) -> None:
    """Update the score fields of 1,000 records of one object, a full batch at a time."""
    effects = score_updates(live, ids, WRITES)
    size = live.connector.capabilities.update_batch
    before, started = calls.made, time.process_time()
    for batch in (effects[start : start + size] for start in range(0, len(effects), size)):
        outcomes = live.connection.push(batch)
        figures.written += sum(outcome.outcome is Outcome.WRITTEN for outcome in outcomes)
    figures.write_cpu += time.process_time() - started
    figures.write_calls += calls.made - before


def measure_bulk(live: LiveConnection, ids: dict[str, list[str]], calls: Calls, figures: Figures) -> None:
    """As many updates as one job takes, for a system that has jobs and a world that is large enough."""
    able = live.connector.capabilities
    effects = score_updates(live, ids, able.bulk_batch)
    if not able.bulk_batch or len(effects) <= able.bulk_above:
        return
    before, started = calls.made, time.process_time()
    outcomes = live.connection.push(effects)
    figures.bulk_cpu = time.process_time() - started
    figures.bulk_calls = calls.made - before
    figures.bulk_written = sum(outcome.outcome is Outcome.WRITTEN for outcome in outcomes)


def measure(leads: int) -> Iterator[tuple[LiveConnection, Figures]]:
    """Every connector in turn."""
    with tempfile.TemporaryDirectory() as folder, local_crms(systems(), leads=leads, seed=7) as crms:
        write_project(Path(folder), crms)
        with open_project(config.load(Path(folder), environ={})) as project:
            for live in project.connections.values():
                calls, figures = Calls(), Figures()
                project.listen(calls)
                ids = measure_reading(project, live, calls, figures)
                measure_writing(live, ids, calls, figures)
                measure_bulk(live, ids, calls, figures)
                yield live, figures


def main() -> None:
    """Print the figures."""
    leads = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    table = Table(title=f"per 1,000 records, worlds of {leads:,} leads", title_justify="left")
    for column in ("connector", "", "records", "calls", "floor", "client CPU ms", "normalize CPU ms"):
        table.add_column(column, justify="left" if column in {"connector", ""} else "right")
    for live, figures in measure(leads):
        able = live.connector.capabilities
        per_read, per_write = 1_000 / max(figures.read, 1), 1_000 / max(figures.written, 1)
        table.add_row(
            live.name, "read", f"{figures.read:,}", f"{figures.read_calls * per_read:.1f}",
            f"{1_000 / able.page_size:.1f}", f"{figures.read_cpu * 1e3 * per_read:.1f}",
            f"{figures.normalize_cpu * 1e3 * per_read:.1f}",
        )  # fmt: skip
        table.add_row(
            "", "write", f"{figures.written:,}", f"{figures.write_calls * per_write:.1f}",
            f"{1_000 / able.update_batch:.1f}", f"{figures.write_cpu * 1e3 * per_write:.1f}", "",
        )  # fmt: skip
        if figures.bulk_written:
            per_bulk = 1_000 / figures.bulk_written
            table.add_row(
                "", "write, one job", f"{figures.bulk_written:,}", f"{figures.bulk_calls * per_bulk:.1f}",
                f"{able.bulk_calls * per_bulk:.1f}", f"{figures.bulk_cpu * 1e3 * per_bulk:.1f}", "",
            )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    main()
