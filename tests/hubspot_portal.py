"""A small HubSpot portal for tests: one company, some contacts, one record of each other kind, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import httpx

from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import Activity, Company, Contact, Deal, Lead, Rep, World
from leadline_hubspot.sandbox import HubSpotSandbox, Limits

NOW = 1_780_000_000
CONTACTS = "/crm/objects/2026-09/contacts"
FIRST = 20_000_000_001  # id of the first contact
UNLIMITED = Limits(burst=10**6, search_per_second=10**6)


def world(contacts: int = 5) -> World:
    """One company with some contacts, and one record of each other kind."""
    return World(
        now=NOW,
        companies=[
            Company(
                "acct_000001", "Acme", "https://www.acme.example/", "Fin Serv", "51-200", "5000000", "U.S.A.",
                ("salesforce", "slack"), "low", "customer", None, "rep_000001", NOW - 9_000,
            )
        ],
        contacts=[
            Contact(
                f"cnt_{number:06d}", "acct_000001", "Ada", f"Number {number}", f"ada{number}@acme.example", "CFO", "US",
                False, "Web", NOW - 8_000 + number, "rep_000001",
            )
            for number in range(1, contacts + 1)
        ],
        leads=[
            Lead(
                "lead_000001", None, None, "Bob", "Unknown", "ADA1@acme.example", "CTO", "Nowhere", None, "Mfg", "12",
                "UK", "Web", "New", False, "3 months", None, None, "rep_000001", NOW - 700,
            )
        ],
        deals=[
            Deal(
                "opp_000001", "lead_000001", None, "acct_000001", "Big", "closed_won", 5_000, NOW - 600, NOW - 60,
                "rep_000001",
            )
        ],
        activities=[
            Activity(f"touch_{n:06d}", "touches", kind, "lead_000001", None, None, NOW - 500 + n, "inbound")
            for n, kind in enumerate(("call", "email", "linkedin_message", "meeting", "pricing_page"))
        ],
        reps=[
            Rep("rep_000001", "Rita", "Rep", "rita@leadline.example"),
            Rep("rep_000002", "Ivo", "Idle", "ivo@leadline.example", active=False),
        ],
    )  # fmt: skip


class Portal:
    """A running sandbox and a plain client of it."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(
            base_url=sandbox.base_url, headers={"Authorization": f"Bearer {sandbox.credentials['access_token']}"}
        )

    @property
    def vendor(self) -> HubSpotSandbox:
        """The sandbox behind the server."""
        return cast("HubSpotSandbox", self.sandbox.vendor)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params=query)

    def post(self, path: str, body: object, **query: Any) -> httpx.Response:
        return self.http.post(path, json=body, params=query)

    def put(self, path: str, body: object) -> httpx.Response:
        return self.http.put(path, json=body)

    def patch(self, path: str, **properties: Any) -> httpx.Response:
        return self.http.patch(path, json={"properties": properties})

    def edit(self, action: str, object: str, **more: Any) -> httpx.Response:
        """What a user does in the CRM."""
        return self.post("/__sandbox__/records", {"action": action, "object": object, **more})

    def set(self, **settings: Any) -> None:
        """Change how the sandbox behaves."""
        reply = self.post("/__sandbox__/settings", settings)
        assert reply.status_code == 200, reply.text

    def search(self, path: str = CONTACTS, **body: Any) -> httpx.Response:
        return self.post(f"{path}/search", body)

    def matching(self, *filters: dict[str, Any], path: str = CONTACTS) -> int:
        reply = self.search(path, filterGroups=[{"filters": list(filters)}])
        assert reply.status_code == 200, reply.text
        return int(reply.json()["total"])


@contextmanager
def serving(limits: Limits = UNLIMITED, contacts: int = 5) -> Iterator[Portal]:
    """A portal while the block lasts."""
    with running(partial(HubSpotSandbox, limits=limits), world(contacts)) as sandbox:
        portal = Portal(sandbox)
        try:
            yield portal
        finally:
            portal.http.close()
