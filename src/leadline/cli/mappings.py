"""`leadline mappings check|schema`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli import options, output
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
    """
    from leadline.app.mappings import run_check

    checked = list(run_check(options.current().settings(), offline=offline))
    bad = sum(len(one.problems) for one in checked)
    answer = {"ok": bad == 0, "mappings": [asdict(one) for one in checked]}
    if options.current().json:
        output.show(answer)
        return ConfigError.exit_code if bad else 0
    if not checked:
        raise ConfigError("no connection is set up", fix="Fill in `connections:` in leadline.yaml.")
    if bad:
        output.show(answer, _table(checked))
        raise ConfigError(f"{bad} problem{'s'[: bad > 1]} found.", fix="Mend the file or the CRM, then run it again.")
    for one in checked:
        how = "fits the CRM" if one.live else "is well formed"
        output.out().print(f"[green]ok[/]  {one.connection}: {one.file} {how}", soft_wrap=True)
    return 0


@mappings.command()
def schema() -> None:
    """Print the JSON Schema of mapping files, for editors that complete and check YAML."""
    from leadline.core.normalize.grammar import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _table(checked: list[Checked]) -> Table:
    made = output.table("where", "object", "problem", "what to do")
    for one in checked:
        for problem in one.problems:
            made.add_row(problem.place, problem.object or "–", problem.message, problem.fix or "–")
    return made
