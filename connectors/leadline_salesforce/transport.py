"""The transport of one connection, below simple-salesforce: what it lacks, and what it does wrong.

Everything that leaves goes through this adapter, so that simple-salesforce's own calls (REST,
describe, login) get a timeout, the HTTP policy, the org's quota, and one session refresh that repeats
the *same* request. Its own refresh loses the caller's headers and can recurse without end, so it is
never armed: the client is built on a session id that the adapter replaces.
"""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from leadline.sdk.errors import ConfigError, CredentialsError, TransientError, UnknownOutcomeError
from leadline.sdk.http import ConnectFailed, HttpPolicy, Reply, ReplyLost
from leadline.sdk.ports import Runtime
from leadline_salesforce.answers import holds
from leadline_salesforce.auth import TOKEN_PATH
from leadline_salesforce.budget import Quota
from leadline_salesforce.errors import NOT_MODIFIED, classify, expired
from leadline_salesforce.options import SalesforceOptions

# Marks a POST that only reads, or that cannot do anything twice. For the adapter; it never leaves.
REPEATABLE = "X-Repeatable"
# Calls at once: small orgs refuse a sixth while five run for 20 seconds or longer.
CONCURRENT = 5
_CONNECT_SECONDS = 10.0
_CHUNK = 65_536  # bytes read between two looks at the clock


class Transport(HTTPAdapter):
    """Transport of one connection: host, scheme, token, policy."""

    def __init__(self, options: SalesforceOptions, runtime: Runtime, sign_in: Callable[[], str]) -> None:
        self._host = urlsplit(options.base_url).netloc
        self._plain = options.base_url.startswith("http://")
        self._ca: str | bool = str(options.ca_file) if options.ca_file else True
        self._runtime = runtime
        self._policy = HttpPolicy(runtime, classify=classify)
        self._sign_in = sign_in
        self._lock = threading.Lock()
        self._token: str | None = None
        self._refused: tuple[str, str] | None = None  # message and fix
        self._quota = Quota(runtime, options.reserve_percent)
        self._slots = threading.BoundedSemaphore(CONCURRENT)
        self.user_id = ""
        super().__init__(pool_connections=2, pool_maxsize=CONCURRENT)

    def send(  # type: ignore[override] # requests passes these five by name
        self, request: requests.PreparedRequest, *, proxies: Mapping[str, str] | None = None, **_: object
    ) -> requests.Response:
        """One logical call. Raises the errors of `HttpPolicy.call`."""
        path = urlsplit(str(request.url)).path
        # simple-salesforce writes https in front of every host; a sandbox on loopback may speak plain http.
        if self._plain:
            request.url = f"http://{str(request.url).removeprefix('https://').removeprefix('http://')}"
        if path == TOKEN_PATH:
            return self._checked_grant(self._exchange(request, path, proxies, safe=True))
        return self._authorized(request, path, proxies)

    def close(self) -> None:
        """Close the idle connections now; a pool that an old traceback refers to would keep them open."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118 - a container of urllib3 that does not iterate
            pool = self.poolmanager.pools.get(key)
            if pool is not None:
                pool.close()
        super().close()

    def _authorized(
        self, request: requests.PreparedRequest, path: str, proxies: Mapping[str, str] | None
    ) -> requests.Response:
        self._quota.ask()
        safe = request.headers.pop(REPEATABLE, None) is not None or request.method in ("GET", "HEAD")
        token = self._current(stale=None)
        request.headers["Authorization"] = f"Bearer {token}"
        response = self._exchange(request, path, proxies, safe=safe)
        if expired(response.status_code, response.content):
            token = self._current(stale=token)
            request.headers["Authorization"] = f"Bearer {token}"
            response = self._exchange(request, path, proxies, safe=safe)
            if expired(response.status_code, response.content):
                raise self._latched("Salesforce refuses the session that it has just opened")
        if response.status_code == NOT_MODIFIED and "If-Modified-Since" not in request.headers:
            words = f"{request.method} {path} was answered 304, which nobody asked for"
            raise (TransientError if safe else UnknownOutcomeError)(words, place=self._runtime.name)
        self._quota.note(response.headers.get("Sforce-Limit-Info", ""))
        return response

    def _exchange(
        self, request: requests.PreparedRequest, path: str, proxies: Mapping[str, str] | None, *, safe: bool
    ) -> requests.Response:
        last: list[requests.Response] = []

        def send(timeout: float) -> Reply:
            with self._slots:
                response = self._once(request, timeout, proxies)
            last.append(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status_code, headers, response.content)

        self._policy.call(send, method=str(request.method), path=path, safe=safe)
        return last[-1]

    def _once(
        self, request: requests.PreparedRequest, timeout: float, proxies: Mapping[str, str] | None
    ) -> requests.Response:
        limits = (min(_CONNECT_SECONDS, timeout), timeout)
        deadline = time.monotonic() + timeout
        try:
            response = super().send(request, stream=True, timeout=limits, verify=self._ca, proxies=proxies)
            # The body belongs to the exchange: losing it is losing the reply. Read here, because the
            # library's timeout is one of each read and a body that trickles would never end.
            response._content = _within(deadline, response)  # where the library keeps it
        except requests.exceptions.SSLError as error:
            if _hung_up(error):
                raise ReplyLost(_reason(error)) from error
            raise ConfigError(
                f"{self._host} could not be trusted: {_reason(error)}.",
                place=self._runtime.name,
                fix="Set ca_file when the server uses a private certificate authority.",
            ) from error
        except (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError) as error:
            raise ConnectFailed(_reason(error)) from error
        except requests.exceptions.ConnectionError as error:
            if _not_connected(error):
                raise ConnectFailed(_reason(error)) from error
            raise ReplyLost(_reason(error)) from error
        except (
            requests.exceptions.Timeout,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ) as error:
            raise ReplyLost(_reason(error)) from error
        except HTTPError as error:  # of the body, which is read below the library
            raise ReplyLost(_reason(error)) from error
        return response

    def _current(self, *, stale: str | None) -> str:
        """A token other than `stale`, by one sign-in at a time. A refused sign-in is not tried again."""
        with self._lock:
            if self._refused is not None:
                raise self._refusal()
            if self._token is None or self._token == stale:
                try:
                    self._token = self._sign_in()
                except CredentialsError as error:
                    self._refused = (error.message, error.fix)
                    raise self._refusal() from None  # without the frames of the call, which hold its reply
            return self._token

    def _refusal(self) -> CredentialsError:
        message, fix = self._refused or ("", "")
        return CredentialsError(message, place=self._runtime.name, fix=fix)

    def _latched(self, message: str) -> CredentialsError:
        with self._lock:
            self._refused = (message, "Check the integration user and its IP restrictions.")
            return self._refusal()

    def _checked_grant(self, response: requests.Response) -> requests.Response:
        """A grant as simple-salesforce takes it for granted: JSON with a token and an address."""
        if response.status_code == 401:
            raise CredentialsError(
                f"{self._host} refuses the sign-in.", place=self._runtime.name, fix="Check the credentials."
            )
        try:
            granted = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            granted = None
        if not holds(granted, access_token=str, instance_url=str):
            raise ConfigError(
                f"{self._host} does not answer like Salesforce's token endpoint.",
                place=self._runtime.name,
                fix="Check base_url.",
            )
        self.user_id = str(granted.get("id", "")).rpartition("/")[2]
        return response


def _within(deadline: float, response: requests.Response) -> bytes:
    """The whole body. ReadTimeout once the deadline (of the monotonic clock) has passed."""
    chunks = []
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        chunks.append(chunk)
        if time.monotonic() > deadline:
            response.close()
            raise requests.exceptions.ReadTimeout("the answer did not end in time")
    return b"".join(chunks)


def _hung_up(error: requests.exceptions.SSLError) -> bool:
    """Whether the far side went away in the middle of TLS, which says nothing about its certificate."""
    inner: object = error
    while isinstance(inner, BaseException):
        if isinstance(inner, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return True
        inner = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
    return False


def _not_connected(error: requests.exceptions.ConnectionError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)


def _reason(error: Exception) -> str:
    """The innermost words of a transport error, without object addresses."""
    inner: object = error
    while isinstance(inner, BaseException):
        deeper = getattr(inner, "reason", None) or (inner.args[-1] if inner.args else None)
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    text = re.sub(r"<[^>]*>:? ?", "", str(inner)).strip()
    return text or type(error).__name__
