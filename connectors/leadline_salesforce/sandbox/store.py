"""The org's records in memory: one table per object, indexed the way clients ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from leadline_salesforce.sandbox import calculated, ids
from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.objects import kind
from leadline_salesforce.sandbox.schema import Schema
from leadline_salesforce.sandbox.sortedkeys import Key, SortedKeys

# Field name to value; empty fields are absent. A row is never changed in place: a write puts a new
# one, so a query that is being paged keeps the rows it found.
Row: TypeAlias = dict[str, Any]
_Holders: TypeAlias = str | dict[str, None]  # the one row with a value, or several in the order of their coming


class Table:
    """The rows of one object, deleted ones included."""

    def __init__(self, definition: ObjectDef) -> None:
        self.name = definition.name
        self.rows: dict[str, Row] = {}
        self._by_stamp: SortedKeys | None = None
        self._by_id: SortedKeys | None = None
        self._unique: dict[str, dict[str, str]] = {field.name: {} for field in definition.unique}
        self._by_value: dict[str, dict[str, _Holders]] = {}

    def put(self, row: Row) -> None:
        """Insert, or replace the row of the same id."""
        record_id = row["Id"]
        old = self.rows.get(record_id)
        if self._by_stamp is not None and (old is None or old["SystemModstamp"] != row["SystemModstamp"]):
            if old is not None:
                self._by_stamp.remove((old["SystemModstamp"], record_id))
            self._by_stamp.add((row["SystemModstamp"], record_id))
        if self._by_id is not None and old is None:
            self._by_id.add((record_id, ""))
        for name, index in self._unique.items():
            _forget(index, name, old, record_id)
            if row.get(name) is not None and not row.get("IsDeleted"):
                index[_folded(row[name])] = record_id
        for name, holders in self._by_value.items():
            before, after = None if old is None else old.get(name), row.get(name)
            if before != after:
                _let_go(holders, before, record_id)
                _hold(holders, after, record_id)
        self.rows[record_id] = row

    def drop(self, record_id: str) -> None:
        """Forget a row entirely, as if it had never been made."""
        row = self.rows.pop(record_id)
        if self._by_stamp is not None:
            self._by_stamp.remove((row["SystemModstamp"], record_id))
        if self._by_id is not None:
            self._by_id.remove((record_id, ""))
        for name, index in self._unique.items():
            _forget(index, name, row, record_id)
        for name, holders in self._by_value.items():
            _let_go(holders, row.get(name), record_id)

    def index(self, name: str) -> None:
        """From now on keep a unique index of this field; no living rows share a value."""
        self._unique[name] = {
            _folded(row[name]): record_id
            for record_id, row in self.rows.items()
            if row.get(name) is not None and not row.get("IsDeleted")
        }

    def by_unique(self, name: str, value: str) -> Row | None:
        """The living row with this value in a unique field; case does not count."""
        record_id = self._unique[name].get(_folded(value))
        return None if record_id is None else self.rows[record_id]

    def having(self, name: str, value: str) -> list[Row]:
        """The rows with this value in a field, deleted ones included; the case of texts does not count.

        The first question about a field scans the table, all others cost what they find.
        """
        holders = self._by_value.get(name)
        if holders is None:
            holders = self._by_value[name] = {}
            for record_id, row in self.rows.items():
                _hold(holders, row.get(name), record_id)
        found = holders.get(_folded(value), {})
        return [self.rows[found]] if isinstance(found, str) else [self.rows[record_id] for record_id in found]

    def since(self, after: Key | None) -> Iterator[Row]:
        """Rows by (SystemModstamp, Id), those beyond `after` only. Not to be kept beyond one call's handler."""
        if self._by_stamp is None:
            self._by_stamp = SortedKeys((row["SystemModstamp"], record_id) for record_id, row in self.rows.items())
        return (self.rows[record_id] for _, record_id in self._by_stamp.after(after))

    def beyond(self, record_id: str | None) -> Iterator[Row]:
        """Rows by id, those beyond `record_id` only. Not to be kept beyond one call's handler."""
        if self._by_id is None:
            self._by_id = SortedKeys((known, "") for known in self.rows)
        after = None if record_id is None else (record_id, "")
        return (self.rows[known] for known, _ in self._by_id.after(after))

    def changed(self, start: str, end: str) -> Iterable[Row]:
        """Rows with start <= SystemModstamp < end."""
        for row in self.since((start, "")):
            if row["SystemModstamp"] >= end:
                return
            yield row


def _folded(value: object) -> str:
    return str(value).casefold()


def _forget(index: dict[str, str], name: str, row: Row | None, record_id: str) -> None:
    value = None if row is None else row.get(name)
    if value is not None and index.get(_folded(value)) == record_id:
        del index[_folded(value)]


def _hold(holders: dict[str, _Holders], value: object, record_id: str) -> None:
    if value is None:
        return
    held = holders.get(_folded(value))
    if held is None:
        holders[_folded(value)] = record_id
    elif isinstance(held, str):
        holders[_folded(value)] = {held: None, record_id: None}
    else:
        held[record_id] = None


def _let_go(holders: dict[str, _Holders], value: object, record_id: str) -> None:
    held = None if value is None else holders.get(_folded(value))
    if held == record_id:
        del holders[_folded(value)]
    elif isinstance(held, dict):
        held.pop(record_id, None)


class Org:
    """All tables, and the ids of new records."""

    def __init__(self) -> None:
        self.schema = Schema()
        self.tables = {definition.name: Table(definition) for definition in self.schema}
        self._made = 0
        self._journal: list[tuple[str, Row | None]] | None = None

    def table(self, definition: ObjectDef) -> Table:
        return self.tables[definition.name]

    def row(self, record_id: str | None) -> Row | None:
        """The row with this 18-character id, whatever its object."""
        name = kind(record_id) if record_id else None
        if name is None or record_id is None:
            return None
        return self.tables[name].rows.get(record_id)

    def put(self, row: Row) -> None:
        """Insert or replace a row, and what is calculated from it elsewhere. No other row's stamp moves."""
        name = _table_name(row["Id"])
        old = self.tables[name].rows.get(row["Id"])
        row = calculated.on_itself(name, row, old, self)
        self._set(name, row["Id"], row)
        for other in calculated.on_others(name, old, row, self):
            self._set(_table_name(other["Id"]), other["Id"], other)

    def drop(self, record_id: str) -> None:
        """Forget a row entirely, and take it out of what was calculated from it."""
        name = _table_name(record_id)
        old = self.tables[name].rows[record_id]
        self._set(name, record_id, None)
        for other in calculated.on_others(name, old, None, self):
            self._set(_table_name(other["Id"]), other["Id"], other)

    @contextmanager
    def undoable(self) -> Iterator[list[tuple[str, Row | None]]]:
        """Note every row that is replaced meanwhile, for `undo`. Inside of another, the outer one notes them."""
        outer = self._journal
        self._journal = [] if outer is None else outer
        try:
            yield self._journal
        finally:
            self._journal = outer

    def undo(self, journal: list[tuple[str, Row | None]], mark: int = 0) -> None:
        """Put back what was noted from `mark` on."""
        noted = journal[mark:]
        del journal[mark:]
        for record_id, before in reversed(noted):
            table = self.tables[_table_name(record_id)]
            if before is not None:
                table.put(before)
            elif record_id in table.rows:
                table.drop(record_id)

    def _set(self, name: str, record_id: str, row: Row | None) -> None:
        table = self.tables[name]
        if self._journal is not None:
            self._journal.append((record_id, table.rows.get(record_id)))
        if row is None:
            table.drop(record_id)
        else:
            table.put(row)

    def next_id(self, definition: ObjectDef) -> str:
        """The id of a record made after the start."""
        self._made += 1
        return ids.counted(definition.prefix, self._made)


def _table_name(record_id: str) -> str:
    name = kind(record_id)
    if name is None:
        raise KeyError(record_id)
    return name
