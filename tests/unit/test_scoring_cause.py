"""What moved a score: the parts sum exactly, each is zero without its cause, and what is behind it is named. 12 s."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracle.random_scoring import DAY, NOW, Records, models, records

from leadline.core.entities import Entity
from leadline.core.scoring.cause import Cause, Change, FactMove, Scoring, change
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.model import POINT, Model, Segment
from leadline.core.scoring.subject import Event, Subject
from leadline.core.scoring.telling import headline, reasons

BOUNDED = settings(max_examples=60, deadline=None)


def subjects(found: Records) -> dict[str, Subject]:
    """Every record of random facts, as it is scored."""
    accounts = {row["uid"]: row for row in found.accounts}
    people = {row["uid"]: row for row in found.people}
    events = tuple(
        Event(row["kind"], row["at"], row["person"], row["account"], row["asset"], f"v{number}")
        for number, row in enumerate(found.events)
    )
    made = {}
    for uid, row in accounts.items():
        staff = tuple(person for person in people.values() if person["account"] == uid)
        theirs = {person["uid"] for person in staff}
        mine = tuple(e for e in events if e.person in theirs or (e.person not in people and e.account == uid))
        made[uid] = Subject(Entity.ACCOUNT, uid, row, staff, mine, row["previous_group"])
    for uid, row in people.items():
        mine = tuple(event for event in events if event.person == uid)
        made[uid] = Subject(Entity.PERSON, uid, accounts.get(row["account"]), (row,), mine, row["previous_group"])
    return made


@st.composite
def segmented(draw: st.DrawFn) -> Model:
    """A random model; often with a segment whose score is limited otherwise."""
    model = draw(models())
    if model.segments or not draw(st.booleans()):
        return model
    when = {"field": "account.employees", "range": [draw(st.sampled_from([10, 200])), None]}
    large = Segment.model_validate({"id": "large", "name": "Large", "when": when, "total": {"min": 1, "max": 17}})
    return model.model_copy(update={"segments": (large,)})


@st.composite
def scorings(draw: st.DrawFn) -> tuple[Scoring, Scoring]:
    """Two scorings of the same record, between which anything may have changed, or nothing."""
    first = subjects(draw(records()))
    second = {**first, **subjects(draw(records()))} if draw(st.booleans()) else first
    both = sorted(first.keys() & second.keys())
    uid = draw(st.sampled_from(both)) if both else None
    model = draw(segmented())
    other = draw(segmented()) if draw(st.booleans()) else model
    later = NOW + draw(st.sampled_from([0, 3_600, DAY, 20 * DAY, 400 * DAY]))
    nobody = Subject(Entity.ACCOUNT, "a9", {"uid": "a9"})
    before, after = (first[uid], second[uid]) if uid else (nobody, nobody)
    return Scoring(model, before, NOW), Scoring(other, after, later)


@BOUNDED
@given(scorings())
def test_the_parts_of_a_change_sum_to_it_exactly(pair: tuple[Scoring, Scoring]) -> None:
    before, after = pair
    made = change(before, after)
    old, new = (evaluate(each.model, each.subject, each.now) for each in pair)
    assert made.points == new.score - old.score == sum(step.points for step in made.steps)
    assert [step.cause for step in made.steps] == list(Cause)
    for step in made.steps:
        assert sum(rule.points for rule in step.rules) == step.points
        for rule in step.rules:
            assert sum(source.after - source.before for source in rule.sources) == rule.points
    assert made.steps[-1].group == new.group


@BOUNDED
@given(scorings())
def test_a_part_is_zero_when_its_cause_is_absent(pair: tuple[Scoring, Scoring]) -> None:
    before, after = pair
    for cause, same in (
        (Cause.DECAY, replace(after, now=before.now)),
        (Cause.DATA, replace(after, subject=before.subject)),
        (Cause.SEGMENT, replace(after, subject=before.subject)),
        (Cause.MODEL, replace(after, model=before.model)),
    ):
        made = change(before, same)
        assert made.part(cause) == 0
        assert next(step.rules for step in made.steps if step.cause is cause) == ()


MODEL: dict[str, Any] = {
    "name": "small",
    "rules": [
        {"id": "trade", "name": "Industry we serve", "points": 20,
         "when": {"field": "account.industry", "in": ["software"]}},
        {"id": "boss", "name": "A decision maker", "points": 10, "applies_to": "account",
         "when": {"field": "person.seniority", "in": ["vp"]}},
    ],
    "signals": [
        {"id": "demo", "name": "Asked for a demo", "kinds": ["demo_request"], "points": 30, "window_days": 10},
    ],
    "segments": [
        {"id": "large", "name": "Large", "when": {"field": "account.employees", "range": [1000, None]},
         "points": {"demo": 12}},
    ],
    "groups": [{"group": "priority", "when": {"score": [50, None]}}, {"group": "poor_fit"}],
}  # fmt: skip
FACTS = {"uid": "a", "industry": "software", "employees": 50}


def made_of(**changes: Any) -> Model:
    return Model.model_validate({**MODEL, **changes})


def asked(account: dict[str, Any], *events: Event, people: tuple[dict[str, Any], ...] = ()) -> Subject:
    return Subject(Entity.ACCOUNT, "a", account, people, events)


def parts(made: Change) -> dict[str, int]:
    return {step.cause.value: step.points // POINT for step in made.steps}


def test_each_cause_has_its_own_part_with_what_is_behind_it() -> None:
    ann = {"uid": "ann", "seniority": "vp"}
    old = Event("demo_request", NOW, "ann", "a", None, "v1")
    new = Event("demo_request", NOW + 5 * DAY, "ann", "a", None, "v2")
    before = Scoring(made_of(), asked(FACTS, old, people=({"uid": "ann", "seniority": None},)), NOW)
    after = Scoring(
        made_of(total={"max": 30}), asked({**FACTS, "employees": 2000}, old, new, people=(ann,)), NOW + 12 * DAY
    )
    made = change(before, after)
    # 20 + 30; the demo leaves its window; a vp gives 10, another demo 30; the segment's demo gives 12, not 30.
    assert parts(made) == {"decay": -30, "data": 40, "segment": -18, "model": -12}
    assert made.segments == ("", "large")
    decay, data, _, limited = made.steps
    assert [(move.rule, move.before, move.after) for move in decay.rules] == [("demo", 30_000, 0)]
    assert [(s.source, s.people, s.at, s.before, s.after) for s in decay.rules[0].sources] == [
        ("v1", ("ann",), NOW, 30_000, 0)
    ]
    assert [(move.rule, [(s.source, s.people) for s in move.sources]) for move in data.rules] == [
        ("demo", [("v2", ("ann",))]),
        ("boss", [("a", ("ann",))]),
    ]
    assert [(move.rule, move.part) for move in limited.rules] == [("cap", "total")]
    assert made.facts == (
        FactMove("a", "account.employees", 50, 2000),
        FactMove("ann", "person.seniority", None, "vp"),
    )


def test_a_change_is_told_in_the_words_of_a_salesperson() -> None:
    demo = Event("demo_request", NOW, "ann", "a", None, "v1")
    made = change(
        Scoring(made_of(), asked(FACTS, people=({"uid": "ann"},)), NOW),
        Scoring(made_of(), asked(FACTS, demo, people=({"uid": "ann"},)), NOW + 60),
    )
    assert headline(made) == "20 → 50 (+30), poor fit → priority"
    assert reasons(made.steps[1], {"ann": "Ann Lee"}) == ["Asked for a demo: Ann Lee on 14 Nov (+30)"]


def test_limits_come_last_among_reasons_and_rounding_is_none() -> None:
    demo = Event("demo_request", NOW, "ann", "a", None, "v1")
    signals = [{**MODEL["signals"][0], "id": name, "points": 2.5} for name in ("one", "two")]
    halves = made_of(parts={"intent": {"max": 1}}, signals=signals, segments=[])
    made = change(Scoring(halves, asked(FACTS), NOW), Scoring(halves, asked(FACTS, demo), NOW))
    assert [text.rpartition(" ")[2] for text in reasons(made.steps[1], {})] == ["(+3)", "(+3)", "(-4)"]
    fifth = made_of(signals=[{**MODEL["signals"][0], "points": 0.6}], segments=[])
    made = change(Scoring(fifth, asked(FACTS), NOW), Scoring(fifth, asked(FACTS, demo), NOW))
    assert [text.rpartition(" ")[2] for text in reasons(made.steps[1], {})] == ["(+1)"]


def test_people_who_come_and_go_are_told() -> None:
    ann, bob = {"uid": "ann", "seniority": "vp"}, {"uid": "bob"}
    made = change(
        Scoring(made_of(), asked(FACTS, people=(ann,)), NOW), Scoring(made_of(), asked(FACTS, people=(bob,)), NOW)
    )
    assert made.facts == (FactMove("ann", "", before=True, after=False), FactMove("bob", "", before=False, after=True))
    assert parts(made)["data"] == -10
