"""The numbers that the shipped models are named for: change one, and at least one worked example fails.

Some thresholds lie where no record can come (the points of `reference-100` are multiples of five, so 36 to 40 divide
records alike). Those are moved to the nearest place that makes a difference.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from leadline.core.scoring.examples import check_examples
from leadline.core.scoring.load import load_model
from leadline.core.scoring.worked import Example

MODELS = Path(__file__).parents[2] / "models"

# By model, the points of each rule or signal. One more or one less must show.
POINTS: dict[str, dict[str, int]] = {
    "reference-100": {
        "industry_match": 20,
        "size_in_range": 15,
        "decision_maker": 30,
        "pricing_or_demo": 20,
        "content": 15,
    },
    "fit-and-behaviour": {"financial_services": 25, "served_size": 15, "webinar": 25, "pricing": 15},
    "explicit-implicit": {
        "manufacturing": 20,
        "served_size": 15,
        "demo_request": 50,
        "pricing": 15,
        "student": -50,
        "free_mail": -10,
    },
    "bant": {
        "large_enough": 15,
        "asks_for_price": 10,
        "decides": 20,
        "recommends": 5,
        "problem_case_study": 15,
        "compares": 10,
        "within_three_months": 20,
        "half_a_year_or_more": 5,
    },
    "meddic": {"vp_operations": 25, "roi_guide": 20, "roi_calculator": 15, "metrics_whitepaper": 15},
    "segmented": {
        "security_whitepaper": 40,
        "three_contacts": 30,
        "finance_compliance": 20,
        "healthcare_hipaa": 25,
        "manufacturing_efficiency": 20,
    },
    "recalibrated-before": {"it_director": 25, "case_study": 10},
    "recalibrated": {"operations_manager": 30, "efficiency_case_study": 20},
    "hygiene": {
        "student": -50,
        "intern_or_assistant": -10,
        "free_mail": -10,
        "careers_only": -15,
        "wrong_vertical": -50,
        "top_vertical": 20,
        "poor_fit_use": -20,
        "unrelated_request": -15,
        "no_business_context": -10,
    },
    "hygiene-strict": {
        "careers_only": -15,
        "wrong_vertical": -50,
        "top_vertical": 20,
        "poor_fit_use": -20,
        "unrelated_request": -15,
        "no_business_context": -10,
    },
}

# Model, a text that its definition holds, and what takes its place.
CHANGES = [
    # 40 to below 70
    ("reference-100", "score: [40, 70]", "score: [35, 70]"),
    ("reference-100", "score: [40, 70]", "score: [41, 70]"),
    ("reference-100", "score: [40, 70]", "score: [55, 70]"),
    ("reference-100", "score: [70, null]", "score: [65, null]"),
    ("reference-100", "score: [70, null]", "score: [71, null]"),
    ("reference-100", "range: [200, 2000]", "range: [199, 2000]"),
    ("reference-100", "range: [200, 2000]", "range: [201, 2000]"),
    ("reference-100", "range: [200, 2000]", "range: [200, 1999]"),
    ("reference-100", "range: [200, 2000]", "range: [200, 2001]"),
    ("reference-100", "min_count: 2", "min_count: 1"),
    ("reference-100", "min_count: 2", "min_count: 3"),
    ("reference-100", "[pricing_page_view, demo_page_view]", "[pricing_page_view]"),
    ("reference-100", "[pricing_page_view, demo_page_view]", "[demo_page_view]"),
    # Both gates: no fit lies between 25 and 40, no behaviour between 30 and 40
    ("fit-and-behaviour", "when: {fit: [30, null], intent: [40, null]}", "when: {fit: [25, null], intent: [40, null]}"),
    ("fit-and-behaviour", "when: {fit: [30, null], intent: [40, null]}", "when: {fit: [41, null], intent: [40, null]}"),
    ("fit-and-behaviour", "when: {fit: [30, null], intent: [40, null]}", "when: {fit: [30, null], intent: [25, null]}"),
    ("fit-and-behaviour", "when: {fit: [30, null], intent: [40, null]}", "when: {fit: [30, null], intent: [41, null]}"),
    ("fit-and-behaviour", "when: {fit: [30, null]}", "when: {fit: [25, null]}"),
    ("fit-and-behaviour", "when: {fit: [30, null]}", "when: {fit: [41, null]}"),
    ("fit-and-behaviour", "when: {intent: [40, null]}", "when: {intent: [26, null]}"),
    ("fit-and-behaviour", "when: {intent: [40, null]}", "when: {intent: [30, null]}"),
    ("fit-and-behaviour", "when: {intent: [40, null]}", "when: {intent: [41, null]}"),
    ("fit-and-behaviour", "range: [100, 1001]", "range: [99, 1001]"),
    ("fit-and-behaviour", "range: [100, 1001]", "range: [101, 1001]"),
    ("fit-and-behaviour", "range: [100, 1001]", "range: [100, 1000]"),
    ("fit-and-behaviour", "range: [100, 1001]", "range: [100, 1002]"),
    # 500 to 2,000 staff; 15 today, 2 after six months
    ("explicit-implicit", "range: [500, 2001]", "range: [499, 2001]"),
    ("explicit-implicit", "range: [500, 2001]", "range: [501, 2001]"),
    ("explicit-implicit", "range: [500, 2001]", "range: [500, 2000]"),
    ("explicit-implicit", "range: [500, 2001]", "range: [500, 2002]"),
    ("explicit-implicit", "range: [500, 2001]", "range: [500, null]"),
    ("explicit-implicit", "[180, 2]", "[179, 2]"),
    ("explicit-implicit", "[180, 2]", "[181, 2]"),
    ("explicit-implicit", "[180, 2]", "[151, 2]"),
    ("explicit-implicit", "[180, 2]", "[180, 1]"),
    ("explicit-implicit", "[180, 2]", "[180, 3]"),
    ("explicit-implicit", "steps: [[30, 12]", "steps: [[29, 12]"),
    ("explicit-implicit", "steps: [[30, 12]", "steps: [[31, 12]"),
    # More than 500 staff; director and above
    ("bant", "range: [501, null]", "range: [500, null]"),
    ("bant", "range: [501, null]", "range: [502, null]"),
    ("bant", "in: [c_suite, vp, director]", "in: [vp, director]"),
    ("bant", "in: [c_suite, vp, director]", "in: [c_suite, director]"),
    ("bant", "in: [c_suite, vp, director]", "in: [c_suite, vp]"),
    # Small companies and enterprises
    ("segmented", "points: {demo_request: 50, trying: 25}", "points: {demo_request: 49, trying: 25}"),
    ("segmented", "points: {demo_request: 50, trying: 25}", "points: {demo_request: 51, trying: 25}"),
    ("segmented", "points: {demo_request: 50, trying: 25}", "points: {demo_request: 50, trying: 24}"),
    ("segmented", "points: {demo_request: 50, trying: 25}", "points: {demo_request: 50, trying: 26}"),
    ("segmented", "points: {demo_request: 20}", "points: {demo_request: 19}"),
    ("segmented", "points: {demo_request: 20}", "points: {demo_request: 21}"),
    ("segmented", "[pricing_page_view, trial_signup, demo_page_view]", "[trial_signup, demo_page_view]"),
    ("segmented", "[pricing_page_view, trial_signup, demo_page_view]", "[pricing_page_view, demo_page_view]"),
    ("segmented", "[pricing_page_view, trial_signup, demo_page_view]", "[pricing_page_view, trial_signup]"),
    ("segmented", "people: 3, points: 30", "people: 2, points: 30"),
    ("segmented", "people: 3, points: 30", "people: 4, points: 30"),
    # Sixty idle days; who is too small
    *(
        (name, "after_days: 60, points: -20", text)
        for name in ("b2b", "segmented", "hygiene", "hygiene-strict")
        for text in (
            "after_days: 59, points: -20",
            "after_days: 61, points: -20",
            "after_days: 60, points: -19",
            "after_days: 60, points: -21",
        )
    ),
    ("hygiene", "range: [null, 10]", "range: [null, 9]"),
    ("hygiene", "range: [null, 10]", "range: [null, 11]"),
    ("hygiene-strict", "range: [null, 11]", "range: [2, 11]"),
    ("hygiene-strict", "range: [null, 11]", "range: [null, 10]"),
    ("hygiene-strict", "range: [null, 11]", "range: [null, 12]"),
    ("hygiene-strict", "in: [intern, student, freelancer]", "in: [student, freelancer]"),
    ("hygiene-strict", "in: [intern, student, freelancer]", "in: [intern, freelancer]"),
    ("hygiene-strict", "in: [intern, student, freelancer]", "in: [intern, student]"),
    ("hygiene-strict", "in: [free, disposable]", "in: [disposable]"),
    # Roles, in the default model
    ("b2b", "points: {c_suite: 30, vp: 30, director: 20", "points: {c_suite: 29, vp: 30, director: 20"),
    ("b2b", "points: {c_suite: 30, vp: 30, director: 20", "points: {c_suite: 30, vp: 29, director: 20"),
    ("b2b", "points: {c_suite: 30, vp: 30, director: 20", "points: {c_suite: 30, vp: 30, director: 19"),
    ("b2b", "points: {c_suite: 30, vp: 30, director: 20", "points: {c_suite: 30, vp: 30, director: 21"),
    ("b2b", "manager: 10, individual: 5}", "manager: 9, individual: 5}"),
    ("b2b", "manager: 10, individual: 5}", "manager: 11, individual: 5}"),
    ("b2b", "manager: 10, individual: 5}", "manager: 10, individual: 4}"),
    ("b2b", "manager: 10, individual: 5}", "manager: 10, individual: 6}"),
]


@cache
def shipped(name: str) -> tuple[str, tuple[Example, ...]]:
    """The text of a model without its examples, and these."""
    text = (MODELS / f"{name}.yaml").read_text()
    return text.partition("\nexamples:\n")[0], load_model(text, place=name).examples


def failures(name: str, old: str, new: str, *, after: str = "") -> int:
    """How many expectations of the model's examples fail with the first `old` behind `after` replaced."""
    definition, examples = shipped(name)
    start = definition.index(after)
    at = definition.index(old, start)
    changed = load_model(definition[:at] + new + definition[at + len(old) :], place=name)
    return len(check_examples(changed.model_copy(update={"examples": examples})))


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize(
    ("name", "rule", "points"),
    [(name, rule, points) for name, rules in POINTS.items() for rule, points in rules.items()],
)
def test_points_are_held_by_an_example(name: str, rule: str, points: int, by: int) -> None:
    """The rule gives these points, and examples say so."""
    entry = shipped(name)[0].partition(f"id: {rule}")[2]
    first = entry[entry.index("points: ") :].splitlines()[0].partition(",")[0]
    assert first == f"points: {points}"

    assert failures(name, first, f"points: {points + by}", after=f"id: {rule}") > 0


@pytest.mark.parametrize("name", sorted({*POINTS, *(name for name, _, _ in CHANGES)}))
def test_all_examples_hold_before_anything_is_changed(name: str) -> None:
    """Otherwise a failure below would say nothing."""
    definition, examples = shipped(name)

    assert check_examples(load_model(definition, place=name).model_copy(update={"examples": examples})) == []


@pytest.mark.parametrize(("name", "old", "new"), CHANGES)
def test_thresholds_and_conditions_are_held_by_an_example(name: str, old: str, new: str) -> None:
    """A limit, a range or a list that is another makes an example fail."""
    assert failures(name, old, new) > 0
