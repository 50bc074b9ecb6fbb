"""A server whose answers trickle: a byte now and then, without an end."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"


@contextlib.contextmanager
def dripping() -> Iterator[str]:
    """Serve on loopback until the end of the block; yields the base URL."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads = [threading.Thread(target=_accept, args=(server, over), daemon=True)]
        threads[0].start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            threads[0].join()


def _accept(server: socket.socket, over: threading.Event) -> None:
    while True:
        try:
            caller, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_drip, args=(caller, over), daemon=True).start()


def _drip(caller: socket.socket, over: threading.Event) -> None:
    with caller, contextlib.suppress(OSError):
        caller.recv(65_536)
        caller.sendall(_HEAD)
        while not over.wait(0.02):
            caller.sendall(b" ")
