"""`leadline model check|test|schema|diff`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from leadline.cli import errors, output
from leadline.cli.modelcheck import File, check, loaded
from leadline.cli.modeldiff import diff
from leadline.sdk.errors import ConfigError

model = typer.Typer(help="Check, try and compare scoring models.", no_args_is_help=True)


@model.callback()
def group() -> None:
    """Check, try and compare scoring models."""


model.command()(check)


@model.command()
def test(file: File = None) -> int:
    """Run the worked examples of a model file, and show where the model makes something else of them.

    Ends with an error when an example fails. Reads no record and writes nothing.

    Example: leadline model test models/b2b.yaml
    """
    from rich.markup import escape

    from leadline.core.scoring.examples import check_examples

    path, checked, _ = loaded(file)
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


model.command()(diff)


@model.command()
def schema() -> None:
    """Print the JSON Schema of model files, for editors that complete and check YAML.

    Example: leadline model schema > model.schema.json
    """
    from leadline.core.scoring.load import schema_text

    typer.echo(schema_text(), nl=False)
