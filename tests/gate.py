"""A gate before a sandbox's paths, at which chosen calls are held until their caller is gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline.sdk.sandbox.faults import Faults
    from leadline.sdk.sandbox.vendor import VendorFactory, VendorSandbox
    from leadline.sdk.sandbox.world import World

# (method, path) -> whether the call counts
Matches = Callable[[str, str], bool]


class Lost(StrEnum):
    """What becomes of a held call whose caller is killed."""

    NEVER_ARRIVED = "never arrived"
    APPLIED = "applied, never answered"
    APPLIED_LATER = "applied once the caller was gone"


class Hold:
    """The wish to hold the `number`-th matching call (1 is the next one). `reached` is set when it is being held."""

    def __init__(self, number: int, lost: Lost, matches: Matches) -> None:
        self.number = number
        self.lost = lost
        self.matches = matches
        self.reached = threading.Event()
        self.done = threading.Event()
        self.call = ""
        self._free = threading.Event()

    def release(self) -> None:
        """The caller is gone: let happen what is left to happen, and wait for it."""
        self._free.set()
        self.done.wait()

    async def wait(self, call: str) -> None:
        """Hold this call until it is released."""
        self.call = call
        self.reached.set()
        while not self._free.is_set():
            await asyncio.sleep(0.002)


class Gate:
    """Shared by all sandboxes of a stage. Calls pass until a hold is set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hold: Hold | None = None
        self.seen: list[str] = []

    def hold(self, number: int, lost: Lost, matches: Matches = lambda _method, _path: True) -> Hold:
        """Hold the `number`-th matching call from now on. An earlier hold that was not reached is dropped."""
        hold = Hold(number, lost, matches)
        with self._lock:
            self._hold = hold
        return hold

    def open(self) -> None:
        """Drop a hold that was not reached."""
        with self._lock:
            self._hold = None

    def take(self, method: str, path: str) -> Hold | None:
        """The hold that this call runs into, counting it."""
        with self._lock:
            self.seen.append(f"{method} {path}")
            hold = self._hold
            if hold is None or not hold.matches(method, path):
                return None
            hold.number -= 1
            if hold.number:
                return None
            self._hold = None
            return hold


async def _read(receive: Receive) -> Message:
    """The whole body of a request, as one message."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return {"type": "http.request", "body": body, "more_body": False}


class _Gated:
    """A vendor whose calls pass the gate."""

    def __init__(self, vendor: VendorSandbox, gate: Gate) -> None:
        self.name = vendor.name
        self.inner = vendor
        self._gate = gate
        self._app: ASGIApp = Starlette(routes=list(vendor.routes()))

    def routes(self) -> Sequence[BaseRoute]:
        return [Mount("", app=self._pass)]

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        hold = self._gate.take(scope["method"], scope["path"])
        if hold is None:
            await self._app(scope, receive, send)
            return
        try:
            await self._lose(hold, scope, receive, send)
        finally:
            hold.done.set()

    async def _lose(self, hold: Hold, scope: Scope, receive: Receive, send: Send) -> None:
        call = f"{scope['method']} {scope['path']}"
        body = await _read(receive)  # all of it, before the caller is gone
        reply: list[Message] = []

        async def receive_body() -> Message:
            return body

        async def keep(message: Message) -> None:
            reply.append(message)

        if hold.lost is Lost.APPLIED:
            await self._app(scope, receive_body, keep)
        await hold.wait(call)
        if hold.lost is Lost.APPLIED_LATER:
            await self._app(scope, receive_body, keep)
        if not reply:
            await Response(status_code=503)(scope, receive_body, keep)
        for message in reply:
            await send(message)

    def fault_response(self, status: int, code: str | None) -> Response:
        return self.inner.fault_response(status, code)

    def credentials(self, base_url: str) -> dict[str, str]:
        return self.inner.credentials(base_url)

    def unassigned_owners(self) -> Sequence[str]:
        return self.inner.unassigned_owners()

    def state(self) -> Mapping[str, list[dict[str, Any]]]:
        return self.inner.state()

    def edit(self, command: Mapping[str, Any]) -> dict[str, Any]:
        return self.inner.edit(command)


def gated(factory: VendorFactory, gate: Gate) -> VendorFactory:
    """The factory of the same sandbox behind the gate."""

    def make(world: World, clock: SandboxClock, faults: Faults) -> VendorSandbox:
        return _Gated(factory(world, clock, faults), gate)

    return make
