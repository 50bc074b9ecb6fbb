"""HubSpot's values: instants, property values as text, and records as the engine takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from leadline.sdk.records import RawRecord, Scalar

MERGED = "hs_merged_object_ids"
MERGEABLE = frozenset({"contacts", "companies", "deals", "tickets"})


def modified_property(object: str) -> str:
    """The property that moves with every change; contacts have their own."""
    return "lastmodifieddate" if object == "contacts" else "hs_lastmodifieddate"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999  # milliseconds of the years 1 and 9999
_ODD_YEAR = re.compile(r"([+-]?)\d{5,}-|-\d{4}-")


def millis(text: str) -> int:
    """An instant as HubSpot writes it, in milliseconds since 1970 UTC.

    People type years such as 20266; those beyond 9999 count as the end of 9999, those before 1 as its
    beginning. ValueError for what is no instant at all.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        odd = _ODD_YEAR.match(text)
        if odd is None:
            raise
        return _FIRST if text.startswith("-") else _LAST
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def iso(stamp: int) -> str:
    """Milliseconds since 1970 as HubSpot writes an instant."""
    moment = _EPOCH + timedelta(milliseconds=max(_FIRST, min(stamp, _LAST)))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(seconds: int) -> str:
    """Whole seconds since 1970 UTC as HubSpot reads them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_text(value: Scalar) -> str:
    """A value as HubSpot keeps it: always text, empty to clear."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def same(sent: str, found: str | None) -> bool:
    """Whether a property shows what was sent: the same text, number or instant."""
    have = found or ""
    if sent == have:
        return True
    if not sent or not have:
        return False
    try:
        return float(sent) == float(have)
    except ValueError:
        pass
    try:
        return millis(sent) == millis(have)
    except ValueError:
        return False


def wanted_properties(object: str, fields: Sequence[str]) -> tuple[str, ...]:
    """What to ask for: the fields, the stamp, and what tells of merges."""
    extra = [modified_property(object), *([MERGED] if object in MERGEABLE else [])]
    return tuple(dict.fromkeys([*fields, *extra]))


def stamp_of(object: str, row: Mapping[str, Any]) -> int:
    """When a row was last changed, in milliseconds."""
    return millis(row["properties"].get(modified_property(object)) or row["updatedAt"])


def record_of(
    object: str, row: Mapping[str, Any], fields: Sequence[str], links: Mapping[str, tuple[str, ...]]
) -> RawRecord:
    """The record of a row."""
    value_of = row["properties"].get
    return RawRecord(
        id=row["id"],
        fields={name: value_of(name) or None for name in fields},
        modified_at=stamp_of(object, row) // 1000,
        links=links,
    )


def to_records(
    object: str, row: Mapping[str, Any], fields: Sequence[str], links: Mapping[str, tuple[str, ...]]
) -> list[RawRecord]:
    """The record of a row, and one for each record that was merged into it."""
    record = record_of(object, row, fields, links)
    return [record, *merged_into(row, record.modified_at)]


def merged_into(row: Mapping[str, Any], at: int) -> list[RawRecord]:
    """A deleted record for each that was merged into this row, last seen to be so at `at` (seconds)."""
    merged = row["properties"].get(MERGED)
    if not merged:
        return []
    losers = (each for each in merged.split(";") if each and each != row["id"])
    return [RawRecord(id=each, fields={}, modified_at=at, deleted=True, merged_into=row["id"]) for each in losers]
