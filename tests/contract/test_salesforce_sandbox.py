"""The Salesforce sandbox over real HTTP: the vendor's limits and error bodies, and a stock client's use of it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
import requests
from simple_salesforce import Salesforce, SalesforceMalformedRequest
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceResourceNotFound
from simple_salesforce.login import token_login
from tests.salesforce_org import BASE, NOW, Http, codes, lead_id, serving, world

from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline_salesforce.sandbox.auth import CONSUMER_KEY, JWT_GRANT, USERNAME
from leadline_salesforce.sandbox.loading import INTEGRATION_USER, record_id
from leadline_salesforce.sandbox.vendor import SalesforceSandbox


@pytest.fixture
def http() -> Iterator[Http]:
    with serving(world()) as served:
        yield served


# The world as records


def test_raw_texts_go_into_the_field_that_can_hold_them(http: Http) -> None:
    one, two = (http.row("Account", record_id("Account", f"acct_{n:06d}")) for n in (1, 2))
    assert (one["NumberOfEmployees"], one["Employee_Range__c"]) == (340, None)
    assert (two["NumberOfEmployees"], two["Employee_Range__c"]) == (None, "51-200")
    assert (one["AnnualRevenue"], one["Revenue_Range__c"]) == (5e6, None)
    assert (two["AnnualRevenue"], two["Revenue_Range__c"]) == (None, "$10M-$50M")
    assert (one["Type"], one["Technologies__c"], one["Source_Id__c"]) == ("Partner", "slack;hubspot", "acct_000001")
    lead = http.row("Lead", lead_id(1))
    assert (lead["Employee_Range__c"], lead["Matched_Account__c"]) == ("1k+", one["Id"])
    assert lead["OwnerId"] == record_id("User", "rep_000001")


def test_ids_are_the_same_in_every_run(http: Http) -> None:
    with serving(world()) as again:
        assert [row["Id"] for row in again.vendor.state()["Lead"]] == [row["Id"] for row in http.vendor.state()["Lead"]]


# Signing in


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({}, None),
        ({"iss": "other"}, "invalid_client_id"),
        ({"aud": "https://else.example"}, "invalid_grant"),
        ({"sub": "other@leadline.example"}, "invalid_grant"),
        ({"exp": NOW - 120}, "invalid_grant"),
        ({"exp": NOW + 3_600}, "invalid_grant"),
        ({"exp": None}, "invalid_grant"),
        ({"exp": str(NOW + 180)}, None),  # as simple-salesforce writes it
    ],
)
def test_assertions_are_verified(http: Http, change: dict[str, Any], error: str | None) -> None:
    claims = {"iss": CONSUMER_KEY, "sub": USERNAME, "aud": "https://login.salesforce.com", "exp": NOW + 180} | change
    claims = {name: value for name, value in claims.items() if value is not None}
    form = {"grant_type": JWT_GRANT, "assertion": jwt.encode(claims, http.vendor.auth.private_pem(), algorithm="RS256")}
    reply = http.session.post(f"{http.sandbox.base_url}/services/oauth2/token", form)
    assert (reply.status_code, reply.json().get("error")) == ((200, None) if error is None else (400, error))


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": CONSUMER_KEY, "client_secret": "y"}, "invalid_client"),
        ({"grant_type": "device"}, "unsupported_grant_type"),
        ({"grant_type": JWT_GRANT, "assertion": "a.b.c"}, "invalid_grant"),
    ],
)
def test_refused_grants_are_objects(http: Http, form: dict[str, str], error: str) -> None:
    reply = requests.post(f"{http.sandbox.base_url}/services/oauth2/token", form, timeout=5)
    assert (reply.status_code, reply.json()["error"]) == (400, error)


def test_sessions_end_when_unused_and_say_so(http: Http) -> None:
    http.vendor.session_seconds = 60
    assert http.call("GET", "/limits").ok
    http.sandbox.clock.advance(59)
    assert http.call("GET", "/limits").ok
    http.sandbox.clock.advance(61)
    reply = http.call("GET", "/limits")
    assert (reply.status_code, reply.json()) == (
        401,
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
    )


# Paths, versions, limits


def test_versions_need_no_session_and_old_ones_are_gone(http: Http) -> None:
    listed = requests.get(f"{http.sandbox.base_url}/services/data", timeout=5).json()
    assert {"label": "Winter '24", "url": "/services/data/v59.0", "version": "59.0"} in listed
    for version, status in (("v30.0", 410), ("v99.0", 404), ("v66.5", 404), ("x", 404), ("v66.0", 200)):
        assert http.session.get(f"{http.sandbox.base_url}/services/data/{version}/").status_code == status


def test_unknown_paths_and_records_are_not_found(http: Http) -> None:
    for path in ("/nothing", "/sobjects/Nothing/describe", "/sobjects/Lead/00Q000000000000AAA/x"):
        assert http.call("GET", path).json()[0]["errorCode"] == "NOT_FOUND"
    assert http.call("GET", "/sobjects/Lead/00Q000000000000AAA").status_code == 404


def test_every_call_counts_until_the_quota_is_spent(http: Http) -> None:
    http.vendor.gate.daily_limit = 3
    http.vendor.session_seconds = 86_400
    assert http.json("GET", "/limits")["DailyApiRequests"] == {"Max": 3, "Remaining": 2}
    assert http.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=2/3"
    http.call("GET", "/limits")
    reply = http.call("GET", "/limits")
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    http.sandbox.clock.advance(4 * 3_600)  # past midnight
    assert http.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=1/3"


def test_pages_obey_the_batch_size_and_keep_the_rows_they_found() -> None:
    with serving(world(450)) as http:
        options = {"Sforce-Query-Options": "batchSize=10"}  # below 200 is 200
        first = http.json("GET", "/query", params={"q": "SELECT Id, Title FROM Lead"}, headers=options)
        assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
        http.update({"id": lead_id(450), "Title": "Changed"})
        second = http.session.get(http.sandbox.base_url + first["nextRecordsUrl"], headers=options).json()
        third = http.session.get(http.sandbox.base_url + second["nextRecordsUrl"], headers=options).json()
        assert (len(third["records"]), third["done"], "nextRecordsUrl" in third) == (50, True, False)
        found = [row["Id"] for page in (first, second, third) for row in page["records"]]
        assert sorted(found) == sorted(lead_id(n) for n in range(1, 451))
        assert http.json("GET", "/query/01gNothing-2000")[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


# One row


def test_a_row_is_made_read_changed_and_deleted(http: Http) -> None:
    made = http.call("POST", "/sobjects/Lead", {"LastName": "New", "Company": "Co"})
    record = made.json()["id"]
    assert (made.status_code, len(record), record[:3]) == (201, 18, "00Q")
    assert http.json("GET", f"/sobjects/Lead/{record}", params={"fields": "Name,Status"}) == {
        "attributes": {"type": "Lead", "url": f"{BASE}/sobjects/Lead/{record}"},
        "Name": "New",
        "Status": "New",
    }
    before = http.row("Lead", record)["SystemModstamp"]
    http.sandbox.clock.advance(5)
    assert http.call("PATCH", f"/sobjects/Lead/{record[:15]}", {"FirstName": "Very"}).status_code == 204
    assert http.row("Lead", record)["Name"] == "Very New"
    assert http.row("Lead", record)["SystemModstamp"] > before
    assert http.call("DELETE", f"/sobjects/Lead/{record}").status_code == 204
    again = http.call("PATCH", f"/sobjects/Lead/{record}", {"FirstName": "x"})
    assert (again.status_code, again.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")
    query = {"q": f"SELECT Id FROM Lead WHERE Id = '{record}'"}
    assert http.json("GET", "/query", params=query)["totalSize"] == 0
    assert http.json("GET", "/queryAll", params=query)["totalSize"] == 1


@pytest.mark.parametrize("auto_assign", ["TRUE", "FALSE", None])
def test_assignment_rules_run_unless_the_header_says_false(http: Http, auto_assign: str | None) -> None:
    headers = {"Sforce-Auto-Assign": auto_assign}
    http.call("PATCH", f"/sobjects/Lead/{lead_id(1)}", {"Title": "x"}, headers=headers)
    kept = http.row("Lead", lead_id(1))["OwnerId"] != INTEGRATION_USER
    assert kept is (auto_assign == "FALSE")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"Foo__c": 1}, "INVALID_FIELD"),
        ({"IsConverted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Title": "x" * 129}, "STRING_TOO_LONG"),
        ({"Email": "nobody"}, "INVALID_EMAIL_ADDRESS"),
        ({"Leadline_Group__c": "hot"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"Leadline_Score__c": "many"}, "JSON_PARSER_ERROR"),
        ({"Leadline_Score__c": 123_456}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"Leadline_Scored_At__c": "soon"}, "JSON_PARSER_ERROR"),
        ({"HasOptedOutOfEmail": 3}, "JSON_PARSER_ERROR"),
        ({"Company": None}, "REQUIRED_FIELD_MISSING"),
        ({"Matched_Account__c": lead_id(1)}, "MALFORMED_ID"),
        ({"OwnerId": "005000000000000AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"OwnerId": record_id("User", "rep_000002")}, "INACTIVE_OWNER_OR_USER"),
    ],
)
def test_writes_are_refused_in_the_vendors_codes(http: Http, values: dict[str, Any], code: str) -> None:
    before = http.row("Lead", lead_id(1))
    single = http.call("PATCH", f"/sobjects/Lead/{lead_id(1)}", values)
    assert (single.status_code, single.json()[0]["errorCode"]) == (400, code)
    assert codes(http.update({"id": lead_id(1), **values})) == [code]
    assert http.row("Lead", lead_id(1)) == before


def test_unrestricted_picklists_and_trimmed_texts_are_taken(http: Http) -> None:
    http.update({"id": lead_id(1), "Status": "Something else", "Title": "  VP  ", "Leadline_Score__c": "85"})
    row = http.row("Lead", lead_id(1))
    assert (row["Status"], row["Title"], row["Leadline_Score__c"]) == ("Something else", "VP", 85.0)


def test_a_leads_task_has_no_related_record(http: Http) -> None:
    account = record_id("Account", "acct_000001")
    body = {"Subject": "Call", "WhoId": lead_id(1), "WhatId": account}
    assert http.json("POST", "/sobjects/Task", body)[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    made = http.json("POST", "/sobjects/Task", {"Subject": "Call", "WhatId": account, "Status": "Completed"})
    row = http.row("Task", made["id"])
    assert (row["AccountId"], row["IsClosed"]) == (account, True)
    assert row["CompletedDateTime"] == "2026-05-28T20:26:40.000+0000"


def test_upsert_by_external_id_and_its_uniqueness(http: Http) -> None:
    path = "/sobjects/Task/Leadline_Key__c/a%2Fb"
    first, second = (http.call("PATCH", path, {"Subject": text}) for text in ("one", "two"))
    assert [(r.status_code, r.json()["created"]) for r in (first, second)] == [(201, True), (200, False)]
    assert http.json("GET", path)["Subject"] == "two"
    clash = http.json("POST", "/sobjects/Task", {"Subject": "x", "Leadline_Key__c": "A/B"})
    assert clash[0]["errorCode"] == "DUPLICATE_VALUE"
    assert first.json()["id"][:15] in clash[0]["message"]
    wrong = http.call("PATCH", "/sobjects/Task/Subject/x", {})
    assert "external ID field does not exist" in wrong.json()[0]["message"]
    assert http.call("DELETE", path).status_code == 204
    assert http.call("GET", path).status_code == 404


# Collections


def test_collections_refuse_201_records_and_11_chunks(http: Http) -> None:
    lead = {"attributes": {"type": "Lead"}, "id": lead_id(1)}
    account = {"attributes": {"type": "Account"}, "id": record_id("Account", "acct_000001")}
    too_many = http.call("PATCH", "/composite/sobjects", {"records": [lead] * 201})
    assert (too_many.status_code, too_many.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    mixed = http.call("PATCH", "/composite/sobjects", {"records": [lead, account] * 6})
    assert (mixed.status_code, mixed.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    assert http.call("PATCH", "/composite/sobjects", {"records": [lead, account] * 5}).status_code == 200


def test_collections_answer_200_with_one_result_per_row_in_order(http: Http) -> None:
    results = http.update(
        {"id": lead_id(1), "Title": "One"},
        {"id": lead_id(2), "Title": "x" * 129},
        {"id": lead_id(1), "Title": "Twice"},
        {"id": "00Q000000000000AAA"},
        {"Title": "No id"},
        {"id": lead_id(3), "attributes": {"type": "Nothing"}},
        {"id": lead_id(4), "attributes": {}},
    )
    assert codes(results) == [
        None, "STRING_TOO_LONG", "DUPLICATE_VALUE", "INVALID_CROSS_REFERENCE_KEY", "MISSING_ARGUMENT", "INVALID_TYPE",
        "INVALID_TYPE",
    ]  # fmt: skip
    assert results[1]["id"] == lead_id(2)
    assert results[1]["errors"][0]["fields"] == ["Title"]
    assert http.row("Lead", lead_id(1))["Title"] == "One"


def test_all_or_none_takes_the_good_rows_back(http: Http) -> None:
    results = http.update({"id": lead_id(1), "Title": "One"}, {"id": lead_id(2), "LastName": None}, allOrNone=True)
    assert codes(results) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert http.row("Lead", lead_id(1))["Title"] == "VP Ops"
    good = {"attributes": {"type": "Lead"}, "LastName": "A", "Company": "B"}
    made = http.json("POST", "/composite/sobjects", {"records": [good, {**good, "Company": None}], "allOrNone": True})
    assert not any(result["success"] for result in made)
    assert len(http.vendor.state()["Lead"]) == 5


def test_collections_upsert_read_and_delete(http: Http) -> None:
    rows = [{"attributes": {"type": "Task"}, "Leadline_Key__c": key, "Subject": "x"} for key in ("a", "b", "A")]
    results = http.json("PATCH", "/composite/sobjects/Task/Leadline_Key__c", {"records": rows})
    assert codes(results) == [None, None, "DUPLICATE_VALUE"]
    again = http.json("PATCH", "/composite/sobjects/Task/Leadline_Key__c", {"records": rows[:1]})
    assert (again[0]["id"], again[0]["created"]) == (results[0]["id"], False)
    wanted = f"{results[0]['id']},00T000000000000AAA"
    found = http.json("GET", "/composite/sobjects/Task", params={"ids": wanted, "fields": "Leadline_Key__c"})
    assert [row and row["Leadline_Key__c"] for row in found] == ["a", None]
    gone = http.json("DELETE", "/composite/sobjects", params={"ids": wanted})
    assert codes(gone) == [None, "INVALID_CROSS_REFERENCE_KEY"]


def test_rows_can_be_refused_by_order(http: Http) -> None:
    fault = {"object": "Lead", "ids": [lead_id(2)], "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "No."}
    http.sandbox.faults.add(fault)
    results = http.update({"id": lead_id(1)}, {"id": lead_id(2)}, {"id": lead_id(3)})
    assert codes(results) == [None, "FIELD_CUSTOM_VALIDATION_EXCEPTION", None]


# What changed, cadences, people's edits


def test_updated_and_deleted_lists(http: Http) -> None:
    http.sandbox.clock.advance(10)
    http.update({"id": lead_id(1), "Title": "x"})
    http.call("DELETE", f"/sobjects/Lead/{lead_id(2)}")
    period = {"start": "2026-05-28T20:26:45Z", "end": "2026-05-28T20:27:00+00:00"}
    assert http.json("GET", "/sobjects/Lead/updated", params=period)["ids"] == [lead_id(1)]
    deleted = http.json("GET", "/sobjects/Lead/deleted", params=period)["deletedRecords"]
    assert [entry["id"] for entry in deleted] == [lead_id(2)]
    for wrong in ({"start": period["end"], "end": period["start"]}, {"start": "2020-01-01T00:00:00Z"}, {}):
        reply = http.json("GET", "/sobjects/Lead/updated", params={**wrong, "end": wrong.get("end", period["end"])})
        assert reply[0]["errorCode"] == "INVALID_REPLICATION_DATE"


def test_one_running_tracker_per_person_and_cadence(http: Http) -> None:
    def assign(**inputs: str) -> requests.Response:
        body = {"inputs": [{"salesCadenceNameOrId": "Fast track", "targetId": lead_id(1)} | inputs]}
        return http.call("POST", "/actions/standard/assignTargetToSalesCadence", body)

    assert assign().json()[0]["isSuccess"]
    again = assign()
    assert (again.status_code, again.json()[0]["errors"][0]["statusCode"]) == (400, "DUPLICATE_VALUE")
    assert assign(salesCadenceNameOrId="Nurture: case study").json()[0]["isSuccess"]
    assert not assign(salesCadenceNameOrId="Nothing").json()[0]["isSuccess"]
    assert not assign(targetId=record_id("Account", "acct_000001")).json()[0]["isSuccess"]
    query = {"q": f"SELECT State, ActionCadence.Name FROM ActionCadenceTracker WHERE TargetId = '{lead_id(1)}'"}
    found = http.json("GET", "/query", params=query)["records"]
    assert sorted(row["ActionCadence"]["Name"] for row in found) == ["Fast track", "Nurture: case study"]
    assert http.json("POST", "/sobjects/ActionCadenceTracker", {})[0]["errorCode"] == (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    )


def test_people_edit_by_either_id_and_link_by_world_ids(http: Http) -> None:
    edit = http.vendor.edit
    assert edit({"action": "update", "object": "Lead", "id": "lead_000001", "fields": {"Title": "CEO"}}) == {
        "id": lead_id(1)
    }
    assert http.row("Lead", lead_id(1))["OwnerId"] != INTEGRATION_USER  # no assignment rule ran
    event = {"Type__c": "pricing_page", "Lead__c": "lead_000001", "Occurred_At__c": "2026-05-28T20:26:40Z"}
    made = edit({"action": "create", "object": "Web_Event__c", "fields": event})
    assert http.row("Web_Event__c", made["id"])["Lead__c"] == lead_id(1)
    for wrong in (
        {"action": "update", "object": "Lead", "id": "lead_999999"},
        {"action": "paint", "object": "Lead", "id": "lead_000001"},
        {"action": "create", "object": "Nothing"},
        {"action": "update", "object": "Lead", "id": "lead_000001", "fields": {"Nope": 1}},
        {"action": "merge", "object": "Web_Event__c", "id": made["id"], "fields": {}},
    ):
        with pytest.raises(ValueError, match=r"\w"):
            edit(wrong)


# A stock client, over TLS as it insists


@pytest.fixture(scope="module")
def tls() -> Iterator[tuple[RunningSandbox, requests.Session]]:
    with running(SalesforceSandbox, world(2_300), tls=True) as sandbox, requests.Session() as session:
        session.trust_env = False
        session.verify = str(sandbox.ca_file)
        yield sandbox, session
        gc.collect()  # caught errors hold replies, which hold connections that the server would wait for


def test_simple_salesforce_reads_and_writes(tls: tuple[RunningSandbox, requests.Session]) -> None:
    sandbox, session = tls
    form = {"grant_type": "client_credentials"}
    form |= {"client_id": CONSUMER_KEY, "client_secret": sandbox.credentials["consumer_secret"]}
    token, instance = token_login(f"{sandbox.base_url}/services/oauth2/token", form, "", "", None, None, session)
    sf = Salesforce(session_id=token, instance=instance, session=session, version="66.0")
    assert sf.query_all("SELECT Id, Owner.Name FROM Lead")["totalSize"] == 2_300
    assert len(list(sf.query_all_iter("SELECT Id FROM Lead WHERE Status = 'New'", include_deleted=True))) == 2_300
    assert sf.is_sandbox() is True
    assert {field["name"] for field in sf.Lead.describe()["fields"]} >= {"Id", "Company", "Leadline_Score__c"}
    assert {"Account", "CampaignMember", "Web_Event__c"} <= {entry["name"] for entry in sf.describe()["sobjects"]}
    made = sf.Lead.create({"LastName": "Stock", "Company": "Client"})
    assert sf.Lead.get(made["id"])["Name"] == "Stock"
    assert sf.Lead.update(made["id"], {"Title": "CEO"}) == 204
    assert sf.Task.upsert("Leadline_Key__c/k1", {"Subject": "x"}) == 201
    assert sf.Task.get_by_custom_id("Leadline_Key__c", "k1")["Subject"] == "x"
    rows = [{"attributes": {"type": "Lead"}, "id": made["id"], "Title": "x" * 129}]
    (refused,) = sf.restful("composite/sobjects", method="PATCH", json={"records": rows})
    assert refused["errors"][0]["statusCode"] == "STRING_TOO_LONG"
    span = [datetime.fromtimestamp(NOW + seconds, UTC) for seconds in (-60, 60)]
    assert made["id"] in sf.Lead.updated(*span)["ids"]
    assert sf.Lead.delete(made["id"]) == 204
    assert sf.Lead.deleted(*span)["deletedRecords"][0]["id"] == made["id"]
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert sf.api_usage["api-usage"].total == 100_000
    with pytest.raises(SalesforceMalformedRequest):
        sf.query("SELECT Nope FROM Lead")
    with pytest.raises(SalesforceResourceNotFound):
        sf.Nothing.describe()


def test_simple_salesforce_understands_a_refused_grant(tls: tuple[RunningSandbox, requests.Session]) -> None:
    sandbox, session = tls
    form = {"grant_type": "client_credentials", "client_id": CONSUMER_KEY, "client_secret": "wrong"}
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        token_login(f"{sandbox.base_url}/services/oauth2/token", form, "", "", None, None, session)
    assert caught.value.code == "invalid_client"
