"""The daily budget of calls, counted over all processes of a project."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadline.store.database import reading, writing
from leadline.store.spending import add_calls, calls_made

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from leadline.sdk.ports import CallMade

_DAY = 86_400
_KEPT = 20
"""Calls that a killed process may leave uncounted."""


class Spending:
    """Counts the calls of this process into the database, and knows what others have counted."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._engine: Engine | None = None
        self._lock = threading.Lock()
        self._made: Counter[tuple[str, int]] = Counter()

    def open(self, engine: Engine) -> None:
        """Use this database from now on."""
        self._engine = engine

    def spent(self, name: str) -> int:
        """The calls that a connection has made today, this process's included."""
        day = self._now() // _DAY
        with self._lock:
            ours = self._made[name, day]
        if self._engine is None:
            return ours
        with reading(self._engine).begin() as connection:
            return ours + calls_made(connection, name, day)

    def __call__(self, call: CallMade) -> None:
        """A call was made."""
        with self._lock:
            self._made[call.connection, self._now() // _DAY] += 1
            full = sum(self._made.values()) >= _KEPT
        if full:
            self.flush()

    def flush(self) -> None:
        """Store what was counted since the last time."""
        if self._engine is None:
            return
        with self._lock:
            made, self._made = self._made, Counter()
        if not made:
            return
        with writing(self._engine) as connection:
            for (name, day), count in sorted(made.items()):
                add_calls(connection, name, day, count)
