"""Sign-in: static tokens, and OAuth grants whose access tokens end by the sandbox's clock."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from leadline_hubspot.sandbox.failures import Refused
from leadline_hubspot.sandbox.paths import Paths

if TYPE_CHECKING:
    from leadline_hubspot.sandbox.gate import Answer, Call
    from leadline_hubspot.sandbox.portal import Portal

# Of a server on loopback; they open nothing else.
TOKEN = "pat-na1-sandbox-00000000-0000-4000-8000-000000000000"  # noqa: S105
CLIENT_ID = "5a9dbd0c-0000-4000-8000-000000000001"
CLIENT_SECRET = "5ec2e7c1-0000-4000-8000-000000000002"  # noqa: S105
REFRESH_TOKEN = "na1-5ef2-0000-4000-8000-000000000003"  # noqa: S105
AUTHORIZATION_CODE = "na1-c0de-0000-4000-8000-000000000004"
LIFETIME = 1_800  # seconds of an access token, by the vendor's guide
_APP_ID, _PORTAL_ID, _USER_ID = 1_234_567, 62_515, 900_001
_SCOPES = (
    "oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.companies.read",
    "crm.objects.companies.write", "crm.objects.deals.read", "crm.objects.owners.read",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Access:
    """One access token that was granted. `ends` in epoch seconds of the sandbox's clock."""

    token: str
    ends: float
    grant: str


class _Denied(Refused):
    """A refusal of the token endpoint, in the words of OAuth and of the vendor at once."""

    def __init__(self, error: str, code: str, message: str) -> None:
        super().__init__(400, code, message)
        self._error = error

    def as_json(self) -> dict[str, Any]:
        return {
            "status": self.category,
            "message": self.message,
            "error": self._error,
            "error_description": self.message,
        }


class Tokens:
    """Which tokens open the portal."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.static = {TOKEN}
        self.refresh = {REFRESH_TOKEN}
        self.refresh_refused = False  # as after an uninstallation
        self._granted: dict[str, Access] = {}

    def admit(self, header: str | None) -> Access | None:
        """The grant behind an Authorization header, None for a static token. Refused (401) for any other."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() == "bearer" and token in self.static:
            return None
        access = self._granted.get(token) if scheme.lower() == "bearer" else None
        if access is None:
            raise Refused(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
                "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
            )
        late = self._portal.clock.now() - access.ends
        if late >= 0:
            raise Refused(
                401,
                "EXPIRED_AUTHENTICATION",
                f"The OAuth token used to make this call expired {int(late)} second(s) ago.",
                context={"expire time": [str(int(access.ends))]},
            )
        return access

    def routes(self, paths: Paths) -> None:
        """Put the calls of sign-in behind their paths."""
        paths.add("oauth", "token", "POST", self._grant, open=True)
        paths.add("oauth", "token/introspect", "POST", self._introspect, open=True)
        paths.add("oauth", "token/revoke", "POST", self._revoke, open=True)
        paths.add("oauth", "access-tokens/{token}", "GET", lambda call: self._told(call.path["token"]), open=True)
        paths.add("oauth", "refresh-tokens/{token}", "GET", lambda call: self._told(call.path["token"]), open=True)
        paths.add("oauth", "refresh-tokens/{token}", "DELETE", self._forget, open=True)

    def _grant(self, call: Call) -> Answer:
        form = _form(call)
        kind = form.get("grant_type", "")
        if kind not in {"refresh_token", "authorization_code", "client_credentials"}:
            raise _Denied("unsupported_grant_type", "BAD_GRANT_TYPE", f"missing or unknown grant type {kind!r}")
        _check_client(form)
        if kind == "refresh_token" and (self.refresh_refused or form.get("refresh_token") not in self.refresh):
            raise _Denied("invalid_grant", "BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        if kind == "authorization_code":
            if form.get("code") != AUTHORIZATION_CODE:
                raise _Denied("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code")
            self.refresh.add(REFRESH_TOKEN)
        access = Access(f"sandbox-{secrets.token_hex(16)}", self._portal.clock.now() + LIFETIME, kind)
        self._granted[access.token] = access
        body: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": access.token,
            "expires_in": LIFETIME,
            "token_use": "client_credentials" if kind == "client_credentials" else "access_token",
            "hub_id": _PORTAL_ID,
            "user_id": _USER_ID,
            "scopes": list(_SCOPES),
        }
        if kind != "client_credentials":
            body["refresh_token"] = form.get("refresh_token") or REFRESH_TOKEN  # it does not rotate
        return body

    def _introspect(self, call: Call) -> Answer:
        form = _form(call)
        _check_client(form)
        return self._told(form.get("token", ""))

    def _told(self, token: str) -> Answer:
        common = {
            "token": token,
            "client_id": CLIENT_ID,
            "app_id": _APP_ID,
            "hub_id": _PORTAL_ID,
            "hub_domain": "sandbox.example",
            "user": "owner@sandbox.example",
            "user_id": _USER_ID,
            "scopes": list(_SCOPES),
        }
        if token in self.refresh:
            return {**common, "active": True, "token_type": "refresh_token", "token_use": "refresh_token"}
        access = self._granted.get(token)
        if access is None:
            raise Refused(404, "OBJECT_NOT_FOUND", "token not found")
        left = int(access.ends - self._portal.clock.now())
        return {
            **common,
            "active": left > 0,
            "expires_in": max(left, 0),
            "token_type": "access",
            "token_use": "access_token",
            "is_private_distribution": False,
        }

    def _revoke(self, call: Call) -> Answer:
        form = _form(call)
        _check_client(form)
        token = form.get("token", "")
        self.refresh.discard(token)
        self._granted.pop(token, None)
        return 200, None

    def _forget(self, call: Call) -> Answer:
        self.refresh.discard(call.path["token"])
        return 204, None


def _form(call: Call) -> Mapping[str, str]:
    """The fields of a form in the body. Parameters of the query do not count, as at the vendor since 2026.

    An object of JSON is taken too, because that is what the vendor's own Python SDK (0.1.0a9) sends.
    """
    if call.body.startswith(b"{"):
        return {str(name): str(value) for name, value in call.json().items()}
    return {name: values[-1] for name, values in parse_qs(call.body.decode(), keep_blank_values=True).items()}


def _check_client(form: Mapping[str, str]) -> None:
    if form.get("client_id") != CLIENT_ID:
        raise _Denied("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id")
    if form.get("client_secret") != CLIENT_SECRET:
        raise _Denied("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret")
