"""What is written to HubSpot: an outcome for every row, nothing twice, nothing passed over in silence. Seconds: 6."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest
from tests.hubspot_lab import FIRST, UNLIMITED, Lab, Open, labs, outcomes, shown, task, update, world

from leadline.sdk.errors import BudgetError, CredentialsError, TransientError
from leadline.sdk.records import Actor, JoinList, Outcome, RecordRef, UpdateFields
from leadline_hubspot.sandbox.validation import Rule


@pytest.fixture
def opened() -> Iterator[Open]:
    with labs() as open_lab:
        yield open_lab


def portal(lab: Lab) -> Any:
    return lab.sandbox.vendor.portal  # type: ignore[attr-defined] # the sandbox's own class


# --- lifecycle stages


def stage_of(lab: Lab, number: int = 0) -> Any:
    return shown(lab)[number]["properties"]["lifecyclestage"]


def test_u14_a_lifecycle_stage_goes_backward_in_two_steps_when_asked(opened: Open) -> None:
    lab = opened(lifecycle_backward=True)
    for number in (0, 1):
        lab.edit("update", number, fields={"lifecyclestage": "customer"})

    done = outcomes(
        lab,
        update(0, lifecyclestage="lead", leadline_score=5),
        update(1, lifecyclestage="opportunity"),
        update(2, lifecyclestage="lead"),
    )

    assert done == [(Outcome.WRITTEN, None)] * 3
    assert [stage_of(lab, number) for number in range(3)] == ["lead", "opportunity", "lead"]
    assert len(lab.calls) == 3  # all rows; the two that stayed: cleared, and set


def test_u14_a_lifecycle_stage_that_may_not_go_backward_is_a_refused_row(opened: Open) -> None:
    lab = opened()
    lab.edit("update", 0, fields={"lifecyclestage": "customer"})

    (outcome,) = lab.connection.push([update(0, lifecyclestage="lead")])

    assert outcome.refusal is not None
    assert (outcome.outcome, outcome.refusal.code) == (Outcome.REFUSED, "LIFECYCLE_BACKWARD")
    assert "lifecycle_backward" in outcome.refusal.fix
    assert stage_of(lab) == "customer"


@pytest.mark.parametrize("skip", [1, 2], ids=["while clearing", "while setting"])
@pytest.mark.parametrize("fault", [{"drop_reply": True}, {"status": 503}, {"status": 401}])
def test_u14_a_step_back_that_breaks_off_is_settled_by_reading(opened: Open, skip: int, fault: dict[str, Any]) -> None:
    lab = opened(lifecycle_backward=True)
    lab.edit("update", 0, fields={"lifecyclestage": "customer"})
    lab.sandbox.faults.add({"path": "*/batch/update", "skip": skip, "times": 1, **fault})
    effect = update(0, lifecyclestage="lead")

    (pushed,) = lab.connection.push([effect])
    (found,) = lab.connection.find([effect])
    (again,) = lab.connection.push([effect])

    assert pushed.outcome is Outcome.UNKNOWN
    through = skip == 2 and "drop_reply" in fault
    assert found.outcome is (Outcome.WRITTEN if through else Outcome.REFUSED)
    assert (again.outcome, stage_of(lab)) == (Outcome.WRITTEN, "lead")


@pytest.mark.parametrize(("times", "left"), [(1, "customer"), (None, None)], ids=["put back", "cannot be put back"])
def test_u14_a_step_back_that_is_refused_puts_the_stage_back(opened: Open, times: int | None, left: str | None) -> None:
    lab = opened(lifecycle_backward=True)
    for number in (0, 1):
        lab.edit("update", number, fields={"lifecyclestage": "customer"})
    # The first try and the clearing pass; the setting is refused.
    lab.sandbox.faults.add(
        {"object": "contacts", "ids": [str(FIRST)], "skip": 2, "times": times, "code": "VALIDATION_ERROR"}
    )

    refused, other = lab.connection.push([update(0, lifecyclestage="lead"), update(1, lifecyclestage="lead")])

    assert (refused.outcome, stage_of(lab) or None) == (Outcome.REFUSED, left)
    assert ("is empty now" in str(refused.refusal)) is (left is None)
    assert (other.outcome, stage_of(lab, 1)) == (Outcome.WRITTEN, "lead")


# --- lists


@pytest.fixture
def listed(opened: Open) -> Lab:
    """Five contacts, a static list 1 of contacts, a dynamic one 2, a static one 3 of companies."""
    lab = opened()
    lists = portal(lab).lists
    for name, type_id, kind in (("Hot", "0-1", "MANUAL"), ("All", "0-1", "DYNAMIC"), ("Firms", "0-2", "MANUAL")):
        if not any(each.name == name for each in lists.all()):
            lists.create(name, type_id, kind, portal(lab).stamp())
    return lab


def list_id(lab: Lab, name: str) -> str:
    return next(str(each.id) for each in portal(lab).lists.all() if each.name == name)


def join(lab: Lab, number: int = 0, name: str = "Hot", **changed: Any) -> JoinList:
    made = JoinList(f"j{number}{name}", RecordRef("contacts", str(FIRST + number)), list_id(lab, name))
    return replace(made, **changed)


def test_records_join_a_list_once(listed: Lab) -> None:
    assert outcomes(listed, join(listed, 0), join(listed, 1)) == [(Outcome.WRITTEN, None)] * 2
    listed.calls.clear()

    gone = join(listed, 2, target=RecordRef("contacts", "999"))
    done = outcomes(listed, join(listed, 1), join(listed, 3), gone)

    assert done == [(Outcome.UNCHANGED, None), (Outcome.WRITTEN, None), (Outcome.REFUSED, "OBJECT_NOT_FOUND")]
    assert len(listed.calls) == 1


def test_a_list_may_be_given_by_its_name(listed: Lab) -> None:
    assert outcomes(listed, join(listed, 0, list_id="Hot")) == [(Outcome.WRITTEN, None)]
    assert outcomes(listed, join(listed, 0)) == [(Outcome.UNCHANGED, None)]
    (found,) = listed.connection.find([join(listed, 0, list_id="Hot")])
    assert found.outcome is Outcome.WRITTEN


def test_lists_that_cannot_be_joined_say_why_and_stop_no_other(listed: Lab) -> None:
    firm = join(listed, 2, "Firms")
    effects = [join(listed, 0, "All"), join(listed, 1, key="x", list_id="999"), firm, join(listed, 3)]

    done = listed.connection.push(effects)

    assert [each.refusal.code if each.refusal else each.outcome for each in done] == [
        "LIST_IS_DYNAMIC", "LIST_NOT_FOUND", "LIST_OF_OTHER_OBJECTS", Outcome.WRITTEN,
    ]  # fmt: skip
    assert done[0].refusal is not None
    assert done[0].refusal.actor is Actor.CRM_ADMIN


@pytest.mark.parametrize(("fault", "settled"), [("drop_reply", Outcome.WRITTEN), ("drop_request", Outcome.REFUSED)])
def test_u11_joining_a_list_without_an_answer_is_settled_by_reading(listed: Lab, fault: str, settled: Outcome) -> None:
    listed.sandbox.faults.add({"path": "*/memberships/add", fault: True, "times": 1})

    (pushed,) = listed.connection.push([join(listed)])
    (found,) = listed.connection.find([join(listed)])

    assert (pushed.outcome, found.outcome) == (Outcome.UNKNOWN, settled)


def test_a_fault_between_two_lists_leaves_the_second_unknown(listed: Lab) -> None:
    firm = join(listed, 0, "Firms", target=RecordRef("companies", "30000000001"))
    listed.sandbox.faults.add({"path": "*/memberships/add", "skip": 1, "status": 401, "times": None})

    assert outcomes(listed, join(listed), firm) == [(Outcome.WRITTEN, None), (Outcome.UNKNOWN, None)]


def test_lists_that_cannot_be_reached_leave_the_effects_to_the_next_run(listed: Lab) -> None:
    listed.sandbox.faults.add({"path": "*/lists/*", "status": 503, "times": None, "method": "GET"})

    with pytest.raises(TransientError):
        listed.connection.push([join(listed)])


# --- one bad row


def numbered(count: int) -> list[UpdateFields]:
    return [replace(update(number), key=f"u{number}") for number in range(count)]


def refuse_whole(lab: Lab, error: dict[str, Any], times: int = 1) -> None:
    """Answer a batch with a 400 as a whole, as HubSpot does where it does not take the rows one by one."""
    body = orjson.dumps({"status": "error", "category": "VALIDATION_ERROR", "message": "bad", **error}).decode()
    lab.sandbox.faults.add({"path": "*/batch/update", "status": 400, "body": body, "times": times})


@pytest.mark.parametrize(
    "context",
    [{"ids": [str(FIRST + 42)]}, {"id": str(FIRST + 42)}, {"objectWriteTraceId": ["u42"]}],
    ids=["by ids", "by id", "by trace"],
)
def test_one_bad_row_of_a_hundred_costs_one_call_more(opened: Open, context: dict[str, Any]) -> None:
    lab = opened(world(contacts=100))
    refuse_whole(lab, {"errors": [{"code": "BAD", "message": "no", "context": context}]})

    done = lab.connection.push(numbered(100))

    assert [(each.key, each.refusal.code) for each in done if each.refusal] == [("u42", "BAD")]
    assert len(lab.calls) == 2


def test_a_property_that_is_missing_in_the_portal_refuses_its_rows_in_one_call(opened: Open) -> None:
    lab = opened(world(contacts=100))
    refuse_whole(lab, {"errors": [{"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["leadline_score"]}}]})

    done = lab.connection.push(numbered(100))

    assert {each.outcome for each in done} == {Outcome.REFUSED}
    assert len(lab.calls) == 1


def test_a_bad_row_that_nobody_names_is_found_by_halving(opened: Open) -> None:
    lab = opened(world(contacts=100))
    refuse_whole(lab, {}, times=3)  # the hundred, then fifty, then twenty-five

    done = lab.connection.push(numbered(100))

    assert {each.outcome for each in done} == {Outcome.WRITTEN}
    assert len(lab.calls) == 7


def test_a_validation_rule_of_the_portal_refuses_its_row_with_the_reason(opened: Open) -> None:
    lab = opened()
    portal(lab).rules.append(Rule("contacts", require=("city",), when={"leadline_group": ("priority",)}))

    bad, good = lab.connection.push([update(0, leadline_group="priority"), update(1, leadline_group="nurture")])

    assert bad.refusal is not None
    assert (bad.refusal.code, bad.refusal.actor) == ("CONDITIONAL_REQUIRED_PROPERTY", Actor.CRM_ADMIN)
    assert "city" in bad.refusal.message
    assert good.outcome is Outcome.WRITTEN


def test_u16_an_owner_who_left_is_refused_and_the_others_are_written(opened: Open) -> None:
    lab = opened()

    assert outcomes(lab, update(0, hubspot_owner_id="500002"), update(1, hubspot_owner_id="500001")) == [
        (Outcome.REFUSED, "INVALID_OWNER_ID"),
        (Outcome.WRITTEN, None),
    ]


@pytest.mark.parametrize("value", ["20266-01-01T00:00:00Z", "soon"])
def test_u27_a_date_that_is_none_is_a_refused_row(opened: Open, value: str) -> None:
    (outcome,) = opened().connection.push([update(0, leadline_scored_at=value)])

    assert outcome.refusal is not None
    assert (outcome.refusal.code, outcome.refusal.actor) == ("INVALID_DATE", Actor.LEADLINE_ADMIN)


# --- limits


def test_u10_the_days_calls_are_not_run_into(opened: Open) -> None:
    lab = opened(limits=replace(UNLIMITED, daily=100))

    with pytest.raises(BudgetError, match="reserved"):
        for number in range(120):
            lab.connection.push([update(0, leadline_score=number)])

    assert len(lab.calls) == 95
    assert {call.status for call in lab.calls} == {200}


def test_u10_a_move_of_the_account_says_when_to_come_back(opened: Open) -> None:
    lab = opened()
    lab.sandbox.faults.add({"path": "/crm/*", "status": 477, "headers": {"Retry-After": "36000"}, "times": 1})

    with pytest.raises(BudgetError, match="10 h") as caught:
        lab.connection.push([update(0)])

    assert caught.value.retry_after == 36_000
    assert len(lab.calls) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 521, 522, 523, 524])
def test_u11_a_fault_behind_a_write_creates_nothing_twice(opened: Open, status: int) -> None:
    lab = opened()
    lab.sandbox.faults.add({"path": "*/batch/create", "status": status, "times": 1})

    (pushed,) = lab.connection.push([task()])
    (found,) = lab.connection.find([task()])
    (again,) = lab.connection.push([task()])

    assert (pushed.outcome, again.outcome) == (Outcome.UNKNOWN, Outcome.WRITTEN)
    assert found.refusal is not None
    assert found.refusal.code == "NOT_APPLIED"
    assert len(shown(lab, "tasks")) == 1


def test_a_missing_permission_to_write_is_a_matter_of_credentials(opened: Open) -> None:
    lab = opened()
    portal(lab).withheld |= {"crm.objects.contacts.write"}

    with pytest.raises(CredentialsError, match=r"crm\.objects\.contacts\.write"):
        lab.connection.push([update(0)])
