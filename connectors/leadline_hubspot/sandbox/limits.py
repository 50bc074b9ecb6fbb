"""The vendor's limits, and the rolling windows that enforce its rates.

Windows run on real (monotonic) time: a sandbox whose clock stands still must not block for ever.
Figures are HubSpot's for Professional and Enterprise portals, see its usage guidelines.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are in records, rates in calls; tests may shrink or raise them.

    `index_lag` is how many seconds (of the sandbox's clock) search trails behind writes.
    """

    burst: int = 190
    burst_seconds: float = 10.0
    search_per_second: int = 5
    daily: int = 625_000
    page: int = 100
    search_page: int = 200
    search_results: int = 10_000
    search_body: int = 3_000
    batch: int = 100
    association_read: int = 1_000
    association_write: int = 2_000
    linked_page: int = 100  # associated ids inlined in a record of a list
    linked_batch_page: int = 500  # associated ids of one record in a batch read
    index_lag: float = 0.0
    history: int = 20  # versions kept of a property; 0 keeps none, for runs that write millions
    url_bytes: int = 8_192  # of path and query; beyond, the vendor's front answers 414


class Window:
    """At most `calls` in any `seconds`."""

    def __init__(self, calls: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.calls = calls
        self.seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> bool:
        """Count a call; False when the window is full, and then it is not counted."""
        now = self._clock()
        while self._taken and now - self._taken[0] >= self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.calls:
            return False
        self._taken.append(now)
        return True

    @property
    def remaining(self) -> int:
        """Calls left in the window."""
        return self.calls - len(self._taken)
