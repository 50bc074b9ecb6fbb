"""The Salesforce connector against its sandbox over real HTTP: complete pulls, one outcome per row, guarded client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, PublicFormat

from leadline.sdk.errors import BudgetError, ConfigError, CredentialsError, PermanentError, TransientError
from leadline.sdk.ports import CallMade, Runtime
from leadline.sdk.records import (
    CreateTask,
    Cursor,
    Enrol,
    FieldType,
    Outcome,
    Page,
    PullRequest,
    RawRecord,
    RecordRef,
    RowOutcome,
    UpdateFields,
)
from leadline.sdk.sandbox.server import RunningSandbox, running
from leadline.sdk.sandbox.world import Activity, Company, Contact, Lead, Rep, World
from leadline_salesforce import connector
from leadline_salesforce.connector import SalesforceConnection
from leadline_salesforce.sandbox.loading import record_id
from leadline_salesforce.sandbox.vendor import SalesforceSandbox

NOW = 1_780_000_000
REP, IDLE_REP = "rep_000001", "rep_000002"


def company(number: int) -> Company:
    return Company(
        id=f"acct_{number:06d}", name=f"Company {number}", website=f"company{number}.example", industry="Fin Serv",
        employees="51-200", revenue="5000000", country="U.S.A.", technologies=("salesforce", "slack"),
        maturity="low", lifecycle="prospect", tier=None, owner=REP, created_at=NOW - 90_000,
    )  # fmt: skip


def lead(number: int, *, at: int) -> Lead:
    return Lead(
        id=f"lead_{number:06d}", contact_id="cnt_000001", company_id="acct_000001", first_name="Ada",
        last_name=f"Number {number}", email=f"ada{number}@company1.example", title="VP Operations",
        company_name="Company 1", website=None, industry=None, employees="340", country="US", source="Web",
        status="New", opted_out=False, timeline=None, budget=None, urgency=None, owner=REP, created_at=at,
    )  # fmt: skip


def world(leads: int = 30, *, same_second: bool = False) -> World:
    """A few records of each kind; `same_second` gives all leads one creation time."""
    contact = Contact(
        id="cnt_000001", company_id="acct_000001", first_name="Ada", last_name="Lace", email="ada@company1.example",
        title="CFO", country="US", opted_out=False, source="Web", created_at=NOW - 80_000, owner=REP,
    )  # fmt: skip
    call = Activity(
        id="act_000001", table="sales_activities", kind="call", lead_id="lead_000001", contact_id=None,
        company_id=None, at=NOW - 600, direction="outbound", outcome="connected", rep=REP,
    )  # fmt: skip
    return World(
        now=NOW,
        companies=[company(number) for number in range(1, 7)],
        contacts=[contact],
        leads=[lead(n, at=NOW - (5_000 if same_second else 5_000 - n)) for n in range(1, leads + 1)],
        activities=[call],
        reps=[
            Rep(REP, "Rita", "Rep", "rita@leadline.example"),
            Rep(IDLE_REP, "Ivo", "Idle", "ivo@leadline.example", active=False),
        ],
    )


class Org:
    """A running sandbox, and connections to it whose engine time is `now`."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        assert isinstance(sandbox.vendor, SalesforceSandbox)
        self.sandbox = sandbox
        self.vendor = sandbox.vendor
        self.now = NOW
        self.slept: list[float] = []
        self.calls: list[CallMade] = []
        self._open: list[SalesforceConnection] = []

    def connect(self, daily_calls: int | None = None, timeout: float = 5.0, **options: str) -> SalesforceConnection:
        return self.connect_with({**self.sandbox.credentials, **options}, daily_calls, timeout)

    def connect_with(
        self, options: Mapping[str, str], daily_calls: int | None = None, timeout: float = 5.0
    ) -> SalesforceConnection:
        runtime = Runtime(
            name="crm", now=lambda: self.now, sleep=self.slept.append, timeout=timeout, daily_calls=daily_calls,
            on_call=self.calls.append,
        )  # fmt: skip
        connection = connector.connect(options, runtime)
        self._open.append(connection)
        return connection

    def close(self) -> None:
        for connection in self._open:
            connection.close()

    def row(self, object: str, id: str) -> dict[str, object]:
        return next(row for row in self.vendor.state()[object] if row["Id"] == id)

    def log(self, method: str | None = None) -> list[dict[str, Any]]:
        """The calls so far, asked over HTTP: the server writes a call down after it has sent the reply."""
        with urlopen(f"{self.sandbox.base_url}/__sandbox__/requests") as reply:
            entries: list[dict[str, Any]] = json.load(reply)["requests"]
        return [entry for entry in entries if method in (None, entry["method"])]

    def paths(self, method: str | None = None) -> list[str]:
        return [entry["path"] for entry in self.log(method)]

    def logins(self) -> int:
        return sum(path.endswith("/token") for path in self.paths())

    def edit(self, object: str, id: str, **fields: object) -> None:
        self.vendor.edit({"action": "update", "object": object, "id": id, "fields": fields})


@contextmanager
def serving(records: World, *, tls: bool = False) -> Iterator[Org]:
    with running(SalesforceSandbox, records, tls=tls) as sandbox:
        org = Org(sandbox)
        try:
            yield org
        finally:
            org.close()


@pytest.fixture
def org() -> Iterator[Org]:
    with serving(world()) as served:
        yield served


def read(connection: SalesforceConnection, object: str, *fields: str, cursor: Cursor | None = None) -> list[Page]:
    return list(connection.pull(PullRequest(object, fields, cursor=cursor)))


def rows(pages: Sequence[Page]) -> list[RawRecord]:
    return [record for page in pages for record in page.records]


def lead_id(number: int) -> str:
    return record_id("Lead", f"lead_{number:06d}")


def update(number: int, **values: str | float | bool | None) -> UpdateFields:
    return UpdateFields(f"k{number}", RecordRef("Lead", lead_id(number)), values or {"Leadline_Score__c": number})


def task(key: str = "t1", **changes: object) -> CreateTask:
    made = CreateTask(
        key=key, subject="Call Ada", body="Viewed pricing twice.", due_at=NOW + 7_200,
        owner_id=record_id("User", REP), person=RecordRef("Lead", lead_id(1)),
        account=RecordRef("Account", record_id("Account", "acct_000001")),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type] # changes name fields of a task


def outcomes(results: Sequence[RowOutcome]) -> list[Outcome]:
    return [result.outcome for result in results]


# Reading


def test_fields_come_flat_with_lookups_dotted_and_stamps_parsed(org: Org) -> None:
    (page,) = read(org.connect(), "Contact", "Name", "Account.Name", "HasOptedOutOfEmail", "CreatedDate", "Title")
    (record,) = page.records
    assert record.fields == {
        "Name": "Ada Lace",
        "Account.Name": "Company 1",
        "HasOptedOutOfEmail": False,
        "CreatedDate": "2026-05-27T22:13:20.000+0000",
        "Title": "CFO",
    }
    assert (record.modified_at, record.deleted, record.merged_into) == (NOW - 80_000, False, None)


def test_an_empty_lookup_gives_none(org: Org) -> None:
    org.edit("Contact", "cnt_000001", AccountId=None)
    (record,) = rows(read(org.connect(), "Contact", "Account.Name"))
    assert record.fields == {"Account.Name": None}


def test_users_which_cannot_be_deleted_are_read(org: Org) -> None:
    records = rows(read(org.connect(), "User", "Email", "IsActive"))
    assert {record.fields["Email"]: record.fields["IsActive"] for record in records} == {
        "rita@leadline.example": True,
        "ivo@leadline.example": False,
        "integration@leadline.example": True,
    }


def test_an_object_without_rows_ends_with_an_empty_page(org: Org) -> None:
    connection = org.connect()
    (page,) = read(connection, "Opportunity", "Name")
    assert page.records == ()
    (again,) = read(connection, "Opportunity", "Name", cursor=page.cursor)
    assert again.records == ()


@pytest.mark.parametrize("same_second", [False, True])
def test_pages_are_complete_while_records_change_between_them(same_second: bool) -> None:
    with serving(world(4_100, same_second=same_second)) as org:
        connection = org.connect()
        pages = connection.pull(PullRequest("Lead", ("LastName", "Title")))
        first = next(pages)
        assert len(first.records) == 2_000
        already, still = (
            first.records[0].id,
            next(lead_id(n) for n in range(4_100, 0, -1) if lead_id(n) not in {r.id for r in first.records}),
        )
        org.edit("Lead", already, Title="Changed behind the reader")
        org.edit("Lead", still, Title="Changed before it was read")
        org.vendor.edit({"action": "delete", "object": "Lead", "id": first.records[1].id})
        rest = list(pages)
        records = [*first.records, *rows(rest)]
        assert {record.id for record in records} == {lead_id(n) for n in range(1, 4_101)}
        last = {record.id: record for record in records}
        assert last[already].fields["Title"] == "Changed behind the reader"
        assert last[still].fields["Title"] == "Changed before it was read"
        assert last[first.records[1].id].deleted
        # What did not change came once.
        assert len(records) == 4_100 + 2


def test_a_pull_goes_on_where_the_last_stored_page_ended() -> None:
    with serving(world(4_100, same_second=True)) as org:
        first = next(iter(org.connect().pull(PullRequest("Lead", ()))))
        resumed = read(org.connect(), "Lead", cursor=first.cursor)
        assert len(rows(resumed)) == 2_100
        assert {r.id for r in (*first.records, *rows(resumed))} == {lead_id(n) for n in range(1, 4_101)}


def test_small_pages_of_the_vendor_are_followed_to_the_end(org: Org) -> None:
    org.vendor.queries.page = 7
    pages = read(org.connect(), "Lead")
    assert [len(page.records) for page in pages] == [7, 7, 7, 7, 2]
    assert {record.id for record in rows(pages)} == {lead_id(n) for n in range(1, 31)}


def test_the_next_pull_reads_the_overlap_only_and_later_nothing(org: Org) -> None:
    connection = org.connect()
    cursor = read(connection, "Lead")[-1].cursor
    again = read(connection, "Lead", cursor=cursor)
    assert len(rows(again)) == 30  # the leads were made within half a minute, which is less than the overlap
    org.now += 60
    settled = read(connection, "Lead", cursor=again[-1].cursor)
    assert len(rows(settled)) == 30
    idle = read(connection, "Lead", cursor=settled[-1].cursor)
    assert rows(idle) == []
    assert idle[-1].cursor == settled[-1].cursor


def test_a_row_that_becomes_visible_behind_the_newest_is_read_by_the_next_pull(org: Org) -> None:
    """A long transaction: its row carries a stamp that the reader has passed already."""
    connection = org.connect()
    org.sandbox.clock.set(NOW)
    org.edit("Lead", lead_id(1), Title="Newest")
    cursor = read(connection, "Lead", "Title")[-1].cursor
    org.sandbox.clock.set(NOW - 45)
    org.edit("Lead", lead_id(2), Title="Late")
    late = rows(read(connection, "Lead", "Title", cursor=cursor))
    assert "Late" in [record.fields["Title"] for record in late]


def test_a_pass_of_some_minutes_widens_the_next_overlap_by_its_length(org: Org) -> None:
    connection = org.connect()
    org.vendor.queries.page = 25
    pages = connection.pull(PullRequest("Lead", ("Title",)))
    next(pages)
    org.now += 300
    org.sandbox.clock.set(NOW + 300)
    org.edit("Lead", lead_id(30), Title="Newest")
    cursor = list(pages)[-1].cursor
    org.sandbox.clock.set(NOW - 50)  # committed late: began before the pass, became visible during it
    org.edit("Lead", lead_id(2), Title="Late")
    late = rows(read(connection, "Lead", "Title", cursor=cursor))
    assert "Late" in [record.fields["Title"] for record in late]


def test_deletes_and_merges_are_read(org: Org) -> None:
    connection = org.connect()
    cursor = read(connection, "Account", "Name")[-1].cursor
    people = read(connection, "Contact", "AccountId")
    loser = next(str(record.fields["AccountId"]) for record in rows(people) if record.fields["AccountId"])
    winner = next(record.id for record in rows(read(connection, "Account", "Name")) if record.id != loser)
    theirs = {record.id for record in rows(people) if record.fields["AccountId"] == loser}
    org.sandbox.clock.advance(600)
    org.vendor.edit({"action": "merge", "object": "Account", "id": winner, "fields": {"loser": loser}})
    org.vendor.edit({"action": "delete", "object": "Lead", "id": "lead_000003"})
    changed = {record.id: record for record in rows(read(connection, "Account", "Name", cursor=cursor))}
    assert (changed[loser].deleted, changed[loser].merged_into) == (True, winner)
    assert not changed[winner].deleted
    moved = {record.id: record for record in rows(read(connection, "Contact", "AccountId", cursor=people[-1].cursor))}
    assert {moved[one].fields["AccountId"] for one in theirs} == {winner}
    assert [r.id for r in rows(read(connection, "Lead")) if r.deleted] == [lead_id(3)]


def test_count_tells_rows_and_calls_without_reading(org: Org) -> None:
    connection = org.connect()
    estimate = connection.count(PullRequest("Lead", ("Email",)))
    assert (estimate.object, estimate.records, estimate.calls) == ("Lead", 30, 1)
    org.now += 60
    cursor = None
    for _ in range(2):
        cursor = read(connection, "Lead", cursor=cursor)[-1].cursor
        org.now += 60
    assert connection.count(PullRequest("Lead", (), cursor=cursor)).records == 0


def test_an_unknown_field_is_a_permanent_error_that_names_it(org: Org) -> None:
    with pytest.raises(PermanentError, match="No such column 'Emial' on entity 'Lead'") as caught:
        read(org.connect(), "Lead", "Emial")
    assert caught.value.code == "INVALID_FIELD"
    assert "\n" not in str(caught.value)


def test_a_name_that_is_none_never_reaches_the_vendor(org: Org) -> None:
    with pytest.raises(ConfigError, match="is not the name of a Salesforce object or field"):
        read(org.connect(), "Lead", "Id FROM User--")
    assert org.paths() == []


def test_schema_speaks_the_engines_words(org: Org) -> None:
    schema = org.connect().schema("Lead")
    group = schema.fields["Leadline_Group__c"]
    assert (group.type, group.restricted, group.writable) == (FieldType.PICKLIST, True, True)
    assert group.options is not None
    assert "qualified_review" in group.options
    assert schema.fields["Company"].required
    assert not schema.fields["CreatedDate"].writable
    assert schema.fields["Leadline_Reasons__c"].length == 1_000
    assert schema.fields["Matched_Account__c"].references == ("Account",)
    assert schema.fields["Leadline_Score__c"].type is FieldType.NUMBER
    assert org.connect().schema("Task").fields["Leadline_Key__c"].unique


def test_the_schema_of_a_missing_object_is_a_permanent_error(org: Org) -> None:
    with pytest.raises(PermanentError) as caught:
        org.connect().schema("Nothing__c")
    assert caught.value.code == "NOT_FOUND"


# Writing


def test_updates_are_written_200_in_a_call_without_running_assignment_rules() -> None:
    with serving(world(400)) as org:
        connection = org.connect()
        owner = record_id("User", REP)
        for start in (1, 201):
            results = connection.push([update(n) for n in range(start, start + 200)])
            assert set(outcomes(results)) == {Outcome.WRITTEN}
            assert [result.record_id for result in results] == [lead_id(n) for n in range(start, start + 200)]
        assert [(entry["path"], entry["records"]) for entry in org.log("PATCH")] == [
            ("/services/data/v66.0/composite/sobjects", 200)
        ] * 2
        rows = org.vendor.state()["Lead"]
        assert {row["Leadline_Score__c"] for row in rows} == {float(n) for n in range(1, 401)}
        assert {row["OwnerId"] for row in rows} == {owner}


def test_a_refused_row_does_not_keep_199_others_back() -> None:
    with serving(world(200)) as org:
        effects = [update(n) for n in range(1, 201)]
        effects[87] = update(88, Leadline_Group__c="hot")
        results = org.connect().push(effects)
        assert [n for n, result in enumerate(results) if result.outcome is not Outcome.WRITTEN] == [87]
        refused = results[87].refusal
        assert refused is not None
        assert (refused.code, refused.actor) == ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "crm_admin")
        assert "Leadline Group: bad value for restricted picklist field: hot" in refused.message
        assert refused.fix
        assert org.row("Lead", lead_id(87))["Leadline_Score__c"] == 87.0
        assert org.row("Lead", lead_id(88))["Leadline_Group__c"] is None


@pytest.mark.parametrize(
    ("values", "code", "actor"),
    [
        ({"Leadline_Reasons__c": "x" * 1_001}, "STRING_TOO_LONG", "crm_admin"),
        ({"CreatedDate": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "crm_admin"),
        ({"Leadline_Scoer__c": 1}, "INVALID_FIELD", "leadline_admin"),
        ({"OwnerId": record_id("User", IDLE_REP)}, "INACTIVE_OWNER_OR_USER", "leadline_admin"),
        ({"LastName": None}, "REQUIRED_FIELD_MISSING", "record_owner"),
        ({"Leadline_Score__c": 100_000}, "NUMBER_OUTSIDE_VALID_RANGE", "crm_admin"),
    ],
)
def test_the_orgs_refusals_say_who_must_act(org: Org, values: dict[str, str], code: str, actor: str) -> None:
    (result,) = org.connect().push([UpdateFields("k", RecordRef("Lead", lead_id(1)), values)])
    assert result.outcome is Outcome.REFUSED
    assert result.refusal is not None
    assert (result.refusal.code, result.refusal.actor) == (code, actor)


def test_deleted_and_converted_records_are_nobodys_fault(org: Org) -> None:
    org.vendor.edit({"action": "delete", "object": "Lead", "id": lead_id(1)})
    fields = {"account": "acct_000001", "contact": "cnt_000001"}
    org.vendor.edit({"action": "convert", "object": "Lead", "id": lead_id(2), "fields": fields})
    results = org.connect().push([update(1), update(2), update(3)])
    assert outcomes(results) == [Outcome.REFUSED, Outcome.REFUSED, Outcome.WRITTEN]
    refusals = [result.refusal for result in results[:2] if result.refusal]
    assert [(refusal.code, refusal.actor) for refusal in refusals] == [
        ("ENTITY_IS_DELETED", "nobody"),
        ("CANNOT_UPDATE_CONVERTED_LEAD", "nobody"),
    ]


def test_mixed_objects_come_back_in_the_order_given(org: Org) -> None:
    account = record_id("Account", "acct_000001")
    effects = []
    for number in range(1, 13):  # alternating types would be 24 chunks as they stand
        effects += [update(number), UpdateFields(f"a{number}", RecordRef("Account", account), {"Phone": str(number)})]
    results = org.connect().push(effects)
    assert set(outcomes(results)) == {Outcome.WRITTEN}
    assert [result.key for result in results] == [effect.key for effect in effects]
    # One record twelve times: the last write stands, and no call held it twice.
    assert org.row("Account", account)["Phone"] == "12"


def test_alternating_objects_are_sent_in_fewer_chunks_than_the_vendor_refuses(org: Org) -> None:
    effects = []
    for number in range(1, 7):
        account = record_id("Account", f"acct_{number:06d}")
        effects += [update(number), UpdateFields(f"a{number}", RecordRef("Account", account), {"Phone": str(number)})]
    results = org.connect().push(effects)
    assert set(outcomes(results)) == {Outcome.WRITTEN}
    assert [result.record_id for result in results] == [effect.target.id for effect in effects]
    assert len(org.log("PATCH")) == 1


def test_rows_locked_by_somebody_else_are_tried_again_alone(org: Org) -> None:
    org.sandbox.faults.add({"object": "Lead", "ids": [lead_id(2)], "code": "UNABLE_TO_LOCK_ROW", "times": 2})
    results = org.connect().push([update(n) for n in (1, 2, 3)])
    assert set(outcomes(results)) == {Outcome.WRITTEN}
    assert [entry["records"] for entry in org.log("PATCH")] == [2, 0, 1]
    assert len(org.slept) == 2


def test_a_row_that_stays_locked_is_planned_again(org: Org) -> None:
    org.sandbox.faults.add({"object": "Lead", "ids": [lead_id(2)], "code": "UNABLE_TO_LOCK_ROW"})
    connection = org.connect()
    assert outcomes(connection.push([update(2)])) == [Outcome.UNKNOWN]
    (found,) = connection.find([update(2)])
    assert found.refusal is not None
    assert found.refusal.code == "NOT_APPLIED"  # which the engine plans again


def test_a_lost_reply_leaves_every_row_unknown_until_it_is_read_back(org: Org) -> None:
    connection = org.connect()
    connection.push([update(9)])  # signed in
    org.sandbox.faults.add({"method": "PATCH", "path": "*/composite/sobjects", "drop_reply": True})
    effects = [update(n, Leadline_Score__c=n, Leadline_Scored_At__c="2026-05-28T20:26:40Z") for n in (1, 2)]
    assert outcomes(connection.push(effects)) == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    found = connection.find([*effects, update(3)])
    assert outcomes(found) == [Outcome.WRITTEN, Outcome.WRITTEN, Outcome.REFUSED]
    assert found[2].refusal is not None
    assert found[2].refusal.code == "NOT_APPLIED"
    assert [entry["fault"] for entry in org.log("PATCH")] == ["", "drop_reply"]


def test_a_write_that_never_arrived_is_found_not_applied(org: Org) -> None:
    connection = org.connect()
    connection.push([update(9)])
    org.sandbox.faults.add({"method": "PATCH", "drop_request": True})
    assert outcomes(connection.push([update(1)])) == [Outcome.UNKNOWN]
    (found,) = connection.find([update(1)])
    assert found.refusal is not None
    assert found.refusal.code == "NOT_APPLIED"


def test_a_busy_server_is_asked_again_and_a_broken_gateway_is_not(org: Org) -> None:
    connection = org.connect()
    org.sandbox.faults.add({"method": "PATCH", "status": 503, "headers": {"Retry-After": "7"}})
    org.sandbox.faults.add({"method": "PATCH", "status": 429})
    assert outcomes(connection.push([update(1)])) == [Outcome.WRITTEN]
    assert org.slept[0] == 7.0
    org.sandbox.faults.add({"method": "PATCH", "status": 502})
    assert outcomes(connection.push([update(2)])) == [Outcome.UNKNOWN]
    assert outcomes(connection.find([update(2)])) == [Outcome.REFUSED]


def test_nothing_applied_is_a_transient_error(org: Org) -> None:
    connection = org.connect()
    org.sandbox.faults.add({"method": "PATCH", "status": 503, "times": 9})
    with pytest.raises(TransientError):
        connection.push([update(1)])
    assert len(org.paths("PATCH")) == 5


def test_a_task_carries_key_hour_and_links_and_is_made_once(org: Org) -> None:
    connection = org.connect()
    (made,) = connection.push([task()])
    (again,) = connection.push([task()])
    assert outcomes([made, again]) == [Outcome.WRITTEN, Outcome.WRITTEN]
    assert made.record_id == again.record_id
    (row,) = [row for row in org.vendor.state()["Task"] if row["Leadline_Key__c"]]
    shown = {name: row[name] for name in ("WhoId", "WhatId", "OwnerId", "Priority", "Status", "IsReminderSet")}
    assert shown == {
        "WhoId": lead_id(1),
        "WhatId": None,  # a lead's task cannot be related to an account
        "OwnerId": record_id("User", REP),
        "Priority": "High",
        "Status": "Not Started",
        "IsReminderSet": True,
    }
    assert (row["ActivityDate"], row["ReminderDateTime"]) == ("2026-05-28", "2026-05-28T22:26:40.000+0000")
    contact = task("t2", person=RecordRef("Contact", record_id("Contact", "cnt_000001")))
    (of_contact,) = connection.push([contact])
    assert org.row("Task", str(of_contact.record_id))["WhatId"] == record_id("Account", "acct_000001")


def test_a_task_whose_reply_was_lost_is_found_by_its_key(org: Org) -> None:
    connection = org.connect()
    connection.check()
    org.sandbox.faults.add({"method": "PATCH", "drop_reply": True})
    assert outcomes(connection.push([task()])) == [Outcome.UNKNOWN]
    found = connection.find([task(), task("t2")])
    assert outcomes(found) == [Outcome.WRITTEN, Outcome.REFUSED]
    assert org.row("Task", str(found[0].record_id))["Leadline_Key__c"] == "t1"
    org.vendor.edit({"action": "delete", "object": "Task", "id": found[0].record_id})
    assert outcomes(connection.find([task()])) == [Outcome.WRITTEN]  # somebody threw it away: it had been written


def cadence(org: Org) -> str:
    return next(str(row["Id"]) for row in org.vendor.state()["ActionCadence"] if row["Name"] == "Fast track")


def test_a_cadence_may_be_named_by_its_name(org: Org) -> None:
    connection = org.connect()
    one = Enrol("e1", RecordRef("Lead", lead_id(1)), "Fast track", record_id("User", REP))
    unknown = Enrol("e2", RecordRef("Lead", lead_id(2)), "Slow track", record_id("User", REP))
    first, refused = connection.push([one, unknown])
    assert (first.outcome, refused.outcome) == (Outcome.WRITTEN, Outcome.REFUSED)
    assert refused.refusal and refused.refusal.code == "CADENCE_NOT_FOUND" and "Slow track" in refused.refusal.message
    (tracker,) = org.vendor.state()["ActionCadenceTracker"]
    assert tracker["ActionCadenceId"] == cadence(org)
    assert outcomes(connection.find([one, unknown])) == [Outcome.WRITTEN, Outcome.REFUSED]
    assert outcomes(connection.push([one])) == [Outcome.UNCHANGED]


def test_a_person_enters_a_cadence_once(org: Org) -> None:
    connection, sequence = org.connect(), cadence(org)
    people = [Enrol(f"e{n}", RecordRef("Lead", lead_id(n)), sequence, record_id("User", REP)) for n in (1, 2)]
    first = connection.push(people[:1])
    assert outcomes(first) == [Outcome.WRITTEN]
    second = connection.push(people)
    assert outcomes(second) == [Outcome.UNCHANGED, Outcome.WRITTEN]
    assert second[0].record_id == first[0].record_id
    trackers = org.vendor.state()["ActionCadenceTracker"]
    assert sorted(str(row["TargetId"]) for row in trackers) == sorted([lead_id(1), lead_id(2)])
    assert outcomes(connection.push(people)) == [Outcome.UNCHANGED, Outcome.UNCHANGED]
    assert len(org.paths("POST")) == 3  # the token and two actions


def test_one_refused_enrolment_leaves_the_others_enrolled(org: Org) -> None:
    connection, sequence = org.connect(), cadence(org)
    org.vendor.edit({"action": "delete", "object": "Lead", "id": lead_id(1)})
    people = [Enrol(f"e{n}", RecordRef("Lead", lead_id(n)), sequence, None) for n in (1, 2)]
    results = connection.push(people)
    assert outcomes(results) == [Outcome.REFUSED, Outcome.WRITTEN]
    assert results[0].refusal is not None
    assert results[0].refusal.code == "ENTITY_IS_DELETED"


def test_an_enrolment_whose_reply_was_lost_is_found(org: Org) -> None:
    connection, sequence = org.connect(), cadence(org)
    connection.check()
    people = [Enrol(f"e{n}", RecordRef("Lead", lead_id(n)), sequence, None) for n in (1, 2)]
    org.sandbox.faults.add({"method": "POST", "path": "*/assignTargetToSalesCadence", "drop_reply": True})
    assert outcomes(connection.push(people[:1])) == [Outcome.UNKNOWN]
    assert outcomes(connection.find(people)) == [Outcome.WRITTEN, Outcome.REFUSED]


# Session, quota, credentials


@pytest.mark.parametrize("expiry", ["session", "fault"])
def test_a_session_that_ends_before_a_write_is_renewed_once_with_the_same_headers(org: Org, expiry: str) -> None:
    connection = org.connect()
    connection.push([update(1)])
    if expiry == "session":
        org.vendor.session_seconds = 60
        connection.push([update(1)])
        org.sandbox.clock.advance(61)
    else:
        org.sandbox.faults.add({"method": "PATCH", "status": 401})
    assert outcomes(connection.push([update(2)])) == [Outcome.WRITTEN]
    assert org.logins() == 2
    # Sent again without `Sforce-Auto-Assign: FALSE` the lead would belong to the default owner now.
    assert org.row("Lead", lead_id(2))["OwnerId"] == record_id("User", REP)


def test_a_session_that_is_refused_for_ever_ends_after_one_renewal(org: Org) -> None:
    connection = org.connect()
    org.sandbox.faults.add({"path": "*/query*", "status": 401, "times": 99})
    for _ in range(3):
        with pytest.raises(CredentialsError):
            read(connection, "Lead")
    assert org.logins() == 2
    assert len([path for path in org.paths() if "query" in path]) == 2


def test_wrong_credentials_are_tried_once(org: Org) -> None:
    connection = org.connect(consumer_secret="wrong")
    for _ in range(3):
        with pytest.raises(CredentialsError, match="invalid_client") as caught:
            read(connection, "Lead")
        assert "wrong" not in str(caught.value)
    assert org.logins() == 1


def test_check_reports_wrong_credentials_without_raising(org: Org) -> None:
    (finding,) = org.connect(consumer_secret="wrong").check()
    assert (finding.ok, finding.what) == (False, "sign-in")
    assert finding.fix


def test_check_finds_a_well_org_well(org: Org) -> None:
    findings = org.connect().check()
    assert all(finding.ok for finding in findings), findings
    assert [finding.what for finding in findings] == [
        "sign-in", "daily quota", "fields on Account", "fields on Contact", "fields on Lead", "tasks", "sales cadences",
    ]  # fmt: skip


def test_check_names_a_version_that_the_org_offers(org: Org) -> None:
    bad = org.connect(api_version="69.0").check()[0]
    assert (bad.ok, bad.fix) == (False, "Set api_version to 68.0.")


def test_check_says_when_the_quota_is_smaller_than_the_budget(org: Org) -> None:
    org.vendor.gate.daily_limit = 500
    quota = next(f for f in org.connect(daily_calls=1_000).check() if f.what == "daily quota")
    assert not quota.ok


def test_the_deployments_own_budget_stops_the_calls(org: Org) -> None:
    connection = org.connect(daily_calls=3)
    read(connection, "Lead")
    read(connection, "Lead")
    with pytest.raises(BudgetError):
        read(connection, "Lead")
    assert len(org.paths()) == 3


def test_an_org_without_calls_left_is_not_asked_again(org: Org) -> None:
    org.vendor.gate.daily_limit = 2
    connection = org.connect()
    read(connection, "Lead")
    read(connection, "Lead")
    with pytest.raises(BudgetError, match="has used its 2 API calls"):
        read(connection, "Lead")
    assert len([path for path in org.paths() if "query" in path]) == 2


def test_a_quota_that_is_refused_by_the_org_is_a_budget_error(org: Org) -> None:
    connection = org.connect()
    org.sandbox.faults.add({"path": "*/queryAll*", "status": 403})
    with pytest.raises(BudgetError) as caught:
        read(connection, "Lead")
    assert caught.value.retry_after == 900.0


def test_a_server_that_does_not_answer_is_left_at_the_deadline(org: Org) -> None:
    connection = org.connect(timeout=0.05)
    org.sandbox.faults.add({"path": "*/queryAll*", "delay": 0.3, "times": 1})
    assert len(rows(read(connection, "Lead"))) == 30
    assert [call.status for call in org.calls if "queryAll" in call.path] == [0, 200]


def test_a_redirect_is_not_followed_with_the_token(org: Org) -> None:
    connection = org.connect()
    read(connection, "Lead")
    org.sandbox.faults.add({"path": "*/queryAll*", "status": 302, "headers": {"Location": "/services/data"}})
    with pytest.raises(PermanentError):
        read(connection, "Lead")
    assert "/services/data" not in org.paths()


def test_an_unreachable_host_is_a_transient_error_with_a_reason() -> None:
    runtime = Runtime(name="crm", now=lambda: NOW, sleep=lambda _: None)
    options = {"base_url": "http://127.0.0.1:9", "consumer_key": "k", "consumer_secret": "s"}
    with pytest.raises(TransientError, match="Connection refused") as caught:
        list(connector.connect(options, runtime).pull(PullRequest("Lead", ())))
    assert "object at 0x" not in str(caught.value)


def test_every_call_is_reported_and_one_connection_serves_them(org: Org) -> None:
    connection = org.connect()
    connection.check()
    read(connection, "Lead")
    assert [call.path for call in org.calls] == org.paths()
    assert {call.connection for call in org.calls} == {"crm"}
    connection.close()


def test_jwt_bearer_over_tls_with_a_private_authority(tmp_path: Path) -> None:
    with serving(world(), tls=True) as org:
        key = tmp_path / "key.pem"
        key.write_text(org.vendor.auth.private_pem())
        options = org.vendor.jwt_credentials(org.sandbox.base_url)
        del options["private_key"]
        untrusting = options | {"private_key_file": str(key)}
        trusting = untrusting | {"ca_file": str(org.sandbox.ca_file)}
        connection = org.connect_with(trusting)
        assert len(rows(read(connection, "Lead"))) == 30
        assert outcomes(connection.push([update(1)])) == [Outcome.WRITTEN]
        with pytest.raises(CredentialsError, match="audience is invalid"):
            read(org.connect_with(trusting | {"audience": "https://else.example"}), "Lead")
        with pytest.raises(ConfigError, match="could not be trusted"):
            read(org.connect_with(untrusting), "Lead")


def _pem(kind: str) -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    if kind == "public":
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase")).decode()


@pytest.mark.parametrize("kind", ["nonsense", "public", "encrypted"])
def test_a_key_that_is_none_is_a_config_error(org: Org, kind: str) -> None:
    key = kind if kind == "nonsense" else _pem(kind)
    options = {"base_url": org.sandbox.base_url, "consumer_key": "k", "username": "u", "private_key": key}
    with pytest.raises(ConfigError, match="not a PEM key"):
        read(org.connect_with(options), "Lead")
