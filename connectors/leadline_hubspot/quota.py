"""The calls of the account's day, of which everybody's apps spend: a reserve is left to the others.

HubSpot tells with most answers how many are left (not with those of searches, nor to OAuth apps; there
its own refusal has to do). The day ends at midnight of the account's time zone, so after a stop one call
in a quarter of an hour is let through to see.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from leadline.sdk.errors import BudgetError

AGAIN = 900
"""Seconds between looks at a day that was nearly spent."""
_LIMIT, _LEFT = "x-hubspot-ratelimit-daily", "x-hubspot-ratelimit-daily-remaining"


class DailyQuota:
    """What the portal last said. `reserve_percent` of the day's calls are never touched."""

    def __init__(self, reserve_percent: int, now: Callable[[], int], place: str) -> None:
        self._reserve = reserve_percent
        self._now = now
        self._place = place
        self._lock = threading.Lock()
        self._limit = 0
        self._left = 0
        self._look_at = 0

    def note(self, headers: Mapping[str, str]) -> None:
        """Take down what an answer says; nothing when it says nothing."""
        limit, left = headers.get(_LIMIT, ""), headers.get(_LEFT, "")
        if limit.isdigit() and left.isdigit():
            with self._lock:
                self._limit, self._left = int(limit), int(left)
                if self._spent():
                    self._look_at = self._now() + AGAIN

    def check(self) -> None:
        """BudgetError when only the reserve is left, except to look again now and then."""
        with self._lock:
            now = self._now()
            if not self._spent():
                return
            if now >= self._look_at:
                self._look_at = now + AGAIN
                return
            raise BudgetError(
                f"{self._left} of the account's {self._limit} calls a day are left, and {self._reserve} % are reserved",
                retry_after=self._look_at - now,
                place=self._place,
                fix="Wait for midnight of the account's time zone, raise the limit in HubSpot, or lower "
                "`rates.daily_reserve_percent`.",
            )

    def _spent(self) -> bool:
        return self._limit > 0 and self._left * 100 <= self._limit * self._reserve
