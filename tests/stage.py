"""A stage for flow tests: the CRMs as servers in this process, a project that is connected to them, moved clocks.

Everything goes over real sockets. Waiting costs no time: the worker's `sleep` only notes what it
would have waited for. The CRMs' clocks stand unless they are told to run.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select
from tests.gate import Gate, gated

from leadline import config, registry
from leadline.app import backfill as backfilling
from leadline.app import sync as syncing
from leadline.app.bootstrap import Project, open_project
from leadline.app.events import ChunkScored, Event, Listener
from leadline.app.scaffold import scaffold
from leadline.app.sync import Report
from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.vendor import VendorFactory
from leadline.sdk.sandbox.world import World
from leadline.store import tables
from leadline.store.breakdowns import load_ledgers
from leadline.store.database import open_engine, reading

NOW = 1_780_000_000
DAY = 86_400
SYSTEMS = ("salesforce", "hubspot")

# No test is about HubSpot's rates: its sandbox takes what comes, and the connector does not pace itself.
_PLENTY = 1_000_000
_OPTIONS: dict[str, dict[str, Any]] = {
    "hubspot": {"rates": {"calls_per_10_seconds": _PLENTY, "searches_per_second": _PLENTY}}
}


def write_bundle(folder: Path, *, seed: int, leads: int, mode: str, difficulty: str) -> Path:
    """A bundle of Parquet tables as the `leadforge` package writes it."""
    from leadforge.api import Generator

    generator = Generator.from_recipe(
        "b2b_saas_procurement_v1",
        seed=seed,
        exposure_mode=mode,
        difficulty=difficulty,
        n_leads=leads,
        n_accounts=round(leads * 0.3),
        n_contacts=round(leads * 0.84),
    )
    generator.generate().save(str(folder))
    return folder


def sandbox_factory(system: str) -> VendorFactory:
    """The system's sandbox, without limits on how fast it may be called."""
    if system == "hubspot":
        from leadline_hubspot.sandbox import HubSpotSandbox, Limits

        return partial(HubSpotSandbox, limits=Limits(burst=_PLENTY, search_per_second=_PLENTY))
    return registry.sandbox(system)


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: its report, what happened, the seconds that it would have slept, the calls that it made."""

    report: Report
    events: Sequence[Event]
    naps: Sequence[float]
    calls: Mapping[str, Sequence[str]]

    @property
    def counts(self) -> dict[str, Any]:
        """The report's counts."""
        return self.report.counts

    @property
    def clusters(self) -> int:
        """How many clusters were scored."""
        return sum(event.clusters for event in self.events if isinstance(event, ChunkScored))

    @property
    def writes(self) -> dict[str, list[str]]:
        """The calls that change a CRM."""
        return {name: [call for call in calls if is_write(call)] for name, calls in self.calls.items()}


def did_nothing(ran: Ran) -> None:
    """Assert that nothing was news, scored, planned or written, and that no call could have changed a CRM."""
    totals = {name: ran.counts[name] for name in ("records_changed", "scored", "crossed", "planned", "written")}
    assert totals == dict.fromkeys(totals, 0)
    assert ran.clusters == 0
    assert {name: calls for name, calls in ran.writes.items() if calls} == {}
    assert ran.report.failures == {}


def is_write(call: str) -> bool:
    """Whether a call, given as `METHOD path`, changes records or enrols somebody."""
    method, _, path = call.partition(" ")
    reads = path.endswith(("/search", "/batch/read", "/oauth2/token"))
    return method in {"PATCH", "PUT", "DELETE"} or (method == "POST" and not reads)


@dataclass(slots=True)
class Stage:
    """The CRMs by system, the project's folder, and what time it is."""

    folder: Path
    crms: dict[str, RunningSandbox]
    now: int
    gate: Gate
    settings: dict[str, Any] = field(default_factory=dict)

    def advance(self, seconds: int) -> None:
        """Time passes for the CRMs and for the worker."""
        self.now += seconds
        for crm in self.crms.values():
            crm.clock.advance(seconds)

    @contextmanager
    def open(self, *, naps: list[float] | None = None, connected: bool = True) -> Iterator[Project]:
        """The project as of the stage's time."""
        settings = config.load(self.folder, now=self.now)
        sleep = (lambda _: None) if naps is None else naps.append
        with open_project(settings, sleep=sleep, connected=connected) as project:
            yield project

    def backfill(self) -> Ran:
        """`leadline backfill`, in this process."""
        return self._run(backfilling.backfill)

    def sync(self, listener: Listener = lambda _: None) -> Ran:
        """`leadline sync`, in this process; `listener` hears of everything while it happens."""
        return self._run(syncing.sync, listener)

    def _run(self, use_case: Any, listener: Listener = lambda _: None) -> Ran:
        before = {name: crm.requests.next_index for name, crm in self.crms.items()}
        events: list[Event] = []
        naps: list[float] = []

        def hear(event: Event) -> None:
            events.append(event)
            listener(event)

        with self.open(naps=naps) as project:
            report = use_case(project, hear)
        calls = {
            name: [f"{entry.method} {entry.path}" for entry in crm.requests.since(before[name])]
            for name, crm in self.crms.items()
        }
        return Ran(report, events, naps, calls)

    def edit(self, system: str, action: str, object: str, /, **command: Any) -> str:
        """A person edits in a CRM; the id of the record."""
        return str(self.vendor(system).edit({"action": action, "object": object, **command})["id"])

    def vendor(self, system: str) -> Any:
        """The sandbox itself, for what its control surface does not offer."""
        return self.crms[system].vendor.inner  # type: ignore[attr-defined] # every vendor of a stage is gated

    def ledgers(self) -> dict[str, list[dict[str, Any]]]:
        """The ledger of every scored record, by uid."""
        engine = reading(open_engine(config.load(self.folder).database_url, folder=self.folder))
        try:
            with engine.begin() as connection:
                return load_ledgers(connection, connection.scalars(select(tables.scores.c.uid)).all())
        finally:
            engine.dispose()

    def rows(self, table: Table, *conditions: Any) -> list[dict[str, Any]]:
        """Rows of the project's database."""
        engine = reading(open_engine(config.load(self.folder).database_url, folder=self.folder))
        try:
            with engine.begin() as connection:
                rows = connection.execute(select(table).where(*conditions)).mappings()
                return [{str(name): value for name, value in row.items()} for row in rows]
        finally:
            engine.dispose()

    def records(self, system: str, object: str) -> dict[str, dict[str, Any]]:
        """An object's records in a CRM, by id, each as its fields; deleted ones are left out."""
        rows = self.crms[system].vendor.state()[object]
        if system == "salesforce":
            return {row["Id"]: row for row in rows if not row.get("IsDeleted")}
        return {row["id"]: row.get("properties", row) for row in rows if object == "owners" or not row.get("archived")}

    def command(self, *words: str) -> list[str]:
        """A command line of the worker on this project at the stage's time."""
        return [sys.executable, "-m", "leadline", "--project", str(self.folder), "--now", _iso(self.now), *words]


def _iso(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def stage(
    folder: Path,
    worlds: Mapping[str, World],
    *,
    settings: Mapping[str, Any] | None = None,
    clocks: Mapping[str, SandboxClock] | None = None,
) -> Iterator[Stage]:
    """Serve each system its world, and set up a project in `folder`. `settings` are those of leadline.yaml."""
    gate = Gate()
    with ExitStack() as stack:
        crms = {
            system: stack.enter_context(
                running(gated(sandbox_factory(system), gate), world, clock=(clocks or {}).get(system))
            )
            for system, world in worlds.items()
        }
        now = max(world.now for world in worlds.values())
        yield Stage(folder, crms, now, gate, _write_project(folder, crms, settings or {}))


def _write_project(folder: Path, crms: Mapping[str, RunningSandbox], settings: Mapping[str, Any]) -> dict[str, Any]:
    scaffold(folder, force=True)
    connections = {
        system: {"connector": system, "options": {**crm.credentials, **_OPTIONS.get(system, {})}}
        for system, crm in crms.items()
    }
    nobody = [owner for crm in crms.values() for owner in crm.vendor.unassigned_owners()]
    routing = {"pools": {"sales": []}, "unassigned_owners": nobody}
    written = {"model": "models/b2b.yaml", "connections": connections, "routing": routing, **settings}
    (folder / "leadline.yaml").write_text(json.dumps(written, indent=1), encoding="utf-8")
    return written


def worker_environment() -> dict[str, str]:
    """The environment of a worker process: none of the developer's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEADLINE_")}
