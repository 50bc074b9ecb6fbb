"""The tests that a condition can make of one fact: what each means, on which kinds of field, and its answer.

A fixed vocabulary: no expression language. A test of a missing fact is open (None); only `known` never is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from leadline.core.entities import Kind
from leadline.core.scoring.vocabulary import DAY

Test = Callable[[Any, Any, int], bool]


@dataclass(frozen=True, slots=True)
class Operator:
    """What a key of a condition asks, the kinds of field that it can be used on, and the test.

    `test` takes the operand, the value (never a missing one) and now in seconds.
    """

    meaning: str
    kinds: frozenset[Kind]
    test: Test


def is_missing(value: Any) -> bool:
    """Whether there is no value: none at all, or an empty list."""
    return value is None or (isinstance(value, list | tuple) and not value)


def days_since(value: int, now: int) -> int:
    """Whole days from then to now; 0 when it lies ahead."""
    return max(0, now - value) // DAY


def between(value: int, bounds: tuple[int | None, int | None]) -> bool:
    """Whether the value is at least the first and below the second; None leaves a side open."""
    low, high = bounds
    return (low is None or value >= low) and (high is None or value < high)


@lru_cache(maxsize=1024)
def pattern(globs: tuple[str, ...]) -> str:
    """The texts that `matches` takes, as a regular expression without anchors that every engine reads alike.

    Only A to Z have a case: engines do not agree on that of other letters.
    """
    return "|".join(r"[\s\S]*".join("".join(map(_spelt, piece)) for piece in glob.split("*")) for glob in globs)


def _spelt(character: str) -> str:
    if character.isascii() and character.isalpha():
        return f"[{character.lower()}{character.upper()}]"
    return f"\\{character}" if character in r"\.+?|()[]{}^$-&~#" else character


def answer(key: str, operand: Any, value: Any, now: int) -> bool | None:
    """One operator on one value. An empty list is a missing value."""
    missing = is_missing(value)
    if key == "known":
        return bool(operand) is not missing
    return None if missing else OPERATORS[key].test(operand, value, now)


OPERATORS: Mapping[str, Operator] = {
    "in": Operator("is one of these words", frozenset({Kind.TEXT, Kind.ENUM}), lambda words, value, _: value in words),
    "equals": Operator(
        "is exactly this",
        frozenset({Kind.TEXT, Kind.ENUM, Kind.INTEGER, Kind.BOOLEAN}),
        lambda wanted, value, _: bool(value == wanted),
    ),
    "range": Operator(
        "is at least the first and below the second; null leaves a side open",
        frozenset({Kind.INTEGER}),
        lambda bounds, value, _: between(value, bounds),
    ),
    "matches": Operator(
        "the whole text is like one of these, in any case of A to Z; * stands for anything",
        frozenset({Kind.TEXT}),
        lambda globs, value, _: re.fullmatch(pattern(globs), value) is not None,
    ),
    "days_since": Operator(
        "whole days since then are at least the first and below the second; null leaves a side open",
        frozenset({Kind.TIME}),
        lambda bounds, value, now: between(days_since(value, now), bounds),
    ),
    "contains_any": Operator(
        "the list has at least one of these words",
        frozenset({Kind.LIST}),
        lambda words, value, _: any(word in value for word in words),
    ),
    "contains_all": Operator(
        "the list has all of these words",
        frozenset({Kind.LIST}),
        lambda words, value, _: all(word in value for word in words),
    ),
    "known": Operator(
        "true: there is a value; false: there is none", frozenset(Kind), lambda wanted, _value, _now: bool(wanted)
    ),
}
