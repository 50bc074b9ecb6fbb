"""`leadline backfill`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import options, output

if TYPE_CHECKING:
    from rich.table import Table

    from leadline.app.backfill import Forecast


def backfill(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only predict records, API calls and writes; read and write nothing.")
    ] = False,
) -> None:
    """Read and score a whole CRM once; dry run first, resumable.

    Writes score fields only: owners, tasks and sequences are withheld and counted, so that nobody is
    flooded. Killed, it goes on where it stood when it is run again.
    """
    from leadline.app import backfill as use_case
    from leadline.app.bootstrap import open_project
    from leadline.app.sync import raise_failures
    from leadline.cli import summary
    from leadline.cli.progress import RunProgress

    with open_project(options.current().settings()) as project:
        lines = use_case.forecast(project)
        if dry_run:
            output.show(_answer(lines), forecast_table(lines), "Nothing was read or written. Next: leadline backfill")
            return
        expected = {f"{line.connection}/{line.object}": line.records - line.read for line in lines}
        with RunProgress(expected) as progress:
            report = use_case.backfill(project, progress)
    output.show(summary.answer(report), *summary.lines(report))
    raise_failures(report)


def _answer(lines: list[Forecast]) -> dict[str, Any]:
    return {
        "objects": lines,
        "records": sum(line.records for line in lines),
        "read_calls": sum(line.read_calls for line in lines),
        "writes_at_most": sum(line.writes for line in lines),
        "write_calls_at_most": sum(line.write_calls for line in lines),
    }


def forecast_table(lines: list[Forecast]) -> Table:
    """The forecast, a row per object, and the sum."""
    numbers = ("records", "read already", "read calls", "writes at most", "write calls")
    made = output.table("connection", "object", *numbers, right=numbers)
    for line in lines:
        made.add_row(
            line.connection,
            line.object,
            *(f"{n:,}" for n in (line.records, line.read, line.read_calls, line.writes, line.write_calls)),
        )
    made.add_section()
    made.add_row(
        "all",
        "",
        f"{sum(line.records for line in lines):,}",
        f"{sum(line.read for line in lines):,}",
        f"{sum(line.read_calls for line in lines):,}",
        f"{sum(line.writes for line in lines):,}",
        f"{sum(line.write_calls for line in lines):,}",
    )
    return made
