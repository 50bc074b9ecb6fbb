"""Warnings about models that are valid and hard to trust: each comes with its cause and goes with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadline.core.scoring.load import load_model
from leadline.core.scoring.model import Model
from leadline.core.scoring.simplicity import MANY, Firing, warnings_of, warnings_on
from leadline.yamlfile import path_text

MODELS = Path(__file__).parents[2] / "models"

CLEAN = """
name: clean
total: {min: 0, max: 60}
rules:
  - {id: industry, name: Industry, points: 20, when: {field: account.industry, in: [software]}}
  - {id: size, name: Size, points: 20, when: {field: account.employees, range: [100, 500]}}
  - {id: free, name: Free mail, part: negative, points: -10, when: {field: person.email_class, in: [free]}}
signals:
  - {id: demo, name: Demo, kinds: [demo_request], points: 20, pick: last, account_cap: 20}
groups:
  - {group: priority, when: {score: [50, null]}}
  - {group: poor_fit}
plays: {priority: {assign: sales}}
"""
SEGMENTS = """
segments:
  - {id: small, name: Small, when: {field: account.employees, range: [null, 100]}}
  - {id: large, name: Large, when: {field: account.employees, range: [100, null]}}
"""


def model(text: str) -> Model:
    """A model from text."""
    return load_model(text, place="m.yaml")


def told(text: str) -> set[tuple[str, str]]:
    """Codes and places of the warnings about a model."""
    return {(finding.code, path_text(finding.path)) for finding in warnings_of(model(text))}


def test_a_clean_model_causes_none() -> None:
    """Nothing to say about a short model that reaches its maximum; nor with segments that share the world out."""
    assert told(CLEAN) == set()
    # What is unknown is in no segment, which is no gap.
    assert told(CLEAN + SEGMENTS) == set()


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "points: 20, when: {field: account.industry",
            "points: 1, when: {field: account.industry",
            ("tiny", "rules[0].points"),
        ),
        ("max: 60", "max: 61", ("maximum", "total.max")),
        ("score: [50, null]", "score: [61, null]", ("unreached", "groups[0].when.score")),
        ("plays: {priority: {assign: sales}}", "", ("no_play", "plays")),
        ("points: -10", "points: 10", ("no_negative", "")),
        ("kinds: [demo_request]", "kinds: [demo_request, web_session]", ("alike", "signals[0].kinds")),
        (
            "  - {id: free,",
            "  - {id: twin, name: Size, points: 20, when: {field: account.employees, range: [100, 500]}}\n"
            "  - {id: free,",
            ("duplicate", "rules[2]"),
        ),
        (
            "groups:",
            "  - {id: again, name: Demo, kinds: [demo_request], points: 20, pick: last, account_cap: 20}\ngroups:",
            ("duplicate", "signals[1]"),
        ),
    ],
)
def test_each_cause_has_its_warning(old: str, new: str, found: tuple[str, str]) -> None:
    """One change to the clean model, one warning at the place of the change."""
    assert old in CLEAN

    assert found in told(CLEAN.replace(old, new, 1))


def test_too_many_rules() -> None:
    """Forty are plenty."""
    rule = "  - {{id: r{0}, name: R, points: 20, when: {{field: account.employees, range: [{0}, null]}}}}\n"
    many = "".join(rule.format(number) for number in range(1, MANY))

    assert ("too_many", "rules") in told(CLEAN.replace("signals:", many + "signals:"))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("range: [100, null]", "range: [99, null]", ("overlap", "segments[1].when")),
        ("range: [100, null]", "range: [101, null]", ("gap", "segments")),
    ],
)
def test_segments_share_the_world_out(old: str, new: str, found: tuple[str, str]) -> None:
    """A member of staff in two segments, or in none."""
    assert told(CLEAN + SEGMENTS.replace(old, new)) == {found}


def test_reach_counts_rules_of_one_fact_once() -> None:
    """Two ranges of staff exclude each other, so their points never add up."""
    other = "  - {id: big, name: Big, points: 20, when: {field: account.employees, range: [500, null]}}\n"

    assert told(CLEAN.replace("  - {id: free,", other + "  - {id: free,")) == set()
    raised = CLEAN.replace("max: 60", "max: 80").replace("  - {id: free,", other + "  - {id: free,")
    assert ("maximum", "total.max") in told(raised)


def test_stored_records_give_rules_away() -> None:
    """Never, nearly always, and exactly when another one does; and a segment that nobody is in."""
    firing = Firing(
        {"": 60, "small": 40},
        {"industry": 96, "size": 30, "free": 30, "demo": 0},
        {"industry": 5, "size": 7, "free": 7},
    )

    found = {(finding.code, path_text(finding.path)) for finding in warnings_on(model(CLEAN + SEGMENTS), firing)}

    assert found == {
        ("always", "rules[0]"), ("never", "signals[0]"), ("twins", "rules[2]"), ("empty_segment", "segments[1]"),
    }  # fmt: skip


def test_a_handful_of_records_proves_nothing() -> None:
    """Below twenty records nothing is said."""
    assert warnings_on(model(CLEAN), Firing({"": 19}, {}, {})) == []


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_models_cause_no_warning_that_is_not_meant(path: Path) -> None:
    """The yardstick has no negative rule because its source has none; `segmented` leaves the middle to the model."""
    meant = {"reference-100": {"no_negative"}, "segmented": {"gap"}}

    codes = {finding.code for finding in warnings_of(load_model(path.read_text(), place=path.name))}

    assert codes == meant.get(path.stem, set())
