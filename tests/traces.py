"""What a command leaves behind: the rows of a project's database, the records of the CRMs, its words and its code."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from leadline.cli import main
from leadline.sdk.sandbox.server import RunningSandbox

BOOKS = ("alembic_version", "calls")
"""Tables in which a command may keep books without having done anything."""


def stored(folder: Path, *, without: tuple[str, ...] = BOOKS) -> dict[str, list[Any]]:
    """Every row of the project's database, by table; empty tables and a database that is not there are alike."""
    file = folder / "leadline.db"
    if not file.exists():
        return {}
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))) for name in names}
    return {name: found for name, found in rows.items() if found and name not in without}


def shown(crms: Mapping[str, RunningSandbox]) -> dict[str, str]:
    """All records of every CRM, as one text each."""
    return {name: json.dumps(crm.vendor.state(), sort_keys=True, default=str) for name, crm in crms.items()}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The one JSON object that was printed."""
        (line,) = self.out.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found


class Terminal:
    """Types commands in this process, on one project, at one time."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], now: str) -> None:
        self.folder = folder
        self._capsys = capsys
        self.now = now

    def type(self, *words: str) -> Ended:
        """Run `leadline WORDS`."""
        self._capsys.readouterr()
        code = main(["--project", str(self.folder), "--now", self.now, *words])
        return Ended(code, *self._capsys.readouterr())
