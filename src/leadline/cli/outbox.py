"""`leadline outbox list|retry`."""

from __future__ import annotations

from typing import Annotated

import typer

from leadline.cli import options, output

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
    """List effects that wait or were refused, with the reason and who must act.

    Without --state: refused, unknown, sending and planned ones.
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.lookup import effects

    with open_project(options.current().settings(), connected=False) as project:
        rows, totals = effects(project, states=state, connection=connection, limit=limit)
    made = output.table("key", "connection", "kind", "record", "state", "reason", "who acts", "what to do")
    for row in rows:
        made.add_row(
            row["key"], row["connection"], row["kind"], f"{row['object']} {row['record_id']}", row["state"],
            f"{row['reason_code'] or ''} {row['reason'] or ''}".strip() or "–",
            (row["actor"] or "–").replace("_", " "), row["fix"] or "–",
        )  # fmt: skip
    said = ", ".join(f"{count:,} {state}" for state, count in sorted(totals.items())) or "empty"
    output.show({"effects": rows, "totals": totals}, *([made] if rows else []), f"outbox: {said}")


@outbox.command()
def retry(
    keys: Annotated[list[str] | None, typer.Argument(help="Keys from `outbox list`; none with --all.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every refused effect.")] = False,
) -> None:
    """Plan refused effects again; the next sync sends them.

    Mend what the reason names first: the same write is refused again otherwise.
    """
    from leadline.app.bootstrap import open_project
    from leadline.app.lookup import retry as use_case

    if bool(keys) == all_:
        raise typer.BadParameter("name some keys, or say --all")
    with open_project(options.current().settings(), connected=False) as project:
        count = use_case(project, None if all_ else list(keys or []))
    output.show({"planned": count}, f"{count:,} planned again; `leadline sync` sends them.")
