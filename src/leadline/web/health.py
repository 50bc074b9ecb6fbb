"""The health endpoint: `GET /healthz`, 200 while syncs run and end well, 503 otherwise."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.routing import Route

from leadline.sdk.errors import TransientError

if TYPE_CHECKING:
    from starlette.requests import Request

    from leadline.app.schedule import Health
    from leadline.app.webhooks import Receiver


def health_route(health: Health, receiver: Receiver, *, every_seconds: int) -> Route:
    """The route. A database that does not answer is told, and is no health."""

    async def healthz(_: Request) -> JSONResponse:
        status, body = health.answer(every_seconds)
        try:
            webhooks = await asyncio.to_thread(receiver.state)
        except TransientError as error:
            return JSONResponse({**body, "status": "failing", "last_error": error.message}, status_code=503)
        return JSONResponse({**body, "webhooks": webhooks}, status_code=status)

    return Route("/healthz", healthz, methods=["GET"])
