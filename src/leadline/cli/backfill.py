"""`leadline backfill`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline import allocator
from leadline.cli import options, output
from leadline.cli.output import Column

if TYPE_CHECKING:
    from rich.table import Table

    from leadline.app.backfill import Forecast


def backfill(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only predict records, API calls and writes; read and write nothing.")
    ] = False,
) -> int:
    """Read and score a whole CRM once; dry run first, resumable.

    Writes score fields only: owners, tasks and sequences are withheld and counted, so that nobody is
    flooded. Stopped or killed, it goes on where it stood when it is run again.

    Examples:

    leadline backfill --dry-run

    leadline backfill
    """
    allocator.one_thread()
    from leadline.app import backfill as use_case
    from leadline.app.bootstrap import open_project
    from leadline.cli import heap, summary
    from leadline.cli.interrupt import stoppable
    from leadline.cli.progress import RunProgress

    heap.share()
    settings = options.current().settings()
    with stoppable() as stop, open_project(settings, sleep=stop.sleep) as project:
        lines = use_case.forecast(project)
        if dry_run:
            output.show(_answer(lines), forecast_table(lines), "Nothing was read or written. Next: leadline backfill")
            return 0
        heap.settle()
        with RunProgress({f"{line.connection}/{line.object}": line.records - line.read for line in lines}) as progress:
            report = use_case.backfill(project, stop.listening(progress))
    return summary.close(report)


def _answer(lines: Sequence[Forecast]) -> dict[str, Any]:
    return {
        "objects": lines,
        "records": sum(line.records for line in lines),
        "read_calls": sum(line.read_calls for line in lines),
        "writes_at_most": sum(line.writes for line in lines),
        "write_calls_at_most": sum(line.write_calls for line in lines),
    }


_COLUMNS = (
    Column("connection", whole=True),
    Column("object", whole=True),
    Column("records", right=True, whole=True),
    Column("already", right=True, whole=True, optional=True),
    Column("calls", right=True, whole=True),
    Column("writes ≤", right=True, whole=True),
    Column("calls ≤", right=True, whole=True),
)


def forecast_table(lines: Sequence[Forecast]) -> Table:
    """The forecast, a row per object, and the sum. A part that is read already has a column of its own."""
    figures = [(line.records, line.read, line.read_calls, line.writes, line.write_calls) for line in lines]
    rows = []
    for number, (line, of_line) in enumerate(zip(lines, figures, strict=True)):
        first = number == 0 or lines[number - 1].connection != line.connection
        rows.append((line.connection if first else "", line.object, *_shown(of_line)))
    sums = [sum(column) for column in zip(*figures, strict=True)]
    rows.append(("[bold]all[/]", "", *_shown(sums)))
    made = output.grid(_COLUMNS, rows)
    if lines:
        made.rows[-2].end_section = True
    return made


def _shown(figures: Sequence[int]) -> list[str]:
    """Numbers with separators; what is read already is left empty when it is nothing."""
    return [f"{figure:,}" if figure or place != 1 else "" for place, figure in enumerate(figures)]
