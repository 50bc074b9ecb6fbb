"""jsforce against the Salesforce sandbox: what a program by somebody else sees is what the org holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.stage import DAY, NOW
from tests.strangers import needs, node

from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline_salesforce.sandbox.vendor import SalesforceSandbox

pytestmark = needs("js")
VERSION = "66.0"


@pytest.fixture
def org() -> Iterator[RunningSandbox]:
    with running(SalesforceSandbox, generate(400, seed=3, now=NOW)) as sandbox:
        yield sandbox


def ask(org: RunningSandbox, job: str, **more: Any) -> Any:
    given = {"job": job, "credentials": dict(org.credentials), "version": VERSION}
    return node("jsforce.cjs", given | more)


def rows(org: RunningSandbox, name: str, *, deleted: bool = False) -> dict[str, dict[str, Any]]:
    return {row["Id"]: row for row in org.vendor.state()[name] if bool(row.get("IsDeleted")) is deleted}


def test_it_reads_all_there_is(org: RunningSandbox) -> None:
    gone = next(iter(rows(org, "Lead")))
    org.vendor.edit({"action": "delete", "object": "Lead", "id": gone})
    name = list(rows(org, "Lead").values())[-1]["LastName"]
    seen = ask(org, "reading", name=name)
    leads, contacts, tasks = rows(org, "Lead"), rows(org, "Contact"), rows(org, "Task")

    assert len(tasks) > 2_000, "more than a page"
    assert sorted(seen["tasks"]) == sorted(tasks)
    assert seen["account_name"] == rows(org, "Account")[contacts[seen["contact"]]["AccountId"]]["Name"]
    assert {account: sorted(people) for account, people in seen["children"].items()} == {
        account: sorted(uid for uid, person in contacts.items() if person["AccountId"] == account)
        for account in rows(org, "Account")
    }
    assert sorted(seen["new_leads"]) == sorted(uid for uid, lead in leads.items() if lead["Status"] == "New")
    assert sum(seen["grouped"].values()) == len(leads)
    assert seen["deleted"] == [gone]
    assert sorted(seen["searched"]) == sorted(
        uid for uid, lead in leads.items() if name in (lead["FirstName"], lead["LastName"])
    )
    assert {"Account", "Contact", "Lead", "Task", "Web_Event__c"} <= set(seen["objects"])
    assert seen["owner_of_account"] == ["User"]
    assert 0 < seen["daily"]["Remaining"] < seen["daily"]["Max"]
    assert (seen["refused"], seen["unknown_field"]) == (True, "INVALID_FIELD")
    assert float(seen["newest_version"]) >= float(VERSION)


def test_it_signs_in_by_password(org: RunningSandbox) -> None:
    """Through SOAP, which ended with version 64."""
    vendor = org.vendor
    assert isinstance(vendor, SalesforceSandbox)
    credentials = vendor.password_credentials(org.base_url)
    seen = ask(org, "changes", sign_in="password", version="60.0", credentials=credentials, between=[NOW - DAY, NOW])
    assert seen["deleted"] == []


def test_it_hears_of_changes_and_deletes(org: RunningSandbox) -> None:
    changed, gone = list(rows(org, "Lead"))[:2]
    org.clock.set(NOW + 60)
    org.vendor.edit({"action": "update", "object": "Lead", "id": changed, "fields": {"Title": "CFO"}})
    org.vendor.edit({"action": "delete", "object": "Lead", "id": gone})
    seen = ask(org, "changes", between=[NOW + 60, NOW + 120])
    assert (seen["updated"], seen["deleted"]) == ([changed], [gone])


def test_it_writes_batches_with_a_refusal_per_row(org: RunningSandbox) -> None:
    seen = ask(org, "writing")
    leads, tasks = rows(org, "Lead"), rows(org, "Task")

    assert [at for at, good in enumerate(seen["succeeded"]) if not good] == [7]
    assert len(seen["succeeded"]) == 250, "two calls, because one takes 200"
    assert seen["refusal"]["statusCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    for at, lead in enumerate(seen["leads"]):
        assert leads[lead]["Leadline_Score__c"] == (None if at == 7 else at % 100)
    assert [(each["success"], each.get("created")) for each in seen["upserted"]] == [
        (True, True), (True, False), (True, True),
    ]  # fmt: skip
    assert tasks[seen["upserted"][0]["id"]]["Subject"] == "Call again"
    assert (seen["last_name"], seen["destroyed"]) == ("Peer", True)
    assert seen["after"] == "ENTITY_IS_DELETED"
    assert seen["created"] in rows(org, "Lead", deleted=True)


def test_it_reads_and_writes_in_bulk(org: RunningSandbox) -> None:
    names = {uid: row["Name"] for uid, row in rows(org, "Contact").items()}
    seen = ask(org, "bulk")
    contacts = rows(org, "Contact")

    assert seen["names"] == names
    ((failed, why),) = seen["failed"]
    assert failed == seen["read"][3]
    assert why.startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:")
    assert sorted(seen["written"]) == sorted(set(contacts) - {failed})
    assert not seen["unprocessed"]
    for at, uid in enumerate(seen["read"]):
        assert contacts[uid]["Leadline_Score__c"] == (None if at == 3 else at % 100)


def test_it_enrols_people(org: RunningSandbox) -> None:
    people = list(rows(org, "Lead"))[:2]
    seen = ask(org, "enrolment", people=people)
    assert seen["answers"] == [True, True]
    assert sorted(seen["trackers"]) == sorted(people)
