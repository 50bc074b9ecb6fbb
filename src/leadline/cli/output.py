"""How commands speak: people get text and tables on stdout, machines get one JSON object.

Under `--json` exactly one JSON object is printed on stdout, on one line: the answer, or
`{"error": {"type", "message", "place"?, "fix"?, "exit_code"}}`. Lists stand under a name, times are
ISO 8601 with `Z`. Progress and complaints go to stderr, so that stdout can be piped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from leadline.cli import options

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress
    from rich.table import Table


def out() -> Console:
    """The console of people, on stdout."""
    return _console(stderr=False)


def err() -> Console:
    """The console of people, on stderr: progress, warnings, complaints."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def show(answer: Mapping[str, Any], *lines: RenderableType) -> None:
    """Print the answer of a command: the object under `--json`, otherwise the lines."""
    if options.current().json:
        print_json(answer)
        return
    console = out()
    for line in lines:
        console.print(line)


def print_json(answer: Mapping[str, Any]) -> None:
    """Print one JSON object on one line of stdout. Dataclasses, enums, dates and paths are understood."""
    sys.stdout.write(json.dumps(answer, default=_plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def complain(message: str, *, fix: str = "") -> None:
    """Say on stderr, in one line, what is wrong and what to do about it."""
    from rich.text import Text

    line = Text.assemble(("error: ", "bold red"), " ".join(message.split()))
    if fix:
        line.append(f" {' '.join(fix.split())}", style="cyan")
    err().print(line, soft_wrap=True)


def table(*columns: str, title: str | None = None, right: tuple[str, ...] = ()) -> Table:
    """An empty table in the house style; `right` names the columns of numbers."""
    from rich import box
    from rich.table import Table

    made = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def progress() -> Progress:
    """A progress bar on stderr, silent under `--json` and where stderr is no terminal.

    Use as a context manager; tasks are counted in records.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = err()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=options.current().json or not console.is_terminal,
    )


def moment(seconds: int | None) -> str:
    """An instant as `2025-03-01T09:00:00Z`, a dash for None."""
    if seconds is None:
        return "–"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _isoformat(value: date) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return _isoformat(value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be printed as JSON")
