"""A change of score in the words of a salesperson: what moved it, strongest first."""

from __future__ import annotations

from collections.abc import Mapping

from leadline.core.scoring.cause import Cause, Change, RuleMove, SourceMove, Step
from leadline.core.scoring.explain import short_date
from leadline.core.scoring.model import CAP, FLOOR, POINT, ROUNDING, WEIGHT

CAUSES: Mapping[Cause, str] = {
    Cause.DECAY: "time passed",
    Cause.DATA: "something happened or became known",
    Cause.SEGMENT: "moved to another segment",
    Cause.MODEL: "the model was changed",
}
_LIMITS = (CAP, FLOOR, WEIGHT)
_SOURCES = 2  # that are named for one reason


def headline(change: Change) -> str:
    """Both scores and groups: "58 → 70 (+12), nurture → priority"."""
    old, new = change.before.evaluation, change.after.evaluation
    text = f"{old.score // POINT} → {new.score // POINT} ({signed(change.points)})"
    if old.group != new.group:
        text += f", {old.group.replace('_', ' ')} → {new.group.replace('_', ' ')}"
    return text


def reasons(step: Step, names: Mapping[str, str], *, limit: int = 4) -> list[str]:
    """What is behind one part, strongest first, what limits take or leave last. `names` go by uid.

    Moves of less than half a point are left out, and rounding.
    """
    strong = [move for move in step.rules if abs(move.points) >= POINT // 2 and move.rule != ROUNDING]
    strong.sort(key=lambda move: move.rule in _LIMITS)
    told = [reason(move, names) for move in strong[:limit]]
    return told + [f"and {len(strong) - limit} more"] * (len(strong) > limit)


def reason(move: RuleMove, names: Mapping[str, str]) -> str:
    """One move: "Asked for a demo: Ann Lee on 14 Nov (+25)"."""
    told = [text for source in move.sources[:_SOURCES] if (text := _source(source, names))]
    more = len(move.sources) - _SOURCES
    if told and more > 0:
        told.append(f"{more} more")
    return f"{move.name}{': ' if told else ''}{', '.join(told)} ({signed(move.points)})"


def _source(source: SourceMove, names: Mapping[str, str]) -> str:
    words = [names.get(uid, uid) for uid in source.people] or ([source.value.replace("_", " ")] if source.value else [])
    when = [f"on {short_date(source.at)}"] if source.at is not None else []
    return " ".join([" and ".join(words), *when]).strip()


def signed(thousandths: int) -> str:
    """Points to the nearest whole, with their sign."""
    nearest = (abs(thousandths) + POINT // 2) // POINT
    return f"{'-' if thousandths < 0 else '+'}{nearest}"
