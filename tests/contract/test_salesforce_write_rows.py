"""Writing rows to Salesforce by Collections: locks, limits of automation, refusals in words, owners. 4 s."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.salesforce_writing import (
    ACCOUNTS,
    IDLE,
    REPS,
    Org,
    account,
    codes,
    contact,
    ends,
    lead,
    serving,
    update,
    user,
    world,
)

from leadline.sdk.errors import TransientError
from leadline.sdk.records import Actor, Outcome, RecordRef, Scalar, UpdateFields
from leadline_salesforce.errors import ROWS, refusal
from leadline_salesforce.ledger import Row
from leadline_salesforce.locks import Order

UPDATE = "composite/sobjects"
LOCK = "unable to obtain exclusive access to this record"


@pytest.fixture(scope="module")
def shared() -> Iterator[Org]:
    with serving(world(240, contacts=60)) as served:
        yield served


@pytest.fixture
def org(shared: Org) -> Iterator[Org]:
    """The module's org, well behaved and with its call log read up to here."""
    shared.faults.clear()
    shared.slept.clear()
    shared.calls()
    yield shared
    shared.faults.clear()


def sizes(org: Org) -> list[int | None]:
    """Rows written by each Collections update."""
    return [records for method, path, records in org.calls() if (method, path) == ("PATCH", UPDATE)]


# Locks


def test_u12_rows_of_which_80_percent_are_locked_are_all_written_in_the_end(org: Org) -> None:
    """Of 80,856 rows 29,717 were lost to UNABLE_TO_LOCK_ROW somewhere else. Here 160 of 200 are locked, twice."""
    locked = [lead(number) for number in range(1, 201) if number % 5]
    org.faults.add({"object": "Lead", "ids": locked, "code": "UNABLE_TO_LOCK_ROW", "message": LOCK, "times": 320})
    results = org.connect().push([update(number) for number in range(1, 201)])
    assert set(ends(results)) == {Outcome.WRITTEN}
    assert [result.record_id for result in results] == [lead(number) for number in range(1, 201)]
    assert all(org.row("Lead", lead(number))["Leadline_Score__c"] == number for number in (1, 5, 200))
    # 200 at once; the locked ones by 100, later by 50: the rows that went through are not sent again.
    assert sizes(org) == [40, 0, 0, 50, 50, 50, 10]
    first, second = org.slept
    assert 0.5 <= first <= 1.5 and 1.0 <= second <= 3.0


def test_u12_rows_that_stay_locked_are_not_lost_and_not_called_written(org: Org) -> None:
    org.faults.add({"object": "Lead", "ids": [lead(7)], "code": "UNABLE_TO_LOCK_ROW", "message": LOCK})
    connection = org.connect()
    effects = [update(number, Leadline_Action__c="x") for number in (6, 7, 8)]
    assert ends(connection.push(effects)) == [Outcome.WRITTEN, Outcome.UNKNOWN, Outcome.WRITTEN]
    assert sizes(org) == [2, 0, 0, 0, 0]  # a bounded number of tries
    assert codes(connection.find(effects)) == [None, "NOT_APPLIED", None]


def test_u12_rows_of_one_account_stand_together_and_accounts_in_order(org: Org) -> None:
    """Two writers that take the accounts in the same order never wait for each other in a circle."""
    rows = [Row(number, "k", {}, "Contact", contact(number)) for number in range(60, 0, -1)]
    ordered = Order(org.client()).by_parent(rows)
    parents = [org.row("Contact", row.id)["AccountId"] for row in ordered]
    assert parents == sorted(parents)
    assert len(set(parents)) == ACCOUNTS
    assert [row.id for row in ordered if parents[0] == org.row("Contact", row.id)["AccountId"]] == sorted(
        row.id for row in rows if parents[0] == org.row("Contact", row.id)["AccountId"]
    )
    assert org.calls() == [("POST", "composite/sobjects/Contact", 60)]


def test_one_call_of_rows_costs_one_call(org: Org) -> None:
    effects = [update(number, "Contact") for number in range(1, 61)]
    assert set(ends(org.connect().push(effects))) == {Outcome.WRITTEN}
    assert org.calls() == [("PATCH", UPDATE, 60)]


def test_a_lock_that_a_trigger_passes_on_is_a_lock(org: Org) -> None:
    words = f"npsp.TDTM_Lead: execution of AfterUpdate caused by: UNABLE_TO_LOCK_ROW, {LOCK}: []"
    rule = {"object": "Lead", "ids": [lead(3)], "code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": words}
    org.faults.add({**rule, "times": 1})
    assert ends(org.connect().push([update(3)])) == [Outcome.WRITTEN]


def test_rows_that_are_too_many_at_once_for_the_orgs_automation_are_written_in_smaller_batches(org: Org) -> None:
    words = "LeadTrigger: System.LimitException: Apex CPU time limit exceeded"
    rule = {"object": "Lead", "code": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": words}
    org.faults.add({**rule, "ids": [lead(number) for number in range(1, 201)], "times": 200})
    assert set(ends(org.connect().push([update(number) for number in range(1, 201)]))) == {Outcome.WRITTEN}
    assert sizes(org) == [0, 100, 100]
    org.faults.add({**rule, "ids": [lead(1)]})
    (result,) = org.connect().push([update(1)])
    assert (result.outcome, codes([result])) == (Outcome.REFUSED, ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"])


def test_a_failure_between_two_tries_leaves_nothing_called_written_that_is_not(org: Org) -> None:
    connection = org.connect()
    connection.push([update(9)])
    org.faults.add({"object": "Lead", "ids": [lead(2)], "code": "UNABLE_TO_LOCK_ROW"})
    org.faults.add({"method": "PATCH", "skip": 1, "times": 99, "status": 503, "code": "SERVER_UNAVAILABLE"})
    effects = [update(number, Leadline_Fit__c=number) for number in (1, 2, 3)]
    assert ends(connection.push(effects)) == [Outcome.WRITTEN, Outcome.UNKNOWN, Outcome.WRITTEN]
    org.faults.clear()
    assert codes(connection.find(effects)) == [None, "NOT_APPLIED", None]


def test_nothing_applied_is_an_error_also_when_every_row_was_locked_before(org: Org) -> None:
    connection = org.connect()
    connection.push([update(9)])
    org.faults.add({"object": "Lead", "ids": [lead(2)], "code": "UNABLE_TO_LOCK_ROW"})
    org.faults.add({"method": "PATCH", "skip": 1, "times": 99, "status": 503, "code": "SERVER_UNAVAILABLE"})
    with pytest.raises(TransientError):
        connection.push([update(2, Leadline_Fit__c=1)])


# Refusals


def test_every_code_of_the_table_ends_as_a_refusal_that_names_who_must_act(org: Org) -> None:
    told = [code for code in ROWS if refusal(code, "").fix and not _sent_again(code)]
    for number, code in enumerate(told, 1):
        org.faults.add({"object": "Lead", "ids": [lead(number)], "code": code, "message": f"words of {code}"})
    results = org.connect().push([update(number) for number in range(1, len(told) + 1)])
    assert codes(results) == told
    for code, result in zip(told, results, strict=True):
        assert result.refusal is not None
        assert result.refusal.message == f"words of {code}"
        assert result.refusal.actor is ROWS[code].actor
        assert result.refusal.fix.endswith(".")


def _sent_again(code: str) -> bool:
    return code in (
        "UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "PROCESSING_HALTED",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "actor"),
    [
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Actor.CRM_ADMIN),
        ("DUPLICATES_DETECTED", Actor.CRM_ADMIN),
        ("INSUFFICIENT_ACCESS_OR_READONLY", Actor.CRM_ADMIN),
        ("TRANSFER_REQUIRES_READ", Actor.CRM_ADMIN),
        ("ENTITY_IS_LOCKED", Actor.CRM_ADMIN),
        ("CADENCE_NOT_FOUND", Actor.LEADLINE_ADMIN),
        ("A_CODE_OF_TOMORROW", Actor.CRM_ADMIN),
    ],
)
def test_who_must_act_on_what_the_sandbox_has_no_reason_of_its_own_for(code: str, actor: Actor) -> None:
    assert (refusal(code, "words").actor, bool(refusal(code, "words").fix)) == (actor, True)


def test_what_the_org_itself_refuses_is_told_row_by_row(org: Org) -> None:
    effects = [
        update(1, Leadline_Reasons__c="x" * 1_001),
        update(2, CreatedDate="2026-01-01T00:00:00Z"),
        update(3, Leadline_Scoer__c=1),
        update(4, Leadline_Group__c="hot"),
        update(5, LastName=None),
        update(6, Leadline_Score__c=100_000),
        update(7, OwnerId=user(IDLE)),
        UpdateFields("k8", RecordRef("Lead", lead(999_999)), {"Leadline_Score__c": 1}),
        update(9),
    ]
    results = org.connect().push(effects)
    assert codes(results) == [
        "STRING_TOO_LONG", "INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_FIELD",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "REQUIRED_FIELD_MISSING", "NUMBER_OUTSIDE_VALID_RANGE",
        "INACTIVE_OWNER_OR_USER", "INVALID_CROSS_REFERENCE_KEY", None,
    ]  # fmt: skip
    assert results[1].refusal is not None
    assert "CreatedDate" in results[1].refusal.message


def test_an_explicit_null_clears_the_field(org: Org) -> None:
    connection = org.connect()
    connection.push([update(1, Leadline_Action__c="call", Leadline_Score__c=5)])
    connection.push([update(1, Leadline_Action__c=None)])
    row = org.row("Lead", lead(1))
    assert (row["Leadline_Action__c"], row["Leadline_Score__c"]) == (None, 5.0)


def test_u15_a_converted_lead_is_refused_alone_and_is_nobodys_fault() -> None:
    """Elsewhere one converted lead ended the whole batch, or was tried for ever."""
    with serving(world(3, contacts=1)) as org:
        fields = {"account": "acct_000001", "contact": "cnt_000001"}
        org.vendor.edit({"action": "convert", "object": "Lead", "id": lead(2), "fields": fields})
        results = org.connect().push([update(1), update(2), update(3)])
        assert codes(results) == [None, "CANNOT_UPDATE_CONVERTED_LEAD", None]
        assert results[1].refusal is not None
        assert results[1].refusal.actor is Actor.NOBODY


def test_a_call_that_is_refused_as_a_whole_is_halved_until_the_culprit_stands_alone(org: Org) -> None:
    """As the vendor does for a value that it cannot parse: the call and each half that holds it are refused."""
    connection = org.connect()
    connection.push([update(9)])
    org.calls()
    # Rows go by id, and the last is the culprit: refuse 8, pass 4, refuse 4, pass 2, refuse 2, pass 1, refuse 1.
    for skip in range(4):
        org.faults.add({"method": "PATCH", "skip": skip, "status": 400, "code": "JSON_PARSER_ERROR"})
    results = connection.push([update(number) for number in range(1, 9)])
    assert ends(results).count(Outcome.WRITTEN) == 7
    culprit = max(range(1, 9), key=lead)
    assert codes(results)[culprit - 1] == "JSON_PARSER_ERROR"


def test_a_field_that_all_rows_name_and_nobody_knows_costs_one_call(org: Org) -> None:
    org.faults.add({"method": "PATCH", "status": 400, "code": "INVALID_FIELD", "times": 99})
    assert codes(org.connect().push([update(number) for number in range(1, 101)])) == ["INVALID_FIELD"] * 100
    assert len(sizes(org)) == 1


# Owners


def test_u16_the_orgs_assignment_rule_does_not_take_the_record(org: Org) -> None:
    """An update runs the assignment rules unless the call forbids it: they would give every lead to one user."""
    effects = [update(number, OwnerId=user(REPS[number % 5])) for number in range(1, 11)]
    assert set(ends(org.connect().push(effects))) == {Outcome.WRITTEN}
    owners = [org.row("Lead", lead(number))["OwnerId"] for number in range(1, 11)]
    assert owners == [user(REPS[number % 5]) for number in range(1, 11)]


def test_u16_an_inactive_owner_is_refused_by_name_of_the_fault(org: Org) -> None:
    (result,) = org.connect().push([update(1, OwnerId=user(IDLE))])
    assert result.refusal is not None
    assert (result.refusal.code, result.refusal.actor) == ("INACTIVE_OWNER_OR_USER", Actor.LEADLINE_ADMIN)


def test_u16_an_owner_that_the_org_gives_back_in_silence_is_noticed(org: Org) -> None:
    """The update says success, and the record still belongs to the one before."""
    old = org.row("Lead", lead(21))["OwnerId"]
    org.faults.add({"object": "Lead", "field": "OwnerId", "ids": [lead(21)], "restore": True})
    effects = [update(n, OwnerId=user(REPS[3]), Leadline_Score__c=77) for n in (20, 21)] + [update(22)]
    results = org.connect().push(effects)
    assert codes(results) == [None, "OWNER_NOT_KEPT", None]
    assert results[1].refusal is not None
    assert old in results[1].refusal.message
    assert results[1].refusal.actor is Actor.CRM_ADMIN
    assert org.row("Lead", lead(21))["Leadline_Score__c"] == 77.0
    assert [path for _, path, _ in org.calls()] == [UPDATE, "composite/sobjects/Lead"]  # one look for the batch


def test_an_owner_that_could_not_be_looked_at_is_unknown_until_read_back(org: Org) -> None:
    connection = org.connect()
    connection.push([update(9)])
    org.faults.add({"method": "POST", "status": 503, "times": 99})
    effects = [update(30, OwnerId=user(REPS[2])), update(31)]
    assert ends(connection.push(effects)) == [Outcome.UNKNOWN, Outcome.WRITTEN]
    org.faults.clear()
    assert ends(connection.find(effects)) == [Outcome.WRITTEN, Outcome.WRITTEN]


def test_reading_back_compares_as_the_org_shows_values(org: Org) -> None:
    values: dict[str, Scalar] = {
        "Leadline_Score__c": 71, "Leadline_Action__c": "  call  ", "Leadline_Group__c": None,
        "Leadline_Scored_At__c": "2026-05-28T20:26:40Z", "HasOptedOutOfEmail": False, "OwnerId": user(REPS[0])[:15],
    }  # fmt: skip
    effect = UpdateFields("k", RecordRef("Lead", lead(40)[:15]), values)
    connection = org.connect()
    assert codes(connection.find([effect])) == ["NOT_APPLIED"]
    assert ends(connection.push([effect])) == [Outcome.WRITTEN]
    assert ends(connection.find([effect])) == [Outcome.WRITTEN]
    gone = UpdateFields("g", RecordRef("Account", account(999)), {"Phone": "1"})
    hidden = UpdateFields("h", RecordRef("Account", account(1)), {"Not_There__c": "1"})
    assert codes(connection.find([gone, hidden])) == ["NOT_APPLIED", "NOT_APPLIED"]
