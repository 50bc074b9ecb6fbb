"""How much later a sandbox answers than it could: a steady part and one by chance."""

from __future__ import annotations

from leadline.sdk.sandbox.chance import Chance


class Latency:
    """Added to every call of the vendor's paths: `ms` milliseconds, and evenly spread up to `jitter_ms` more.

    Real time, also while the sandbox's clock stands. May be set at any time.
    """

    def __init__(self, ms: float = 0.0, jitter_ms: float = 0.0, seed: int = 0) -> None:
        self.ms = ms
        self.jitter_ms = jitter_ms
        self._chance = Chance(seed)

    def set(self, ms: float, jitter_ms: float = 0.0, seed: int = 0) -> None:
        """From the next call on. The draws of the jitter begin again from `seed`."""
        self.ms, self.jitter_ms, self._chance = ms, jitter_ms, Chance(seed)

    def seconds(self) -> float:
        """What to wait before the next call."""
        return (self.ms + (self._chance.upto(self.jitter_ms) if self.jitter_ms else 0.0)) / 1000

    def describe(self) -> dict[str, float]:
        """The latency as the control surface shows it."""
        return {"ms": self.ms, "jitter_ms": self.jitter_ms}
