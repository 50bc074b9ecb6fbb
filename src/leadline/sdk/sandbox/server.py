"""Serves a vendor's sandbox over real HTTP on 127.0.0.1, and nowhere else.

    client ──▶ Edge: control surface? ──▶ control.py
                 │ latency · fault · request log · Date by the sandbox's clock
                 ▼
               the vendor's routes

Plain ASGI all the way: a reply of thousands of rows passes through as the bytes that the vendor
made. One event loop thread per sandbox, so neither vendors nor this file need locks.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from leadline.sdk.errors import ConfigError
from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.control import PREFIX, Control, json_response
from leadline.sdk.sandbox.faults import Faults
from leadline.sdk.sandbox.latency import Latency
from leadline.sdk.sandbox.misbehaviour import TRANSPORT, wrong
from leadline.sdk.sandbox.requestlog import RequestLog
from leadline.sdk.sandbox.tls import TlsFiles, throwaway_authority

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from leadline.sdk.sandbox.vendor import VendorFactory, VendorSandbox
    from leadline.sdk.sandbox.world import World

__all__ = ["RunningSandbox", "build_app", "json_response", "running", "serve_forever"]

HOST = "127.0.0.1"
_GRACE_SECONDS = 5  # that calls in flight have to end when a sandbox is stopped


class _Edge:
    """What happens to every call before and after the vendor's handler."""

    def __init__(
        self, vendor: VendorSandbox, clock: SandboxClock, faults: Faults, log: RequestLog, latency: Latency
    ) -> None:
        self._vendor = vendor
        self._app: ASGIApp = Starlette(routes=list(vendor.routes()))
        self._control: ASGIApp = Control(vendor, clock, faults, log, latency).app()
        self._clock = clock
        self._faults = faults
        self._log = log
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(PREFIX):
            self._automate()
            await self._control(scope, receive, send)
        else:
            await self._exchange(scope, receive, send)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        state: dict[str, Any] = scope.setdefault("state", {})
        arrived, began = self._clock.now(), time.perf_counter()
        status = 0

        async def dated(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                # Before the reply leaves, so that its reader sees what automation made of its write.
                self._automate()
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"date", formatdate(self._clock.now(), usegmt=True).encode()),
                ]
            await send(message)

        fault = self._faults.take(method, path)
        wait = self._latency.seconds()
        try:
            if wait:
                await asyncio.sleep(wait)
            self._automate()
            if fault is None:
                await self._app(scope, receive, dated)
            else:
                await wrong(fault, self._vendor, self._app)(scope, receive, dated)
        finally:
            self._log.add(
                method=method,
                path=path,
                query=scope["query_string"].decode("latin-1"),
                status=status,
                records=state.get("records"),
                time=arrived,
                seconds=time.perf_counter() - began,
                fault=fault.label if fault else "",
            )

    def _automate(self) -> None:
        self._faults.automate(self._vendor.edit, self._clock.now())


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also lends handlers the connection so that they can hang up."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the base class does
        super().connection_made(transport)
        inner = cast("ASGIApp", self.app)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            await inner(scope, receive, send)

        self.app = app


class _Server(uvicorn.Server):
    """A uvicorn that leaves signals to the caller, so that it can live in a thread, and stops when
    told instead of asking ten times a second whether it should."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._wake: Callable[[], object] = lambda: None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        # A second stop may come when the loop is already closed.
        self._wake = lambda: loop.is_closed() or loop.call_soon_threadsafe(stopped.set)
        if not self.should_exit:
            await stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As the base class does, without its waits of a tenth of a second: idle connections go at once."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        loop = asyncio.get_running_loop()
        end = loop.time() + _GRACE_SECONDS
        while (self.server_state.connections or self.server_state.tasks) and loop.time() < end:
            await asyncio.sleep(0.001)
        for task in self.server_state.tasks:
            task.cancel("the sandbox was stopped")
        for server in self.servers:
            await server.wait_closed()

    def stop(self) -> None:
        """Finish calls in flight and return from `run`. Any thread, and signal handlers."""
        self.should_exit = True
        self._wake()


def build_app(
    vendor: VendorSandbox,
    clock: SandboxClock,
    faults: Faults,
    latency_ms: float = 0.0,
    log: RequestLog | None = None,
    *,
    latency: Latency | None = None,
) -> ASGIApp:
    """The ASGI application of a sandbox: the vendor's routes and the control surface.

    `latency_ms` is added to every call of the vendor's paths, unless `latency` says more. Dropping
    and dripping replies works only under `running` and `serve_forever`, which own the connection.
    """
    return _Edge(vendor, clock, faults, log or RequestLog(), latency or Latency(latency_ms))


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that is being served. `credentials` are options for the connector's connection."""

    base_url: str
    credentials: Mapping[str, str]
    clock: SandboxClock
    faults: Faults
    requests: RequestLog
    vendor: VendorSandbox
    ca_file: Path | None = None
    latency: Latency = field(default_factory=Latency)


def _listen(port: int) -> socket.socket:
    """A listening socket on loopback. ConfigError when the port is taken."""
    # With the protocol named, asyncio turns Nagle's delay off: 40 ms less per call.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Port {port} of {HOST} cannot be used: {error.strerror}.",
            fix="Choose another port, or 0 for any free one.",
            place="port",
        ) from error
    # Listening before the server thread runs: a client that connects at once waits in the backlog.
    listener.listen(128)
    return listener


@contextmanager
def _prepared(
    factory: VendorFactory, world: World, *, clock: SandboxClock, latency: Latency, tls: bool, port: int
) -> Iterator[tuple[RunningSandbox, Callable[[], None], _Server]]:
    """Everything but the loop: the sandbox, a function that serves until told to stop, and the server."""
    with ExitStack() as stack:
        files: TlsFiles | None = stack.enter_context(throwaway_authority()) if tls else None
        listener = stack.enter_context(_listen(port))
        base_url = f"{'https' if tls else 'http'}://{HOST}:{listener.getsockname()[1]}"
        faults, log = Faults(), RequestLog()
        vendor = factory(world, clock, faults)
        credentials = dict(vendor.credentials(base_url))
        if files:
            credentials["ca_file"] = str(files.ca_file)
        server = _Server(
            uvicorn.Config(
                cast("Any", build_app(vendor, clock, faults, log=log, latency=latency)),
                http=_Protocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                date_header=False,  # by the sandbox's clock instead
                server_header=False,
                timeout_keep_alive=300,  # not shorter than a client's pause between two stages
                timeout_graceful_shutdown=_GRACE_SECONDS,
                h11_max_incomplete_event_size=1 << 20,  # long queries travel in the URL
                ssl_certfile=str(files.server_file) if files else None,
                ssl_keyfile=str(files.server_file) if files else None,
            )
        )
        sandbox = RunningSandbox(
            base_url,
            credentials,
            clock,
            faults,
            log,
            vendor,
            ca_file=files.ca_file if files else None,
            latency=latency,
        )
        yield sandbox, lambda: server.run(sockets=[listener]), server


@contextmanager
def running(
    factory: VendorFactory,
    world: World,
    *,
    clock: SandboxClock | None = None,
    latency_ms: float = 0.0,
    jitter_ms: float = 0.0,
    tls: bool = False,
    port: int = 0,
) -> Iterator[RunningSandbox]:
    """Serve a sandbox from a thread of this process while the block lasts.

    The clock stands at the world's `now` unless one is given. `port` 0 takes any free one.
    """
    if clock is None:
        clock = SandboxClock()
        clock.set(world.now)
    latency = Latency(latency_ms, jitter_ms)
    with _prepared(factory, world, clock=clock, latency=latency, tls=tls, port=port) as (sandbox, serve, server):
        thread = threading.Thread(target=serve, name=f"sandbox-{sandbox.vendor.name}", daemon=True)
        thread.start()
        try:
            yield sandbox
        finally:
            server.stop()
            thread.join()


def serve_forever(
    factory: VendorFactory,
    world: World,
    *,
    clock: SandboxClock,
    announce: Callable[[RunningSandbox], None],
    latency_ms: float = 0.0,
    jitter_ms: float = 0.0,
    tls: bool = False,
    port: int = 0,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish calls in flight and return. Main thread only.

    `announce` is called once, when the socket takes connections.
    """
    latency = Latency(latency_ms, jitter_ms)
    with _prepared(factory, world, clock=clock, latency=latency, tls=tls, port=port) as (sandbox, serve, server):

        def stop(_signal: int, _frame: object) -> None:
            server.stop()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            announce(sandbox)
            serve()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
