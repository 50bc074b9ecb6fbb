"""Sign-in: the token endpoint's grants, user name and password, and the sessions that they open."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from leadline.sdk.sandbox.clock import SandboxClock

CONSUMER_KEY = "3MVG9sandboxConsumerKey"
CONSUMER_SECRET = "sandbox-consumer-secret"  # noqa: S105 - opens nothing but a local server with made-up data
USERNAME = "integration@leadline.example"
PASSWORD = "sandbox-password"  # noqa: S105 - as above
SECURITY_TOKEN = "SandboxSecurityToken"  # noqa: S105
REFRESH_TOKEN = "5Aep861SandboxRefreshToken"  # noqa: S105
LOGIN_URLS = ("https://login.salesforce.com", "https://test.salesforce.com")
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_MAX_LIFE = 300  # seconds that an assertion may be valid, as the vendor has it
_LEEWAY = 60


class OAuthError(Exception):
    """A refused grant: the object body of the token endpoint."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        self.status = status
        self.error = error
        self.description = description
        super().__init__(f"{error}: {description}")

    def body(self) -> dict[str, str]:
        return {"error": self.error, "error_description": self.description}


class Sessions:
    """Tokens in force. `seconds` is how long a token lives unused, by the sandbox's clock."""

    def __init__(self, clock: SandboxClock, org_id: str) -> None:
        self._clock = clock
        self._org_id = org_id
        self._ends: dict[str, float] = {}
        self._issued = 0
        self.seconds = 7200.0

    def issue(self) -> str:
        """A new token."""
        self._issued += 1
        token = f"{self._org_id[:15]}!AQEAQ{self._issued:06d}.sandbox"
        self._ends[token] = self._clock.now() + self.seconds
        return token

    def alive(self, token: str) -> bool:
        """Whether the token may be used; using it keeps it alive."""
        now = self._clock.now()
        end = self._ends.get(token)
        # A clock that was moved back does not make a token of the future invalid.
        if end is None or now > end:
            self._ends.pop(token, None)
            return False
        self._ends[token] = now + self.seconds
        return True

    def revoke(self, token: str) -> bool:
        """End one session; whether there was one."""
        return self._ends.pop(token, None) is not None

    def expire_all(self) -> None:
        """Every token ends now, as when an administrator revokes sessions."""
        self._ends.clear()


class Auth:
    """The token endpoint of one org."""

    def __init__(self, clock: SandboxClock, org_id: str, user_id: str) -> None:
        self._clock = clock
        self._org_id = org_id
        self._user_id = user_id
        self.sessions = Sessions(clock, org_id)
        self.refresh_tokens = {REFRESH_TOKEN}

    @cached_property
    def private_key(self) -> rsa.RSAPrivateKey:
        """The key whose certificate the org's connected app holds; made on first use."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def private_pem(self) -> str:
        """The private key as the client's key file holds it."""
        return self.private_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def grant(self, form: Mapping[str, str], authorization: str, base_url: str) -> dict[str, Any]:
        """The answer to a token request. OAuthError when it is refused."""
        match form.get("grant_type"):
            case "client_credentials":
                self._client(form, authorization)
            case grant if grant == JWT_GRANT:
                self._assertion(form.get("assertion", ""), base_url)
            case "password":
                self._client(form, authorization)
                if not self.knows(form.get("username", ""), form.get("password", "")):
                    raise OAuthError("invalid_grant", "authentication failure")
            case "refresh_token":
                self._refresh(form, authorization)
            case _:
                raise OAuthError("unsupported_grant_type", "grant type not supported")
        return {
            "access_token": self.sessions.issue(),
            "signature": "c2FuZGJveA==",
            "scope": "api",
            "instance_url": base_url,
            "id": f"{base_url}/id/{self._org_id}/{self._user_id}",
            "token_type": "Bearer",
            "issued_at": str(int(self._clock.now() * 1000)),
            "api_instance_url": base_url,
        }

    @staticmethod
    def knows(username: str, password: str) -> bool:
        """Whether these open a session. The password is followed by the security token, as one text."""
        return (username.lower(), password) == (USERNAME, PASSWORD + SECURITY_TOKEN)

    def _refresh(self, form: Mapping[str, str], authorization: str) -> None:
        """A public client has no secret; one that sends a secret must send the right one."""
        if form.get("client_secret") or authorization:
            self._client(form, authorization)
        elif form.get("client_id") != CONSUMER_KEY:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if form.get("refresh_token") not in self.refresh_tokens:
            raise OAuthError("invalid_grant", "expired access/refresh token")

    @staticmethod
    def _client(form: Mapping[str, str], authorization: str) -> None:
        key, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise OAuthError("invalid_request", "malformed authorization header") from None
        if key != CONSUMER_KEY:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if secret != CONSUMER_SECRET:
            raise OAuthError("invalid_client", "invalid client credentials")

    def _assertion(self, assertion: str, base_url: str) -> None:
        """Signature, audience, issuer, subject and life of a JWT bearer assertion."""
        try:
            claims = jwt.decode(
                assertion,
                self.private_key.public_key(),
                algorithms=["RS256"],
                # Times are judged by the sandbox's clock, below.
                options={"verify_exp": False, "verify_aud": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.PyJWTError:
            raise OAuthError("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != CONSUMER_KEY:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if claims.get("aud") not in (*LOGIN_URLS, base_url):
            raise OAuthError("invalid_grant", "audience is invalid")
        if claims.get("sub") != USERNAME:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        self._life(claims.get("exp"))

    def _life(self, exp: object) -> None:
        try:
            left = int(str(exp)) - self._clock.now()
        except ValueError:
            raise OAuthError("invalid_grant", "assertion has no expiry") from None
        if left < -_LEEWAY:
            raise OAuthError("invalid_grant", "expired authorization code")
        if left > _MAX_LIFE + _LEEWAY:
            raise OAuthError("invalid_grant", "assertion is valid for too long")
