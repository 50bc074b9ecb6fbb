"""What one written value must satisfy, field by field, and the words in which it is refused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from leadline_salesforce.sandbox import ids, moments
from leadline_salesforce.sandbox.faults import RowError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.objects import kind
from leadline_salesforce.sandbox.store import Org, Row

_Reader: TypeAlias = Callable[[FieldDef, Any, Org], Any]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+\Z")
_DECIMAL = {"double": "double", "currency": "double", "percent": "double", "int": "int"}


def checked(definition: ObjectDef, values: Mapping[str, Any], org: Org, *, creating: bool) -> Row:
    """The values as rows hold them, by canonical field name; None for cleared fields. RowError otherwise.

    `attributes` and, in an update, `Id` are the envelope of the row and are left out.
    """
    row: Row = {}
    refused: list[str] = []
    for name, given in values.items():
        if name == "attributes" or (name.lower() == "id" and not creating):
            continue
        field, value = definition.field(name), given
        if field is None:
            field, value = _by_external_id(definition, name, given, org)
        if not (field.createable if creating else field.updateable):
            refused.append(field.name)
            continue
        row[field.name] = coerce(field, value, org)
    if refused:
        raise RowError(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            f"Unable to create/update fields: {', '.join(refused)}. Please check the security settings of this field "
            "and verify that it is read/write for your profile or permission set.",
            refused,
        )
    _required(definition, row, creating=creating)
    return row


def _by_external_id(definition: ObjectDef, name: str, value: Any, org: Org) -> tuple[FieldDef, Any]:
    """The lookup of `Account.Source_Id__c` (CSV) or `"Account": {"Source_Id__c": ...}` (JSON), and whom it names."""
    relationship, _, key = name.partition(".")
    lookup = definition.relationships.get(relationship.lower())
    if isinstance(value, Mapping) and not key:
        key, value = next(((k, v) for k, v in value.items() if k != "attributes"), ("", None))
    if lookup is None or not key:
        raise RowError("INVALID_FIELD", f"No such column '{name}' on sobject of type {definition.name}")
    if value is None:
        return lookup, None
    for target in filter(None, map(org.schema.named, lookup.reference_to)):
        field = target.field(key)
        if field is not None and field.external_id:
            row = org.table(target).by_unique(field.name, str(value))
            if row is not None:
                return lookup, row["Id"]
    raise RowError(
        "INVALID_FIELD",
        f"Foreign key external ID: {value} not found for field {key} in entity {' or '.join(lookup.reference_to)}",
    )


def _required(definition: ObjectDef, row: Row, *, creating: bool) -> None:
    missing = [
        field.name
        for field in definition.fields.values()
        if field.required and (creating or field.name in row) and row.get(field.name) is None
    ]
    if missing:
        raise RowError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", missing)


def coerce(field: FieldDef, value: Any, org: Org) -> Any:
    """One value in the form that rows hold. RowError when the field cannot hold it."""
    if value is None or value == "":
        return False if field.type == "boolean" else None
    read: _Reader = _BY_TYPE.get(field.type, _text)
    return read(field, value, org)


def _text(field: FieldDef, value: Any, _: Org) -> str | None:
    if isinstance(value, bool | list | dict):
        raise _unreadable(field, value, "string")
    stripped = str(value).strip()
    if field.length and len(stripped) > field.length:
        raise RowError(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {stripped[:255]} (max length={field.length})",
            [field.name],
        )
    return stripped or None


def _email(field: FieldDef, value: Any, org: Org) -> str | None:
    plain = _text(field, value, org)
    if plain is not None and not _EMAIL.match(plain):
        raise RowError("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {plain}", [field.name])
    return plain


def _picklist(field: FieldDef, value: Any, org: Org) -> str | None:
    plain = _text(field, value, org)
    if field.restricted and plain is not None and plain not in field.picklist:
        raise RowError(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {plain}",
            [field.name],
        )
    return plain


def _boolean(field: FieldDef, value: Any, _: Org) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _unreadable(field, value, "boolean")


def _number(field: FieldDef, value: Any, _: Org) -> float | int:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise _unreadable(field, value, _DECIMAL[field.type])
    whole_digits = field.precision - field.scale
    if abs(number) >= 10**whole_digits:
        raise RowError(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{field.label}: value outside of valid range on numeric field: {value}",
            [field.name],
        )
    return int(number) if field.type == "int" else round(number, field.scale)


def _date(field: FieldDef, value: Any, _: Org) -> str:
    try:
        return moments.parse_day(str(value))
    except ValueError:
        raise _unreadable(field, value, "date") from None


def _datetime(field: FieldDef, value: Any, _: Org) -> str:
    try:
        text = str(value)
        return moments.parse_instant(text if "T" in text or " " in text else f"{text}T00:00:00Z")
    except ValueError:
        raise _unreadable(field, value, "datetime") from None


def _reference(field: FieldDef, value: Any, org: Org) -> str:
    record_id = ids.normal(value) if isinstance(value, str) else None
    if record_id is None or kind(record_id) not in field.reference_to:
        raise RowError("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
    target = org.row(record_id)
    if target is None:
        raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    if target.get("IsDeleted"):
        raise RowError("ENTITY_IS_DELETED", "entity is deleted", [])
    return record_id


def _unreadable(field: FieldDef, value: Any, kind: str) -> RowError:
    """The words of the vendor's JSON reader, which judges before any row is looked at."""
    token = "VALUE_STRING" if isinstance(value, str) else f"VALUE_{type(value).__name__.upper()}"
    return RowError(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {kind} from {token} value {value} or request may be missing a required "
        f"field at [{field.name}]",
    )


_BY_TYPE: dict[str, _Reader] = {
    "email": _email,
    "picklist": _picklist,
    "boolean": _boolean,
    "int": _number,
    "double": _number,
    "currency": _number,
    "date": _date,
    "datetime": _datetime,
    "reference": _reference,
}
