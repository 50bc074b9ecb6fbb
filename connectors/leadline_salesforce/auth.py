"""Sign-in: one request to the token endpoint, by whichever grant the options hold the credentials of."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import jwt
from pydantic import SecretStr

from leadline.sdk.errors import ConfigError
from leadline.sdk.ports import Runtime
from leadline_salesforce.options import Grant, SalesforceOptions

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_SECONDS = 180


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """The form to send, and headers beside it."""

    form: dict[str, str]
    headers: dict[str, str] | None = None


def token_request(options: SalesforceOptions, runtime: Runtime) -> TokenRequest:
    """The request for a new access token. ConfigError for a private key that is none."""
    match options.grant:
        case Grant.CLIENT_CREDENTIALS:
            pair = f"{options.consumer_key}:{_plain(options.consumer_secret)}"
            basic = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
            return TokenRequest({"grant_type": "client_credentials"}, basic)
        case Grant.JWT:
            return TokenRequest({"grant_type": _JWT_GRANT, "assertion": _assertion(options, runtime)})
        case Grant.PASSWORD:
            # The vendor wants the security token behind the password, as one text.
            password = _plain(options.password) + _plain(options.security_token)
            form = {"grant_type": "password", "username": options.username or "", "password": password}
            return TokenRequest(form | _client(options))
        case Grant.REFRESH_TOKEN:
            form = {"grant_type": "refresh_token", "refresh_token": _plain(options.refresh_token)}
            return TokenRequest(form | _client(options))


def _client(options: SalesforceOptions) -> dict[str, str]:
    secret = {"client_secret": _plain(options.consumer_secret)} if options.consumer_secret else {}
    return {"client_id": options.consumer_key, **secret}


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret is not None else ""


def _assertion(options: SalesforceOptions, runtime: Runtime) -> str:
    claims = {
        "iss": options.consumer_key,
        "sub": options.username,
        "aud": options.audience,
        "exp": runtime.now() + _JWT_SECONDS,
    }
    try:
        return jwt.encode(claims, options.key_pem(), algorithm="RS256")
    # Of an encrypted key the library below says TypeError, and of a public one AttributeError.
    except (ValueError, TypeError, AttributeError, jwt.InvalidKeyError) as error:
        raise ConfigError(
            "The private key is not a PEM key for RS256 without a passphrase.",
            place=f"connections.{runtime.name}.private_key",
            fix="Use the key whose certificate was uploaded to the external client app.",
        ) from error
