"""Automation around us: what fights our fields is left alone, what echoes is no news, and nobody is flooded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.desk import DAY, Desk

from leadline.app.lookup import frozen, unfreeze


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two accounts with a contact each, backfilled."""
    ready = Desk(tmp_path)
    for number in (1, 2):
        ready.account(f"a{number}")
        ready.contact(f"c{number}", f"a{number}")
    ready.backfill()
    return ready


def fight(desk: Desk, rounds: int, **theirs: Any) -> None:
    """So often the score of a1 moves enough for a write, and something puts its own values back after it."""
    for _ in range(rounds):
        desk.crm.put("Account", "a1", **theirs)
        desk.now += 60
        desk.act(f"w{desk.now}a", "c1", "web_session")
        desk.act(f"w{desk.now}b", "c1", "web_session")
        desk.run()


def frozen_fields(desk: Desk) -> list[tuple[str, str, int]]:
    with desk.project() as project:
        return [
            (row["record_id"], row["output"], row["reversals"]) for row in frozen(project, connection=None, limit=9)
        ]


def writes(desk: Desk) -> int:
    return sum(rows for verb, rows in desk.crm.calls if verb == "push")


def test_a_field_that_something_keeps_changing_back_is_left_alone_and_the_others_are_written(desk: Desk) -> None:
    fight(desk, 2, Score=-1)
    assert (desk.shows("a1"), frozen_fields(desk)) == (42, [])
    fight(desk, 1, Score=-1)
    assert (desk.shows("a1"), frozen_fields(desk)) == (-1, [("a1", "score", 3)])
    assert desk.shows("c1") == 48  # only on that record
    desk.act("t1", "c1")
    desk.run()
    assert (desk.shows("a1"), desk.shows("a1", "Group"), desk.shows("a1", "Owner")) == (-1, "priority", "u1")
    desk.assert_at_rest()


def test_now_and_then_is_no_fight(desk: Desk) -> None:
    for _ in range(2):
        fight(desk, 2, Score=-1)
        fight(desk, 1)  # the value stays once
    assert frozen_fields(desk) == []


def test_a_frozen_field_that_holds_our_value_again_is_ours_again(desk: Desk) -> None:
    fight(desk, 3, Score=-1)
    fight(desk, 1, Score=54)
    assert frozen_fields(desk) == []
    fight(desk, 1)
    assert desk.shows("a1") == 60


def test_an_unfrozen_field_is_written_by_the_next_run(desk: Desk) -> None:
    fight(desk, 3, Score=-1)
    with desk.project() as project:
        assert unfreeze(project, ["crm/Account/a2"]) == 0
        assert unfreeze(project, None) == 1
    desk.run()
    assert (desk.shows("a1"), frozen_fields(desk)) == (48, [])
    desk.assert_at_rest()


def test_a_text_that_the_crm_cuts_is_no_fight(desk: Desk) -> None:
    for number in range(4):
        desk.act(f"t{number}", "c1")
        desk.run()
        desk.crm.put("Account", "a1", Action=str(desk.shows("a1", "Action"))[:20])
        desk.now += 31 * DAY
        desk.run()
    assert frozen_fields(desk) == []


# Pains that others have had


def test_u17_a_workflow_that_answers_our_write_starts_no_loop(desk: Desk) -> None:
    """Each write of ours is answered by a write of its own, on fields of ours and on ones that are scored."""
    desk.act("t1", "c1")
    desk.run()
    for number in range(3):
        desk.crm.put("Account", "a1", Score=-1, Industry="Software", Answered=number)
        desk.crm.put("Contact", "c1", Title="Chief Executive Officer" if number % 2 else "CEO")
        desk.run()
    assert (len(desk.crm.tasks), len(desk.crm.enrolments)) == (1, 1)
    before = writes(desk)
    desk.crm.put("Account", "a1", Score=-1, Answered=99)
    desk.run()
    assert writes(desk) == before
    assert desk.score("crm/Account/a1")["crossing"] == 2  # type: ignore[index]


def test_u18_our_own_writes_are_no_news(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    desk.assert_at_rest()
    desk.assert_at_rest()


def test_u19_coming_back_acts_again_and_staying_does_not(desk: Desk) -> None:
    """A key made of the record alone acts once ever, one with a date acts daily: ours counts the crossings."""
    desk.act("t1", "c1")
    desk.run()
    for _ in range(2):
        desk.now += DAY
        desk.run()
    assert len(desk.crm.tasks) == 1
    desk.now += 30 * DAY
    desk.run()
    desk.act("t2", "c1")
    desk.run()
    desk.run()
    assert (len(desk.crm.tasks), len({task.key for task in desk.crm.tasks})) == (2, 2)


def test_u28_a_first_look_floods_nobody(tmp_path: Path) -> None:
    """Records that were there before are scored and shown; only what happens afterwards acts."""
    desk = Desk(tmp_path)
    for number in range(12):
        desk.account(f"a{number}")
        desk.contact(f"c{number}", f"a{number}")
        desk.act(f"t{number}", f"c{number}")
    report = desk.backfill()
    assert (report.counts["withheld"], desk.crm.tasks, desk.crm.enrolments, desk.crm.lists) == (12, [], [], {})
    desk.run()
    assert desk.crm.tasks == []
    desk.account("b1")
    desk.contact("c99", "b1")
    desk.act("t99", "c99")
    desk.run()
    assert [task.subject for task in desk.crm.tasks] == ["Call: B1"]


def test_what_ended_long_ago_goes_once_a_day_and_nothing_happens_twice_because_of_it(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    before = len(desk.effects())
    desk.now += 400 * DAY
    desk.run()
    assert len(desk.effects()) >= before  # as old as that, and not older
    desk.now += 2 * DAY
    desk.run()
    kept = [line["kind"] for line in desk.effects() if line["planned_at"] < desk.now - 400 * DAY]
    assert "enrol" in kept
    assert "task" not in kept
    desk.act("t2", "c1")
    desk.run()
    assert (len(desk.crm.tasks), len(desk.crm.enrolments)) == (2, 1)
    desk.assert_at_rest()
