"""What can be written back, and how canonical values become the vendor's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leadline.core.entities import Kind
from leadline.core.normalize.times import instant
from leadline.sdk.records import Json, Scalar

if TYPE_CHECKING:
    from leadline.core.normalize.mapping import ObjectMapping, Write

GROUPS = ("priority", "qualified_review", "nurture", "investigate", "research", "poor_fit")


@dataclass(frozen=True, slots=True)
class Output:
    """One canonical value that the CRM can show. `max_length` is in characters, for text."""

    kind: Kind
    meaning: str
    max_length: int | None = None
    values: tuple[str, ...] = ()


OUTPUTS: dict[str, Output] = {
    "score": Output(Kind.INTEGER, "Total points, whole"),
    "fit": Output(Kind.INTEGER, "Points for fit, whole"),
    "intent": Output(Kind.INTEGER, "Points for intent, whole"),
    "group": Output(Kind.ENUM, "Group that decides what happens next", max(map(len, GROUPS)), GROUPS),
    "reasons": Output(Kind.TEXT, "Why, in sales language, one reason a line", 1000),
    "sort_key": Output(Kind.TEXT, "Text that a list view sorts by, descending: group, then banded score", 20),
    "scored_at": Output(Kind.TIME, "When the score was computed"),
    "action": Output(Kind.TEXT, "What was done or why not, and what to do next", 255),
    "owner": Output(Kind.LINK, "Salesperson, by the CRM's own id"),
    "status": Output(Kind.TEXT, "Lead or lifecycle status", 255),
}


def vendor_values(mapping: ObjectMapping, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Canonical output values by vendor field.

    Outputs that the object does not write are left out. Instants may be seconds or ISO 8601 and
    become ISO 8601 with `Z`; text is cut to the output's limit; None clears the field.
    """
    return {
        write.field: _to_vendor(write, values[name])
        for name, write in mapping.write.items()
        if name in values
    }  # fmt: skip


def from_crm(write: Write, raw: Json) -> Scalar:
    """The CRM's current value of a write-back field, as the canonical value that we would write.

    A value that cannot be read as its kind is given as text: it differs from anything we write.
    """
    if raw is None or raw == "" or isinstance(raw, list | tuple | Mapping):
        return None
    kind = OUTPUTS[write.output].kind
    if kind is Kind.INTEGER:
        return _whole(raw)
    if kind is Kind.TIME:
        seconds = instant(raw) if isinstance(raw, str | int | float) else None
        return str(raw) if seconds is None else _iso(seconds)
    text = str(raw).replace("\r\n", "\n")
    return write.canonical.get(text, text)


def _to_vendor(write: Write, value: Scalar) -> Scalar:
    output = OUTPUTS[write.output]
    if value is None:
        return None
    if output.kind is Kind.TIME and isinstance(value, int):
        return _iso(value)
    if isinstance(value, str):
        chosen = write.values.get(value, value)
        return _cut(chosen, output.max_length) if isinstance(chosen, str) else chosen
    return value


def _whole(raw: Json) -> Scalar:
    try:
        number = float(str(raw))
    except ValueError:
        return str(raw)
    return int(number) if number.is_integer() else number


def _cut(text: str, limit: int | None) -> str:
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
