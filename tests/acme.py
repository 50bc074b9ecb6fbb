"""The connector of docs/connectors.md, taken out of the document as an installed package."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_FILE = re.compile(r"^`([\w./]+)`:\n\n```(?:python|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files(document: Path) -> dict[str, str]:
    """The files that the document shows, by path."""
    return {match[1]: match[2] for match in _FILE.finditer(document.read_text(encoding="utf-8"))}


def lay_out(document: Path, folder: Path) -> None:
    """Write the files as `pip install` would leave them: the package, its tests, and metadata with the entry point."""
    shown = files(document)
    for path, text in shown.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    project = tomllib.loads(shown["pyproject.toml"])["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = project["entry-points"]["leadline.connectors"]
    (info / "entry_points.txt").write_text(
        "[leadline.connectors]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
    )
