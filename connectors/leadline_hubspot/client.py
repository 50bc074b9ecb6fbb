"""One long-lived client of one portal.

The vendor's client lends connection pool, TLS and sign-in; its typed models, its retries and its
exceptions stay out: models cost a hundred times the CPU of plain JSON, retries repeat writes, and
exceptions lose the reply.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from importlib.metadata import version
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import urllib3
from hubspot import HubSpot as VendorClient
from pydantic import SecretStr
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from leadline.sdk.errors import ConfigError, CredentialsError, PermanentError, TransientError, UnknownOutcomeError
from leadline.sdk.http import ConnectFailed, HttpPolicy, Pace, Reply, ReplyLost, require_tls
from leadline.sdk.ports import Runtime
from leadline_hubspot.answers import FIX
from leadline_hubspot.deadline import PromptHTTPConnection, PromptHTTPSConnection
from leadline_hubspot.errors import classify, error_of
from leadline_hubspot.options import Options
from leadline_hubspot.quota import DailyQuota
from leadline_hubspot.tokens import RefreshedToken, StaticToken, Tokens

# The one place that knows versions of the API. Moving on is editing this table.
# Forms and the e-mail events have no dated version to read them by.
_VERSION = "2026-09"
PATHS: Mapping[str, str] = {
    "objects": f"/crm/objects/{_VERSION}/{{object}}",
    "associations": f"/crm/associations/{_VERSION}/{{object}}/{{to}}",
    "properties": f"/crm/properties/{_VERSION}/{{object}}",
    "owners": f"/crm/owners/{_VERSION}",
    "sequences": f"/automation/sequences/{_VERSION}",
    "account": f"/account-info/{_VERSION}",
    "schemas": f"/crm-object-schemas/{_VERSION}/schemas",
    "lists": f"/crm/lists/{_VERSION}",
    "token": f"/oauth/{_VERSION}/token",
    "occurrences": f"/events/event-occurrences/{_VERSION}",
    "forms": f"/marketing/forms/{_VERSION}",
    "submissions": "/form-integrations/v1/submissions/forms/{form}",
    "email_events": "/email/public/v1/events",
}

# Windows are a little longer than the vendor's, because calls do not arrive as evenly as they leave.
_BURST_SECONDS = 10.5
_SEARCH_SECONDS = 1.1
_CHUNK = 1 << 16
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An accepted answer. `date` is the header of that name."""

    status: int
    body: Any
    date: str | None

    @property
    def at(self) -> int | None:
        """The vendor's own time in milliseconds since 1970, None when it did not tell."""
        try:
            return int(parsedate_to_datetime(self.date).timestamp()) * 1000 if self.date else None
        except ValueError:
            return None


class _Wire:
    """Stands where the vendor's REST layer was: same methods, but every status is an answer."""

    def __init__(self, pool: urllib3.PoolManager, base: str) -> None:
        self._origin = base.removesuffix(urlsplit(base).path)
        # Of the one host that is ever asked: looking it up for each call costs as much CPU as the call.
        self._pool = pool.connection_from_url(self._origin)
        secure = isinstance(self._pool, urllib3.HTTPSConnectionPool)
        self._pool.ConnectionCls = PromptHTTPSConnection if secure else PromptHTTPConnection

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        query: Sequence[tuple[str, str]] | None = None,
        timeout: float,
    ) -> Reply:
        """One HTTP exchange with a deadline. Raises ConnectFailed, ReplyLost, or ConfigError for a bad certificate."""
        deadline = time.monotonic() + timeout
        limit = urllib3.Timeout(connect=min(timeout, _CONNECT_SECONDS), read=timeout, total=timeout)
        path = url.removeprefix(self._origin)
        address = f"{path}?{urlencode(query, safe=',')}" if query else path
        try:
            response = self._pool.urlopen(
                method, address, body=body, headers=headers, timeout=limit, preload_content=False, retries=False,
                redirect=False,
            )  # fmt: skip
            encoded, chunks = "content-encoding" in response.headers, []
            while chunk := response.read1(_CHUNK, decode_content=encoded):
                chunks.append(chunk)
                if time.monotonic() > deadline:
                    response.close()
                    raise ReplyLost(f"no complete answer within {timeout:.0f} s")
            response.release_conn()
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise ConnectFailed(str(error)) from error
        except SSLError as error:
            raise _tls_error(error) from error
        except HTTPError as error:
            raise ReplyLost(f"{type(error).__name__}: {error}") from error
        return Reply(response.status, {name.lower(): text for name, text in response.headers.items()}, b"".join(chunks))

    def close(self) -> None:
        """Close the idle connections. Clearing the pool manager would not: it only forgets its pools."""
        self._pool.close()

    def GET(self, url: str, **given: Any) -> Reply:  # noqa: N802 - the vendor's name
        """As the vendor's client calls it."""
        return self._call("GET", url, given)

    def POST(self, url: str, **given: Any) -> Reply:  # noqa: N802 - the vendor's name
        """As the vendor's client calls it."""
        return self._call("POST", url, given)

    def PUT(self, url: str, **given: Any) -> Reply:  # noqa: N802 - the vendor's name
        """As the vendor's client calls it."""
        return self._call("PUT", url, given)

    def _call(self, method: str, url: str, given: Mapping[str, Any]) -> Reply:
        return self.exchange(
            method,
            url,
            headers=given["headers"],
            body=given.get("body"),
            query=given.get("query_params"),
            timeout=given["_request_timeout"],
        )


def _tls_error(error: SSLError) -> Exception:
    cause = error.args[0] if error.args else error
    if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ConfigError(
            f"the certificate is not trusted: {error}",
            place="base_url",
            fix="Set `ca_file` to the authority that signed it, or correct `base_url`.",
        )
    return ReplyLost(f"TLS broke off: {error}")


class Client:
    """Calls of one portal, paced, classified and counted by the policy."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        base = require_tls(options.base_url, setting=f"{runtime.name}.base_url")
        ca_file = options.ca_file
        if ca_file is not None and not ca_file.is_file():
            raise ConfigError("there is no such file", place=f"{runtime.name}.ca_file", fix="Correct the path.")
        vendor = VendorClient(host=base, ssl_ca_cert=str(ca_file) if ca_file else None)
        # One access to the attribute: each makes a new pool.
        self._api = vendor.crm.objects.basic_api.api_client
        self._api.user_agent = f"leadline/{version('leadline')}"
        self._wire = _Wire(self._api.rest_client.pool_manager, base)
        self._api.rest_client = self._wire
        self._place = runtime.name
        self._tokens: Tokens = (
            RefreshedToken(options.grant, self._ask_for_token, runtime.now)
            if options.grant and options.access_token is None
            else StaticToken(options.access_token or SecretStr(""))
        )
        rates = options.rates
        self._quota = DailyQuota(rates.daily_reserve_percent, runtime.now, runtime.name)
        self._policy = HttpPolicy(
            runtime,
            classify=classify,
            paces={
                "default": (Pace(rates.calls_per_10_seconds, _BURST_SECONDS),),
                "search": (Pace(rates.searches_per_second, _SEARCH_SECONDS),),
            },
        )

    def get(self, path: str, query: Sequence[tuple[str, str]] = (), *, accept: Collection[int] = ()) -> Answer:
        """Read something. `accept` names refusals that are answers to the caller."""
        return self._call("GET", path, query=query, body=None, bucket="default", safe=True, accept=accept)

    def read(
        self, path: str, body: Mapping[str, Any], *, query: Sequence[tuple[str, str]] = (), bucket: str = "default"
    ) -> Answer:
        """Read by a POST, which may be sent again like a GET."""
        return self._call("POST", path, query=query, body=body, bucket=bucket, safe=True, accept=())

    def write(
        self,
        path: str,
        body: Mapping[str, Any],
        *,
        query: Sequence[tuple[str, str]] = (),
        accept: Collection[int] = (),
    ) -> Answer:
        """Write once. UnknownOutcomeError when it may or may not have happened."""
        return self._call("POST", path, query=query, body=body, bucket="default", safe=False, accept=accept)

    def put(self, path: str, body: Sequence[Any], *, accept: Collection[int] = ()) -> Answer:
        """Write once by a PUT. UnknownOutcomeError when it may or may not have happened."""
        return self._call("PUT", path, query=(), body=body, bucket="default", safe=False, accept=accept)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]],
        body: Mapping[str, Any] | Sequence[Any] | None,
        bucket: str,
        safe: bool,
        accept: Collection[int],
    ) -> Answer:
        encoded = None if body is None else orjson.dumps(body)
        last: list[Reply] = []

        def exchange(token: str) -> Reply:
            headers = {
                "Accept": "application/json",
                "Content-Type": "application/json",
                "Authorization": f"Bearer {token}",
            }
            send = partial(self._send, method, path, headers=headers, query=query, body=encoded, last=last)
            return self._policy.call(send, method=method, path=path, bucket=bucket, safe=safe)

        self._quota.check()
        token = self._tokens.current()
        try:
            try:
                reply = exchange(token)
            except CredentialsError:
                if last[-1].status != 401 or not self._tokens.renew(token):
                    raise
                reply = exchange(self._tokens.current())
        except PermanentError:
            if not last or last[-1].status not in accept:
                raise
            reply = last[-1]
        # An accepted refusal may come from a proxy, in whatever form.
        content = error_of(reply.body) if reply.status >= 300 else _json(reply, self._place, safe=safe)
        return Answer(reply.status, content, reply.headers.get("date"))

    def _send(
        self,
        method: str,
        path: str,
        timeout: float,
        *,
        headers: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        body: bytes | None,
        last: list[Reply],
    ) -> Reply:
        """One exchange through the vendor's client; `last` keeps the reply for the caller."""
        reply: Reply = self._api.call_api(
            path,
            method,
            query_params=list(query),
            header_params=dict(headers),
            body=body,
            _preload_content=False,
            _request_timeout=timeout,
        )
        last[:] = [reply]
        self._quota.note(reply.headers)
        return reply

    def _ask_for_token(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """A new token. CredentialsError when the grant is refused, whatever status says so."""
        path, last = PATHS["token"], list[Reply]()
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        send = partial(self._send, "POST", path, headers=headers, query=(), body=urlencode(form).encode(), last=last)
        try:
            reply = self._policy.call(send, method="POST", path=path, bucket="token", safe=True)
        except PermanentError as error:
            raise CredentialsError(
                f"the sign-in was refused: {error.message}",
                place=self._place,
                fix="Install the app again in HubSpot and set its new `refresh_token`.",
            ) from error
        answer: Mapping[str, Any] = _json(reply, self._place, safe=True)
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _json(reply: Reply, place: str, *, safe: bool) -> Any:
    """The JSON object of an accepted answer; None when it is empty, which only a write's may be.

    TransientError for anything else, UnknownOutcomeError where the call was not `safe` to send again.
    """
    if not reply.body and not safe:
        return None
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict):
        return body
    why = f"a call was accepted and its answer is no JSON object ({reply.headers.get('content-type', 'no type')})"
    raise (TransientError if safe else UnknownOutcomeError)(why, place=place, fix=FIX)
