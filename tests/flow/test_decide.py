"""Scoring and deciding over a whole loop on a CRM in memory: what is looked at, what follows, and only once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.desk import DAY, START, Desk
from tests.fakes import Fault, PowerCut
from tests.projects import MODEL

from leadline.app.bootstrap import Project
from leadline.app.sync import perform, sync
from leadline.sdk.errors import ConfigError
from leadline.sdk.records import Actor, Refusal, UpdateFields
from leadline.store import outbox, tables


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two accounts with a contact each, backfilled; nothing has happened there yet."""
    ready = Desk(tmp_path)
    ready.account("a1")
    ready.contact("c1", "a1")
    ready.account("a2")
    ready.contact("c2", "a2")
    ready.backfill()
    return ready


def test_a_backfill_fills_fields_and_withholds_plays(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.account("a1")
    desk.contact("c1", "a1")
    desk.act("t1", "c1")
    desk.contact("c9", None)
    report = desk.backfill()
    assert (report.counts["withheld"], report.counts["crossed"]) == (1, 3)
    assert report.crossings == []
    assert (desk.crm.tasks, desk.crm.enrolments) == ([], [])
    assert (desk.shows("a1"), desk.shows("a1", "Group"), desk.shows("a1", "Owner")) == (70, "priority", "nobody")
    assert desk.shows("a1", "Action") == "No action on priority: scored for the first time in a backfill."
    assert (desk.shows("c1"), desk.shows("c1", "Action")) == (70, None)
    assert desk.shows("c9") == 0
    desk.assert_at_rest()


def test_a_crossing_starts_the_play_once(desk: Desk) -> None:
    desk.act("t1", "c1")
    report = desk.run()
    [crossing] = report.crossings
    assert (crossing.uid, crossing.was, crossing.group, crossing.score) == ("crm/Account/a1", "nurture", "priority", 70)
    [task], [enrolment] = desk.crm.tasks, desk.crm.enrolments
    assert (task.subject, task.owner_id, task.due_at) == ("Call: A1", "u1", START + 2 * 3_600)
    assert task.person is not None
    assert task.account is not None
    assert (task.person.id, task.account.id) == ("c1", "a1")
    assert "Asked for a demo" in task.body
    assert (enrolment.person.id, enrolment.sequence, enrolment.sender_email) == ("c1", "seq-fast", "ann@us.com")
    assert (desk.shows("a1", "Owner"), desk.shows("a1", "Group"), desk.shows("a2", "Group")) == (
        "u1", "priority", "nurture",
    )  # fmt: skip
    assert str(desk.shows("a1", "Action")).startswith(
        "Priority, planned: assign to Ann, task due in 2 h, enrol in fast."
    )
    assert report.counts["scored"] == 2  # the account and its contact, nobody else
    desk.assert_at_rest()


def test_a_play_puts_a_person_on_a_list_once_for_each_crossing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.account("a1")
    desk.contact("c1", "a1")
    desk.backfill()
    desk.set_model(MODEL.replace("sequence: fast,", "list: keep,"))
    desk.act("t1", "c1")
    assert desk.backfill().counts["withheld"] == 1  # nobody is put on a list by a first look
    desk.crm.delete("Activity", "t1")
    desk.run()
    assert desk.crm.lists == {}
    desk.act("t2", "c1")
    desk.run()
    assert desk.crm.lists == {"list-7": ["c1"]}
    assert "add to list keep" in str(desk.shows("a1", "Action"))
    desk.assert_at_rest()
    desk.crm.lists.clear()  # somebody takes them off
    desk.act("t3", "c1")
    desk.run()
    assert desk.crm.lists == {}
    for key in ("t2", "t3"):
        desk.crm.delete("Activity", key)
    desk.run()
    desk.act("t4", "c1")
    desk.run()
    assert desk.crm.lists == {"list-7": ["c1"]}


def test_more_of_the_same_is_no_second_crossing(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    desk.act("t2", "c1")
    report = desk.run()
    assert (report.crossings, len(desk.crm.tasks), len(desk.crm.enrolments)) == ([], 1, 1)
    assert desk.shows("a1") == 100
    desk.assert_at_rest()


def test_only_what_is_due_is_looked_at_as_time_goes_by(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    before = desk.score("crm/Account/a1")
    assert before is not None
    assert before["due_at"] == START + 10 * DAY
    desk.now = START + 10 * DAY - 1
    desk.assert_at_rest()
    desk.now = START + 10 * DAY
    report = desk.run()
    assert (report.counts["scored"], report.counts["crossed"]) == (2, 2)
    assert (desk.shows("a1"), desk.shows("a1", "Group"), desk.shows("a1", "Owner")) == (40, "nurture", "u1")
    assert len(desk.crm.tasks) == 1
    desk.assert_at_rest()


def test_coming_back_is_a_crossing_of_its_own(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    desk.now += 30 * DAY
    desk.run()
    assert desk.shows("a1", "Group") == "nurture"
    desk.act("t2", "c1")
    desk.run()
    assert len(desk.crm.tasks) == 2
    assert len(desk.crm.enrolments) == 1  # already in the sequence
    assert "Not enrolled: already in the sequence." in str(desk.shows("a1", "Action"))
    assert len({task.key for task in desk.crm.tasks}) == 2


def test_a_new_record_that_arrives_in_a_group_starts_its_play(desk: Desk) -> None:
    desk.account("a3")
    desk.contact("c3", "a3")
    desk.act("t3", "c3")
    report = desk.run()
    assert [crossing.was for crossing in report.crossings] == [None]
    assert len(desk.crm.tasks) == 1
    desk.assert_at_rest()


def test_crossings_of_one_run_are_shared_evenly_and_the_same_in_any_chunks(tmp_path: Path) -> None:
    owners = {}
    for chunk in (500, 5):
        (tmp_path / str(chunk)).mkdir()
        desk = Desk(tmp_path / str(chunk), chunk=chunk)
        for number in range(30):
            desk.account(f"a{number:02}")
            desk.contact(f"c{number:02}", f"a{number:02}")
        desk.backfill()
        for number in range(30):
            desk.act(f"t{number}", f"c{number:02}")
        desk.run()
        owners[chunk] = [desk.shows(f"a{number:02}", "Owner") for number in range(30)]
        assert Counter(owners[chunk]) == {"u1": 15, "u2": 15}
    assert owners[500] == owners[5]


def test_one_crossing_a_run_is_shared_evenly_too(desk: Desk) -> None:
    for number in range(10, 16):
        desk.account(f"a{number}")
        desk.contact(f"c{number}", f"a{number}")
        desk.act(f"t{number}", f"c{number}")
        desk.run()
    assert Counter(desk.shows(f"a{number}", "Owner") for number in range(10, 16)) == {"u1": 3, "u2": 3}


def test_a_human_owner_keeps_the_record(desk: Desk) -> None:
    desk.account("a1", Owner="u2")
    desk.run()
    desk.act("t1", "c1")
    desk.run()
    assert (desk.shows("a1", "Owner"), desk.crm.tasks[0].owner_id) == ("u2", "u2")
    assert "kept with bob" in str(desk.shows("a1", "Action")).lower()


@pytest.mark.parametrize(
    ("deal", "lifecycle", "said"),
    [
        ({"Closed": "false", "Won": "false"}, None, "an opportunity is open"),
        ({"Closed": "true", "Won": "true"}, None, "already a customer"),
        (None, "competitor", "a competitor"),
    ],
)
def test_what_must_not_be_disturbed_is_held_back_with_the_reason(
    desk: Desk, deal: dict[str, Any] | None, lifecycle: str | None, said: str
) -> None:
    if deal:
        desk.crm.put("Deal", "d1", Account="a1", **deal)
    desk.account("a1", Kind=lifecycle)
    desk.act("t1", "c1")
    desk.run()
    assert (desk.crm.tasks, desk.crm.enrolments, desk.shows("a1", "Owner")) == ([], [], "nobody")
    assert desk.shows("a1", "Action") == f"Held back: {said}."
    assert desk.shows("a1", "Group") == "priority"


def test_a_group_is_left_only_when_the_score_is_clearly_below(desk: Desk) -> None:
    """60 is the line, 3 the hysteresis: 58 stays, 56 leaves."""
    text = MODEL.replace("steps: [[10, 10]]", "steps: [[5, 28], [6, 26]]")
    desk.set_model(text)
    desk.run()
    desk.act("t1", "c1")
    desk.run()
    assert desk.shows("a1", "Group") == "priority"
    desk.now += 5 * DAY
    desk.run()
    assert (desk.shows("a1"), desk.shows("a1", "Group")) == (58, "priority")
    desk.now += DAY
    desk.run()
    assert (desk.shows("a1"), desk.shows("a1", "Group")) == (56, "nurture")
    desk.assert_at_rest()


def test_a_connection_that_was_added_must_be_backfilled_before_it_starts_plays(desk: Desk) -> None:
    with desk.project() as project:
        sync(project, lambda _: None)
        project.connections["second"] = replace(project.connections["crm"], name="second")
        with pytest.raises(ConfigError, match="connection second has not been backfilled yet"):
            sync(project, lambda _: None)


# How small moves reach the CRM


def test_a_small_move_is_kept_until_it_is_worth_a_write_or_the_last_write_is_old(desk: Desk) -> None:
    desk.act("w1", "c1", "web_session")
    report = desk.run()
    assert (report.counts["scored"], report.counts["written"]) == (2, 0)
    score = desk.score("crm/Account/a1")
    assert score is not None
    assert (score["score"], score["pushed_score"]) == (33_000, 30_000)
    assert desk.shows("a1") == 30
    desk.act("w2", "c1", "web_session")
    desk.run()
    assert desk.shows("a1") == 36
    desk.act("w3", "c1", "web_session")
    desk.run()
    assert desk.shows("a1") == 36
    desk.now += 7 * DAY - 1
    desk.assert_at_rest()
    desk.now += 1
    desk.run()
    assert desk.shows("a1") == 39
    desk.assert_at_rest()


def test_an_old_write_that_still_says_the_truth_is_not_made_again(desk: Desk) -> None:
    desk.now += 8 * DAY
    desk.assert_at_rest()
    desk.act("w1", "c1", "web_session")
    desk.run()
    desk.assert_at_rest()


# Who is who


def test_a_person_who_moves_keeps_their_state(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    before = desk.score("crm/Contact/c1")
    desk.now += DAY
    desk.contact("c1", "a2")
    report = desk.run()
    after = desk.score("crm/Contact/c1")
    assert before is not None
    assert after is not None
    kept = ("group", "group_since", "crossing", "push_no", "pushed_at")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert after["cluster"] == "crm/Account/a2"
    assert (desk.shows("a1"), desk.shows("a2")) == (30, 70)
    assert [crossing.uid for crossing in report.crossings if crossing.group == "priority"] == ["crm/Account/a2"]
    desk.assert_at_rest()


@pytest.mark.parametrize("chunk", [1, 500])
@pytest.mark.parametrize(("old", "new"), [("a1", "a2"), ("a2", "a1")])
def test_a_move_is_the_same_whichever_account_comes_first(tmp_path: Path, chunk: int, old: str, new: str) -> None:
    desk = Desk(tmp_path, chunk=chunk)
    desk.account("a1")
    desk.account("a2")
    desk.contact("c1", old)
    desk.act("t1", "c1", "web_session")
    desk.backfill()
    desk.contact("c1", new)
    desk.run()
    assert desk.scored() == {"a1", "a2", "c1"}
    kept = desk.score("crm/Contact/c1")
    assert kept is not None
    assert (kept["cluster"], kept["crossing"], kept["push_no"]) == (f"crm/Account/{new}", 1, 1)
    desk.assert_at_rest()


def test_a_lead_and_its_contact_are_one_person(desk: Desk) -> None:
    desk.crm.put("Lead", "l1", Name="Ada", Email="ada@x.com", Contact="c1", Owner="u1")
    desk.act("t1", "l1")
    desk.run()
    assert desk.scored() == {"a1", "a2", "c1", "c2"}
    assert (desk.shows("l1"), desk.shows("c1"), desk.shows("a1")) == (70, 70, 70)
    assert desk.crm.tasks[0].person is not None
    assert desk.crm.tasks[0].person.id == "c1"
    desk.assert_at_rest()


def test_a_lead_that_becomes_a_contact_shows_the_contacts_score(desk: Desk) -> None:
    desk.crm.put("Lead", "l1", Name="Ada", Email="ada@x.com", Owner="u1")
    desk.run()
    assert (desk.shows("l1"), desk.scored()) == (0, {"a1", "a2", "c1", "c2", "l1"})
    desk.crm.put("Lead", "l1", Contact="c1")
    desk.run()
    assert (desk.shows("l1"), desk.scored()) == (30, {"a1", "a2", "c1", "c2"})
    desk.assert_at_rest()


def test_a_lead_that_moves_to_another_contact_shows_that_ones_score(desk: Desk) -> None:
    desk.act("t1", "c2")
    desk.crm.put("Lead", "l1", Name="Ada", Email="ada@x.com", Contact="c1", Owner="u1")
    desk.run()
    assert desk.shows("l1") == 30
    desk.crm.put("Lead", "l1", Contact="c2")
    desk.run()
    assert (desk.shows("l1"), desk.shows("c2")) == (70, 70)
    desk.now += 60
    desk.crm.put("Lead", "l1", Contact=None)
    desk.run()
    assert (desk.shows("l1"), desk.scored()) == (0, {"a1", "a2", "c1", "c2", "l1"})
    desk.crm.put("Lead", "l1", Contact="c2")
    desk.run()
    assert desk.shows("l1") == 70
    desk.assert_at_rest()


def test_a_lead_whose_contact_comes_later_is_one_person_then(desk: Desk) -> None:
    desk.crm.put("Lead", "l1", Name="Ada", Email="ada@x.com", Contact="c3", Owner="u1")
    desk.act("t1", "l1")
    desk.run()
    assert "l1" in desk.scored()
    desk.contact("c3", "a1")
    desk.run()
    assert desk.scored() == {"a1", "a2", "c1", "c2", "c3"}
    assert (desk.shows("l1"), desk.shows("c3"), desk.shows("a1")) == (70, 70, 70)
    desk.assert_at_rest()


def test_a_lead_whose_contact_is_deleted_stands_for_itself(desk: Desk) -> None:
    desk.crm.put("Lead", "l1", Name="Ada", Email="ada@x.com", Contact="c1", Owner="u1")
    desk.act("t1", "l1", "web_session")
    desk.run()
    desk.crm.delete("Contact", "c1")
    desk.run()
    assert desk.scored() == {"a1", "a2", "c2", "l1"}
    assert desk.shows("l1") == 3
    desk.assert_at_rest()


def test_a_converted_lead_is_written_no_more_and_its_history_counts_for_the_contact(desk: Desk) -> None:
    desk.crm.put("Lead", "l1", Name="Ada", Email="ada@x.com", Owner="u1")
    desk.act("t1", "l1")
    desk.run()
    assert (desk.shows("l1"), desk.shows("c1")) == (40, 30)
    desk.crm.put("Lead", "l1", Contact="c1", Converted="true")
    desk.crm.refusals["l1"] = Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "it is converted", Actor.NOBODY)
    report = desk.run()
    assert (report.counts["refused"], desk.shows("l1"), desk.shows("c1"), desk.shows("a1")) == (0, 40, 70, 70)
    assert [task.person.id for task in desk.crm.tasks if task.person] == ["c1"]
    desk.assert_at_rest()


def test_a_write_that_waits_for_a_lead_is_dropped_when_the_lead_is_converted(desk: Desk) -> None:
    desk.crm.put("Lead", "l1", Name="Ada", Email="ada@x.com", Owner="u1")
    desk.crm.refusals["l1"] = Refusal("CANNOT_UPDATE_CONVERTED_LEAD", "it is converted", Actor.NOBODY)
    assert desk.run().counts["refused"] == 1
    desk.crm.put("Lead", "l1", Contact="c1", Converted="true")
    desk.run()
    assert [line["state"] for line in desk.effects() if line["record_id"] == "l1"] == ["superseded"]


def test_a_converted_lead_whose_contact_cannot_be_read_is_left_alone(desk: Desk) -> None:
    desk.crm.put("Lead", "l1", Name="Ada", Email="ada@x.com", Owner="u1", Contact="hidden", Converted="true")
    desk.set_model(MODEL.replace("score: [60, null]", "score: [40, null]"))
    desk.run()
    desk.act("t1", "l1")
    counts = desk.run().counts
    assert (counts["withheld"], counts["planned"], desk.crm.tasks, desk.crm.enrolments) == (1, 0, [], [])
    desk.assert_at_rest()


# What goes, and comes back


def test_a_deleted_person_has_no_score_and_gives_none(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    desk.crm.delete("Contact", "c1")
    report = desk.run()
    assert desk.scored() == {"a1", "a2", "c2"}
    assert (desk.shows("a1"), report.counts["refused"]) == (30, 0)
    desk.assert_at_rest()


def test_people_of_a_deleted_account_stand_alone_at_once(desk: Desk) -> None:
    desk.act("t1", "c1", "web_session")
    desk.run()
    desk.crm.delete("Account", "a1")
    desk.run()
    assert desk.scored() == {"a2", "c1", "c2"}
    kept = desk.score("crm/Contact/c1")
    assert kept is not None
    assert (kept["cluster"], kept["score"]) == ("crm/Contact/c1", 3_000)
    assert desk.shows("c1") == 3
    desk.assert_at_rest()


def test_an_account_that_comes_back_takes_its_people_back(desk: Desk) -> None:
    desk.crm.delete("Account", "a1")
    desk.run()
    desk.now += DAY
    desk.account("a1")
    desk.act("t1", "c1")
    desk.run()
    assert desk.scored() == {"a1", "a2", "c1", "c2"}
    assert (desk.shows("a1"), desk.shows("c1")) == (70, 70)
    desk.assert_at_rest()


def test_an_account_that_was_read_after_its_people_gathers_them(desk: Desk) -> None:
    desk.contact("c3", "a3")
    desk.run()
    assert desk.shows("c3") == 0
    desk.account("a3")
    desk.run()
    assert (desk.shows("c3"), desk.scored()) == (30, {"a1", "a2", "a3", "c1", "c2", "c3"})
    desk.assert_at_rest()


def test_a_deleted_activity_gives_no_points_any_more(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    desk.crm.delete("Activity", "t1")
    desk.run()
    assert (desk.shows("a1"), desk.shows("a1", "Group")) == (30, "nurture")
    desk.assert_at_rest()


# A new version of the model


def test_a_new_model_moves_records_without_starting_plays(desk: Desk) -> None:
    desk.set_model(MODEL.replace("points: 30, when", "points: 65, when"))
    report = desk.run()
    assert (report.counts["scored"], report.counts["withheld"], report.crossings) == (4, 2, [])
    assert (desk.crm.tasks, desk.shows("a1", "Group")) == ([], "priority")
    assert desk.shows("a1", "Action") == "No action on priority: moved by a new version of the model."
    desk.assert_at_rest()


def test_a_new_model_looks_at_everybody_once_even_after_accounts_went(desk: Desk) -> None:
    desk.crm.delete("Account", "a1")
    desk.run()
    desk.set_model(MODEL.replace("points: 30, when", "points: 31, when"))
    assert desk.run().counts["scored"] == 3
    desk.assert_at_rest()


def test_what_data_move_in_the_same_run_as_a_new_model_acts_and_what_the_model_moves_does_not(desk: Desk) -> None:
    """The new model is settled on the facts of before; a2 crosses by its own doing, a3 by the model's."""
    desk.account("a3", Industry="Software", Kind="customer")
    desk.run()
    rule = "{id: kind, name: Kind, part: fit, points: 35, when: {field: account.lifecycle, known: true}}"
    desk.set_model(MODEL.replace("signals:", f"  - {rule}\nsignals:"))
    desk.act("t2", "c2")
    report = desk.run()
    assert [crossing.uid for crossing in report.crossings] == ["crm/Account/a2"]
    assert [task.account.id for task in desk.crm.tasks if task.account] == ["a2"]
    assert (desk.shows("a3", "Group"), desk.shows("a2", "Group")) == ("priority", "priority")
    assert desk.shows("a3", "Action") == "No action on priority: moved by a new version of the model."
    assert report.counts["withheld"] == 1
    desk.assert_at_rest()


# Writes that do not get through


def test_an_assignment_that_could_not_be_sent_is_not_lost_to_a_newer_score(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.crm.faults.append(Fault.TRANSIENT)
    assert desk.run().failures.keys() == {"crm"}
    assert desk.shows("a1", "Owner") == "nobody"
    desk.act("t2", "c1")  # a higher score, the same group
    desk.run()
    assert (desk.shows("a1"), desk.shows("a1", "Owner"), len(desk.crm.tasks)) == (100, "u1", 1)
    owner = desk.crm.tasks[0].owner_id
    assert owner == "u1"
    desk.assert_at_rest()


def test_an_assignment_that_could_not_be_sent_gives_way_to_a_human(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.crm.faults.append(Fault.TRANSIENT)
    desk.run()
    desk.account("a1", Owner="u2")
    desk.act("t2", "c1")
    desk.run()
    assert (desk.shows("a1"), desk.shows("a1", "Owner")) == (100, "u2")
    desk.assert_at_rest()


def test_an_assignment_that_waits_gives_way_to_a_human_without_further_news(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.crm.faults.append(Fault.TRANSIENT)
    desk.run()
    desk.account("a1", Owner="u2")
    assert desk.run().counts["scored"] == 0
    assert (desk.shows("a1"), desk.shows("a1", "Group"), desk.shows("a1", "Owner")) == (70, "priority", "u2")
    desk.assert_at_rest()


def test_a_task_and_an_enrolment_that_wait_go_to_whoever_took_the_record(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.crm.faults.append(Fault.TRANSIENT)
    desk.run()
    desk.account("a1", Owner="u2")
    desk.run()
    [task], [enrolment] = desk.crm.tasks, desk.crm.enrolments
    assert (task.owner_id, task.body.splitlines()[-1]) == ("u2", "Routing: kept with Bob, who owns the record.")
    assert (enrolment.owner_id, enrolment.sender_email) == ("u2", "bob@us.com")
    desk.assert_at_rest()


def test_a_task_that_waits_keeps_its_owner_where_nobody_else_took_the_record(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.crm.faults.append(Fault.TRANSIENT)
    desk.run()
    desk.account("a1", Owner=None)
    desk.run()
    assert [task.owner_id for task in desk.crm.tasks] == ["u1"]


def test_an_assignment_that_waits_is_sent_where_nobody_took_the_record(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.crm.faults.append(Fault.TRANSIENT)
    desk.run()
    desk.run()
    assert (desk.shows("a1"), desk.shows("a1", "Owner")) == (70, "u1")
    desk.assert_at_rest()


def test_a_write_that_has_become_wrong_before_it_was_sent_is_not_sent(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.crm.faults.append(Fault.TRANSIENT)
    desk.run()
    desk.crm.delete("Activity", "t1")
    desk.run()
    assert (desk.shows("a1"), desk.shows("a1", "Group"), desk.shows("c1")) == (30, "nurture", 30)
    desk.assert_at_rest()


def test_what_was_looked_up_within_the_run_is_not_reported_as_unknown(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.crm.faults.append(Fault.LOST_REPLY)
    counts = desk.run().counts
    assert counts["effects"]["update"]["unknown"] > 0
    assert counts["unknown"] == 0


@pytest.mark.parametrize("fault", [Fault.LOST_REPLY, Fault.LOST_REQUEST])
def test_a_write_of_unknown_outcome_does_not_stand_for_the_truth(desk: Desk, fault: Fault) -> None:
    """Nobody knows whether the CRM took it, and meanwhile the score is back where it was."""
    desk.act("t1", "c1")
    desk.crm.faults.extend([fault, fault])
    desk.crm.blind = 10
    waiting = desk.run().counts["unknown"]
    assert waiting == len([line for line in desk.effects() if line["state"] == "unknown"]) > 0
    desk.crm.delete("Activity", "t1")
    desk.crm.blind = 0
    assert desk.run().counts["unknown"] == 0
    assert (desk.shows("a1"), desk.shows("a1", "Group"), desk.shows("c1")) == (30, "nurture", 30)
    desk.assert_at_rest()


@contextmanager
def power_for(project: Project, commits: int) -> Iterator[list[bool]]:
    """Power for so many commits; the list is empty as long as that was enough."""
    left = [commits]
    gone: list[bool] = []

    def commit(_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            gone.append(True)
            raise PowerCut

    def begin(_: object) -> None:
        if gone:
            raise PowerCut

    event.listen(project.engine, "commit", commit)
    event.listen(project.engine, "begin", begin, insert=True)
    try:
        yield gone
    finally:
        event.remove(project.engine, "commit", commit)
        event.remove(project.engine, "begin", begin)


def _end_state(desk: Desk) -> dict[str, Any]:
    kinds = ("Account", "Contact")
    records = {record_id: record.fields for kind in kinds for record_id, record in desk.crm.records[kind].items()}
    tasks = sorted((task.subject, task.owner_id, task.person.id if task.person else None) for task in desk.crm.tasks)
    enrolled = sorted((enrolment.person.id, enrolment.sequence) for enrolment in desk.crm.enrolments)
    return {"records": records, "tasks": tasks, "enrolled": enrolled}


def _busy(folder: Path, commits: int | None) -> tuple[Desk, bool]:
    """Three crossings in three chunks; the run is cut off after so many commits, and another follows."""
    folder.mkdir()
    desk = Desk(folder)
    names = ("1", "2", "3")
    for name in names:
        desk.account(f"a{name}")
        desk.contact(f"c{name}", f"a{name}")
    desk.backfill()
    for name in names:
        desk.act(f"t{name}", f"c{name}")
    desk.set_chunk(1)
    enough = True
    if commits is not None:
        with desk.project() as project:
            with power_for(project, commits) as gone, suppress(PowerCut):
                perform(project, lambda _: None, kind="sync", plays=True)
            enough = not gone
            with project.engine.begin() as connection:  # the process is dead, so its leases count for nothing
                connection.execute(tables.leases.update().values(holder="", expires_at=0))
    desk.run()
    return desk, enough


def test_a_run_that_is_killed_at_any_commit_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    whole = _end_state(_busy(tmp_path / "whole", None)[0])
    assert [owner for _, owner, _ in whole["tasks"]] == ["u1", "u2", "u1"]
    commits, enough = 0, False
    while not enough:
        desk, enough = _busy(tmp_path / str(commits), commits)
        assert _end_state(desk) == whole, commits
        commits += 3
    assert commits > 20


def test_every_update_names_a_record_that_is_written(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    updates = [outbox.load_effect(line["kind"], line["payload"]) for line in desk.effects() if line["kind"] == "update"]
    assert updates
    assert all(isinstance(effect, UpdateFields) and effect.values for effect in updates)
    assert all(line["state"] == "written" for line in desk.effects())
