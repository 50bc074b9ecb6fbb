"""The health endpoint: `GET /healthz`, 200 while syncs run and end well, 503 otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from starlette.requests import Request

    from leadline.app.schedule import Health

_START_SECONDS = 10.0


def health_app(health: Health, *, every_seconds: int) -> Starlette:
    """The application."""

    async def healthz(_: Request) -> JSONResponse:
        status, body = health.answer(every_seconds)
        return JSONResponse(body, status_code=status)

    return Starlette(routes=[Route("/healthz", healthz, methods=["GET"])])


@contextmanager
def serving(app: Starlette, *, host: str, port: int) -> Iterator[int]:
    """Serve from a thread until the end of the block; yields the port. ConfigError when it cannot be had."""
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning", lifespan="off"))
    started = threading.Event()
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            server.run()
        except SystemExit as error:  # uvicorn's way of saying that the port is taken
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=serve, name="health", daemon=True)
    thread.start()
    waited = 0.0
    while not server.started and not started.is_set() and waited < _START_SECONDS:
        started.wait(0.02)
        waited += 0.02
    if failed or not server.started:
        raise ConfigError(
            f"port {port} on {host} cannot be served",
            place="web.port",
            fix="Choose a free port in leadline.yaml, or 0 for any.",
        )
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=_START_SECONDS)
