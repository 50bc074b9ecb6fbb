"""Records of one object type.

Records are immutable: an edit makes a new one, so that the search index can lag behind the store by
holding on to older ones.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from leadline_hubspot.sandbox.objects import ObjectType
from leadline_hubspot.sandbox.values import host_of, iso


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `modified` and `archived_at` are milliseconds since 1970 UTC; values are text or None."""

    id: int
    values: dict[str, str | None]
    created: int
    modified: int
    archived_at: int | None = None


def make(kind: ObjectType, record_id: int, values: dict[str, str | None], *, created: int, modified: int) -> Record:
    """A live record with its system properties filled in."""
    filled = {
        **values,
        "hs_object_id": str(record_id),
        kind.created_property: iso(created),
        kind.modified_property: iso(modified),
    }
    return Record(record_id, filled, created, modified)


class Store:
    """All records of one type, live and archived, in order of id."""

    def __init__(self, kind: ObjectType) -> None:
        self.kind = kind
        self._by_id: dict[int, Record] = {}
        self._live: list[int] = []
        self._archived: list[int] = []
        self._merged: dict[int, int] = {}
        self._next = kind.first_id

    def __len__(self) -> int:
        return len(self._live)

    def take_id(self) -> int:
        """The id for a new record."""
        self._next += 1
        return self._next - 1

    def load(self, records: Iterable[Record]) -> None:
        """Put the first records in at once."""
        for record in records:
            self._by_id[record.id] = record
            self._live.append(record.id)
        self._live.sort()

    def put(self, record: Record) -> None:
        """Add or replace a live record."""
        if record.id not in self._by_id:
            insort(self._live, record.id)
        self._by_id[record.id] = record

    def archive(self, record: Record, at: int, merged_into: int | None = None) -> None:
        """Take a live record away. Its last-modified property does not move.

        It goes to the recycle bin; one that was merged into another is in no list any more.
        """
        self._live.pop(bisect_left(self._live, record.id))
        if merged_into is None:
            insort(self._archived, record.id)
        else:
            self._merged[record.id] = merged_into
        self._by_id[record.id] = Record(record.id, record.values, record.created, record.modified, at)

    def restore(self, record: Record) -> None:
        """Put a record from the recycle bin back among the live ones."""
        self._archived.pop(bisect_left(self._archived, record.id))
        insort(self._live, record.id)
        self._by_id[record.id] = record

    def survivor(self, record_id: int) -> int:
        """The id under which a record is left after merges; its own when it was not merged away."""
        while record_id in self._merged:
            record_id = self._merged[record_id]
        return record_id

    def get(self, record_id: int, *, archived: bool = False) -> Record | None:
        """The record of that id, if it is live (or archived, when asked for those)."""
        record = self._by_id.get(record_id)
        if record is None or (record.archived_at is not None) is not archived:
            return None
        return record

    def page(self, after: int, limit: int, *, archived: bool = False) -> tuple[list[Record], bool]:
        """Up to `limit` records with an id above `after`, and whether there are more."""
        ids = self._archived if archived else self._live
        start = bisect_right(ids, after)
        return [self._by_id[each] for each in ids[start : start + limit]], start + limit < len(ids)

    def all(self) -> list[Record]:
        """Every record, archived ones included, in order of id."""
        return [self._by_id[each] for each in sorted(self._by_id)]


def derive(kind: ObjectType, values: dict[str, str | None]) -> None:
    """Properties that the portal computes from others."""
    if kind.name == "deals":
        stage = values.get("dealstage")
        values["hs_is_closed"] = "true" if stage in {"closedwon", "closedlost"} else "false"
        values["hs_is_closed_won"] = "true" if stage == "closedwon" else "false"
    elif kind.name == "companies" and values.get("website") and not values.get("domain"):
        values["domain"] = host_of(values["website"])


def as_json(kind: ObjectType, record: Record, names: Sequence[str]) -> dict[str, Any]:
    """A record as replies give it: the properties asked for (None when empty) and the system's own."""
    values = record.values
    properties = {name: values.get(name) for name in names} if names else {n: values.get(n) for n in kind.shown}
    for name in ("hs_object_id", kind.created_property, kind.modified_property):
        properties[name] = values[name]
    body: dict[str, Any] = {
        "id": values["hs_object_id"],
        "properties": properties,
        "createdAt": values[kind.created_property],
        "updatedAt": values[kind.modified_property],
        "archived": record.archived_at is not None,
    }
    if record.archived_at is not None:
        body["archivedAt"] = iso(record.archived_at)
    return body
