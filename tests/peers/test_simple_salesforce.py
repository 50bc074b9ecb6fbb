"""simple-salesforce as it comes, over TLS with the sandbox's own authority: it insists on https."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from simple_salesforce import Salesforce
from tests.stage import NOW

from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline_salesforce.sandbox.vendor import SalesforceSandbox

VERSION = "66.0"


@pytest.fixture
def org() -> Iterator[RunningSandbox]:
    with running(SalesforceSandbox, generate(120, seed=5, now=NOW), tls=True) as sandbox:
        yield sandbox


class ToTheOrg(requests.adapters.HTTPAdapter):
    """Sends what is meant for the vendor's sign-in host, which is written into the client, to the org."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url

    def send(self, request: requests.PreparedRequest, *positional: Any, **named: Any) -> requests.Response:
        request.url = self._base_url + urlsplit(request.url or "").path
        return super().send(request, *positional, **named)


def test_it_signs_in_by_password_and_by_key(org: RunningSandbox) -> None:
    """By SOAP, which ended with version 64, and by a signed assertion."""
    vendor = org.vendor
    assert isinstance(vendor, SalesforceSandbox)
    org.clock.set(time.time())  # the client signs by the machine's clock
    password, key = vendor.password_credentials(org.base_url), vendor.jwt_credentials(org.base_url)
    ways = [
        {"password": password["password"], "security_token": password["security_token"], "version": "60.0"},
        {"consumer_key": key["consumer_key"], "privatekey": key["private_key"], "version": VERSION},
    ]
    for way in ways:
        with requests.Session() as session:
            session.verify, session.trust_env = str(org.ca_file), False
            session.mount("https://login.salesforce.com", ToTheOrg(org.base_url))
            client = Salesforce(username=password["username"], session=session, **way)
            client.sf_instance = urlsplit(org.base_url).netloc  # it keeps the host without the port
            client.base_url = f"{org.base_url}/services/data/v{way['version']}/"
            assert client.query("SELECT COUNT() FROM Lead")["totalSize"] == len(rows(org, "Lead"))


@pytest.fixture
def client(org: RunningSandbox) -> Iterator[Salesforce]:
    with requests.Session() as session:
        session.verify = str(org.ca_file)
        session.trust_env = False  # a machine's own authorities would win over `verify`
        form = {
            "grant_type": "client_credentials",
            "client_id": org.credentials["consumer_key"],
            "client_secret": org.credentials["consumer_secret"],
        }
        token = session.post(f"{org.base_url}/services/oauth2/token", form, timeout=10).json()["access_token"]
        host = urlsplit(org.base_url).netloc
        yield Salesforce(session_id=token, instance=host, session=session, version=VERSION)


def rows(org: RunningSandbox, name: str) -> dict[str, dict[str, Any]]:
    return {row["Id"]: row for row in org.vendor.state()[name] if not row.get("IsDeleted")}


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_it_pages_through_everything(org: RunningSandbox, client: Salesforce) -> None:
    seen = client.query_all("SELECT Id, Subject, Who.Name FROM Task")
    held = rows(org, "Task")
    assert {row["Id"]: row["Subject"] for row in seen["records"]} == {uid: row["Subject"] for uid, row in held.items()}
    lead = next(iter(rows(org, "Lead")))
    assert client.Lead.get(lead)["Company"] == rows(org, "Lead")[lead]["Company"]


def test_it_writes_one_row_and_many(org: RunningSandbox, client: Salesforce) -> None:
    one, two, three = list(rows(org, "Lead"))[:3]
    assert client.Lead.update(one, {"Leadline_Score__c": 41}, headers={"Sforce-Auto-Assign": "FALSE"}) == 204
    batch = {
        "allOrNone": False,
        "records": [
            {"attributes": {"type": "Lead"}, "id": two, "Leadline_Score__c": 42},
            {"attributes": {"type": "Lead"}, "id": three, "Leadline_Group__c": "nope"},
        ],
    }
    answers = client.restful("composite/sobjects", method="PATCH", json=batch)
    assert [each["success"] for each in answers] == [True, False]
    assert answers[1]["errors"][0]["statusCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    held = rows(org, "Lead")
    assert [held[uid]["Leadline_Score__c"] for uid in (one, two, three)] == [41, 42, None]


def test_it_searches_and_enrols(org: RunningSandbox, client: Salesforce) -> None:
    lead = next(iter(rows(org, "Lead").values()))
    found = client.search(f"FIND {{{lead['LastName']}}} IN NAME FIELDS RETURNING Lead(Id, LastName)")["searchRecords"]
    assert sorted(each["Id"] for each in found) == sorted(
        uid for uid, row in rows(org, "Lead").items() if lead["LastName"] in (row["FirstName"], row["LastName"])
    )
    cadence = client.query("SELECT Id FROM ActionCadence WHERE State = 'Active' ORDER BY Name LIMIT 1")["records"][0][
        "Id"
    ]
    inputs = [{"salesCadenceNameOrId": cadence, "targetId": lead["Id"]}]
    path = "actions/standard/assignTargetToSalesCadence"
    (answer,) = client.restful(path, method="POST", json={"inputs": inputs})
    assert answer["isSuccess"]
    trackers = client.query(f"SELECT TargetId FROM ActionCadenceTracker WHERE ActionCadenceId = '{cadence}'")
    assert [each["TargetId"] for each in trackers["records"]] == [lead["Id"]]


def test_it_reads_and_writes_in_bulk(org: RunningSandbox, client: Salesforce) -> None:
    assert isinstance(org.vendor, SalesforceSandbox)
    org.vendor.bulk_pace.looks = 1
    (page,) = client.bulk2.Contact.query("SELECT Id, Name FROM Contact")
    assert {row["Id"]: row["Name"] for row in table(page)} == {
        uid: row["Name"] for uid, row in rows(org, "Contact").items()
    }
    people = list(rows(org, "Contact"))[:50]
    update = [{"Id": uid, "Leadline_Group__c": "nope" if at == 3 else "nurture"} for at, uid in enumerate(people)]
    (job,) = client.bulk2.Contact.update(records=update, wait=0.02)
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (50, 1)
    (failed,) = table(client.bulk2.Contact.get_failed_records(job["job_id"]))
    assert failed["sf__Id"] == people[3]
    assert failed["sf__Error"].startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:")
    held = rows(org, "Contact")
    assert [held[uid]["Leadline_Group__c"] for uid in people] == [
        None if at == 3 else "nurture" for at in range(len(people))
    ]
