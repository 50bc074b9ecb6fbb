"""The HubSpot connector against its sandbox: complete reads whatever happens meanwhile, one outcome per row."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pytest
from tests.hubspot_lab import (
    FIRST,
    NOW,
    UNLIMITED,
    Lab,
    Open,
    enrol,
    labs,
    outcomes,
    records,
    request,
    shown,
    task,
    update,
    world,
)

from leadline.sdk.errors import BudgetError, ConfigError, CredentialsError, PermanentError, TransientError
from leadline.sdk.ports import Runtime
from leadline.sdk.records import Actor, Cursor, Effect, FieldType, Outcome, RecordRef, UpdateFields
from leadline.sdk.sandbox.server import running
from leadline_hubspot import connector
from leadline_hubspot.sandbox import HubSpotSandbox


@pytest.fixture
def opened() -> Iterator[Open]:
    with labs() as open_lab:
        yield open_lab


# --- health and schemas


def test_a_healthy_portal_has_nothing_to_complain_of(opened: Open) -> None:
    findings = opened().connection.check()

    assert [finding for finding in findings if not finding.ok] == []
    assert findings[-1].detail == "Fast track, Nurture: introduction, Nurture: case study"


def test_a_wrong_token_is_one_finding_and_is_not_tried_again(opened: Open) -> None:
    lab = opened(access_token="wrong")

    (finding,) = lab.connection.check()

    assert not finding.ok
    assert "access_token" in finding.fix
    assert len(lab.calls) == 1


def test_a_missing_permission_is_found_without_writing(opened: Open) -> None:
    lab = opened()
    portal = lab.sandbox.vendor.portal  # type: ignore[attr-defined] # the sandbox's own class
    portal.withheld |= {"crm.objects.companies.write", "automation.sequences.read", "crm.lists.read"}

    findings = lab.connection.check()

    (bad,) = [finding for finding in findings if not finding.ok]
    assert (bad.what, "crm.objects.companies.write" in bad.detail) == ("write companies", True)
    assert "enrolments would be refused" in findings[-1].detail
    assert "joining one would be refused" in findings[-2].detail


def test_a_missing_task_key_is_found(opened: Open) -> None:
    lab = opened()
    del lab.sandbox.vendor.portal.tables["tasks"].properties["leadline_key"]  # type: ignore[attr-defined] # as above

    (bad,) = [finding for finding in lab.connection.check() if not finding.ok]

    assert (bad.what, "unique" in bad.fix) == ("task key", True)


def test_a_schema_tells_what_can_be_written(opened: Open) -> None:
    connection = opened().connection

    fields = connection.schema("contacts").fields
    assert fields["leadline_score"].type is FieldType.NUMBER
    assert fields["leadline_group"].options == (
        "priority", "qualified_review", "nurture", "investigate", "research", "poor_fit",
    )  # fmt: skip
    assert fields["leadline_group"].restricted
    assert (fields["hubspot_owner_id"].type, fields["hubspot_owner_id"].references) == (
        FieldType.REFERENCE,
        ("owners",),
    )
    assert not fields["lastmodifieddate"].writable
    assert fields["hs_email_optout"].type is FieldType.BOOLEAN
    assert connection.schema("tasks").fields["leadline_key"].unique
    assert "userId" in connection.schema("owners").fields
    with pytest.raises(PermanentError):
        connection.schema("unicorns")


# --- first reads


@pytest.mark.parametrize("search_above", [10_000, 0], ids=["by listing", "by search"])
def test_a_first_read_is_complete_and_costs_what_was_predicted(opened: Open, search_above: int) -> None:
    lab = opened(world(contacts=450), search_above_rows=search_above)
    estimate = lab.connection.count(request())
    lab.calls.clear()

    found = records(lab.pull())

    assert sorted(found) == [str(FIRST + n) for n in range(450)]
    assert (estimate.records, estimate.calls) == (450, len(lab.calls))
    last = found[str(FIRST + 449)]
    assert last.fields == {"email": "ada449@acme.example", "jobtitle": "CFO"}
    assert last.links == {"companies": ("30000000001",)}
    assert last.modified_at == NOW - 10**6 + 44_900


@pytest.mark.parametrize("search_above", [10_000, 0], ids=["by listing", "by search"])
@pytest.mark.parametrize("kept", range(4))
def test_a_first_read_goes_on_from_any_page(opened: Open, search_above: int, kept: int) -> None:
    lab = opened(world(contacts=3_050), search_above_rows=search_above)
    pages = []
    for page in lab.connection.pull(request()):
        pages.append(page)
        if len(pages) > kept:
            break

    again = lab.pull(pages[-1].cursor)

    assert len(records([*pages, *again])) == 3_050
    assert sum(len(page.records) for page in again) < 3_050


@pytest.mark.parametrize("search_above", [10_000, 0], ids=["by listing", "by search"])
def test_edits_while_a_first_read_goes_on_are_not_lost(opened: Open, search_above: int) -> None:
    lab = opened(world(contacts=2_300), search_above_rows=search_above)
    lab.later()
    pages = []
    for number, page in enumerate(lab.connection.pull(request())):
        pages.append(page)
        if number == 0:
            lab.edit("update", 3, fields={"jobtitle": "Edited"})  # read already
            lab.edit("delete", 5)
            lab.edit("delete", 2_250)  # not read yet
            lab.edit("create", fields={"email": "new@acme.example"})
    pages += lab.pull(pages[-1].cursor)

    found = records(pages)
    live = {record_id for record_id, record in found.items() if not record.deleted}
    assert live == {str(FIRST + n) for n in range(2_301)} - {str(FIRST + 5), str(FIRST + 2_250)}
    assert found[str(FIRST + 3)].fields["jobtitle"] == "Edited"
    assert found[str(FIRST + 5)].deleted


def test_an_empty_object_has_a_page_with_a_cursor(opened: Open) -> None:
    lab = opened(world(contacts=0))

    (page,) = lab.pull()
    lab.later()
    lab.edit("create", fields={"email": "new@acme.example"})

    assert page.records == ()
    assert len(records(lab.pull(page.cursor))) == 1


def test_a_company_shows_all_its_contacts(opened: Open) -> None:
    lab = opened(world(contacts=620))

    (page,) = lab.pull(object="companies", fields=("name",), links=("contacts",))

    assert page.records[0].links["contacts"] == tuple(str(FIRST + n) for n in range(620))


def test_more_properties_than_fit_into_a_search_are_read_in_batches(opened: Open) -> None:
    lab = opened(world(contacts=250), search_above_rows=0)
    many = ("email", *(f"a_property_that_this_portal_does_not_have_{n}" for n in range(60)))

    estimate = lab.connection.count(request(fields=many))
    lab.calls.clear()
    found = records(lab.pull(fields=many))

    assert len(found) == 250
    assert set(found[str(FIRST)].fields) == set(many)
    assert estimate.calls == len(lab.calls)


def test_a_custom_object_is_read_with_its_links(opened: Open) -> None:
    lab = opened(world(activities=3))
    asked: dict[str, Any] = {
        "object": "web_events",
        "fields": ("event_type", "page_views"),
        "links": ("contacts", "companies"),
    }

    listed = records(lab.pull(**asked))

    assert listed["70000000001"].fields == {"event_type": "website", "page_views": None}
    assert listed["70000000001"].links == {"contacts": (str(FIRST),), "companies": ()}


def test_owners_who_left_are_told_as_such(opened: Open) -> None:
    lab = opened()
    lab.connection.count(request(object="owners"))
    (page,) = lab.pull(object="owners", fields=("email", "userId", "archived"), links=())
    (again,) = lab.pull(page.cursor, object="owners", fields=("email", "userId", "archived"), links=())

    assert [(each.id, each.fields["archived"], each.deleted) for each in page.records] == [
        ("500001", False, False),
        ("500002", True, False),
    ]
    assert again.records == page.records


# --- incremental reads


def after_first_read(lab: Lab, **asked: Any) -> Cursor:
    """The cursor behind a complete read, with the read well in the past."""
    cursor = lab.pull(**asked)[-1].cursor
    lab.later()
    return cursor


def test_nothing_new_costs_two_calls(opened: Open) -> None:
    lab = opened(world(contacts=300))
    cursor = after_first_read(lab)
    lab.calls.clear()

    pages = lab.pull(cursor)

    assert (records(pages), len(lab.calls)) == ({}, 2)


def test_changes_deletes_and_creations_come_once_in_their_order(opened: Open) -> None:
    lab = opened(world(contacts=300))
    cursor = after_first_read(lab)
    lab.edit("update", 7, fields={"jobtitle": "Edited"})
    lab.edit("delete", 8)
    made = lab.edit("create", fields={"email": "new@acme.example"}, links={"companies": ["30000000001"]})

    pages = lab.pull(cursor)

    changed = [(each.id, each.deleted) for page in pages for each in page.records]
    assert changed == [(str(FIRST + 7), False), (made, False), (str(FIRST + 8), True)]
    assert records(pages)[made].links == {"companies": ("30000000001",)}


def test_what_was_told_is_not_told_again_for_ever(opened: Open) -> None:
    lab = opened(world(contacts=30))
    cursor = after_first_read(lab)
    lab.edit("update", 7, fields={"jobtitle": "Edited"})
    lab.edit("delete", 8)

    once = lab.pull(cursor)
    lab.later()
    twice = lab.pull(once[-1].cursor)
    lab.later()
    thrice = lab.pull(twice[-1].cursor)

    assert (len(records(once)), records(thrice)) == (2, {})


def test_a_clock_that_stands_still_does_not_make_it_read_all_again(opened: Open) -> None:
    lab = opened(world(contacts=700))
    cursor = after_first_read(lab)
    for number in range(700):
        lab.edit("update", number, fields={"jobtitle": "Edited"})
    cursor = lab.pull(cursor)[-1].cursor
    lab.calls.clear()

    quiet = lab.pull(cursor)
    calls = len(lab.calls)
    lab.edit("update", 7, fields={"jobtitle": "Edited again"})
    news = records(lab.pull(quiet[-1].cursor))

    assert (records(quiet), calls) == ({}, 2)
    assert news[str(FIRST + 7)].fields["jobtitle"] == "Edited again"


def test_more_records_of_one_stamp_than_a_query_can_leave_out(opened: Open) -> None:
    lab = opened(world(contacts=700))
    cursor = after_first_read(lab)
    for number in range(160):  # so that the first query ends with forty of the tie
        lab.edit("update", number, fields={"jobtitle": "Before"})
    portal = lab.sandbox.vendor.portal  # type: ignore[attr-defined] # the sandbox's own class
    table, stamp = portal.tables["contacts"], portal.stamp()
    for number in range(160, 660):
        portal.prepare_update(table, str(FIRST + number), {"jobtitle": "Import"}, stamp)()
    lab.edit("update", 660, fields={"jobtitle": "After"})

    pages = lab.pull(cursor)

    expected = {str(FIRST + n) for n in range(661)}
    assert set(records(pages)) == expected
    assert sum(len(page.records) for page in pages) == len(expected)


def test_more_changes_than_one_search_may_page_through(opened: Open) -> None:
    lab = opened(world(contacts=1_500), replace(UNLIMITED, search_results=200), search_above_rows=0)
    cursor = after_first_read(lab)
    for number in range(1_500):
        lab.edit("update", number, fields={"jobtitle": "Edited"})

    assert len(records(lab.pull(cursor))) == 1_500


def test_a_record_that_changes_while_changes_are_read_pushes_none_aside(opened: Open) -> None:
    lab = opened(world(contacts=2_600))
    cursor = after_first_read(lab)
    for number in range(2_500):
        lab.edit("update", number, fields={"jobtitle": "Edited"})
    pages = []
    for page in lab.connection.pull(request(cursor)):
        pages.append(page)
        for number in range(10):  # an offset would slip by ten records here
            lab.edit("update", number, fields={"jobtitle": "Again"})
    pages += lab.pull(pages[-1].cursor)

    found = records(pages)
    assert len(found) == 2_500
    assert found[str(FIRST + 9)].fields["jobtitle"] == "Again"


def test_changes_go_on_from_any_page(opened: Open) -> None:
    lab = opened(world(contacts=2_500))
    cursor = after_first_read(lab)
    for number in range(2_400):
        lab.edit("update", number, fields={"jobtitle": "Edited"})
    lab.edit("delete", 2_450)
    seen: set[str] = set()
    rounds = 0
    while not {str(FIRST + 2_450)} <= seen:  # die after each page
        page = next(iter(lab.connection.pull(request(cursor))))
        seen |= {each.id for each in page.records}
        cursor, rounds = page.cursor, rounds + 1

    assert len(seen) == 2_401
    assert rounds <= 5


def test_a_read_that_was_interrupted_counts_from_when_it_began(opened: Open) -> None:
    lab = opened(world(contacts=1_200))
    cursor = after_first_read(lab)
    for number in range(1_200):
        lab.edit("update", number, fields={"jobtitle": "Edited"})
    at_once = lab.pull(cursor)[-1].cursor
    page = next(iter(lab.connection.pull(request(cursor))))
    lab.later()
    in_two = lab.pull(page.cursor)[-1].cursor

    # The next read looks back to before the first page, whose rows may have hidden a late one.
    assert in_two.position["since"] == at_once.position["since"]


def test_a_change_that_the_index_shows_late_is_found_by_the_overlap(opened: Open) -> None:
    lab = opened(world(contacts=30), replace(UNLIMITED, index_lag=45))
    cursor = after_first_read(lab)
    lab.edit("update", 3, fields={"jobtitle": "Late"})
    lab.later(20)

    early = lab.pull(cursor)
    lab.later(30)
    late = lab.pull(early[-1].cursor)

    assert str(FIRST + 3) not in records(early)
    assert records(late)[str(FIRST + 3)].fields["jobtitle"] == "Late"


def test_a_change_that_the_index_shows_after_younger_ones_is_found_by_the_overlap(opened: Open) -> None:
    lab = opened(world(contacts=250))
    cursor = after_first_read(lab)
    for number in range(249):
        lab.edit("update", number, fields={"jobtitle": "Edited"})
    lab.later(20)
    lab.edit("update", 249, fields={"jobtitle": "Edited"})
    cursor = lab.pull(cursor)[-1].cursor

    # As if it had been made ten seconds ago: neither the number of records nor the newest of them tells.
    now = lab.sandbox.clock.now()
    lab.sandbox.clock.set(now - 10)
    cast("HubSpotSandbox", lab.sandbox.vendor).portal._last_stamp = 0
    lab.edit("update", 3, fields={"jobtitle": "Late"})
    lab.sandbox.clock.set(now)
    soon = lab.pull(cursor)
    lab.later(100)
    late = lab.pull(soon[-1].cursor)
    lab.later(100)
    after = lab.pull(late[-1].cursor)

    assert records([*soon, *late])[str(FIRST + 3)].fields["jobtitle"] == "Late"
    assert records(after) == {}


def test_a_delete_while_the_bin_is_read_is_not_lost(opened: Open) -> None:
    lab = opened(world(contacts=300))
    cursor = after_first_read(lab)
    for number in range(100, 250):
        lab.edit("delete", number)

    def low_then_high() -> None:
        lab.later(1)
        lab.edit("delete", 5)  # on the page of the bin that has been read
        lab.later(1)
        lab.edit("delete", 290)  # on the one that has not

    lab.meanwhile += [lambda: None, low_then_high]  # behind the search and the first page of the bin
    pages = lab.pull(cursor)
    lab.later()
    pages += lab.pull(pages[-1].cursor)

    deleted = {record_id for record_id, each in records(pages).items() if each.deleted}
    assert deleted == {str(FIRST + n) for n in (5, *range(100, 250), 290)}


def test_a_delete_in_the_second_of_the_last_read_is_told_once(opened: Open) -> None:
    lab = opened()
    cursor = lab.pull()[-1].cursor
    lab.edit("delete", 2)

    once = lab.pull(cursor)
    twice = lab.pull(once[-1].cursor)

    assert [each.id for page in once for each in page.records if each.deleted] == [str(FIRST + 2)]
    assert [each.id for page in twice for each in page.records if each.deleted] == []


def test_a_merge_names_the_survivor(opened: Open) -> None:
    lab = opened()
    cursor = after_first_read(lab)
    lab.edit("merge", 1, into=str(FIRST))

    merged = [
        each for page in lab.pull(cursor) for each in page.records if each.id == str(FIRST + 1) and each.merged_into
    ]

    assert [(each.deleted, each.merged_into) for each in merged] == [(True, str(FIRST))]


def test_a_new_association_of_a_contact_is_news(opened: Open) -> None:
    lab = opened()
    cursor = after_first_read(lab)
    other = lab.edit("create", object="companies", fields={"name": "Other"})
    lab.edit("link", 2, links={"companies": [other]})

    found = records(lab.pull(cursor))

    assert found[str(FIRST + 2)].links == {"companies": ("30000000001", other)}


# --- writing


def test_a_thousand_updates_cost_ten_calls(opened: Open) -> None:
    lab = opened(world(contacts=1_000))

    for start in range(0, 1_000, 100):
        effects = [
            update(number, leadline_score=number, leadline_group="nurture") for number in range(start, start + 100)
        ]
        assert {each.outcome for each in lab.connection.push(effects)} == {Outcome.WRITTEN}

    assert len(lab.calls) == 10
    assert shown(lab)[999]["properties"]["leadline_score"] == "999"


def test_values_arrive_as_hubspot_keeps_them(opened: Open) -> None:
    lab = opened()

    (outcome,) = lab.connection.push(
        [update(0, leadline_score=7, leadline_scored_at="2026-05-01T10:00:00Z", hs_email_optout=True, jobtitle=None)]
    )

    values = shown(lab)[0]["properties"]
    assert (outcome.outcome, outcome.record_id) == (Outcome.WRITTEN, str(FIRST))
    assert (values["leadline_score"], values["hs_email_optout"], values["jobtitle"]) == ("7", "true", None)
    assert values["leadline_scored_at"] == "2026-05-01T10:00:00Z"


def test_one_bad_row_leaves_the_others_alone(opened: Open) -> None:
    lab = opened()
    gone = UpdateFields("gone", RecordRef("contacts", "1"), {"leadline_score": 1})

    done = lab.connection.push(
        [update(0), update(1, leadline_group="nonsense"), gone, update(2, nonsense=1), update(3)]
    )

    assert [each.outcome for each in done] == [
        Outcome.WRITTEN, Outcome.REFUSED, Outcome.REFUSED, Outcome.REFUSED, Outcome.WRITTEN,
    ]  # fmt: skip
    refusals = [each.refusal for each in done if each.refusal]
    assert [(each.code, each.actor) for each in refusals] == [
        ("INVALID_OPTION", Actor.CRM_ADMIN),
        ("OBJECT_NOT_FOUND", Actor.NOBODY),
        ("PROPERTY_DOESNT_EXIST", Actor.LEADLINE_ADMIN),
    ]
    assert all(each.message and each.fix for each in refusals)
    assert len(lab.calls) == 1


def test_a_rule_of_the_portal_is_quoted(opened: Open) -> None:
    lab = opened()
    lab.sandbox.faults.add({"object": "contacts", "ids": [str(FIRST)], "code": "RULE", "message": "Owner is on leave"})

    refused, written = lab.connection.push([update(0), update(1)])

    assert refused.refusal is not None
    assert (refused.refusal.code, refused.refusal.message) == ("RULE", "Owner is on leave")
    assert written.outcome is Outcome.WRITTEN


def test_a_batch_that_is_refused_as_a_whole_is_halved(opened: Open) -> None:
    lab = opened()
    lab.sandbox.faults.add({"path": "*/batch/update", "status": 400, "times": 1})

    done = lab.connection.push([update(number) for number in range(4)])

    assert {each.outcome for each in done} == {Outcome.WRITTEN}
    assert len(lab.calls) == 3


def test_a_record_twice_in_one_push_goes_into_two_batches(opened: Open) -> None:
    lab = opened()
    second = replace(update(0, leadline_score=81), key="second")

    done = lab.connection.push([update(0), second])

    assert [(each.key, each.outcome) for each in done] == [("u0", Outcome.WRITTEN), ("second", Outcome.WRITTEN)]
    assert shown(lab)[0]["properties"]["leadline_score"] == "81"
    assert len(lab.calls) == 2


def test_several_objects_in_one_push_keep_their_order(opened: Open) -> None:
    lab = opened()
    company = UpdateFields("c", RecordRef("companies", "30000000001"), {"leadline_score": 5})

    done = lab.connection.push([update(0), company, update(1)])

    assert [each.key for each in done] == ["u0", "c", "u1"]
    assert shown(lab, "companies")[0]["properties"]["leadline_score"] == "5"
    assert len(lab.calls) == 2


def test_a_lifecycle_stage_that_stays_is_not_called_written(opened: Open) -> None:
    lab = opened()
    lab.edit("update", 0, fields={"lifecyclestage": "customer"})

    assert outcomes(lab, update(0, lifecyclestage="lead", leadline_score=5)) == [
        (Outcome.REFUSED, "LIFECYCLE_BACKWARD")
    ]
    assert shown(lab)[0]["properties"]["leadline_score"] == "5"


# --- tasks


def test_a_task_is_made_with_its_associations_in_one_call(opened: Open) -> None:
    lab = opened()

    assert outcomes(lab, task()) == [(Outcome.WRITTEN, None)]

    (made,) = shown(lab, "tasks")
    values = made["properties"]
    assert made["associations"] == {"contacts": [str(FIRST)], "companies": ["30000000001"]}
    assert values["hs_timestamp"] == "2026-05-28T22:26:40Z"
    assert (values["hs_task_status"], values["hs_task_priority"], values["hubspot_owner_id"]) == (
        "NOT_STARTED", "HIGH", "500001",
    )  # fmt: skip
    assert values["hs_task_body"] == "Why:<br>\n- priced &lt; $5 &amp; hot"
    assert len(lab.calls) == 1


def test_a_task_is_never_made_twice_nor_set_back(opened: Open) -> None:
    lab = opened()
    lab.connection.push([task()])
    record_id = shown(lab, "tasks")[0]["id"]
    lab.sandbox.vendor.edit(
        {"action": "update", "object": "tasks", "id": record_id, "fields": {"hs_task_status": "COMPLETED"}}
    )

    first, second = lab.connection.push([task(), task("t2")])

    assert (first.outcome, first.record_id) == (Outcome.WRITTEN, record_id)
    assert second.outcome is Outcome.WRITTEN
    assert [each["properties"]["hs_task_status"] for each in shown(lab, "tasks")] == ["COMPLETED", "NOT_STARTED"]


def test_a_task_without_its_associations_is_completed(opened: Open) -> None:
    lab = opened()
    values = {"hs_timestamp": "2026-05-01T00:00:00Z", "leadline_key": "t1"}
    lab.sandbox.vendor.edit({"action": "create", "object": "tasks", "fields": values})

    (before,) = lab.connection.find([task()])
    pushed = outcomes(lab, task())
    (after,) = lab.connection.find([task()])

    assert before.refusal is not None
    assert before.refusal.code == "NOT_APPLIED"
    assert (pushed, after.outcome) == ([(Outcome.WRITTEN, None)], Outcome.WRITTEN)
    assert set(shown(lab, "tasks")[0]["associations"]) == {"contacts", "companies"}


def test_a_task_for_somebody_who_left_is_refused_and_the_others_made(opened: Open) -> None:
    lab = opened()

    assert outcomes(lab, task(owner_id="500002"), task("t2", person=None), task("t3", owner_id=None)) == [
        (Outcome.REFUSED, "INVALID_OWNER_ID"),
        (Outcome.WRITTEN, None),
        (Outcome.WRITTEN, None),
    ]


# --- enrolments


@pytest.mark.parametrize("sequence", ["300001", "Fast track"])
def test_a_contact_is_enrolled_once_by_the_owners_user(opened: Open, sequence: str) -> None:
    lab = opened()

    assert outcomes(lab, enrol(sequence=sequence, sender_email=None)) == [(Outcome.WRITTEN, None)]
    assert outcomes(lab, enrol(sequence=sequence)) == [(Outcome.UNCHANGED, None)]

    (made,) = shown(lab, "enrollments")
    assert (made["enrolledBy"], made["enrolledByEmail"]) == ("900001", "rita@leadline.example")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"owner_id": "500002"}, "OWNER_NOT_FOUND"),
        ({"owner_id": None}, "OWNER_NOT_FOUND"),
        ({"person": RecordRef("companies", "30000000001")}, "NOT_A_CONTACT"),
        ({"sequence": "1"}, "OBJECT_NOT_FOUND"),
        ({"sender_email": "somebody@else.example"}, "VALIDATION_ERROR"),
    ],
)
def test_an_enrolment_that_cannot_be_says_why(opened: Open, changed: dict[str, Any], code: str) -> None:
    lab = opened()

    assert outcomes(lab, enrol(**changed)) == [(Outcome.REFUSED, code)]
    assert shown(lab, "enrollments") == []


def test_a_contact_in_another_sequence_is_left_there(opened: Open) -> None:
    lab = opened()
    lab.connection.push([enrol(sequence="300002")])

    assert outcomes(lab, enrol()) == [(Outcome.REFUSED, "IN_ANOTHER_SEQUENCE")]


# --- lost replies and faults


@pytest.mark.parametrize("effect", [update(0), task(), enrol()], ids=["update", "task", "enrolment"])
@pytest.mark.parametrize(
    ("fault", "settled"), [({"drop_reply": True}, Outcome.WRITTEN), ({"drop_request": True}, Outcome.REFUSED)]
)
def test_a_write_without_an_answer_is_settled_by_reading(
    opened: Open, effect: Effect, fault: dict[str, Any], settled: Outcome
) -> None:
    lab = opened()
    lab.sandbox.faults.add({"path": "^.*/(batch/(update|create)|enrollments)$", "method": "POST", **fault})

    (pushed,) = lab.connection.push([effect])
    (found,) = lab.connection.find([effect])

    assert pushed.outcome is Outcome.UNKNOWN
    assert found.outcome is settled
    assert (found.refusal.code if found.refusal else None) == ("NOT_APPLIED" if settled is Outcome.REFUSED else None)


def test_a_server_fault_during_a_write_is_not_answered_by_writing_again(opened: Open) -> None:
    lab = opened()
    lab.sandbox.faults.add({"path": "*/batch/create", "status": 502, "times": 1})

    assert outcomes(lab, task()) == [(Outcome.UNKNOWN, None)]
    assert len(lab.calls) == 1


def test_reading_back_a_deleted_record_says_that_it_is_gone(opened: Open) -> None:
    lab = opened()
    lab.edit("delete", 0)

    (found,) = lab.connection.find([update(0)])

    assert found.refusal is not None
    assert found.refusal.code == "OBJECT_NOT_FOUND"


@pytest.mark.parametrize(
    ("status", "code", "waited"),
    [(429, "TEN_SECONDLY_ROLLING", 10.0), (429, "SECONDLY", 1.0), (423, None, 2.0)],
)
def test_a_write_that_must_wait_is_written_in_the_end(
    opened: Open, status: int, code: str | None, waited: float
) -> None:
    lab = opened()
    rule: dict[str, Any] = {"path": "*/batch/update", "status": status, "times": 2}
    lab.sandbox.faults.add({**rule, "code": code} if code else rule)

    assert outcomes(lab, update(0)) == [(Outcome.WRITTEN, None)]
    assert lab.slept == [waited, waited]


@pytest.mark.parametrize(
    "fault",
    [{"status": 503, "headers": {"Retry-After": "3"}}, {"status": 502}, {"drop_reply": True}, {"drop_request": True}],
    ids=["503", "502", "reply lost", "request lost"],
)
def test_a_read_is_tried_again(opened: Open, fault: dict[str, Any]) -> None:
    lab = opened()
    lab.sandbox.faults.add({"path": "/crm/*", "times": 2, **fault})

    assert len(records(lab.pull())) == 5
    assert len(lab.slept) == 2


def test_faults_without_end_are_transient_and_nothing_was_applied(opened: Open) -> None:
    lab = opened()
    lab.sandbox.faults.add({"path": "/crm/*", "times": None, "status": 429})

    with pytest.raises(TransientError):
        lab.connection.push([update(0)])
    with pytest.raises(TransientError):
        lab.pull()


def test_a_spent_day_is_a_matter_of_the_budget(opened: Open) -> None:
    lab = opened(limits=replace(UNLIMITED, daily=1))

    with pytest.raises(BudgetError):
        lab.pull()


def test_the_budget_given_to_the_connection_is_kept(opened: Open) -> None:
    lab = opened(daily=2)

    with pytest.raises(BudgetError):
        [lab.pull() for _ in range(3)]
    assert len(lab.calls) == 2


def test_a_revoked_token_stops_at_once(opened: Open) -> None:
    lab = opened()
    lab.sandbox.faults.add({"path": "/crm/*", "status": 401, "times": None})

    with pytest.raises(CredentialsError):
        lab.connection.push([update(0)])
    assert len(lab.calls) == 1


def test_a_fault_in_the_middle_of_a_push_leaves_the_rest_unknown(opened: Open) -> None:
    lab = opened()
    lab.sandbox.faults.add({"path": "*/companies/batch/update", "status": 401, "times": None})
    company = UpdateFields("c", RecordRef("companies", "30000000001"), {"leadline_score": 5})

    assert outcomes(lab, update(0), company) == [(Outcome.WRITTEN, None), (Outcome.UNKNOWN, None)]


def test_nobody_listening_is_transient(opened: Open) -> None:
    lab = opened(base_url="http://127.0.0.1:9")

    with pytest.raises(TransientError, match="no connection"):
        lab.pull()
    (finding,) = lab.connection.check()
    assert not finding.ok


def test_an_answer_that_never_ends_is_cut_off_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def flood() -> None:
            peer, _ = server.accept()
            with peer, suppress(OSError):
                peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                while True:
                    peer.sendall(b"1\r\n \r\n" * 100)

        thread = threading.Thread(target=flood)
        thread.start()
        runtime = Runtime("portal", lambda: NOW, lambda _: None, 0.05)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        connection = connector.connect({"access_token": "t", "base_url": url}, runtime)

        (outcome,) = connection.push([update(0)])

        thread.join()
    assert outcome.outcome is Outcome.UNKNOWN
    connection.close()


def test_a_closed_connection_has_hung_up(opened: Open) -> None:
    lab = opened()
    lab.pull()
    port = int(lab.sandbox.base_url.rpartition(":")[2])

    assert _connected_to(port) > 0
    lab.connection.close()

    assert _connected_to(port) == 0


def _connected_to(port: int) -> int:
    """Sockets of this process that are connected to that port."""
    gc.collect()
    found = [each for each in gc.get_objects() if type(each) is socket.socket and each.fileno() >= 0]
    count = 0
    for each in found:
        with suppress(OSError):
            count += each.family == socket.AF_INET and each.getpeername()[1] == port
    return count


def test_headers_that_drip_keep_the_deadline() -> None:
    sent = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            peer, _ = server.accept()
            with peer, suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 300 + b"\r\nContent-Length: 0\r\n\r\n":
                    peer.sendall(bytes([byte]))
                    sent.append(byte)
                    threading.Event().wait(0.01)  # shorter than the deadline: every byte comes in time

        thread = threading.Thread(target=drip)
        thread.start()
        runtime = Runtime("portal", lambda: NOW, lambda _: None, 0.1)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        connection = connector.connect({"access_token": "t", "base_url": url}, runtime)

        (outcome,) = connection.push([update(0)])

        thread.join()
    assert outcome.outcome is Outcome.UNKNOWN
    assert len(sent) < 300
    connection.close()


def test_a_certificate_of_an_unknown_authority_is_a_setting_to_correct() -> None:
    with running(HubSpotSandbox, world(), tls=True) as sandbox:
        runtime = Runtime("portal", lambda: NOW, lambda _: None, 5.0)
        strange = connector.connect({**sandbox.credentials, "ca_file": None}, runtime)
        trusted = connector.connect(sandbox.credentials, runtime)

        with pytest.raises(ConfigError, match="certificate"):
            strange.schema("contacts")
        assert trusted.schema("contacts").fields
        strange.close()
        trusted.close()
