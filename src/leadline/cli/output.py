"""How commands speak: people get text and tables on stdout, machines get one JSON object.

Under `--json` exactly one JSON object is printed on stdout, on one line: the answer, and
`"error": {"type", "message", "place"?, "fix"?, "exit_code"}` when the command failed. Lists stand
under a name, times are ISO 8601 with `Z`. Progress and complaints go to stderr, so that stdout can be piped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from leadline.cli import options

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress
    from rich.table import Table


# Characters in a line of progress: the bar, the count, the elapsed time with the gaps.
_BAR, _SHORTEST_BAR, _COUNT, _CLOCK = 40, 8, 15, 11


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


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `grid`. `whole`: never broken; `cut`: ended with … after so many characters; `optional`: left out
    when it is empty in every row."""

    name: str
    right: bool = False
    whole: bool = False
    cut: int | None = None
    optional: bool = False


def grid(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, title: str | None = None) -> Table:
    """A table in the house style that fits 80 columns when its rows do; a cell may hold markup."""
    from rich import box
    from rich.table import Table

    shown = [number for number, column in enumerate(columns) if not column.optional or any(row[number] for row in rows)]
    made = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in (columns[number] for number in shown):
        made.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=column.whole or column.cut is not None,
            max_width=column.cut,
            overflow="fold" if column.cut is None else "ellipsis",
        )
    for row in rows:
        made.add_row(*(row[number] for number in shown))
    return made


def progress(names: int = 0) -> Progress:
    """Bars on stderr, silent under `--json` and where stderr is no terminal.

    Use as a context manager. `names` is the length of the longest name, so that bars do not move
    when names come and go. A task carries the field `done`, what to print as its count.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = err()
    return Progress(
        TextColumn("{task.description}", table_column=Column(no_wrap=True, min_width=names)),
        BarColumn(bar_width=max(_SHORTEST_BAR, min(_BAR, console.width - names - _COUNT - _CLOCK))),
        TextColumn("{task.fields[done]}", justify="right", table_column=Column(no_wrap=True, min_width=_COUNT)),
        TimeElapsedColumn(),
        console=console,
        disable=options.current().json or not console.is_terminal,
    )


class Counting:
    """A bar of one work whose steps are records; use as a context manager."""

    def __init__(self, name: str) -> None:
        """Show the work by this name."""
        self._bars = progress(len(name))
        self._task = self._bars.add_task(name, total=None, done="")
        self._done, self._total = 0, 0

    def __enter__(self) -> Counting:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def total(self, records: int) -> None:
        """So many there are."""
        self._total = records
        self.add(0)

    def add(self, records: int) -> None:
        """So many more are done."""
        self._done += records
        told = f"{self._done:,}/{self._total:,}"
        self._bars.update(self._task, completed=self._done, total=self._total or None, done=told)


def counting(name: str) -> Counting:
    """A bar on stderr for one work, silent where `progress` is."""
    return Counting(name)


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
