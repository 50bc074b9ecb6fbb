"""Segments of a model: what they change, what they leave, what follows for plays and groups."""

from __future__ import annotations

from leadline.core.entities import Entity
from leadline.core.scoring.evaluate import evaluate, segment_of
from leadline.core.scoring.groups import every_group
from leadline.core.scoring.load import load_model
from leadline.core.scoring.model import Model, Part
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.subject import Subject

NOW = 1_700_000_000
TEXT = """
name: parted
parts: {fit: {min: 0, max: 40, weight: 50}}
rules:
  - {id: size, name: Size, points: 30, when: {field: account.employees, known: true}}
  - {id: paper, name: Paper, points: 5, when: {field: account.industry, known: true}, segments: [large]}
signals:
  - {id: demo, name: Demo, kinds: [demo_request], points: 20}
  - {id: look, name: Look, kinds: [pricing_page_view], points: 10}
groups:
  - {group: priority, when: {score: [50, null]}}
  - {group: nurture, when: {score: [10, null]}}
  - {group: poor_fit}
plays: {priority: {assign: sales}, nurture: {sequence: Drip}}
segments:
  - id: large
    name: Large
    when: {field: account.employees, range: [1000, null]}
    points: {demo: 60}
    parts: {fit: {max: 30}}
    groups:
      - {group: priority, when: {score: [50, null]}}
      - {group: investigate, when: {score: [30, null]}}
      - {group: nurture, when: {score: [10, null]}}
      - {group: poor_fit}
    plays: {investigate: {task: {subject: Look}}}
  - {id: rich, name: Rich, when: {field: account.annual_revenue, range: [1000000, null]}}
"""


def parted() -> Model:
    """The model above."""
    return load_model(TEXT, place="parted.yaml")


def of(account: dict[str, object] | None, person: dict[str, object] | None = None) -> Subject:
    """An account, or a person."""
    if person is None:
        return Subject(Entity.ACCOUNT, "a", account)
    return Subject(Entity.PERSON, "p", account, ({"uid": "p", **person},))


def test_the_first_that_is_true_takes_the_account_and_its_people() -> None:
    """Open is not true; people go with their account, and by their own facts only without one."""
    plan = compile_model(parted())
    both = {"uid": "a", "employees": 1000, "annual_revenue": 2_000_000}

    assert segment_of(plan, of(both)) == "large"
    assert segment_of(plan, of({**both, "employees": None})) == "rich"
    assert segment_of(plan, of({"uid": "a"})) == ""
    assert segment_of(plan, of({"uid": "a"}, {"employees": 5000})) == "", "the account decides, though it does not know"
    assert segment_of(plan, of(None, {"employees": 5000})) == "large"


def test_a_variant_keeps_what_the_segment_does_not_mention() -> None:
    """Limits are merged end by end, points by id, plays by group; equal signals are one for all."""
    model = parted()
    large, plain = model.variant(model.segments[0]), model.variant(None)

    assert (large.limits(Part.FIT).min, large.limits(Part.FIT).max, large.weight(Part.FIT)) == (0, 30, 50)
    assert [rule.id for rule in large.rules] == ["size", "paper"]
    assert [rule.id for rule in plain.rules] == ["size"]
    assert [signal.points for signal in large.signals] == [60_000, 10_000]
    plan = compile_model(model)
    assert len(plan.all_signals()) == 3, "a demo request of either kind, and looks"
    assert plan.of("large").signals[1] is plan.signals[1]


def test_the_segment_can_be_forced() -> None:
    """What a record would have in another segment, for the causes of a change."""
    model = parted()
    account = of({"uid": "a", "employees": 2000, "industry": "retail"})

    assert evaluate(model, account, NOW).segment == "large"
    assert evaluate(model, account, NOW).score == 15_000, "35 points, limited to 30, half of them"
    assert evaluate(model, account, NOW, segment="").score == 15_000
    assert evaluate(model, account, NOW, segment="").fired == {"size"}


def test_plays_and_groups_of_segments() -> None:
    """A play of the segment, else of the model; groups stand where their segment puts them."""
    model = parted()
    task = model.play_of("investigate", "large")

    assert task is not None and task.task is not None
    assert model.play_of("investigate", None) is None
    nurture = model.play_of("nurture", "large")
    assert nurture is not None and nurture.sequence == "Drip"
    assert every_group(model) == ("priority", "investigate", "nurture", "poor_fit")
    assert len(list(model.every_play())) == 3
