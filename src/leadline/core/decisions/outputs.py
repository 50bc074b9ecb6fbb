"""What the CRM should show for a scored record, and whether it is worth a write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from leadline.sdk.records import Scalar

POINT = 1_000
"""Thousandths in one point."""

_BAND = 5
"""Points in one step of the sort key: small moves do not reorder everybody's list every day."""


@dataclass(frozen=True, slots=True)
class PushPolicy:
    """When a changed score is worth a write: `min_points` whole points, or `max_age` seconds since the last."""

    min_points: int
    max_age: int


def iso(seconds: int) -> str:
    """An instant as ISO 8601 with Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def sort_key(rank: int, groups: int, score: int) -> str:
    """A text that a list view sorts by, descending: group first, then the score in bands of five points.

    `rank` is the group's place (0 is best) among `groups`; `score` is in thousandths. Scores outside
    0 to 999 points share the outermost bands.
    """
    band = min(max(score, 0) // POINT, 999) // _BAND * _BAND
    return f"{groups - rank:02d}-{band:03d}"


def outputs(
    scored: Mapping[str, Any], *, rank: int, groups: int, reasons: str, action: str, now: int
) -> dict[str, Scalar]:
    """Canonical output values of one record. Points become whole numbers; `scored_at` is ISO 8601."""
    return {
        "score": scored["score"] // POINT,
        "fit": scored["fit"] // POINT,
        "intent": scored["intent"] // POINT,
        "group": scored["group"],
        "reasons": reasons,
        "sort_key": sort_key(rank, groups, scored["score"]),
        "action": action,
        "scored_at": iso(now),
    }


def worth_writing(
    values: Mapping[str, Scalar],
    pushed: Mapping[str, Scalar] | None,
    pushed_at: int | None,
    policy: PushPolicy,
    now: int,
) -> bool:
    """Whether to write: never written, new group or action, a big move, or an old write that differs."""
    if pushed is None or pushed_at is None:
        return True
    if any(values[name] != pushed.get(name) for name in ("group", "action")):
        return True
    if abs(_number(values["score"]) - _number(pushed.get("score"))) >= policy.min_points:
        return True
    return now - pushed_at >= policy.max_age and _differ(values, pushed)


def differences(values: Mapping[str, Scalar], crm: Mapping[str, Any]) -> dict[str, Scalar]:
    """The values that the CRM does not hold yet; empty when only `scored_at` would move."""
    changed = {name: value for name, value in values.items() if not same(value, crm.get(name))}
    return {} if set(changed) <= {"scored_at"} else changed


def _differ(values: Mapping[str, Scalar], other: Mapping[str, Any]) -> bool:
    return bool(differences(values, other))


def same(ours: Scalar, theirs: Any) -> bool:
    """Whether a CRM's value means ours: CRMs give numbers back as text or as floats, and empty text as nothing."""
    if ours is None or theirs is None or ours == "" or theirs == "":
        return (ours in {None, ""}) and (theirs in {None, ""})
    if isinstance(ours, (int, float)) and not isinstance(ours, bool):
        try:
            return float(ours) == float(theirs)
        except (TypeError, ValueError):
            return False
    return str(ours).strip() == str(theirs).strip()


def _number(value: Scalar) -> float:
    return float(value) if isinstance(value, (int, float, str)) and value != "" else 0.0
