"""`leadline mappings check|schema`."""

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
