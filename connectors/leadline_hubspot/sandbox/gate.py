"""What every call passes before and after its handler: sign-in, rates, error bodies, headers.

A handler is a plain function of a `Call`; it returns JSON, or a status with JSON, or raises `Refused`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from starlette.responses import Response

from leadline_hubspot.sandbox.failures import Refused, bad_request
from leadline_hubspot.sandbox.limits import Window
from leadline_hubspot.sandbox.portal import Portal

if TYPE_CHECKING:
    from starlette.requests import Request

_TYPE = "application/json;charset=utf-8"
_DAY = 86_400


class Call:
    """One call: its parts, the portal, and the number of records that it carried."""

    def __init__(self, request: Request, body: bytes, portal: Portal) -> None:
        self.portal = portal
        self.size = len(body)
        self.path: Mapping[str, str] = request.path_params
        self._request = request
        self._body = body

    def count(self, records: int) -> None:
        """Tell the request log how many records the call read or wrote."""
        self._request.state.records = records

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Refused when it is none."""
        try:
            content = orjson.loads(self._body)
        except orjson.JSONDecodeError as error:
            raise bad_request(f"Invalid input JSON: {error}") from error
        if not isinstance(content, dict):
            raise bad_request("Invalid input JSON: expected an object.")
        return content

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
        return "/20" in self._request.url.path


Answer: TypeAlias = Any  # JSON, or (status, JSON); JSON None means an empty body
Handler: TypeAlias = Callable[[Call], Answer]
ScopeOf: TypeAlias = Callable[[Call], str]


class Gate:
    """Signs callers in and enforces the rates of a portal."""

    def __init__(self, portal: Portal, token: str) -> None:
        limits = portal.limits
        self._portal = portal
        self._bearer = f"Bearer {token}"
        self._windows = {
            "default": Window(limits.burst, limits.burst_seconds),
            "associations": Window(limits.burst, limits.burst_seconds),  # exempt from the common window
            "search": Window(limits.search_per_second, 1.0),
        }
        self._day = -1
        self._today = 0
        self._calls = 0

    @property
    def calls_today(self) -> int:
        """Calls counted since midnight UTC by the sandbox's clock."""
        return self._today

    def endpoint(
        self, handler: Handler, *, bucket: str = "default", scope: ScopeOf | str | None = None
    ) -> Callable[[Request], Awaitable[Response]]:
        """A handler as the server calls it."""

        async def endpoint(request: Request) -> Response:
            body = await request.body()
            self._calls += 1
            try:
                self._admit(request, bucket)
                call = Call(request, body, self._portal)
                if scope is not None:
                    self._authorize(scope if isinstance(scope, str) else scope(call))
                answer = handler(call)
            except Refused as refusal:
                return self._reply(refusal.status, self.error_body(refusal.as_json()), bucket)
            status, content = answer if isinstance(answer, tuple) else (200, answer)
            return self._reply(status, content, bucket)

        return endpoint

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

    def _admit(self, request: Request, bucket: str) -> None:
        given = request.headers.get("authorization")
        if given != self._bearer:
            raise Refused(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
                "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            )
        day = int(self._portal.clock.now() // _DAY)
        if day != self._day:
            self._day, self._today = day, 0
        if self._today >= self._portal.limits.daily:
            raise rate_limited("DAILY")
        window = self._windows[bucket]
        if not window.take():
            raise rate_limited("SECONDLY" if bucket == "search" else "TEN_SECONDLY_ROLLING")
        self._today += 1

    def _reply(self, status: int, content: Any, bucket: str) -> Response:
        headers = {} if bucket == "search" else self._rate_headers(bucket)
        if content is None:
            return Response(b"", status, headers)
        return Response(orjson.dumps(content), status, headers, media_type=_TYPE)

    def _rate_headers(self, bucket: str) -> dict[str, str]:
        window, daily = self._windows[bucket], self._portal.limits.daily
        return {
            "X-HubSpot-RateLimit-Daily": str(daily),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(daily - self._today, 0)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(window.seconds * 1000)),
            "X-HubSpot-RateLimit-Max": str(window.calls),
            "X-HubSpot-RateLimit-Remaining": str(window.remaining),
        }


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
