"""A connector, its running sandbox, and readers of both: all that a check works with.

The sandbox is spoken to over HTTP only: by the connector as a vendor, by the suite through the
control surface. What is true is what the control surface's state shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from leadline.sdk.ports import Runtime
from leadline.sdk.records import Cursor, Page, PullRequest, RawRecord
from leadline.sdk.sandbox.server import running
from leadline.sdk.sandbox.vendor import Conformant, Paged
from leadline.sdk.testing.surface import Surface
from leadline.sdk.testing.trial import trial_world

if TYPE_CHECKING:
    from leadline.sdk.ports import CallMade, Connection, Connector
    from leadline.sdk.sandbox.server import RunningSandbox
    from leadline.sdk.sandbox.vendor import VendorFactory
    from leadline.sdk.testing.subjects import Subject
    from leadline.sdk.testing.trouble import Trouble

PAGE = 25
"""Rows of a page that the suite asks a sandbox for that can give fewer than its vendor's."""


@dataclass
class Copy:
    """What a reader has stored: the latest word on each record, and the cursor to go on from."""

    records: dict[str, RawRecord] = field(default_factory=dict)
    cursor: Cursor | None = None

    def store(self, page: Page) -> None:
        """Records and cursor together, the cursor as it comes back from a database."""
        self.records.update((record.id, record) for record in page.records)
        self.cursor = Cursor(json.loads(json.dumps(page.cursor.position)))

    @property
    def living(self) -> set[str]:
        """Ids that are not known to be deleted."""
        return {record_id for record_id, record in self.records.items() if not record.deleted}


class Lab:
    """One running sandbox and connections to it. Made by `open_lab`."""

    def __init__(self, connector: Connector, sandbox: RunningSandbox, options: Mapping[str, object]) -> None:
        self.connector = connector
        self.sandbox = sandbox
        self.surface = Surface(sandbox.base_url)
        self.told: Mapping[str, Any] = sandbox.vendor.conformance() if isinstance(sandbox.vendor, Conformant) else {}
        self.options: dict[str, object] = {**sandbox.credentials, **self.told.get("options", {}), **options}
        self.page = page_size(connector)
        self.calls: list[CallMade] = []
        self.on_call: Callable[[CallMade], None] = lambda _: None
        self._connections: list[Connection] = []

    @property
    def now(self) -> int:
        """The worker's time."""
        return int(self.sandbox.clock.unskewed())

    def runtime(self, *, timeout: float = 10.0, attempts: int = 5) -> Runtime:
        """What the engine would lend. Sleeping passes the sandbox's time, and nobody else's."""
        return Runtime(
            name="suite",
            now=lambda: self.now,
            sleep=self.sandbox.clock.advance,
            timeout=timeout,
            attempts=attempts,
            on_call=self._hear,
        )

    def _hear(self, call: CallMade) -> None:
        self.calls.append(call)
        self.on_call(call)

    def connect(
        self, *, timeout: float = 10.0, attempts: int = 5, options: Mapping[str, object] | None = None
    ) -> Connection:
        """A new connection, its options changed by `options`; closed with the lab."""
        runtime = self.runtime(timeout=timeout, attempts=attempts)
        connection = self.connector.connect({**self.options, **(options or {})}, runtime)
        self._connections.append(connection)
        return connection

    def close(self) -> None:
        """Close every connection that was made."""
        for connection in self._connections:
            connection.close()

    def fault(self, trouble: Trouble, **more: object) -> None:
        """Trouble for every call until the sandbox is told to behave, or as `more` says."""
        self.surface.fault(**{"times": None, **trouble.rule, **more})

    def later(self, seconds: float = 3_600.0) -> None:
        """Time passes, for the sandbox and for the worker."""
        self.sandbox.clock.advance(seconds)

    def request(self, subject: Subject, cursor: Cursor | None = None) -> PullRequest:
        """A request for the subject's fields."""
        return PullRequest(subject.object, subject.fields, (), cursor, self.now)

    def pages(self, connection: Connection, subject: Subject, cursor: Cursor | None = None) -> Iterator[Page]:
        """Pull from the cursor on."""
        return connection.pull(self.request(subject, cursor))

    def read(self, connection: Connection, subject: Subject, copy: Copy | None = None) -> Copy:
        """Read to the end, from where the copy stands."""
        kept = Copy() if copy is None else copy
        for page in self.pages(connection, subject, kept.cursor):
            kept.store(page)
        return kept

    def fetched(self, subject: Subject, ids: list[str]) -> dict[str, RawRecord]:
        """The records as they are now, read by a connection of their own while nothing is wrong."""
        connection = self.connect()
        return {record.id: record for record in connection.fetch(self.request(subject), ids)}


def page_size(connector: Connector) -> int:
    """Rows of a page in a lab."""
    return PAGE if hasattr(connector.sandbox(), "page_size") else connector.capabilities.page_size


@contextmanager
def open_lab(connector: Connector, options: Mapping[str, object], *, rows: int | None = None) -> Iterator[Lab]:
    """A lab over the connector's own sandbox. `rows` is the number of contacts, three pages and a bit unless told."""
    factory = cast("VendorFactory", connector.sandbox())
    with ExitStack() as stack:
        sandbox = stack.enter_context(running(factory, trial_world(rows or 3 * page_size(connector) + 7)))
        if isinstance(sandbox.vendor, Paged):
            sandbox.vendor.page_size = PAGE
        lab = Lab(connector, sandbox, options)
        stack.callback(lab.close)
        yield lab
