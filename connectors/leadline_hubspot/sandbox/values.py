"""Property values: how they are stored, compared, and refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache

from leadline_hubspot.sandbox.objects import LIFECYCLE_STAGES, MAX_TEXT, ObjectType, Property

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@cache
def _day(number: int) -> str:
    """A day, counted from 1970, as the vendor prints it. A portal's records share a few thousand."""
    return datetime.fromtimestamp(number * 86_400, UTC).strftime("%Y-%m-%d")


def iso(ms: int) -> str:
    """Milliseconds since 1970 as the vendor prints an instant: no fraction when it is zero."""
    seconds, rest = divmod(ms, 1000)
    day, second = divmod(seconds, 86_400)
    text = f"{_day(day)}T{second // 3_600:02d}:{second % 3_600 // 60:02d}:{second % 60:02d}"
    return f"{text}.{rest:03d}Z" if rest else f"{text}Z"


def millis(text: str) -> int | None:
    """An instant given as ISO 8601, as a date, or as milliseconds; None when it is neither."""
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def plain(value: object) -> str:
    """A value of a request as text: the API takes numbers and booleans but keeps strings."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def stored(definition: Property, text: str) -> str | None:
    """A checked value as it is kept: instants as ISO 8601, e-mail in lower case, empty as None."""
    if text == "":
        return None
    if definition.type == "datetime":
        ms = millis(text)
        return None if ms is None else iso(ms)
    if definition.name == "email":
        return text.lower()
    return text


Problem = tuple[str, str, str]  # property, code, message


def problems(
    definitions: Mapping[str, Property],
    values: Mapping[str, str],
    *,
    active_owner: Callable[[str], bool],
    creating: bool,
) -> list[Problem]:
    """Everything wrong with the values of one record; empty when they can be stored."""
    found: list[Problem] = []
    for name, text in values.items():
        definition = definitions.get(name)
        if definition is None:
            found.append((name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
        elif definition.read_only:
            found.append((name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'))
        elif text != "":
            found.extend(_value_problem(definition, text, active_owner))
    if creating:
        found.extend(
            (
                each.name,
                "REQUIRED_PROPERTY_MISSING",
                f"Error creating record. Required property {each.name} is missing.",
            )
            for each in definitions.values()
            if each.required and not values.get(each.name)
        )
    return found


def _value_problem(definition: Property, text: str, active_owner: Callable[[str], bool]) -> Iterable[Problem]:
    name = definition.name
    if definition.owner:
        if not active_owner(text):
            yield name, "INVALID_OWNER_ID", f"The owner ID {text} does not exist or is not active."
        return
    match definition.type:
        case "number" if not _NUMBER.fullmatch(text):
            code = "INVALID_LONG" if name == "hs_object_id" else "INVALID_INTEGER"
            yield name, code, f"{text} was not a valid number."
        case "bool" if text not in {"true", "false"}:
            yield name, "INVALID_OPTION", f"{text} was not one of the allowed options: [true, false]"
        case "enumeration":
            yield from _option_problem(definition, text)
        case "datetime" if millis(text) is None:
            yield name, "INVALID_DATE", f"{text} was not a valid long."
        case "date" if not _DATE.fullmatch(text):
            yield name, "INVALID_DATE", f"{text} was not a valid date."
        case "string" if len(text) > MAX_TEXT:
            yield name, "INVALID_STRING_LENGTH", f"{name} is longer than the {MAX_TEXT} characters allowed."
        case "string" if name == "email" and not _EMAIL.fullmatch(text):
            yield name, "INVALID_EMAIL", f"Email address {text} is invalid"


def _option_problem(definition: Property, text: str) -> Iterable[Problem]:
    chosen = text.split(";") if definition.field_type == "checkbox" else [text]
    for option in chosen:
        if option and option not in definition.options:
            allowed = ", ".join(definition.options)
            yield definition.name, "INVALID_OPTION", f"{option} was not one of the allowed options: [{allowed}]"


def host_of(website: str | None) -> str | None:
    """The host of a web address without `www.`; None when there is no address."""
    host = (website or "").rpartition("//")[2].partition("/")[0].lower()
    return host.removeprefix("www.") or None


def moves_backward(before: str | None, after: str | None) -> bool:
    """Whether a lifecycle stage would go backward, which the vendor ignores. Clearing is allowed."""
    if not before or not after or before not in LIFECYCLE_STAGES or after not in LIFECYCLE_STAGES:
        return False
    return LIFECYCLE_STAGES.index(after) < LIFECYCLE_STAGES.index(before)


def comparable(definition: Property | None, text: str) -> float | str:
    """A value as search compares it: numbers and instants by size, text without regard to case."""
    if definition is not None and definition.type == "number":
        try:
            return float(text)
        except ValueError:
            return text.lower()
    if definition is not None and definition.type in {"datetime", "date"}:
        ms = millis(text)
        return float(ms) if ms is not None else text.lower()
    return text.lower()


def system_names(kind: ObjectType) -> tuple[str, str, str]:
    """The properties that every reply carries: record id, creation and last change."""
    return "hs_object_id", kind.created_property, kind.modified_property
