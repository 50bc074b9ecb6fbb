"""What conditions have to do with each other: some ask the same, some take the same records, some take none.

Asked of the values that they tell apart, never of data.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, gcd, prod
from typing import Any

from leadline.core.scoring.condition import FIRED, JOINS, Condition
from leadline.core.scoring.plan import values_apart
from leadline.core.scoring.segments import Segment

Facts = Mapping[str, Any]
Shape = tuple[Any, ...]

COMBINATIONS = 5_000  # of facts that conditions are tried on
_OF_PAIRS = 100_000  # of facts that pairs of segments are tried on altogether
_ELSE = "\0"  # what `values_apart` has for any other word
_COMPARED = ("in", "equals", "range", "known")  # tests of which every answer is among the values told apart


# Equal ones


def shape_of(condition: Condition) -> Shape:
    """Equal for conditions that are the same but for order, repetition and the way of writing."""
    key, operand = condition.test
    if key == FIRED:
        return FIRED, operand
    if key == "not":
        return _opposite(shape_of(operand))
    if key in JOINS:
        return _joined(key, map(shape_of, operand))
    return condition.field, *_test_shape(key, operand)


def _opposite(inner: Shape) -> Shape:
    if inner[0] == "not":
        return tuple(inner[1])
    # Only `known` is never open, so only its opposite is a plain test.
    if inner[0] != FIRED and inner[1] == "known":
        return inner[0], "known", not inner[2]
    return "not", inner


def _joined(key: str, children: Iterable[Shape]) -> Shape:
    flat: dict[Shape, None] = {}
    for child in children:
        flat |= dict.fromkeys(child[1:] if child[0] == key else (child,))
    return next(iter(flat)) if len(flat) == 1 else (key, *sorted(flat, key=repr))


def _test_shape(key: str, operand: Any) -> Shape:
    if key == "equals" and isinstance(operand, str):
        return "in", operand
    if key == "equals" and not isinstance(operand, bool):
        return "range", operand, operand + 1
    if key in ("range", "days_since"):
        return key, *operand
    if isinstance(operand, tuple):
        words = sorted(set(operand))
        return "contains_any" if key == "contains_all" and len(words) == 1 else key, *words
    return key, operand


# Combinations of facts


class Corners:
    """Combinations of facts that conditions tell apart. Values on which all of them agree count once."""

    def __init__(self, conditions: Sequence[Condition], limit: int = COMBINATIONS) -> None:
        names = dict.fromkeys(name for condition in conditions for name in condition.fields())
        self._choices = {name: _apart(name, conditions) for name in names}
        self._valued = {name for condition in conditions for name in condition.facts_asked()}
        self._size = prod(map(len, self._choices.values()))
        self._limit = limit

    @property
    def complete(self) -> bool:
        """Whether there are so few that all are tried."""
        return self._size <= self._limit

    def tried(self) -> Iterator[Facts]:
        """All of them or, where they are too many, the same spread of them every time."""
        # A step without a common factor meets none twice; one near the golden ratio spreads them.
        step = 1 if self.complete else self._size * 618 // 1000
        while gcd(step, self._size) != 1:
            step += 1
        return (self._at(number * step % self._size) for number in range(min(self._size, self._limit)))

    def told(self, facts: Facts) -> str:
        """A combination in words."""
        return ", ".join(f"{name} {self._said(name, value)}" for name, value in facts.items())

    def _at(self, index: int) -> Facts:
        found = []
        for name, values in reversed(self._choices.items()):
            index, place = divmod(index, len(values))
            found.append((name, values[place]))
        return dict(reversed(found))

    def _said(self, name: str, value: Any) -> str:
        if value is None:
            return "unknown"
        if name not in self._valued:
            return "known"
        if value in (_ELSE, [_ELSE]):
            return "any other"
        return " and ".join(value) if isinstance(value, list) else str(value)


def _apart(name: str, conditions: Sequence[Condition]) -> list[Any]:
    leaves = [leaf for condition in conditions for leaf in condition.leaves() if leaf.field == name]
    first: dict[Hashable, Any] = {}
    for value in values_apart(name, conditions):
        first.setdefault(_answers(leaves, value), value)
    return list(first.values())


def _answers(leaves: Sequence[Condition], value: Any) -> tuple[bool | None, ...]:
    return tuple(leaf.holds(lambda _: value, 0) for leaf in leaves)


def is_impossible(condition: Condition) -> bool:
    """Whether no facts make it true. False where that cannot be told: texts by pattern, lists, times, what fired."""
    if condition.named() or any(leaf.test[0] not in _COMPARED for leaf in condition.leaves()):
        return False
    corners = Corners([condition])
    return corners.complete and not any(condition.holds(facts.get, 0) for facts in corners.tried())


# Segments


@dataclass(frozen=True, slots=True)
class Shares:
    """How segments share the world out, with examples in words.

    `overlaps` by the ids of two segments; `gap` is of known facts that no segment takes. `unchecked` are pairs of
    which too few combinations were tried; `gap_open`: so few of all that a gap may have been missed.
    """

    overlaps: Mapping[tuple[str, str], str]
    gap: str | None
    unchecked: tuple[tuple[str, str], ...]
    gap_open: bool


def shares_of(segments: Sequence[Segment]) -> Shares:
    """What two segments claim, and what none does."""
    corners = Corners([segment.when for segment in segments])
    overlaps: dict[tuple[str, str], str] = {}
    gap: str | None = None
    for facts in corners.tried():
        takers = [segment.id for segment in segments if segment.when.holds(facts.get, 0)]
        for pair in combinations(takers, 2):
            overlaps.setdefault(pair, corners.told(facts))
        if not takers and gap is None and None not in facts.values():
            gap = corners.told(facts)
    unchecked = () if corners.complete else tuple(_pair_by_pair(segments, overlaps))
    return Shares(overlaps, gap, unchecked, gap is None and not corners.complete)


def _pair_by_pair(segments: Sequence[Segment], overlaps: dict[tuple[str, str], str]) -> Iterator[tuple[str, str]]:
    """Adds to the overlaps. Two segments ask fewer facts than all do; yields pairs that still ask too many."""
    limit = min(COMBINATIONS, _OF_PAIRS // max(comb(len(segments), 2), 1))
    for one, other in combinations(segments, 2):
        pair = (one.id, other.id)
        if pair in overlaps:
            continue
        corners = Corners([one.when, other.when], limit)
        shared = (f for f in corners.tried() if one.when.holds(f.get, 0) and other.when.holds(f.get, 0))
        example = next(shared, None)
        if example is not None:
            overlaps[pair] = corners.told(example)
        elif not corners.complete:
            yield pair
