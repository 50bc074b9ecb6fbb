"""Rules that an administrator made for records, which the API enforces since `2026-09`.

{"object": "contacts", "require": ["jobtitle"], "when": {"lifecyclestage": ["customer"]}}
{"object": "deals", "require": ["amount"]}                  required whenever a record is created
{"object": "deals", "forward_only": "dealstage"}            a stage may not be left for an earlier one
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadline_hubspot.sandbox.failures import Refused
from leadline_hubspot.sandbox.objects import Property

SINCE = "2026-09"  # older versions of the API do not know the rules


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `when` maps a property to the values at which the rule applies; empty: on every creation."""

    object: str
    require: tuple[str, ...] = ()
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    forward_only: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Rule:
        """A rule as it is sent to the control surface. ValueError when it makes no sense."""
        unknown = sorted(set(given) - {"object", "require", "when", "forward_only"})
        if unknown or not given.get("object") or not (given.get("require") or given.get("forward_only")):
            raise ValueError('a rule has "object", "require" (and "when") or "forward_only"')
        when = {str(name): tuple(map(str, values)) for name, values in (given.get("when") or {}).items()}
        return cls(str(given["object"]), tuple(given.get("require") or ()), when, str(given.get("forward_only") or ""))

    def as_json(self) -> dict[str, Any]:
        """The rule as it was given."""
        return {
            "object": self.object,
            "require": list(self.require),
            "when": {name: list(values) for name, values in self.when.items()},
            "forward_only": self.forward_only,
        }


def check(
    rules: Sequence[Rule],
    properties: Mapping[str, Property],
    before: Mapping[str, str | None] | None,
    given: Mapping[str, str],
) -> None:
    """Refused (400) when a record would break a rule. `before` are its values now, None for a new one."""
    after = {**(before or {}), **given}
    for rule in rules:
        if rule.forward_only:
            _check_forward(rule, properties, before, given)
        elif _applies(rule, after, given, creating=before is None):
            missing = [name for name in rule.require if not after.get(name)]
            if missing:
                raise _refused(
                    f"Required properties are missing: {', '.join(missing)}", "CONDITIONAL_REQUIRED_PROPERTY", missing
                )


def _applies(rule: Rule, after: Mapping[str, str | None], given: Mapping[str, str], *, creating: bool) -> bool:
    """Conditional rules look at a write that sets what they are about; others at creations."""
    if not rule.when:
        return creating
    touched = creating or any(name in given for name in (*rule.when, *rule.require))
    return touched and all(after.get(name) in values for name, values in rule.when.items())


def _check_forward(
    rule: Rule,
    properties: Mapping[str, Property],
    before: Mapping[str, str | None] | None,
    given: Mapping[str, str],
) -> None:
    name = rule.forward_only
    old, new = (before or {}).get(name), given.get(name)
    options = properties[name].options if name in properties else ()
    if old in options and new in options and options.index(new) < options.index(old):
        raise _refused(f"{name} cannot move backward from {old} to {new}", "PIPELINE_STAGE_MOVED_BACKWARD", [name])


def _refused(message: str, code: str, names: Sequence[str]) -> Refused:
    return Refused(
        400,
        "VALIDATION_ERROR",
        message,
        sub_category=f"ValidationError.{code}",
        errors=[{"message": message, "code": code, "context": {"propertyName": [name]}} for name in names],
    )
