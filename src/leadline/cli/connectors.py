"""`leadline connectors`: what is installed, and what each connector can do and wants to know."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadline import registry
from leadline.cli import output
from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.table import Table


def connectors(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Show the options of this connector as well.")
    ] = None,
) -> None:
    """List the installed connectors and what each can do.

    A connector whose packages are missing is listed with the command that installs them.

    Examples:

    leadline connectors

    leadline connectors NAME
    """
    if name is not None:
        registry.load(name)
    rows = [_row(each) for each in ([name] if name else registry.names())]
    tables = [_overview(rows)] + ([_options(rows[0])] if name else [])
    output.show({"connectors": rows}, *tables)


def _row(name: str) -> dict[str, Any]:
    missing = registry.missing_packages(name)
    row: dict[str, Any] = {
        "name": name,
        "title": name,
        "package": registry.package(name),
        "missing": missing,
        "ready": not missing,
        "fix": registry.install_command(name) if missing else "",
        "capabilities": None,
        "options": [],
    }
    try:
        connector = registry.load(name)
    except ConfigError as error:
        return row | {"ready": False, "fix": str(error)}
    return row | {
        "title": connector.title,
        "capabilities": asdict(connector.capabilities),
        "options": _described(connector.options),
    }


def _described(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    return [
        {
            "name": key,
            "required": field.is_required(),
            "default": schema["properties"][key].get("default"),
            "help": field.description or "",
        }
        for key, field in model.model_fields.items()
    ]


def _overview(rows: list[dict[str, Any]]) -> Table:
    table = output.table("connector", "system", "reads", "rows per call", "sandbox", "ready")
    for row in rows:
        able = row["capabilities"]
        table.add_row(
            row["name"],
            row["title"],
            ", ".join(able["reads"]) if able else "–",
            _batches(able) if able else "–",
            ("yes" if able["brings_sandbox"] else "no") if able else "–",
            "[green]yes[/green]" if row["ready"] else f"[yellow]no[/yellow]: {row['fix']}",
        )
    return table


def _options(row: dict[str, Any]) -> Table:
    table = output.table("option", "default", "meaning", title="Options")
    for option in row["options"]:
        default = "required" if option["required"] else _shown(option["default"])
        table.add_row(option["name"], default, option["help"])
    return table


def _shown(default: object) -> str:
    return "" if default is None else json.dumps(default)


def _batches(able: dict[str, Any]) -> str:
    verbs = {
        "read": "page_size",
        "update": "update_batch",
        "tasks": "task_batch",
        "enrolments": "enrol_batch",
        "lists": "list_batch",
    }
    return ", ".join(f"{verb} {able[key]:,}" for verb, key in verbs.items() if able[key])
