"""Automation of the CRM: when a field is written, the CRM itself writes it again.

Rule (see `docs/sandbox.md`):
    {"object": "Account", "field": "Region__c", "set": "EMEA", "times": 3, "after": 2}
    {"object": "Account", "field": "Region__c", "restore": true}
A vendor tells `Faults.wrote` of every change of a record; what follows from it is made through the
vendor's `edit`, as an edit of its own, so that the record's modified date moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leadline.sdk.sandbox import rulekeys
from leadline.sdk.sandbox.counter import Counter

_KEYS = {"object", "field", "ids", "set", "restore", "after", "skip", "times", "probability", "seed"}


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A change that the CRM will make itself, `after` seconds of its clock after the write that caused it."""

    object: str
    record_id: str
    field: str
    value: Any
    after: float


class AutomationRule:
    """One rule, and how often it has acted."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        rulekeys.only(rule, _KEYS)
        self.rule = dict(rule)
        self.object = rulekeys.text(rule, "object", "*")
        self.field = rulekeys.text(rule, "field", "")
        self.ids = rulekeys.ids(rule)
        self.after = rulekeys.number(rule, "after", 0.0)
        self.restore = rulekeys.flag(rule, "restore")
        if not self.field or ("set" in rule) == self.restore:
            raise ValueError('an automation names a "field", and either "set" (a value) or "restore" (true)')
        self.counter = Counter(rule, times=None)

    def follows(self, object: str, record_id: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Rewrite | None:
        """What this rule makes of a write: `old` and `new` are the record's fields before and after it."""
        if self.counter.spent or self.object not in ("*", object) or (self.ids and record_id not in self.ids):
            return None
        before, after = old.get(self.field), new.get(self.field)
        value = before if self.restore else self.rule["set"]
        if after in (before, value) or not self.counter.hit():
            return None
        return Rewrite(object, record_id, self.field, value, self.after)


class Automation:
    """The rules in force and what is still to be written."""

    def __init__(self) -> None:
        self.rules: list[AutomationRule] = []
        self._new: list[Rewrite] = []
        self._waiting: list[tuple[float, Rewrite]] = []
        self._acting = False
        self.refused: list[str] = []

    def wrote(self, object: str, record_id: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """Hear of a write. What automation wrote itself sets off nothing."""
        if self._acting or not self.rules:
            return
        found = (rule.follows(object, record_id, old, new) for rule in self.rules)
        self._new += [rewrite for rewrite in found if rewrite is not None]

    def act(self, edit: Callable[[Mapping[str, Any]], object], now: float) -> None:
        """Make the changes that are due at `now`. One that the vendor refuses is kept in `refused`."""
        if not self._new and not self._waiting:
            return
        fresh = [(now + rewrite.after, rewrite) for rewrite in self._new]
        planned, self._new = [*self._waiting, *fresh], []
        self._waiting = [(at, rewrite) for at, rewrite in planned if at > now]
        self._acting = True
        try:
            for rewrite in [rewrite for at, rewrite in planned if at <= now]:
                self._make(edit, rewrite)
        finally:
            self._acting = False

    def _make(self, edit: Callable[[Mapping[str, Any]], object], rewrite: Rewrite) -> None:
        fields = {rewrite.field: rewrite.value}
        try:
            edit({"action": "update", "object": rewrite.object, "id": rewrite.record_id, "fields": fields})
        except ValueError as error:  # such as a record that was deleted meanwhile
            self.refused.append(f"{rewrite.object} {rewrite.record_id}: {error}")

    def clear(self) -> None:
        """No rules, and nothing that is still to come."""
        self.rules.clear()
        self.refused.clear()
        self._new.clear()
        self._waiting.clear()
