"""Serving an application from a thread of the worker's process."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from leadline.sdk.errors import ConfigError

if TYPE_CHECKING:
    from starlette.applications import Starlette

_STOP_SECONDS = 10.0


@contextmanager
def serving(app: Starlette, *, host: str, port: int) -> Iterator[int]:
    """Serve from a thread until the end of the block; yields the port. ConfigError when it cannot be had."""
    door = _bound(host, port)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,  # its log goes where ours goes
            log_level="warning",
            lifespan="off",
            proxy_headers=False,  # anybody can send X-Forwarded-*: the public address is a setting
            server_header=False,
            timeout_graceful_shutdown=round(_STOP_SECONDS / 2),
        )
    )
    thread = threading.Thread(target=server.run, args=([door],), name="web", daemon=True)
    thread.start()
    try:
        yield int(door.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=_STOP_SECONDS)
        door.close()


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        # What `create_server` says in strerror repeats the address.
        why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise ConfigError(
            f"port {port} on {host} cannot be served: {(why or str(error)).lower()}",
            place="web.port",
            fix="Choose a free port and an address of this machine under `web` in leadline.yaml; port 0 takes any.",
        ) from None
