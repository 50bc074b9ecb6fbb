"""The simple-salesforce session with its faults guarded.

Everything that leaves goes through one transport adapter, so that simple-salesforce's own calls
(REST, describe, login) get what they lack: a timeout, the HTTP policy, and one session refresh that
repeats the *same* request. Its own refresh loses the caller's headers and can recurse without end,
so it is never armed: the client is built on a session id that the adapter replaces.
"""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
import orjson
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest
from simple_salesforce.login import token_login
from urllib3.exceptions import MaxRetryError, NewConnectionError

from leadline.sdk.errors import BudgetError, ConfigError, CredentialsError, PermanentError
from leadline.sdk.http import LOOPBACK, ConnectFailed, HttpPolicy, Reply, ReplyLost
from leadline.sdk.ports import Runtime
from leadline_salesforce.errors import classify, expired
from leadline_salesforce.options import SalesforceOptions

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_SECONDS = 180
_CONNECT_SECONDS = 10.0
_CHUNK = 65_536  # bytes read between two looks at the clock
_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
_APP_USAGE = re.compile(r"per-app-api-usage=(\d+)/(\d+)")
# Without the header the org's assignment rules run on every write and may take records away.
WRITE_HEADERS = {"Sforce-Auto-Assign": "FALSE"}
# simple-salesforce asks for indented replies; None takes the header out.
_PLAIN = {"X-PrettyPrint": None}
_QUOTA_PAUSE = 900.0


class _Adapter(HTTPAdapter):
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
        self._spent = ""
        super().__init__(pool_connections=2, pool_maxsize=8)

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
        if self._spent:
            said, self._spent = self._spent, ""
            raise BudgetError(said, retry_after=_QUOTA_PAUSE, place=self._runtime.name)
        safe = request.method in ("GET", "HEAD")
        token = self._current(stale=None)
        request.headers["Authorization"] = f"Bearer {token}"
        response = self._exchange(request, path, proxies, safe=safe)
        if expired(response.status_code, response.content):
            token = self._current(stale=token)
            request.headers["Authorization"] = f"Bearer {token}"
            response = self._exchange(request, path, proxies, safe=safe)
            if expired(response.status_code, response.content):
                raise self._latched("Salesforce refuses the session that it has just opened")
        self._note_usage(response.headers.get("Sforce-Limit-Info", ""))
        return response

    def _exchange(
        self, request: requests.PreparedRequest, path: str, proxies: Mapping[str, str] | None, *, safe: bool
    ) -> requests.Response:
        last: list[requests.Response] = []

        def send(timeout: float) -> Reply:
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
        try:
            granted = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            granted = None
        if not isinstance(granted, dict) or not {"access_token", "instance_url"} <= granted.keys():
            raise PermanentError(
                f"{self._host} does not answer like Salesforce's token endpoint.",
                place=self._runtime.name,
                fix="Check base_url.",
            )
        return response

    def _note_usage(self, info: str) -> None:
        """Remember when the quota is used up, so that the next call is not even sent."""
        used = _USAGE.match(info.strip())
        if used and int(used[1]) >= int(used[2]):
            self._spent = f"the org has used its {used[2]} API calls of the last 24 hours"
        app, cap = _APP_USAGE.search(info), self._runtime.daily_calls
        if app and cap is not None and int(app[1]) >= cap:
            self._spent = f"this app has used the {cap} API calls that the settings give it in 24 hours"


class _FastSalesforce(Salesforce):  # type: ignore[misc] # the package has no types
    """simple-salesforce with a JSON reader that costs a third."""

    def parse_result_to_json(self, result: requests.Response) -> Any:
        return orjson.loads(result.content)


class Client:
    """One signed-in org. Sign-in happens with the first call."""

    def __init__(self, options: SalesforceOptions, runtime: Runtime) -> None:
        self._options = options
        self._runtime = runtime
        self._session = requests.Session()
        # A sandbox on this machine is never behind a proxy.
        self._session.trust_env = urlsplit(options.base_url).hostname not in LOOPBACK
        adapter = _Adapter(options, runtime, self._sign_in)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._sf = _FastSalesforce(
            session_id="replaced by the adapter",
            instance_url=options.base_url.replace("http://", "https://", 1),
            session=self._session,
            version=options.api_version,
        )

    def get(self, path: str, **params: str) -> Any:
        """JSON below `/services/data/vXX.X/`; None for an empty answer."""
        return self._sf.restful(path, params=params or None, headers=_PLAIN)

    def query(self, soql: str, *, include_deleted: bool = False) -> dict[str, Any]:
        """One page of a query: totalSize, done, records."""
        page: dict[str, Any] = self._sf.query(soql, include_deleted=include_deleted, headers=_PLAIN)
        return page

    def more(self, next_records_url: str) -> dict[str, Any]:
        """The next page of a query that was not done."""
        page: dict[str, Any] = self._sf.query_more(next_records_url, identifier_is_url=True, headers=_PLAIN)
        return page

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """A write with JSON below `/services/data/vXX.X/`, never running assignment rules."""
        headers = {**_PLAIN, **WRITE_HEADERS}
        try:
            return self._sf.restful(path, method=method, data=orjson.dumps(body), headers=headers)
        except SalesforceMalformedRequest as error:
            return error.content  # the results of an action of which some inputs failed; the rest was raised before

    def versions(self) -> list[str]:
        """The API versions that the org offers."""
        reply = self._session.get(f"{self._options.base_url}/services/data")
        return [entry["version"] for entry in orjson.loads(reply.content)]

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def _sign_in(self) -> str:
        """A new access token by the configured grant. CredentialsError when it is refused."""
        options = self._options
        data: dict[str, str] = {"grant_type": "client_credentials"}
        headers: dict[str, str] | None = None
        if options.consumer_secret is not None:
            pair = f"{options.consumer_key}:{options.consumer_secret.get_secret_value()}"
            headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        else:
            data = {"grant_type": _JWT_GRANT, "assertion": self._assertion()}
        url = f"{options.base_url.replace('http://', 'https://', 1)}{TOKEN_PATH}"
        token, _ = token_login(url, data, "", options.consumer_key, headers, None, self._session)
        return str(token)

    def _assertion(self) -> str:
        options = self._options
        claims = {
            "iss": options.consumer_key,
            "sub": options.username,
            "aud": options.audience,
            "exp": self._runtime.now() + _JWT_SECONDS,
        }
        try:
            return jwt.encode(claims, options.key_pem(), algorithm="RS256")
        except (ValueError, jwt.InvalidKeyError) as error:
            raise ConfigError(
                "The private key is not a PEM key for RS256.",
                place=f"connections.{self._runtime.name}.private_key",
                fix="Use the key whose certificate was uploaded to the external client app.",
            ) from error


def _within(deadline: float, response: requests.Response) -> bytes:
    """The whole body. ReadTimeout once the deadline (of the monotonic clock) has passed."""
    chunks = []
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        chunks.append(chunk)
        if time.monotonic() > deadline:
            response.close()
            raise requests.exceptions.ReadTimeout("the answer did not end in time")
    return b"".join(chunks)


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
