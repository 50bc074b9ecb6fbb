"""An index of the records of one type, which can lag behind them.

The common searches (`modified >= t` in order of modification, `id > x` in order of id, with ids to leave
out) cost what is on the page, however many records match; the rest is a scan of the narrowest run.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

from leadline_hubspot.sandbox.links import Links
from leadline_hubspot.sandbox.objects import ObjectType, Property
from leadline_hubspot.sandbox.records import Record
from leadline_hubspot.sandbox.search import RANGES, WORD, Filter, Query, accepts_of, order
from leadline_hubspot.sandbox.sortedkeys import SortedKeys
from leadline_hubspot.sandbox.values import comparable

Test: TypeAlias = Callable[[Record], bool]
_Keys: TypeAlias = SortedKeys[int] | SortedKeys[tuple[int, int]]
_ALL = (-math.inf, math.inf)
_END = 1 << 62


def _lowest(bound: float) -> int:
    return -1 if bound == -math.inf else math.ceil(bound)


def _highest(bound: float) -> int:
    return _END if bound == math.inf else math.floor(bound)


@dataclass(frozen=True, slots=True)
class _Span:
    """Keys from one rank up to before another, ids to leave out of them, and what else must hold.

    Not `in_order`: the keys are in order of modification, but ids are wanted in their own.
    """

    keys: _Keys
    start: int
    stop: int
    without: frozenset[int]
    tests: list[Test] = field(default_factory=list)
    in_order: bool = True

    def ids(self, *, descending: bool = False) -> Iterator[int]:
        """The ids, without those to leave out."""
        walk = self.keys.backwards if descending else self.keys.between
        for key in walk(self.start, self.stop):
            record_id = key[1] if isinstance(key, tuple) else key
            if record_id not in self.without:
                yield record_id


class Index:
    """What search knows of one object type. It sees a change only once `lag` has passed."""

    def __init__(self, kind: ObjectType, properties: Mapping[str, Property], links: Links) -> None:
        self._kind = kind
        self._properties = properties
        self._links = links
        self._rows: dict[int, Record] = {}
        self._ids: SortedKeys[int] = SortedKeys()
        self._modified: SortedKeys[tuple[int, int]] = SortedKeys()
        self._waiting: deque[tuple[int, int, Record | None]] = deque()

    def load(self, records: Iterable[Record]) -> None:
        """Index the first records at once."""
        for record in records:
            self._rows[record.id] = record
        self._ids.load(self._rows)
        self._modified.load((record.modified, record.id) for record in self._rows.values())

    def note(self, record_id: int, record: Record | None, due: int) -> None:
        """Show `record` (None: nothing) for that id from `due` on, in milliseconds since 1970; 0 means at once."""
        if due or self._waiting:
            self._waiting.append((due, record_id, record))
        else:
            self._show(record_id, record)

    def _catch_up(self, now: int) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, record_id, record = self._waiting.popleft()
            self._show(record_id, record)

    def _show(self, record_id: int, record: Record | None) -> None:
        before = self._rows.pop(record_id, None)
        if before is not None:
            self._modified.remove((before.modified, record_id))
            if record is None:
                self._ids.remove(record_id)
        elif record is not None:
            self._ids.add(record_id)
        if record is not None:
            self._rows[record_id] = record
            self._modified.add((record.modified, record_id))

    def changed_after(self, position: tuple[int, int], now: int) -> Iterator[tuple[int, int]]:
        """(Modified, id) of every record behind that position, in this order."""
        self._catch_up(now)
        return self._modified.between(self._modified.up_to(position), len(self._modified))

    def find(self, query: Query, now: int) -> tuple[int, list[Record]]:
        """The number of matches and the page that was asked for."""
        self._catch_up(now)
        span = self._span(query)
        if span is None:
            ids = self._scan(query)
            ids = ids[::-1] if query.descending else ids
            return len(ids), self._page(query, ids)
        if not span.tests:
            passed = sum(1 for each in span.without if self._within(span, each))
            return span.stop - span.start - passed, self._page(query, span.ids(descending=query.descending))
        rows = self._rows
        found = [each for each in span.ids() if all(test(rows[each]) for test in span.tests)]
        if not span.in_order:
            found.sort()
        return len(found), self._page(query, found[::-1] if query.descending else found)

    def _page(self, query: Query, ids: Iterable[int]) -> list[Record]:
        return [self._rows[each] for each in islice(ids, query.after, query.after + query.limit)]

    def _within(self, span: _Span, record_id: int) -> bool:
        """Whether a record is in the span, by rank."""
        record = self._rows.get(record_id)
        if record is None:
            return False
        keys: Any = span.keys
        key: Any = (record.modified, record_id) if keys is self._modified else record_id
        return bool(span.start <= keys.below(key) < span.stop)

    def _span(self, query: Query) -> _Span | None:
        """The narrowest run of sorted keys that holds all matches; None when nothing but a scan will do."""
        modified = self._kind.modified_property
        if len(query.groups) > 1 or query.text or query.sort not in {modified, "hs_object_id"}:
            return None
        filters = query.groups[0] if query.groups else ()
        stamps, about_stamps, rest = self._bounds(filters, modified)
        ids, about_ids, rest = self._bounds(rest, "hs_object_id")
        without, others = self._exclusions(rest)
        if stamps[0] == stamps[1]:  # one millisecond: its keys are in order of id
            start = self._modified.below((_lowest(stamps[0]), _lowest(ids[0])))
            stop = self._modified.up_to((_highest(stamps[1]), _highest(ids[1])))
            return self._made(self._modified, (start, stop), (without, others), in_order=True)
        start, stop = self._modified.below((_lowest(stamps[0]), -1)), self._modified.up_to((_highest(stamps[1]), _END))
        first, last = self._ids.below(_lowest(ids[0])), self._ids.up_to(_highest(ids[1]))
        if query.sort == modified or stop - start < last - first:
            in_order = query.sort == modified
            return self._made(self._modified, (start, stop), (without, [*about_ids, *others]), in_order=in_order)
        return self._made(self._ids, (first, last), (without, [*about_stamps, *others]), in_order=True)

    def _made(
        self, keys: _Keys, ranks: tuple[int, int], rest: tuple[frozenset[int], list[Filter]], *, in_order: bool
    ) -> _Span:
        without, filters = rest
        tests = [self._test(each) for each in filters]
        if not in_order and not tests:
            tests = [lambda _: True]  # to be sorted, it has to be gone through
        return _Span(keys, ranks[0], max(ranks), without, tests, in_order)

    def _exclusions(self, filters: Sequence[Filter]) -> tuple[frozenset[int], list[Filter]]:
        """Ids that a NOT_IN leaves out, and the other filters."""
        gone: frozenset[int] = frozenset()
        rest = []
        for each in filters:
            if each.property == "hs_object_id" and each.operator == "NOT_IN" and all(v.isdigit() for v in each.values):
                gone |= {int(value) for value in each.values}
            else:
                rest.append(each)
        return gone, rest

    def _bounds(self, filters: Sequence[Filter], name: str) -> tuple[tuple[float, float], list[Filter], list[Filter]]:
        """The closed range that filters on a whole-number property leave, those filters, and the others."""
        low, high = _ALL
        taken, rest = [], []
        definition = self._properties[name]
        for each in filters:
            value = comparable(definition, each.value)
            if each.property != name or isinstance(value, str) or each.operator not in RANGES:
                rest.append(each)
                continue
            top = comparable(definition, each.high) if each.operator == "BETWEEN" else value
            from_, to = RANGES[each.operator](value, float(top))
            low, high = max(low, from_), min(high, to)
            taken.append(each)
        return (low, high), taken, rest

    def _scan(self, query: Query) -> list[int]:
        groups = [[self._test(each) for each in group] for group in query.groups]
        words = [word.lower() for word in WORD.findall(query.text)]
        found = [
            record
            for record in self._rows.values()
            if (not groups or any(all(test(record) for test in tests) for tests in groups))
            and (not words or self._mentions(record, words))
        ]
        definition = self._properties[query.sort]
        found.sort(key=lambda record: (*order(definition, record.values.get(query.sort)), record.id))
        return [record.id for record in found]

    def _mentions(self, record: Record, words: Sequence[str]) -> bool:
        text = " ".join(record.values.get(name) or "" for name in self._kind.shown).lower()
        return all(word in text for word in words)

    def _test(self, each: Filter) -> Test:
        if each.property.startswith("associations."):
            return self._linked(each)
        definition = self._properties.get(each.property)
        if each.property in {"hs_object_id", self._kind.modified_property} and each.operator in RANGES:
            return self._ranged(each)
        accepts = accepts_of(each, definition)
        name = each.property
        return lambda record: accepts(record.values.get(name))

    def _ranged(self, each: Filter) -> Test:
        """A range of ids or of moments of change, by the numbers that a record has at hand."""
        (low, high), taken, _ = self._bounds([each], each.property)
        if not taken:
            return lambda _: False  # compared with what is no number
        if each.property == "hs_object_id":
            return lambda record: low <= record.id <= high
        return lambda record: low <= record.modified <= high

    def _linked(self, each: Filter) -> Test:
        other = each.property.removeprefix("associations.")
        wanted = {int(value) for value in (each.values or (each.value,)) if value.isdigit()}

        def test(record: Record) -> bool:
            for to_type in (other, f"{other}s", f"{other.removesuffix('y')}ies"):
                if wanted.intersection(self._links.of(self._kind.name, record.id, to_type)):
                    return True
            return False

        return test
