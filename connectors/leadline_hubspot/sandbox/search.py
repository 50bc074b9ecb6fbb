"""Search: what a request means, the limits on it, and what passes a filter."""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from leadline_hubspot.sandbox.failures import bad_request
from leadline_hubspot.sandbox.limits import Limits
from leadline_hubspot.sandbox.objects import Property
from leadline_hubspot.sandbox.records import Record
from leadline_hubspot.sandbox.values import comparable, plain

Test: TypeAlias = Callable[[Record], bool]
_OPERATORS = frozenset(
    {
        "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
        "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
    }
)  # fmt: skip
WORD = re.compile(r"[\w*]+")


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition on one property, checked and with its values as text."""

    property: str
    operator: str
    value: str = ""
    high: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A checked search. Groups are joined by OR, filters in a group by AND."""

    groups: tuple[tuple[Filter, ...], ...]
    sort: str
    descending: bool
    text: str
    properties: tuple[str, ...]
    limit: int
    after: int


def parse(body: Mapping[str, Any], size: int, limits: Limits, properties: Mapping[str, Property]) -> Query:
    """The query in a request body of `size` characters. Refused when it breaks a limit or names nothing known."""
    if size > limits.search_body:
        raise bad_request(f"The request body is longer than the {limits.search_body} characters allowed.")
    limit = _whole(body.get("limit"), 10, "limit")
    if not 1 <= limit <= limits.search_page:
        raise bad_request(f"Invalid input JSON: limit must be between 1 and {limits.search_page}, was {limit}.")
    after = _whole(body.get("after"), 0, "after")
    if after + limit > limits.search_results:
        raise bad_request(
            f"Paging is only supported for the first {limits.search_results} results: after {after} with limit {limit}."
        )
    groups = tuple(_group(each, properties) for each in body.get("filterGroups") or ())
    if body.get("filters"):
        groups = (*groups, _group(body, properties))
    _check_counts(groups)
    sort, descending = _sort(body.get("sorts") or (), properties)
    return Query(
        groups=groups,
        sort=sort,
        descending=descending,
        text=str(body.get("query") or ""),
        properties=tuple(body.get("properties") or ()),
        limit=limit,
        after=after,
    )


def _whole(value: object, default: int, name: str) -> int:
    if value is None or value == "":
        return default
    text = str(value)
    if not text.isdigit():
        raise bad_request(f"Invalid input JSON: {name} must be a whole number, was {text!r}.")
    return int(text)


def _check_counts(groups: Sequence[Sequence[Filter]]) -> None:
    if len(groups) > 5 or any(len(group) > 6 for group in groups) or sum(map(len, groups)) > 18:
        raise bad_request("A search takes at most 5 filterGroups with 6 filters each, and 18 filters in all.")


def _group(group: Mapping[str, Any], properties: Mapping[str, Property]) -> tuple[Filter, ...]:
    return tuple(_filter(each, properties) for each in group.get("filters") or ())


def _filter(given: Mapping[str, Any], properties: Mapping[str, Property]) -> Filter:
    name, operator = str(given.get("propertyName", "")), str(given.get("operator", ""))
    if operator not in _OPERATORS:
        raise bad_request(f"Invalid input JSON: {operator!r} is not an operator of a filter.")
    if name not in properties and not name.startswith("associations."):
        raise bad_request(f"Property '{name}' does not exist.", sub_category="crm.search.PROPERTY_NOT_FOUND")
    values = tuple(plain(each) for each in given.get("values") or ())
    value, high = plain(given.get("value")), plain(given.get("highValue"))
    if operator in {"IN", "NOT_IN"} and not values:
        raise bad_request(f"Operator {operator} requires values.")
    if operator == "BETWEEN" and not (value and high):
        raise bad_request("Operator BETWEEN requires value and highValue.")
    if operator not in {"IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"} and not value:
        raise bad_request(f"Operator {operator} requires a value.")
    return Filter(name, operator, value, high, values)


def _sort(sorts: Sequence[object], properties: Mapping[str, Property]) -> tuple[str, bool]:
    if not sorts:
        return "hs_object_id", False
    if len(sorts) > 1:
        raise bad_request("Only one sort is supported.")
    given = sorts[0]
    if isinstance(given, Mapping):
        name, descending = str(given.get("propertyName", "")), given.get("direction") == "DESCENDING"
    else:
        name, descending = str(given).removeprefix("-"), str(given).startswith("-")
    if name not in properties:
        raise bad_request(f"Property '{name}' does not exist.", sub_category="crm.search.PROPERTY_NOT_FOUND")
    return name, descending


RANGES: dict[str, Callable[[float, float], tuple[float, float]]] = {
    "EQ": lambda value, _: (value, value),
    "GTE": lambda value, _: (value, math.inf),
    "GT": lambda value, _: (value + 1, math.inf),  # ids and milliseconds are whole
    "LTE": lambda value, _: (-math.inf, value),
    "LT": lambda value, _: (-math.inf, value - 1),
    "BETWEEN": lambda value, high: (value, high),
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "LT": lambda have, want: have < want,
    "LTE": lambda have, want: have <= want,
    "GT": lambda have, want: have > want,
    "GTE": lambda have, want: have >= want,
}


def order(definition: Property, text: str | None) -> tuple[bool, bool, float | str]:
    """A sort key: empty values last, numbers before text."""
    if text is None:
        return True, True, ""
    value = comparable(definition, text)
    return False, isinstance(value, str), value


def accepts_of(each: Filter, definition: Property | None) -> Callable[[str | None], bool]:
    """Whether a value passes a filter."""
    want = comparable(definition, each.value)
    many = {comparable(definition, value) for value in each.values}
    operator = each.operator
    if operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
        return lambda have: (have is not None) == (operator == "HAS_PROPERTY")
    if operator in {"EQ", "NEQ"}:
        return lambda have: (have is not None and comparable(definition, have) == want) == (operator == "EQ")
    if operator in {"IN", "NOT_IN"}:
        return lambda have: (have is not None and comparable(definition, have) in many) == (operator == "IN")
    if operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        words = [word.lower() for word in WORD.findall(each.value)]
        return lambda have: _has_words(have, words) == (operator == "CONTAINS_TOKEN")
    if operator == "BETWEEN":
        top = comparable(definition, each.high)
        return lambda have: have is not None and _between(comparable(definition, have), want, top)
    compare = _COMPARE[operator]

    def test(have: str | None) -> bool:
        value = None if have is None else comparable(definition, have)
        return value is not None and isinstance(value, str) == isinstance(want, str) and compare(value, want)

    return test


def _between(value: float | str, low: float | str, high: float | str) -> bool:
    if isinstance(value, str) or isinstance(low, str) or isinstance(high, str):
        return str(low) <= str(value) <= str(high)
    return low <= value <= high


def _has_words(have: str | None, words: Sequence[str]) -> bool:
    tokens = [word.lower() for word in WORD.findall(have or "")]
    return all(any(fnmatch.fnmatchcase(token, word) for token in tokens) for word in words)
