"""`leadline explain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import options, output
from leadline.cli.effects import effect_answer
from leadline.cli.history import change_answer, history_lines, state_answer
from leadline.cli.output import Column
from leadline.cli.score import AsKnown, At, ModelWords, trust_lines

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from leadline.app.explaining import Told
    from leadline.core.scoring.questions import Question


_SHOWN_EFFECTS = 10
_LEDGER = (
    Column("points", right=True, whole=True),
    Column("why"),
    Column("value"),
    Column("who", cut=22, optional=True),
    Column("when", whole=True, optional=True),
    Column("of", right=True, whole=True, optional=True),
)
_EFFECTS = (
    Column("planned", whole=True), Column("what", whole=True), Column("record in the CRM", whole=True), Column("state"),
)  # fmt: skip


def explain(
    record: Annotated[str, typer.Argument(help="CRM id, e-mail address, web domain, full name, or uid.")],
    at: At = None,
    as_known: AsKnown = False,
    model: ModelWords = None,
) -> None:
    """Show how one record got its score, point by point.

    Works from stored facts and calls no system. The points of the lines sum to the score. What has changed it since is
    told apart exactly: what happened or became known, time, segment and model. With --at everything is as of an
    earlier time; --now only moves the clock on.

    Examples:

    leadline explain acme.com

    leadline explain ann@acme.com --at 2025-03-01
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.explaining import tell

    asked = options.asked(at, as_known=as_known, model=model)
    with open_project(options.current().settings(), connected=False) as project:
        told = tell(project, record, asked)
    output.show(explain_answer(told), *explain_lines(told))


def explain_answer(told: Told) -> dict[str, Any]:
    """The explanation as JSON; points are whole thousandths."""
    evaluation = told.explanation.evaluation
    return {
        "uid": told.uid,
        "entity": told.entity,
        "name": told.row["name"],
        "now": output.moment(told.explanation.now),
        "model": {"name": told.model.name, "digest": told.model.digest},
        "score": evaluation.score,
        "parts": evaluation.parts,
        "group": evaluation.group,
        "segment": evaluation.segment or None,
        "flags": list(evaluation.flags),
        "qualification": told.qualification,
        "disqualified": list(evaluation.reasons),
        "missing": list(evaluation.missing),
        "fit_if_known": evaluation.fit_max,
        "score_min": evaluation.score_min,
        "score_max": evaluation.score_max,
        "questions": [question_answer(question) for question in told.questions],
        "next_change_at": output.moment(told.next_change_at) if told.next_change_at else None,
        "next_group": told.next_group,
        "lines": [
            {**asdict(line), "at": output.moment(line.at) if line.at else None} for line in told.explanation.lines
        ],
        "history": [state_answer(state) for state in told.history.states],
        "changes": [change_answer(compared) for compared in told.history.changes],
        "assumed": told.assumed,
        "forgotten_before": output.moment(told.forgotten_before) if told.forgotten_before is not None else None,
        "effects": [effect_answer(row) for row in told.effects],
    }


def question_answer(question: Question) -> dict[str, Any]:
    """A missing fact that is worth asking for, as JSON; points are whole thousandths."""
    return {
        "group": question.group,
        "low": question.low,
        "high": question.high,
        "answers": [
            {"fact": answer.gap.fact, "person": answer.gap.person, "answer": answer.said()}
            for answer in question.answers
        ],
    }


def explain_lines(told: Told) -> list[RenderableType]:
    """The explanation for a person."""
    from rich.markup import escape

    from leadline.core.scoring.model import POINT

    evaluation = told.explanation.evaluation
    parts = ", ".join(f"{name} {points // POINT}" for name, points in evaluation.parts.items() if points)
    lines: list[RenderableType] = [
        f"[bold]{escape(str(told.row['name'] or told.uid))}[/]  {told.entity} {told.uid}",
        f"score [bold]{evaluation.score // POINT}[/] ({parts or 'nothing counts'}), "
        f"group [bold]{evaluation.group.replace('_', ' ')}[/]{_segment(told)}",
        _ledger(told),
    ]
    if told.flags:
        lines.append(f"Flags: {escape(', '.join(told.flags))}.")
    if any(told.qualification.values()):
        lines.append(_qualification(told.qualification))
    if evaluation.reasons:
        lines.append(f"Disqualified: {', '.join(evaluation.reasons)}.")
    if evaluation.missing:
        names = ", ".join(name.replace("_", " ") for name in evaluation.missing)
        reach = f"{evaluation.score_min // POINT} to {evaluation.score_max // POINT}"
        lines.append(f"Not known: {names}. If it were, the score could be {reach}.")
    lines += [f"Worth asking: {escape(question.said(told.names))}." for question in told.questions]
    if told.next_change_at and told.next_group:
        group = told.next_group.replace("_", " ")
        lines.append(f"If nothing else happens, the group changes to {group} on {output.moment(told.next_change_at)}.")
    lines += trust_lines(int(told.assumed), told.forgotten_before, many=False)
    lines += history_lines(told)
    if told.effects:
        lines.append(_done(told))
    return lines


def _segment(told: Told) -> str:
    return (
        f", segment {told.explanation.evaluation.segment.replace('_', ' ')}"
        if told.explanation.evaluation.segment
        else ""
    )


def _qualification(parts: Mapping[str, int]) -> str:
    """Points by framework: "BANT: budget 15, need 10; MEDDIC: pain 15"."""
    by_framework: dict[str, list[str]] = {}
    for part, points in parts.items():
        framework, _, name = part.partition(".")
        by_framework.setdefault(framework.upper(), []).append(f"{name.replace('_', ' ')} {points // 1_000}")
    return "; ".join(f"{framework}: {', '.join(told)}" for framework, told in by_framework.items())


def _ledger(told: Told) -> Table:
    from rich.markup import escape

    from leadline.core.scoring.explain import points_text

    rows = [
        (
            points_text(line.points),
            escape(line.name),
            escape((line.value or "").replace("_", " ")),
            escape(_who(line.people, told.names)),
            output.moment(line.at)[:10] if line.at else "",
            points_text(line.raw_points) if line.raw_points != line.points else "",
        )
        for line in told.explanation.lines
    ]
    total = (f"[bold]{points_text(told.explanation.evaluation.score)}[/]", "[bold]score[/]", "", "", "", "")
    made = output.grid(_LEDGER, [*rows, total])
    if rows:
        made.rows[-2].end_section = True
    return made


def _who(people: Sequence[str], names: Mapping[str, str]) -> str:
    """The first of the people behind a line, and how many more there are."""
    named = sorted(names.get(uid, "") for uid in people)
    if len(named) < 2:
        return "".join(named)
    return f"{named[0]} +{len(named) - 1}"


def _done(told: Told) -> Table:

    rows = [
        (
            output.moment(row["planned_at"])[:16].replace("T", " "),
            {"update": "fields", "task": "task", "enrol": "enrolment", "list": "list"}[row["kind"]],
            f"{row['object']} {row['record_id']}",
            _outcome(row),
        )
        for row in told.effects[:_SHOWN_EFFECTS]
    ]
    return output.grid(_EFFECTS, rows, title="What was done about it")


def _outcome(row: Mapping[str, Any]) -> str:
    """How an effect ended: the reason of a refusal, the id of what was made."""
    from rich.markup import escape

    if row["reason"]:
        return f"{row['state']}: {escape(row['reason'])}"
    made = row["result_id"] if row["result_id"] != row["record_id"] else None
    return f"{row['state']} as {made}" if made else str(row["state"])
