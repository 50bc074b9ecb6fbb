"""Associations: who is linked to whom, which link is the primary one, and what labels a link has.

A record may have any number of links; they are kept in order of id, so that a page of them starts in
the middle without counting from the front.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from leadline_hubspot.sandbox.objects import PRIMARY_SIDES

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Label:
    """A label that somebody made for links from one type to another. `inverse` is its id the other way round."""

    type_id: int
    name: str
    text: str
    inverse: int


class Links:
    """Associations in both directions."""

    def __init__(self) -> None:
        self._to: dict[Pair, dict[int, list[int]]] = {}
        self._primary: dict[Pair, dict[int, int]] = {}  # where it is not the link with the lowest id
        self._labelled: dict[Pair, dict[tuple[int, int], frozenset[int]]] = {}
        self.labels: dict[Pair, dict[int, Label]] = {}
        self._next_label = 101

    def add(self, from_type: str, from_id: int, to_type: str, to_id: int) -> bool:
        """Link two records; False when they were linked already."""
        if not self._insert((from_type, to_type), from_id, to_id):
            return False
        if (from_type, from_id) != (to_type, to_id):
            self._insert((to_type, from_type), to_id, from_id)
        return True

    def _insert(self, pair: Pair, from_id: int, to_id: int) -> bool:
        ids = self._to.setdefault(pair, {}).setdefault(from_id, [])
        at = bisect_left(ids, to_id)
        if at < len(ids) and ids[at] == to_id:
            return False
        if at == 0 and ids and pair in PRIMARY_SIDES:
            self._primary.setdefault(pair, {}).setdefault(from_id, ids[0])
        ids.insert(at, to_id)
        return True

    def remove(self, from_type: str, from_id: int, to_type: str, to_id: int) -> bool:
        """Unlink two records; False when they were not linked."""
        if not self.linked(from_type, from_id, to_type, to_id):
            return False
        for pair, one, other in (((from_type, to_type), from_id, to_id), ((to_type, from_type), to_id, from_id)):
            ids = self._to[pair][one]
            ids.pop(bisect_left(ids, other))
            if not ids:
                del self._to[pair][one]
            if self._primary.get(pair, {}).get(one) == other:
                del self._primary[pair][one]
            self._labelled.get(pair, {}).pop((one, other), None)
        return True

    def linked(self, from_type: str, from_id: int, to_type: str, to_id: int) -> bool:
        """Whether two records are linked."""
        ids = self._ids(from_type, from_id, to_type)
        at = bisect_left(ids, to_id)
        return at < len(ids) and ids[at] == to_id

    def _ids(self, from_type: str, from_id: int, to_type: str) -> Sequence[int]:
        return self._to.get((from_type, to_type), {}).get(from_id, ())

    def of(self, from_type: str, from_id: int, to_type: str) -> Sequence[int]:
        """Ids linked to a record, the primary one first, the others in order."""
        ids = self._ids(from_type, from_id, to_type)
        first = self._primary.get((from_type, to_type), {}).get(from_id)
        return ids if first is None else [first, *(each for each in ids if each != first)]

    def page(self, from_type: str, from_id: int, to_type: str, after: int, limit: int) -> tuple[Sequence[int], bool]:
        """Up to `limit` linked ids above `after` in order, and whether there are more."""
        ids = self._ids(from_type, from_id, to_type)
        start = bisect_right(ids, after)
        return ids[start : start + limit], start + limit < len(ids)

    def forget(self, object_type: str, record_id: int) -> None:
        """Drop all links of a record."""
        for from_type, to_type in list(self._to):
            if from_type == object_type:
                for other in list(self._ids(from_type, record_id, to_type)):
                    self.remove(from_type, record_id, to_type, other)

    def all_of(self, object_type: str, record_id: int) -> list[tuple[str, int, frozenset[int]]]:
        """Every link of a record as (other type, other id, labels), the primary one of each type first."""
        return [
            (to_type, other, self._labelled.get((start, to_type), {}).get((record_id, other), frozenset()))
            for start, to_type in list(self._to)
            if start == object_type
            for other in self.of(start, record_id, to_type)
        ]

    def types_from(self, object_type: str) -> list[str]:
        """The object types that records of this type have links to."""
        return sorted({to for start, to in self._to if start == object_type})

    # --- the primary link

    def is_primary(self, from_type: str, from_id: int, to_type: str, to_id: int) -> bool:
        """Whether a link is the primary one of the record that has one: of a contact its company, not the reverse."""
        if (from_type, to_type) not in PRIMARY_SIDES:
            if (to_type, from_type) not in PRIMARY_SIDES:
                return False
            from_type, from_id, to_type, to_id = to_type, to_id, from_type, from_id
        ids = self._ids(from_type, from_id, to_type)
        return bool(ids) and self._primary.get((from_type, to_type), {}).get(from_id, ids[0]) == to_id

    def make_primary(self, from_type: str, from_id: int, to_type: str, to_id: int) -> bool:
        """Let an existing link be the primary one; False when it was already."""
        if self.is_primary(from_type, from_id, to_type, to_id):
            return False
        if (from_type, to_type) not in PRIMARY_SIDES:
            from_type, from_id, to_type, to_id = to_type, to_id, from_type, from_id
        self._primary.setdefault((from_type, to_type), {})[from_id] = to_id
        return True

    # --- labels

    def define(self, from_type: str, to_type: str, name: str, text: str, inverse: str) -> tuple[Label, Label]:
        """A new label, and the one the other way round."""
        there, back = self._next_label, self._next_label + 1
        self._next_label += 2
        forward, backward = Label(there, name, text, back), Label(back, f"{name}_inverse", inverse or text, there)
        self.labels.setdefault((from_type, to_type), {})[there] = forward
        self.labels.setdefault((to_type, from_type), {})[back] = backward
        return forward, backward

    def undefine(self, from_type: str, to_type: str, type_id: int) -> bool:
        """Delete a label in both directions; False when there is none."""
        label = self.labels.get((from_type, to_type), {}).pop(type_id, None)
        if label is None:
            return False
        self.labels.get((to_type, from_type), {}).pop(label.inverse, None)
        return True

    def set_labels(self, from_type: str, from_id: int, to_type: str, to_id: int, type_ids: Iterable[int]) -> None:
        """Give an existing link these labels in addition to those that it has, seen from both ends."""
        known = self.labels.get((from_type, to_type), {})
        forward = frozenset(each for each in type_ids if each in known)
        self._relabel((from_type, to_type), (from_id, to_id), forward, ())
        self._relabel((to_type, from_type), (to_id, from_id), {known[each].inverse for each in forward}, ())

    def drop_labels(self, from_type: str, from_id: int, to_type: str, to_id: int, type_ids: Iterable[int]) -> None:
        """Take labels off a link, which stays."""
        known = self.labels.get((from_type, to_type), {})
        gone = [each for each in type_ids if each in known]
        self._relabel((from_type, to_type), (from_id, to_id), (), gone)
        self._relabel((to_type, from_type), (to_id, from_id), (), [known[each].inverse for each in gone])

    def _relabel(self, pair: Pair, ends: tuple[int, int], more: Iterable[int], less: Iterable[int]) -> None:
        table = self._labelled.setdefault(pair, {})
        left = (table.get(ends, frozenset()) | frozenset(more)) - frozenset(less)
        if left:
            table[ends] = left
        else:
            table.pop(ends, None)

    def labels_of(self, from_type: str, from_id: int, to_type: str, to_id: int) -> list[Label]:
        """The labels of a link."""
        known = self.labels.get((from_type, to_type), {})
        given = self._labelled.get((from_type, to_type), {}).get((from_id, to_id), frozenset())
        return [known[each] for each in sorted(given) if each in known]
