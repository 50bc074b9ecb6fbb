"""`leadline queue`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli import options, output
from leadline.cli.output import Column

if TYPE_CHECKING:
    from rich.table import Table

    from leadline.app.lookup import Ranked

_COLUMNS = (
    Column("#", right=True, whole=True),
    Column("record and why"),
    Column("group"),
    Column("score", right=True, whole=True),
    Column("fit", right=True, whole=True),
    Column("intent", right=True, whole=True),
    Column("owner", cut=18, optional=True),
)


def queue(
    owner: Annotated[str | None, typer.Option(help="Only this owner's records: e-mail address, name or id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many records to show.")] = 20,
    all_groups: Annotated[bool, typer.Option("--all", help="Show records in the last group as well.")] = False,
) -> None:
    """List the records to work on next, best first.

    Ranked by group and score, as in the CRM. Reads the stored scores and calls no system.

    Examples:

    leadline queue --owner ann@example.com --limit 10

    leadline queue --all --json
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.lookup import ranked

    with open_project(options.current().settings(), connected=False) as project:
        rows = ranked(project, owner=owner, limit=limit, all_groups=all_groups)
    shown = [queue_table(rows)] if rows else ["Nothing to work on here yet. `leadline backfill` fills the queue."]
    output.show({"records": rows}, *shown)


def queue_table(rows: Sequence[Ranked]) -> Table:
    """The queue, a row per record, its strongest reasons below the name."""
    from rich.markup import escape

    # Two CRMs may know the same company.
    several = len({row.connection for row in rows}) > 1
    return output.grid(
        _COLUMNS,
        [
            (
                str(number),
                f"[bold]{escape(row.name)}[/]"
                + (f" [dim]{row.connection}[/]" if several else "")
                + (f"\n[dim]{escape(row.why)}[/]" if row.why else ""),
                row.group.replace("_", " "),
                *(str(points) for points in (row.score, row.fit, row.intent)),
                escape(row.owner or ""),
            )
            for number, row in enumerate(rows, start=1)
        ],
    )
