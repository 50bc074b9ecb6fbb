"""Missing facts that are worth asking for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from tests.oracle import agreement, random_scoring

from leadline.core.entities import Entity
from leadline.core.scoring.condition import SHARED
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.load import load_model
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.questions import Gap, Question, approached, questions, with_fact
from leadline.core.scoring.subject import Event, Subject
from leadline.core.scoring.tellable import options

NOW, DAY = random_scoring.NOW, random_scoring.DAY
slow = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=50, deadline=None, suppress_health_check=slow)
@given(model=random_scoring.models(), records=random_scoring.records())
def test_what_is_asked_for_changes_the_group(model: Model, records: Any) -> None:
    """Every value that is named leads to the group that is named, and the score stays inside the interval."""
    plan = compile_model(model)
    for subject in agreement.subjects(records):
        before = evaluate(model, subject, NOW, plan=plan)
        approach = approached(plan, subject, NOW) if subject.entity is Entity.ACCOUNT else None
        since = subject.group_since if subject.previous_group == before.group else NOW
        standing = replace(subject, previous_group=before.group, group_since=since)
        found = questions(model, before, NOW, approach=approach)
        assert len(found) <= 3
        for question in found:
            for place in range(len(question.answers[0].options)):
                known = standing
                for answer in question.answers:
                    option = answer.options[min(place, len(answer.options) - 1)]
                    known = with_fact(known, answer.gap, option.value)
                after = evaluate(model, known, NOW, plan=plan)
                assert after.group == question.group != before.group
                if after.segment == before.segment and not stands_in(question, subject):
                    assert before.score_min <= after.score <= before.score_max


def stands_in(question: Question, subject: Subject) -> bool:
    """Whether an account's fact takes the place of what a person says: then it is no longer missing for the person."""
    names = [answer.gap.fact.removeprefix("account.") for answer in question.answers]
    return any(name in SHARED and person.get(name) is not None for name in names for person in subject.people)


MODEL = """
name: ask
rules:
  - {id: fits, name: Industry, when: {field: account.industry, in: [software, retail]}, points: 20}
  - {id: large, name: Large, when: {field: account.employees, range: [200, 2000]}, points: 15}
  - {id: huge, name: Huge, when: {field: account.employees, range: [2000, null]}, points: 5}
  - {id: tools, name: Tools, when: {field: account.technologies, contains_any: [sap, netsuite]}, points: 4}
  - {id: tier, name: Tier, when: {field: account.target_tier, in: [a]}, points: 2}
persona: {functions: [finance], points: {vp: 12, manager: 3}, elsewhere: {vp: 1}}
groups:
  - {group: priority, when: {score: [60, null]}}
  - {group: nurture, when: {score: [20, null]}}
  - {group: poor_fit}
hysteresis: 0
signals: [{id: asked, name: Asked, kinds: [demo_request], points: 30}]
"""


@pytest.fixture(scope="module")
def model() -> Model:
    """Company facts, roles and a request."""
    return load_model(MODEL, place="ask.yaml")


def asked(model: Model, person: dict[str, Any] | None = None, **account: Any) -> list[str]:
    """What is worth asking for, in words."""
    people = ({"uid": "p0", "account": "a0", **person},) if person is not None else ()
    events = (Event("demo_request", NOW - 5, None, "a0"),)
    subject = Subject(Entity.ACCOUNT, "a0", {"uid": "a0", **account}, people, events)
    found = questions(model, evaluate(model, subject, NOW), NOW, approach="p0" if people else None)
    return [question.said({"p0": "Ann Lee"}) for question in found]


def test_the_range_of_values_is_named(model: Model) -> None:
    """Numbers are told by the range that leads there, with the scores that the fact can lead to."""
    found = asked(model, industry="software", technologies=["none"], target_tier="b")

    assert found == ["employees unknown: 50 to 65; from 200 to 1999 it is priority"]


def test_alone_before_together(model: Model) -> None:
    """A fact that does it alone comes first; two that do so only together follow, people by their names."""
    assert asked(model, person={}, employees=500, technologies=["sap"], target_tier="a") == [
        "industry unknown: 51 to 71; with software or retail it is priority",
        "seniority of Ann Lee unknown: 51 to 52; with vp, and function of Ann Lee with finance, it is priority",
    ]


def test_together_by_points(model: Model) -> None:
    """What is worth more points is asked for first."""
    assert asked(model, industry="software", employees=9000, person={"seniority": "manager"}) == [
        "technologies unknown: 55 to 59; with sap, and target tier with a, it is priority",
        "technologies unknown: 55 to 59; with sap, and function of Ann Lee with finance, it is priority",
        "target tier unknown: 55 to 57; with a, and function of Ann Lee with finance, it is priority",
    ]


def test_a_better_group_comes_before_a_worse_one() -> None:
    """What leads up is asked for before what leads down, though it is worth less."""
    land = "rules:\n  - {id: land, name: Land, when: {field: account.country, in: ['NO']}, points: -40}"
    worse = load_model(MODEL.replace("rules:", land), place="ask.yaml")

    assert asked(worse, industry="software", technologies=["no"], target_tier="b") == [
        "employees unknown: 50 to 65; from 200 to 1999 it is priority",
        "country unknown: 10 to 50; with NO it is poor fit",
    ]


def test_nothing_is_asked_for_without_a_change_of_group(model: Model) -> None:
    """Facts that move points only are left alone."""
    assert asked(model, employees=90, person={"seniority": "manager"}) == []


def test_values_that_a_model_does_not_tell_apart_are_tried_once(model: Model) -> None:
    """One value stands for all between two edges, and one for all words that are not mentioned."""
    assert [(option.value, option.said) for option in options("account.employees", model, NOW)] == [
        (199, "below 200"), (200, "from 200 to 1999"), (2000, "from 2000 on"),
    ]  # fmt: skip
    assert [option.said for option in options("account.industry", model, NOW)] == [
        "with software", "with retail", "with anything else",
    ]  # fmt: skip


def test_who_is_approached(model: Model) -> None:
    """The person with the highest score; nobody where there is nobody."""
    people = tuple(
        {"uid": f"p{n}", "seniority": word, "function": "finance"} for n, word in enumerate(("manager", "vp"))
    )
    subject = Subject(Entity.ACCOUNT, "a0", {"uid": "a0"}, people)

    assert approached(compile_model(model), subject, NOW) == "p1"
    assert approached(compile_model(model), replace(subject, people=()), NOW) is None
    assert Gap("person.seniority", "p1").said({}) == "seniority of p1"
