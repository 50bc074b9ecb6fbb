"""Records of one object type.

Records are immutable: an edit makes a new one, so that the search index can lag behind the store by
holding on to older ones.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass

from leadline_hubspot.sandbox.objects import ObjectType
from leadline_hubspot.sandbox.values import iso


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

    def archive(self, record: Record, at: int) -> None:
        """Move a live record to the recycle bin. Its last-modified property does not move."""
        self._live.pop(bisect_left(self._live, record.id))
        insort(self._archived, record.id)
        self._by_id[record.id] = Record(record.id, record.values, record.created, record.modified, at)

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
