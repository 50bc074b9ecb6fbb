"""Progress of a run on the terminal, drawn from its events."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING

import structlog

from leadline.app.events import (
    BatchPushed,
    ChunkScored,
    ConnectionFailed,
    Event,
    PageStored,
    StageStarted,
    Waiting,
)
from leadline.cli import output

if TYPE_CHECKING:
    from rich.progress import TaskID

_KINDS = {"write:update": "fields", "write:task": "tasks", "write:enrol": "enrolments"}


class RunProgress:
    """Bars for reading (by object), scoring and writing. `expected` gives rows per `connection/object`, where known."""

    def __init__(self, expected: dict[str, int] | None = None) -> None:
        self._bars = output.progress()
        self._expected = expected or {}
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()
        self._log = structlog.get_logger("leadline.run")

    def __enter__(self) -> RunProgress:
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
                    key = f"{event.connection}/{event.object}"
                    self._move(f"read  {key}", event.records, self._expected.get(key))
                case StageStarted(stage="score"):
                    self._start("score accounts and people", event.total)
                case ChunkScored():
                    self._move("score accounts and people", event.clusters, None)
                case StageStarted() if event.stage in _KINDS:
                    self._start(f"write {event.connection}/{_KINDS[event.stage]}", event.total)
                case BatchPushed():
                    kind = _KINDS[f"write:{event.kind}"]
                    self._move(f"write {event.connection}/{kind}", event.rows, None)
                case Waiting():
                    self._bars.console.print(f"waiting {event.seconds:.0f} s for {event.connection}: {event.why}")
                case ConnectionFailed():
                    self._log.warning("connection_failed", connection=event.connection, stage=event.stage)
                case _:
                    pass

    def _start(self, name: str, total: int | None) -> None:
        if total and name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)

    def _move(self, name: str, steps: int, total: int | None) -> None:
        if name not in self._tasks and steps:
            self._tasks[name] = self._bars.add_task(name, total=total)
        if name in self._tasks:
            self._bars.advance(self._tasks[name], steps)
