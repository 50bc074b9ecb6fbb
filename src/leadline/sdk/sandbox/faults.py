"""What a sandbox was told to do wrong: to whole calls, and to single rows inside a batch.

Call rule (see `docs/sandbox.md` for the JSON of both):
    {"method": "POST", "path": "/services/*", "skip": 1, "times": 2, "status": 503, "headers": {"Retry-After": "3"}}
Row rule:
    {"object": "Account", "ids": ["001..."], "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "..."}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

_CALL_KEYS = {
    "method", "path", "skip", "times", "status", "code", "headers", "delay", "drop_reply", "drop_request",
}  # fmt: skip
_ROW_KEYS = {"object", "ids", "every", "code", "message", "skip", "times"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do to one call, in this order: wait `delay` seconds; close the connection before the
    call is handled (`drop_request`); answer `status` in the vendor's words without handling it;
    handle it and close the connection instead of answering (`drop_reply`)."""

    status: int | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop_reply: bool = False
    drop_request: bool = False

    @property
    def label(self) -> str:
        """A word for the request log."""
        if self.drop_request:
            return "drop_request"
        if self.status is not None:
            return f"status {self.status}"
        return "drop_reply" if self.drop_reply else "delay"


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why one row is refused, in the vendor's code and words."""

    code: str
    message: str


class _Counter:
    """Lets the first `skip` matches pass, then acts `times` times, None for ever."""

    def __init__(self, skip: int, times: int | None) -> None:
        self.skip = skip
        self.left = times

    @property
    def spent(self) -> bool:
        return self.left == 0

    def hit(self) -> bool:
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True


class _CallRule:
    def __init__(self, rule: Mapping[str, Any]) -> None:
        _only(rule, _CALL_KEYS)
        self.rule = dict(rule)
        self.method = _text(rule, "method", "*").upper()
        self.path = _pattern(_text(rule, "path", "*"))
        self.counter = _Counter(_count(rule, "skip", 0) or 0, _count(rule, "times", 1))
        self.fault = Fault(
            status=_status(rule),
            code=_text(rule, "code", "") or None,
            headers=_headers(rule),
            delay=_delay(rule),
            drop_reply=bool(rule.get("drop_reply", False)),
            drop_request=bool(rule.get("drop_request", False)),
        )
        if self.fault == Fault():
            raise ValueError("a call rule needs one of: status, delay, drop_reply, drop_request")

    def matches(self, method: str, path: str) -> bool:
        return self.method in ("*", method.upper()) and self.path.search(path) is not None


class _RowRule:
    def __init__(self, rule: Mapping[str, Any]) -> None:
        _only(rule, _ROW_KEYS)
        self.rule = dict(rule)
        self.object = _text(rule, "object", "*")
        self.ids = frozenset(_ids(rule))
        self.every = _count(rule, "every", None)
        if bool(self.ids) == bool(self.every):
            raise ValueError('a row rule names "ids" or "every" (a number of 1 or more), one of the two')
        self.counter = _Counter(_count(rule, "skip", 0) or 0, _count(rule, "times", None))
        self.fault = RowFault(
            _text(rule, "code", "SANDBOX_REFUSED"), _text(rule, "message", "Refused by a sandbox rule.")
        )
        self._seen = 0

    def matches(self, object: str, record_id: str) -> bool:
        if self.object not in ("*", object):
            return False
        if self.every is None:
            return record_id in self.ids
        self._seen += 1
        return self._seen % self.every == 0


class Faults:
    """The rules in force. Rules act in the order in which they were added; one acts per call or row."""

    def __init__(self) -> None:
        self._calls: list[_CallRule] = []
        self._rows: list[_RowRule] = []

    def add(self, rule: Mapping[str, Any]) -> None:
        """Put a rule in force. ValueError, with a message for a person, when it makes no sense."""
        if "ids" in rule or "every" in rule or "object" in rule:
            self._rows.append(_RowRule(rule))
        else:
            self._calls.append(_CallRule(rule))

    def take(self, method: str, path: str) -> Fault | None:
        """What to do to this call, counting it. `path` is without the query string."""
        for rule in self._calls:
            if not rule.counter.spent and rule.matches(method, path) and rule.counter.hit():
                return rule.fault
        return None

    def refusal(self, object: str, record_id: str) -> RowFault | None:
        """Why this row of a batch is to be refused, counting it; None to accept it.

        Vendors ask once per row that is otherwise in order, with the record's id in the CRM (for a
        create: the unique key that it carries, or an empty text).
        """
        for rule in self._rows:
            if not rule.counter.spent and rule.matches(object, record_id) and rule.counter.hit():
                return rule.fault
        return None

    def clear(self) -> None:
        """Behave again."""
        self._calls.clear()
        self._rows.clear()

    def describe(self) -> list[dict[str, object]]:
        """The rules as they were given, each with how many more times it acts (None: until cleared)."""
        rules: list[_CallRule | _RowRule] = [*self._calls, *self._rows]
        return [{**rule.rule, "remaining": rule.counter.left} for rule in rules]


def _only(rule: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(rule) - known)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r} in a fault; known are {', '.join(sorted(known))}")


def _text(rule: Mapping[str, Any], key: str, default: str) -> str:
    value = rule.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"{key!r} must be a text, not {value!r}")  # noqa: TRY004 - one error type for the caller
    return value


def _count(rule: Mapping[str, Any], key: str, default: int | None) -> int | None:
    value = rule.get(key, default)
    lowest = 0 if key == "skip" else 1
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
        raise ValueError(f"{key!r} must be a whole number of {lowest} or more, not {value!r}")
    return value


def _status(rule: Mapping[str, Any]) -> int | None:
    value = rule.get("status")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 599:
        raise ValueError(f"'status' must be an HTTP status, not {value!r}")
    return value


def _delay(rule: Mapping[str, Any]) -> float:
    value = rule.get("delay", 0.0)
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        raise ValueError(f"'delay' must be a number of seconds, not {value!r}")
    return float(value)


def _headers(rule: Mapping[str, Any]) -> dict[str, str]:
    value = rule.get("headers", {})
    if not isinstance(value, Mapping):
        raise ValueError(f"'headers' must be an object of texts, not {value!r}")  # noqa: TRY004
    return {str(name): str(content) for name, content in value.items()}


def _ids(rule: Mapping[str, Any]) -> list[str]:
    value = rule.get("ids", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"'ids' must be a list of record ids, not {value!r}")
    return value


def _pattern(path: str) -> re.Pattern[str]:
    """A path beginning with ^ is a regular expression to be found; anything else a glob over the whole path."""
    try:
        return re.compile(path if path.startswith("^") else translate(path))
    except re.error as error:
        raise ValueError(f"'path' is not a regular expression: {error}") from error
