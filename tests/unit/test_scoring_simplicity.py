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


def messages(text: str, code: str) -> list[str]:
    """What the warnings of one kind say."""
    return [finding.message for finding in warnings_of(model(text)) if finding.code == code]


def rule(name: str, when: str, more: str = "points: 20") -> str:
    """A line of `rules`."""
    return f"  - {{id: {name}, name: {name}, {more}, when: {when}}}\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{field: account.industry, in: [software, retail]}", "{field: account.industry, in: [retail, software]}"),
        ("{field: account.industry, in: [retail]}", "{field: account.industry, equals: retail}"),
        ("{field: account.employees, range: [7, 8]}", "{field: account.employees, equals: 7}"),
        ("{field: account.country, known: true}", "{any: [{field: account.country, known: true}]}"),
        ("{field: account.country, known: true}", "{not: {field: account.country, known: false}}"),
        ("{field: account.employees, equals: 7}", "{not: {not: {field: account.employees, equals: 7}}}"),
        (
            "{field: account.technologies, contains_any: [sap]}",
            "{field: account.technologies, contains_all: [sap, sap]}",
        ),
        (
            "{all: [{field: account.country, in: [US]}, {field: account.employees, range: [7, null]}, {fired: demo}]}",
            "{all: [{fired: demo}, {all: [{field: account.employees, range: [7, null]}, "
            "{field: account.country, in: [US]}]}]}",
        ),
    ],
)
def test_the_same_in_other_words_is_a_duplicate(one: str, other: str) -> None:
    """Order, repetition and the way of writing make no difference."""
    twins = rule("one", one) + rule("other", other)

    assert messages(CLEAN.replace("signals:", twins + "signals:"), "duplicate") == ["'other' asks the same as 'one'"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{field: account.country, in: [US]}", "{not: {field: account.country, in: [US]}}"),
        ("{field: account.technologies, contains_any: [a, b]}", "{field: account.technologies, contains_all: [a, b]}"),
        ("{all: [{fired: demo}, {fired: known}]}", "{any: [{fired: demo}, {fired: known}]}"),
        ("{fired: known}", "{not: {fired: known}}"),
        ("{field: account.employees, range: [7, null]}", "{field: account.employees, range: [null, 7]}"),
    ],
)
def test_what_differs_is_no_duplicate(one: str, other: str) -> None:
    """Alike to look at, not in what they ask."""
    known = rule("known", "{field: account.country, known: true}")
    text = CLEAN.replace("signals:", rule("one", one) + rule("other", other) + known + "signals:")

    assert messages(text, "duplicate") == []


def test_whom_a_rule_is_for_may_be_said_or_not() -> None:
    """`both` is what a rule that reads no person is for, and segments have no order."""
    size = "{field: account.employees, range: [100, 500]}"
    twins = rule("said", size, "points: 20, applies_to: both")
    parted = rule("a", size, "points: 20, segments: [small, large]") + rule(
        "b", size, "points: 20, segments: [large, small]"
    )

    people = twins.replace("both", "person")

    assert messages(CLEAN.replace("signals:", people + "signals:"), "duplicate") == []
    assert messages(CLEAN.replace("signals:", twins + "signals:"), "duplicate") == ["'said' asks the same as 'size'"]
    assert messages(CLEAN.replace("signals:", parted + "signals:") + SEGMENTS, "duplicate") == [
        "'b' asks the same as 'a'"
    ]


@pytest.mark.parametrize(
    "entries",
    [
        "committee:\n  - {id: a, name: A, people: 3, functions: [it, sales], points: 10}\n"
        "  - {id: b, name: B, people: 3, functions: [sales, it], points: 5}\n",
        "flags:\n  - {id: a, name: A, when: {field: account.country, known: true}}\n"
        "  - {id: b, name: B, when: {field: account.country, known: true}}\n",
    ],
)
def test_committees_and_flags_are_told_twice_too(entries: str) -> None:
    """Two of the same kind that ask the same."""
    assert told(CLEAN + entries) == {("duplicate", f"{entries.partition(':')[0]}[1]")}


@pytest.mark.parametrize(
    ("segments", "example"),
    [
        ("{field: account.country, in: [US]}", "account.country any other"),
        ("{field: account.domain, matches: ['a*']}", "account.domain any other"),
        ("{field: account.technologies, contains_any: [sap]}", "account.technologies any other"),
        ("{field: account.country, known: false}", "account.country known"),
    ],
)
def test_examples_are_words(segments: str, example: str) -> None:
    """The value that stands for all others is told as such."""
    text = f"{CLEAN}segments: [{{id: z, name: Z, when: {segments}}}]\n"

    assert messages(text, "gap") == [f"no segment takes {example}: scored as the model says without segments"]


def test_several_words_of_a_list_are_told_as_words() -> None:
    """Both segments take an account that has both."""
    lists = "".join(
        f"  - {{id: {word}, name: W, when: {{field: account.technologies, contains_any: [{word}]}}}}\n"
        for word in ("sap", "oracle")
    )

    assert messages(f"{CLEAN}segments:\n{lists}", "overlap") == [
        "takes what 'sap' has taken already: account.technologies sap and oracle"
    ]


def in_steps(field: str, start: int = 0) -> str:
    """A condition that tells many values of a number apart: twenty of them are true, twenty are not."""
    tests = ", ".join(f"{{field: account.{field}, equals: {start + 10 * number}}}" for number in range(20))
    return f"{{any: [{tests}]}}"


def test_long_lists_of_words_are_few_combinations() -> None:
    """Values on which the conditions agree count once, so long lists are checked like short ones."""
    words = ", ".join(f"w{number}" for number in range(80))
    both = f"{{field: account.country, in: [{words}]}}, {{field: account.domain, in: [{words}]}}"
    text = (
        f"{CLEAN}segments:\n  - {{id: a, name: A, when: {{all: [{both}]}}}}\n"
        f"  - {{id: b, name: B, when: {{not: {{field: account.country, in: [{words}, x]}}}}}}\n"
    )

    assert messages(text, "unchecked") == []
    assert messages(text, "gap") == [
        "no segment takes account.country w0, account.domain any other: scored as the model says without segments"
    ]


def test_too_many_combinations_are_told() -> None:
    """A spread of them is tried, and what it cannot prove is said to be open, in the same words every time."""
    both = f"{{field: account.country, in: [US]}}, {in_steps('employees')}, {in_steps('annual_revenue')}"
    apart = f"{{field: account.country, in: [DE]}}, {in_steps('employees', 3)}, {in_steps('annual_revenue', 3)}"
    text = (
        f"{CLEAN}segments:\n  - {{id: a, name: A, when: {{all: [{both}]}}}}\n"
        f"  - {{id: b, name: B, when: {{all: [{apart}]}}}}\n"
        "  - {id: rest, name: R, when: {any: [{field: account.country, known: true}, "
        "{field: account.country, known: false}]}}\n"
    )

    found = warnings_of(model(text))

    assert [(finding.code, path_text(finding.path)) for finding in found] == [
        ("overlap", "segments[2].when"), ("overlap", "segments[2].when"), ("unchecked", "segments"),
    ]  # fmt: skip
    assert found[-1].message == (
        "segments ask of too many combinations of facts to try all: there may be gaps, and 'a' and 'b' may overlap"
    )
    assert warnings_of(model(text)) == found


def test_pairs_of_many_segments_are_tried_by_themselves() -> None:
    """One combination of millions is found, as two segments ask fewer facts than all; a gap is found in passing."""
    rare = "{field: account.employees, equals: 50}, {field: account.annual_revenue, equals: 30}"
    site = "{field: account.domain, in: [a.com]}, {field: account.industry, in: [retail]}"
    towns = ", ".join(f"{{field: account.country, equals: w{number}}}" for number in range(20))
    text = (
        f"{CLEAN}segments:\n  - {{id: a, name: A, when: {{all: [{rare}]}}}}\n"
        f"  - {{id: b, name: B, when: {{all: [{rare}, {{field: account.country, in: [w16]}}, {site}]}}}}\n"
        f"  - {{id: c, name: C, when: {{all: [{in_steps('employees', 1)}, {in_steps('annual_revenue', 1)}, "
        f"{{any: [{towns}]}}]}}}}\n"
    )

    found = {finding.code: finding.message for finding in warnings_of(model(text))}

    assert found.keys() == {"overlap", "gap", "unchecked"}
    assert found["overlap"] == (
        "takes what 'a' has taken already: account.employees 50, account.annual_revenue 30, account.country w16, "
        "account.domain a.com, account.industry retail"
    )
    assert found["unchecked"] == (
        "segments ask of too many combinations of facts to try all: 'a' and 'c' (and 1 more pair) may overlap"
    )


def test_parts_have_maxima_too() -> None:
    """A part whose rules add up to less than its maximum."""
    parts = "parts: {{fit: {{max: {0}}}}}\n"

    assert told(CLEAN + parts.format(40)) == set()
    assert told(CLEAN + parts.format(41)) == {("maximum", "parts.fit.max")}


def test_what_is_out_of_reach_is_told_once() -> None:
    """Not again for each segment that has it from the model."""
    text = CLEAN.replace("max: 60", "max: 61").replace("[50, null]", "[61, null]") + SEGMENTS

    found = [(finding.code, path_text(finding.path), finding.message) for finding in warnings_of(model(text))]

    assert found == [
        ("maximum", "total.max", "no record can have more than 60 of 61 points"),
        ("unreached", "groups[0].when.score", "nobody gets into 'priority': score cannot lie in [61, None]"),
    ]


@pytest.mark.parametrize(
    ("own", "found"),
    [
        ("total: {max: 70}", ("segments[1].total.max", "in segment 'large': no record can have more than 60 of 70")),
        ("parts: {fit: {max: 50}}", ("segments[1].parts.fit.max", "in segment 'large': no record can have more than")),
        ("points: {size: 10}", ("total.max", "in segment 'large': no record can have more than 50 of 60 points")),
        (
            "groups: [{group: priority, when: {fit: [50, null]}}, {group: poor_fit}]",
            ("segments[1].groups[0].when.fit", "in segment 'large': nobody gets into 'priority'"),
        ),
    ],
)
def test_what_only_a_segment_misses_names_it(own: str, found: tuple[str, str]) -> None:
    """At the place that the segment has of its own, or at that of the model."""
    text = CLEAN + SEGMENTS.replace("[100, null]}", f"[100, null]}}, {own}")

    (finding,) = warnings_of(model(text))

    assert path_text(finding.path) == found[0]
    assert finding.message.startswith(found[1])


def test_what_segments_reach_is_said_of_the_others() -> None:
    """The base model alone is short of points."""
    text = CLEAN.replace("max: 60", "max: 70") + SEGMENTS.replace("null]}}", "null]}, points: {size: 30}}")
    text = text.replace("100]}}", "100]}, points: {size: 30}}")

    assert messages(text, "maximum") == ["outside of segments: no record can have more than 60 of 70 points"]


def test_no_points_do_nothing() -> None:
    """Unless something asks for the rule: a condition, a group, a segment, or a method that it is reported under."""
    country = "{field: account.country, known: true}"
    idle = CLEAN.replace("signals:", rule("zero", country, "points: 0") + "signals:")
    asking = rule("asks", "{fired: zero}")

    assert told(idle) == {("tiny", "rules[3].points")}
    assert messages(idle, "tiny") == ["'zero' gives no points, and nothing asks for it"]
    assert messages(idle.replace("signals:", asking + "signals:"), "tiny") == []
    assert messages(idle.replace("{score: [50, null]}", "{score: [50, null]}, needs: [zero]"), "tiny") == []
    assert messages(idle.replace("points: 0", "points: 0, qualification: [bant.need]"), "tiny") == []
    assert messages(idle + SEGMENTS.replace("100]}", "100]}, points: {zero: 5}"), "tiny") == []
    assert messages(idle + SEGMENTS.replace("100]}", "100]}, points: {zero: 0}"), "tiny") != []


@pytest.mark.parametrize(
    ("tests", "impossible"),
    [
        ("{field: account.industry, in: [software]}, {field: account.industry, in: [retail]}", True),
        ("{field: account.employees, range: [null, 10]}, {field: account.employees, range: [10, null]}", True),
        ("{field: account.country, known: false}, {field: account.country, in: [US]}", True),
        ("{field: account.country, in: [US]}, {not: {field: account.country, in: [US, CA]}}", True),
        ("{field: account.industry, in: [software, media]}, {field: account.industry, in: [media]}", False),
        ("{field: account.employees, range: [9, 10]}, {field: account.employees, equals: 9}", False),
        # Not gone through: these may be true together though no value that is tried says so.
        ("{field: account.domain, matches: ['a*']}, {field: account.domain, matches: ['*z']}", False),
        ("{fired: demo}, {field: account.industry, in: [retail]}", False),
        ("{field: account.created_at, days_since: [1, 2]}, {field: account.created_at, days_since: [1, 9]}", False),
    ],
)
def test_conditions_that_are_never_true(tests: str, impossible: bool) -> None:
    """Tests of one fact that exclude each other."""
    text = CLEAN.replace("signals:", rule("both", f"{{all: [{tests}]}}") + "signals:")

    found = {place for code, place in told(text) if code == "impossible"}

    assert found == ({"rules[3].when"} if impossible else set())


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
