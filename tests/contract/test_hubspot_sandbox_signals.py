"""Forms, e-mail events, events of contacts, and the oldest calls of the HubSpot sandbox (2 s)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.hubspot_portal import FIRST, NOW, Portal, serving

from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.server import running
from leadline.sdk.sandbox.world import Activity, Contact, Lead, Rep, World
from leadline_hubspot.sandbox import HubSpotSandbox

KINDS = ("demo_request", "generic_form", "pricing_page", "website", "email", "unsubscribe", "webinar")
EVENTS = "/events/event-occurrences/2026-09"


def busy_world() -> World:
    """One person with an address and one without, who each did everything seventy times."""
    people = [
        Contact(f"cnt_{n}", None, "Ada", str(n), email, "CFO", "US", False, "Web", NOW - 9_000_000, "rep_1")
        for n, email in enumerate(("ada@acme.example", None))
    ]
    leads = [
        Lead(
            f"lead_{n}", f"cnt_{n}", None, "Ada", str(n), None, None, "Acme", None, None, None, None, "Web", "New",
            False, None, None, None, "rep_1", NOW - 9_000_000,
        )
        for n in range(2)
    ]  # fmt: skip
    done = [
        Activity(f"x_{kind}_{lead}_{n}", "touches", kind, f"lead_{lead}", None, None, NOW - 7_000 + n * 60, "outbound")
        for kind in KINDS
        for lead in range(2)
        for n in range(70)
    ]
    return World(
        now=NOW, contacts=people, leads=leads, activities=done, reps=[Rep("rep_1", "R", "R", "r@leadline.example")]
    )


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    """For tests that change nothing."""
    clock = SandboxClock()
    clock.set(NOW)
    with running(HubSpotSandbox, busy_world(), clock=clock) as sandbox:
        portal = Portal(sandbox)
        portal.set(unlimited=True)
        yield portal
        portal.http.close()


@pytest.fixture
def portal() -> Iterator[Portal]:
    with serving() as opened:
        yield opened


def walk(portal: Portal, path: str, **query: Any) -> tuple[list[dict[str, Any]], int]:
    """All rows of all pages, and the number of pages."""
    rows: list[dict[str, Any]] = []
    body = portal.get(path, **query).json()
    pages = 1
    rows += body["results"]
    while "paging" in body:
        body = portal.get(path, **query, after=body["paging"]["next"]["after"]).json()
        rows += body["results"]
        pages += 1
    return rows, pages


# --- forms


def test_forms_are_listed_in_pages_and_in_the_older_style(shared: Portal) -> None:
    forms, pages = walk(shared, "/marketing/v3/forms", limit=2)
    older = shared.get("/forms/v2/forms").json()

    assert ([form["name"] for form in forms], pages) == (["Contact us", "Request a demo", "Start a trial"], 2)
    assert {form["guid"] for form in older} == {form["id"] for form in forms}
    assert shared.get(f"/marketing/v3/forms/{forms[0]['id']}").json() == forms[0]


def test_submissions_come_newest_first_in_pages_of_fifty_with_the_persons_address(shared: Portal) -> None:
    guid = next(form["id"] for form in walk(shared, "/marketing/v3/forms")[0] if form["name"] == "Request a demo")

    rows, pages = walk(shared, f"/form-integrations/v1/submissions/forms/{guid}", limit=50)

    times = [row["submittedAt"] for row in rows]
    assert (len(rows), pages, len({row["conversionId"] for row in rows})) == (70, 2, 70)  # of who has an address
    assert times == sorted(times, reverse=True)
    assert rows[0]["values"][0] == {"name": "email", "value": "ada@acme.example", "objectTypeId": "0-1"}
    assert shared.get(f"/form-integrations/v1/submissions/forms/{guid}", limit=51).status_code == 400
    assert shared.get("/form-integrations/v1/submissions/forms/nonsense").status_code == 404


def test_what_a_form_tells_is_also_a_web_event(shared: Portal) -> None:
    event = {"propertyName": "event_type", "operator": "EQ", "value": "demo_request"}

    assert shared.matching(event, path="/crm/objects/2026-09/web_events") == 140


# --- e-mail


def test_email_events_are_walked_by_offset_within_a_span(shared: Portal) -> None:
    events: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 40, "startTimestamp": (NOW - 7_000) * 1000, "endTimestamp": NOW * 1000}
    while len(events) < 1_000:
        body = shared.get("/email/public/v1/events", **query).json()
        events += body["events"]
        if not body["hasMore"]:
            break
        query["offset"] = body["offset"]

    kinds = [event["type"] for event in events]
    assert len({(event["id"], event["created"]) for event in events}) == len(events)
    assert (kinds.count("DELIVERED"), kinds.count("STATUSCHANGE")) == (70, 70)
    assert 70 > kinds.count("OPEN") > kinds.count("CLICK") > 0
    assert {event["recipient"] for event in events} == {"ada@acme.example"}
    early = shared.get("/email/public/v1/events", endTimestamp=(NOW - 7_000) * 1000).json()
    assert early["events"] == []


def test_email_events_are_filtered_and_campaigns_named(shared: Portal) -> None:
    clicks = shared.get("/email/public/v1/events", eventType="CLICK", limit=1000).json()["events"]
    (campaign,) = shared.get("/email/public/v1/campaigns/by-id").json()["campaigns"]

    assert {click["type"] for click in clicks} == {"CLICK"}
    assert clicks[0]["emailCampaignId"] == campaign["id"]
    assert shared.get(f"/email/public/v1/campaigns/{campaign['id']}").json()["name"] == "Newsletter"
    assert shared.get("/marketing/v3/emails").json()["total"] == 1
    changes = shared.get("/email/public/v1/subscriptions/timeline", limit=100).json()["timeline"]
    assert changes[0]["changes"][0]["change"] == "UNSUBSCRIBED"


# --- events of contacts


def test_events_of_one_contact_in_either_order(shared: Portal) -> None:
    asked = {"objectType": "contact", "objectId": FIRST, "eventType": "e_visited_page", "limit": 100}

    newest, pages = walk(shared, EVENTS, **asked)
    oldest, _ = walk(shared, "/events/v3/events", **asked, sort="occurredAt")

    assert (len(newest), pages) == (140, 2)
    assert newest[0]["objectType"] == "CONTACT"
    assert sorted(row["id"] for row in newest) == sorted(row["id"] for row in oldest)
    assert [row["occurredAt"] for row in oldest] == sorted(row["occurredAt"] for row in newest)


def test_events_are_limited_by_kind_and_time(shared: Portal) -> None:
    kinds = shared.get(f"{EVENTS}/event-types").json()["eventTypes"]
    last = max(row["occurredAt"] for row in walk(shared, EVENTS, eventType="e_visited_page", limit=100)[0])

    latest, _ = walk(shared, EVENTS, eventType="e_visited_page", occurredAfter=last, limit=100)

    assert {"e_visited_page", "e_form_submission", "e_mta_opened_email_v2"} <= set(kinds)
    assert {row["occurredAt"] for row in latest} == {last}
    assert walk(shared, EVENTS, eventType="e_visited_page", occurredBefore=last, occurredAfter=last)[0] == []
    assert shared.get(EVENTS, objectId=FIRST).status_code == 400
    by_address = walk(shared, EVENTS, **{"objectProperty.email": "ada@acme.example"}, limit=100)[0]
    assert {row["objectId"] for row in by_address} == {str(FIRST)}


def test_visitors_submit_forms_and_open_mail_at_the_control_surface(portal: Portal) -> None:
    fields = {"form": "Contact us", "email": "new@x.example", "at": "2026-05-01T00:00:00Z", "message": "Hello"}
    made = portal.edit("create", "form_submissions", fields=fields).json()["id"]
    portal.edit("create", "email_events", fields={"type": "CLICK", "recipient": "ada1@acme.example"})
    portal.edit("create", "event_occurrences", fields={"objectId": str(FIRST), "hs_url": "https://x.example"})

    forms = portal.get("/marketing/v3/forms").json()["results"]
    guid = next(form["id"] for form in forms if form["name"] == "Contact us")
    (row,) = portal.get(f"/form-integrations/v1/submissions/forms/{guid}").json()["results"]
    assert (row["conversionId"], row["values"][1]["value"]) == (made, "Hello")
    assert portal.get("/email/public/v1/events").json()["events"][0]["type"] == "CLICK"
    (event,) = portal.get(EVENTS, objectType="contacts", objectId=FIRST).json()["results"]
    assert event["properties"] == {"hs_url": "https://x.example"}
    assert portal.edit("create", "form_submissions", fields={"form": "nonsense"}).status_code == 400
    assert portal.edit("delete", "email_events", id="1").status_code == 400


# --- the oldest calls


def test_companies_and_deals_are_paged_by_offset(portal: Portal) -> None:
    for number in range(3):
        portal.post("/crm/v3/objects/companies", {"properties": {"name": f"Company {number}"}})

    first = portal.get("/companies/v2/companies/paged", limit=3, properties="name").json()
    rest = portal.get("/companies/v2/companies/paged", limit=3, offset=first["offset"], properties="name").json()
    deals = portal.get("/deals/v1/deal/paged", includeAllProperties="true").json()["deals"]

    assert (len(first["companies"]), first["has-more"], len(rest["companies"]), rest["has-more"]) == (3, True, 1, False)
    assert first["companies"][0]["properties"]["name"]["value"] == "Acme"
    detail = portal.get(f"/companies/v2/companies/{first['companies'][0]['companyId']}").json()
    assert detail["properties"]["hs_lastmodifieddate"]["value"].isdigit()
    assert deals[0]["associations"]["associatedCompanyIds"] == [30_000_000_001]
    assert portal.get("/deals/v1/pipelines").json()[0]["stages"]
    for path in ("/properties/v1/deals/properties", "/companies/v2/properties"):
        assert isinstance(portal.get(path).json(), list)


def test_engagements_come_in_order_of_change(portal: Portal) -> None:
    portal.post("/crm/v3/objects/notes", {"properties": {"hs_timestamp": "2026-01-01T00:00:00Z", "hs_note_body": "Hi"}})

    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2, "after": 0}
    while len(rows) < 10:
        body = portal.get("/engagements/v1/engagements/modified/after", **query).json()
        rows += body["results"]
        query["after"] = body["after"]
        if not body["hasMore"]:
            break

    stamps = [row["engagement"]["lastUpdated"] for row in rows]
    assert [row["engagement"]["type"] for row in rows] == ["CALL", "EMAIL", "MEETING", "NOTE"]
    assert stamps == sorted(stamps)
    assert rows[0]["associations"]["contactIds"] == [FIRST + 5]
    assert portal.get("/engagements/v1/engagements/modified/after", after=body["after"]).json()["results"] == []
