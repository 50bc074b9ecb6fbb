"""`leadline init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leadline.cli import options, output


def init(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="The folder to set up. \\[default: the project folder]")
    ] = None,
    use: Annotated[
        list[str] | None, typer.Option("--use", metavar="CONNECTOR", help="Switch this connection on. Repeatable.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there already.")] = False,
) -> None:
    """Set up a project folder: settings, mappings, scoring model.

    Writes leadline.yaml, mappings, models, .env.example and .gitignore. Files that are there already
    and differ are never overwritten unless --force is given: nothing is written at all then.

    Example: leadline init acme --use CONNECTOR
    """
    from rich.markup import escape

    from leadline.app.scaffold import scaffold

    target = folder or options.current().project
    done = scaffold(target, connectors=use or (), force=force)
    steps = _next_steps(target, switched_on=bool(use))
    output.show(
        {"project": target.resolve(), "written": done.written, "unchanged": done.unchanged, "next": steps},
        f"Set up [bold]{escape(str(target.resolve()))}[/bold]: {len(done.written)} files written.",
        *(f"  [dim]{name}[/dim]" for name in done.written),
        "",
        "[bold]Next[/bold]",
        *(f"  {number}. {escape(step)}" for number, step in enumerate(steps, 1)),
    )


def _next_steps(folder: Path, *, switched_on: bool) -> list[str]:
    choose = [] if switched_on else ["Uncomment the connections that you use in leadline.yaml."]
    enter = [] if folder.resolve() == Path.cwd() else [f"cd {folder}"]
    return [
        *enter,
        *choose,
        "Copy .env.example to .env and fill in the secrets.",
        "Run `leadline doctor`: it says what is still missing.",
        "Run `leadline backfill --dry-run`: it predicts records, calls and writes.",
    ]
