"""Callouts of an org: what proves them, what they say, and what is not believed."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import orjson
import pytest

from leadline.sdk.errors import ConfigError, WebhookError
from leadline.sdk.ports import Runtime, Webhooks
from leadline.sdk.records import Notice, WebhookCall
from leadline_salesforce import connector

NOW = 1_780_000_000
LEAD = "00QLw0AAAAAAAAAAAA"[:15]
SECRET, TOKEN = "a-secret-of-the-org", "a-token-of-the-flow"
BODY = orjson.dumps({"records": [{"object": "Lead", "id": LEAD}]})
OPTIONS = {
    "base_url": "https://acme.my.salesforce.com", "consumer_key": "key", "consumer_secret": "unused",
}  # fmt: skip


def webhooks(**options: str) -> Webhooks:
    runtime = Runtime(name="crm", now=lambda: NOW, sleep=lambda _: None)
    found = connector.webhooks({**OPTIONS, **options}, runtime)
    assert found is not None
    return found


def call(body: bytes = BODY, received_at: int = NOW, **headers: str) -> WebhookCall:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookCall("POST", "https://leadline.acme.example/hooks/crm", named, body, received_at)


def signed(body: bytes = BODY, *, at: object = NOW, secret: str = SECRET, received_at: int = NOW) -> WebhookCall:
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return call(body, received_at, x_leadline_timestamp=str(at), x_leadline_signature=f"sha256={digest}")


def refused(hooks: Webhooks, made: WebhookCall) -> WebhookError:
    with pytest.raises(WebhookError) as caught:
        hooks.read(made)
    return caught.value


def test_a_signed_callout_names_its_records_with_full_ids_and_the_time_signed() -> None:
    (notice,) = webhooks(webhook_secret=SECRET).read(signed(at=NOW - 5))
    assert (notice.object, notice.record_id[:15], len(notice.record_id)) == ("Lead", LEAD, 18)
    assert notice.occurred_at == NOW - 5


def test_one_record_may_stand_alone_and_custom_objects_are_named() -> None:
    body = orjson.dumps({"object": "Web_Event__c", "id": LEAD, "more": 1})
    (notice,) = webhooks(webhook_secret=SECRET).read(signed(body))
    assert notice.object == "Web_Event__c"


def test_an_empty_list_is_a_callout_that_says_nothing() -> None:
    assert webhooks(webhook_secret=SECRET).read(signed(b'{"records": []}')) == []


@pytest.mark.parametrize(
    "made",
    [
        call(),
        signed(secret="another secret"),
        signed(at=""),
        signed(at="soon"),
        signed(at="-1"),
        signed(at="１７８０"),
        call(x_leadline_timestamp=str(NOW), x_leadline_signature="sha256=é"),
        call(x_leadline_timestamp=str(NOW), x_leadline_signature=""),
        call(x_leadline_token=SECRET),
    ],
)
def test_a_callout_without_its_proof_is_401(made: WebhookCall) -> None:
    assert refused(webhooks(webhook_secret=SECRET), made).status == 401


def test_the_signature_covers_timestamp_and_body() -> None:
    good = signed()
    hooks = webhooks(webhook_secret=SECRET)
    assert hooks.read(good)
    assert refused(hooks, replace(good, body=BODY + b" ")).status == 401
    later = {**good.headers, "x-leadline-timestamp": str(NOW + 1)}
    assert refused(hooks, replace(good, headers=later)).status == 401


@pytest.mark.parametrize(("age", "believed"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_signed_callout_is_believed_for_300_seconds_either_way(age: int, believed: bool) -> None:
    made = signed(at=NOW - age)
    hooks = webhooks(webhook_secret=SECRET)
    if believed:
        assert hooks.read(made)
    else:
        assert refused(hooks, made).status == 401


def test_a_token_serves_where_the_org_cannot_sign() -> None:
    hooks = webhooks(webhook_token=TOKEN)
    (notice,) = hooks.read(call(x_leadline_token=TOKEN))
    assert isinstance(notice, Notice)
    assert notice.occurred_at == 0
    for made in (call(), call(x_leadline_token="another"), call(x_leadline_token=""), signed()):
        assert refused(hooks, made).status == 401


def test_a_wrong_signature_is_not_saved_by_a_token() -> None:
    hooks = webhooks(webhook_secret=SECRET, webhook_token=TOKEN)
    assert hooks.read(call(x_leadline_token=TOKEN))
    forged = signed(secret="another secret")
    forged = replace(forged, headers={**forged.headers, "x-leadline-token": TOKEN})
    assert refused(hooks, forged).status == 401


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"",
        b"[]",
        b'"Lead"',
        b'{"records": {"object": "Lead"}}',
        b'{"records": ["00Q"]}',
        b'{"records": [{"object": "Lead"}]}',
        b'{"records": [{"object": "Lead", "id": "1"}]}',
        b'{"records": [{"object": "Lead FROM User", "id": "00QLw0AAAAAAAAA"}]}',
        b'{"records": [{"object": 1, "id": "00QLw0AAAAAAAAA"}]}',
    ],
)
def test_a_proved_callout_that_cannot_be_read_is_400(body: bytes) -> None:
    hooks = webhooks(webhook_secret=SECRET)
    assert refused(hooks, signed(body)).status == 400
    assert refused(hooks, call(body)).status == 401  # nothing is read before the proof


def test_no_error_repeats_the_secret_or_the_body() -> None:
    hooks = webhooks(webhook_secret=SECRET, webhook_token=TOKEN)
    for made in (signed(secret="other"), call(x_leadline_token="other"), signed(b"ada@company1.example")):
        said = str(refused(hooks, made))
        assert not any(word in said for word in (SECRET, TOKEN, "ada", "other"))


def test_options_without_a_secret_mean_no_webhooks() -> None:
    runtime = Runtime(name="crm", now=lambda: NOW, sleep=lambda _: None)
    assert connector.webhooks(OPTIONS, runtime) is None


def test_a_secret_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 16") as caught:
        webhooks(webhook_secret="short")
    assert caught.value.place == "connections.crm.webhook_secret"
