"""Creating, changing and deleting rows as the org does it: checks, derived fields, stamps, assignment.

Every write is planned first and then put, so that a batch can be refused as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.faults import Faults
from leadline_salesforce.sandbox import ids, moments
from leadline_salesforce.sandbox.derived import derive
from leadline_salesforce.sandbox.faults import RowError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.guards import Guards
from leadline_salesforce.sandbox.objects import cascades, kind
from leadline_salesforce.sandbox.rules import checked, coerce
from leadline_salesforce.sandbox.store import Org, Row

_ASSIGNED = ("Lead", "Account")


@dataclass(frozen=True, slots=True)
class Planned:
    """A row that passed every check and is not yet in its table."""

    row: Row
    created: bool

    @property
    def record_id(self) -> str:
        return str(self.row["Id"])


@dataclass(frozen=True, slots=True)
class By:
    """Who writes, whether assignment rules run (they do unless the caller's header says FALSE), and whether a
    duplicate rule that only alerts is passed over."""

    user: str
    auto_assign: bool
    allow_duplicates: bool = False


@dataclass(frozen=True, slots=True)
class Transaction:
    """Writes since `mark`."""

    org: Org
    journal: list[tuple[str, Row | None]]
    mark: int
    told: list[tuple[str, str, Row | None, Row]]

    def roll_back(self) -> None:
        """As if none of them had been made."""
        self.org.undo(self.journal, self.mark)
        self.told.clear()


class Writes:
    """All writes of one org. `default_owner` is whom the assignment rules give every record to."""

    def __init__(self, org: Org, clock: SandboxClock, faults: Faults, default_owner: str) -> None:
        self.org = org
        self.clock = clock
        self._faults = faults
        self.default_owner = default_owner
        self.on_change: Callable[[str, str], None] = lambda _name, _id: None  # object and id of what was saved
        self.guards = Guards(org, clock)
        self._told: list[tuple[str, str, Row | None, Row]] | None = None
        self.bin: dict[str, list[str]] = {}  # deleted record -> what was deleted with it

    def create(self, definition: ObjectDef, values: Mapping[str, Any], by: By) -> Planned:
        """A new row. RowError in the vendor's words."""
        _writable(definition)
        changes = checked(definition, values, self.org, creating=True)
        now = moments.instant(self.clock.now())
        row: Row = {"Id": self.org.next_id(definition), **_defaults(definition, by.user), **_filled(changes)}
        row |= {"CreatedDate": now, "CreatedById": by.user}
        self.check_fault(definition.name, _key_of(definition, row))
        self.guards.check_locks(definition, row)
        return Planned(self._finished(definition, row, changes, by), created=True)

    def update(self, definition: ObjectDef, record_id: str, values: Mapping[str, Any], by: By) -> Planned:
        """An existing row with changes. RowError in the vendor's words."""
        _writable(definition)
        old = self.living(definition, record_id)
        changes = checked(definition, values, self.org, creating=False)
        if old.get("IsConverted"):
            raise RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
        self.check_fault(definition.name, old["Id"])
        row = {name: value for name, value in (old | changes).items() if value is not None}
        self.guards.check_locks(definition, old, row)
        return Planned(self._finished(definition, row, changes, by), created=False)

    def upsert(self, definition: ObjectDef, field: FieldDef, values: Mapping[str, Any], by: By) -> Planned:
        """The row that `values` names by an external id, or by `Id`; a new one when there is none."""
        row = self.find(definition, field, values[field.name])
        rest = {name: value for name, value in values.items() if name.lower() != "id"}
        if row is not None:
            return self.update(definition, row["Id"], rest, by)
        if field.name == "Id":
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [], status=404)
        return self.create(definition, rest, by)

    def delete(self, definition: ObjectDef, record_id: str, by: By, **marks: Any) -> Planned:
        """The row in the recycle bin. `marks` are further fields to set on it."""
        if not definition.deletable or not definition.writable:
            raise RowError("INSUFFICIENT_ACCESS_OR_READONLY", f"entity type {definition.name} cannot be deleted", [])
        old = self.living(definition, record_id)
        self.check_fault(definition.name, old["Id"])
        self.guards.check_locks(definition, old)
        return Planned(self._stamped(old | {"IsDeleted": True} | marks, by), created=False)

    def mark(self, row: Row, by: By, **marks: Any) -> Planned:
        """A row with fields that only the system sets."""
        return Planned(self._stamped(row | marks, by), created=False)

    def find(self, definition: ObjectDef, field: FieldDef, value: Any) -> Row | None:
        """The living row with this value in an external id field, or with this id."""
        if field.name == "Id":
            row = self.org.table(definition).rows.get(ids.normal(str(value)) or "")
            return None if row is None or row.get("IsDeleted") else row
        plain = coerce(field, value, self.org)
        return None if plain is None else self.org.table(definition).by_unique(field.name, plain)

    def living(self, definition: ObjectDef, record_id: str) -> Row:
        """The row to be changed. RowError when the id is wrong, unknown or of a deleted record."""
        normal = ids.normal(record_id)
        if normal is None or kind(normal) != definition.name:
            raise RowError(
                "MALFORMED_ID", f"{definition.label} ID: id value of incorrect type: {record_id}", ["Id"], status=404
            )
        row = self.org.table(definition).rows.get(normal)
        if row is None:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [], status=404)
        if row.get("IsDeleted"):
            raise RowError("ENTITY_IS_DELETED", "entity is deleted", [], status=404)
        return row

    def purge(self, definition: ObjectDef, record_id: str) -> str:
        """Delete a row for good, also one in the recycle bin. Returns its id. RowError when there is none."""
        normal = ids.normal(record_id) or ""
        if normal not in self.org.table(definition).rows:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [], status=404)
        self.check_fault(definition.name, normal)
        self.org.drop(normal)
        return normal

    def put(self, planned: Planned) -> None:
        """Make a planned row real. A record that goes to the recycle bin takes its children with it."""
        before, row = self.org.row(planned.record_id), planned.row
        self.org.put(row)
        name = kind(planned.record_id) or ""
        self._tell(name, planned.record_id, before, row)
        if before is not None and row.get("IsDeleted") and not before.get("IsDeleted"):
            self._delete_children(name, row)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Writes that can be taken back together. Automation sees them at the end, if they stayed."""
        with self.org.undoable() as journal:
            outer, self._told = self._told, []
            try:
                yield Transaction(self.org, journal, len(journal), self._told)
            finally:
                told, self._told = self._told or [], outer
                for change in told:
                    self._tell(*change)

    def _tell(self, name: str, record_id: str, before: Row | None, after: Row) -> None:
        if self._told is not None:
            self._told.append((name, record_id, before, after))
            return
        if before is not None:
            self._faults.wrote(name, record_id, before, after)
        self.on_change(name, record_id)

    def _delete_children(self, name: str, parent: Row) -> None:
        by, gone = By(parent["LastModifiedById"], auto_assign=False), self.bin.setdefault(parent["Id"], [])
        for child, field in cascades(name):
            for row in self.org.tables[child].having(field, parent["Id"]):
                if not row.get("IsDeleted"):
                    self.put(self.mark(row, by, IsDeleted=True))
                    gone += (row["Id"], *self.bin.get(row["Id"], ()))

    def _finished(self, definition: ObjectDef, row: Row, changes: Row, by: By) -> Row:
        self._owner(definition, changes)
        self._duplicates(definition, row)
        if by.auto_assign and definition.name in _ASSIGNED:
            row["OwnerId"] = self.default_owner
        row = derive(definition, row, self.org, moments.instant(self.clock.now()))
        self.guards.check_rules(definition, row, allow_duplicates=by.allow_duplicates)
        return self._stamped(row, by)

    def _stamped(self, row: Row, by: By) -> Row:
        now = moments.instant(self.clock.now())
        return row | {"LastModifiedDate": now, "LastModifiedById": by.user, "SystemModstamp": now}

    def _owner(self, definition: ObjectDef, changes: Row) -> None:
        owner = self.org.row(changes.get("OwnerId"))
        if owner is not None and not owner.get("IsActive"):
            raise RowError(
                "INACTIVE_OWNER_OR_USER",
                f"operation performed with inactive user [{owner['Id']}] as owner of {definition.name.lower()}",
                ["OwnerId"],
            )

    def _duplicates(self, definition: ObjectDef, row: Row) -> None:
        table = self.org.table(definition)
        for field in definition.unique:
            value = row.get(field.name)
            holder = table.by_unique(field.name, str(value)) if value is not None else None
            if holder is not None and holder["Id"] != row["Id"]:
                raise RowError(
                    "DUPLICATE_VALUE",
                    f"duplicate value found: {field.name} duplicates value on record with id: {holder['Id'][:15]}",
                    [],
                )

    def check_fault(self, object: str, record_id: str) -> None:
        """RowError when the sandbox was told to refuse this row."""
        fault = self._faults.refusal(object, record_id)
        if fault is not None:
            raise RowError(fault.code, fault.message, [])


def _writable(definition: ObjectDef) -> None:
    if not definition.writable:
        raise RowError(
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type {definition.name} does not support create", []
        )


def _defaults(definition: ObjectDef, user: str) -> Row:
    return {
        field.name: user if field.default == "$User" else field.default
        for field in definition.fields.values()
        if field.default is not None
    }


def _filled(changes: Row) -> Row:
    return {name: value for name, value in changes.items() if value is not None}


def _key_of(definition: ObjectDef, row: Row) -> str:
    """What a new row is known by before it has an id: its unique key."""
    return next((str(row[field.name]) for field in definition.unique if field.name in row), "")
