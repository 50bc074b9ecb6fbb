"""From rows to score for one record: caps, parts, limits, rounding, weights and the total, in this order.

What each step takes or gives is a ledger row of its own, so ledgers sum exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadline.core.scoring.model import CAP, FLOOR, POINT, ROUNDING, TOTAL, WEIGHT, Cap, Limits, Model, Part
from leadline.core.scoring.plan import CapPlan
from leadline.core.scoring.subject import LedgerRow

_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Sums:
    """A score and its parts in thousandths (whole points), with the rows that limits and rounding have added."""

    score: int
    parts: Mapping[str, int]
    rows: tuple[LedgerRow, ...]


def toward_zero(value: int, cap: int | None) -> int:
    """`value`, no further from zero than `cap`, which has its sign."""
    if cap is None:
        return value
    return min(value, cap) if cap > 0 else max(value, cap)


def whole(value: int) -> int:
    """Down to a whole point."""
    return value // POINT * POINT


def within(value: int, limits: Limits | Cap) -> int:
    """Into the limits."""
    if limits.max is not None and value > limits.max * POINT:
        return limits.max * POINT
    if limits.min is not None and value < limits.min * POINT:
        return limits.min * POINT
    return value


def weighted(model: Model, part: Part, value: int) -> int:
    """What enters the score of a part of so many thousandths, which are whole points."""
    return value * model.weight(part) // _PERCENT


def cap_rows(caps: Sequence[CapPlan], points: Mapping[str, int]) -> list[LedgerRow]:
    """Rows of caps. `points` are thousandths by rule."""
    rows = []
    for entry in caps:
        before = sum(points.get(name, 0) for name in entry.of)
        rows += _changed(entry.cap.id, entry.part, before, within(before, entry.cap))
    return rows


def add_up(model: Model, sums: Mapping[Part, int]) -> Sums:
    """The score of a record whose parts, after caps, come to these thousandths."""
    parts: dict[str, int] = {}
    rows: list[LedgerRow] = []
    entering = 0
    for part in Part:
        before = sums.get(part, 0)
        limited = within(before, model.limits(part))
        value = whole(limited)
        share = weighted(model, part, value)
        rows += _limited(part, before, limited)
        rows += _changed(ROUNDING, part, limited, value)
        rows += _changed(WEIGHT, part, value, share)
        parts[part.value] = value
        entering += share
    limited = within(entering, model.total)
    score = whole(limited)
    rows += _limited(TOTAL, entering, limited)
    rows += _changed(ROUNDING, TOTAL, limited, score)
    return Sums(score, parts, tuple(rows))


def _limited(part: str, before: int, after: int) -> list[LedgerRow]:
    return _changed(CAP if after < before else FLOOR, part, before, after)


def _changed(rule: str, part: str, before: int, after: int) -> list[LedgerRow]:
    if before == after:
        return []
    return [LedgerRow(rule, str(part), after - before, after - before, count=0)]
