"""How a sandbox does one call wrong on the wire: late, cut short, drop by drop, or not at all."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from leadline.sdk.sandbox.faults import Fault
    from leadline.sdk.sandbox.vendor import VendorSandbox

TRANSPORT = "leadline.transport"
"""The key of the connection in an ASGI scope; the sandbox's own server puts it there."""
_LOOK = 0.05  # seconds between two looks at whether somebody is still there


def wrong(fault: Fault, vendor: VendorSandbox, app: ASGIApp) -> ASGIApp:
    """What handles one call as `fault` says, by `app` when it is to be handled at all."""
    handler = app if fault.status is None and fault.body is None else _answer(fault, vendor)

    async def misbehave(scope: Scope, receive: Receive, send: Send) -> None:
        await _misbehave(fault, handler, scope, receive, send)

    return misbehave


async def _misbehave(fault: Fault, handler: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.drop_request:
        while (await receive()).get("more_body"):  # unread input would make the close a reset
            pass
        await _hang_up(scope, receive)
    elif fault.drop_reply:
        await handler(scope, receive, _swallow)
        await _hang_up(scope, receive)
    elif fault.drip or fault.truncate is not None:
        await _slowly(fault, handler, scope, receive, send)
    else:
        await handler(scope, receive, send)


def _answer(fault: Fault, vendor: VendorSandbox) -> Response:
    if fault.body is None:
        response = vendor.fault_response(fault.status or 200, fault.code)
    else:
        response = Response(fault.body, fault.status or 200, media_type=fault.content_type)
    response.headers.update(fault.headers)
    return response


async def _slowly(fault: Fault, handler: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """The whole answer is made first, then sent in pieces, up to where it is cut off."""
    held: list[Message] = []

    async def hold(message: Message) -> None:
        held.append(message)

    await handler(scope, receive, hold)
    body = b"".join(message.get("body", b"") for message in held if message["type"] == "http.response.body")
    await send(next(message for message in held if message["type"] == "http.response.start"))
    end = len(body) if fault.truncate is None else int(len(body) * fault.truncate)
    pieces = _pieces(end, fault)
    # A body of few bytes makes few pieces: they come more slowly, so that the whole takes as long.
    pause = max(fault.drip, fault.drip_for / len(pieces)) if fault.drip and pieces else 0.0
    for start, stop in pieces:
        await send({"type": "http.response.body", "body": body[start:stop], "more_body": True})
        if await _gone(_transport(scope), pause):
            return
    if fault.truncate is not None:
        await _hang_up(scope, receive, flush=True)
    else:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(transport: asyncio.Transport, pause: float) -> bool:
    """Wait so many seconds; True, and sooner, when the reader has hung up."""
    end = time.monotonic() + pause
    while not transport.is_closing():
        left = end - time.monotonic()
        if left <= 0:
            return False
        await asyncio.sleep(min(left, _LOOK))
    return True


def _pieces(end: int, fault: Fault) -> list[tuple[int, int]]:
    """Where each piece of a body of `end` bytes begins and stops."""
    wanted = round(fault.drip_for / fault.drip) if fault.drip else 1
    size = max(1, -(-end // max(1, wanted)))
    return [(start, min(start + size, end)) for start in range(0, end, size)]


async def _swallow(_: Message) -> None:
    """A reply that never reaches the wire."""


def _transport(scope: Scope) -> asyncio.Transport:
    transport: asyncio.Transport | None = scope.get(TRANSPORT)
    if transport is None:
        raise RuntimeError("dropping a reply needs the sandbox's own server")
    return transport


async def _hang_up(scope: Scope, receive: Receive, *, flush: bool = False) -> None:
    """Close the connection, which is how a lost reply looks to a client; with `flush` after what was sent so far."""
    transport = _transport(scope)
    if flush:
        transport.close()
    else:
        transport.abort()
    # The server answers 500 for a handler that returns without a reply unless the connection is
    # known to be gone, so wait until it is.
    while (await receive())["type"] != "http.disconnect":
        pass
