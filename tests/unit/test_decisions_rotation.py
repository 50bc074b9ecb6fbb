"""The rotation is fair after every hand-off, can be replayed, and respects whoever owns the record."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.core.decisions.rotation import lineup_of, next_member
from leadline.core.decisions.routing import Assignment, Pool, assign

weights_of_members = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.integers(1, 1_000), min_size=1)


@settings(max_examples=150, deadline=None)
@given(weights=weights_of_members, turns=st.integers(1, 120))
def test_nobody_is_ever_a_whole_hand_off_from_their_share(weights: dict[str, int], turns: int) -> None:
    total, given_out = sum(weights.values()), Counter[str]()
    for turn in range(1, turns + 1):
        given_out[next_member(weights, given_out)] += 1
        for name, weight in weights.items():
            assert abs(given_out[name] - Fraction(weight * turn, total)) < 1


def test_thirty_single_hand_offs_are_fifteen_each() -> None:
    given_out: dict[str, int] = {}
    for _ in range(30):
        chosen = next_member({"ann": 1, "bob": 1}, given_out)
        given_out[chosen] = given_out.get(chosen, 0) + 1
    assert given_out == {"ann": 15, "bob": 15}


def test_the_order_is_the_same_however_the_members_are_listed() -> None:
    def order(names: list[str]) -> list[str]:
        given_out: Counter[str] = Counter()
        weights = {name: {"a": 3, "b": 2, "c": 1}[name] for name in names}
        for _ in range(12):
            given_out[next_member(weights, given_out)] += 1
            seen.append("".join(sorted(given_out.elements())))
        return seen

    seen: list[str] = []
    first = list(order(["a", "b", "c"]))
    seen = []
    assert order(["c", "b", "a"]) == first


def test_who_has_no_weight_has_no_turn() -> None:
    assert {next_member({"ann": 0, "bob": 2}, {"bob": turns}) for turns in range(5)} == {"bob"}
    with pytest.raises(ValueError, match="positive weight"):
        next_member({"ann": 0}, {})


def test_a_line_up_is_its_members_and_weights() -> None:
    assert lineup_of({"a": 1, "b": 2}) == lineup_of({"b": 2, "a": 1})
    assert len({lineup_of({"a": 1}), lineup_of({"a": 2}), lineup_of({"b": 1}), lineup_of({"a": 1, "b": 1})}) == 4


OWNERS: dict[str, dict[str, Any]] = {
    "ann": {"name": "Ann", "active": True},
    "bob": {"name": "Bob", "active": None},
    "left": {"name": "Lea", "active": False},
    "bot": {"name": "Sync", "active": True},
}
NOBODY = frozenset({"bot"})


def pool(**weights: int) -> Pool:
    return Pool("sales", weights or {"ann": 1, "bob": 1})


@pytest.mark.parametrize("present", ["ann", "bob"])
def test_a_human_keeps_the_record_and_no_turn_is_used(present: str) -> None:
    team = pool()
    kept = assign(present, team, OWNERS, NOBODY)
    assert (kept.owner, kept.changed, team.given) == (present, False, {})
    assert OWNERS[present]["name"] in kept.why


def test_an_owner_who_is_not_known_here_is_taken_for_a_human() -> None:
    assert assign("stranger", pool(), OWNERS, NOBODY) == Assignment(
        "stranger", False, "kept with its owner, who owns the record"
    )


@pytest.mark.parametrize("present", [None, "", "bot", "left"])
def test_records_of_nobody_are_handed_out_with_the_reason(present: str | None) -> None:
    team = pool(ann=2, bob=1)
    first = assign(present, team, OWNERS, NOBODY)
    assert (first.owner, first.changed, team.given) == ("ann", True, {"ann": 1})
    assert first.why.startswith("next in pool sales: hand-off 1, 1 of them to Ann (share 2/3)")
    assert first.why.endswith("the former owner is inactive") == (present == "left")
    assert assign(present, team, OWNERS, NOBODY).owner == "bob"


@pytest.mark.parametrize("team", [None, Pool("sales", {}), Pool("sales", {"ann": 0})])
def test_an_empty_pool_assigns_nobody_and_says_so(team: Pool | None) -> None:
    assert assign("left", team, OWNERS, NOBODY) == Assignment(
        None, False, "nobody could be assigned: the pool has no active member"
    )
