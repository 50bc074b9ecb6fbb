"""`leadline model check|test|schema`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leadline.cli import errors, options, output
from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from leadline.core.scoring.model import Model

model = typer.Typer(help="Check a scoring model and run its worked examples.", no_args_is_help=True)

File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A model file. \\[default: the project's]")]


@model.callback()
def group() -> None:
    """Check a scoring model and run its worked examples."""


@model.command()
def check(file: File = None) -> None:
    """Check a model file: types, references, bands, and that its plays name pools of the project.

    Tells file, line and the nearest known word. Reads no record and writes nothing.

    Example: leadline model check models/b2b.yaml
    """
    path, checked = _loaded(file)
    counts = {
        "rules": len(checked.rules),
        "signals": len(checked.signals),
        "groups": len(checked.groups),
        "plays": len(checked.plays),
        "examples": len(checked.examples),
    }
    told = ", ".join(f"{number} {what}" for what, number in counts.items())
    answer = {"ok": True, "file": path, "name": checked.name, **counts}
    output.show(answer, f"[green]ok[/]  {checked.name} ({path}): {told}")


@model.command()
def test(file: File = None) -> int:
    """Run the worked examples of a model file, and show where the model makes something else of them.

    Ends with an error when an example fails. Reads no record and writes nothing.

    Example: leadline model test models/b2b.yaml
    """
    from rich.markup import escape

    from leadline.core.scoring.examples import check_examples

    path, checked = _loaded(file)
    failures = check_examples(checked)
    answer = {
        "ok": not failures,
        "file": path,
        "examples": len(checked.examples),
        "failures": list(map(asdict, failures)),
    }
    failed = {failure.example for failure in failures}
    lines = [
        f"{'[red]no[/]' if one.name in failed else '[green]ok[/]'}  {escape(one.name)}" for one in checked.examples
    ]
    if not failures:
        output.show(answer, *lines)
        return 0
    table = output.table("example", "what", "should be", "is", right=("should be", "is"))
    for failure in failures:
        table.add_row(escape(failure.example), failure.what, failure.expected, failure.found)
    what = f"{len(failed)} of {len(checked.examples)} examples fail"
    error = ConfigError(what, fix="Mend the model or the example.", place=str(path))
    return errors.failing(answer, error, *lines, table)


@model.command()
def schema() -> None:
    """Print the JSON Schema of model files, for editors that complete and check YAML.

    Example: leadline model schema > model.schema.json
    """
    from leadline.core.scoring.load import schema_text

    typer.echo(schema_text(), nl=False)


def _loaded(file: Path | None) -> tuple[Path, Model]:
    from leadline.app.bootstrap import load_model_file, load_project_model

    if file is not None:
        return file, load_model_file(file)
    settings = options.current().settings()
    return settings.model_file, load_project_model(settings)
