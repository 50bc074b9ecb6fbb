"""Descriptions of objects, in the engine's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline.sdk.records import FieldSchema, FieldType, ObjectSchema

_TYPES: Mapping[str, FieldType] = {
    "string": FieldType.TEXT, "textarea": FieldType.TEXT, "email": FieldType.TEXT, "phone": FieldType.TEXT,
    "url": FieldType.TEXT, "combobox": FieldType.TEXT, "int": FieldType.NUMBER, "long": FieldType.NUMBER,
    "double": FieldType.NUMBER, "currency": FieldType.NUMBER, "percent": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN, "date": FieldType.DATE, "datetime": FieldType.DATETIME,
    "picklist": FieldType.PICKLIST, "multipicklist": FieldType.MULTIPICKLIST,
    "reference": FieldType.REFERENCE, "id": FieldType.ID,
}  # fmt: skip


def object_schema(described: Mapping[str, Any]) -> ObjectSchema:
    """A description of the vendor's in the engine's words."""
    return ObjectSchema(
        name=described["name"],
        label=described["label"],
        fields={field["name"]: _field_schema(field) for field in described["fields"]},
        readable=described["queryable"],
        creatable=described["createable"],
        updatable=described["updateable"],
    )


def _field_schema(field: Mapping[str, Any]) -> FieldSchema:
    kind = _TYPES.get(field["type"], FieldType.OTHER)
    values = tuple(option["value"] for option in field["picklistValues"] if option["active"])
    return FieldSchema(
        name=field["name"],
        label=field["label"],
        type=kind,
        length=field["length"] or None,
        writable=field["updateable"],
        required=field["createable"] and not field["nillable"] and not field["defaultedOnCreate"],
        unique=field["unique"],
        options=values if kind in (FieldType.PICKLIST, FieldType.MULTIPICKLIST) else None,
        restricted=field["restrictedPicklist"],
        references=tuple(field["referenceTo"]),
    )
