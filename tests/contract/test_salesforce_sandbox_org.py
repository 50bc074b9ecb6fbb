"""What an org does besides storing rows: cascades, calculated fields, rules, locks, access, late commits.

About six seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr
from tests.salesforce_org import NOW, Http, codes, lead_id, serving, world

from leadline.sdk.records import WebhookCall
from leadline.sdk.sandbox.world import Activity, Contact, Deal, World
from leadline_salesforce.sandbox.loading import record_id
from leadline_salesforce.webhooks import SalesforceWebhooks

ONE, TWO = (record_id("Account", f"acct_{n:06d}") for n in (1, 2))
ANN, BEN = (record_id("Contact", f"cnt_{n:06d}") for n in (1, 2))
DEAL = record_id("Opportunity", "opp_000001")


def org_world() -> World:
    contact = Contact(
        id="cnt_000001", company_id="acct_000001", first_name="Ann", last_name="One", email="ann@one.example",
        title="CFO", country="US", opted_out=False, source="Web", created_at=NOW - 40_000, owner="rep_000001",
    )  # fmt: skip
    deal = Deal(
        id="opp_000001", lead_id="lead_000001", contact_id="cnt_000001", company_id="acct_000001", name="Big",
        stage="negotiation", amount=5_000, created_at=NOW - 30_000, closed_at=None, owner="rep_000001",
    )  # fmt: skip
    call = Activity(
        id="touch_000001", table="touches", kind="call", lead_id="lead_000001", contact_id=None, company_id=None,
        at=NOW - 20_000, direction="inbound", asset=None, outcome=None, rep="rep_000001", page_views=None, seconds=None,
    )  # fmt: skip
    webinar = replace(call, id="touch_000002", kind="webinar", asset="Costs")
    base = world(3)
    base.contacts += [contact, replace(contact, id="cnt_000002", email="ben@one.example", first_name="Ben")]
    base.deals += [deal, replace(deal, id="opp_000002", amount=700, stage="closed_won", closed_at=NOW - 10_000)]
    base.activities += [call, webinar]
    return base


@pytest.fixture
def http() -> Iterator[Http]:
    with serving(org_world()) as served:
        served.sandbox.clock.advance(100)
        yield served


def edit(http: Http, action: str, object: str, id: str | None = None, **fields: Any) -> dict[str, Any]:
    command: dict[str, Any] = {"action": action, "object": object, "fields": fields}
    return http.vendor.edit(command if id is None else command | {"id": id})


def query(http: Http, soql: str, resource: str = "query") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.json("GET", f"/{resource}", params={"q": soql})["records"]
    return found


def stamps(http: Http, *objects: str) -> dict[str, str]:
    return {row["Id"]: row["SystemModstamp"] for name in objects for row in http.vendor.state()[name]}


# Calculated fields


def test_u08_a_rollup_and_a_formula_follow_without_moving_any_stamp(http: Http) -> None:
    assert (http.row("Account", ONE)["Open_Pipeline__c"], http.row("Contact", ANN)["Account_Tier__c"]) == (
        5e3,
        "Tier 1",
    )
    assert http.row("Account", TWO)["Open_Pipeline__c"] == 0
    before = stamps(http, "Account", "Contact")
    edit(http, "update", "Opportunity", DEAL, Amount=8_000)
    assert http.row("Account", ONE)["Open_Pipeline__c"] == 8e3
    edit(http, "update", "Opportunity", DEAL, AccountId=TWO)
    assert [http.row("Account", one)["Open_Pipeline__c"] for one in (ONE, TWO)] == [0, 8e3]
    edit(http, "update", "Opportunity", DEAL, StageName="closed_lost")
    assert http.row("Account", TWO)["Open_Pipeline__c"] == 0
    assert stamps(http, "Account", "Contact") == before
    edit(http, "update", "Account", ONE, Target_Tier__c="Tier 3")
    assert http.row("Contact", ANN)["Account_Tier__c"] == "Tier 3"
    assert stamps(http, "Contact") == {ANN: before[ANN], BEN: before[BEN]}
    assert query(http, f"SELECT Account_Tier__c FROM Contact WHERE Id = '{ANN}'")[0]["Account_Tier__c"] == "Tier 3"
    edit(http, "update", "Contact", ANN, AccountId=TWO)
    assert stamps(http, "Contact")[ANN] > before[ANN]


def test_calculated_fields_are_described_as_such_and_cannot_be_written(http: Http) -> None:
    fields = {field["name"]: field for field in http.json("GET", "/sobjects/Account/describe")["fields"]}
    pipeline = fields["Open_Pipeline__c"]
    assert (pipeline["calculated"], pipeline["updateable"], pipeline["type"]) == (True, False, "currency")
    formula = next(
        f for f in http.json("GET", "/sobjects/Contact/describe")["fields"] if f["name"] == "Account_Tier__c"
    )
    assert (formula["calculated"], formula["calculatedFormula"]) == (True, "TEXT(Account.Target_Tier__c)")
    reply = http.call("PATCH", f"/sobjects/Contact/{ANN}", {"Account_Tier__c": "Tier 2"})
    assert reply.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


# Several records at once


def test_a_deleted_account_takes_its_children_along_and_brings_them_back(http: Http) -> None:
    task = http.json("POST", "/sobjects/Task", {"Subject": "x", "WhoId": ANN})["id"]
    before = stamps(http, "Contact")
    http.sandbox.clock.advance(10)
    http.call("DELETE", f"/sobjects/Account/{ONE}")
    gone = {row["Id"] for row in query(http, "SELECT Id FROM Contact WHERE IsDeleted = true", "queryAll")}
    assert gone == {ANN, BEN}
    assert stamps(http, "Contact")[ANN] > before[ANN]
    assert [http.row(o, i)["IsDeleted"] for o, i in (("Task", task), ("Opportunity", DEAL))] == [True, True]
    http.sandbox.clock.advance(10)
    edit(http, "undelete", "Account", ONE)
    assert [http.row(o, i)["IsDeleted"] for o, i in (("Task", task), ("Contact", ANN))] == [False, False]
    start, end = "2026-05-28T20:00:00Z", "2026-05-28T21:00:00Z"
    updated = http.json("GET", "/sobjects/Contact/updated", params={"start": start, "end": end})
    assert set(updated["ids"]) == {ANN, BEN}
    with pytest.raises(ValueError, match="not in the recycle bin"):
        edit(http, "undelete", "Account", ONE)


def test_what_was_deleted_is_told_with_its_children(http: Http) -> None:
    http.call("DELETE", f"/sobjects/Account/{ONE}")
    period = {"start": "2026-05-28T20:00:00Z", "end": "2026-05-28T21:00:00Z"}
    told = http.json("GET", "/sobjects/Contact/deleted", params=period)
    assert {row["id"] for row in told["deletedRecords"]} == {ANN, BEN}


def test_the_winner_of_a_merge_gets_the_losers_children(http: Http) -> None:
    before = stamps(http, "Contact", "Opportunity", "Account")
    edit(http, "merge", "Account", TWO, loser=ONE)
    loser, ann = http.row("Account", ONE), http.row("Contact", ANN)
    assert (loser["IsDeleted"], loser["MasterRecordId"]) == (True, TWO)
    assert (ann["AccountId"], ann["IsDeleted"], ann["Account_Tier__c"]) == (TWO, False, "Tier 1")
    after = stamps(http, "Contact", "Opportunity", "Account")
    assert all(after[record] > before[record] for record in (ONE, TWO, ANN, DEAL))
    assert http.row("Account", TWO)["Open_Pipeline__c"] == 5e3


def test_a_converted_lead_becomes_account_contact_and_deal(http: Http) -> None:
    made = edit(http, "convert", "Lead", lead_id(1), opportunity="New deal")
    lead = http.row("Lead", lead_id(1))
    assert (lead["IsConverted"], lead["ConvertedAccountId"], lead["ConvertedContactId"]) == (
        True, made["account"], made["contact"],
    )  # fmt: skip
    assert lead["ConvertedOpportunityId"] == made["opportunity"]
    contact = http.row("Contact", made["contact"])
    assert (contact["Email"], contact["AccountId"], contact["OwnerId"]) == (
        "ada1@one.example", made["account"], lead["OwnerId"],
    )  # fmt: skip
    assert http.row("Task", record_id("Task", "touch_000001"))["WhoId"] == made["contact"]
    (member,) = http.vendor.state()["CampaignMember"]
    assert (member["LeadId"], member["ContactId"]) == (lead_id(1), made["contact"])
    assert codes(http.update({"id": lead_id(1), "Title": "x"})) == ["CANNOT_UPDATE_CONVERTED_LEAD"]
    with pytest.raises(ValueError, match="converted already"):
        edit(http, "convert", "Lead", lead_id(1))


def test_contact_roles_and_campaign_members_come_from_deals_and_webinars(http: Http) -> None:
    role = query(http, "SELECT Contact.Name, Opportunity.Name, IsPrimary FROM OpportunityContactRole LIMIT 1")[0]
    assert (role["Contact"]["Name"], role["Opportunity"]["Name"], role["IsPrimary"]) == ("Ann One", "Big", True)
    member = query(http, "SELECT Campaign.Name, Lead.Name, Status FROM CampaignMember")[0]
    assert (member["Campaign"]["Name"], member["Status"]) == ("Webinar: Costs", "Responded")


def test_a_person_is_a_campaign_member_once(http: Http) -> None:
    campaign = record_id("Campaign", "Leadline nurture")
    body = {"CampaignId": campaign, "LeadId": lead_id(2)}
    made = http.json("POST", "/sobjects/CampaignMember", body)["id"]
    assert http.row("CampaignMember", made)["Status"] == "Sent"
    again = http.json("POST", "/sobjects/CampaignMember", body)
    assert (again[0]["errorCode"], again[0]["message"]) == ("DUPLICATE_VALUE", "Already a campaign member.")
    http.call("PATCH", f"/sobjects/CampaignMember/{made}", {"Status": "Responded"})
    assert http.row("CampaignMember", made)["HasResponded"] is True
    nobody = http.json("POST", "/sobjects/CampaignMember", {"CampaignId": campaign})
    assert nobody[0]["errorCode"] == "REQUIRED_FIELD_MISSING"


def test_all_or_none_takes_cascades_and_calculations_back(http: Http) -> None:
    before = http.vendor.state()
    reply = http.json("DELETE", "/composite/sobjects", params={"ids": f"{ONE},001000000000000", "allOrNone": "true"})
    assert codes(reply) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_CROSS_REFERENCE_KEY"]
    deal = {"attributes": {"type": "Opportunity"}, "id": DEAL, "Amount": 9}
    wrong = {"attributes": {"type": "Opportunity"}, "id": DEAL[:15] + "AAA", "Amount": "x"}
    http.json("PATCH", "/composite/sobjects", {"records": [deal, wrong], "allOrNone": True})
    assert http.vendor.state() == before


# Rules and locks


def test_u12_locked_records_lock_their_children_too(http: Http) -> None:
    edit(http, "lock", "Account", ONE, seconds=30)
    assert codes(http.update({"id": lead_id(1), "Title": "x"})) == ["UNABLE_TO_LOCK_ROW"]  # matched to the account
    reply = http.call("PATCH", f"/sobjects/Contact/{ANN}", {"Title": "x"})
    assert reply.json()[0]["message"].endswith(ONE[:15])
    assert http.call("POST", "/sobjects/Contact", {"LastName": "x", "AccountId": ONE}).status_code == 400
    assert http.call("PATCH", f"/sobjects/Account/{TWO}", {"Name": "x"}).status_code == 204
    http.sandbox.clock.advance(30)
    assert http.call("PATCH", f"/sobjects/Contact/{ANN}", {"Title": "x"}).status_code == 204


def test_a_lock_can_be_told_how_often_it_is_in_the_way(http: Http) -> None:
    edit(http, "lock", "Contact", ANN, times=2)
    seen = [http.call("PATCH", f"/sobjects/Contact/{ANN}", {"Title": "x"}).status_code for _ in range(3)]
    assert seen == [400, 400, 204]
    edit(http, "lock", "Contact", ANN)
    edit(http, "unlock", "Contact", ANN)
    assert http.call("PATCH", f"/sobjects/Contact/{ANN}", {"Title": "y"}).status_code == 204


def test_validation_rules_refuse_what_their_condition_describes(http: Http) -> None:
    edit(
        http, "validation_rule", "Lead", name="budget", where="Status = 'Working' AND Budget__c = null",
        message="Ask for the budget first.", field="Budget__c",
    )  # fmt: skip
    (result,) = http.update({"id": lead_id(1), "Status": "Working"})
    assert result["errors"] == [
        {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Ask for the budget first.",
         "fields": ["Budget__c"]}
    ]  # fmt: skip
    assert codes(http.update({"id": lead_id(1), "Status": "Working", "Budget__c": "1"})) == [None]
    edit(http, "drop_rule", "Lead", name="budget")
    assert codes(http.update({"id": lead_id(2), "Status": "Working"})) == [None]


@pytest.mark.parametrize(("mode", "header", "code"), [
    ("alert", "", "DUPLICATES_DETECTED"),
    ("alert", "allowSave=true", None),
    ("block", "allowSave=true; includeRecordDetails=false", "DUPLICATES_DETECTED"),
])  # fmt: skip
def test_duplicate_rules_alert_or_block(http: Http, mode: str, header: str, code: str | None) -> None:
    edit(http, "duplicate_rule", "Lead", name="same e-mail", field="Email", mode=mode)
    headers = {"Sforce-Duplicate-Rule-Header": header} if header else {}
    body = {"LastName": "x", "Company": "y", "Email": "ADA1@one.example"}
    reply = http.call("POST", "/sobjects/Lead", body, headers=headers)
    assert reply.json()[0]["errorCode"] == code if code else reply.status_code == 201
    # A record is no duplicate of itself.
    assert codes(http.update({"id": lead_id(2), "Email": "ada2@one.example"})) == [None]


def test_a_deleted_record_is_nobodys_duplicate(http: Http) -> None:
    edit(http, "duplicate_rule", "Lead", name="same e-mail", field="Email", mode="block")
    http.call("DELETE", f"/sobjects/Lead/{lead_id(1)}")
    body = {"LastName": "x", "Company": "y", "Email": "ada1@one.example"}
    assert http.call("POST", "/sobjects/Lead", body).status_code == 201


# Fields and access


def test_hidden_fields_do_not_exist_for_the_api(http: Http) -> None:
    edit(http, "hide_field", "Lead", name="Budget__c")
    names = {field["name"] for field in http.json("GET", "/sobjects/Lead/describe")["fields"]}
    assert "Budget__c" not in names
    reply = http.json("GET", "/query", params={"q": "SELECT Budget__c FROM Lead"})
    assert reply[0]["errorCode"] == "INVALID_FIELD"
    assert codes(http.update({"id": lead_id(1), "Budget__c": "1"})) == ["INVALID_FIELD"]
    assert "Budget__c" not in http.json("GET", f"/sobjects/Lead/{lead_id(1)}")
    edit(http, "update", "Lead", lead_id(1), Budget__c="1")  # people still see it
    edit(http, "allow_field", "Lead", name="Budget__c", access="edit")
    assert http.json("GET", f"/sobjects/Lead/{lead_id(1)}")["Budget__c"] == "1"


def test_fields_can_be_closed_to_writing(http: Http) -> None:
    edit(http, "allow_field", "Lead", name="Budget__c", access="read")
    assert codes(http.update({"id": lead_id(1), "Budget__c": "1"})) == ["INVALID_FIELD_FOR_INSERT_UPDATE"]
    described = http.json("GET", "/sobjects/Lead/describe")["fields"]
    assert next(field["updateable"] for field in described if field["name"] == "Budget__c") is False
    assert query(http, "SELECT Budget__c FROM Lead LIMIT 1") != []


def test_u09_a_field_that_comes_while_clients_are_at_work(http: Http) -> None:
    first = http.call("GET", "/sobjects/Contact/describe")
    seen = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert (http.call("GET", "/sobjects/Contact/describe", headers=seen).status_code, first.status_code) == (304, 200)
    http.sandbox.clock.advance(5)
    edit(http, "add_field", "Contact", name="Badge__c", type="string", length=20, unique=True)
    later = http.call("GET", "/sobjects/Contact/describe", headers=seen)
    assert "Badge__c" in {field["name"] for field in later.json()["fields"]}
    assert http.call("GET", "/sobjects/Account/describe", headers=seen).status_code == 304
    assert http.call("GET", "/sobjects", headers=seen).status_code == 200
    assert http.call("PATCH", f"/sobjects/Contact/{ANN}", {"Badge__c": "7"}).status_code == 204
    clash = http.json("PATCH", f"/sobjects/Contact/{BEN}", {"Badge__c": "7"})
    assert clash[0]["errorCode"] == "DUPLICATE_VALUE"
    assert http.json("GET", "/sobjects/Contact/Badge__c/7")["Id"] == ANN
    edit(http, "drop_field", "Contact", name="Badge__c")
    reply = http.json("GET", "/query", params={"q": "SELECT Badge__c FROM Contact"})
    assert reply[0]["errorCode"] == "INVALID_FIELD"


# Late commits


def test_u07_a_late_commit_is_seen_after_its_stamp(http: Http) -> None:
    late = {"action": "create", "object": "Lead", "late_seconds": 30, "fields": {"LastName": "Slow", "Company": "x"}}
    made = http.vendor.edit(late)["id"]
    stamp = "2026-05-28T20:28:20.000+0000"  # now
    soql = f"SELECT SystemModstamp FROM Lead WHERE Id = '{made}'"
    assert query(http, soql) == []
    http.sandbox.clock.advance(29)
    assert query(http, soql) == []
    http.sandbox.clock.advance(1)
    assert [row["SystemModstamp"] for row in query(http, soql)] == [stamp]


def test_a_late_update_keeps_what_others_wrote_meanwhile(http: Http) -> None:
    command = {"action": "update", "object": "Lead", "id": lead_id(1), "late_seconds": 30, "fields": {"Title": "Late"}}
    http.vendor.edit(command)
    http.sandbox.clock.advance(10)
    http.update({"id": lead_id(1), "Company": "Meanwhile"})
    between = http.row("Lead", lead_id(1))
    assert between["Title"] == "VP Ops"
    http.sandbox.clock.advance(20)
    http.call("GET", "/limits")
    row = http.row("Lead", lead_id(1))
    assert (row["Title"], row["Company"]) == ("Late", "Meanwhile")
    assert row["SystemModstamp"] == between["SystemModstamp"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"action": "add_field", "object": "Lead", "fields": {"name": "Plain"}}, "ends in __c"),
        ({"action": "add_field", "object": "Lead", "fields": {"name": "Budget__c"}}, "has a field Budget__c"),
        ({"action": "drop_field", "object": "Lead", "fields": {"name": "Id"}}, "no field Id"),
        ({"action": "allow_field", "object": "Lead", "fields": {"name": "Id", "access": "x"}}, "one of hidden"),
        ({"action": "hide_field", "object": "Nope", "fields": {"name": "x"}}, "no object 'Nope'"),
        (
            {"action": "duplicate_rule", "object": "Lead", "fields": {"name": "x", "field": "Email", "mode": "y"}},
            "mode",
        ),
        (
            {"action": "validation_rule", "object": "Lead", "fields": {"name": "x", "where": "Nope = 1"}},
            "No such column",
        ),
        ({"action": "drop_rule", "fields": {"name": "x"}}, "no rule 'x'"),
        ({"action": "lock"}, "needs an 'object'"),
        ({"action": "break_job", "fields": {"state": "x"}}, "Failed or Aborted"),
        ({"action": "update", "object": "Lead", "id": "lead_000001", "late_seconds": -1}, "late_seconds"),
    ],
)
def test_commands_that_make_no_sense_say_so(http: Http, command: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        http.vendor.edit(command)


# Faults on whole calls


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (503, None, [{"errorCode": "SERVER_UNAVAILABLE", "message": "Server Too Busy"}]),
        (403, "ConcurrentPerOrgLongTxn",
         [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentPerOrgLongTxn Limit exceeded."}]),
        (400, "QUERY_TIMEOUT",
         [{"errorCode": "QUERY_TIMEOUT", "message": "Your query request was running for too long."}]),
        (400, "invalid_grant", {"error": "invalid_grant", "error_description": "authentication failure"}),
        (504, None, None),
        (521, None, None),
    ],
)  # fmt: skip
def test_any_status_and_code_is_told_in_the_vendors_form(http: Http, status: int, code: str | None, said: Any) -> None:
    http.sandbox.faults.add({"status": status} | ({"code": code} if code else {}))
    reply = http.call("GET", "/limits")
    assert reply.status_code == status
    assert reply.json() == said if said is not None else reply.headers["Content-Type"].startswith("text/html")


def test_automation_gives_an_owner_back_before_the_writer_has_its_answer(http: Http) -> None:
    http.sandbox.faults.add({"object": "Lead", "field": "OwnerId", "restore": True})
    owner = http.row("Lead", lead_id(1))["OwnerId"]
    new = http.json("POST", "/sobjects/User", {"Username": "n@x.example", "LastName": "New", "IsActive": True})["id"]
    assert codes(http.update({"id": lead_id(1), "OwnerId": new})) == [None]
    assert http.row("Lead", lead_id(1))["OwnerId"] == owner


def test_lookups_can_name_a_record_by_its_external_id(http: Http) -> None:
    http.call("PATCH", f"/sobjects/Contact/{ANN}", {"Account": {"Source_Id__c": "acct_000002"}})
    assert http.row("Contact", ANN)["AccountId"] == TWO
    unknown = http.json("PATCH", f"/sobjects/Contact/{ANN}", {"Account": {"Source_Id__c": "nobody"}})
    assert unknown[0]["message"] == "Foreign key external ID: nobody not found for field Source_Id__c in entity Account"


def test_the_usage_header_tells_an_apps_share_when_it_has_one(http: Http) -> None:
    http.vendor.gate.app_limit = 250
    said = http.call("GET", "/limits").headers["Sforce-Limit-Info"]
    assert said == "api-usage=1/100000; per-app-api-usage=1/250(appName=Leadline)"


# Callouts


class _Listener(BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    got: ClassVar[list[WebhookCall]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.got.append(WebhookCall("POST", f"http://127.0.0.1{self.path}", headers, body, NOW + 100))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def test_a_flow_tells_of_created_and_changed_records_with_proof(http: Http) -> None:
    class Listener(_Listener):
        got: ClassVar[list[WebhookCall]] = []

    webhooks = SalesforceWebhooks(SecretStr("a-secret-of-the-org"), None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        target = {"url": f"http://127.0.0.1:{server.server_port}/hook", "secret": "a-secret-of-the-org"}
        http.vendor.controls()["webhooks"]("POST", target)
        http.update({"id": lead_id(1), "Title": "x"}, {"id": lead_id(2), "Email": "nobody"})
        made = http.json("POST", "/sobjects/Contact", {"LastName": "New"})["id"]
        records = [{"attributes": {"type": "Lead"}, "id": lead_id(n), "Email": mail} for n, mail in ((1, "x"), (2, ""))]
        http.json("PATCH", "/composite/sobjects", {"records": records, "allOrNone": True})
        http.vendor.callouts.out.wait()
        server.shutdown()
    told = [notice for call in Listener.got for notice in webhooks.read(call)]
    assert [(notice.object, notice.record_id) for notice in told] == [("Lead", lead_id(1)), ("Contact", made)]
