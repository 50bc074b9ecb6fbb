"""Webhooks of the portal's app: what it subscribes to, and events as HubSpot words and signs them.

An app subscribes over `/app-webhooks/...`; the control surface can name an address directly, and then
everything is sent that there is, unless it also says to what to subscribe.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from leadline.sdk.sandbox.webhooks_out import Event, Target, WebhooksOut
from leadline_hubspot.sandbox.failures import bad_request, not_found
from leadline_hubspot.sandbox.oauth import CLIENT_SECRET
from leadline_hubspot.sandbox.values import iso

if TYPE_CHECKING:
    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline_hubspot.sandbox.gate import Answer, Call
    from leadline_hubspot.sandbox.paths import Paths
    from leadline_hubspot.sandbox.portal import Change, Portal

_PORTAL_ID, _APP_ID = 62_515, 1_234_567
_NAMED = frozenset({"contacts", "companies", "deals", "tickets"})  # the others are "object"
_FLAGS = {"creation": "CREATED", "deletion": "DELETED", "restore": "RESTORED", "privacyDeletion": "DELETED"}
_VERBS = frozenset(
    {"creation", "deletion", "restore", "merge", "propertyChange", "associationChange", "privacyDeletion"}
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One kind of event that is wanted, such as contact.propertyChange of one property (empty: of any)."""

    id: int
    kind: str
    property: str
    active: bool
    created: int

    def as_json(self) -> dict[str, Any]:
        """The subscription as the API gives it."""
        body: dict[str, Any] = {
            "id": str(self.id),
            "eventType": self.kind,
            "active": self.active,
            "createdAt": iso(self.created),
        }
        return {**body, "propertyName": self.property} if self.property else body


def sign(method: str, url: str, body: bytes, secret: str, now: float) -> dict[str, str]:
    """The headers of signature v3: base64 of HMAC-SHA256 over method, address, body and milliseconds."""
    stamp = str(int(now * 1000))
    digest = hmac.new(secret.encode(), f"{method}{url}".encode() + body + stamp.encode(), hashlib.sha256).digest()
    return {"X-HubSpot-Signature-v3": base64.b64encode(digest).decode(), "X-HubSpot-Request-Timestamp": stamp}


def encode(events: Sequence[Event], attempt: int) -> bytes:
    """A JSON array; each event tells which attempt this is, counted from 0."""
    return orjson.dumps([{**event, "attemptNumber": attempt} for event in events])


class Webhooks:
    """Turns changes of the portal into events for whoever subscribed."""

    def __init__(self, portal: Portal, clock: SandboxClock) -> None:
        self._portal = portal
        self.out = WebhooksOut(clock, encode, sign)
        self._subscriptions: dict[int, Subscription] = {}
        self._everything = False
        self._url = ""
        self._updated = 0
        self._events = 0

    def control(self, method: str, body: Any) -> dict[str, Any]:
        """The control surface: {"url", "secret", ...}, with "subscriptions" or everything."""
        given = dict(body) if isinstance(body, Mapping) else body
        if isinstance(given, dict) and "url" in given:
            wanted = given.pop("subscriptions", None)
            given.setdefault("secret", CLIENT_SECRET)
            self._subscriptions.clear()
            for each in wanted or ():
                self._subscribe(str(each.get("eventType", "")), str(each.get("propertyName") or ""), active=True)
            self._everything = not wanted
        told = self.out.control(method, given)
        self._listen()
        return {**told, "subscriptions": [each.as_json() for each in self._subscriptions.values()]}

    def routes(self, paths: Paths) -> None:
        """Put the calls of subscriptions and settings behind their paths."""
        # Signed in to with a developer's key (`hapikey`), which is not of the portal: nobody is asked for it here.
        for rest, method, handler in (
            ("{app}/settings", "GET", self._read_settings),
            ("{app}/settings", "PUT", self._put_settings),
            ("{app}/settings", "DELETE", self._clear_settings),
            ("{app}/subscriptions", "GET", self._list),
            ("{app}/subscriptions", "POST", self._create),
            ("{app}/subscriptions/batch/update", "POST", self._update_batch),
            ("{app}/subscriptions/{id}", "GET", self._read),
            ("{app}/subscriptions/{id}", "PATCH", self._update),
            ("{app}/subscriptions/{id}", "DELETE", self._delete),
        ):
            paths.add("webhooks", rest, method, handler, open=True)

    # --- subscriptions and settings

    def _settings(self) -> dict[str, Any]:
        if not self._url:
            raise not_found("webhook settings", str(_APP_ID))
        at = iso(self._updated)
        return {
            "targetUrl": self._url,
            "throttling": {"maxConcurrentRequests": 10},
            "createdAt": at,
            "updatedAt": at,
        }

    def _read_settings(self, _: Call) -> Answer:
        return self._settings()

    def _put_settings(self, call: Call) -> Answer:
        url = str(call.json().get("targetUrl", ""))
        try:
            target = Target.read({"url": url, "secret": CLIENT_SECRET})
        except ValueError as error:
            raise bad_request(f"Invalid targetUrl: {error}") from error
        self._url, self._updated = url, self._portal.now()
        self._everything = False
        self.out.send_to(target)
        self._listen()
        return self._settings()

    def _clear_settings(self, _: Call) -> Answer:
        self._url = ""
        self.out.send_to(None)
        self._listen()
        return 204, None

    def _subscribe(self, kind: str, name: str, *, active: bool) -> Subscription:
        word, _, verb = kind.partition(".")
        if verb not in _VERBS or not word:
            raise bad_request(f"{kind!r} is not a type of event: contact.propertyChange, object.creation, ...")
        made = Subscription(4_000_001 + len(self._subscriptions), kind, name, active, self._portal.now())
        self._subscriptions[made.id] = made
        return made

    def _one(self, key: str) -> Subscription:
        found = self._subscriptions.get(int(key)) if key.isdigit() else None
        if found is None:
            raise not_found("subscription", key)
        return found

    def _read(self, call: Call) -> Answer:
        return self._one(call.path["id"]).as_json()

    def _list(self, _: Call) -> Answer:
        return {"results": [each.as_json() for each in self._subscriptions.values()]}

    def _create(self, call: Call) -> Answer:
        body = call.json()
        name = str(body.get("propertyName") or "")
        made = self._subscribe(str(body.get("eventType", "")), name, active=bool(body.get("active", True)))
        return 201, made.as_json()

    def _activate(self, key: str, active: bool) -> Subscription:
        found = self._one(key)
        changed = Subscription(found.id, found.kind, found.property, active, found.created)
        self._subscriptions[found.id] = changed
        return changed

    def _update(self, call: Call) -> Answer:
        return self._activate(call.path["id"], bool(call.json().get("active", True))).as_json()

    def _update_batch(self, call: Call) -> Answer:
        rows = [self._activate(str(each["id"]), bool(each["active"])) for each in call.json().get("inputs") or ()]
        at = iso(self._portal.now())
        return {
            "status": "COMPLETE",
            "results": [each.as_json() for each in rows],
            "startedAt": at,
            "completedAt": at,
        }

    def _delete(self, call: Call) -> Answer:
        del self._subscriptions[self._one(call.path["id"]).id]
        return 204, None

    # --- events

    def _listen(self) -> None:
        """Hear of changes while somebody is to be told, so that nobody pays for it otherwise."""
        listeners = self._portal.listeners
        if self.out.wanted and self._hear not in listeners:
            listeners.append(self._hear)
        elif not self.out.wanted and self._hear in listeners:
            listeners.remove(self._hear)

    def _hear(self, change: Change) -> None:
        kind = self._portal.tables[change.object].kind
        word = kind.singular if change.object in _NAMED else "object"
        subscription = self._wanted(f"{word}.{change.kind}", change.property)
        if subscription is None:
            return
        self._events += 1
        event: dict[str, Any] = {
            "eventId": self._events,
            "subscriptionId": subscription,
            "portalId": _PORTAL_ID,
            "appId": _APP_ID,
            "occurredAt": change.at,
            "subscriptionType": f"{word}.{change.kind}",
            "objectId": change.record_id,
            "objectTypeId": kind.type_id,
            "changeSource": change.source,
            "sourceId": "userId:900001" if change.source == "CRM_UI" else str(_APP_ID),
        }
        self.out.tell({**event, **self._detail(change)})

    def _wanted(self, kind: str, name: str) -> int | None:
        """The id of the subscription that an event belongs to."""
        if self._everything:
            return 4_000_000
        for each in self._subscriptions.values():
            if each.active and each.kind == kind and each.property in {"", name}:
                return each.id
        return None

    def _detail(self, change: Change) -> dict[str, Any]:
        match change.kind:
            case "propertyChange":
                return {"propertyName": change.property, "propertyValue": change.value or ""}
            case "merge":
                return {
                    "primaryObjectId": change.record_id,
                    "newObjectId": change.record_id,
                    "mergedObjectIds": list(change.merged),
                    "numberOfPropertiesMoved": 0,
                }
            case "associationChange":
                return self._link(change)
            case other:
                return {"changeFlag": _FLAGS[other]}

    def _link(self, change: Change) -> dict[str, Any]:
        other, other_id = change.other or ("", 0)
        start, end = self._portal.tables[change.object].kind, self._portal.tables[other].kind
        primary = self._portal.links.is_primary(change.object, change.record_id, other, other_id)
        return {
            "associationType": f"{start.singular}_to_{end.singular}".upper(),
            "fromObjectId": change.record_id,
            "fromObjectTypeId": start.type_id,
            "toObjectId": other_id,
            "toObjectTypeId": end.type_id,
            "associationRemoved": change.removed,
            "isPrimaryAssociation": primary and not change.removed,
        }
