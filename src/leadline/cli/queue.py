"""`leadline queue`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli import options, output

if TYPE_CHECKING:
    from rich.table import Table

    from leadline.app.lookup import Ranked


def queue(
    owner: Annotated[str | None, typer.Option(help="Only this owner's records: e-mail address, name or id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many records to show.")] = 20,
    all_groups: Annotated[bool, typer.Option("--all", help="Show records in the last group as well.")] = False,
) -> None:
    """List the records to work on next, best first.

    Ranked by group and score, as in the CRM. Reads the stored scores and calls no system.
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.lookup import ranked

    with open_project(options.current().settings(), connected=False) as project:
        rows = ranked(project, owner=owner, limit=limit, all_groups=all_groups)
    empty = [] if rows else ["Nothing to work on here yet. `leadline backfill` fills the queue."]
    output.show({"records": rows}, queue_table(rows), *empty)


def queue_table(rows: Sequence[Ranked]) -> Table:
    """The queue, a row per record."""
    made = output.table(
        "#", "record", "group", "score", "fit", "intent", "owner", "why", right=("#", "score", "fit", "intent")
    )
    for number, row in enumerate(rows, start=1):
        made.add_row(
            str(number), row.name, row.group.replace("_", " "), str(row.score), str(row.fit), str(row.intent),
            row.owner or "–", row.why,
        )  # fmt: skip
    return made
