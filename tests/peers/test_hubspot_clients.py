"""HubSpot's own clients against the HubSpot sandbox: what they see is what the portal holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hubspot
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
def test_the_client_for_node_trades_a_refresh_token(portal: RunningSandbox) -> None:
    oauth = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": REFRESH_TOKEN}
    assert ask(portal, "tokens", oauth=oauth) == {"expires": 1800, "contacts": 1}


@needs("hubspot-sdk")
def test_the_client_for_dated_versions_reads_and_enrols(portal: RunningSandbox) -> None:
    seen = python("hubspot-sdk", "hubspot_dated.py", {"credentials": dict(portal.credentials)})
    contacts = rows(portal, "contacts")

    assert sorted(seen["contacts"]) == sorted(contacts)
    assert sorted(seen["found"]) == sorted(uid for uid in contacts if int(uid) > int(seen["half"]))[:100]
    assert sorted(seen["sequences"]) == sorted(row["name"] for row in rows(portal, "sequences").values())
    (enrolment,) = portal.vendor.state()["enrollments"]
    assert (str(enrolment["id"]), str(enrolment["contactId"])) == (seen["enrolled"], seen["person"])
    assert seen["missing"] == 404


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_the_client_for_python_reads_and_writes(portal: RunningSandbox) -> None:
    client = hubspot.HubSpot(access_token=portal.credentials["access_token"], host=portal.base_url)
    contacts = client.crm.contacts.get_all(properties=["source_id"])
    state = rows(portal, "contacts")
    assert {each.id: each.properties["source_id"] for each in contacts} == {
        uid: row["properties"]["source_id"] for uid, row in state.items()
    }

    inputs = [{"id": each.id, "properties": {"leadline_score": str(at)}} for at, each in enumerate(contacts[:100])]
    written = client.crm.contacts.batch_api.update({"inputs": inputs})
    assert len(written.results) == 100
    state = rows(portal, "contacts")
    assert [state[each["id"]]["properties"]["leadline_score"] for each in inputs] == list(map(str, range(100)))

    with pytest.raises(hubspot.crm.contacts.exceptions.ApiException) as refused:
        client.crm.contacts.batch_api.update({"inputs": [*inputs, *inputs[:1]]})
    assert refused.value.status == 400, "101 rows are too many"
