"""Rows of a reply as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leadline.sdk.records import Json, RawRecord
from leadline_salesforce.cursor import epoch


def reader(fields: Sequence[str]) -> Callable[[Mapping[str, Any]], RawRecord]:
    """A function from a row of a reply to a record, with the paths taken apart once."""
    plain = [field for field in fields if "." not in field]
    dotted = [(field, field.split(".")) for field in fields if "." in field]

    def record(row: Mapping[str, Any]) -> RawRecord:
        values: dict[str, Json] = {field: row[field] for field in plain}
        for field, parts in dotted:
            values[field] = _through(row, parts)
        return RawRecord(
            id=row["Id"],
            fields=values,
            modified_at=epoch(row["SystemModstamp"]),
            deleted=bool(row.get("IsDeleted")),
            merged_into=row.get("MasterRecordId"),
        )

    return record


def _through(row: Mapping[str, Any], parts: Sequence[str]) -> Json:
    """A field behind lookups: `Account.Name` of `{"Account": {"Name": ...}}`, None when a lookup is empty."""
    value: Any = row
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value  # type: ignore[no-any-return] # JSON all the way down
