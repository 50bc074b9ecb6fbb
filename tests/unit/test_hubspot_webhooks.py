"""Webhooks of HubSpot: what proves a request, and which records it speaks of. Seconds: 1."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hubspot.utils.signature import Signature

from leadline.sdk.errors import ConfigError, WebhookError
from leadline.sdk.ports import Runtime, Webhooks
from leadline.sdk.records import WebhookCall
from leadline_hubspot import connector

NOW = 1_780_000_000
SECRET = "client-secret-of-the-app"
URL = "https://leadline.example/webhooks/portal"
RUNTIME = Runtime("portal", lambda: NOW, lambda _: None, attempts=1)


@pytest.fixture(scope="module")
def reader() -> Webhooks:
    options = {"access_token": "t", "webhook_secret": SECRET, "base_url": "http://127.0.0.1:9"}
    made = connector.webhooks(options, RUNTIME)
    assert made is not None
    return made


def event(subscription: str = "contact.propertyChange", **changed: Any) -> dict[str, Any]:
    return {
        "eventId": 1, "subscriptionId": 12, "portalId": 62515, "appId": 5, "occurredAt": NOW * 1000 - 1_500,
        "subscriptionType": subscription, "attemptNumber": 0, "objectId": 101, **changed,
    }  # fmt: skip


def call(*events: Any, at: int = NOW, secret: str = SECRET, url: str = URL, **changed: Any) -> WebhookCall:
    """A request signed by the vendor's own helper, which is written independently of ours."""
    body: bytes = changed.pop("body", orjson.dumps(list(events)))
    stamp = str(at * 1000)
    signed = Signature.get_signature(secret, body.decode(), "v3", url, "POST", stamp)
    headers = {"x-hubspot-signature-v3": signed, "x-hubspot-request-timestamp": stamp}
    return WebhookCall("POST", changed.pop("sent_to", url), {**headers, **changed.pop("headers", {})}, body, NOW)


def touched(reader: Webhooks, *events: Any) -> list[tuple[str, str]]:
    return [(each.object, each.record_id) for each in reader.read(call(*events))]


def test_without_a_secret_there_is_no_reader() -> None:
    assert connector.webhooks({"access_token": "t"}, RUNTIME) is None
    with pytest.raises(ConfigError, match="nonsense"):
        connector.webhooks({"access_token": "t", "nonsense": 1}, RUNTIME)


def test_a_request_that_the_vendor_signed_is_read(reader: Webhooks) -> None:
    (notice,) = reader.read(call(event()))

    assert (notice.object, notice.record_id, notice.occurred_at) == ("contacts", "101", NOW - 2)


@pytest.mark.parametrize(
    "made",
    [
        call(event(), secret="another"),
        call(event(), headers={"x-hubspot-signature-v3": ""}),
        call(event(), headers={"x-hubspot-signature-v3": "\u00e9"}),
        call(event(), headers={"x-hubspot-request-timestamp": str(NOW * 1000 + 1)}),
        call(event(), headers={"x-hubspot-request-timestamp": "soon"}),
        call(event(), sent_to="https://leadline.example/webhooks/other"),
    ],
    ids=["other secret", "no signature", "odd signature", "other time", "no time", "other address"],
)
def test_a_request_that_is_not_proved_is_not_believed(reader: Webhooks, made: WebhookCall) -> None:
    with pytest.raises(WebhookError) as caught:
        reader.read(made)

    assert caught.value.status == 401
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("away", [-301, 301])
def test_an_old_request_is_refused_and_one_of_the_future_as_well(reader: Webhooks, away: int) -> None:
    with pytest.raises(WebhookError, match="300 seconds"):
        reader.read(call(event(), at=NOW + away))

    inside = away // abs(away) * 299
    assert len(reader.read(call(event(), at=NOW + inside))) == 1


def test_an_address_is_signed_with_some_escapes_undone(reader: Webhooks) -> None:
    made = call(event(), url=f"{URL}?to=a@b.example", sent_to=f"{URL}?to=a%40b.example")

    assert len(reader.read(made)) == 1


@pytest.mark.parametrize("body", [b"not json", b'{"eventId": 1}', b""])
def test_a_proved_request_that_cannot_be_read_says_so(reader: Webhooks, body: bytes) -> None:
    with pytest.raises(WebhookError) as caught:
        reader.read(call(body=body))

    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"subscription": "contact.creation"}, ("contacts", "101")),
        ({"subscription": "company.deletion"}, ("companies", "101")),
        ({"subscription": "contact.privacyDeletion"}, ("contacts", "101")),
        ({"subscription": "deal.restore"}, ("deals", "101")),
        ({"subscription": "object.propertyChange", "objectTypeId": "0-1"}, ("contacts", "101")),
        ({"subscription": "object.creation", "objectTypeId": "0-48"}, ("calls", "101")),
        ({"subscription": "object.creation", "objectTypeId": "0-136"}, ("leads", "101")),
    ],
)
def test_what_was_touched_is_named_as_we_read_it(
    reader: Webhooks, changed: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert touched(reader, event(changed.pop("subscription"), **changed)) == [expected]


def test_both_ends_of_an_association_were_touched(reader: Webhooks) -> None:
    older = event(
        "contact.associationChange", associationType="CONTACT_TO_COMPANY", fromObjectId=1, toObjectId=2, objectId=None
    )
    newer = event(
        "object.associationChange", fromObjectTypeId="0-3", toObjectTypeId="0-1", fromObjectId=3, toObjectId=4
    )

    assert touched(reader, older, newer) == [("contacts", "1"), ("companies", "2"), ("deals", "3"), ("contacts", "4")]


def test_everything_that_took_part_in_a_merge_was_touched(reader: Webhooks) -> None:
    merge = event("contact.merge", objectId=None, primaryObjectId=5, mergedObjectIds=[6, 8], newObjectId=7)

    assert touched(reader, merge) == [("contacts", each) for each in ("5", "7", "6", "8")]


def test_events_of_unknown_kinds_are_passed_over(reader: Webhooks) -> None:
    strange = [event("conversation.newMessage"), event("object.creation", objectTypeId="0-999"), {}, 5, None]

    assert touched(reader, *strange, event(objectId="no id"), event(objectId=True), event()) == [("contacts", "101")]


def test_a_repetition_has_the_same_id_and_another_event_has_not(reader: Webhooks) -> None:
    first, again, other, older = reader.read(
        call(event(), event(attemptNumber=3), event(propertyName="email"), event(occurredAt=NOW * 1000))
    )

    assert first.id == again.id
    assert len({first.id, other.id, older.id}) == 3


def test_a_custom_object_keeps_its_type_id_while_the_portal_cannot_be_asked(reader: Webhooks) -> None:
    assert touched(reader, event("object.creation", objectTypeId="2-1000001")) == [("2-1000001", "101")]
