"""`leadline score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import options, output
from leadline.cli.output import Column

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from leadline.app.scorerun import ScoreRun

At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="Score as of this ISO 8601 time. \\[default: now]")
]
AsKnown = Annotated[
    bool,
    typer.Option(
        "--as-known", help="With --at: by the facts, activities and model as known then; corrected by nothing since."
    ),
]
ModelWords = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="A model file, a digest, or `active`. \\[default: the project's]"),
]


def score(
    at: At = None,
    as_known: AsKnown = False,
    model: ModelWords = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Write scores and ledgers there, as Parquet files.")
    ] = None,
) -> None:
    """Score everything from stored facts, now or as of an earlier time.

    Writes nothing to the database and to no CRM; calls no system. An activity counts from its own time on, however
    late it came to be known; accounts and people are as they were known at that time.

    Examples:

    leadline score --at 2025-03-01

    leadline score --at 2025-03-01T09:00:00Z --as-known --out then
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.scorerun import score_stored
    from leadline.app.survey import count_surveyed

    asked = options.asked(at, as_known=as_known, model=model)
    with open_project(options.current().settings(), connected=False) as project, output.counting("score") as count:
        count.total(count_surveyed(project))
        run = score_stored(project, asked, out=out, looked_at=count.add)
    output.show(score_answer(run, out), *score_lines(run, out))


def score_answer(run: ScoreRun, out: Path | None) -> dict[str, Any]:
    """The counts as JSON."""
    return {
        "at": output.moment(run.at),
        "model": {"name": run.model.name, "digest": run.model.digest},
        "digest": str(run.digest),
        "records": run.digest.records,
        "groups": [
            {"entity": entity, "group": group, "records": run.groups[entity, group]}
            for entity in ("account", "person")
            for group in run.group_order
            if run.groups[entity, group]
        ],
        "segments": [
            {"entity": entity, "segment": name or None, "records": records}
            for (entity, name), records in sorted(run.segments.items())
        ],
        "assumed": run.assumed,
        "forgotten_before": output.moment(run.forgotten_before) if run.forgotten_before is not None else None,
        "out": out,
    }


def score_lines(run: ScoreRun, out: Path | None) -> list[RenderableType]:
    """The counts for a person."""
    records = run.digest.records
    lines: list[RenderableType] = [
        f"{records:,} records scored as of {output.moment(run.at)} by {run.model.name} {run.model.digest[:12]}"
    ]
    if records:
        lines.append(_counts("group", run.group_order, dict(run.groups)))
    named = sorted({name for _, name in run.segments})
    if any(named):
        lines.append(_counts("segment", named, dict(run.segments)))
    lines.append(f"digest {run.digest}")
    lines += trust_lines(run.assumed, run.forgotten_before, many=True)
    if out is not None:
        lines.append(f"Scores and ledgers are in {out / 'scores'} and {out / 'ledger'}.")
    return lines


def trust_lines(assumed: int, forgotten_before: int | None, *, many: bool) -> list[str]:
    """What stands there on trust, because it was read later or is no longer kept."""
    lines = []
    if assumed:
        who = f"{assumed:,} records were" if many else "This record was"
        lines.append(f"{who} first read after that time; what was known first stands there.")
    if forgotten_before is not None:
        day = output.moment(forgotten_before)[:10]
        lines.append(f"Changes before {day} are no longer kept (retention.days); what was known then stands there.")
    return lines


def _counts(what: str, names: list[str], counts: dict[tuple[str, str], int]) -> Table:
    columns = (Column(what), Column("accounts", right=True, whole=True), Column("people", right=True, whole=True))
    rows = [
        (
            name.replace("_", " ") or "(none)",
            f"{counts.get(('account', name), 0):,}",
            f"{counts.get(('person', name), 0):,}",
        )
        for name in names
    ]
    return output.grid(columns, rows)
