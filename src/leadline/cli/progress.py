"""Progress of a run on the terminal, drawn from its events."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

from leadline.app.events import (
    BatchPushed,
    ChunkScored,
    ConnectionFailed,
    Event,
    ObjectRead,
    PageStored,
    StageStarted,
    Waiting,
)
from leadline.cli import output

if TYPE_CHECKING:
    from rich.progress import TaskID

_KINDS = {"update": "fields", "task": "tasks", "enrol": "enrolments", "list": "lists"}
_SCORE = "score"


class RunProgress:
    """Bars for reading, scoring and writing. `expected` gives the records per `connection/object`, where known.

    Each connection has a bar for all that it reads and, while they are read, one per object below
    it, so that a long list of objects does not push the others off the screen.
    """

    def __init__(self, expected: Mapping[str, int] | None = None) -> None:
        self._expected = dict(expected or {})
        connections = {key.partition("/")[0] for key in self._expected}
        names = [_part_name(*key.split("/", 1)) for key in self._expected]
        names += [_write_name(name, kind) for name in connections for kind in _KINDS]
        self._bars = output.progress(max(map(len, names), default=0))
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> RunProgress:
        totals: Counter[str] = Counter()
        for key, records in self._expected.items():
            totals[key.partition("/")[0]] += records
        for connection, records in totals.items():
            self._start(f"read {connection}", records)
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Move the bar that the event belongs to."""
        with self._lock:
            match event:
                case PageStored():
                    self._read(event)
                case ObjectRead():
                    self._remove(_below(event.connection, event.object))
                case StageStarted(stage="score_and_decide"):
                    self._end_reading()
                case StageStarted(stage="score") if event.total:
                    self._start(_SCORE, event.total)
                case ChunkScored():
                    self._move(_SCORE, event.marks)
                case StageStarted() if event.stage.startswith("write:") and event.total:
                    kind = event.stage.removeprefix("write:")
                    self._start(_write_name(event.connection, kind), event.total)
                case BatchPushed():
                    self._move(_write_name(event.connection, event.kind), event.rows)
                case Waiting():
                    self._bars.console.print(f"waiting {event.seconds:.0f} s for {event.connection}: {event.why}")
                case ConnectionFailed() if not self._bars.disable:
                    self._bars.console.print(f"[red]{event.connection}[/] cannot go on; the others do")
                case _:
                    pass

    def _read(self, event: PageStored) -> None:
        whole, part = f"read {event.connection}", _below(event.connection, event.object)
        if whole not in self._tasks:
            self._start(whole, None)
        if part not in self._tasks:
            expected = self._expected.get(f"{event.connection}/{event.object}")
            self._start(part, expected, shown=_part_name(event.connection, event.object))
        self._move(whole, event.records)
        self._move(part, event.records)

    def _end_reading(self) -> None:
        """What was expected and did not come is not waited for any more."""
        for name in [name for name in self._tasks if name.startswith("read ")]:
            if "/" in name:
                self._remove(name)
            else:
                done = int(self._bars.tasks[self._bars.task_ids.index(self._tasks[name])].completed)
                self._bars.update(self._tasks[name], total=max(done, 1), completed=max(done, 1), done=f"{done:,}")

    def _start(self, name: str, total: int | None, *, shown: str | None = None) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(shown or name, total=total or None, done=_count(0, total))

    def _move(self, name: str, steps: int) -> None:
        if name not in self._tasks:
            self._start(name, None)
        task = self._bars.tasks[self._bars.task_ids.index(self._tasks[name])]
        done = int(task.completed) + steps
        total = None if task.total is None else max(int(task.total), done)
        self._bars.update(self._tasks[name], completed=done, total=total, done=_count(done, total))

    def _remove(self, name: str) -> None:
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))


def _below(connection: str, object: str) -> str:
    return f"read {connection}/{object}"


def _part_name(connection: str, object: str) -> str:
    return f"  {connection} {object}"


def _write_name(connection: str, kind: str) -> str:
    return f"write {connection} {_KINDS[kind]}"


def _count(done: int, total: int | None) -> str:
    return f"{done:,}" if not total else f"{done:,}/{total:,}"
