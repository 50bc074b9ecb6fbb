"""What every call to the REST API goes through: version, session, daily limit, errors, headers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson
from starlette.requests import Request
from starlette.responses import Response

from leadline.sdk.sandbox.clock import SandboxClock
from leadline_salesforce.sandbox.auth import Sessions
from leadline_salesforce.sandbox.faults import ApiError, not_found
from leadline_salesforce.sandbox.latecommits import LateCommits
from leadline_salesforce.sandbox.schema import Schema
from leadline_salesforce.sandbox.writes import By

MAX_URI = 16_384  # bytes
_TOO_LONG = "<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>"
OLDEST, NEWEST = 31, 68  # API versions served: below 31 the vendor answers 410


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: JSON content (None for no body, bytes for CSV as it stands), status, and the number of
    records it read or wrote."""

    content: Any = None
    status: int = 200
    records: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated call. `base` is `/services/data/vXX.X`; `raw` the body as it came."""

    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    base: str
    raw: bytes
    by: By
    schema: Schema

    @property
    def body(self) -> Any:
        """The parsed JSON, None without a body. ApiError when it is no JSON."""
        return _json(self.raw)

    def text(self, name: str) -> str:
        """A parameter of the path."""
        return self.params[name]


Handler: TypeAlias = Callable[[Call], Answer]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Gate:
    """Lets a call in, counts it, and turns what the handler says into a reply.

    `daily_limit` is the org's quota of calls, `app_limit` what the header says of this app's share (nothing
    is refused because of it); the count starts again at midnight UTC.
    """

    clock: SandboxClock
    sessions: Sessions
    schema: Schema
    late: LateCommits
    user: str
    daily_limit: int = 100_000
    app_limit: int | None = None
    _used: int = field(default=0, init=False)
    _day: int = field(default=-1, init=False)

    @property
    def used(self) -> int:
        """Calls of the current day."""
        today = int(self.clock.now()) // 86_400
        if today != self._day:
            self._day, self._used = today, 0
        return self._used

    def endpoint(self, handler: Handler) -> Endpoint:
        """An ASGI endpoint around a handler."""

        async def serve(request: Request) -> Response:
            if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > MAX_URI:
                return Response(_TOO_LONG, 414, media_type="text/html;charset=iso-8859-1")
            try:
                answer = handler(await self._enter(request))
            except ApiError as error:
                answer = Answer(error.body(), error.status)
            request.state.records = answer.records
            return self.reply(answer)

        return serve

    async def _enter(self, request: Request) -> Call:
        self.late.settle(self.clock.now())
        version = request.path_params["version"]
        _supported(version)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme not in ("Bearer", "OAuth") or not self.sessions.alive(token):
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid", status=401)
        if self.used >= self.daily_limit:
            raise ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        self._used += 1
        return Call(
            params=request.path_params,
            query=request.query_params,
            headers=request.headers,
            base=f"/services/data/{version}",
            raw=await request.body(),
            by=self._by(request.headers),
            schema=self.schema,
        )

    def _by(self, headers: Mapping[str, str]) -> By:
        duplicates = headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return By(
            self.user,
            auto_assign=headers.get("sforce-auto-assign", "TRUE").upper() != "FALSE",
            allow_duplicates="allowsave=true" in duplicates,
        )

    def reply(self, answer: Answer) -> Response:
        """The HTTP form of an answer, with the usage header."""
        usage = f"api-usage={self.used}/{self.daily_limit}"
        if self.app_limit is not None:
            usage += f"; per-app-api-usage={self.used}/{self.app_limit}(appName=Leadline)"
        headers = {"Sforce-Limit-Info": usage, **answer.headers}
        if isinstance(answer.content, bytes):
            return Response(answer.content, answer.status, headers, media_type="text/csv")
        body = b"" if answer.content is None else orjson.dumps(answer.content)
        return Response(body, answer.status, headers, media_type="application/json;charset=UTF-8")


def _supported(version: str) -> None:
    number = version.removeprefix("v")
    if not (version.startswith("v") and number.replace(".", "", 1).isdigit()):
        raise not_found()
    major = int(float(number))
    if major < OLDEST:
        raise ApiError("UNSUPPORTED_API_VERSION", f"The requested API version {number} is retired", status=410)
    if major > NEWEST or number != f"{major}.0":
        raise not_found()


def _json(body: bytes) -> Any:
    if not body.strip():
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError("JSON_PARSER_ERROR", f"Unexpected character at [line:1, column:{error.pos + 1}]") from None
