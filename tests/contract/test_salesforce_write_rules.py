"""Writing to a Salesforce org whose administrators have set things up: rules, field security, busy accounts. 2 s."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.salesforce_writing import ACCOUNTS, Org, account, codes, contact, ends, serving, update, world

from leadline.sdk.records import Actor, Outcome, UpdateFields
from leadline_salesforce.updates import BULK_ABOVE

MANY = BULK_ABOVE + 1


@pytest.fixture(scope="module")
def shared() -> Iterator[Org]:
    with serving(world(MANY, contacts=200)) as served:
        yield served


@pytest.fixture
def org(shared: Org) -> Iterator[Org]:
    """The module's org; rules are called "theirs" and taken away again."""
    shared.calls()
    yield shared
    shared.vendor.edit({"action": "duplicate_rule", "object": "Lead", "fields": {"name": "theirs", "field": "Company"}})
    shared.vendor.edit({"action": "drop_rule", "object": "Lead", "fields": {"name": "theirs"}})


def set_up(org: Org, action: str, object: str = "Lead", id: str | None = None, **fields: Any) -> None:
    command = {"action": action, "object": object, "fields": fields}
    org.vendor.edit(command | ({"id": id} if id else {}))


def batch() -> list[UpdateFields]:
    return [update(number, Leadline_Score__c=number) for number in (1, 2, 3)]


def job() -> list[UpdateFields]:
    return [update(number, Leadline_Score__c=number) for number in range(1, MANY + 1)]


both = pytest.mark.parametrize("effects", [batch, job])


@both
def test_a_duplicate_rule_that_only_alerts_keeps_no_score_back(
    org: Org, effects: Callable[[], list[UpdateFields]]
) -> None:
    """Every lead here works for one company: a person saving one would be asked "use one of these records?"."""
    set_up(org, "duplicate_rule", name="theirs", field="Company", mode="alert")
    assert set(ends(org.connect().push(effects()))) == {Outcome.WRITTEN}


@both
def test_a_duplicate_rule_that_blocks_refuses_each_row_with_the_rule(
    org: Org, effects: Callable[[], list[UpdateFields]]
) -> None:
    set_up(org, "duplicate_rule", name="theirs", field="Company", mode="block")
    results = org.connect().push(effects())
    assert set(codes(results)) == {"DUPLICATES_DETECTED"}
    refusal = results[0].refusal
    assert refusal is not None
    assert (refusal.actor, "theirs" in refusal.message) == (Actor.CRM_ADMIN, True)


@both
def test_a_validation_rule_refuses_its_rows_and_no_others(org: Org, effects: Callable[[], list[UpdateFields]]) -> None:
    words = "Scores of two are not wanted here"
    rule = {"name": "theirs", "where": "Leadline_Score__c = 2", "message": words, "field": "Leadline_Score__c"}
    set_up(org, "validation_rule", **rule)
    results = org.connect().push(effects())
    assert [place for place, code in enumerate(codes(results)) if code] == [1]
    refusal = results[1].refusal
    assert refusal is not None
    assert (refusal.code, refusal.actor) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Actor.CRM_ADMIN)
    assert refusal.message.startswith(words)


@both
def test_a_field_that_the_user_may_not_edit_is_named(org: Org, effects: Callable[[], list[UpdateFields]]) -> None:
    set_up(org, "allow_field", name="Leadline_Score__c", access="read")
    try:
        results = org.connect().push(effects())
    finally:
        set_up(org, "allow_field", name="Leadline_Score__c", access="edit")
    assert set(codes(results)) == {"INVALID_FIELD_FOR_INSERT_UPDATE"}
    refusal = results[0].refusal
    assert refusal is not None
    assert (refusal.actor, "Leadline_Score__c" in refusal.message) == (Actor.CRM_ADMIN, True)


def test_u12_contacts_of_an_account_that_somebody_else_is_saving_are_written_when_it_is_free(org: Org) -> None:
    """The lock is on the account, and hits its contacts: all others are written at once."""
    set_up(org, "lock", "Account", account(3), times=60)
    effects = [update(number, "Contact", Leadline_Score__c=number) for number in range(1, 201)]
    assert set(ends(org.connect().push(effects))) == {Outcome.WRITTEN}
    rows = org.rows("Contact")
    assert all(rows[contact(number)]["Leadline_Score__c"] == number for number in range(1, 201))
    writes = [records for method, _, records in org.calls() if method == "PATCH"]
    busy = sum(row["AccountId"] == account(3) for row in rows.values())
    assert writes[0] == 200 - busy
    assert busy >= 200 // ACCOUNTS
