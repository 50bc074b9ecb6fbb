"""The outbox: every way from one state to another, and none besides; the same on each database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from leadline.sdk.records import (
    NOT_APPLIED,
    Actor,
    CreateTask,
    Effect,
    Enrol,
    JoinList,
    Outcome,
    RecordRef,
    Refusal,
    RowOutcome,
    UpdateFields,
)
from leadline.store import leases, outbox
from leadline.store.leases import Lease
from leadline.store.outbox import Planned, State
from leadline.store.unfinished import last_updates, open_updates

PERSON = RecordRef("Contact", "p")
NOT_THERE = Refusal(NOT_APPLIED, "it is not there", Actor.NOBODY)
TOO_LONG = Refusal("STRING_TOO_LONG", "too long", Actor.CRM_ADMIN, "make the field longer")


def update(key: str, record: str = "p", **values: Any) -> Planned:
    effect = UpdateFields(key, RecordRef("Contact", record), values or {"Score__c": 1})
    return Planned(effect, "crm", "crm/Contact/p", effect.target, {"entity": "person", "uid": record, "changes": {}})


def task(key: str) -> Planned:
    effect = CreateTask(key, "Call", "Why now", 7_200, "u1", PERSON, RecordRef("Account", "a"))
    return Planned(effect, "crm", "crm/Account/a", PERSON, {})


def enrol(key: str, person: str = "p", *, connection: str = "crm", sequence: str = "s1") -> Planned:
    effect = Enrol(key, RecordRef("Contact", person), sequence, "u1", "rep@example.com")
    return Planned(effect, connection, "crm/Contact/p", effect.person, {})


def join(key: str, person: str = "p") -> Planned:
    effect = JoinList(key, RecordRef("Contact", person), "17")
    return Planned(effect, "crm", "crm/Contact/p", effect.target, {})


def hold(connection: Connection, *, seconds: int = 90) -> Lease:
    """The write lease, taken from whoever has it."""
    lease = leases.acquire(connection, "write:crm", seconds=seconds, clock=lambda: 10**10)
    if lease is None:
        lease = leases.acquire(connection, "write:crm", seconds=seconds, clock=lambda: 2 * 10**10)
    assert lease is not None
    return lease


def claim(connection: Connection, lease: Lease, kind: str = "update", *, limit: int = 100) -> list[str]:
    return [
        item.effect.key for item in outbox.claim(connection, lease, "crm", kind, limit=lambda _: limit, wall_clock=5)
    ]


def end(connection: Connection, lease: Lease, *outcomes: RowOutcome) -> dict[str, int]:
    return outbox.finish(connection, lease, outcomes, now=9)


def states(connection: Connection) -> dict[str, str]:
    return {line["key"]: line["state"] for line in outbox.list_effects(connection)}


@pytest.mark.parametrize("planned", [update("k", Score__c=5, Old__c=None), task("k"), enrol("k"), join("k")])
def test_an_effect_comes_out_as_it_went_in(engine: Engine, planned: Planned) -> None:
    with engine.begin() as connection:
        assert outbox.plan(connection, [planned], now=1) == 1
        lease = hold(connection)
        [claimed] = outbox.claim(
            connection, lease, "crm", outbox.kind_of(planned.effect), limit=lambda _: 9, wall_clock=5
        )
    assert (claimed.effect, claimed.echo, claimed.subject) == (planned.effect, planned.echo, planned.subject)


def test_a_known_key_is_planned_once_and_replaces_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        assert outbox.plan(connection, [update("k1"), task("t1")], now=1) == 2
        assert outbox.plan(connection, [update("k1", Score__c=99), task("t1"), task("t2")], now=2) == 1
        assert states(connection) == {"k1": "planned", "t1": "planned", "t2": "planned"}
        assert outbox.plan(connection, [], now=3) == 0


def test_effects_leave_in_the_order_of_planning_a_batch_at_a_time(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [update(f"k{number}", f"r{9 - number}") for number in range(5)], now=1)
        outbox.plan(connection, [update("z", "z"), update("a", "a")], now=2)
        lease = hold(connection)
        assert claim(connection, lease, limit=3) == ["k0", "k1", "k2"]
        assert claim(connection, lease, limit=3) == ["k3", "k4", "z"]
        assert claim(connection, lease, limit=3) == ["a"]
        assert claim(connection, lease, limit=3) == []


def test_nothing_is_claimed_without_the_lease(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [update("k")], now=1)
        lost = hold(connection)
        hold(connection)
        assert claim(connection, lost) == []
        assert states(connection) == {"k": "planned"}


def test_a_newer_plan_replaces_what_was_not_sent_or_refused_and_nothing_else(engine: Engine) -> None:
    with engine.begin() as connection:
        plans = [update("sent"), update("refused", "q"), update("other", "r"), task("task"), enrol("enrol")]
        outbox.plan(connection, plans, now=1)
        lease = hold(connection)
        claim(connection, lease)
        end(
            connection,
            lease,
            RowOutcome("sent", Outcome.WRITTEN),
            RowOutcome("refused", Outcome.REFUSED, TOO_LONG),
            RowOutcome("other", Outcome.UNKNOWN),
        )
        outbox.plan(connection, [update("planned")], now=2)
        outbox.plan(connection, [update("n1"), update("n2", "q"), update("n3", "r")], now=3)
        assert states(connection) == {
            "sent": "written", "refused": "superseded", "other": "unknown", "task": "planned", "enrol": "planned",
            "planned": "superseded", "n1": "planned", "n2": "planned", "n3": "planned",
        }  # fmt: skip


def test_a_write_that_is_no_longer_wanted_is_dropped(engine: Engine) -> None:
    with engine.begin() as connection:
        elsewhere = update("elsewhere")
        outbox.plan(connection, [update("k"), update("q", "q")], now=1)
        outbox.plan(connection, [Planned(elsewhere.effect, "crm2", "s", elsewhere.target, {})], now=1)
        outbox.supersede(connection, [("crm", RecordRef("Contact", "p")), ("crm", RecordRef("Lead", "q"))])
        assert states(connection) == {"k": "superseded", "q": "planned", "elsewhere": "planned"}


def test_writes_that_have_not_ended_well_are_known_to_deciding(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [update("k"), update("q", "q"), update("r", "r"), task("t")], now=1)
        lease = hold(connection)
        claim(connection, lease, limit=2)
        end(connection, lease, RowOutcome("q", Outcome.WRITTEN))
        outbox.plan(connection, [update("k2")], now=2)
        targets = [("crm", PERSON), ("crm", RecordRef("Contact", "q")), ("crm2", RecordRef("Contact", "r"))]
        targets.append(("crm", RecordRef("Lead", "p")))
        found = open_updates(connection, targets)
        last = last_updates(connection, targets)
    assert {target: [line.under_way for line in lines] for target, lines in found.items()} == {
        ("crm", PERSON): [True, False]
    }
    assert last == {targets[0]: (5, "crm/Contact/p"), targets[1]: (2, "crm/Contact/p")}


OUTCOMES = {
    "written": (RowOutcome("k", Outcome.WRITTEN, record_id="00T1"), State.WRITTEN),
    "unchanged": (RowOutcome("k", Outcome.UNCHANGED), State.UNCHANGED),
    "refused": (RowOutcome("k", Outcome.REFUSED, TOO_LONG), State.REFUSED),
    "unknown": (RowOutcome("k", Outcome.UNKNOWN), State.UNKNOWN),
    "not applied": (RowOutcome("k", Outcome.REFUSED, NOT_THERE), State.PLANNED),
}


@pytest.mark.parametrize("name", OUTCOMES)
@pytest.mark.parametrize("left_behind", [False, True])
def test_each_outcome_leads_to_its_state(engine: Engine, name: str, left_behind: bool) -> None:
    outcome, state = OUTCOMES[name]
    with engine.begin() as connection:
        outbox.plan(connection, [task("k")], now=1)
        lease = hold(connection)
        assert claim(connection, lease, "task") == ["k"]
        if left_behind:
            lease = hold(connection)
            assert [item.effect.key for item in outbox.left_behind(connection, lease, "crm")] == ["k"]
            assert states(connection) == {"k": "unknown"}
        assert end(connection, lease, outcome) == {state.value: 1}
        [line] = outbox.list_effects(connection)
    assert line["state"] == state
    assert line["result_id"] == outcome.record_id
    told = (line["reason_code"], line["reason"], line["actor"], line["fix"])
    refused = (TOO_LONG.code, TOO_LONG.message, TOO_LONG.actor.value, TOO_LONG.fix)
    assert told == (refused if state is State.REFUSED else (None, None, None, None))
    assert line["finished_at"] == (9 if state not in {State.UNKNOWN, State.PLANNED} else None)


def test_what_a_holder_left_behind_is_unknown_to_the_next(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [update("a", "a"), update("b", "b"), update("c", "c")], now=1)
        first = hold(connection)
        claim(connection, first, limit=2)
        end(connection, first, RowOutcome("a", Outcome.UNKNOWN))
        second = hold(connection)
        left = outbox.left_behind(connection, second, "crm")
        assert [(item.effect.key, item.sent_at) for item in left] == [("a", 5), ("b", 5)]
        assert states(connection) == {"a": "unknown", "b": "unknown", "c": "planned"}
        assert outbox.left_behind(connection, second, "other") == []


# What a sender says that has lost the lease, while its successor is at each point of its work.
STALE = [
    ("refused", "unknown", "unknown"),
    ("unknown", "written", "written"),
    ("refused", "planned", "planned"),
    ("not applied", "sending", "sending"),
    ("refused", "sending", "sending"),
    ("written", "unknown", "written"),
    ("written", "planned", "written"),
    ("written", "refused", "written"),
    ("written", "unchanged", "unchanged"),
]


@pytest.mark.parametrize(("late", "reached", "expected"), STALE)
def test_a_late_answer_is_believed_only_where_it_is_a_success(
    engine: Engine, late: str, reached: str, expected: str
) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [task("k")], now=1)
        old = hold(connection)
        claim(connection, old, "task")
        new = hold(connection)
        outbox.left_behind(connection, new, "crm")
        said = {
            "written": RowOutcome("k", Outcome.WRITTEN),
            "unchanged": RowOutcome("k", Outcome.UNCHANGED),
            "refused": RowOutcome("k", Outcome.REFUSED, TOO_LONG),
            "planned": RowOutcome("k", Outcome.REFUSED, NOT_THERE),
            "sending": RowOutcome("k", Outcome.REFUSED, NOT_THERE),
        }
        if reached in said:
            end(connection, new, said[reached])
        if reached == "sending":
            assert claim(connection, new, "task") == ["k"]
        assert states(connection) == {"k": reached}
        end(connection, old, OUTCOMES[late][0])
        assert states(connection) == {"k": expected}


def test_a_late_hand_back_does_not_take_the_effect_from_its_new_sender(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [task("k")], now=1)
        old = hold(connection)
        claim(connection, old, "task")
        new = hold(connection)
        outbox.left_behind(connection, new, "crm")
        end(connection, new, RowOutcome("k", Outcome.REFUSED, NOT_THERE))
        claim(connection, new, "task")
        outbox.hand_back(connection, old, ["k"])
        assert states(connection) == {"k": "sending"}
        outbox.hand_back(connection, new, ["k"])
        assert states(connection) == {"k": "planned"}


@pytest.mark.parametrize("way", ["hand back", "not applied"])
def test_a_write_that_was_overtaken_is_not_sent_after_its_successor(engine: Engine, way: str) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [update("old"), update("else", "q")], now=1)
        lease = hold(connection)
        claim(connection, lease)
        outbox.plan(connection, [update("new")], now=2)
        if way == "hand back":
            outbox.hand_back(connection, lease, ["old", "else"])
        else:
            outcomes = [RowOutcome(key, Outcome.REFUSED, NOT_THERE) for key in ("old", "else")]
            assert end(connection, lease, *outcomes) == {"superseded": 1, "planned": 1}
        assert states(connection) == {"old": "superseded", "else": "planned", "new": "planned"}


def test_refused_effects_are_planned_again_when_asked(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [task("a"), task("b"), task("c")], now=1)
        lease = hold(connection)
        claim(connection, lease, "task")
        end(connection, lease, *(RowOutcome(key, Outcome.REFUSED, TOO_LONG) for key in "ab"))
        end(connection, lease, RowOutcome("c", Outcome.WRITTEN))
        assert outbox.retry(connection, ["a", "c"]) == 1
        assert states(connection) == {"a": "planned", "b": "refused", "c": "written"}
        assert outbox.retry(connection, None) == 1
        assert claim(connection, lease, "task") == ["a", "b"]
        assert [line["attempts"] for line in outbox.list_effects(connection)] == [2, 2, 1]


def test_enrolments_that_run_are_those_of_this_connection_that_were_not_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        plans = [enrol("a"), enrol("b", "q"), enrol("c", "q", sequence="s2"), enrol("d", "r", connection="crm2")]
        outbox.plan(connection, plans, now=1)
        lease = hold(connection)
        claim(connection, lease, "enrol")
        end(connection, lease, RowOutcome("c", Outcome.REFUSED, TOO_LONG), RowOutcome("b", Outcome.UNKNOWN))
        found = outbox.running_sequences(connection, "crm", ["p", "q", "r"])
    assert found == {("p", "s1"), ("q", "s1")}


def test_effects_are_listed_and_counted(engine: Engine) -> None:
    with engine.begin() as connection:
        outbox.plan(connection, [update("a"), task("b"), enrol("c", connection="crm2")], now=1)
        lease = hold(connection)
        claim(connection, lease)
        assert outbox.count_states(connection) == {"planned": 2, "sending": 1}
        assert outbox.count_states(connection, "crm2") == {"planned": 1}
        end(connection, lease, RowOutcome("a", Outcome.UNKNOWN))
        assert [outbox.count_unknown(connection, names) for names in (["crm", "crm2"], ["crm2"], [])] == [1, 0, 0]
        assert outbox.count_planned(connection, "crm", "task") == {"Contact": 1}
        assert outbox.count_planned(connection, "crm", "update") == {}
        assert [line["key"] for line in outbox.list_effects(connection, name="crm")] == ["a", "b"]
        assert [line["key"] for line in outbox.list_effects(connection, states=["planned"])] == ["b", "c"]
        assert [line["key"] for line in outbox.list_effects(connection, limit=1)] == ["a"]


def test_every_kind_of_effect_has_a_name() -> None:
    effects: list[Effect] = [update("a").effect, task("b").effect, enrol("c").effect, join("d").effect]
    assert [outbox.kind_of(effect) for effect in effects] == list(outbox.KINDS)
