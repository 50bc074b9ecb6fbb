"""Dates and times in the vendor's spelling.

Instants are kept as `2024-01-31T10:00:00.000+0000`: fixed width and UTC, so that comparing texts
compares times, and a reply needs no formatting.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from leadline_salesforce.sandbox.soqltree import DateRange

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?\Z", re.IGNORECASE
)


def instant(epoch: float) -> str:
    """The instant of epoch seconds; fractions are dropped."""
    return f"{datetime.fromtimestamp(int(epoch), UTC).isoformat()[:19]}.000+0000"


def day(epoch: float) -> str:
    """The UTC date of epoch seconds."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%d")


def parse_instant(text: str) -> str:
    """The vendor's spelling of an ISO 8601 date-time; without a zone it is UTC. ValueError otherwise."""
    match = _INSTANT.match(text)
    if not match:
        raise ValueError(text)
    zone = (match[3] or "Z").upper()
    moment = datetime.fromisoformat(f"{match[1]}T{match[2]}{'+00:00' if zone == 'Z' else zone}")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def parse_day(text: str) -> str:
    """A date, of a date or a date-time. ValueError otherwise."""
    return date.fromisoformat(text[:10] if "T" in text else text).isoformat()


def epoch(text: str) -> int:
    """Epoch seconds of an instant in any spelling that `parse_instant` takes."""
    return int(datetime.fromisoformat(f"{parse_instant(text)[:19]}+00:00").timestamp())


def bounds(literal: DateRange, now: float) -> tuple[date, date]:
    """First day, and first day after, of a date literal. Weeks begin on Sunday; the org's zone is UTC.

    LAST_N_DAYS:n is the n days before today and today; LAST_N_WEEKS:n and the like are whole units
    before the current one. ValueError for an unknown name.
    """
    today = datetime.fromtimestamp(int(now), UTC).date()
    name, count = literal.name, literal.count
    days = _day_bounds(name, count)
    if days is not None:
        return today + timedelta(days=days[0]), today + timedelta(days=days[1])
    side, _, unit = name.partition("_")
    unit = unit.removeprefix("N_").removesuffix("S")
    if unit not in ("WEEK", "MONTH", "QUARTER", "YEAR"):
        raise ValueError(name)
    first = _begin(today, unit)
    steps = {"THIS": (0, 1), "LAST": (-(count or 1), 0), "NEXT": (1, 1 + (count or 1))}[side]
    return _shift(first, unit, steps[0]), _shift(first, unit, steps[1])


def _day_bounds(name: str, count: int) -> tuple[int, int] | None:
    """First day and first day after, counted from today; None for units longer than a day."""
    if name in _DAYS:
        return _DAYS[name], _DAYS[name] + 1
    return {
        "N_DAYS_AGO": (-count, 1 - count),
        "LAST_N_DAYS": (-count, 1),
        "LAST_90_DAYS": (-90, 1),
        "NEXT_N_DAYS": (1, count + 1),
        "NEXT_90_DAYS": (1, 91),
    }.get(name)


_DAYS = {"YESTERDAY": -1, "TODAY": 0, "TOMORROW": 1}


def _begin(today: date, unit: str) -> date:
    match unit:
        case "WEEK":
            return today - timedelta(days=(today.weekday() + 1) % 7)
        case "MONTH":
            return today.replace(day=1)
        case "QUARTER":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        case _:
            return today.replace(month=1, day=1)


def _shift(first: date, unit: str, by: int) -> date:
    if unit == "WEEK":
        return first + timedelta(weeks=by)
    months = first.year * 12 + first.month - 1 + by * {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    return date(months // 12, months % 12 + 1, 1)
