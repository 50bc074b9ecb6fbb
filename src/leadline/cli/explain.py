"""`leadline explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import options, output

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from leadline.app.explaining import Told


def explain(
    record: Annotated[str, typer.Argument(help="CRM id, e-mail address, web domain, full name, or uid.")],
) -> None:
    """Show how one record got its score, point by point.

    Works from stored facts and calls no system; --now shows the score at another time. The points of
    the lines sum to the score.
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.explaining import tell

    with open_project(options.current().settings(), connected=False) as project:
        told = tell(project, record)
    output.show(explain_answer(told), *explain_lines(told))


def explain_answer(told: Told) -> dict[str, Any]:
    """The explanation as JSON; points are whole thousandths."""
    evaluation = told.explanation.evaluation
    return {
        "uid": told.uid,
        "entity": told.entity,
        "name": told.row["name"],
        "now": output.moment(told.explanation.now),
        "score": evaluation.score,
        "parts": evaluation.parts,
        "group": evaluation.group,
        "disqualified": list(evaluation.reasons),
        "missing": list(evaluation.missing),
        "fit_if_known": evaluation.fit_max,
        "next_change_at": output.moment(told.next_change_at) if told.next_change_at else None,
        "lines": list(told.explanation.lines),
        "effects": told.effects,
    }


def explain_lines(told: Told) -> list[RenderableType]:
    """The explanation for a person."""
    from leadline.core.scoring.model import POINT

    evaluation = told.explanation.evaluation
    parts = ", ".join(f"{name} {points // POINT}" for name, points in evaluation.parts.items() if points)
    lines: list[RenderableType] = [
        f"[bold]{told.row['name'] or told.uid}[/]  {told.entity} {told.uid}",
        f"score [bold]{evaluation.score // POINT}[/] ({parts or 'nothing counts'}), "
        f"group [bold]{evaluation.group.replace('_', ' ')}[/]",
        _ledger(told),
    ]
    if evaluation.reasons:
        lines.append(f"Disqualified: {', '.join(evaluation.reasons)}.")
    if evaluation.missing:
        names = ", ".join(name.replace("_", " ") for name in evaluation.missing)
        lines.append(f"Not known: {names}; fit could reach {evaluation.fit_max // POINT}.")
    if told.next_change_at:
        lines.append(f"If nothing else happens, the group changes on {output.moment(told.next_change_at)}.")
    if told.effects:
        lines.append(_done(told))
    return lines


def _ledger(told: Told) -> Table:
    from leadline.core.scoring.explain import points_text

    made = output.table("points", "why", "value", "who", "when", "of", right=("points", "of"))
    for line in told.explanation.lines:
        made.add_row(
            points_text(line.points),
            line.name,
            (line.value or "").replace("_", " "),
            told.names.get(line.person or "", ""),
            output.moment(line.at)[:10] if line.at else "",
            points_text(line.raw_points) if line.raw_points != line.points else "",
        )
    made.add_section()
    made.add_row(points_text(told.explanation.evaluation.score), "[bold]score[/]")
    return made


def _done(told: Told) -> Table:
    made = output.table("planned", "what", "state", "record in the CRM", title="What was done about it")
    for row in told.effects[:10]:
        reason = f": {row['reason']}" if row["reason"] else ""
        made.add_row(
            output.moment(row["planned_at"]),
            {"update": "fields", "task": "task", "enrol": "enrolment"}[row["kind"]],
            f"{row['state']}{reason}",
            f"{row['object']} {row['result_id'] or row['record_id']}",
        )
    return made
