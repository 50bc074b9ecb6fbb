"""What values properties had before: the newest few versions of those that changed since the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from leadline_hubspot.sandbox.records import Record
from leadline_hubspot.sandbox.values import iso

_Versions: TypeAlias = list[tuple[int, str | None]]  # (milliseconds since 1970, value), oldest first


class History:
    """Versions of the properties of one object type. What never changed costs nothing."""

    def __init__(self) -> None:
        self._changed: dict[int, dict[str, _Versions]] = {}

    def note(self, before: Record, after: Record, at: int, keep: int) -> None:
        """Remember the values that an update replaced, at most `keep` versions of each; 0 remembers nothing."""
        if not keep:
            return
        for name in after.values:
            old, new = before.values.get(name), after.values.get(name)
            if old == new:
                continue
            versions = self._changed.setdefault(after.id, {}).setdefault(name, [(before.created, old)])
            versions.append((at, new))
            del versions[: -max(keep, 1)]

    def of(self, record: Record, names: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
        """The versions of these properties as replies give them, newest first."""
        changed: Mapping[str, _Versions] = self._changed.get(record.id, {})
        return {
            name: [
                {"value": value or "", "timestamp": iso(at), "sourceType": "API"}
                for at, value in reversed(changed.get(name) or [(record.created, record.values.get(name))])
            ]
            for name in names
            if name in changed or record.values.get(name) is not None
        }
