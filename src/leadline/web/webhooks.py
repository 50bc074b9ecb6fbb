"""`POST /webhooks/{connection}`: 200 when what the request names is stored, so that the vendor may forget it.

Vendors wait five seconds for an answer and send again after a 5xx. An answer tells a stranger nothing
but why the request is not believed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Route

from leadline.app.webhooks import PATH
from leadline.sdk.errors import TransientError, WebhookError
from leadline.sdk.records import WebhookCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from leadline.app.webhooks import Receiver

MAX_BYTES = 1_048_576
"""Bytes of a body that are read. A hundred events, the most that comes at once, are 50 kB."""

DEADLINE = 4.0
"""Seconds until there is an answer, whatever happens: vendors hang up after five."""

_AGAIN = {"Retry-After": "5"}


def webhook_route(
    receiver: Receiver, *, now: Callable[[], int], public_url: str | None, deadline: float = DEADLINE
) -> Route:
    """The route. `public_url` stands before the path in the address that vendors sign; the request's own unless given.

    `deadline` is in seconds.
    """

    async def take(request: Request) -> JSONResponse:
        name = request.path_params["connection"]
        read = False
        try:
            async with asyncio.timeout(deadline):
                body = await _body(request)
                read = True
                call = WebhookCall(request.method, _url(request, public_url), _headers(request), body, now())
                # In a thread that may be left behind: the answer does not wait for it.
                noted = await asyncio.to_thread(receiver.take, name, call)
        except WebhookError as error:
            return _refused(error)
        except TransientError as error:
            return JSONResponse({"error": error.message}, status_code=503, headers=_AGAIN)
        except ClientDisconnect:
            return _refused(WebhookError("hung up before the end of the body", status=400))  # nobody reads it
        except TimeoutError:
            if read:
                return JSONResponse({"error": "it takes too long"}, status_code=503, headers=_AGAIN)
            slow = WebhookError("the body did not arrive in time", status=408)
            receiver.refuse(name, slow)
            return _refused(slow)
        return JSONResponse({"noticed": noted})

    async def _body(request: Request) -> bytes:
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > MAX_BYTES:
                large = WebhookError(f"the body is larger than {MAX_BYTES} bytes", status=413)
                receiver.refuse(request.path_params["connection"], large)
                raise large
            parts.append(part)
        return b"".join(parts)

    return Route(f"{PATH}/{{connection}}", take, methods=["POST"])


def _refused(error: WebhookError) -> JSONResponse:
    """Without the fix: it speaks of settings, and whoever sent this may be anybody."""
    return JSONResponse({"error": error.message}, status_code=error.status)


def _url(request: Request, public_url: str | None) -> str:
    """The address as the vendor called it, character by character: it is part of what is signed."""
    path = (request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1")
    query = request.scope["query_string"].decode("latin-1")
    base = public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    return f"{base}{path}?{query}" if query else f"{base}{path}"


def _headers(request: Request) -> dict[str, str]:
    """Headers by lower-case name; one that came twice is joined, so that neither of the two is believed."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
