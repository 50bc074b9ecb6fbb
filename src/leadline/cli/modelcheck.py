"""`leadline model check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline.cli import errors, options, output
from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from leadline.core.scoring.model import Model
    from leadline.core.scoring.simplicity import Finding
    from leadline.yamlfile import Document

File = Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A model file. \\[default: the project's]")]


def check(
    file: File = None,
    stored: Annotated[
        bool,
        typer.Option("--stored", help="Score what is stored, too: rules that never fire, always do, or are twins."),
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with an error when there are warnings.")] = False,
) -> int:
    """Check a model file: types, references, bands, and that its plays name pools of the project.

    Tells file, line and the nearest known word. Warns of what is valid and still hard to trust: too many rules, tiny
    ones, two that ask the same, a maximum or a group that nobody reaches, segments that overlap or leave gaps, groups
    in which nothing happens. Writes nothing; reads stored records with --stored only.

    Examples:

    leadline model check models/b2b.yaml

    leadline model check --stored
    """
    from leadline.core.scoring.simplicity import warnings_of

    path, checked, document = loaded(file)
    findings = warnings_of(checked)
    if stored:
        findings += _on_stored(checked)
    counts = {
        "rules": len(checked.rules),
        "signals": len(checked.signals),
        "segments": len(checked.segments),
        "groups": len(checked.groups),
        "plays": len(checked.plays),
        "examples": len(checked.examples),
    }
    told = ", ".join(f"{number} {what}" for what, number in counts.items())
    answer = {
        "ok": True,
        "file": path,
        "name": checked.name,
        **counts,
        "warnings": [_told(finding, document) for finding in findings],
    }
    lines = [f"[green]ok[/]  {checked.name} ({path}): {told}", *(_line(finding, document) for finding in findings)]
    if not (strict and findings):
        output.show(answer, *lines)
        return 0
    count = f"{len(findings)} warning{'s'[: len(findings) > 1]}"
    error = ConfigError(f"{count} about {checked.name}", fix="Mend the model, or check it without --strict.")
    return errors.failing({**answer, "ok": False}, error, *lines)


def loaded(file: Path | None) -> tuple[Path, Model, Document]:
    """The model in a file, or the project's, with its text for places in messages."""
    from leadline.app.bootstrap import load_model_file, load_project_model
    from leadline.yamlfile import Document

    if file is not None:
        model, path = load_model_file(file), file
    else:
        settings = options.current().settings()
        model, path = load_project_model(settings), settings.model_file
    return path, model, Document(path.read_text(encoding="utf-8"), str(path))


def _on_stored(model: Model) -> list[Finding]:
    from leadline.app.bootstrap import open_project
    from leadline.app.firing import firing_of
    from leadline.app.survey import count_surveyed
    from leadline.core.scoring.simplicity import warnings_on

    with open_project(options.current().settings(), connected=False) as project, output.counting("score") as count:
        count.total(count_surveyed(project))
        return warnings_on(model, firing_of(project, model, count.add))


def _told(finding: Finding, document: Document) -> dict[str, Any]:
    from leadline.yamlfile import path_text

    return {
        "code": finding.code,
        "place": document.place(finding.path),
        "path": path_text(finding.path),
        "message": finding.message,
        "fix": finding.fix,
    }


def _line(finding: Finding, document: Document) -> str:
    from rich.markup import escape

    return f"[yellow]warning[/]  {escape(f'{document.place(finding.path)}: {finding.message}. {finding.fix}')}"
