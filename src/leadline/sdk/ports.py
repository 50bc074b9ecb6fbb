"""The few verbs that a connector implements. The prose above each is the contract.

A connector package exports one object named `connector` that satisfies `Connector`. Importing the
package must be cheap: the vendor's client is imported inside `connect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from leadline.sdk.capabilities import Capabilities
from leadline.sdk.records import (
    Effect,
    Estimate,
    Finding,
    Notice,
    ObjectSchema,
    Page,
    PullRequest,
    RawRecord,
    RowOutcome,
    WebhookCall,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from leadline.sdk.sandbox.vendor import VendorFactory


@dataclass(frozen=True, slots=True)
class CallMade:
    """One HTTP call, for counters and logs. `rows` is what it carried, where the connector knows."""

    connection: str
    method: str
    path: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the engine lends a connection.

    `name` is the connection's name in the settings. `now` gives the engine's time in whole seconds
    UTC; `sleep` waits (tests pass one that does not). `timeout` is the hard deadline of one call in
    seconds, `attempts` how often a call that may be repeated is tried. `on_call` hears of every
    call. `daily_calls` caps the calls of a day, None for no cap beyond the vendor's; `spent`
    gives how many of them earlier processes have made today (UTC).
    """

    name: str
    now: Callable[[], int]
    sleep: Callable[[float], None]
    timeout: float = 30.0
    daily_calls: int | None = None
    spent: Callable[[], int] = lambda: 0
    on_call: Callable[[CallMade], None] = lambda _: None
    attempts: int = 5


class Describer(Protocol):
    """Tells what a system holds."""

    # The named object as this user sees it. PermanentError when it does not exist or is hidden.
    def schema(self, object: str) -> ObjectSchema: ...


class Source(Describer, Protocol):
    """Reads a system."""

    # Look at reachability, credentials, permissions, API version and quota. Never raises for a
    # bad answer: each thing looked at is one Finding, with what to do when it is not well.
    def check(self) -> list[Finding]: ...

    # What reading the whole object would cost, with as few calls as possible.
    def count(self, request: PullRequest) -> Estimate: ...

    # Pages until there is no more. Every record changed since the cursor appears at least once,
    # deletes included; a record may appear twice (overlap). The cursor of a page never runs ahead
    # of the records handed over, so a reader that stores page and cursor together may die anywhere.
    # The last page is always yielded, empty if need be, so that the cursor moves.
    def pull(self, request: PullRequest) -> Iterator[Page]: ...

    # The named records as they are now, whatever any index or cursor says: what a webhook points at.
    # One record per id that exists or existed, deleted ones with `deleted=True`; ids that the system
    # has never heard of, or hides, come back as deleted too. Any number of ids; the connector batches.
    # `request.cursor` is ignored.
    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]: ...


class Sink(Protocol):
    """Writes to a system."""

    # Apply effects of one kind, at most one batch of the capabilities' size, in one go. One outcome
    # per effect, in order: a batch is never answered with a log line. Raises TransientError only
    # when it is certain that nothing was applied; when that is not certain the outcomes are UNKNOWN.
    # More than `update_batch` updates (of one object, at most `bulk_batch`) are one asynchronous job, or
    # calls side by side: the push lasts until all have ended and the rows' results are read, minutes if
    # need be, and every single call within it keeps the runtime's deadline. A row whose result never came
    # is UNKNOWN.
    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]: ...

    # Read back what became of effects whose outcome is unknown. WRITTEN when the system shows the
    # effect, REFUSED with code NOT_APPLIED when it certainly does not (the engine then plans it
    # again), UNKNOWN when it cannot be told. One outcome per effect, in order. The engine asks once no
    # call of the push can be under way any more, with as many effects as `push` takes. A job that the
    # system works off by itself outlives its calls, and its process: who pushes jobs looks here for those
    # of its user on the object that have not ended, waits for them or stops them, and answers
    # UNKNOWN for rows that such a job may still change. Rows of UNKNOWN outcome hold back newer
    # updates of the same records, so that an old job never overwrites a newer value.
    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]: ...


class Connection(Source, Sink, Protocol):
    """One signed-in system. Used by one thread at a time for writing, by several for reading."""

    def close(self) -> None: ...


class Webhooks(Protocol):
    """Understands the webhooks that one connection's system sends."""

    # The records that a request speaks of. WebhookError when it is not proved to come from the system,
    # is too old, or cannot be read; then nothing of it may be believed.
    def read(self, call: WebhookCall) -> list[Notice]: ...


class Connector(Protocol):
    """A kind of system."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    # A pydantic model of the connection's options: typed, with defaults and help; secrets are SecretStr.
    @property
    def options(self) -> type[BaseModel]: ...

    # Make a connection. Does not talk to the system yet: the first verb does.
    # ConfigError for options that cannot work.
    def connect(self, options: Mapping[str, object], runtime: Runtime) -> Connection: ...

    # The reader of the system's webhooks; None when the system sends none or the options hold no
    # secret to prove them with. ConfigError for options that cannot work.
    def webhooks(self, options: Mapping[str, object], runtime: Runtime) -> Webhooks | None: ...

    # The factory of the local sandbox, None when the connector brings none. Imports the extra
    # `leadline[sandbox]`.
    def sandbox(self) -> VendorFactory | None: ...
