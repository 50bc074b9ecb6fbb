"""The API versions: which one is spoken, and since when the parts that are used exist. The only place that says so."""

from __future__ import annotations

DEFAULT = "66.0"  # Spring '26

# What is called, and the first version that has it (the vendor's REST, Bulk and Actions guides).
SINCE = {
    "sObject Collections": 42,
    "the sales cadence action": 45,
    "upsert in Collections": 46,
    "Bulk API 2.0 queries": 47,
}
LEAST = float(max(SINCE.values()))


def too_old(version: str) -> list[str]:
    """What this version does not have yet."""
    return [what for what, since in SINCE.items() if float(version) < since]
