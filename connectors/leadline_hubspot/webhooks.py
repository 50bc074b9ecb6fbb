"""What HubSpot's webhooks say: which records were touched. Nothing else in them is believed.

A request is proved by signature v3: base64 of an HMAC-SHA256, keyed with the app's client secret, over
method, address, body and timestamp. HubSpot's own helper takes any timestamp of the future; here it has to
be within five minutes on both sides, or a recorded request could be sent again at leisure.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from pydantic import SecretStr

from leadline.sdk.errors import WebhookError
from leadline.sdk.records import Notice, WebhookCall
from leadline_hubspot.object_types import named

SIGNATURE = "x-hubspot-signature-v3"
TIMESTAMP = "x-hubspot-request-timestamp"
WINDOW = 300
"""Seconds that a request's timestamp may be from now, either way. HubSpot's rule for the past."""

# Escapes that HubSpot signs in plain, from its page on validating requests.
_SIGNED_PLAIN = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip


def signature(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """The signature of a request, version 3. `timestamp` is in milliseconds, as its header has it."""
    signed = f"{method}{url}".encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()


class HubSpotWebhooks:
    """Reads the webhooks of one portal's app. `custom_name(type id)` names the portal's own objects."""

    def __init__(self, secret: SecretStr, place: str, custom_name: Callable[[str], str]) -> None:
        self._secret = secret
        self._place = place
        self._custom_name = custom_name

    def read(self, call: WebhookCall) -> list[Notice]:
        """The records that a request speaks of, in its order; events of unknown kinds are passed over.

        Raises WebhookError for a request that is not proved or too old (401) or cannot be read (400).
        """
        self._prove(call)
        try:
            events = orjson.loads(call.body)
        except orjson.JSONDecodeError as error:
            raise self._unreadable("it is not JSON") from error
        if not isinstance(events, list):
            raise self._unreadable("it is not a list of events")
        return [notice for event in events if isinstance(event, dict) for notice in self._notices(event)]

    def _prove(self, call: WebhookCall) -> None:
        given, timestamp = call.headers.get(SIGNATURE, ""), call.headers.get(TIMESTAMP, "")
        if not given or not (timestamp.isascii() and timestamp.isdigit()):
            raise WebhookError("the request carries no signature of version 3", place=self._place, fix=_SIGNED_FIX)
        secret = self._secret.get_secret_value()
        # Both are compared whatever the first comparison says, so that time tells nothing.
        matches = [
            hmac.compare_digest(
                signature(secret, call.method.upper(), url, call.body, timestamp).encode(), given.encode()
            )
            for url in (call.url, _plain(call.url))
        ]
        if not any(matches):
            raise WebhookError("the signature does not fit the request", place=self._place, fix=_MISFIT_FIX)
        if abs(call.received_at - int(timestamp) // 1000) > WINDOW:
            raise WebhookError(
                f"the request was signed more than {WINDOW} seconds from now",
                place=self._place,
                fix="Set this machine's clock; HubSpot sends the event again.",
            )

    def _unreadable(self, why: str) -> WebhookError:
        return WebhookError(f"the request cannot be read: {why}", status=400, place=self._place)

    def _notices(self, event: Mapping[str, Any]) -> Iterator[Notice]:
        occurred = event.get("occurredAt")
        at = int(occurred) // 1000 if isinstance(occurred, int | float) and not isinstance(occurred, bool) else 0
        identity = _identity(event)
        for name, record_id in dict.fromkeys(self._touched(event)):
            yield Notice(name, record_id, at, f"{identity}:{name}:{record_id}")

    def _touched(self, event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Objects and ids of the records of one event."""
        word, _, verb = str(event.get("subscriptionType") or "").partition(".")
        if verb.lower() in _ASSOCIATION:
            yield from self._ends(event, word)
            return
        name = self._object(str(event.get("objectTypeId") or ""), word)
        if name is None:
            return
        ids = [event.get("objectId")]
        if verb.lower() == "merge":
            merged = event.get("mergedObjectIds")
            ids += [event.get("primaryObjectId"), event.get("newObjectId")]
            ids += merged if isinstance(merged, list) else []
        yield from ((name, record_id) for each in ids if (record_id := _id(each)))

    def _ends(self, event: Mapping[str, Any], word: str) -> Iterator[tuple[str, str]]:
        """Both ends of an association that was made or removed."""
        words = str(event.get("associationType") or "").partition("_TO_")
        for side, spoken in (("from", words[0] or word), ("to", words[2])):
            name = self._object(str(event.get(f"{side}ObjectTypeId") or ""), spoken)
            record_id = _id(event.get(f"{side}ObjectId"))
            if name is not None and record_id:
                yield name, record_id

    def _object(self, type_id: str, word: str) -> str | None:
        if type_id.startswith("2-"):
            return self._custom_name(type_id)
        return named(type_id) or named(word)


_ASSOCIATION = frozenset({"associationchange", "association.creation", "association.deletion"})
_SIGNED_FIX = "Let HubSpot's app send to this address; nothing else may."
_MISFIT_FIX = "Set `webhook_secret` to the client secret of the app that sends, and check this server's public address."


def _plain(url: str) -> str:
    """The address as HubSpot signs it: some escapes undone."""
    for escape, character in _SIGNED_PLAIN.items():
        url = url.replace(escape, character).replace(escape.lower(), character)
    return url


def _id(value: object) -> str:
    """An id of a record: digits, as text; empty when it is none."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if text.isascii() and text.isdigit() else ""


_IDENTITY = ("subscriptionId", "eventId", "subscriptionType", "occurredAt", "propertyName")


def _identity(event: Mapping[str, Any]) -> str:
    """What a repetition shares: not the number of the attempt; and the event id alone is not unique."""
    parts = (event.get(name) for name in _IDENTITY)
    return ":".join("" if part is None else str(part) for part in parts)
