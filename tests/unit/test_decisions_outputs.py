"""What the CRM is to show, and when that is worth a write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.core.decisions.outputs import PushPolicy, differences, iso, outputs, same, sort_key, worth_writing
from leadline.sdk.records import Scalar

POLICY = PushPolicy(min_points=5, max_age=1_000)
SCORED: dict[str, Any] = {"score": 61_000, "fit": 40_000, "intent": 21_999, "group": "priority"}


def values(**changed: Scalar) -> dict[str, Scalar]:
    made = outputs(SCORED, rank=0, groups=6, reasons="Why", action="Call", now=1_700_000_000)
    return {**made, **changed}


def test_outputs_are_whole_points_and_an_instant() -> None:
    assert values() == {
        "score": 61,
        "fit": 40,
        "intent": 21,
        "group": "priority",
        "reasons": "Why",
        "sort_key": "06-060",
        "action": "Call",
        "scored_at": "2023-11-14T22:13:20Z",
    }
    assert iso(0) == "1970-01-01T00:00:00Z"


@given(
    one=st.tuples(st.integers(0, 5), st.integers(-2_000_000, 2_000_000)),
    other=st.tuples(st.integers(0, 5), st.integers(-2_000_000, 2_000_000)),
)
def test_the_sort_key_puts_better_groups_first_and_never_turns_scores_round(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    (rank, score), (other_rank, other_score) = one, other
    better = (-rank, score) > (-other_rank, other_score)
    key, other_key = sort_key(rank, 6, score), sort_key(other_rank, 6, other_score)
    assert len(key) <= 20
    if rank != other_rank:
        assert (key > other_key) == (rank < other_rank)
    elif better:
        assert key >= other_key


@pytest.mark.parametrize(("score", "band"), [(0, "000"), (4_999, "000"), (5_000, "005"), (64_000, "060"), (-1, "000")])
def test_small_moves_leave_the_sort_key(score: int, band: str) -> None:
    assert sort_key(0, 6, score) == f"06-{band}"


@pytest.mark.parametrize(
    ("changed", "age", "worth"),
    [
        ({}, 10_000, False),
        ({"scored_at": "2030-01-01T00:00:00Z"}, 10_000, False),
        ({"score": 65}, 999, False),
        ({"score": 66}, 0, True),
        ({"score": 56}, 0, True),
        ({"score": 65}, 1_000, True),
        ({"fit": 41}, 999, False),
        ({"fit": 41}, 1_000, True),
        ({"group": "nurture"}, 0, True),
        ({"action": "Held back"}, 0, True),
        ({"reasons": "Other"}, 999, False),
    ],
)
def test_a_write_is_worth_it_for_a_group_a_big_move_or_after_a_while(
    changed: dict[str, Scalar], age: int, worth: bool
) -> None:
    assert worth_writing(values(**changed), values(), 500, POLICY, 500 + age) is worth


def test_what_was_never_written_is_worth_writing() -> None:
    assert worth_writing(values(), None, None, POLICY, 0)


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        (61, "61", True),
        (61, 61.0, True),
        (61, "61.0", True),
        (61, "", False),
        (61, None, False),
        (0, None, False),
        (0, "", False),
        (61, "sixty-one", False),
        ("", None, True),
        (None, "", True),
        ("text", " text ", True),
        ("text", "Text", False),
        ("priority", None, False),
        (None, "x", False),
    ],
)
def test_a_crms_spelling_of_our_value_is_no_difference(ours: Scalar, theirs: Any, equal: bool) -> None:
    assert same(ours, theirs) is equal


def test_only_what_differs_is_written_and_a_new_instant_alone_is_nothing() -> None:
    assert differences(values(), values()) == {}
    assert differences(values(scored_at="2030-01-01T00:00:00Z"), values()) == {}
    later = values(scored_at="2030-01-01T00:00:00Z", score=62)
    assert differences(later, values()) == {"score": 62, "scored_at": "2030-01-01T00:00:00Z"}
    assert differences({"score": 1, "owner": "u1"}, {}) == {"score": 1, "owner": "u1"}
    assert differences({"reasons": ""}, {}) == {}


scalars = st.one_of(st.none(), st.integers(-1000, 1000), st.text(max_size=5))


@given(
    written=st.dictionaries(st.sampled_from(["score", "group", "owner"]), scalars),
    before=st.dictionaries(st.sampled_from(["score", "group", "owner"]), scalars),
)
def test_what_was_written_does_not_differ_any_more(written: dict[str, Scalar], before: dict[str, Any]) -> None:
    assert differences(written, {**before, **differences(written, before)}) == {}
