"""Two Singer taps against the sandboxes: every record that they should emit, with its values, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from tests.stage import NOW
from tests.strangers import needs, python

from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import World
from leadline_hubspot.sandbox import HubSpotSandbox
from leadline_hubspot.sandbox.oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from leadline_salesforce.sandbox.vendor import SalesforceSandbox

ORG_STREAMS = ("Account", "Contact", "Lead", "Opportunity", "Task", "Event", "User", "Web_Event__c")
COMPARED = ("Name", "FirstName", "Email", "AccountId", "StageName", "Amount", "Subject", "WhoId", "Status", "Type__c")
PORTAL_STREAMS = (
    "contacts", "companies", "contacts_by_company", "deals", "deal_pipelines", "owners", "engagements", "web_events",
    "forms", "form_submissions", "email_events", "contact_lists", "list_memberships", "subscription_changes",
)  # fmt: skip
ENGAGEMENTS = ("calls", "emails", "meetings", "tasks", "notes")  # what the oldest API calls so
Records = Mapping[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def world() -> World:
    return generate(150, seed=3, now=NOW)


@pytest.fixture(scope="module")
def org(world: World) -> Iterator[RunningSandbox]:
    with running(SalesforceSandbox, world) as sandbox:
        gone = sandbox.vendor.state()["Lead"][0]["Id"]
        sandbox.vendor.edit({"action": "delete", "object": "Lead", "id": gone})
        yield sandbox


@needs("tap-salesforce")
def test_the_tap_for_salesforce_emits_every_row(org: RunningSandbox) -> None:
    assert isinstance(org.vendor, SalesforceSandbox)
    credentials = org.vendor.refresh_credentials(org.base_url)
    seen = python(
        "tap-salesforce", "tap_salesforce_sync.py", {"credentials": credentials, "streams": list(ORG_STREAMS)}
    )
    emitted, state = _by_stream(seen["records"]), org.vendor.state()

    assert set(ORG_STREAMS) <= set(seen["discovered"])
    for stream in ORG_STREAMS:
        held = {row["Id"]: row for row in state[stream]}
        assert len(emitted[stream]) == len(held), stream  # each once, and deleted ones too
        for record in emitted[stream]:
            for field in (name for name in COMPARED if name in record):
                assert record[field] == held[record["Id"]][field], (stream, record["Id"], field)
    assert [row["Id"] for row in emitted["Lead"] if row["IsDeleted"]] == [state["Lead"][0]["Id"]]


@pytest.fixture(scope="module")
def portal(world: World) -> Iterator[RunningSandbox]:
    with running(HubSpotSandbox, world) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def emitted(portal: RunningSandbox) -> Records:
    oauth = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    given = {
        "credentials": dict(portal.credentials),
        "oauth": oauth,
        "streams": PORTAL_STREAMS,
        "start_date": "2015-01-01T00:00:00Z",
    }
    seen = python("tap-hubspot", "tap_hubspot_sync.py", given)
    assert set(PORTAL_STREAMS) <= set(seen["discovered"])
    return _by_stream(seen["records"])


@needs("tap-hubspot")
@pytest.mark.parametrize("stream", ["contacts", "web_events"])
def test_the_tap_for_hubspot_emits_every_record(stream: str, portal: RunningSandbox, emitted: Records) -> None:
    held = {row["id"]: row for row in portal.vendor.state()[stream]}
    assert len(emitted[stream]) == len(held)
    for record in emitted[stream]:
        row = held[record["id"]]
        for name in ("email", "firstname", "jobtitle", "source_id", "event_type", "asset"):
            assert record.get(f"property_{name}") == row["properties"].get(name), (record["id"], name)


@needs("tap-hubspot")
@pytest.mark.parametrize(
    ("stream", "key", "names"),
    [
        ("companies", "companyId", ("name", "domain", "industry", "country", "source_id")),
        ("deals", "dealId", ("dealname", "dealstage", "pipeline", "source_id")),
    ],
)
def test_what_it_reads_by_the_oldest_paths_is_the_same(
    stream: str, key: str, names: Sequence[str], portal: RunningSandbox, emitted: Records
) -> None:
    held = {row["id"]: row for row in portal.vendor.state()[stream]}
    assert len(emitted[stream]) == len(held)
    for record in emitted[stream]:
        row = held[str(record[key])]
        said = {name: (record.get(f"property_{name}") or {}).get("value") for name in names}
        assert said == {name: row["properties"][name] for name in names}
        if stream == "deals":
            assert [str(each) for each in record["associations"]["associatedVids"]] == row["associations"]["contacts"]


@needs("tap-hubspot")
def test_its_engagements_are_calls_mails_and_meetings(portal: RunningSandbox, emitted: Records) -> None:
    state = portal.vendor.state()
    held = {row["id"]: (name, row) for name in ENGAGEMENTS for row in state[name]}
    assert len(held) > 500
    assert len(emitted["engagements"]) == len(held)
    for record in emitted["engagements"]:
        name, row = held[str(record["engagement_id"])]
        assert record["engagement"]["type"] == name.removesuffix("s").upper()
        assert [str(each) for each in record["associations"]["contactIds"]] == row["associations"].get("contacts", [])


@needs("tap-hubspot")
def test_its_small_streams_are_complete(portal: RunningSandbox, emitted: Records) -> None:
    state = portal.vendor.state()
    people = {row["id"]: row["properties"]["email"] for row in state["contacts"]}

    assert {row["email"] for row in emitted["owners"]} == {
        row["email"] for row in state["owners"] if not row["archived"]
    }
    employed = {
        (company, row["id"]) for row in state["contacts"] for company in row["associations"].get("companies", [])
    }
    assert {(str(row["company-id"]), str(row["contact-id"])) for row in emitted["contacts_by_company"]} == employed
    lists = {row["listId"]: row["name"] for row in emitted["contact_lists"]}
    assert lists == {row["id"]: row["name"] for row in state["lists"]}
    members = {(row["listId"], row["recordId"]) for row in emitted["list_memberships"]}
    assert members == {(row["id"], str(member)) for row in state["lists"] for member in row["recordIds"]}
    assert len(emitted["deal_pipelines"][0]["stages"]) > 1

    filled_in = ("demo_request", "generic_form", "trial_signup")
    forms = [row for row in state["web_events"] if row["properties"]["event_type"] in filled_in]
    senders = [people[person] for row in forms for person in row["associations"].get("contacts", []) if people[person]]
    submitted = [
        value["value"] for row in emitted["form_submissions"] for value in row["values"] if value["name"] == "email"
    ]
    assert senders
    assert sorted(submitted) == sorted(senders)
    assert {row["name"] for row in emitted["forms"]} == {"Request a demo", "Contact us", "Start a trial"}

    outbound = [row for row in state["emails"] if row["properties"]["hs_email_direction"] == "EMAIL"]
    reached = [
        people[person] for row in outbound for person in row["associations"].get("contacts", []) if people[person]
    ]
    delivered = [row["recipient"] for row in emitted["email_events"] if row["type"] == "DELIVERED"]
    assert reached
    assert sorted(delivered) == sorted(reached)
    gone = [row for row in state["web_events"] if row["properties"]["event_type"] == "unsubscribe"]
    left = [people[person] for row in gone for person in row["associations"].get("contacts", []) if people[person]]
    assert sorted(row["recipient"] for row in emitted["subscription_changes"]) == sorted(left)


def _by_stream(records: Sequence[tuple[str, dict[str, Any]]]) -> Records:
    emitted: dict[str, list[dict[str, Any]]] = {}
    for stream, record in records:
        emitted.setdefault(stream, []).append(record)
    return emitted
