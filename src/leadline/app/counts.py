"""Counts of one run, gathered from its events by however many threads it has."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from leadline.app.events import (
    BatchPushed,
    ChunkScored,
    ConnectionFailed,
    Crossed,
    Event,
    NoticesHandled,
    PageStored,
)
from leadline.core.scoring.digest import Digest
from leadline.sdk.errors import LeadlineError
from leadline.sdk.ports import CallMade

KEPT_CROSSINGS = 50


class Counts:
    """Listens to events and adds them up; `report` is what the run log, `--json` and the summary show."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._read: Counter[str] = Counter()
        self._written: dict[str, Counter[str]] = {}
        self._totals: Counter[str] = Counter()
        self._digest = Digest()
        self._crossings: list[Crossed] = []
        self._failures: dict[str, LeadlineError] = {}

    def __call__(self, event: Event) -> None:
        """Take note of one event."""
        with self._lock:
            match event:
                case CallMade():
                    self._calls[event.connection] += 1
                case PageStored():
                    self._read[f"{event.connection}/{event.object}"] += event.records
                    self._totals["records_read"] += event.records
                    self._totals["records_changed"] += event.news
                    self._totals["unplaced"] += event.unplaced
                case NoticesHandled():
                    self._totals["noticed"] += event.records
                case ChunkScored():
                    self._totals["scored"] += event.subjects
                    self._totals["crossed"] += event.crossed
                    self._totals["planned"] += event.planned
                    self._digest += event.digest
                case Crossed():
                    if len(self._crossings) < KEPT_CROSSINGS:
                        self._crossings.append(event)
                case BatchPushed():
                    self._written.setdefault(event.kind, Counter()).update(event.outcomes)
                case ConnectionFailed():
                    self._failures[event.connection] = event.error
                case _:
                    pass

    def add(self, name: str, count: int) -> None:
        """Add to a total that no event carries."""
        with self._lock:
            self._totals[name] += count

    @property
    def failures(self) -> dict[str, LeadlineError]:
        """Connections that could not go on, with what stopped them."""
        with self._lock:
            return dict(self._failures)

    @property
    def crossings(self) -> list[Crossed]:
        """The first records that changed group."""
        with self._lock:
            return list(self._crossings)

    def report(self) -> dict[str, Any]:
        """Everything, JSON-able."""
        with self._lock:
            pushed: Counter[str] = Counter()
            for outcomes in self._written.values():
                pushed.update(outcomes)
            return {
                **{name: self._totals[name] for name in _TOTALS},
                "written": pushed["written"],
                "refused": pushed["refused"],
                "unknown": pushed["unknown"],
                "effects": {kind: dict(counts) for kind, counts in sorted(self._written.items())},
                "calls": dict(self._calls),
                "read": dict(sorted(self._read.items())),
                "digest": str(self._digest),
                "failures": {name: str(error) for name, error in sorted(self._failures.items())},
            }


_TOTALS = (
    "records_read", "records_changed", "noticed", "scored", "crossed", "planned", "unchanged", "withheld", "unplaced",
    "recovered",
)  # fmt: skip
