"""Writes whose transaction takes long: stamped when they were made, to be seen only when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from leadline_salesforce.sandbox.store import Row
from leadline_salesforce.sandbox.writes import Planned, Writes

_STAMPS = ("SystemModstamp", "LastModifiedDate", "LastModifiedById")


@dataclass(slots=True)
class LateCommits:
    """Rows on their way. `settle` is asked before every call."""

    writes: Writes
    _waiting: list[tuple[float, Row | None, Row]] = field(default_factory=list)  # when, before, after

    def hold(self, visible_at: float, before: Row | None, after: Row) -> None:
        """Show `after` from `visible_at` (epoch seconds) on."""
        self._waiting.append((visible_at, before, after))

    def settle(self, now: float) -> None:
        """Make real what is due."""
        if not self._waiting:
            return
        due = [entry for entry in self._waiting if entry[0] <= now]
        self._waiting = [entry for entry in self._waiting if entry[0] > now]
        for _, before, after in sorted(due, key=lambda entry: entry[0]):
            self.writes.put(Planned(self._led(self._merged(before, after)), created=before is None))

    def _led(self, row: Row) -> Row:
        """The row with its lookups led to survivors: a merge waits for rows that are being linked to its loser."""
        led: Row = {}
        for name, value in row.items():
            is_link = isinstance(value, str) and len(value) == 18 and name not in {"Id", "MasterRecordId"}
            target = self.writes.org.row(value) if is_link else None
            while target is not None and target.get("MasterRecordId"):
                led[name] = target["MasterRecordId"]
                target = self.writes.org.row(led[name])
        return row | led

    def _merged(self, before: Row | None, after: Row) -> Row:
        """The row as it is by now with what the late write changed; the later stamp counts."""
        current = self.writes.org.row(after["Id"])
        if current is None or before is None or current is before:
            return after
        changed = {name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)}
        if current["SystemModstamp"] > after["SystemModstamp"]:
            changed = {name: value for name, value in changed.items() if name not in _STAMPS}
        return {name: value for name, value in (current | changed).items() if value is not None}
