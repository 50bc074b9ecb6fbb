"""What can be changed about a portal while it is served: its limits, its habits, an administrator's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

from leadline_hubspot.sandbox.limits import Limits
from leadline_hubspot.sandbox.validation import Rule

if TYPE_CHECKING:
    from leadline_hubspot.sandbox.gate import Gate
    from leadline_hubspot.sandbox.oauth import Tokens
    from leadline_hubspot.sandbox.portal import Portal

_PLENTY = 10**9
_UNLIMITED = {"burst": _PLENTY, "search_per_second": _PLENTY, "daily": _PLENTY}
_HABITS = ("link_stamps", "merge_new_id")
_LIMITS = {each.name for each in fields(Limits)}


class Settings:
    """The portal's part of the control surface."""

    def __init__(self, portal: Portal, gate: Gate, tokens: Tokens) -> None:
        self._portal = portal
        self._gate = gate
        self._tokens = tokens

    def controls(self) -> Mapping[str, Callable[[str, Any], Any]]:
        """Names under `/__sandbox__/` and what answers them."""
        return {"settings": self.settings, "rules": self.rules}

    def settings(self, method: str, body: Any) -> Any:
        """GET tells the settings, POST changes those that are sent, DELETE puts the limits back.

        Beside the names of `Limits`: `unlimited` (lifts all rates), `link_stamps`, `merge_new_id`,
        `withheld_scopes`, `refresh_refused` and `migrating_seconds`.
        """
        if method == "DELETE":
            self._limit(asdict(Limits()))
        elif method == "POST":
            self._change(_object(body))
        return self._told()

    def _told(self) -> dict[str, Any]:
        portal = self._portal
        return {
            **asdict(portal.limits),
            **{name: getattr(portal, name) for name in _HABITS},
            "withheld_scopes": sorted(portal.withheld),
            "refresh_refused": self._tokens.refresh_refused,
            "migrating_seconds": max(portal.migrating_until - portal.clock.now(), 0.0),
        }

    def _change(self, given: Mapping[str, Any]) -> None:
        portal = self._portal
        known = {*_LIMITS, *_HABITS, "unlimited", "withheld_scopes", "refresh_refused", "migrating_seconds"}
        unknown = sorted(set(given) - known)
        if unknown:
            raise ValueError(f"unknown setting {unknown[0]!r}; there are {', '.join(sorted(known))}")
        limits = {name: value for name, value in given.items() if name in _LIMITS}
        if given.get("unlimited"):
            limits = {**_UNLIMITED, **limits}
        if limits:
            self._limit(limits)
        for name in _HABITS:
            if name in given:
                setattr(portal, name, bool(given[name]))
        if "withheld_scopes" in given:
            portal.withheld = {str(each) for each in given["withheld_scopes"]}
        if "refresh_refused" in given:
            self._tokens.refresh_refused = bool(given["refresh_refused"])
        if "migrating_seconds" in given:
            portal.migrating_until = portal.clock.now() + float(given["migrating_seconds"])

    def _limit(self, changed: Mapping[str, Any]) -> None:
        for name, value in changed.items():
            if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
                raise ValueError(f"{name!r} must be a number of 0 or more, not {value!r}")
        self._portal.limits = replace(self._portal.limits, **changed)
        self._gate.reshape()

    def rules(self, method: str, body: Any) -> Any:
        """GET tells an administrator's rules, POST adds one or a list of them, DELETE removes all."""
        portal = self._portal
        if method == "DELETE":
            portal.rules = []
        elif method == "POST":
            portal.rules += [Rule.read(_object(each)) for each in (body if isinstance(body, list) else [body])]
        return {"rules": [each.as_json() for each in portal.rules]}


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise ValueError("send a JSON object")  # noqa: TRY004 - answered as a 400
    return body
