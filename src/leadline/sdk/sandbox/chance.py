"""Chance that repeats itself: the same seed gives the same draws in the same order, on any machine."""

from __future__ import annotations

import random


class Chance:
    """A row of draws. Each draw depends on the seed and on how many were made before, on nothing else."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - to repeat, not to keep a secret

    def hits(self, probability: float) -> bool:
        """Whether an event of this probability (0 to 1) happens now."""
        return self._random.random() < probability

    def upto(self, most: float) -> float:
        """A number from 0 to `most`, evenly spread."""
        return self._random.random() * most
