"""`leadline connectors`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from leadline import registry
from leadline.cli import output
from leadline.sdk.errors import ConfigError


def connectors() -> None:
    """List the installed connectors and what each can do.

    A connector whose packages are missing is listed with the command that installs them.
    """
    rows = [_row(name) for name in registry.names()]
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
    output.show({"connectors": rows}, table if rows else "No connector is installed.")


def _row(name: str) -> dict[str, Any]:
    missing = registry.missing_packages(name)
    row: dict[str, Any] = {
        "name": name,
        "title": name,
        "package": registry.package(name),
        "missing": missing,
        "ready": not missing,
        "fix": f"{registry.install_command(name)}" if missing else "",
        "capabilities": None,
    }
    try:
        connector = registry.load(name)
    except ConfigError as error:
        return row | {"ready": False, "fix": str(error)}
    return row | {"title": connector.title, "capabilities": asdict(connector.capabilities)}


def _batches(able: dict[str, Any]) -> str:
    verbs = {"read": "page_size", "update": "update_batch", "tasks": "task_batch", "enrolments": "enrol_batch"}
    return ", ".join(f"{verb} {able[key]:,}" for verb, key in verbs.items() if able[key])
