"""Records of one object type.

Records are immutable: an edit makes a new one, so that the search index can lag behind the store by
holding on to older ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from leadline_hubspot.sandbox.objects import ObjectType
from leadline_hubspot.sandbox.sortedkeys import SortedKeys
from leadline_hubspot.sandbox.values import host_of, iso


class Row(Mapping[str, str | None]):
    """The values of one record. Records with the same names share them, which halves a million records."""

    __slots__ = ("_cells", "_places")
    _shared: ClassVar[dict[tuple[str, ...], dict[str, int]]] = {}

    def __init__(self, values: Mapping[str, str | None]) -> None:
        names = tuple(values)
        places = self._shared.get(names)
        if places is None:
            places = self._shared[names] = {name: place for place, name in enumerate(names)}
        self._places = places
        self._cells = tuple(values.values())

    def __getitem__(self, name: str) -> str | None:
        return self._cells[self._places[name]]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of that name."""
        place = self._places.get(name)
        return default if place is None else self._cells[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._cells)


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `modified` and `archived_at` are milliseconds since 1970 UTC; values are text or None."""

    id: int
    values: Row
    created: int
    modified: int
    archived_at: int | None = None


def make(kind: ObjectType, record_id: int, values: Mapping[str, str | None], *, created: int, modified: int) -> Record:
    """A live record with its system properties filled in."""
    made = iso(created)
    filled = {
        **values,
        "hs_object_id": str(record_id),
        kind.created_property: made,
        kind.modified_property: made if modified == created else iso(modified),
    }
    return Record(record_id, Row(filled), created, modified)


class Store:
    """All records of one type, live and archived, in order of id."""

    def __init__(self, kind: ObjectType) -> None:
        self.kind = kind
        self._by_id: dict[int, Record] = {}
        self._live: SortedKeys[int] = SortedKeys()
        self._archived: SortedKeys[int] = SortedKeys()
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
        self._live.load(self._by_id)

    def put(self, record: Record) -> None:
        """Add or replace a live record."""
        if record.id not in self._by_id:
            self._live.add(record.id)
        self._by_id[record.id] = record

    def archive(self, record: Record, at: int, merged_into: int | None = None) -> None:
        """Take a live record away. Its last-modified property does not move.

        It goes to the recycle bin; one that was merged into another is in no list any more.
        """
        self._live.remove(record.id)
        if merged_into is None:
            self._archived.add(record.id)
        else:
            self._merged[record.id] = merged_into
        self._by_id[record.id] = Record(record.id, record.values, record.created, record.modified, at)

    def restore(self, record: Record) -> None:
        """Put a record from the recycle bin back among the live ones."""
        self._archived.remove(record.id)
        self._live.add(record.id)
        self._by_id[record.id] = record

    def purge(self, record: Record) -> None:
        """Forget a record of the recycle bin for good."""
        self._archived.remove(record.id)
        del self._by_id[record.id]

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
        start = ids.up_to(after)
        return [self._by_id[each] for each in ids.between(start, start + limit)], start + limit < len(ids)

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
