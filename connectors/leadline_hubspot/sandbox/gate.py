"""What every call passes before and after its handler: sign-in, rates, error bodies, headers.

A handler is a plain function of a `Call`; it returns JSON, or a status with JSON, or raises `Refused`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from starlette.responses import Response

from leadline_hubspot.sandbox.failures import Refused, bad_request
from leadline_hubspot.sandbox.limits import Window
from leadline_hubspot.sandbox.portal import Portal

if TYPE_CHECKING:
    from starlette.requests import Request

    from leadline_hubspot.sandbox.oauth import Tokens
    from leadline_hubspot.sandbox.paths import Found, Paths

_TYPE = "application/json;charset=utf-8"
_DAY = 86_400


class Call:
    """One call: its parts, the portal, and the number of records that it carried."""

    def __init__(self, request: Request, body: bytes, portal: Portal, found: Found) -> None:
        self.portal = portal
        self.body = body
        self.size = len(body)
        self.version = found.version
        self.path = found.values
        self._request = request

    def count(self, records: int) -> None:
        """Tell the request log how many records the call read or wrote."""
        self._request.state.records = records

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Refused when it is none."""
        content = self._content()
        if not isinstance(content, dict):
            raise bad_request("Invalid input JSON: expected an object.")
        return content

    def array(self) -> list[Any]:
        """The body as a JSON array. Refused when it is none."""
        content = self._content()
        if not isinstance(content, list):
            raise bad_request("Invalid input JSON: expected an array.")
        return content

    def _content(self) -> Any:
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise bad_request(f"Invalid input JSON: {error}") from error

    def text(self, name: str) -> str | None:
        """A parameter of the query."""
        return self._request.query_params.get(name)

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole-number parameter of the query within its bounds."""
        text = self.text(name)
        if text is None or text == "":
            return default
        if not text.isdigit() or not low <= int(text) <= high:
            raise bad_request(f"Invalid request: {name} must be between {low} and {high}, was {text!r}.")
        return int(text)

    def listed(self, name: str) -> list[str]:
        """A parameter given several times, or once with commas."""
        given = self._request.query_params.getlist(name)
        return [part for text in given for part in text.split(",") if part]

    def flag(self, name: str) -> bool:
        """A true/false parameter of the query, false when absent."""
        return self.text(name) == "true"

    def link(self, **changed: object) -> str:
        """The address of this call with some parameters changed, on this same server."""
        return str(self._request.url.include_query_params(**changed))

    @property
    def dated(self) -> bool:
        """Whether the path is of a date-versioned API."""
        return self.version.startswith("20")


Answer: TypeAlias = Any  # JSON, or (status, JSON); JSON None means an empty body
Handler: TypeAlias = Callable[[Call], Answer]


class Gate:
    """Finds what a call asks for, signs its caller in, enforces the rates, and words the refusals."""

    def __init__(self, portal: Portal, tokens: Tokens, paths: Paths) -> None:
        self._portal = portal
        self._tokens = tokens
        self._paths = paths
        self._day = -1
        self._today = 0
        self._calls = 0
        self.reshape()

    def reshape(self) -> None:
        """Start fresh windows of the sizes that the portal's limits now have."""
        limits = self._portal.limits
        self._windows = {
            "default": Window(limits.burst, limits.burst_seconds),
            "associations": Window(limits.burst, limits.burst_seconds),  # exempt from the common window
            "search": Window(limits.search_per_second, 1.0),
        }

    @property
    def calls_today(self) -> int:
        """Calls counted since midnight UTC by the sandbox's clock."""
        return self._today

    async def answer(self, request: Request) -> Response:
        """The reply to one call."""
        body = await request.body()
        self._calls += 1
        bucket, granted = "default", False
        try:
            if _length(request) > self._portal.limits.url_bytes:
                return html_response(414)
            found = self._paths.find(request.method, request.url.path)
            bucket = found.entry.bucket
            call = Call(request, body, self._portal, found)
            if not found.entry.open:
                granted = self._admit(request, bucket)
                scope = found.entry.scope
                if scope is not None:
                    self._authorize(scope if isinstance(scope, str) else scope(call))
            answer = found.entry.handler(call)
        except Refused as refusal:
            return self._reply(refusal.status, self.error_body(refusal.as_json()), bucket, granted, refusal.headers)
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        return self._reply(status, content, bucket, granted)

    def error_body(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """An error body with the id of the request."""
        return {**body, "correlationId": f"{self._calls:08x}-0000-4000-8000-{0:012x}"}

    def _authorize(self, scope: str) -> None:
        if scope in self._portal.withheld:
            raise Refused(
                403,
                "MISSING_SCOPES",
                "This app hasn't been granted all required scopes to make this call. "
                "Read more about required scopes here: https://developers.hubspot.com/scopes.",
                errors=[
                    {
                        "message": "One or more of the following scopes are required.",
                        "context": {"requiredGranularScopes": [scope]},
                    }
                ],
            )

    def _admit(self, request: Request, bucket: str) -> bool:
        """Whether the caller came with a granted token rather than a static one."""
        granted = self._tokens.admit(request.headers.get("authorization")) is not None
        self._portal.refuse_while_migrating()
        day = int(self._portal.clock.now() // _DAY)
        if day != self._day:
            self._day, self._today = day, 0
        if self._today >= self._portal.limits.daily:
            raise rate_limited("DAILY")
        if not self._windows[bucket].take():
            raise rate_limited("SECONDLY" if bucket == "search" else "TEN_SECONDLY_ROLLING")
        self._today += 1
        return granted

    def _reply(
        self, status: int, content: Any, bucket: str, granted: bool, more: Mapping[str, str] | None = None
    ) -> Response:
        headers = {} if bucket == "search" else self._rate_headers(bucket, granted)
        headers.update(more or {})
        if content is None:
            return Response(b"", status, headers)
        return Response(orjson.dumps(content), status, headers, media_type=_TYPE)

    def _rate_headers(self, bucket: str, granted: bool) -> dict[str, str]:
        window, daily = self._windows[bucket], self._portal.limits.daily
        headers = {
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(window.seconds * 1000)),
            "X-HubSpot-RateLimit-Max": str(window.calls),
            "X-HubSpot-RateLimit-Remaining": str(window.remaining),
        }
        if not granted:  # calls with OAuth tokens are not told of the day
            headers["X-HubSpot-RateLimit-Daily"] = str(daily)
            headers["X-HubSpot-RateLimit-Daily-Remaining"] = str(max(daily - self._today, 0))
        return headers


def _length(request: Request) -> int:
    """Bytes of the request line's path and query, as they came over the wire."""
    scope = request.scope
    return len(scope.get("raw_path") or b"") + len(scope["query_string"])


_PAGES = {
    414: "Request-URI Too Large", 502: "Bad Gateway", 504: "Gateway Time-out", 521: "Web server is down",
    522: "Connection timed out", 523: "Origin is unreachable", 524: "A timeout occurred",
}  # fmt: skip


def html_response(status: int) -> Response:
    """What the vendor's front says by itself: a page, not JSON."""
    words = f"{status} {_PAGES.get(status, 'Error')}"
    page = f"<html><head><title>{words}</title></head><body><center><h1>{words}</h1></center></body></html>"
    return Response(page, status, media_type="text/html")


def is_page(status: int) -> bool:
    """Whether the vendor's front answers this status, before its API is asked."""
    return status in _PAGES


_RATE_WORDS = {
    "SECONDLY": "You have reached your secondly limit.",
    "TEN_SECONDLY_ROLLING": "You have reached your ten_secondly_rolling limit.",
    "DAILY": "You have reached your daily limit.",
}


def rate_limited(policy: str) -> Refused:
    """A 429 in the vendor's words."""
    return _RateLimited(policy)


class _RateLimited(Refused):
    def __init__(self, policy: str) -> None:
        super().__init__(429, "RATE_LIMITS", _RATE_WORDS.get(policy, "You have reached your limit."))
        self._policy = policy

    def as_json(self) -> dict[str, Any]:
        return {
            "status": "error",
            "message": self.message,
            "errorType": "RATE_LIMIT",
            "policyName": self._policy,
            "category": self.category,
        }
