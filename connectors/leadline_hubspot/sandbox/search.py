"""Search: what a request means, the limits on it, and an index that can lag behind the records.

The common searches (`modified >= t` in order of modification, `id > x` in order of id) are slices of
sorted lists; the rest is a scan of the narrowest slice.
"""

from __future__ import annotations

import fnmatch
import math
import re
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from leadline_hubspot.sandbox.failures import bad_request
from leadline_hubspot.sandbox.limits import Limits
from leadline_hubspot.sandbox.links import Links
from leadline_hubspot.sandbox.objects import ObjectType, Property
from leadline_hubspot.sandbox.records import Record
from leadline_hubspot.sandbox.values import comparable, plain

Test: TypeAlias = Callable[[Record], bool]
_OPERATORS = frozenset(
    {
        "EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY",
        "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN",
    }
)  # fmt: skip
_WORD = re.compile(r"[\w*]+")


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


class Index:
    """What search knows of one object type. It sees a change only once `lag` has passed."""

    def __init__(self, kind: ObjectType, properties: Mapping[str, Property], links: Links) -> None:
        self._kind = kind
        self._properties = properties
        self._links = links
        self._rows: dict[int, Record] = {}
        self._ids: list[int] = []
        self._modified: list[tuple[int, int]] = []
        self._waiting: deque[tuple[int, int, Record | None]] = deque()

    def load(self, records: Iterable[Record]) -> None:
        """Index the first records at once."""
        for record in records:
            self._rows[record.id] = record
        self._ids = sorted(self._rows)
        self._modified = sorted((record.modified, record.id) for record in self._rows.values())

    def note(self, record_id: int, record: Record | None, due: int) -> None:
        """Show `record` (None: nothing) for that id from `due` on, in milliseconds since 1970."""
        self._waiting.append((due, record_id, record))

    def _catch_up(self, now: int) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, record_id, record = self._waiting.popleft()
            before = self._rows.pop(record_id, None)
            if before is not None:
                self._modified.pop(bisect_left(self._modified, (before.modified, record_id)))
                if record is None:
                    self._ids.pop(bisect_left(self._ids, record_id))
            elif record is not None:
                insort(self._ids, record_id)
            if record is not None:
                self._rows[record_id] = record
                insort(self._modified, (record.modified, record_id))

    def changed_after(self, position: tuple[int, int], now: int) -> Iterator[tuple[int, int]]:
        """(Modified, id) of every record behind that position, in this order."""
        self._catch_up(now)
        for place in range(bisect_right(self._modified, position), len(self._modified)):
            yield self._modified[place]

    def find(self, query: Query, now: int) -> tuple[int, list[Record]]:
        """The number of matches and the page that was asked for."""
        self._catch_up(now)
        ids = self._matching(query)
        if query.descending:
            ids = ids[::-1]
        return len(ids), [self._rows[each] for each in ids[query.after : query.after + query.limit]]

    def _matching(self, query: Query) -> Sequence[int]:
        modified = self._kind.modified_property
        if len(query.groups) > 1 or query.text or query.sort not in {modified, "hs_object_id"}:
            return self._scan(query)
        filters = query.groups[0] if query.groups else ()
        by_stamp, rest_stamp = self._stamp_slice(filters, modified)
        by_id, rest_id = self._id_slice(filters)
        if query.sort == modified or len(by_stamp) < len(by_id):
            ids: Sequence[int] = [record_id for _, record_id in by_stamp]
            tests = [self._test(each) for each in rest_stamp]
            in_order = query.sort == modified
        else:
            ids, tests, in_order = by_id, [self._test(each) for each in rest_id], True
        if tests:
            rows = self._rows
            ids = [each for each in ids if all(test(rows[each]) for test in tests)]
        return ids if in_order else sorted(ids)

    def _stamp_slice(self, filters: Sequence[Filter], modified: str) -> tuple[Sequence[tuple[int, int]], list[Filter]]:
        low, high, rest = self._bounds(filters, modified)
        start = bisect_left(self._modified, (math.ceil(low), -1)) if low > -math.inf else 0
        stop = bisect_right(self._modified, (math.floor(high), 1 << 62)) if high < math.inf else len(self._modified)
        return self._modified[start:stop], rest

    def _id_slice(self, filters: Sequence[Filter]) -> tuple[Sequence[int], list[Filter]]:
        low, high, rest = self._bounds(filters, "hs_object_id")
        start = bisect_left(self._ids, math.ceil(low)) if low > -math.inf else 0
        stop = bisect_right(self._ids, math.floor(high)) if high < math.inf else len(self._ids)
        return self._ids[start:stop], rest

    def _bounds(self, filters: Sequence[Filter], name: str) -> tuple[float, float, list[Filter]]:
        """The closed range that filters on a whole-number property leave, and the other filters."""
        low, high, rest = -math.inf, math.inf, []
        definition = self._properties[name]
        for each in filters:
            value = comparable(definition, each.value)
            if each.property != name or isinstance(value, str) or each.operator not in _RANGES:
                rest.append(each)
                continue
            top = comparable(definition, each.high) if each.operator == "BETWEEN" else value
            from_, to = _RANGES[each.operator](value, float(top))
            low, high = max(low, from_), min(high, to)
        return low, high, rest

    def _scan(self, query: Query) -> list[int]:
        groups = [[self._test(each) for each in group] for group in query.groups]
        words = [word.lower() for word in _WORD.findall(query.text)]
        found = [
            record
            for record in self._rows.values()
            if (not groups or any(all(test(record) for test in tests) for tests in groups))
            and (not words or self._mentions(record, words))
        ]
        definition = self._properties[query.sort]
        found.sort(key=lambda record: (*_order(definition, record.values.get(query.sort)), record.id))
        return [record.id for record in found]

    def _mentions(self, record: Record, words: Sequence[str]) -> bool:
        text = " ".join(record.values.get(name) or "" for name in self._kind.shown).lower()
        return all(word in text for word in words)

    def _test(self, each: Filter) -> Test:
        if each.property.startswith("associations."):
            return self._linked(each)
        definition = self._properties.get(each.property)
        accepts = _accepts(each, definition)
        name = each.property
        return lambda record: accepts(record.values.get(name))

    def _linked(self, each: Filter) -> Test:
        other = each.property.removeprefix("associations.")
        wanted = {int(value) for value in (each.values or (each.value,)) if value.isdigit()}

        def test(record: Record) -> bool:
            for to_type in (other, f"{other}s", f"{other.removesuffix('y')}ies"):
                if wanted.intersection(self._links.of(self._kind.name, record.id, to_type)):
                    return True
            return False

        return test


_RANGES: dict[str, Callable[[float, float], tuple[float, float]]] = {
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


def _order(definition: Property, text: str | None) -> tuple[bool, bool, float | str]:
    """A sort key: empty values last, numbers before text."""
    if text is None:
        return True, True, ""
    value = comparable(definition, text)
    return False, isinstance(value, str), value


def _accepts(each: Filter, definition: Property | None) -> Callable[[str | None], bool]:
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
        words = [word.lower() for word in _WORD.findall(each.value)]
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
    tokens = [word.lower() for word in _WORD.findall(have or "")]
    return all(any(fnmatch.fnmatchcase(token, word) for token in tokens) for word in words)
