"""Webhooks of the HubSpot sandbox: events of edits, signed so that the vendor's own helper believes them (2 s)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hubspot.utils.signature import Signature
from tests.hubspot_portal import CONTACTS, FIRST, Portal, serving
from tests.receiver import Receiver, listening

from leadline_hubspot.sandbox.vendor import CLIENT_SECRET

SUBSCRIPTIONS = "/app-webhooks/2026-09/1234567/subscriptions"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as opened:
        yield opened


@pytest.fixture
def portal() -> Iterator[Portal]:
    with serving() as opened:
        yield opened


def events(portal: Portal, receiver: Receiver) -> list[dict[str, Any]]:
    """Everything that has arrived."""
    portal.vendor.webhooks.out.wait()
    return [event for _, _, body in receiver.requests for event in orjson.loads(body)]


def listen(portal: Portal, receiver: Receiver, **settings: Any) -> None:
    reply = portal.post("/__sandbox__/webhooks", {"url": receiver.url, "retry_seconds": 0, **settings})
    assert reply.status_code == 200, reply.text


def test_every_kind_of_edit_is_told(portal: Portal, receiver: Receiver) -> None:
    listen(portal, receiver)

    portal.edit("update", "contacts", id=str(FIRST), fields={"jobtitle": "CEO"})
    portal.edit("delete", "contacts", id=str(FIRST))
    portal.edit("restore", "contacts", id=str(FIRST))
    portal.edit("merge", "contacts", id=str(FIRST + 1), into=str(FIRST))
    visit = {"event_type": "pricing_page", "occurred_at": "2026-05-01T00:00:00Z"}
    made = portal.edit("create", "web_events", fields=visit, links={"contacts": [str(FIRST)]}).json()["id"]

    found = events(portal, receiver)
    assert {event["subscriptionType"] for event in found} >= {
        "contact.propertyChange", "contact.deletion", "contact.restore", "contact.merge", "object.creation",
        "object.associationChange",
    }  # fmt: skip
    (title,) = (event for event in found if event.get("propertyName") == "jobtitle")
    assert (title["objectId"], title["propertyValue"], title["changeSource"]) == (FIRST, "CEO", "CRM_UI")
    (merge,) = (event for event in found if event["subscriptionType"] == "contact.merge")
    assert (merge["primaryObjectId"], merge["mergedObjectIds"]) == (FIRST, [FIRST + 1])
    (created,) = (event for event in found if event["subscriptionType"] == "object.creation")
    assert (created["objectTypeId"], created["objectId"]) == ("2-1000001", int(made))
    (link,) = (event for event in found if event.get("associationType") == "WEB_EVENT_TO_CONTACT")
    assert (link["fromObjectId"], link["toObjectId"], link["associationRemoved"]) == (int(made), FIRST, False)


def test_the_vendors_own_helper_believes_the_signature(portal: Portal, receiver: Receiver) -> None:
    listen(portal, receiver)
    portal.sandbox.clock.set(4_000_000_000)  # the helper compares with this machine's clock, and takes the future
    portal.patch(f"{CONTACTS}/{FIRST}", jobtitle="CEO")
    events(portal, receiver)

    _, headers, body = receiver.requests[0]
    given = {
        "signature": headers["x-hubspot-signature-v3"],
        "timestamp": headers["x-hubspot-request-timestamp"],
        "http_uri": receiver.url,
        "http_method": "POST",
        "request_body": body.decode(),
        "signature_version": "v3",
    }
    assert Signature.is_valid(client_secret=CLIENT_SECRET, **given)
    assert not Signature.is_valid(client_secret="another", **given)


def test_what_the_api_wrote_says_so_and_a_repetition_has_its_number(portal: Portal, receiver: Receiver) -> None:
    receiver.answers = [500]
    listen(portal, receiver, subscriptions=[{"eventType": "contact.propertyChange", "propertyName": "jobtitle"}])

    portal.patch(f"{CONTACTS}/{FIRST}", jobtitle="CEO", urgency="high")

    first, second = events(portal, receiver)
    assert (first["attemptNumber"], second["attemptNumber"], first["changeSource"]) == (0, 1, "INTEGRATION")
    assert {**first, "attemptNumber": 1} == second


def test_an_app_subscribes_over_the_api(portal: Portal, receiver: Receiver) -> None:
    settings = "/app-webhooks/2026-09/1234567/settings"
    assert portal.get(settings).status_code == 404
    told = portal.put(settings, {"targetUrl": receiver.url, "throttling": {"maxConcurrentRequests": 10}}).json()
    given = {"eventType": "contact.propertyChange", "propertyName": "jobtitle", "active": True}
    made = portal.post(SUBSCRIPTIONS, given).json()

    portal.patch(f"{CONTACTS}/{FIRST}", jobtitle="CEO", urgency="high")
    first = events(portal, receiver)
    portal.http.patch(f"/webhooks/v3/1234567/subscriptions/{made['id']}", json={"active": False})
    portal.patch(f"{CONTACTS}/{FIRST}", jobtitle="CFO")

    assert told["targetUrl"] == receiver.url
    assert [event["propertyName"] for event in first] == ["jobtitle"]
    assert events(portal, receiver) == first
    assert [each["active"] for each in portal.get(SUBSCRIPTIONS).json()["results"]] == [False]
    assert portal.post(SUBSCRIPTIONS, {**given, "eventType": "contact.nonsense"}).status_code == 400
    assert portal.put(settings, {"targetUrl": "https://elsewhere.example/"}).status_code == 400
    assert portal.http.delete(f"{SUBSCRIPTIONS}/{made['id']}").status_code == 204


def test_nothing_is_sent_once_the_target_is_gone(portal: Portal, receiver: Receiver) -> None:
    listen(portal, receiver)
    portal.http.delete("/__sandbox__/webhooks")

    portal.patch(f"{CONTACTS}/{FIRST}", jobtitle="CEO")

    assert events(portal, receiver) == []
