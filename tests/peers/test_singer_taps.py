"""Two Singer taps against the sandboxes: every record that they should emit, with its values, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.stage import DAY, NOW
from tests.strangers import needs, python

from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import World
from leadline_hubspot.sandbox import HubSpotSandbox
from leadline_hubspot.sandbox.oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from leadline_salesforce.sandbox.vendor import SalesforceSandbox

ORG_STREAMS = ("Account", "Contact", "Lead", "Opportunity", "Task", "User", "Web_Event__c")
PORTAL_STREAMS = ("contacts", "owners", "forms", "form_submissions", "email_events", "contact_lists")
Emitted = dict[str, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def world() -> World:
    return generate(150, seed=3, now=NOW)


@pytest.fixture(scope="module")
def org(world: World) -> Iterator[RunningSandbox]:
    with running(SalesforceSandbox, world) as sandbox:
        gone = sandbox.vendor.state()["Lead"][0]["Id"]
        sandbox.vendor.edit({"action": "delete", "object": "Lead", "id": gone})
        yield sandbox


@pytest.fixture(scope="module")
def portal(world: World) -> Iterator[RunningSandbox]:
    with running(HubSpotSandbox, world) as sandbox:
        yield sandbox


def by_stream(records: Sequence[tuple[str, dict[str, Any]]], key: str) -> Emitted:
    emitted: Emitted = {}
    for stream, record in records:
        emitted.setdefault(stream, {})[str(record[key])] = record
    return emitted


@needs("tap-salesforce")
def test_the_tap_for_salesforce_emits_every_row(org: RunningSandbox) -> None:
    assert isinstance(org.vendor, SalesforceSandbox)
    credentials = org.vendor.refresh_credentials(org.base_url)
    seen = python(
        "tap-salesforce", "tap_salesforce_sync.py", {"credentials": credentials, "streams": list(ORG_STREAMS)}
    )
    emitted, state = by_stream(seen["records"], "Id"), org.vendor.state()

    assert set(ORG_STREAMS) <= set(seen["discovered"])
    for stream in ORG_STREAMS:
        held = {row["Id"]: row for row in state[stream]}
        assert set(emitted[stream]) == set(held), stream  # deleted ones too
        for uid, record in emitted[stream].items():
            for field in ("Name", "Email", "AccountId", "StageName", "Subject", "Type__c"):
                if field in record:
                    assert record[field] == held[uid][field], (stream, uid, field)
    assert [row["Id"] for row in emitted["Lead"].values() if row["IsDeleted"]] == [state["Lead"][0]["Id"]]


@needs("tap-hubspot")
def test_the_tap_for_hubspot_emits_every_record(portal: RunningSandbox) -> None:
    oauth = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    start = datetime.fromtimestamp(NOW - 200 * DAY, UTC).isoformat()
    given = {"credentials": dict(portal.credentials), "oauth": oauth, "streams": PORTAL_STREAMS, "start_date": start}
    seen = python("tap-hubspot", "tap_hubspot_sync.py", given)
    state = portal.vendor.state()
    records: dict[str, list[dict[str, Any]]] = {}
    for stream, record in seen["records"]:
        records.setdefault(stream, []).append(record)

    contacts = {row["id"]: row["properties"] for row in state["contacts"]}
    assert {each["id"]: each["property_source_id"] for each in records["contacts"]} == {
        uid: properties["source_id"] for uid, properties in contacts.items()
    }
    assert {str(each["id"]) for each in records["owners"]} == {row["id"] for row in state["owners"]}
    assert records["forms"]
    assert records["form_submissions"]
    assert records["email_events"]
    assert records["contact_lists"]
