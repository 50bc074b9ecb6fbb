"""The rows of one ingest job: read from CSV, written slice by slice, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leadline_salesforce.sandbox import ids
from leadline_salesforce.sandbox.bulk_csv import CsvError, Dialect, values
from leadline_salesforce.sandbox.faults import RowError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.writes import By, Planned, Writes

_SLICE = 200  # rows that the vendor writes in one transaction; in it no record may come twice


class Load:
    """Rows are known by their place in the upload, so results keep its order."""

    def __init__(self, writes: Writes, definition: ObjectDef, operation: str, key: FieldDef | None, by: By) -> None:
        self._writes = writes
        self._definition = definition
        self._operation = operation
        self._key = key
        self._by = by
        self.header: list[str] = []
        self._rows: list[list[str]] = []
        self.done = 0
        self.successes: list[tuple[int, str, bool]] = []  # place, id, created
        self.failures: list[tuple[int, str, str]] = []  # place, id where known, error

    @property
    def left(self) -> int:
        """Rows that are still to be written."""
        return len(self._rows) - self.done

    def read(self, dialect: Dialect, data: bytes) -> None:
        """Take the upload. CsvError when it is no CSV, or has a column that the object does not."""
        self.header, self._rows = dialect.read(data)
        names = {name.lower() for name in self.header}
        for name in self.header:
            if not self._knows(name):
                raise CsvError(f"InvalidBatch : Field name not found : {name}")
        by_id = self._operation in ("update", "delete", "hardDelete")
        required = "Id" if by_id else self._key.name if self._key else None
        if required is not None and required.lower() not in names:
            raise CsvError(f"InvalidBatch : Field name not found : {required}")
        if self._operation in ("delete", "hardDelete") and names != {"id"}:
            raise CsvError("InvalidBatch : Only the Id column is allowed when deleting records")

    def _knows(self, name: str) -> bool:
        relationship, dot, _ = name.partition(".")
        if dot:
            return relationship.lower() in self._definition.relationships
        return self._definition.field(name) is not None

    def slice(self, before: int | None = None) -> None:
        """Write the next rows, none at place `before` or later."""
        stop = min(self.done + _SLICE, len(self._rows), before if before is not None else len(self._rows))
        seen: set[str] = set()
        for place in range(self.done, stop):
            row = values(self.header, self._rows[place])
            named = _id_of(row)
            try:
                self._once(row, seen)
                record_id, created = self._write(row, named)
            except RowError as error:
                self.failures.append((place, named, _words(error)))
            else:
                self.successes.append((place, record_id, created))
        self.done = stop

    def _once(self, row: Mapping[str, Any], seen: set[str]) -> None:
        if self._operation == "insert":
            return
        name = self._key.name if self._key else "Id"
        named = str(next((value for field, value in row.items() if field.lower() == name.lower()), ""))
        same = (ids.normal(named) or named) if name == "Id" else named.casefold()
        if same and same in seen:
            raise RowError("DUPLICATE_VALUE", f"Duplicate {'external id' if self._key else 'id'} specified: {named}")
        seen.add(same)

    def _write(self, row: Mapping[str, Any], named: str) -> tuple[str, bool]:
        if self._operation == "hardDelete":
            return self._writes.purge(self._definition, named), False
        planned = self._plan(row, named)
        self._writes.put(planned)
        return planned.record_id, planned.created

    def _plan(self, row: Mapping[str, Any], named: str) -> Planned:
        if self._operation == "insert":
            return self._writes.create(self._definition, row, self._by)
        if self._key is not None:
            canonical = {self._key.name if n.lower() == self._key.name.lower() else n: v for n, v in row.items()}
            if canonical.get(self._key.name) is None:
                raise RowError("MISSING_ARGUMENT", f"{self._key.name} not specified")
            return self._writes.upsert(self._definition, self._key, canonical, self._by)
        if not named:
            raise RowError("MISSING_ARGUMENT", f"Id not specified in {self._operation} call")
        if self._operation == "delete":
            return self._writes.delete(self._definition, named, self._by)
        rest = {name: value for name, value in row.items() if name.lower() != "id"}
        return self._writes.update(self._definition, named, rest, self._by)

    def successful(self) -> Iterator[list[str]]:
        """Rows for `successfulResults`."""
        for place, record_id, created in self.successes:
            yield [record_id, "true" if created else "false", *self._rows[place]]

    def failed(self) -> Iterator[list[str]]:
        """Rows for `failedResults`."""
        for place, record_id, error in self.failures:
            yield [record_id, error, *self._rows[place]]

    def unprocessed(self) -> Iterator[list[str]]:
        """Rows for `unprocessedrecords`."""
        return iter(self._rows[self.done :])


def _id_of(row: Mapping[str, Any]) -> str:
    named = row.get("Id") or next((value for name, value in row.items() if name.lower() == "id"), "")
    return ids.normal(str(named or "")) or str(named or "")


def _words(error: RowError) -> str:
    """As in `sf__Error`: code, message, and the fields with two dashes."""
    fields = " ".join(error.fields or [])
    return f"{error.code}:{error.message}:{f'{fields} ' if fields else ''}--"
