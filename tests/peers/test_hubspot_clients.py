"""HubSpot's own clients against the HubSpot sandbox: what they see is what the portal holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.stage import NOW
from tests.strangers import needs, node, python

from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline_hubspot.sandbox import HubSpotSandbox
from leadline_hubspot.sandbox.oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN


@pytest.fixture
def portal() -> Iterator[RunningSandbox]:
    with running(HubSpotSandbox, generate(150, seed=3, now=NOW)) as sandbox:
        yield sandbox


def ask(portal: RunningSandbox, job: str, **more: Any) -> Any:
    return node("hubspot_client.cjs", {"job": job, "credentials": dict(portal.credentials)} | more)


def dated(portal: RunningSandbox, job: str, **more: Any) -> Any:
    return python("hubspot-sdk", "hubspot_dated.py", {"job": job, "credentials": dict(portal.credentials)} | more)


def rows(portal: RunningSandbox, name: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in portal.vendor.state()[name] if not row.get("archived")}


@needs("js")
def test_the_client_for_node_reads_all_there_is(portal: RunningSandbox) -> None:
    seen = ask(portal, "reading")
    contacts = rows(portal, "contacts")

    assert len(contacts) > 100, "more than a page"
    assert seen["sources"] == {uid: row["properties"]["source_id"] for uid, row in contacts.items()}
    assert sorted(seen["found"]) == sorted(uid for uid in contacts if int(uid) > int(seen["half"]))
    for contact, companies in seen["linked"].items():
        assert [str(company) for company in companies] == contacts[contact]["associations"]["companies"]
    assert sorted(seen["owners"]) == sorted(row["email"] for row in rows(portal, "owners").values())
    assert {"email", "leadline_score", "lifecyclestage"} <= set(seen["properties"])
    assert "p_web_events" in seen["schemas"]
    assert seen["stages"] > 1
    assert seen["missing"] == [404, "OBJECT_NOT_FOUND"]


@needs("js")
def test_the_client_for_node_writes_with_an_answer_per_row(portal: RunningSandbox) -> None:
    one, two, *_ = rows(portal, "contacts")
    company = next(iter(rows(portal, "companies")))
    seen = ask(portal, "writing", contacts=[one, two], company=company)

    assert (seen["written"], seen["errors"]) == ([one], 1)
    assert rows(portal, "contacts")[one]["properties"]["leadline_score"] == "5"
    assert seen["fresh"] == [True, False]
    (task,) = set(seen["tasks"])
    assert rows(portal, "tasks")[task]["properties"]["hs_task_subject"] == "Call again"
    assert seen["twice"] == [409, "CONFLICT"]
    assert seen["archived"][0] == 404
    assert seen["made"] not in rows(portal, "contacts")


@needs("js")
def test_the_client_for_node_links_and_unlinks(portal: RunningSandbox) -> None:
    contact = next(uid for uid, row in rows(portal, "contacts").items() if not row["associations"].get("companies"))
    company, other, *_ = rows(portal, "companies")
    seen = ask(portal, "linking", contact=contact, company=company, other=other)

    assert seen["made"] == 2
    assert sorted(seen["linked"]) == sorted([company, other])
    assert seen["left"] == rows(portal, "contacts")[contact]["associations"]["companies"] == [company]
    assert "Primary" in seen["labels"]


@needs("js")
def test_the_client_for_node_fills_lists(portal: RunningSandbox) -> None:
    contacts = list(rows(portal, "contacts"))[:3]
    seen = ask(portal, "lists", contacts=contacts)

    (made,) = [row for row in portal.vendor.state()["lists"] if row["name"] == "Peers"]
    assert (seen["id"], seen["found"], seen["of"]) == (made["id"], ["Peers"], [made["id"]])
    assert sorted(seen["members"]) == sorted(map(str, made["recordIds"])) == sorted(contacts)
    assert seen["added"] == [3, 0], "a second time they are on it"
    assert seen["dynamic"][0] == 400, "a dynamic list fills itself"


@needs("js")
def test_the_client_for_node_enrols(portal: RunningSandbox) -> None:
    owner = next(iter(rows(portal, "owners").values()))
    contact = next(uid for uid, row in rows(portal, "contacts").items() if row["properties"]["email"])
    seen = ask(portal, "enrolment", user=owner["userId"], sender=owner["email"], contact=contact)

    (enrolment,) = portal.vendor.state()["enrollments"]
    assert seen["enrolled"] == seen["seen"] == str(enrolment["id"])
    assert str(enrolment["contactId"]) == contact
    assert sorted(seen["sequences"]) == sorted(row["name"] for row in rows(portal, "sequences").values())


@needs("js")
def test_the_client_for_node_trades_a_refresh_token(portal: RunningSandbox) -> None:
    oauth = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    assert ask(portal, "tokens", oauth=oauth) == {"expires": 1800, "contacts": 1}


@needs("hubspot-sdk")
def test_the_client_for_dated_versions_reads_and_enrols(portal: RunningSandbox) -> None:
    seen = dated(portal, "reading")
    contacts = rows(portal, "contacts")

    assert sorted(seen["contacts"]) == sorted(contacts)
    assert sorted(seen["found"]) == sorted(uid for uid in contacts if int(uid) > int(seen["half"]))[:100]
    assert sorted(seen["sequences"]) == sorted(row["name"] for row in rows(portal, "sequences").values())
    (enrolment,) = portal.vendor.state()["enrollments"]
    assert (str(enrolment["id"]), str(enrolment["contactId"])) == (seen["enrolled"], seen["person"])
    assert seen["missing"] == 404


@needs("hubspot-sdk")
def test_the_client_for_dated_versions_writes_with_an_answer_per_row(portal: RunningSandbox) -> None:
    good, bad = [uid for uid, row in rows(portal, "contacts").items() if not row["associations"].get("companies")][:2]
    company = next(iter(rows(portal, "companies")))
    seen = dated(portal, "writing", contacts=[good, bad], company=company)
    held = rows(portal, "contacts")

    assert (seen["written"], seen["errors"]) == ([good], [["bad"]])
    assert [held[uid]["properties"]["leadline_score"] for uid in (good, bad)] == ["7", None]
    assert set(seen["tasks"]) == set(rows(portal, "tasks")), "one task, although upserted twice"
    assert seen["linked"] == held[good]["associations"]["companies"] == [company]
    (full,) = [row for row in portal.vendor.state()["lists"] if row["id"] == "1"]
    assert sorted(seen["members"]) == sorted(map(str, full["recordIds"])) == sorted([good, bad])


@needs("hubspot-sdk")
def test_the_client_for_dated_versions_trades_a_refresh_token(portal: RunningSandbox) -> None:
    oauth = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    assert dated(portal, "tokens", oauth=oauth) == {"expires": 1800, "contacts": 1}
