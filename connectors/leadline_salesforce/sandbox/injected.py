"""What the vendor, or the load balancer before it, says with a status and a code that a fault asks for."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from leadline_salesforce.sandbox.auth import OAuthError
from leadline_salesforce.sandbox.faults import ApiError

# What a status means when no code is asked for.
_CODES = {
    400: "UNKNOWN_EXCEPTION", 401: "INVALID_SESSION_ID", 403: "REQUEST_LIMIT_EXCEEDED", 404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED", 409: "CONFLICT", 410: "UNSUPPORTED_API_VERSION", 412: "PRECONDITION_FAILED",
    414: "URI_TOO_LONG", 415: "UNSUPPORTED_MEDIA_TYPE", 428: "CONDITIONAL_REQUEST_FAILED",
    431: "REQUEST_HEADER_FIELDS_TOO_LARGE", 500: "UNKNOWN_EXCEPTION", 503: "SERVER_UNAVAILABLE",
}  # fmt: skip
_WORDS = {
    "INVALID_SESSION_ID": "Session expired or invalid",
    "REQUEST_LIMIT_EXCEEDED": "TotalRequests Limit exceeded.",
    "NOT_FOUND": "The requested resource does not exist",
    "UNKNOWN_EXCEPTION": "An unexpected error occurred. Please include this ErrorId if you contact support",
    "SERVER_UNAVAILABLE": "Server Too Busy",
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record or 1 records",
    "QUERY_TIMEOUT": "Your query request was running for too long.",
    "QUERY_TOO_COMPLICATED": "Query is either selecting too many fields or the filter conditions are too complicated.",
    "OPERATION_TOO_LARGE": "exceeded 100000 distinct who/what's",
    "INVALID_QUERY_LOCATOR": "invalid query locator",
    "TXN_SECURITY_METERING_ERROR": "A transaction security policy could not be evaluated. Try again.",
    "METHOD_NOT_ALLOWED": "HTTP Method 'GET' not allowed. Allowed are POST",
    "UNSUPPORTED_API_VERSION": "The requested API version is retired",
    "INVALID_FIELD": "No such column 'Field__c' on entity 'Lead'.",
    "INVALID_TYPE": "sObject type is not supported.",
    "MALFORMED_QUERY": "unexpected token: '<EOF>'",
    "INSUFFICIENT_ACCESS_OR_READONLY": "insufficient access rights on object id",
    "API_DISABLED_FOR_ORG": "API is not enabled for this Organization or Partner",
    "API_CURRENTLY_DISABLED": "API is currently disabled for this user",
    "USER_PASSWORD_EXPIRED": "The users password has expired.",
    "STORAGE_LIMIT_EXCEEDED": "storage limit exceeded",
    "JSON_PARSER_ERROR": "Unexpected character",
}
# The same code has two causes: the day's calls, and too many long ones at once.
_CONCURRENT = ("ConcurrentPerOrgLongTxn", "ConcurrentRequests")
_EDGE = {
    406: "Not Acceptable", 408: "Request Timeout", 413: "Request Entity Too Large", 420: "Enhance Your Calm",
    429: "Too Many Requests", 502: "Bad Gateway", 504: "Gateway Timeout",
}  # fmt: skip


def response(status: int, code: str | None) -> Response:
    """The whole answer: the array of the REST API, the object of the token endpoint, or an edge server's page."""
    if code is None and status not in _CODES:
        words = _EDGE.get(status, "Service Error")
        return Response(f"<html><body><h1>{words}</h1></body></html>", status, media_type="text/html")
    if code is not None and code.startswith(("invalid_", "inactive_", "unsupported_", "temporarily_", "rate_limit")):
        return _json(OAuthError(code, "authentication failure").body(), status)
    if code in _CONCURRENT:
        return _json(ApiError("REQUEST_LIMIT_EXCEEDED", f"{code} Limit exceeded.", status=status).body(), status)
    code = code or _CODES[status]
    return _json(ApiError(code, _WORDS.get(code, "Injected by the sandbox"), status=status).body(), status)


def _json(content: object, status: int) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json;charset=UTF-8")
