"""Rows of a reply as records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leadline.sdk.errors import PermanentError
from leadline.sdk.records import Json, RawRecord
from leadline_salesforce.cursor import epoch


def reader(fields: Sequence[str]) -> Callable[[Mapping[str, Any]], RawRecord]:
    """A function from a row of a reply to a record, with the paths taken apart once."""
    plain = [field for field in fields if "." not in field]
    dotted = [(field, field.split(".")) for field in fields if "." in field]

    def record(row: Mapping[str, Any]) -> RawRecord:
        try:
            values: dict[str, Json] = {field: row[field] for field in plain}
            for field, parts in dotted:
                values[field] = _through(row, parts)
        except KeyError as error:
            raise _absent(error.args[0]) from error
        return RawRecord(
            id=row["Id"],
            fields=values,
            modified_at=epoch(row["SystemModstamp"]),
            deleted=bool(row.get("IsDeleted")),
            merged_into=row.get("MasterRecordId"),
        )

    return record


def _absent(field: str) -> PermanentError:
    return PermanentError(
        f"Salesforce took a query for {field} and its rows have no field of that spelling",
        code="INVALID_FIELD",
        fix="Spell the field in the mapping as the org does, upper and lower case included.",
    )


def _through(row: Mapping[str, Any], parts: Sequence[str]) -> Json:
    """A field behind lookups: `Account.Name` of `{"Account": {"Name": ...}}`, None when a lookup is empty."""
    value: Any = row
    for part in parts:
        if value is None:
            return None
        value = value[part]
    return value  # type: ignore[no-any-return] # JSON all the way down
