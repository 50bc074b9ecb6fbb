"""How `leadline explain` shows what a score was before and what moved it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from leadline.cli import output
from leadline.cli.output import Column

if TYPE_CHECKING:
    from rich.console import RenderableType

    from leadline.app.explaining import Told
    from leadline.app.history import Compared
    from leadline.core.scoring.cause import Change, FactMove, Step

_SHOWN = 5
_TITLES = {
    "since_last_scoring": "Since the last scoring",
    "last_change": "The last change",
    "last_change_of_group": "The last change of group",
}
_CAUSES = (Column("points", right=True, whole=True), Column("because"), Column("what"))
_STATES = (
    Column("until", whole=True), Column("score", right=True, whole=True), Column("group"),
    Column("segment", optional=True), Column("model", whole=True),
)  # fmt: skip


def state_answer(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state of a score as JSON. `until` is null for the present one."""
    from leadline.core.scoring.model import Part

    return {
        "scored_at": output.moment(state["scored_at"]),
        "until": output.moment(state["replaced_at"]) if state["replaced_at"] is not None else None,
        "score": state["score"],
        "parts": {part.value: state["parts"].get(part.value, 0) for part in Part},
        "group": state["group"],
        "group_since": output.moment(state["group_since"]),
        "segment": state["segment"],
        "model": state["model"].partition("/")[0],
    }


def change_answer(compared: Compared) -> dict[str, Any]:
    """What is behind a change, as JSON; points are thousandths. `parts` sum to `points`, exactly."""
    told = {
        "span": compared.span,
        "from": output.moment(compared.before),
        "to": output.moment(compared.after),
        "exact": compared.exact,
        "why_not": compared.why_not or None,
    }
    change = compared.change
    if change is None:
        return told
    old, new = change.before.evaluation, change.after.evaluation
    return {
        **told,
        "points": change.points,
        "score": {"before": old.score, "after": new.score},
        "group": {"before": old.group, "after": new.group},
        "segment": {"before": change.segments[0] or None, "after": change.segments[1] or None},
        "parts": {step.cause.value: step.points for step in change.steps},
        "steps": [_step(step) for step in change.steps if step.rules],
        "facts": [asdict(move) for move in change.facts],
    }


def _step(step: Step) -> dict[str, Any]:
    rules = [
        {
            **asdict(move),
            "points": move.points,
            "sources": [{**asdict(one), "at": output.moment(one.at) if one.at else None} for one in move.sources],
        }
        for move in step.rules
    ]
    return {"cause": step.cause, "points": step.points, "group": step.group, "rules": rules}


def history_lines(told: Told) -> list[RenderableType]:
    """What changed, and what the score was before, for a person."""
    lines: list[RenderableType] = []
    for compared in told.history.changes:
        lines += _compared(compared, told.names)
    former = told.history.states[1:]
    if former:
        rows = [
            (
                output.moment(state["replaced_at"])[:16].replace("T", " "),
                str(state["score"] // 1_000),
                state["group"].replace("_", " "),
                state["segment"] or "",
                state["model"][:12],
            )
            for state in former[:_SHOWN]
        ]
        lines.append(output.grid(_STATES, rows, title="What it was before"))
    return lines


def _compared(compared: Compared, names: Mapping[str, str]) -> list[RenderableType]:
    from rich.markup import escape

    from leadline.core.scoring.telling import headline

    when = f"{_TITLES[compared.span]}, {output.moment(compared.after)[:16].replace('T', ' ')}"
    change = compared.change
    if change is None:
        return [f"{when}: cannot be taken apart: {escape(compared.why_not)}."]
    lines: list[RenderableType] = [
        output.grid(_CAUSES, _causes(change, names), title=f"{when}: {escape(headline(change))}")
    ]
    if not compared.exact:
        lines.append("What was stored then differs: facts of then are no longer kept, or came in the same second.")
    return lines


def _causes(change: Change, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """A row per cause that moved something, with the strongest reasons below each other."""
    from rich.markup import escape

    from leadline.core.scoring.cause import Cause
    from leadline.core.scoring.telling import CAUSES, reasons, signed

    rows = []
    for step in change.steps:
        told = reasons(step, names)
        if step.cause is Cause.DATA:
            told += [_fact(move, names) for move in change.facts][:_SHOWN]
        if step.points or told:
            rows.append((signed(step.points), CAUSES[step.cause], escape("\n".join(told))))
    return rows


def _fact(move: FactMove, names: Mapping[str, str]) -> str:
    """A fact that is another one: "industry: retail → software"."""
    who = names.get(move.uid, move.uid)
    if not move.field:
        return f"{who} {'joined' if move.after else 'left'}"
    entity, _, field = move.field.partition(".")
    whose = f"{who}: " if entity == "person" else ""
    return f"{whose}{field.replace('_', ' ')} {_value(move.before)} → {_value(move.after)}"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "not known" if value is None else str(value).replace("_", " ")
