"""An org to write to: people of a few accounts behind real HTTP, and connections whose sleeps take no time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.request import urlopen

from leadline.sdk.ports import Runtime
from leadline.sdk.records import Outcome, RecordRef, RowOutcome, Scalar, UpdateFields
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import Activity, Company, Contact, Lead, Rep, World
from leadline_salesforce import connector
from leadline_salesforce.client import Client
from leadline_salesforce.connector import SalesforceConnection
from leadline_salesforce.options import read_options
from leadline_salesforce.sandbox.loading import record_id
from leadline_salesforce.sandbox.vendor import SalesforceSandbox

NOW = 1_780_000_000
REPS = tuple(f"rep_{number:06d}" for number in range(1, 6))
IDLE = "rep_000009"
ACCOUNTS = 7


def world(leads: int, contacts: int = 0) -> World:
    """People; the accounts of the contacts alternate, so that their ids say nothing about their parents."""
    company = Company(
        id="acct_000001", name="One", website="one.example", industry="Fin Serv", employees="340", revenue="5000000",
        country="U.S.A.", technologies=(), maturity="low", lifecycle="prospect", tier=None, owner=REPS[0],
        created_at=NOW - 90_000,
    )  # fmt: skip
    lead = Lead(
        id="lead_000000", contact_id=None, company_id=None, first_name="Ada", last_name="Lace",
        email="ada@one.example", title=None, company_name="One", website=None, industry=None, employees=None,
        country="US", source="Web", status="New", opted_out=False, timeline=None, budget=None, urgency=None,
        owner=REPS[0], created_at=NOW - 50_000,
    )  # fmt: skip
    contact = Contact(
        id="cnt_000000", company_id=None, first_name="Bea", last_name="Byte", email="bea@one.example", title="CFO",
        country="US", opted_out=False, source="Web", created_at=NOW - 50_000, owner=REPS[0],
    )  # fmt: skip
    # Its visitor, the last lead, is a member of the webinar's campaign.
    webinar = Activity(
        id="touch_000001", table="touches", kind="webinar", lead_id=f"lead_{leads:06d}", contact_id=None,
        company_id=None, at=NOW - 5_000, direction="inbound", asset="Scoring",
    )  # fmt: skip
    return World(
        now=NOW,
        companies=[replace(company, id=f"acct_{n:06d}") for n in range(1, ACCOUNTS + 1)],
        contacts=[
            replace(contact, id=f"cnt_{n:06d}", company_id=f"acct_{n % ACCOUNTS + 1:06d}")
            for n in range(1, contacts + 1)
        ],
        leads=[replace(lead, id=f"lead_{n:06d}", email=f"ada{n}@one.example") for n in range(1, leads + 1)],
        activities=[webinar],
        reps=[
            *(Rep(rep, "Rita", f"Rep {rep[-1]}", f"{rep}@x.example") for rep in REPS),
            Rep(IDLE, "Ivo", "Idle", "ivo@x.example", active=False),
        ],
    )


class Org:
    """A running sandbox, and connections to it. `slept` holds the seconds that they waited."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        assert isinstance(sandbox.vendor, SalesforceSandbox)
        self.sandbox = sandbox
        self.vendor = sandbox.vendor
        self.faults = sandbox.faults
        self.slept: list[float] = []
        self._open: list[SalesforceConnection | Client] = []
        self._seen = 0

    def runtime(self, **changes: Any) -> Runtime:
        plain = Runtime(name="crm", now=lambda: NOW, sleep=self.slept.append, timeout=5.0, attempts=3)
        return replace(plain, **changes)

    def connect(self, **changes: Any) -> SalesforceConnection:
        connection = connector.connect(self.sandbox.credentials, self.runtime(**changes))
        self._open.append(connection)
        return connection

    def client(self) -> Client:
        client = Client(read_options(self.sandbox.credentials, "crm"), self.runtime())
        self._open.append(client)
        return client

    def close(self) -> None:
        for one in self._open:
            one.close()

    def rows(self, object: str) -> dict[str, dict[str, Any]]:
        return {str(row["Id"]): row for row in self.vendor.state()[object]}

    def row(self, object: str, id: str) -> dict[str, Any]:
        return self.rows(object)[id]

    def calls(self) -> list[tuple[str, str, int | None]]:
        """Method, path below the version and records of each call since the last time, sign-ins left out.

        Asked over HTTP: the server writes a call down after it has sent the reply.
        """
        with urlopen(f"{self.sandbox.base_url}/__sandbox__/requests") as reply:
            entries: list[dict[str, Any]] = json.load(reply)["requests"]
        fresh, self._seen = entries[self._seen :], len(entries)
        return [
            (entry["method"], entry["path"].removeprefix("/services/data/v66.0/").rstrip("/"), entry["records"])
            for entry in fresh
            if not entry["path"].endswith("/token")
        ]


@contextmanager
def serving(records: World) -> Iterator[Org]:
    with running(SalesforceSandbox, records) as sandbox:
        org = Org(sandbox)
        try:
            yield org
        finally:
            org.close()


def lead(number: int) -> str:
    return record_id("Lead", f"lead_{number:06d}")


def contact(number: int) -> str:
    return record_id("Contact", f"cnt_{number:06d}")


def account(number: int) -> str:
    return record_id("Account", f"acct_{number:06d}")


def user(rep: str) -> str:
    return record_id("User", rep)


def update(number: int, object: str = "Lead", **values: Scalar) -> UpdateFields:
    """A score for one person, unless values are given."""
    target = lead(number) if object == "Lead" else contact(number)
    return UpdateFields(f"k{number}", RecordRef(object, target), values or {"Leadline_Score__c": number % 1000})


def ends(results: Sequence[RowOutcome]) -> list[Outcome]:
    return [result.outcome for result in results]


def codes(results: Sequence[RowOutcome]) -> list[str | None]:
    return [result.refusal.code if result.refusal else None for result in results]
