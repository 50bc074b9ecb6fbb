"""What a field and an object are in the org's schema, with short builders for writing schemas down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property


@dataclass(frozen=True, slots=True)
class FieldDef:
    """One field. `required` on create; `read_only` kept by the system; `fixed` settable on create only.

    For a lookup: `relationship` is the name of the way up, `children` of the way down, and with `cascade`
    the record is deleted with the one that it points at.
    """

    name: str
    label: str
    type: str
    length: int = 0
    required: bool = False
    read_only: bool = False
    fixed: bool = False
    external_id: bool = False
    unique: bool = False
    calculated: bool = False
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    precision: int = 0
    scale: int = 0
    default: str | bool | None = None
    formula: str | None = None
    children: str | None = None
    cascade: bool = False

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def createable(self) -> bool:
        return not (self.read_only or self.calculated)

    @property
    def updateable(self) -> bool:
        return self.createable and not self.fixed

    @property
    def filterable(self) -> bool:
        """Long texts can be read, not searched."""
        return not (self.type == "textarea" and self.length > 255)


def text(name: str, label: str, length: int = 255, *, required: bool = False, read_only: bool = False) -> FieldDef:
    return FieldDef(name, label, "string", length, required=required, read_only=read_only)


def long_text(name: str, label: str, length: int) -> FieldDef:
    return FieldDef(name, label, "textarea", length)


def key_text(name: str, label: str, length: int) -> FieldDef:
    """A text that is a unique external id."""
    return FieldDef(name, label, "string", length, external_id=True, unique=True)


def picklist(name: str, label: str, *values: str, required: bool = False, default: str | None = None) -> FieldDef:
    return FieldDef(name, label, "picklist", 255, picklist=values, required=required, default=default)


def restricted(name: str, label: str, *values: str) -> FieldDef:
    return FieldDef(name, label, "picklist", 255, picklist=values, restricted=True)


def multipicklist(name: str, label: str, *values: str) -> FieldDef:
    return FieldDef(name, label, "multipicklist", 4099, picklist=values)


def integer(name: str, label: str) -> FieldDef:
    return FieldDef(name, label, "int", precision=8)


def number(name: str, label: str, precision: int, scale: int = 0) -> FieldDef:
    return FieldDef(name, label, "double", precision=precision, scale=scale)


def currency(name: str, label: str) -> FieldDef:
    return FieldDef(name, label, "currency", precision=18, scale=0)


def boolean(name: str, label: str) -> FieldDef:
    return FieldDef(name, label, "boolean", default=False)


def day_field(name: str, label: str, *, required: bool = False) -> FieldDef:
    return FieldDef(name, label, "date", required=required)


def instant_field(name: str, label: str, *, required: bool = False) -> FieldDef:
    return FieldDef(name, label, "datetime", required=required)


def lookup(
    name: str,
    label: str,
    relationship: str,
    *targets: str,
    fixed: bool = False,
    required: bool = False,
    children: str | None = None,
    cascade: bool = False,
) -> FieldDef:
    return FieldDef(
        name,
        label,
        "reference",
        18,
        reference_to=targets,
        relationship=relationship,
        fixed=fixed,
        required=required,
        children=children,
        cascade=cascade,
    )


def formula(field: FieldDef, text: str | None) -> FieldDef:
    """A field that is worked out: by a formula, or by a roll-up summary, which has no text."""
    return replace(field, calculated=True, formula=text)


def by_system(field: FieldDef) -> FieldDef:
    """The same field, kept by the system."""
    return replace(field, read_only=True)


@dataclass(frozen=True)
class ObjectDef:
    """One object. `prefix` begins its ids; `writable` False for what only the system writes."""

    name: str
    label: str
    plural: str
    prefix: str
    own_fields: tuple[FieldDef, ...]
    owned: bool = True
    deletable: bool = True
    writable: bool = True
    mergeable: bool = False

    @cached_property
    def fields(self) -> dict[str, FieldDef]:
        """All fields by name: the system's first, then the object's own."""
        return {field.name: field for field in (*self._system(), *self.own_fields)}

    @cached_property
    def _folded(self) -> dict[str, FieldDef]:
        return {name.lower(): field for name, field in self.fields.items()}

    @cached_property
    def relationships(self) -> dict[str, FieldDef]:
        """Lookups by the lower-case name that a dotted path uses."""
        return {f.relationship.lower(): f for f in self.fields.values() if f.relationship}

    @cached_property
    def unique(self) -> tuple[FieldDef, ...]:
        return tuple(field for field in self.fields.values() if field.unique)

    def field(self, name: str) -> FieldDef | None:
        """The field of that name in any case."""
        return self._folded.get(name.lower())

    def _system(self) -> Iterable[FieldDef]:
        yield FieldDef("Id", f"{self.label} ID", "id", 18, read_only=True)
        if self.deletable:
            yield FieldDef("IsDeleted", "Deleted", "boolean", read_only=True, default=False)
        if self.mergeable:
            yield by_system(lookup("MasterRecordId", "Master Record ID", "MasterRecord", self.name))
        if self.owned:
            yield replace(lookup("OwnerId", "Owner ID", "Owner", "User"), default="$User")
        yield by_system(instant_field("CreatedDate", "Created Date"))
        yield by_system(lookup("CreatedById", "Created By ID", "CreatedBy", "User"))
        yield by_system(instant_field("LastModifiedDate", "Last Modified Date"))
        yield by_system(lookup("LastModifiedById", "Last Modified By ID", "LastModifiedBy", "User"))
        yield by_system(instant_field("SystemModstamp", "System Modstamp"))
        yield replace(key_text("Source_Id__c", "Source Id", 40))
