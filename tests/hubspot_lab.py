"""A running HubSpot sandbox with a connection to it, for tests of the connector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from leadline.sdk.ports import CallMade, Connection, Runtime
from leadline.sdk.records import (
    CreateTask,
    Cursor,
    Effect,
    Enrol,
    Outcome,
    Page,
    PullRequest,
    RawRecord,
    RecordRef,
    UpdateFields,
)
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import Activity, Company, Contact, Rep, World
from leadline_hubspot import connector
from leadline_hubspot.sandbox import HubSpotSandbox, Limits

NOW = 1_780_000_000
FIRST = 20_000_000_001  # id of the first contact
UNLIMITED = Limits(burst=10**6, search_per_second=10**6)
NO_PACE = {"calls_per_10_seconds": 10**6, "searches_per_second": 10**6}


def world(contacts: int = 5, activities: int = 0, *, spacing: int = 100) -> World:
    """Contacts of one company, each `spacing` seconds after the one before, and visits by the first of them."""
    made = World(now=NOW)
    made.companies = [
        Company(
            "acct_1", "Acme", "acme.example", None, "340", None, "US", (), None, "prospect", None, "rep_1", NOW - 10**7
        )
    ]
    made.contacts = [
        Contact(f"cnt_{n}", "acct_1", "Ada", str(n), f"ada{n}@acme.example", "CFO", "US", False, None, at, "rep_1")
        for n in range(contacts)
        for at in [NOW - 10**6 + n * spacing]
    ]
    made.activities = [
        Activity(f"sess_{n}", "sessions", "website", None, "cnt_0", None, NOW - 10**6 + n * spacing, "inbound")
        for n in range(activities)
    ]
    made.reps = [
        Rep("rep_1", "Rita", "Rep", "rita@leadline.example"),
        Rep("rep_2", "Ivo", "Idle", "ivo@leadline.example", active=False),
    ]
    return made


@dataclass
class Lab:
    """A running sandbox and a connection to it."""

    sandbox: RunningSandbox
    connection: Connection
    calls: list[CallMade]
    slept: list[float]
    meanwhile: list[Callable[[], object]] = field(default_factory=list)  # done after the next calls, one each

    def edit(self, action: str, number: int = 0, object: str = "contacts", **more: Any) -> str:
        first = {"contacts": FIRST, "companies": 30_000_000_001, "web_events": 70_000_000_001}[object]
        command = {"action": action, "object": object, "id": str(first + number), **more}
        return str(self.sandbox.vendor.edit(command)["id"])

    def pull(self, cursor: Cursor | None = None, **changed: Any) -> list[Page]:
        return list(self.connection.pull(request(cursor, **changed)))

    def later(self, seconds: float = 1_000) -> None:
        self.sandbox.clock.advance(seconds)


def request(cursor: Cursor | None = None, **changed: Any) -> PullRequest:
    asked = PullRequest("contacts", ("email", "jobtitle"), ("companies",), cursor, NOW)
    return replace(asked, **changed)


def records(pages: Sequence[Page]) -> dict[str, RawRecord]:
    """The latest word on each record."""
    return {record.id: record for page in pages for record in page.records}


Open = Callable[..., Lab]


@contextmanager
def labs() -> Iterator[Open]:
    """Opens sandboxes with connections to them, and closes them all."""
    with ExitStack() as stack:

        def open_lab(
            made: World | None = None, limits: Limits = UNLIMITED, *, daily: int | None = None, **options: Any
        ) -> Lab:
            factory = partial(HubSpotSandbox, limits=limits)
            sandbox = stack.enter_context(running(factory, made or world()))
            calls: list[CallMade] = []
            slept: list[float] = []
            meanwhile: list[Callable[[], object]] = []

            def hear(call: CallMade) -> None:
                calls.append(call)
                if meanwhile:
                    meanwhile.pop(0)()

            runtime = Runtime("portal", lambda: int(sandbox.clock.now()), slept.append, 5.0, daily, on_call=hear)
            given = {
                **sandbox.credentials,
                "rates": NO_PACE,
                "overlap_seconds": 60,
                "links_reread_hours": 24,
                **options,
            }
            connection = connector.connect(given, runtime)
            stack.callback(connection.close)
            return Lab(sandbox, connection, calls, slept, meanwhile)

        yield open_lab


def update(number: int = 0, **values: Any) -> UpdateFields:
    return UpdateFields(f"u{number}", RecordRef("contacts", str(FIRST + number)), values or {"leadline_score": 80})


def task(key: str = "t1", **changed: Any) -> CreateTask:
    made = CreateTask(
        key, "Call Ada", "Why:\n- priced < $5 & hot", NOW + 7_200, "500001", RecordRef("contacts", str(FIRST)),
        RecordRef("companies", "30000000001"),
    )  # fmt: skip
    return replace(made, **changed)


def enrol(**changed: Any) -> Enrol:
    made = Enrol("e1", RecordRef("contacts", str(FIRST)), "300001", "500001", "rita@leadline.example")
    return replace(made, **changed)


def shown(lab: Lab, object: str = "contacts") -> list[dict[str, Any]]:
    return lab.sandbox.vendor.state()[object]


def outcomes(lab: Lab, *effects: Effect) -> list[tuple[Outcome, str | None]]:
    return [(each.outcome, each.refusal.code if each.refusal else None) for each in lab.connection.push(list(effects))]
