"""Weighted rotation that is fair after every single hand-off and can be replayed.

The rule is the chairman-assignment algorithm (R. Tijdeman, 1980): among members whose share is not
ahead, take the one whose next turn is due first. After every hand-off each member's count differs
from their fair share by less than one. Whole numbers only, ties go by name: no chance is involved.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction


def next_member(weights: Mapping[str, int], given: Mapping[str, int]) -> str:
    """Who gets the next hand-off. `given` counts those under this line-up so far.

    Raises ValueError when no member has a positive weight.
    """
    members = sorted(name for name, weight in weights.items() if weight > 0)
    if not members:
        raise ValueError("no member has a positive weight")
    if len(members) == 1:
        return members[0]
    total = sum(weights[name] for name in members)
    turn = sum(given.get(name, 0) for name in members) + 1
    slack = Fraction(1, 2 * len(members) - 2)

    def behind(name: str) -> Fraction:
        return Fraction(weights[name] * turn, total) - given.get(name, 0)

    ready = [name for name in members if behind(name) >= slack]
    return min(ready, key=lambda name: ((1 - slack - behind(name)) * total / weights[name], name))


def lineup_of(weights: Mapping[str, int]) -> str:
    """A short hash of members and weights: when it changes, a new count begins."""
    text = json.dumps(sorted(weights.items()))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
