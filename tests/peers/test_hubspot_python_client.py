"""hubspot-api-client with its typed models against the HubSpot sandbox: what it sees is what the portal holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hubspot
import pytest
from hubspot.crm.contacts import BatchInputSimplePublicObjectBatchInput, SimplePublicObjectBatchInput
from tests.stage import NOW

from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline_hubspot.sandbox import HubSpotSandbox
from leadline_hubspot.sandbox.oauth import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def portal() -> Iterator[RunningSandbox]:
    with running(HubSpotSandbox, generate(150, seed=3, now=NOW)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def client(portal: RunningSandbox) -> Any:
    # `base_url` is the address for `api_request`, `host` for everything else.
    token = portal.credentials["access_token"]
    return hubspot.HubSpot(access_token=token, host=portal.base_url, base_url=portal.base_url)


def rows(portal: RunningSandbox, name: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in portal.vendor.state()[name] if not row.get("archived")}


def test_it_pages_through_everything(portal: RunningSandbox, client: Any) -> None:
    seen = client.crm.contacts.get_all(properties=["source_id", "email"], associations=["companies"])
    held = rows(portal, "contacts")

    assert len(held) > 100, "more than a page"
    assert {each.id: (each.properties["source_id"], each.properties["email"]) for each in seen} == {
        uid: (row["properties"]["source_id"], row["properties"]["email"]) for uid, row in held.items()
    }
    for each in seen:
        linked = each.associations["companies"].results if each.associations else []
        assert {to.id for to in linked} == set(held[each.id]["associations"].get("companies", []))
    assert [each.email for each in client.crm.owners.get_all()] == [
        row["email"] for row in rows(portal, "owners").values()
    ]


def test_it_searches_page_by_page(portal: RunningSandbox, client: Any) -> None:
    held = rows(portal, "contacts")
    half = sorted(held)[len(held) // 2]
    asked: dict[str, Any] = {
        "filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "GT", "value": half}]}],
        "sorts": ["hs_object_id"], "properties": ["email"], "limit": 30, "after": "0",
    }  # fmt: skip
    found: list[Any] = []
    while True:
        page = client.crm.contacts.search_api.do_search(asked)
        found += page.results
        if not page.paging:
            break
        asked["after"] = page.paging.next.after
    assert page.total == len(found)
    assert {each.id: each.properties["email"] for each in found} == {
        uid: row["properties"]["email"] for uid, row in held.items() if uid > half
    }


def test_it_writes_a_batch(portal: RunningSandbox, client: Any) -> None:
    ids = list(rows(portal, "contacts"))
    inputs = [{"id": uid, "properties": {"leadline_score": str(at)}} for at, uid in enumerate(ids[:100])]
    written = client.crm.contacts.batch_api.update({"inputs": inputs})
    assert len(written.results) == 100
    held = rows(portal, "contacts")
    assert [held[uid]["properties"]["leadline_score"] for uid in ids[:100]] == list(map(str, range(100)))

    with pytest.raises(hubspot.crm.contacts.exceptions.ApiException) as refused:
        client.crm.contacts.batch_api.update({"inputs": [*inputs, *inputs[:1]]})
    assert refused.value.status == 400, "101 rows are too many"


def test_a_bad_row_fails_alone_when_rows_are_traced(portal: RunningSandbox, client: Any) -> None:
    one, two, three = list(rows(portal, "contacts"))[100:103]
    values = {one: "11", two: "many", three: "13"}
    traced = [
        SimplePublicObjectBatchInput(id=uid, properties={"leadline_score": value}, object_write_trace_id=f"trace-{uid}")
        for uid, value in values.items()
    ]
    answer = client.crm.contacts.batch_api.update(BatchInputSimplePublicObjectBatchInput(inputs=traced))
    assert sorted(each.id for each in answer.results) == [one, three]
    (error,) = answer.errors
    assert error.context["objectWriteTraceId"] == [f"trace-{two}"]
    held = rows(portal, "contacts")
    assert [held[uid]["properties"]["leadline_score"] for uid in values] == ["11", None, "13"]

    untraced = [SimplePublicObjectBatchInput(id=uid, properties={"leadline_score": "many"}) for uid in (one, two)]
    with pytest.raises(hubspot.crm.contacts.exceptions.ApiException):
        client.crm.contacts.batch_api.update(BatchInputSimplePublicObjectBatchInput(inputs=untraced))


def test_it_reads_and_makes_associations(portal: RunningSandbox, client: Any) -> None:
    held = rows(portal, "contacts")
    alone = next(uid for uid, row in held.items() if not row["associations"].get("companies"))
    company = next(iter(rows(portal, "companies")))
    some = list(held)[:50]
    read = client.crm.associations.v4.batch_api.get_page("contacts", "companies", {"inputs": [{"id": u} for u in some]})
    assert {each._from.id: {str(to.to_object_id) for to in each.to} for each in read.results} == {
        uid: set(held[uid]["associations"]["companies"]) for uid in some if held[uid]["associations"].get("companies")
    }
    client.crm.associations.v4.basic_api.create_default("contacts", alone, "companies", company)
    assert rows(portal, "contacts")[alone]["associations"]["companies"] == [company]


def test_it_upserts_tasks_fills_lists_and_enrols(portal: RunningSandbox, client: Any) -> None:
    values = {"hs_timestamp": "2026-01-01T00:00:00Z", "hs_task_subject": "Call"}
    task = {"id": "typed/1", "idProperty": "leadline_key", "properties": values}
    made = [client.crm.objects.batch_api.upsert("tasks", {"inputs": [task]}).results[0].id for _ in range(2)]
    assert set(made) == set(rows(portal, "tasks")), "one task, although upserted twice"

    person = next(uid for uid, row in rows(portal, "contacts").items() if row["properties"]["email"])
    client.crm.lists.memberships_api.add("1", [person])
    page = client.crm.lists.memberships_api.get_page("1")
    assert [each.record_id for each in page.results] == [person]

    owner = next(iter(rows(portal, "owners").values()))
    sequence = next(iter(rows(portal, "sequences")))
    body = {"sequenceId": sequence, "contactId": person, "senderEmail": owner["email"]}
    path = f"/automation/v4/sequences/enrollments?userId={owner['userId']}"
    answer = client.api_request({"path": path, "method": "POST", "body": body})
    assert answer.status_code == 200
    (enrolment,) = portal.vendor.state()["enrollments"]
    assert str(enrolment["contactId"]) == person


def test_it_trades_a_refresh_token(portal: RunningSandbox, client: Any) -> None:
    made = client.oauth.tokens_api.create(
        grant_type="refresh_token", client_id=CLIENT_ID, client_secret=CLIENT_SECRET, refresh_token=REFRESH_TOKEN
    )
    again = hubspot.HubSpot(access_token=made.access_token, host=portal.base_url)
    assert (made.expires_in, len(again.crm.contacts.basic_api.get_page(limit=1).results)) == (1800, 1)
