"""Model files: what is read, what is refused and how, and that the shipped models keep their word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
import yaml

from leadline.core.entities import Entity
from leadline.core.scoring.decay import curve
from leadline.core.scoring.due import next_due
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.examples import EXAMPLE_NOW, check_examples
from leadline.core.scoring.explain import explain, points_text, sentences
from leadline.core.scoring.groups import Place, assign
from leadline.core.scoring.load import load_model, schema_text
from leadline.core.scoring.model import DAY, Model, Signal
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.subject import Event, Subject
from leadline.yamlfile import FileError

MODELS = Path(__file__).parents[2] / "models"
SHIPPED = sorted(path.name for path in MODELS.glob("*.yaml"))
HEAD = "name: trial\ngroups: [{group: poor_fit}]\n"


def shipped(name: str) -> Model:
    """A model of the `models/` folder."""
    return load_model((MODELS / name).read_text(), place=name)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_examples_hold(name: str) -> None:
    """Every worked example comes out point by point."""
    model = shipped(name)

    assert [str(failure) for failure in check_examples(model)] == []
    assert len(model.examples) >= 2


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_fit_the_schema(name: str) -> None:
    """The JSON Schema that editors use accepts what the reader accepts."""
    jsonschema.validate(yaml.safe_load((MODELS / name).read_text()), json.loads(schema_text()))


def test_schema_file_is_current() -> None:
    """`models/model.schema.json` is what the typed model says."""
    assert schema_text() == (MODELS / "model.schema.json").read_text()


def test_b2b_examples_show_every_group() -> None:
    """The default model's examples land in all six groups."""
    model = shipped("b2b.yaml")

    assert {group.group for group in model.groups} == {example.expect.group for example in model.examples}
    assert len({group.group for group in model.groups}) == 6


def test_a_failing_example_names_rule_and_points() -> None:
    """Changing a rule shows in the example that depends on it."""
    text = (MODELS / "reference-100.yaml").read_text().replace("points: 30", "points: 29", 1)

    failures = [str(failure) for failure in check_examples(load_model(text, place="changed"))]

    assert "seventy is sales-ready: decision_maker should be 30, is 29" in failures
    assert "seventy is sales-ready: group should be priority, is nurture" in failures


REFUSED = {
    "unknown fact": (
        "rules:\n  - id: a\n    name: A\n    points: 1\n    when: {field: account.industri, known: true}\n",
        "m.yaml:7: rules[0].when.field: unknown fact 'account.industri'. Did you mean 'account.industry'?",
    ),
    "impossible word": (
        "rules:\n  - id: a\n    name: A\n    points: 1\n    when: {field: person.seniority, in: [cfo]}\n",
        "m.yaml:7: rules[0].when.in[0]: seniority is never 'cfo'.",
    ),
    "operator of another kind": (
        "rules:\n  - id: a\n    name: A\n    points: 1\n    when: {field: account.industry, range: [1, 2]}\n",
        "m.yaml:7: rules[0].when.range: 'range' cannot test account.industry, which is enum. Use in, equals, known.",
    ),
    "two tests": (
        "rules:\n  - id: a\n    name: A\n    points: 1\n"
        "    when: {field: account.employees, range: [1, 2], known: true}\n",
        "must test 'account.employees' in exactly one way",
    ),
    "empty range": (
        "rules:\n  - id: a\n    name: A\n    points: 1\n    when: {field: account.employees, range: [2, 2]}\n",
        "is empty: 2 is not below 2",
    ),
    "test without field": (
        "rules:\n  - id: a\n    name: A\n    points: 1\n    when: {known: true}\n",
        "m.yaml:7: rules[0].when.known: has no field to test",
    ),
    "unknown activity": (
        "signals:\n  - id: a\n    name: A\n    kinds: [pricing_page]\n    points: 3\n",
        "m.yaml:6: signals[0].kinds[0]: unknown activity kind 'pricing_page'. Did you mean 'pricing_page_view'?",
    ),
    "cap of the wrong sign": (
        "signals:\n  - id: a\n    name: A\n    kinds: [webinar]\n    points: 3\n    cap: -3\n",
        "m.yaml:8: signals[0].cap: should have the sign of points",
    ),
    "cap of nothing": (
        "signals:\n  - id: a\n    name: A\n    kinds: [webinar]\n    points: 3\n    account_cap: 0\n",
        "m.yaml:8: signals[0].account_cap: should not be 0. Leave the key out for no cap.",
    ),
    "asset without letters": (
        "signals:\n  - id: a\n    name: A\n    kinds: [webinar]\n    points: 3\n    assets: [case, '']\n",
        "signals[0].assets[1]: is empty: every asset contains it",
    ),
    "no kinds": (
        "signals:\n  - id: a\n    name: A\n    kinds: []\n    points: 3\n",
        "m.yaml:6: signals[0].kinds: is empty. Name at least one.",
    ),
    "two decays": (
        "signals:\n  - {id: a, name: A, kinds: [webinar], points: 3, half_life_days: 2, steps: [[3, 1]]}\n",
        "half_life_days is given too",
    ),
    "repeated id": (
        "signals:\n" + 2 * "  - {id: a, name: A, kinds: [webinar], points: 3}\n",
        "m.yaml:5: signals[1].id: 'a' is used twice",
    ),
    "reserved id": (
        "signals:\n  - {id: cap, name: A, kinds: [webinar], points: 3}\n",
        "signals[0].id: 'cap' is reserved",
    ),
    "too fine": (
        "signals:\n  - {id: a, name: A, kinds: [webinar], points: 0.0001}\n",
        "signals[0].points: has more than three decimals",
    ),
    "fit that decays": (
        "signals:\n  - {id: a, name: A, part: fit, kinds: [webinar], points: 1}\n",
        "signals[0].part: unknown value 'fit'",
    ),
    "play without group": ("plays: {priority: {assign: sales}}\n", "plays.priority: has a play but is not in `groups`"),
    "example about nobody": (
        "examples: [{name: e, account: {industri: retail}, expect: {score: 0, group: poor_fit}}]\n",
        "examples[0].account.industri: unknown fact 'industri'. Did you mean 'industry'?",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_are_told_with_place_and_fix(name: str) -> None:
    """File, line, path, what is wrong, what to do."""
    text, message = REFUSED[name]

    with pytest.raises(FileError) as caught:
        load_model(HEAD + text, place="m.yaml")

    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("[{group: nurture, when: {score: [1, null]}}]", "the last group must take what is left"),
        ("[{group: nurture}, {group: poor_fit}]", "takes everything"),
        ("[{group: nurture, when: {scor: [1, null]}}, {group: poor_fit}]", "Did you mean 'score'?"),
    ],
)
def test_groups_must_cover_everything(groups: str, message: str) -> None:
    """The list of groups ends with the only one that takes all."""
    with pytest.raises(FileError, match=message.replace("?", r"\?")):
        load_model(f"name: trial\ngroups: {groups}\n", place="m.yaml")


def test_the_digest_is_of_the_content() -> None:
    """Layout and comments do not make a new version, points do."""
    first = load_model(HEAD + "total: {max: 100}\n", place="a")

    assert first.digest == load_model("# same\ntotal:\n  max: 100\n" + HEAD, place="b").digest
    assert first.digest != load_model(HEAD + "total: {max: 99}\n", place="a").digest


def test_country_codes_stay_text() -> None:
    """Norway is not false."""
    text = HEAD + "rules: [{id: a, name: A, points: 1, when: {field: account.country, in: [NO]}}]\n"

    assert load_model(text, place="m").rules[0].when.in_ == ("NO",)


def signal(**given: object) -> Signal:
    """A signal of one kind."""
    return Signal.model_validate({"id": "a", "name": "A", "kinds": ["webinar"], **given})


def test_halving_and_steps() -> None:
    """Final points by age, and when they change next."""
    halving = curve(signal(points=15, half_life_days=7, window_days=180))
    stepped = curve(signal(points=15, steps=[[180, 2]], window_days=365))

    assert [halving.at(0), halving.at(7), halving.at(14), halving.at(180)] == [15_000, 7_500, 3_750, 0]
    assert [stepped.at(day) for day in (0, 179, 180, 364, 365)] == [15_000, 15_000, 2_000, 2_000, 0]
    assert stepped.next_step(1000, 1000 + 179 * DAY) == 1000 + 180 * DAY
    assert stepped.next_step(1000, 1000 + 180 * DAY) == 1000 + 365 * DAY
    assert stepped.next_step(1000, 1000 + 365 * DAY) is None
    assert stepped.next_step(1000, 0) == 1000 + 180 * DAY


HYSTERESIS = """
name: bands
hysteresis: 3
groups:
  - {group: priority, when: {score: [70, null]}}
  - {group: nurture, when: {score: [40, 70]}}
  - {group: poor_fit}
"""


@pytest.mark.parametrize(
    ("score", "previous", "group"),
    [
        (70, None, "priority"),
        (69, None, "nurture"),
        (67, "priority", "priority"),
        (66, "priority", "nurture"),
        (70, "nurture", "priority"),
        (69, "nurture", "nurture"),
        (37, "nurture", "nurture"),
        (36, "nurture", "poor_fit"),
        (40, "poor_fit", "nurture"),
        (39, "no_such_group", "poor_fit"),
    ],
)
def test_hysteresis_holds_on_the_way_down(score: int, previous: str | None, group: str) -> None:
    """Up at the band, down three points below it."""
    model = load_model(HYSTERESIS, place="m")

    assert group == assign(model, Place({"score": score}), previous)
    assert assign(model, Place({"score": score}, disqualified=True), previous) == "poor_fit"


NOW = EXAMPLE_NOW
ACCOUNT: dict[str, Any] = {"uid": "crm/Account/1", "industry": "manufacturing", "employees": 500, "country": "US"}
PERSON: dict[str, Any] = {"uid": "crm/Contact/1", "account": "crm/Account/1", "seniority": "vp", "function": "finance"}


def busy_account() -> Subject:
    """An account of which one person did much, some of it long ago."""
    did = [("pricing_page_view", 0), ("pricing_page_view", 1), ("pricing_page_view", 9), ("demo_request", 3)]
    events = tuple(
        Event(kind, NOW - day * DAY, PERSON["uid"], uid=f"crm/Web/{number}") for number, (kind, day) in enumerate(did)
    )
    return Subject(Entity.ACCOUNT, ACCOUNT["uid"], ACCOUNT, (PERSON,), events)


@pytest.mark.parametrize("name", SHIPPED)
def test_explanations_sum_to_the_score(name: str) -> None:
    """Lines per event, with what decay and caps took, add up exactly."""
    explanation = explain(shipped(name), busy_account(), NOW)

    assert explanation.evaluation.score == sum(line.points for line in explanation.lines)
    assert all(line.points == line.raw_points - line.lost_to_decay - line.lost_to_cap for line in explanation.lines)
    by_rule: dict[tuple[str, str], int] = {}
    for line in explanation.lines:
        by_rule[line.part, line.rule] = by_rule.get((line.part, line.rule), 0) + line.points
    assert {(row.part, row.rule): row.points for row in explanation.evaluation.ledger} == by_rule


def test_explanation_names_sources_and_losses() -> None:
    """Each event's line says which record it is, how old, and what time took from it."""
    lines = explain(shipped("b2b.yaml"), busy_account(), NOW).lines

    old = next(line for line in lines if line.source == "crm/Web/2")
    assert ("pricing", 12_000, 9, NOW - 9 * DAY, PERSON["uid"]) == (
        old.rule, old.raw_points, old.age_days, old.at, old.person,
    )  # fmt: skip
    assert old.points == 12_000 - old.lost_to_decay < 6_000
    cap = next(line for line in lines if line.name == "Viewed the pricing page: limit reached")
    assert cap.points == -cap.lost_to_cap < 0


def test_sentences_speak_to_salespeople() -> None:
    """Strongest first, whole lines only, never longer than the field."""
    model = shipped("b2b.yaml")
    evaluation = evaluate(model, busy_account(), NOW)

    text = sentences(model, evaluation.ledger)

    lines = text.split("\n")
    assert lines[0] == "Role: vp, finance (+30)"
    assert "Asked for a demo on 11 Nov (+20)" in lines
    assert "Viewed the pricing page 3 times, last on 14 Nov (+18)" in lines
    assert "Industry we serve: manufacturing (+14)" in lines
    assert "\n".join(lines[:2]) == sentences(model, evaluation.ledger, max_length=len("\n".join(lines[:2])))
    assert lines[0] == sentences(model, evaluation.ledger, max_length=len("\n".join(lines[:2])) - 1)
    assert lines[:3] == sentences(model, evaluation.ledger, limit=3).split("\n")


def test_points_as_text() -> None:
    """Signed, decimals only where there are some."""
    assert [points_text(value) for value in (30_000, -2_500, 1)] == ["+30", "-2.5", "+0.001"]


def test_an_account_steps_back_within_three_weeks() -> None:
    """Priority by one busy day; silence ends it after one to three weeks, and `due` says when."""
    model = shipped("b2b.yaml")
    plan = compile_model(model)
    subject = busy_account()
    now, found = NOW, evaluate(model, subject, NOW)
    assert found.group == "priority"

    while found.group == "priority":
        now = next_due(plan, found, now, pushed=None, n=1000, horizon=60 * DAY).due_at
        found = evaluate(
            model, Subject(subject.entity, subject.uid, ACCOUNT, subject.people, subject.events, found.group), now
        )

    assert found.group == "nurture"
    assert 5 * DAY <= now - NOW <= 21 * DAY
