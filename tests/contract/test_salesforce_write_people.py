"""Tasks, cadences and campaigns in Salesforce: made once, found again, refused in words. 3 s."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.salesforce_writing import NOW, REPS, Org, account, codes, contact, ends, lead, serving, user, world

from leadline.sdk.errors import PermanentError, TransientError
from leadline.sdk.ports import CallMade
from leadline.sdk.records import Actor, CreateTask, Enrol, JoinList, Outcome, RecordRef, RowOutcome

ASSIGN = "*/assignTargetToSalesCadence"


@pytest.fixture(scope="module")
def shared() -> Iterator[Org]:
    with serving(world(240, contacts=5)) as served:
        yield served


@pytest.fixture
def org(shared: Org) -> Iterator[Org]:
    """The module's org, well behaved and with its call log read up to here. Each test has people of its own."""
    shared.faults.clear()
    shared.slept.clear()
    shared.calls()
    yield shared
    shared.faults.clear()


def task(key: str, **changes: Any) -> CreateTask:
    made = CreateTask(
        key=key, subject="Call Ada", body="Viewed pricing twice.", due_at=NOW + 7_200, owner_id=user(REPS[0]),
        person=RecordRef("Contact", contact(1)), account=RecordRef("Account", account(2)),
    )  # fmt: skip
    return replace(made, **changes)


def with_key(org: Org, key: str) -> list[dict[str, Any]]:
    return [row for row in org.rows("Task").values() if row["Leadline_Key__c"] == key]


def enrol(number: int, sequence: str = "Fast track", **changes: Any) -> Enrol:
    return replace(Enrol(f"e{number}", RecordRef("Lead", lead(number)), sequence, user(REPS[1])), **changes)


def trackers(org: Org, number: int) -> list[dict[str, Any]]:
    return [row for row in org.rows("ActionCadenceTracker").values() if row["TargetId"] == lead(number)]


# Tasks


def test_200_tasks_cost_one_call_and_a_repeat_makes_none_twice(org: Org) -> None:
    tasks = [task(f"many-{number}") for number in range(200)]
    connection = org.connect()
    first, again = connection.push(tasks), connection.push(tasks)
    assert set(ends([*first, *again])) == {Outcome.WRITTEN}
    assert [one.record_id for one in first] == [one.record_id for one in again]
    assert [(method, records) for method, _, records in org.calls()] == [("PATCH", 200)] * 2
    assert len({key for row in org.rows("Task").values() if (key := row["Leadline_Key__c"])}) == 200


def test_u11_a_task_whose_reply_was_lost_is_made_once_however_often_it_is_tried(org: Org) -> None:
    """Elsewhere a retry after a timeout made a second task for the same call."""
    connection = org.connect()
    connection.push([task("u11-other")])
    for _ in range(3):
        org.faults.add({"method": "PATCH", "drop_reply": True})
        assert ends(connection.push([task("u11")])) == [Outcome.UNKNOWN]
    assert ends(connection.push([task("u11")])) == [Outcome.WRITTEN]
    assert len(with_key(org, "u11")) == 1
    assert codes(connection.find([task("u11"), task("u11-never")])) == [None, "NOT_APPLIED"]


def test_a_duplicate_that_is_our_own_task_counts_as_written(org: Org) -> None:
    """Two calls with one key at the same time: the slower is told "duplicate value" of the task that it meant."""
    connection = org.connect()
    (made,) = connection.push([task("own")])
    words = f"duplicate value found: Leadline_Key__c duplicates value on record with id: {made.record_id}"
    rule = {"object": "Task", "code": "DUPLICATE_VALUE", "message": words, "times": 1}
    org.faults.add({**rule, "ids": [made.record_id]})
    (again,) = connection.push([task("OWN")])  # keys are compared without regard to case
    assert (again.outcome, again.record_id) == (Outcome.WRITTEN, made.record_id)
    org.faults.add({**rule, "ids": ["other"]})
    (other,) = connection.push([task("other")])
    assert codes([other]) == ["DUPLICATE_VALUE"]  # another unique field, held by somebody else


def test_a_duplicate_that_cannot_be_looked_at_is_unknown(org: Org) -> None:
    connection = org.connect()
    connection.push([task("seen")])
    org.faults.add({"object": "Task", "code": "DUPLICATE_VALUE", "ids": ["unseen"], "times": 1})
    org.faults.add({"method": "GET", "status": 503, "code": "SERVER_UNAVAILABLE", "times": 99})
    assert ends(connection.push([task("unseen")])) == [Outcome.UNKNOWN]


def test_u12_a_locked_task_is_tried_again_and_made_once(org: Org) -> None:
    org.faults.add({"object": "Task", "ids": ["locked"], "code": "UNABLE_TO_LOCK_ROW", "times": 2})
    assert ends(org.connect().push([task("locked"), task("free")])) == [Outcome.WRITTEN, Outcome.WRITTEN]
    assert len(with_key(org, "locked")) == 1
    assert len(with_key(org, "free")) == 1


def test_u6_what_was_made_a_moment_ago_is_found_by_its_key_and_never_by_a_search(org: Org) -> None:
    """A search index lags behind the records: asking it right after a create finds nothing, and doubles."""
    connection = org.connect()
    tasks = [task(f"fresh-{number:03d}-{'x' * 60}") for number in range(200)]
    connection.push(tasks)
    assert set(ends(connection.find(tasks))) == {Outcome.WRITTEN}
    # 200 keys of 70 characters are more than one URI may hold.
    paths = [path for _, path, _ in org.calls()]
    assert paths == ["composite/sobjects/Task/Leadline_Key__c", "queryAll", "queryAll"]


def test_a_task_of_a_lead_is_not_related_to_an_account(org: Org) -> None:
    person = RecordRef("Lead", lead(1))
    (result,) = org.connect().push([task("of-lead", person=person)])
    row = org.row("Task", str(result.record_id))
    assert (row["WhoId"], row["WhatId"]) == (lead(1), None)


# Cadences


def test_u15_one_converted_lead_leaves_the_others_enrolled() -> None:
    with serving(world(3, contacts=1)) as org:
        fields = {"account": "acct_000001", "contact": "cnt_000001"}
        org.vendor.edit({"action": "convert", "object": "Lead", "id": lead(2), "fields": fields})
        results = org.connect().push([enrol(1), enrol(2), enrol(3)])
        assert codes(results) == [None, "CANNOT_UPDATE_CONVERTED_LEAD", None]


@pytest.mark.parametrize("state", ["Initializing", "Running", "Processing", "Paused"])
def test_whoever_is_in_a_cadence_stays_as_they_are(org: Org, state: str) -> None:
    number = 20 + len(state)
    connection = org.connect()
    (first,) = connection.push([enrol(number)])
    _set_state(org, str(first.record_id), state)
    (again,) = connection.push([enrol(number)])
    assert (again.outcome, again.record_id) == (Outcome.UNCHANGED, first.record_id)
    assert ends(connection.find([enrol(number)])) == [Outcome.WRITTEN]


def test_whoever_is_through_a_cadence_was_enrolled_and_may_enter_again(org: Org) -> None:
    connection = org.connect()
    (first,) = connection.push([enrol(40)])
    _set_state(org, str(first.record_id), "Complete")
    assert ends(connection.find([enrol(40)])) == [Outcome.WRITTEN]
    (again,) = connection.push([enrol(40)])
    assert (again.outcome, again.record_id != first.record_id) == (Outcome.WRITTEN, True)


def test_a_tracker_in_error_holds_nobody(org: Org) -> None:
    connection = org.connect()
    (first,) = connection.push([enrol(41)])
    _set_state(org, str(first.record_id), "Error")
    assert codes(connection.find([enrol(41)])) == ["NOT_APPLIED"]
    assert ends(connection.push([enrol(41)])) == [Outcome.WRITTEN]


def _set_state(org: Org, tracker: str, state: str) -> None:
    """The vendor's own doing: nobody can write trackers."""
    table = org.vendor.org.tables["ActionCadenceTracker"]
    table.put({**table.rows[tracker], "State": state})


def test_a_cadence_is_named_by_id_or_name_and_is_asked_for_once(org: Org) -> None:
    by_name = {str(row["Name"]): str(row["Id"]) for row in org.rows("ActionCadence").values()}
    connection = org.connect()
    results = connection.push([enrol(50), enrol(51, by_name["Fast track"]), enrol(50, by_name["Fast track"], key="e")])
    assert ends(results) == [Outcome.WRITTEN, Outcome.WRITTEN, Outcome.UNCHANGED]
    assert trackers(org, 50)[0]["OwnerId"] == user(REPS[1])
    assert [path.rpartition("/")[2] for _, path, _ in org.calls()] == [
        "query", "query", "assignTargetToSalesCadence",
    ]  # fmt: skip
    connection.push([enrol(52)])
    assert [path.rpartition("/")[2] for _, path, _ in org.calls()] == ["query", "assignTargetToSalesCadence"]


def test_a_cadence_whose_name_looks_like_an_id_is_found_by_its_name(org: Org) -> None:
    table = org.vendor.org.tables["ActionCadence"]
    fast = next(row for row in table.rows.values() if row["Name"] == "Fast track")
    table.put({**fast, "Name": "NurtureSequence"})  # 15 letters, as an id has
    try:
        connection = org.connect()
        assert ends(connection.push([enrol(55, "NurtureSequence")])) == [Outcome.WRITTEN]
        assert ends(connection.find([enrol(55, "NurtureSequence")])) == [Outcome.WRITTEN]
        assert codes(connection.push([enrol(56, "NoSuchSequences")])) == ["CADENCE_NOT_FOUND"]
    finally:
        table.put(fast)


def test_one_person_asked_for_twice_is_refused_twice(org: Org) -> None:
    """The second is not told as enrolled already while the first is refused."""
    twice = [enrol(57, "Nurture: introduction"), enrol(57, "Nurture: introduction", key="second")]
    table = org.vendor.org.tables["ActionCadence"]
    nurture = next(row for row in table.rows.values() if row["Name"] == "Nurture: introduction")
    table.put({**nurture, "State": "Inactive"})
    results = org.connect().push(twice)
    table.put(nurture)
    assert codes(results) == ["INVALID_STATUS"] * 2
    assert [result.key for result in results] == [effect.key for effect in twice]


def test_a_cadence_that_is_not_there_or_not_active_is_named(org: Org) -> None:
    results = org.connect().push([enrol(60, "Slow track"), enrol(61)])
    assert codes(results) == ["CADENCE_NOT_FOUND", None]
    assert results[0].refusal is not None
    assert "'Slow track'" in results[0].refusal.message
    table = org.vendor.org.tables["ActionCadence"]
    nurture = next(row for row in table.rows.values() if row["Name"] == "Nurture: introduction")
    table.put({**nurture, "State": "Inactive"})
    (result,) = org.connect().push([enrol(62, "Nurture: introduction")])
    assert codes([result]) == ["INVALID_STATUS"]
    table.put(nurture)


@pytest.mark.parametrize("where", ["*/query/", ASSIGN])
def test_a_user_without_sales_engagement_is_told_so(org: Org, where: str) -> None:
    connection, number = org.connect(), 70 + len(where) % 2
    code = "INVALID_TYPE" if where != ASSIGN else "NOT_FOUND"
    org.faults.add({"path": where, "status": 400, "code": code, "times": 9})
    (result,) = connection.push([enrol(number)])
    assert result.refusal is not None
    assert (result.refusal.code, result.refusal.actor) == ("CADENCE_NO_ACCESS", Actor.CRM_ADMIN)
    assert "Sales Engagement" in result.refusal.fix
    if where != ASSIGN:
        assert ends(connection.find([enrol(number)])) == [Outcome.UNKNOWN]


def after_call(number: int, path: str, act: Callable[[], object]) -> Callable[[CallMade], None]:
    """Something that somebody else does right after our call of that number to a path."""
    heard: list[CallMade] = []

    def hear(call: CallMade) -> None:
        if call.path.rstrip("/").endswith(path):
            heard.append(call)
            if len(heard) == number:
                act()

    return hear


def test_whoever_is_enrolled_by_a_rep_between_our_look_and_our_call_is_unchanged(org: Org) -> None:
    rep = org.connect()
    rep.push([enrol(82)])
    theirs: list[RowOutcome] = []
    by_id = trackers(org, 82)[0]["ActionCadenceId"]  # by its id there is one look, at the trackers
    ours = org.connect(on_call=after_call(1, "/query", lambda: theirs.extend(rep.push([enrol(80)]))))
    results = ours.push([enrol(80, by_id), enrol(81, by_id)])
    assert ends(results) == [Outcome.UNCHANGED, Outcome.WRITTEN]
    assert results[0].record_id == theirs[0].record_id
    assert len(trackers(org, 80)) == 1


def test_an_enrolment_whose_reply_was_lost_is_found_and_not_repeated(org: Org) -> None:
    connection = org.connect()
    connection.push([enrol(90)])
    org.faults.add({"method": "POST", "path": ASSIGN, "drop_reply": True})
    assert ends(connection.push([enrol(91), enrol(92)])) == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert ends(connection.find([enrol(91), enrol(92)])) == [Outcome.WRITTEN, Outcome.WRITTEN]
    assert ends(connection.push([enrol(91), enrol(92)])) == [Outcome.UNCHANGED, Outcome.UNCHANGED]
    assert len(trackers(org, 91)) == 1


def test_nobody_is_enrolled_when_the_org_cannot_be_reached(org: Org) -> None:
    connection = org.connect()
    connection.push([enrol(95)])
    org.faults.add({"method": "POST", "path": ASSIGN, "status": 503, "code": "SERVER_UNAVAILABLE", "times": 9})
    with pytest.raises(TransientError):
        connection.push([enrol(96)])
    org.faults.add({"method": "GET", "status": 400, "code": "MALFORMED_QUERY", "times": 9})
    with pytest.raises(PermanentError):
        connection.push([enrol(97)])


# Campaigns


def join(number: int, campaign: str, object: str = "Lead", **changes: Any) -> JoinList:
    target = lead(number) if object == "Lead" else contact(number)
    return replace(JoinList(f"j{number}", RecordRef(object, target), campaign), **changes)


@pytest.fixture
def campaign(org: Org) -> str:
    """The id of the org's campaign, whose default status is the second one."""
    table = org.vendor.org.tables["CampaignMemberStatus"]
    for row in list(table.rows.values()):
        table.put({**row, "IsDefault": row["Label"] == "Responded"})
    return str(next(iter(org.rows("Campaign"))))


def members(org: Org, campaign: str) -> list[dict[str, Any]]:
    return [row for row in org.rows("CampaignMember").values() if row["CampaignId"] == campaign]


def test_people_become_members_once_with_the_campaigns_default_status(org: Org, campaign: str) -> None:
    connection = org.connect()
    people = [join(1, campaign), join(2, campaign), join(1, campaign, "Contact", key="c"), join(1, campaign, key="j")]
    first = connection.push(people)
    assert ends(first) == [Outcome.WRITTEN, Outcome.WRITTEN, Outcome.WRITTEN, Outcome.UNCHANGED]
    made = {str(row["Id"]): row for row in members(org, campaign)}
    assert {made[str(one.record_id)]["Status"] for one in first[:3]} == {"Responded"}
    assert made[str(first[2].record_id)]["ContactId"] == contact(1)
    org.calls()
    again = connection.push(people)
    assert set(ends(again)) == {Outcome.UNCHANGED}
    assert [one.record_id for one in again[:3]] == [one.record_id for one in first[:3]]
    assert not [method for method, _, _ in org.calls() if method != "GET"]


def test_200_people_join_in_one_call(org: Org, campaign: str) -> None:
    people = [join(number, campaign) for number in range(31, 231)]
    assert set(ends(org.connect().push(people))) == {Outcome.WRITTEN}
    assert [(path, records) for method, path, records in org.calls() if method == "POST"] == [
        ("composite/sobjects", 200)
    ]


def test_u11_a_membership_whose_reply_was_lost_is_found_and_not_made_twice(org: Org, campaign: str) -> None:
    connection = org.connect()
    connection.push([join(3, campaign)])
    org.faults.add({"method": "POST", "path": "*/composite/sobjects", "drop_reply": True})
    assert ends(connection.push([join(4, campaign)])) == [Outcome.UNKNOWN]
    found = connection.find([join(4, campaign), join(5, campaign)])
    assert codes(found) == [None, "NOT_APPLIED"]
    assert ends(connection.push([join(4, campaign)])) == [Outcome.UNCHANGED]


def test_whoever_joins_between_our_look_and_our_call_is_unchanged(org: Org, campaign: str) -> None:
    other = org.connect()
    other.push([join(6, campaign)])
    # The first query asks for the campaign's statuses, the second for its members.
    act = after_call(2, "/query", lambda: other.push([join(7, campaign)]))
    (result,) = org.connect(on_call=act).push([join(7, campaign)])
    assert result.outcome is Outcome.UNCHANGED
    assert [row["Id"] for row in members(org, campaign) if row["LeadId"] == lead(7)] == [result.record_id]


def test_what_a_campaign_does_not_take_is_refused_in_words(org: Org, campaign: str) -> None:
    company = JoinList("a", RecordRef("Account", account(1)), campaign)
    nowhere = join(8, "701000000000001AAA")
    results = org.connect().push([company, nowhere, join(9, campaign), join(10, "no id")])
    assert codes(results) == ["LIST_TAKES_PEOPLE", "CAMPAIGN_NOT_FOUND", None, "CAMPAIGN_NOT_FOUND"]
    assert results[1].refusal is not None
    assert results[1].refusal.actor is Actor.LEADLINE_ADMIN
