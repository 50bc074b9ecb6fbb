"""What the org's administrators set up against writes: locks held by others, validation and duplicate rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from leadline.sdk.sandbox.clock import SandboxClock
from leadline_salesforce.sandbox.faults import RowError
from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.predicates import Predicate, compile_where
from leadline_salesforce.sandbox.soql import parse
from leadline_salesforce.sandbox.store import Org, Row

MODES = ("alert", "block")


@dataclass(slots=True)
class _Lock:
    until: float | None
    times: int | None


@dataclass(frozen=True, slots=True)
class _Validation:
    object: str
    wrong: Predicate
    message: str
    field: str | None


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Records of `object` with the same value in `field` are duplicates: a warning (alert) or an error (block)."""

    object: str
    field: str
    mode: str


@dataclass(slots=True)
class Guards:
    """One org's locks and rules, by the names that they were given."""

    org: Org
    clock: SandboxClock
    _locks: dict[str, _Lock] = field(default_factory=dict)
    _validations: dict[str, _Validation] = field(default_factory=dict)
    _duplicates: dict[str, DuplicateRule] = field(default_factory=dict)

    def lock(self, record_id: str, *, seconds: float | None, times: int | None) -> None:
        """Somebody else holds this record: writes to it and to its children fail so long, or so often."""
        self._locks[record_id] = _Lock(None if seconds is None else self.clock.now() + seconds, times)

    def unlock(self, record_id: str) -> None:
        self._locks.pop(record_id, None)

    def validation(self, name: str, definition: ObjectDef, where: str, message: str, field: str | None) -> None:
        """A record of the object may not be saved while `where` (a SOQL condition) holds. ApiError for bad SOQL."""
        query = parse(f"SELECT Id FROM {definition.name} WHERE {where}")  # noqa: S608 - SOQL, over made-up data
        wrong = compile_where(query, definition, self.org, self.clock.now())
        if wrong is not None:
            self._validations[name] = _Validation(definition.name, wrong, message, field)

    def duplicates(self, name: str, rule: DuplicateRule) -> None:
        self._duplicates[name] = rule

    def drop(self, name: str) -> bool:
        """Take a rule away; whether there was one of that name."""
        validation, duplicate = self._validations.pop(name, None), self._duplicates.pop(name, None)
        return validation is not None or duplicate is not None

    def check_locks(self, definition: ObjectDef, *rows: Row) -> None:
        """RowError when one of the rows, or a record that they point at, is locked."""
        if not self._locks:
            return
        for row in rows:
            lookups = (
                row.get(found.name)
                for found in definition.fields.values()
                if found.type == "reference" and "User" not in found.reference_to
            )
            for record_id in (row.get("Id"), *lookups):
                if record_id is not None and self._held(record_id):
                    raise RowError(
                        "UNABLE_TO_LOCK_ROW",
                        f"unable to obtain exclusive access to this record or 1 records: {record_id[:15]}",
                    )

    def _held(self, record_id: str) -> bool:
        lock = self._locks.get(record_id)
        if lock is None:
            return False
        if (lock.until is not None and self.clock.now() >= lock.until) or lock.times == 0:
            del self._locks[record_id]
            return False
        if lock.times is not None:
            lock.times -= 1
        return True

    def check_rules(self, definition: ObjectDef, row: Row, *, allow_duplicates: bool) -> None:
        """RowError when a rule forbids to save the row as it is."""
        for rule in self._validations.values():
            if rule.object == definition.name and rule.wrong(row):
                raise RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, [rule.field] if rule.field else [])
        for name, duplicate in self._duplicates.items():
            if duplicate.object == definition.name and self._same(duplicate, row):
                if duplicate.mode == "alert" and allow_duplicates:
                    continue
                raise RowError("DUPLICATES_DETECTED", f"Use one of these records? ({name})")

    def _same(self, rule: DuplicateRule, row: Row) -> bool:
        value = row.get(rule.field)
        others = () if value is None else self.org.tables[rule.object].having(rule.field, str(value))
        return any(other["Id"] != row["Id"] and not other.get("IsDeleted") for other in others)
