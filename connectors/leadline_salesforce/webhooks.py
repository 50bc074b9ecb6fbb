"""Webhooks from an org: a Flow's HTTP callout that names the records it was started for.

Salesforce sends no webhooks of its own that carry a proof, so the org sends what is agreed on here:

    X-Leadline-Timestamp: 1764547200
    X-Leadline-Signature: sha256=<hex HMAC-SHA256 of timestamp + "." + body, keyed with webhook_secret>

    {"records": [{"object": "Lead", "id": "00Q..."}]}        or one such object alone

A Flow that has no Apex to sign with sends `X-Leadline-Token: <webhook_token>` instead. That proves the
sender but not the moment, so such a request can be sent again by who has seen it; as it only says which
records to look at, that costs a read and changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import SecretStr

from leadline.sdk.errors import WebhookError
from leadline.sdk.records import Notice, WebhookCall
from leadline_salesforce import ids
from leadline_salesforce.query import is_name

TIMESTAMP, SIGNATURE, TOKEN = "x-leadline-timestamp", "x-leadline-signature", "x-leadline-token"
WINDOW = 300  # seconds that a signed request may be old, or ahead of our clock
_UNREADABLE = 400


class SalesforceWebhooks:
    """Proves and reads callouts by a signing secret, a token, or either."""

    def __init__(self, secret: SecretStr | None, token: SecretStr | None) -> None:
        self._secret = secret
        self._token = token

    def read(self, call: WebhookCall) -> list[Notice]:
        """The records named. WebhookError 401 without proof or out of time, 400 when proved but unreadable."""
        stated = self._proved(call)
        return [_notice(entry, stated) for entry in _entries(call.body)]

    def _proved(self, call: WebhookCall) -> int:
        """The time that the signature covers, 0 for a token."""
        if self._secret is not None and SIGNATURE in call.headers:
            return self._signed(call, self._secret)
        if self._token is not None and TOKEN in call.headers:
            wanted = self._token.get_secret_value().encode()
            if hmac.compare_digest(call.headers[TOKEN].encode(), wanted):
                return 0
            raise WebhookError("The token of the callout is not webhook_token.")
        expected = [
            name
            for name, held in (("X-Leadline-Signature", self._secret), ("X-Leadline-Token", self._token))
            if held is not None
        ]
        raise WebhookError(f"The callout has no header {' or '.join(expected)}.")

    def _signed(self, call: WebhookCall, secret: SecretStr) -> int:
        stated = call.headers.get(TIMESTAMP, "")
        signed = b".".join((stated.encode(), call.body))
        wanted = f"sha256={hmac.new(secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()}"
        # As bytes: text with characters beyond ASCII cannot be compared in constant time.
        if not hmac.compare_digest(call.headers[SIGNATURE].encode(), wanted.encode()):
            raise WebhookError("The signature of the callout does not fit its timestamp and body.")
        if not (stated.isascii() and stated.isdigit()):
            raise WebhookError("X-Leadline-Timestamp is not a number of seconds since 1970.")
        at = int(stated)
        if abs(call.received_at - at) > WINDOW:
            raise WebhookError(f"The callout was signed more than {WINDOW} seconds from now.")
        return at


def _entries(body: bytes) -> list[Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise WebhookError(f"The body of the callout is not JSON: {error.msg}.", status=_UNREADABLE) from None
    entries = content.get("records", [content]) if isinstance(content, Mapping) else None
    if not isinstance(entries, list):
        raise WebhookError('The body of the callout is not {"records": [...]}.', status=_UNREADABLE)
    return entries


def _notice(entry: Any, at: int) -> Notice:
    kind, told = (entry.get("object"), entry.get("id")) if isinstance(entry, Mapping) else (None, None)
    record_id = ids.normal(told) if isinstance(told, str) else None
    if record_id is None or not isinstance(kind, str) or not is_name(kind):
        raise WebhookError('A record of the callout is not {"object": "Lead", "id": "00Q..."}.', status=_UNREADABLE)
    return Notice(kind, record_id, at)
