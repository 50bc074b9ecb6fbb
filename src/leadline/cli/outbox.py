"""`leadline outbox list|retry`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import options, output
from leadline.cli.effects import effect_answer
from leadline.cli.output import Column

if TYPE_CHECKING:
    from rich.table import Table

outbox = typer.Typer(help="Look at what could not be written, and try it again.", no_args_is_help=True)


@outbox.callback()
def group() -> None:
    """Look at what could not be written, and try it again."""


@outbox.command("list")
def list_(
    state: Annotated[
        list[str] | None,
        typer.Option(help="planned, sending, unknown, refused, written, unchanged or superseded; may be repeated."),
    ] = None,
    connection: Annotated[str | None, typer.Option(help="Only this connection.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many rows to show.")] = 100,
) -> None:
    """List effects that wait or were refused, with the reason and who must act, and fields that are left alone.

    Without --state: refused, unknown, sending and planned ones.

    Examples:

    leadline outbox list

    leadline outbox list --state written --connection crm --limit 20
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.lookup import effects, frozen

    with open_project(options.current().settings(), connected=False) as project:
        rows, totals = effects(project, states=state, connection=connection, limit=limit)
        left = frozen(project, connection=connection, limit=limit)
    said = ", ".join(f"{count:,} {state}" for state, count in sorted(totals.items())) or "empty"
    answer = {
        "effects": [effect_answer(row) for row in rows],
        "totals": totals,
        "frozen": [{name: row[name] for name in _FROZEN} for row in left],
    }
    tables = [_table(rows)] if rows else []
    tables += [_frozen_table(left)] if left else []
    output.show(answer, *tables, f"outbox: {said}")


_COLUMNS = (
    Column("effect", whole=True),
    Column("state", whole=True),
    Column("reason, who acts and what to do", optional=True),
)


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    from rich.markup import escape

    return output.grid(
        _COLUMNS,
        [
            (
                f"{row['key']}\n[dim]{row['connection']}: {row['kind']} {row['object']} {escape(row['record_id'])}[/]",
                row["state"],
                _reason(row),
            )
            for row in rows
        ],
    )


_FROZEN = ("uid", "connection", "object", "record_id", "output", "reversals", "ours", "theirs")
_FROZEN_COLUMNS = (
    Column("frozen", whole=True),
    Column("field", whole=True),
    Column("what stands there instead of ours", optional=True),
)


def _frozen_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    from rich.markup import escape

    return output.grid(
        _FROZEN_COLUMNS,
        [
            (
                escape(row["uid"]),
                row["output"],
                escape(f"{row['theirs'] or 'nothing'} instead of {row['ours']}, {row['reversals']} times in a row"),
            )
            for row in rows
        ],
    )


def _reason(row: Mapping[str, Any]) -> str:
    from rich.markup import escape

    why = " ".join(filter(None, (row["reason_code"], row["reason"])))
    who = (row["actor"] or "").replace("_", " ")
    act = ": ".join(filter(None, (who, row["fix"])))
    return escape(why) + (f"\n[cyan]→ {escape(act)}[/]" if act else "")


@outbox.command()
def retry(
    keys: Annotated[list[str] | None, typer.Argument(help="Keys from `outbox list`; none with --all.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every refused effect.")] = False,
) -> None:
    """Plan refused effects again; the next sync sends them.

    Mend what the reason names first: the same write is refused again otherwise.

    Examples:

    leadline outbox retry task-8de035cf501e06e1b4ce6288212ee3fc

    leadline outbox retry --all
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.lookup import retry as use_case

    if bool(keys) == all_:
        raise typer.BadParameter("name some keys, or say --all")
    with open_project(options.current().settings(), connected=False) as project:
        count = use_case(project, None if all_ else list(keys or []))
    output.show({"planned": count}, f"{count:,} planned again; `leadline sync` sends them.")


@outbox.command()
def unfreeze(
    records: Annotated[list[str] | None, typer.Argument(help="Records from `outbox list`; none with --all.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every frozen field.")] = False,
) -> None:
    """Write fields again that were left alone because something else kept changing them back.

    Find what changes them and stop it first: they are frozen again otherwise.

    Examples:

    leadline outbox unfreeze crm/contacts/20000000085

    leadline outbox unfreeze --all
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.lookup import unfreeze as use_case

    if bool(records) == all_:
        raise typer.BadParameter("name some records, or say --all")
    with open_project(options.current().settings(), connected=False) as project:
        count = use_case(project, None if all_ else list(records or []))
    output.show({"unfrozen": count}, f"{count:,} records unfrozen; `leadline sync` writes them where they differ.")
