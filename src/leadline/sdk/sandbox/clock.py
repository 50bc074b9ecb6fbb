"""The time of a sandbox: real time until somebody sets it, then standing or running from there."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SandboxClock:
    """Epoch seconds for everything that a sandbox stamps, logs or expires.

    A new clock runs with the machine's, `offset` seconds ahead. After `set` it stands still, so
    that a test sees the same time in every record; `set(..., running=True)` lets it run on from
    there. `advance` moves it either way without changing whether it runs.

    `skew` is how many seconds the vendor's clock is ahead of everybody else's (behind when negative):
    `now`, which stamps records and replies, has it, and `unskewed`, which tests lend to a worker, has not.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = offset
        self._standing: float | None = None
        self.skew = 0.0

    def now(self) -> float:
        """Epoch seconds, as the vendor believes."""
        return self.unskewed() + self.skew

    def unskewed(self) -> float:
        """Epoch seconds, as the rest of the world knows them."""
        return time.time() + self._offset if self._standing is None else self._standing

    def set(self, epoch: float, *, running: bool = False) -> None:
        """Show `epoch` seconds from now on; the skew comes on top."""
        self._standing = None if running else epoch
        self._offset = epoch - time.time() if running else 0.0

    def advance(self, seconds: float) -> None:
        """Move by `seconds`, backwards when negative."""
        if self._standing is None:
            self._offset += seconds
        else:
            self._standing += seconds

    @property
    def running(self) -> bool:
        """Whether the time moves by itself."""
        return self._standing is None

    def describe(self) -> dict[str, object]:
        """The clock as the control surface shows it."""
        now = self.now()
        return {
            "epoch": now,
            "iso": datetime.fromtimestamp(now, UTC).isoformat(),
            "running": self.running,
            "skew_seconds": self.skew,
        }


def parse_time(value: object) -> float:
    """Epoch seconds from a number or an ISO 8601 text (without a zone: UTC). ValueError otherwise."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    raise ValueError(f"a time is a number of epoch seconds or an ISO 8601 text, not {value!r}")
