"""The control surface under `/__sandbox__/`: what tests and demos do to a sandbox from outside.

GET state, GET|DELETE requests, GET|POST|DELETE faults, GET|POST clock, GET|POST latency, POST search,
POST records. A request that makes no sense gets a 400 with {"error": "a plain message"}.
`docs/sandbox.md` has the JSON.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from leadline.sdk.sandbox import rulekeys
from leadline.sdk.sandbox.clock import parse_time
from leadline.sdk.sandbox.vendor import Controls, Lagging

if TYPE_CHECKING:
    from starlette.requests import Request

    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline.sdk.sandbox.faults import Faults
    from leadline.sdk.sandbox.latency import Latency
    from leadline.sdk.sandbox.requestlog import RequestLog
    from leadline.sdk.sandbox.vendor import VendorSandbox

PREFIX = "/__sandbox__"


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON reply by orjson, which is several times faster than the standard library."""
    return Response(orjson.dumps(content), status, dict(headers or {}), media_type="application/json")


class Control:
    """The handlers of one sandbox's control surface."""

    def __init__(
        self, vendor: VendorSandbox, clock: SandboxClock, faults: Faults, log: RequestLog, latency: Latency
    ) -> None:
        self._vendor = vendor
        self._latency = latency
        self._clock = clock
        self._faults = faults
        self._log = log

    def app(self) -> Starlette:
        """The ASGI application for paths under `PREFIX`."""
        handlers: list[tuple[str, str, Callable[[Request], Awaitable[object]]]] = [
            ("GET", "state", self._get_state),
            ("GET", "requests", self._get_requests),
            ("DELETE", "requests", self._delete_requests),
            ("GET", "faults", self._get_faults),
            ("POST", "faults", self._post_faults),
            ("DELETE", "faults", self._delete_faults),
            ("GET", "clock", self._get_clock),
            ("POST", "clock", self._post_clock),
            ("GET", "latency", self._get_latency),
            ("POST", "latency", self._post_latency),
            ("POST", "search", self._post_search),
            ("POST", "records", self._post_records),
        ]
        routes = [Route(f"{PREFIX}/{path}", _answer(handler), methods=[verb]) for verb, path, handler in handlers]
        for name, command in self._vendor.controls().items() if isinstance(self._vendor, Controls) else ():
            routes.append(Route(f"{PREFIX}/{name}", _answer(_vendors(command)), methods=["GET", "POST", "DELETE"]))
        return Starlette(routes=routes)

    async def _get_state(self, request: Request) -> object:
        state = self._vendor.state()
        name = request.query_params.get("object")
        if name is None:
            return state
        if name not in state:
            raise ValueError(f"no object {name!r} here; there are {', '.join(sorted(state))}")
        return {name: state[name]}

    async def _get_requests(self, request: Request) -> object:
        since = int(request.query_params.get("since", "0"))
        entries = [entry.as_json() for entry in self._log.since(since)]
        return {"requests": entries, "next": self._log.next_index}

    async def _delete_requests(self, _: Request) -> object:
        self._log.clear()
        return {"requests": [], "next": self._log.next_index}

    async def _get_faults(self, _: Request) -> object:
        return {"faults": self._faults.describe(), "refused_automation": self._faults.refused_automation}

    async def _post_faults(self, request: Request) -> object:
        for rule in _objects(await request.body()):
            self._faults.add(rule)
        return {"faults": self._faults.describe()}

    async def _delete_faults(self, _: Request) -> object:
        self._faults.clear()
        return {"faults": []}

    async def _get_clock(self, _: Request) -> object:
        return self._clock.describe()

    async def _post_clock(self, request: Request) -> object:
        command = _object(await request.body())
        running = bool(command.get("running", False))
        if "skew_seconds" in command:
            self._clock.skew = _seconds(command, "skew_seconds")
        if "set" in command:
            self._clock.set(parse_time(command["set"]), running=running)
        elif "advance_seconds" in command:
            self._clock.advance(_seconds(command, "advance_seconds"))
        elif "running" in command:
            self._clock.set(self._clock.now(), running=running)
        elif "skew_seconds" not in command:
            raise ValueError(
                'say {"set": time}, {"advance_seconds": number}, {"skew_seconds": number} or {"running": true|false}'
            )
        return self._clock.describe()

    async def _get_latency(self, _: Request) -> object:
        return self._latency.describe()

    async def _post_latency(self, request: Request) -> object:
        command = _object(await request.body())
        rulekeys.only(command, ("ms", "jitter_ms", "seed"))
        seed = rulekeys.count(command, "seed", 0, lowest=0) or 0
        self._latency.set(rulekeys.number(command, "ms", 0.0), rulekeys.number(command, "jitter_ms", 0.0), seed)
        return self._latency.describe()

    async def _post_search(self, request: Request) -> object:
        lag = rulekeys.number(_object(await request.body()), "lag_seconds", 0.0)
        if not isinstance(self._vendor, Lagging):
            raise ValueError(f"{self._vendor.name} has no search index that could lag behind")  # noqa: TRY004
        self._vendor.search_lag = lag
        return {"lag_seconds": lag}

    async def _post_records(self, request: Request) -> object:
        body = await request.body()
        results = [self._vendor.edit(command) for command in _objects(body)]
        return {"results": results} if body.lstrip().startswith(b"[") else results[0]


def _answer(handler: Callable[[Request], Awaitable[object]]) -> Callable[[Request], Awaitable[Response]]:
    """JSON from what a handler returns; 400 with its message when it raises ValueError."""

    async def endpoint(request: Request) -> Response:
        try:
            return json_response(await handler(request))
        except ValueError as error:
            return json_response({"error": str(error)}, 400)

    return endpoint


def _vendors(command: Callable[[str, Any], Any]) -> Callable[[Request], Awaitable[object]]:
    """A vendor's own command as a handler."""

    async def handler(request: Request) -> object:
        body = await request.body()
        found: object = command(request.method, orjson.loads(body) if body else None)
        return found

    return handler


def _objects(body: bytes) -> list[dict[str, Any]]:
    """A JSON object, or a list of at least one."""
    content = orjson.loads(body)
    items = content if isinstance(content, list) else [content]
    if not items or not all(isinstance(item, dict) for item in items):
        raise ValueError("send a JSON object or a list of JSON objects")
    return items


def _object(body: bytes) -> dict[str, Any]:
    (item, *more) = _objects(body)
    if more:
        raise ValueError("send one JSON object")
    return item


def _seconds(command: Mapping[str, Any], key: str) -> float:
    value = command[key]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{key!r} must be a number, not {value!r}")  # noqa: TRY004 - answered as a 400
    return float(value)
