"""What a vendor's sandbox gives to the base server.

The base (`server.py`) owns HTTP, TLS, latency, the request log, faults on whole calls and the
control surface under `/__sandbox__/`. A vendor owns its paths, its records and its error bodies.
Handlers are `async def` and never await anything slow: one event loop thread, so no locks.

A vendor tells `Faults.wrote` of every change of an existing record, which makes automation possible.
What only some vendors have is in small protocols of its own below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline.sdk.sandbox.faults import Faults
    from leadline.sdk.sandbox.world import World


class VendorSandbox(Protocol):
    """One vendor's local server, without the socket."""

    name: str

    def routes(self) -> Sequence[BaseRoute]: ...

    # The vendor's error body for a status injected by a fault.
    def fault_response(self, status: int, code: str | None) -> Response: ...

    # Options for this connector's connection, ready for the settings file: base URL, credentials.
    def credentials(self, base_url: str) -> dict[str, str]: ...

    # E-mail addresses of owners that stand for nobody, such as the user of an integration.
    def unassigned_owners(self) -> Sequence[str]: ...

    # Every record by object name, deleted ones included, as JSON.
    def state(self) -> Mapping[str, list[dict[str, Any]]]: ...

    # A user edits in the CRM: {"action": "create"|"update"|"delete", "object": ..., "id": ..., "fields": {...}}.
    # Returns {"id": ...}. ValueError with a plain message when it makes no sense.
    def edit(self, command: Mapping[str, Any]) -> dict[str, Any]: ...


@runtime_checkable
class SignIns(Protocol):
    """A sandbox that can be signed in to in more ways than `credentials` says."""

    # Options for each further way, by its name.
    def sign_ins(self, base_url: str) -> Mapping[str, Mapping[str, str]]: ...


@runtime_checkable
class Controls(Protocol):
    """A sandbox with calls of its own on the control surface."""

    # Names under `/__sandbox__/`, and what answers them: it takes the method (GET, POST or DELETE) and the
    # JSON sent (None for none) and returns JSON. ValueError with a plain message when it makes no sense.
    def controls(self) -> Mapping[str, Callable[[str, Any], Any]]: ...


@runtime_checkable
class Lagging(Protocol):
    """A sandbox whose search trails `search_lag` seconds of its clock behind writes. May be set at any time."""

    search_lag: float


@runtime_checkable
class Paged(Protocol):
    """A sandbox that can give shorter pages than the vendor's: at most `page_size` rows. May be set at any time."""

    page_size: int


@runtime_checkable
class Conformant(Protocol):
    """A sandbox that tells the suite of `leadline.sdk.testing` what it cannot find out by itself."""

    # Called once, before the first call; limits on rates may be lifted then. `docs/connectors.md` has the keys.
    def conformance(self) -> Mapping[str, Any]: ...


# (world, clock, faults) -> vendor
VendorFactory: TypeAlias = Callable[["World", "SandboxClock", "Faults"], VendorSandbox]
