"""`leadline mappings check|unmapped|schema`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli import errors, options, output
from leadline.cli.output import Column
from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from rich.table import Table

    from leadline.app.mappings import Checked

mappings = typer.Typer(help="Check field mappings, offline or against the live CRM.", no_args_is_help=True)


@mappings.callback()
def group() -> None:
    """Check field mappings, offline or against the live CRM."""


@mappings.command()
def check(
    offline: Annotated[bool, typer.Option("--offline", help="Look at the files only; sign in nowhere.")] = False,
) -> int:
    """Check the mapping of every connection, and compare it with the CRM's own schema.

    Finds fields that are missing, of the wrong type, read-only or too short, and picklist values
    that do not exist. Writes nothing. Ends with an error when anything needs mending.

    Examples:

    leadline mappings check --offline

    leadline mappings check
    """
    from leadline.app.mappings import run_check

    checked = list(run_check(options.current().settings(), offline=offline))
    bad = sum(len(one.problems) for one in checked)
    answer = {"ok": bad == 0, "mappings": [asdict(one) for one in checked]}
    if not checked:
        raise ConfigError("no connection is set up", fix="Fill in `connections:` in leadline.yaml.")
    if bad:
        error = ConfigError(f"{bad} problem{'s'[: bad > 1]} found", fix="Mend the file or the CRM, then run it again.")
        return errors.failing(answer, error, _table(checked))
    output.show(answer, *(_well(one) for one in checked))
    return 0


@mappings.command()
def unmapped(
    connection: Annotated[str | None, typer.Option(help="Only this connection.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many values to show.")] = 50,
) -> None:
    """List values that no transform or value map could place, most frequent first.

    Such a value counts as missing, or as `other`. Place it with `values:` in the mapping. Works from
    what was read and calls no system.

    Examples:

    leadline mappings unmapped --connection crm
    """
    from rich.markup import escape

    from leadline.app.bootstrap import open_project
    from leadline.app.lookup import unmapped as use_case

    with open_project(options.current().settings(), connected=False) as project:
        rows = use_case(project, connection=connection, limit=limit)
    columns = [Column("seen", right=True), Column("connection", whole=True), Column("object", whole=True)]
    columns += [Column("field", whole=True), Column("value")]
    cells = [[f"{row['seen']:,}", row["connection"], row["object"], row["field"], escape(row["value"])] for row in rows]
    shown = [output.grid(columns, cells)] if rows else ["Every value could be placed."]
    output.show({"values": rows}, *shown)


@mappings.command()
def schema() -> None:
    """Print the JSON Schema of mapping files, for editors that complete and check YAML.

    Example: leadline mappings schema > mapping.schema.json
    """
    from leadline.core.normalize.grammar import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _well(one: Checked) -> str:
    how = "fits the CRM" if one.live else "is well formed"
    return f"[green]ok[/]  {one.connection}: {Path(one.file).name} {how}"


def _table(checked: list[Checked]) -> Table:
    """The problems; what to do stands below what is wrong."""
    from rich.markup import escape

    rows = [
        (
            escape(f"{Path(problem.place).name}"),
            escape(problem.object),
            escape(problem.message) + (f"\n[cyan]→ {escape(problem.fix)}[/]" if problem.fix else ""),
        )
        for one in checked
        for problem in one.problems
    ]
    columns = (Column("where", whole=True), Column("object", whole=True, optional=True), Column("problem"))
    return output.grid(columns, rows)
