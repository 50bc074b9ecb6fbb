"""How often a rule acts: after how many matches, how many times, by what chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline.sdk.sandbox import rulekeys
from leadline.sdk.sandbox.chance import Chance


class Counter:
    """Lets the first `skip` matches pass, then acts with `probability`, `times` times, None for ever."""

    def __init__(self, rule: Mapping[str, Any], *, times: int | None) -> None:
        self._skip = rulekeys.count(rule, "skip", 0, lowest=0) or 0
        self._probability = rulekeys.number(rule, "probability", 1.0, most=1.0)
        seed = rulekeys.count(rule, "seed", 0, lowest=0)
        self._chance = Chance(seed or 0)
        # A rule by chance is a state of the world, not an event: it lasts until it is cleared.
        self.left = rulekeys.count(rule, "times", None if "probability" in rule else times)

    @property
    def spent(self) -> bool:
        """Whether it will not act again."""
        return self.left == 0

    def hit(self) -> bool:
        """Whether it acts on this match."""
        if self._skip > 0:
            self._skip -= 1
            return False
        if not self._chance.hits(self._probability):
            return False
        if self.left is not None:
            self.left -= 1
        return True
