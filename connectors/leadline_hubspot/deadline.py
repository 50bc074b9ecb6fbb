"""Answers that keep their deadline, however slowly they drip.

A socket's timeout begins anew with every byte that arrives, so a server that sends its headers one by one
would hold a call for hours. Here what is left of the time is what the next read may take.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Stream(io.RawIOBase):
    """The bytes of a socket until the timeout that it has now is over, all reads together."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._inner: Any = sock.makefile("rb", buffering=0)
        timeout = sock.gettimeout()
        self._end = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise TimeoutError("the time for the answer is over")
            self._sock.settimeout(left)
        count: int | None = self._inner.readinto(buffer)
        return count

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *given: Any, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_Stream(sock))


class PromptHTTPConnection(HTTPConnection):
    """Plain, to a sandbox."""

    response_class = _Response


class PromptHTTPSConnection(HTTPSConnection):
    """Over TLS."""

    response_class = _Response
