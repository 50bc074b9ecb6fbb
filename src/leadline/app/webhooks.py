"""Taking webhooks: what a proved request names is stored before it is answered, and the worker is woken.

Nothing of an unproved request is stored or believed. What is stored is only which records to look at;
`leadline.app.fetch` reads them.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from leadline.sdk.errors import TransientError, WebhookError
from leadline.store import notices
from leadline.store.database import impatient, reading

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project
    from leadline.sdk.ports import Webhooks
    from leadline.sdk.records import Notice, WebhookCall

PATH = "/webhooks"
"""Webhooks of a connection come to this path and the connection's name."""

_PATIENCE = 2.5
"""Seconds to wait for the database: half of what vendors wait for an answer."""

_QUIET = 60.0
"""Seconds in which refusals of one kind are one line of the log: anybody can send a forged request."""

_NOT_NOW = (OperationalError, NoConnectionError)
_TOLD = ("received", "noticed", "ignored", "refused", "busy")


def address(base: str, name: str) -> str:
    """Where a connection's webhooks are taken, below the worker's own address."""
    return f"{base}{PATH}/{name}"


class Receiver:
    """Takes the webhooks of a project's connections, from any thread. Close it."""

    def __init__(
        self,
        project: Project,
        *,
        wake: Callable[[], None],
        patience: float = _PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`wake` is called when records have been noted; `patience` is how many seconds the database may take.

        ConfigError for options that cannot work.
        """
        self._project = project
        self._wake = wake
        self._readers: dict[str, Webhooks] = {}
        for name, live in project.connections.items():
            reader = live.webhooks()
            if reader is not None:
                self._readers[name] = reader
        self._engine = impatient(project.engine, patience)
        self._counted: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._log = _Sparing(clock)

    @property
    def names(self) -> list[str]:
        """The connections whose webhooks are taken."""
        return list(self._readers)

    def take(self, name: str, call: WebhookCall) -> int:
        """Note the records that a request names. Returns how many of them the mapping reads.

        WebhookError when it is not believed, and 404 for a connection that takes none. TransientError
        when the database does not answer in time: nothing is noted, and the vendor may send it again.
        """
        try:
            named = self._proved(name, call)
        except WebhookError as error:
            self.refuse(name, error)
            raise
        known = self._project.connections[name].mapping.objects
        wanted = [notice for notice in named if notice.object in known and notice.record_id]
        noted = self._note(name, wanted) if wanted else 0
        self._count(received=1, noticed=noted, ignored=len(named) - len(wanted))
        if noted:
            self._wake()
        return noted

    def refuse(self, name: str, error: WebhookError) -> None:
        """Count a request that is not believed, and log why."""
        self._count(refused=1)
        self._log("webhook_refused", connection=name, status=error.status, reason=str(error))

    def state(self) -> dict[str, Any]:
        """What came since the start, and what waits in the database. TransientError when that does not answer."""
        try:
            with reading(self._engine).begin() as connection:
                waiting = notices.count_waiting(connection)
        except _NOT_NOW as error:
            raise TransientError(f"the database does not answer: {type(error).__name__}") from error
        since = None if waiting.since is None else max(self._project.now() - waiting.since, 0)
        with self._lock:
            counted = {name: self._counted[name] for name in _TOLD}
        return {**counted, "pending": waiting.records, "oldest_pending_seconds": since}

    def close(self) -> None:
        """Give the database back."""
        self._engine.dispose()

    def _proved(self, name: str, call: WebhookCall) -> list[Notice]:
        reader = self._readers.get(name)
        if reader is not None:
            return reader.read(call)
        if name in self._project.connections:
            raise WebhookError(
                "this connection takes no webhooks",
                status=404,
                fix="Give it the secret that its connector proves them with; docs/webhooks.md shows how.",
            )
        raise WebhookError("there is no such connection", status=404)

    def _note(self, name: str, wanted: list[Notice]) -> int:
        try:
            with self._engine.begin() as connection:
                return notices.note(connection, name, wanted, now=self._project.now())
        except _NOT_NOW as error:
            self._count(busy=1)
            self._log("webhook_not_stored", connection=name, status=503, reason=type(error).__name__)
            raise TransientError("the database is busy") from error

    def _count(self, **counts: int) -> None:
        with self._lock:
            self._counted.update(counts)


class _Sparing:
    """Warnings, of which those of one kind are told once in a while, with how many there were."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._log = structlog.get_logger("leadline.webhooks")
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str, int], float] = {}
        self._held: Counter[tuple[str, str, int]] = Counter()

    def __call__(self, event: str, *, connection: str, status: int, reason: str) -> None:
        """Log the event, or count it for the next line of its kind."""
        # Whoever sends forged requests chooses the name: they must not fill the memory with names.
        kind = (event, "" if status == 404 else connection, status)
        with self._lock:
            now = self._clock()
            last = self._last.get(kind)
            if last is not None and now - last < _QUIET:
                self._held[kind] += 1
                return
            self._last[kind] = now
            held = self._held.pop(kind, 0)
        self._log.warning(event, connection=connection, status=status, reason=reason, held_back=held)
