"""The org's records in memory: one table per object, indexed the way clients ask for them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from leadline_salesforce.sandbox import ids
from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.objects import OBJECTS, of_id

# Field name to value; empty fields are absent. A row is never changed in place: a write puts a new
# one, so a query that is being paged keeps the rows it found.
Row: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, str]  # (SystemModstamp, Id)


class Table:
    """The rows of one object, deleted ones included."""

    def __init__(self, definition: ObjectDef) -> None:
        self.definition = definition
        self.rows: dict[str, Row] = {}
        self._by_stamp: list[Key] | None = None
        self._unique: dict[str, dict[str, str]] = {field.name: {} for field in definition.unique}

    def put(self, row: Row) -> None:
        """Insert, or replace the row of the same id."""
        record_id = row["Id"]
        old = self.rows.get(record_id)
        if self._by_stamp is not None:
            if old is not None:
                del self._by_stamp[bisect_left(self._by_stamp, (old["SystemModstamp"], record_id))]
            insort(self._by_stamp, (row["SystemModstamp"], record_id))
        for name, index in self._unique.items():
            if old is not None and old.get(name) is not None and index.get(str(old[name]).casefold()) == record_id:
                del index[str(old[name]).casefold()]
            if row.get(name) is not None and not row.get("IsDeleted"):
                index[str(row[name]).casefold()] = record_id
        self.rows[record_id] = row

    def drop(self, record_id: str) -> None:
        """Forget a row entirely, as if it had never been made."""
        row = self.rows.pop(record_id)
        if self._by_stamp is not None:
            del self._by_stamp[bisect_left(self._by_stamp, (row["SystemModstamp"], record_id))]
        for name, index in self._unique.items():
            if row.get(name) is not None and index.get(str(row[name]).casefold()) == record_id:
                del index[str(row[name]).casefold()]

    def by_unique(self, name: str, value: str) -> Row | None:
        """The living row with this value in a unique field; case does not count."""
        record_id = self._unique[name].get(value.casefold())
        return None if record_id is None else self.rows[record_id]

    def since(self, after: Key | None) -> Iterator[Row]:
        """Rows by (SystemModstamp, Id), those beyond `after` only."""
        if self._by_stamp is None:
            self._by_stamp = sorted((row["SystemModstamp"], record_id) for record_id, row in self.rows.items())
        start = 0 if after is None else bisect_right(self._by_stamp, after)
        # A copy of the keys: the generator lives no longer than one handler, but costs nothing to be safe.
        return (self.rows[record_id] for _, record_id in self._by_stamp[start:])

    def changed(self, start: str, end: str) -> Iterable[Row]:
        """Rows with start <= SystemModstamp < end."""
        for row in self.since((start, "")):
            if row["SystemModstamp"] >= end:
                return
            yield row


class Org:
    """All tables, and the ids of new records."""

    def __init__(self) -> None:
        self.tables = {name: Table(definition) for name, definition in OBJECTS.items()}
        self._made = 0

    def table(self, definition: ObjectDef) -> Table:
        return self.tables[definition.name]

    def row(self, record_id: str | None) -> Row | None:
        """The row with this 18-character id, whatever its object."""
        definition = of_id(record_id) if record_id else None
        if definition is None or record_id is None:
            return None
        return self.tables[definition.name].rows.get(record_id)

    def next_id(self, definition: ObjectDef) -> str:
        """The id of a record made after the start."""
        self._made += 1
        return ids.counted(definition.prefix, self._made)
