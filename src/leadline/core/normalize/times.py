"""Dates and instants as systems and people write them -> whole seconds since 1970 UTC.

A time without a zone is UTC, a date alone is its midnight UTC. Nothing outside 1990-2099 is believed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

EARLIEST = int(datetime(1990, 1, 1, tzinfo=UTC).timestamp())
LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())

_MILLISECONDS_FROM = 10**11
_DOTTED = re.compile(r"^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?$")
_SLASHED = re.compile(
    r"^(\d{1,2})/(\d{1,2})/(\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]m)?)?$", re.IGNORECASE
)
_NAMED = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y", "%Y/%m/%d", "%Y%m%d")
_NAMED_ZONE = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)


def instant(value: str | float) -> int | None:
    """Seconds since 1970 UTC; None when it cannot be read, is ambiguous (03/04/2024) or not plausible."""
    seconds = _of_number(value) if isinstance(value, int | float) else _of_text(value)
    return seconds if seconds is not None and EARLIEST <= seconds < LATEST else None


def _of_number(value: float) -> int:
    """Milliseconds when it is too large for seconds."""
    return int(value // 1000) if abs(value) >= _MILLISECONDS_FROM else int(value)


def _of_text(text: str) -> int | None:
    text = _NAMED_ZONE.sub("", text)
    try:
        return _seconds(datetime.fromisoformat(text))
    except ValueError:
        pass
    if text.lstrip("-").isdigit() and len(text) > len("20240131"):
        return _of_number(int(text))
    return _of_words(text)


def _of_words(text: str) -> int | None:
    if match := _DOTTED.match(text):
        day, month, *rest = match.groups()
        return _build(day, month, rest, None)
    if match := _SLASHED.match(text):
        first, second, *rest, half = match.groups()
        if first == second or int(second) > 12:
            return _build(second, first, rest, half)
        return _build(first, second, rest, half) if int(first) > 12 else None
    for pattern in _NAMED:
        try:
            return _seconds(datetime.strptime(text, pattern).replace(tzinfo=UTC))
        except ValueError:
            continue
    return None


def _build(day: str, month: str, rest: list[str | None], half: str | None) -> int | None:
    year, hour, minute, second = (int(part or 0) for part in rest)
    if half is not None:
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    try:
        return _seconds(datetime(year, int(month), int(day), hour, minute, second, tzinfo=UTC))
    except ValueError:
        return None


def _seconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() // 1)
