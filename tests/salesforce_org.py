"""A small Salesforce org behind real HTTP, and a signed-in client without a library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import requests

from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import Company, Lead, Rep, World
from leadline_salesforce.sandbox.loading import record_id
from leadline_salesforce.sandbox.vendor import SalesforceSandbox

NOW = 1_780_000_000
BASE = "/services/data/v66.0"


def world(leads: int = 5) -> World:
    lead = Lead(
        id="lead_000000", contact_id=None, company_id="acct_000001", first_name="Ada", last_name="Lace",
        email="ada@one.example", title="VP Ops", company_name="One", website=None, industry=None, employees="1k+",
        country="US", source="Web", status="New", opted_out=False, timeline=None, budget=None, urgency=None,
        owner="rep_000001", created_at=NOW - 50_000,
    )  # fmt: skip
    company = Company(
        id="acct_000001", name="One", website="one.example", industry="Fin Serv", employees="340", revenue="5000000",
        country="U.S.A.", technologies=("slack", "hubspot"), maturity="low", lifecycle="partner", tier="Tier 1",
        owner="rep_000001", created_at=NOW - 90_000,
    )  # fmt: skip
    return World(
        now=NOW,
        companies=[company, replace(company, id="acct_000002", employees="51-200", revenue="$10M-$50M")],
        leads=[replace(lead, id=f"lead_{n:06d}", email=f"ada{n}@one.example") for n in range(1, leads + 1)],
        reps=[Rep("rep_000001", "Rita", "Rep", "r@x.example"), Rep("rep_000002", "Ivo", "Idle", "i@x.example", False)],
    )


@dataclass
class Http:
    """A signed-in client without a library."""

    sandbox: RunningSandbox
    session: requests.Session

    @property
    def vendor(self) -> SalesforceSandbox:
        assert isinstance(self.sandbox.vendor, SalesforceSandbox)
        return self.sandbox.vendor

    def call(self, method: str, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        return self.session.request(method, f"{self.sandbox.base_url}{BASE}{path}", json=body, **kwargs)

    def json(self, method: str, path: str, body: Any = None, **kwargs: Any) -> Any:
        return self.call(method, path, body, **kwargs).json()

    def update(self, *records: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
        rows = [{"attributes": {"type": "Lead"}, **record} for record in records]
        answer: list[dict[str, Any]] = self.json("PATCH", "/composite/sobjects", {"records": rows, **options})
        return answer

    def row(self, object: str, id: str) -> dict[str, Any]:
        return next(row for row in self.vendor.state()[object] if row["Id"] == id)


def lead_id(number: int) -> str:
    return record_id("Lead", f"lead_{number:06d}")


@contextmanager
def serving(records: World) -> Iterator[Http]:
    with running(SalesforceSandbox, records) as sandbox, requests.Session() as session:
        session.trust_env = False
        pair = (sandbox.credentials["consumer_key"], sandbox.credentials["consumer_secret"])
        url = f"{sandbox.base_url}/services/oauth2/token"
        granted = session.post(url, {"grant_type": "client_credentials"}, auth=pair).json()
        assert granted["instance_url"] == sandbox.base_url
        session.headers["Authorization"] = f"Bearer {granted['access_token']}"
        session.headers["Sforce-Auto-Assign"] = "FALSE"
        yield Http(sandbox, session)


def codes(results: list[dict[str, Any]]) -> list[str | None]:
    return [None if result["success"] else result["errors"][0]["statusCode"] for result in results]
