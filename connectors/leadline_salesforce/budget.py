"""The org's quota of API calls, as every reply tells it, and the part of it that is left to others.

The count is of a rolling 24 hours, so there is no moment at which it starts again: some of it comes
back all the time. Once the limit is reached no call is sent for `PAUSE` seconds, and the one after
that tells anew.
"""

from __future__ import annotations

import re
import threading

from leadline.sdk.errors import BudgetError
from leadline.sdk.ports import Runtime

PAUSE = 900.0  # seconds: a hundredth of the day that the vendor counts
_ORG = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")
_APP = re.compile(r"per-app-api-usage=(\d+)/(\d+)")


class Quota:
    """What `Sforce-Limit-Info` said last. `reserve_percent` of the org's quota is for others."""

    def __init__(self, runtime: Runtime, reserve_percent: int) -> None:
        self._runtime = runtime
        self._reserve = reserve_percent
        self._lock = threading.Lock()
        self._said = ""
        self._until = 0.0

    def ask(self) -> None:
        """Before a call. BudgetError, with the seconds to wait, while the quota is used up."""
        with self._lock:
            left = self._until - self._runtime.now()
            if not self._said or left <= 0:
                return
            raise BudgetError(
                self._said,
                retry_after=left,
                place=self._runtime.name,
                fix=f"The count is of the last 24 hours, so calls come back all the time; ask again in {left:.0f} s.",
            )

    def note(self, info: str) -> None:
        """After a call: the header's text, empty when there was none. What it does not tell of stays as it is."""
        if not _ORG.search(info):
            return
        said = self._reached(info)
        with self._lock:
            if said:
                self._until = self._runtime.now() + PAUSE
            self._said = said

    def _reached(self, info: str) -> str:
        org, app, cap = _ORG.search(info), _APP.search(info), self._runtime.daily_calls
        if app and cap is not None and int(app[1]) >= cap:
            return f"this app has used the {cap} API calls that the settings give it in 24 hours"
        if not org:
            return ""
        used, most = int(org[1]), int(org[2])
        if used >= most:
            return f"the org has used its {most} API calls of the last 24 hours"
        if used >= self.share(most):
            return (
                f"the org has used {used} of its {most} API calls of the last 24 hours, "
                f"and reserve_percent leaves {self._reserve} % of them to others"
            )
        return ""

    def share(self, most: int) -> int:
        """How many calls of the org's `most` may be used before this connection stops."""
        return most - most * self._reserve // 100
