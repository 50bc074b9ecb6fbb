"""What a sandbox was told to do wrong: to whole calls, to single rows inside a batch, and by automation.

Call rule (see `docs/sandbox.md` for the JSON of all):
    {"method": "POST", "path": "/services/*", "skip": 1, "times": 2, "status": 503, "headers": {"Retry-After": "3"}}
    {"probability": 0.02, "seed": 7, "drop_reply": true}
Row rule:
    {"object": "Account", "ids": ["001..."], "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "..."}
Automation: `automation.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline.sdk.sandbox import rulekeys
from leadline.sdk.sandbox.automation import Automation, AutomationRule
from leadline.sdk.sandbox.counter import Counter

_CALL_KEYS = {
    "method", "path", "skip", "times", "probability", "seed", "status", "code", "headers", "body", "content_type",
    "delay", "drip", "drip_for", "truncate", "drop_reply", "drop_request",
}  # fmt: skip
_ROW_KEYS = {"object", "ids", "every", "probability", "seed", "code", "message", "skip", "times"}
_DRIP_FOR = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do to one call, in this order: wait `delay` seconds; close the connection before the
    call is handled (`drop_request`); answer `status` in the vendor's words, or `body` as it stands,
    without handling it; otherwise handle it. Then the answer is held back and the connection closed
    (`drop_reply`), or it is sent up to the share `truncate` (0 to 1) of its body and cut off there,
    or its body is sent in pieces, `drip` seconds apart, over `drip_for` seconds."""

    status: int | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drop_reply: bool = False
    drop_request: bool = False
    body: str | None = None
    content_type: str = "text/html; charset=utf-8"
    drip: float = 0.0
    drip_for: float = _DRIP_FOR
    truncate: float | None = None

    @property
    def label(self) -> str:
        """A word for the request log."""
        if self.drop_request:
            return "drop_request"
        how = "drip" if self.drip else "truncate" if self.truncate is not None else ""
        if self.body is not None or self.status is not None:
            said = f"status {self.status or 200}"
            return f"{said}, {how}" if how else said
        return "drop_reply" if self.drop_reply else how or "delay"


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why one row is refused, in the vendor's code and words."""

    code: str
    message: str


class _CallRule:
    def __init__(self, rule: Mapping[str, Any]) -> None:
        rulekeys.only(rule, _CALL_KEYS)
        self.rule = dict(rule)
        self.method = rulekeys.text(rule, "method", "*").upper()
        self.path = rulekeys.path(rule)
        self.counter = Counter(rule, times=1)
        self.fault = _fault(rule)
        if not _acts(self.fault):
            raise ValueError("a call rule needs one of: status, body, delay, drip, truncate, drop_reply, drop_request")

    def matches(self, method: str, path: str) -> bool:
        return self.method in ("*", method.upper()) and self.path.search(path) is not None


def _fault(rule: Mapping[str, Any]) -> Fault:
    return Fault(
        status=rulekeys.status(rule),
        code=rulekeys.text(rule, "code", "") or None,
        headers=rulekeys.headers(rule),
        delay=rulekeys.number(rule, "delay", 0.0),
        drop_reply=rulekeys.flag(rule, "drop_reply"),
        drop_request=rulekeys.flag(rule, "drop_request"),
        body=rulekeys.optional_text(rule, "body"),
        content_type=rulekeys.text(rule, "content_type", Fault().content_type),
        drip=rulekeys.number(rule, "drip", 0.0),
        drip_for=rulekeys.number(rule, "drip_for", _DRIP_FOR),
        truncate=rulekeys.number(rule, "truncate", 0.0, most=1.0) if "truncate" in rule else None,
    )


def _acts(fault: Fault) -> bool:
    answered = fault.status is not None or fault.body is not None or fault.truncate is not None
    return answered or fault.drop_reply or fault.drop_request or fault.delay > 0 or fault.drip > 0


class _RowRule:
    def __init__(self, rule: Mapping[str, Any]) -> None:
        rulekeys.only(rule, _ROW_KEYS)
        self.rule = dict(rule)
        self.object = rulekeys.text(rule, "object", "*")
        self.ids = rulekeys.ids(rule)
        self.every = rulekeys.count(rule, "every", None)
        if self.ids and self.every:
            raise ValueError('a row rule names "ids" or "every", one of the two')
        if not (self.ids or self.every or "probability" in rule):
            raise ValueError('a row rule names "ids", "every" (a number of 1 or more) or "probability"')
        self.counter = Counter(rule, times=None)
        self.fault = RowFault(
            rulekeys.text(rule, "code", "SANDBOX_REFUSED"),
            rulekeys.text(rule, "message", "Refused by a sandbox rule."),
        )
        self._seen = 0

    def matches(self, object: str, record_id: str) -> bool:
        if self.object not in ("*", object):
            return False
        if self.every is None:
            return not self.ids or record_id in self.ids
        self._seen += 1
        return self._seen % self.every == 0


class Faults:
    """The rules in force. Rules act in the order in which they were added; one acts per call or row."""

    def __init__(self) -> None:
        self._calls: list[_CallRule] = []
        self._rows: list[_RowRule] = []
        self._automation = Automation()

    def add(self, rule: Mapping[str, Any]) -> None:
        """Put a rule in force. ValueError, with a message for a person, when it makes no sense."""
        if "field" in rule:
            self._automation.rules.append(AutomationRule(rule))
        elif "ids" in rule or "every" in rule or "object" in rule:
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

    def wrote(self, object: str, record_id: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Vendors tell of every change of an existing record, with all its fields before and after.

        Cheap while there is no automation.
        """
        self._automation.wrote(object, record_id, old, new)

    def automate(self, edit: Callable[[Mapping[str, Any]], object], now: float) -> None:
        """Let automation make its changes that are due at `now`, through the vendor's `edit`."""
        self._automation.act(edit, now)

    def clear(self) -> None:
        """Behave again."""
        self._calls.clear()
        self._rows.clear()
        self._automation.clear()

    def describe(self) -> list[dict[str, object]]:
        """The rules as they were given, each with how many more times it acts (None: until cleared)."""
        rules: list[_CallRule | _RowRule | AutomationRule] = [*self._calls, *self._rows, *self._automation.rules]
        return [{**rule.rule, "remaining": rule.counter.left} for rule in rules]

    @property
    def refused_automation(self) -> list[str]:
        """What automation wanted to write and the CRM did not take."""
        return list(self._automation.refused)
