"""The keys of a rule as JSON gives them, read with a message for a person when they make no sense.

Everything raises ValueError: what is wrong with a rule is told in one way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from fnmatch import translate
from typing import Any

Rule = Mapping[str, Any]


def only(rule: Rule, known: Collection[str]) -> None:
    """No key but the known ones."""
    unknown = sorted(set(rule) - set(known))
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r} in a fault; known are {', '.join(sorted(known))}")


def text(rule: Rule, key: str, default: str) -> str:
    """A text."""
    value = rule.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"{key!r} must be a text, not {value!r}")  # noqa: TRY004 - one error type for the caller
    return value


def optional_text(rule: Rule, key: str) -> str | None:
    """A text, None when it is not there."""
    return text(rule, key, "") if key in rule else None


def flag(rule: Rule, key: str) -> bool:
    """Yes or no; no when it is not there."""
    value = rule.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f"{key!r} must be true or false, not {value!r}")  # noqa: TRY004
    return value


def count(rule: Rule, key: str, default: int | None, lowest: int = 1) -> int | None:
    """A whole number, None for no end."""
    value = rule.get(key, default)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
        raise ValueError(f"{key!r} must be a whole number of {lowest} or more, not {value!r}")
    return value


def number(rule: Rule, key: str, default: float, *, most: float | None = None) -> float:
    """A number of 0 or more, at most `most`."""
    value = rule.get(key, default)
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain or value < 0 or (most is not None and value > most):
        wanted = "of 0 or more" if most is None else f"from 0 to {most:g}"
        raise ValueError(f"{key!r} must be a number {wanted}, not {value!r}")
    return float(value)


def status(rule: Rule) -> int | None:
    """An HTTP status, None when it is not there."""
    value = rule.get("status")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 599:
        raise ValueError(f"'status' must be an HTTP status, not {value!r}")
    return value


def headers(rule: Rule) -> dict[str, str]:
    """Names and contents of headers."""
    value = rule.get("headers", {})
    if not isinstance(value, Mapping):
        raise ValueError(f"'headers' must be an object of texts, not {value!r}")  # noqa: TRY004
    return {str(name): str(content) for name, content in value.items()}


def ids(rule: Rule) -> frozenset[str]:
    """Record ids; empty when there are none."""
    value = rule.get("ids", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"'ids' must be a list of record ids, not {value!r}")
    return frozenset(value)


def path(rule: Rule) -> re.Pattern[str]:
    """A path beginning with ^ is a regular expression to be found; anything else a glob over the whole path."""
    pattern = text(rule, "path", "*")
    try:
        return re.compile(pattern if pattern.startswith("^") else translate(pattern))
    except re.error as error:
        raise ValueError(f"'path' is not a regular expression: {error}") from error
