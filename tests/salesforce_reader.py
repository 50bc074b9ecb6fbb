"""A small Salesforce org behind real HTTP, and connections to it whose engine time a test moves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

from leadline.sdk.ports import CallMade, Runtime
from leadline.sdk.records import Cursor, Page, PullRequest, RawRecord
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import Company, Contact, Lead, Rep, World
from leadline_salesforce import connector
from leadline_salesforce.connector import SalesforceConnection
from leadline_salesforce.sandbox.loading import record_id
from leadline_salesforce.sandbox.vendor import SalesforceSandbox

NOW = 1_780_000_000
REP = "rep_000001"


def company(number: int) -> Company:
    return Company(
        id=f"acct_{number:06d}", name=f"Company {number}", website=f"company{number}.example", industry="Fin Serv",
        employees="51-200", revenue="5000000", country="U.S.A.", technologies=("salesforce", "slack"),
        maturity="low", lifecycle="prospect", tier=None, owner=REP, created_at=NOW - 90_000,
    )  # fmt: skip


def contact(number: int) -> Contact:
    return Contact(
        id=f"cnt_{number:06d}", company_id=f"acct_{number:06d}", first_name="Ada", last_name=f"Lace {number}",
        email=f"ada@company{number}.example", title="CFO", country="US", opted_out=False, source="Web",
        created_at=NOW - 80_000, owner=REP,
    )  # fmt: skip


def lead(number: int, *, at: int) -> Lead:
    return Lead(
        id=f"lead_{number:06d}", contact_id="cnt_000001", company_id="acct_000001", first_name="Ada",
        last_name=f"Number {number}", email=f"ada{number}@company1.example", title="VP Operations",
        company_name="Company 1", website=None, industry=None, employees="340", country="US", source="Web",
        status="New", opted_out=False, timeline=None, budget=None, urgency=None, owner=REP, created_at=at,
    )  # fmt: skip


def small_world(leads: int = 30, *, same_second: bool = False) -> World:
    """Six companies with a contact each, and some leads; `same_second` gives all leads one stamp."""
    return World(
        now=NOW,
        companies=[company(number) for number in range(1, 7)],
        contacts=[contact(number) for number in range(1, 7)],
        leads=[lead(n, at=NOW - 50_000 + (0 if same_second else n)) for n in range(1, leads + 1)],
        reps=[Rep(REP, "Rita", "Rep", "rita@leadline.example")],
    )


class Org:
    """A running sandbox. `now` is the engine's time, apart from the sandbox's clock."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        assert isinstance(sandbox.vendor, SalesforceSandbox)
        self.sandbox = sandbox
        self.vendor = sandbox.vendor
        self.now = NOW
        self.slept: list[float] = []
        self.calls: list[CallMade] = []
        self._open: list[SalesforceConnection] = []

    def sleep(self, seconds: float) -> None:
        """Waiting is noted and moves the sandbox's clock, as it would."""
        self.slept.append(seconds)
        self.sandbox.clock.advance(seconds)

    def connect(
        self,
        options: Mapping[str, object] | None = None,
        *,
        daily_calls: int | None = None,
        timeout: float = 5.0,
        **more: object,
    ) -> SalesforceConnection:
        runtime = Runtime(
            name="crm", now=lambda: self.now, sleep=self.sleep, timeout=timeout, daily_calls=daily_calls,
            on_call=self.calls.append,
        )  # fmt: skip
        connection = connector.connect({**(options or self.sandbox.credentials), **more}, runtime)
        self._open.append(connection)
        return connection

    def close(self) -> None:
        for connection in self._open:
            connection.close()

    def log(self, method: str | None = None) -> list[dict[str, Any]]:
        """The calls so far, asked over HTTP: the server writes a call down after it has sent the reply."""
        with urlopen(f"{self.sandbox.base_url}/__sandbox__/requests") as reply:
            entries: list[dict[str, Any]] = json.load(reply)["requests"]
        return [entry for entry in entries if method in (None, entry["method"])]

    def paths(self, method: str | None = None) -> list[str]:
        return [entry["path"] for entry in self.log(method)]

    def logins(self) -> int:
        return sum(path.endswith("/token") for path in self.paths())

    def edit(self, action: str, object: str, id: str = "", **fields: object) -> str:
        """A user's edit; the id of the record."""
        named = {"id": id} if id else {}
        done = self.vendor.edit({"action": action, "object": object, **named, "fields": fields})
        return str(done["id"])


@contextmanager
def serving(records: World, *, tls: bool = False) -> Iterator[Org]:
    with running(SalesforceSandbox, records, tls=tls) as sandbox:
        org = Org(sandbox)
        try:
            yield org
        finally:
            org.close()


def read(connection: SalesforceConnection, object: str, *fields: str, cursor: Cursor | None = None) -> list[Page]:
    return list(connection.pull(PullRequest(object, fields, cursor=cursor)))


def rows(pages: Sequence[Page]) -> list[RawRecord]:
    return [record for page in pages for record in page.records]


def lead_id(number: int) -> str:
    return record_id("Lead", f"lead_{number:06d}")
