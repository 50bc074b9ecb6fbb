"""How the end of a run is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leadline.cli import errors, output
from leadline.cli.output import Column

if TYPE_CHECKING:
    from rich.console import RenderableType

    from leadline.app.sync import Report


def close(report: Report) -> int:
    """Print how the run ended and give the exit code. Raises the error of a connection that could not go on."""
    error = report.failure
    if error is not None:
        return errors.failing(answer(report), error, *lines(report))
    output.show(answer(report), *lines(report))
    return 0


def answer(report: Report) -> dict[str, Any]:
    """The run as JSON."""
    return {
        "kind": report.kind,
        **report.counts,
        "crossings": [
            {"uid": c.uid, "name": c.name, "was": c.was, "group": c.group, "score": c.score, "action": c.action}
            for c in report.crossings
        ],
    }


def lines(report: Report) -> list[RenderableType]:
    """The run for a person: what was read, decided, written, and what needs somebody."""
    counts = report.counts
    calls = sum(counts["calls"].values())
    told: list[RenderableType] = [
        f"[bold]{report.kind}[/] read {counts['records_read']:,} records "
        f"({counts['records_changed']:,} changed), scored {counts['scored']:,}, "
        f"wrote {counts['written']:,} in {calls:,} calls"
    ]
    if counts["scored"]:
        told.append(f"digest {counts['digest']}")
    if report.crossings:
        told.append(_crossings(report))
    if counts["unplaced"]:
        told.append(f"{counts['unplaced']:,} values could not be placed: see `leadline mappings unmapped`.")
    if counts["withheld"]:
        told.append(
            f"{counts['withheld']:,} plays withheld: nobody is sent anything by a backfill, a new model or mapping."
        )
    if counts["refused"] or counts["unknown"]:
        told.append(
            f"[yellow]{counts['refused']:,} refused, {counts['unknown']:,} not known yet:[/] "
            "see `leadline outbox list`."
        )
    return told


def _crossings(report: Report) -> RenderableType:
    from rich.markup import escape

    columns = (
        Column("record", cut=24), Column("was", whole=True), Column("now", whole=True),
        Column("score", right=True, whole=True), Column("what follows"),
    )  # fmt: skip
    rows = [
        (
            escape(crossing.name),
            (crossing.was or "new").replace("_", " "),
            crossing.group.replace("_", " "),
            str(crossing.score),
            escape(crossing.action),
        )
        for crossing in report.crossings
    ]
    return output.grid(columns, rows)
