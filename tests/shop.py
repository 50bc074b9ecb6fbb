"""A vendor as small as one can be, and how to ask its sandbox things: for tests of the base server."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.faults import Faults
from leadline.sdk.sandbox.server import json_response
from leadline.sdk.sandbox.world import World

NOW = 1_760_000_000


class Shop:
    """A vendor with one object, thing: POST /things keeps rows and refuses some on request, PATCH changes one.

    Its list, which is also its search, trails `search_lag` seconds behind.
    """

    name = "shop"

    def __init__(self, world: World, clock: SandboxClock, faults: Faults) -> None:
        self.things: list[dict[str, Any]] = []
        self.clock = clock
        self.faults = faults
        self.search_lag = 0.0

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/things", self.post, methods=["POST"]),
            Route("/things", self.get, methods=["GET"]),
            Route("/things/{id}", self.patch, methods=["PATCH"]),
            Route("/delay", self.delay),
        ]

    async def delay(self, request: Request) -> Response:
        """Whether the kernel may hold small replies back (Nagle)."""
        connection = request.scope["leadline.transport"].get_extra_info("socket")
        return json_response(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 0)

    async def post(self, request: Request) -> Response:
        rows = await request.json()
        answers = []
        for row in rows:
            refusal = self.faults.refusal("thing", row["id"])
            if refusal is None:
                self.things.append({**row, "at": self.clock.now()})
            answers.append({"id": row["id"], "error": refusal.code if refusal else None})
        request.state.records = len(rows)
        return json_response(answers)

    async def get(self, request: Request) -> Response:
        found = [thing for thing in self.things if thing["at"] <= self.clock.now() - self.search_lag]
        request.state.records = len(found)
        return json_response(found)

    async def patch(self, request: Request) -> Response:
        thing = self._set(request.path_params["id"], await request.json())
        return json_response({}, 404) if thing is None else json_response(thing)

    def _set(self, record_id: str, fields: Mapping[str, Any]) -> dict[str, Any] | None:
        for thing in self.things:
            if thing["id"] == record_id:
                before = dict(thing)
                thing |= {**fields, "at": self.clock.now()}
                self.faults.wrote("thing", record_id, before, thing)
                return thing
        return None

    def fault_response(self, status: int, code: str | None) -> Response:
        return json_response({"shop_error": code or "BUSY"}, status)

    def credentials(self, base_url: str) -> dict[str, str]:
        return {"base_url": base_url, "token": "t"}

    def unassigned_owners(self) -> tuple[str, ...]:
        return ("nobody@example.com",)

    def state(self) -> Mapping[str, list[dict[str, Any]]]:
        return {"thing": self.things}

    def edit(self, command: Mapping[str, Any]) -> dict[str, Any]:
        if command.get("action") == "update":
            if self._set(command["id"], command["fields"]) is None:
                raise ValueError(f"no thing {command['id']}")
            return {"id": command["id"]}
        if command.get("action") != "create":
            raise ValueError("this shop only creates and updates")
        self.things.append(dict(command["fields"]))
        return {"id": command["fields"]["id"]}


def rows(*ids: str) -> list[dict[str, str]]:
    return [{"id": one} for one in ids]


def logged(http: httpx.Client, since: int = 0) -> list[dict[str, Any]]:
    answer = http.get("/__sandbox__/requests", params={"since": since}).json()
    found: list[dict[str, Any]] = answer["requests"]
    return found


def fault(http: httpx.Client, rule: object) -> None:
    assert http.post("/__sandbox__/faults", json=rule).status_code == 200
