"""What follows when a record enters a group, and what the task says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leadline.core.decisions.brief import _WORDS, Brief, task_body
from leadline.core.decisions.plays import Reaction, Situation, Team, effect_key, react, ref, target, withheld
from leadline.core.decisions.routing import Pool
from leadline.core.entities import ACTIVITY_KINDS
from leadline.core.scoring.model import Play, Suppress, TaskPlay
from leadline.sdk.records import CreateTask, Enrol, JoinList, RecordRef, UpdateFields

NOW = 1_700_000_000
RULES = Suppress(recent_contact_days=None)
PLAY = Play(assign="sales", task=TaskPlay(subject="Call", due_hours=2), sequence="fast", status="Working")
OWNERS: dict[str, dict[str, Any]] = {
    "crm/User/u1": {"name": "Ann O'Hara", "active": True, "source_id": "u1", "email": "ann@us.com"},
    "crm/User/bot": {"name": "Sync", "active": True, "source_id": "bot", "email": None},
}


def record(kind: str, record_id: str, **values: Any) -> dict[str, Any]:
    return {"uid": f"crm/{kind}/{record_id}", "object": kind, "source_id": record_id, "connection": "crm", **values}


ACCOUNT = record("Account", "a1", name="Acme GmbH", owner=None, lifecycle=None)
PERSON = record("Contact", "c1", name="Ada Low", email="ada@acme.com", title="CFO", opted_out=False, owner=None)
SCORED: dict[str, Any] = {
    "group": "priority", "score": 71_000, "fit": 40_000, "intent": 31_000, "group_since": NOW,
}  # fmt: skip


def situation(**changed: Any) -> Situation:
    made = Situation(
        uid=ACCOUNT["uid"], connection="crm", row=ACCOUNT, scored=SCORED, was="nurture", crossing=3, account=ACCOUNT,
        person=PERSON, people=[PERSON], opportunities=[], events=[], reasons=["Asked for a demo"], missing=[], now=NOW,
    )  # fmt: skip
    return replace(made, **changed)


def team(**changed: Any) -> Team:
    made = Team(
        OWNERS,
        frozenset({"crm/User/bot"}),
        {"sales": Pool("sales", {"crm/User/u1": 1})},
        {"fast": "seq-1"},
        frozenset(),
    )
    return replace(made, **changed)


def one(reaction: Reaction, kind: type[Any]) -> Any:
    [found] = [effect for effect in reaction.effects if isinstance(effect, kind)]
    return found


def test_a_play_assigns_creates_a_task_and_enrols() -> None:
    reaction = react(PLAY, situation(), team(), RULES)
    assert (reaction.values, reaction.echo) == ({"owner": "u1"}, {"owner": "crm/User/u1"})
    task, enrolment = one(reaction, CreateTask), one(reaction, Enrol)
    assert (task.subject, task.due_at, task.owner_id) == ("Call: Acme GmbH", NOW + 7_200, "u1")
    assert (task.person, task.account) == (RecordRef("Contact", "c1"), RecordRef("Account", "a1"))
    assert (enrolment.person, enrolment.sequence) == (RecordRef("Contact", "c1"), "seq-1")
    assert (enrolment.owner_id, enrolment.sender_email) == ("u1", "ann@us.com")
    assert reaction.action == (
        "Priority, planned: assign to Ann O'Hara, task due in 2 h, enrol in fast. "
        "Next in pool sales: hand-off 1, 1 of them to Ann O'Hara (share 1/1)."
    )


def test_the_owner_who_stays_gets_the_task() -> None:
    row = {**ACCOUNT, "owner": "crm/User/u1"}
    crew = team()
    reaction = react(PLAY, situation(row=row, account=row), crew, RULES)
    assert (reaction.values, one(reaction, CreateTask).owner_id) == ({}, "u1")
    assert crew.pools["sales"].given == {}
    assert reaction.action.endswith("Kept with Ann O'Hara, who owns the record.")


@pytest.mark.parametrize(("owner", "who"), [("crm/User/u1", "u1"), ("crm/User/bot", None), (None, None)])
def test_a_play_that_assigns_nobody_leaves_the_owner(owner: str | None, who: str | None) -> None:
    row = {**ACCOUNT, "owner": owner}
    reaction = react(PLAY.model_copy(update={"assign": None}), situation(row=row, account=row), team(), RULES)
    assert (reaction.values, one(reaction, CreateTask).owner_id) == ({}, who)


def test_a_lead_gets_the_status_once() -> None:
    lead = record("Lead", "l1", name="Ada", status="Open", owner=None, email="a@b.c", opted_out=None)
    entered = situation(uid=lead["uid"], row=lead, account=None, person=lead, people=[lead])
    reaction = react(PLAY, entered, team(), RULES)
    assert (reaction.values["status"], reaction.echo["status"]) == ("Working", "Working")
    assert one(reaction, CreateTask).account is None
    there = {**lead, "status": "Working"}
    assert "status" not in react(PLAY, replace(entered, row=there), team(), RULES).values
    assert "status" not in react(PLAY, situation(), team(), RULES).values  # an account has none


def test_a_group_without_a_play_is_told_and_nothing_done() -> None:
    assert react(None, situation(), team(), RULES) == Reaction("Moved to priority.")


def test_what_is_held_back_uses_no_turn() -> None:
    crew = team()
    customer = {**ACCOUNT, "lifecycle": "customer"}
    reaction = react(PLAY, situation(row=customer, account=customer), crew, RULES)
    assert reaction == Reaction("Held back: already a customer.")
    assert crew.pools["sales"].given == {}


def test_a_withheld_play_says_why() -> None:
    assert withheld("qualified_review", "scored first") == Reaction("No action on qualified review: scored first.")


@pytest.mark.parametrize(
    ("changed", "crew", "said"),
    [
        ({"person": None, "people": []}, {}, "not enrolled: nobody to write to is known"),
        ({"person": {**PERSON, "opted_out": True}}, {}, "not enrolled: has opted out of e-mail"),
        ({}, {"enrolled": frozenset({("c1", "seq-1")})}, "not enrolled: already in the sequence"),
        ({}, {"sequences": {}}, "not enrolled: the mapping names no sequence 'fast'"),
        ({}, {"pools": {}}, "not enrolled: nobody owns the record"),
    ],
)
def test_who_is_not_enrolled_still_gets_the_task_and_the_reason(
    changed: dict[str, Any], crew: dict[str, Any], said: str
) -> None:
    reaction = react(PLAY, situation(**changed), team(**crew), RULES)
    assert [type(effect) for effect in reaction.effects] == [CreateTask]
    assert said.capitalize()[:13] + said[13:] in reaction.action


def test_a_play_puts_the_person_on_a_list() -> None:
    play, crew = PLAY.model_copy(update={"list_": "Nurture", "sequence": None}), team(lists={"Nurture": "17"})
    reaction = react(play, situation(), crew, RULES)
    joined = one(reaction, JoinList)
    assert (joined.target, joined.list_id) == (RecordRef("Contact", "c1"), "17")
    assert "planned: assign to Ann O'Hara, task due in 2 h, add to list Nurture." in reaction.action
    assert target(joined) == joined.target
    again = one(react(play, situation(), team(lists={"Nurture": "17"}), RULES), JoinList)
    assert joined.key == again.key != one(react(play, situation(crossing=9), crew, RULES), JoinList).key


@pytest.mark.parametrize(
    ("changed", "lists", "said"),
    [
        ({"person": None, "people": []}, {"Nurture": "17"}, "Not added to list Nurture: nobody to write to is known."),
        ({"person": {**PERSON, "opted_out": True}}, {"Nurture": "17"}, "Not added to list Nurture: has opted out"),
        ({}, {}, "Not added to a list: the mapping names no list 'Nurture'."),
    ],
)
def test_who_is_not_put_on_a_list_is_told_why(changed: dict[str, Any], lists: dict[str, str], said: str) -> None:
    play = PLAY.model_copy(update={"list_": "Nurture", "sequence": None})
    reaction = react(play, situation(**changed), team(lists=lists), RULES)
    assert [type(effect) for effect in reaction.effects] == [CreateTask]
    assert said in reaction.action


def test_a_play_that_comes_to_nothing_says_so() -> None:
    play = PLAY.model_copy(update={"assign": None, "task": None, "sequence": None, "status": None})
    owned = {**ACCOUNT, "owner": "crm/User/u1"}
    said = react(play, situation(row=owned, account=owned), team(), RULES).action
    assert said == "Priority: nothing to do. Kept with Ann O'Hara, who owns the record."


def test_an_enrolment_elsewhere_or_in_another_sequence_is_no_obstacle() -> None:
    crew = team(enrolled=frozenset({("c2", "seq-1"), ("c1", "seq-2")}))
    assert one(react(PLAY, situation(), crew, RULES), Enrol)


def test_keys_tell_crossings_apart_and_repeat_for_the_same_one() -> None:
    keys = [
        effect.key
        for entered in (situation(), situation(crossing=4), situation(scored={**SCORED, "group_since": NOW + 1}))
        for effect in react(PLAY, entered, team(), RULES).effects
    ]
    assert len(set(keys)) == 6
    assert [effect.key for effect in react(PLAY, situation(now=NOW + 9), team(), RULES).effects] == keys[:2]
    assert all(len(key) <= 80 for key in keys)
    assert effect_key("update", "x" * 500, 1, 2).startswith("update-")


def test_long_names_fit_into_the_subject() -> None:
    row = {**ACCOUNT, "name": "x" * 400}
    assert len(one(react(PLAY, situation(row=row), team(), RULES), CreateTask).subject) == 250
    assert one(react(PLAY, situation(row={**ACCOUNT, "name": None}), team(), RULES), CreateTask).subject == (
        "Call: this record"
    )


def test_an_effect_is_about_the_person_first() -> None:
    reaction = react(PLAY, situation(), team(), RULES)
    assert [target(effect) for effect in reaction.effects] == [RecordRef("Contact", "c1")] * 2
    assert target(one(react(PLAY, situation(person=None), team(), RULES), CreateTask)) == RecordRef("Account", "a1")
    assert target(UpdateFields("k", ref(ACCOUNT), {})) == RecordRef("Account", "a1")


def brief(**changed: Any) -> Brief:
    made = Brief(
        group="qualified_review", was="nurture", score=71, fit=40, intent=31, reasons=["Asked for a demo (+25)"],
        missing=["annual_revenue"], events=[], names={PERSON["uid"]: "Ada Low"}, person=PERSON, routed="next in pool",
        next_step="call",
    )  # fmt: skip
    return replace(made, **changed)


def event(kind: str, at: int, *, person: str | None = PERSON["uid"], asset: str | None = None) -> dict[str, Any]:
    return {"uid": f"e{at}", "kind": kind, "at": at, "person": person, "asset": asset}


def test_the_task_tells_why_what_is_missing_what_happened_and_what_to_do() -> None:
    events = [
        event("demo_request", NOW),
        event("content_download", NOW - 60, asset="ROI guide"),
        event("web_session", NOW - 120, person=None),
        *(event("email_open", NOW - 1_000 - second) for second in range(9)),
    ]
    assert task_body(brief(events=events)).split("\n") == [
        "Why now: qualified review, was nurture. Score 71 (fit 40, intent 31).",
        "- Asked for a demo (+25)",
        "Not known yet: annual revenue.",
        "Lately:",
        "- 14 Nov 22:13: Ada Low asked for a demo",
        "- 14 Nov 22:12: Ada Low downloaded a document (ROI guide)",
        "- 14 Nov 22:11: somebody there visited the website",
        "- 14 Nov 21:56: Ada Low opened an e-mail",
        "- 14 Nov 21:56: Ada Low opened an e-mail",
        "Next: call Ada Low, CFO.",
        "Routing: next in pool.",
    ]


def test_the_task_names_the_fact_worth_asking_for() -> None:
    """One line more, below what is not known."""
    lines = task_body(brief(ask="annual revenue unknown: 58 to 73; from 200 on it is priority")).split("\n")
    assert lines[2:4] == [
        "Not known yet: annual revenue.",
        "Worth asking: annual revenue unknown: 58 to 73; from 200 on it is priority.",
    ]


def test_only_tasks_ask_for_missing_facts() -> None:
    """To find them takes work, which other plays do without."""
    asked: list[str] = []

    def asks() -> list[str]:
        asked.append("now")
        return ["employees unknown"]

    task = one(react(PLAY, situation(asks=asks), team(), RULES), CreateTask)
    assert "Worth asking: employees unknown." in task.body
    react(None, situation(asks=asks), team(), RULES)
    assert asked == ["now"]


def test_the_task_of_somebody_new_without_a_person() -> None:
    text = task_body(brief(was=None, missing=[], person=None, routed="", next_step="send something useful to"))
    assert text.split("\n") == [
        "Why now: qualified review. Score 71 (fit 40, intent 31).",
        "- Asked for a demo (+25)",
        "Next: find the right person there, then send something useful to them.",
    ]


def test_every_kind_of_activity_has_words_for_it() -> None:
    assert set(ACTIVITY_KINDS) <= set(_WORDS)


def test_events_to_come_are_not_told_as_past() -> None:
    events = [event("meeting", NOW + 60), event("web_session", NOW)]
    body = one(react(PLAY, situation(events=events), team(), RULES), CreateTask).body
    assert "visited the website" in body
    assert "meeting" not in body
