"""A proxy that stands between a client and a server and may put another answer in the place of the server's."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_OF_THE_HOP = frozenset({"host", "connection", "accept-encoding", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Mangle = Callable[[str, str, Answer], Answer]
"""From method, path and the server's answer to the answer that is given."""


class Proxy:
    """`mangle` sees each answer; None leaves them alone."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.mangle: Mangle | None = None
        self.base_url = ""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        onward = http.client.HTTPConnection(str(self.target.hostname), self.target.port, timeout=30)
        try:
            onward.request(method, path, body=body or None, headers=_kept(headers))
            reply = onward.getresponse()
            given = Answer(reply.status, _kept(dict(reply.getheaders())), reply.read())
        finally:
            onward.close()
        return self.mangle(method, path, given) if self.mangle is not None else given


@contextmanager
def proxied(target: str) -> Iterator[Proxy]:
    """Serve on loopback until the end of the block."""
    proxy = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = proxy.answer(self.command, self.path, dict(self.headers.items()), body)
            self.send_response_only(given.status)
            for name, value in given.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        proxy.base_url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_THE_HOP}
