"""What the HubSpot connector asks and how it understands answers, without a server."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import orjson
import pytest

from leadline.sdk.errors import BudgetError, ConfigError
from leadline.sdk.http import Action, Reply
from leadline.sdk.ports import Runtime
from leadline.sdk.records import Actor, PullRequest
from leadline_hubspot import connector, options, search, snapshot
from leadline_hubspot.errors import classify, names_a_duplicate, refusal_of
from leadline_hubspot.links import inlined, primary_first
from leadline_hubspot.quota import DailyQuota
from leadline_hubspot.values import as_text, instant, millis, same, to_records


def reply(status: int, body: object = None, **headers: str) -> Reply:
    return Reply(status, headers, b"" if body is None else orjson.dumps(body))


@pytest.mark.parametrize(
    ("policy", "action", "wait"),
    [
        ("SECONDLY", Action.RETRY, 1.0),
        ("TEN_SECONDLY_ROLLING", Action.RETRY, 10.0),
        ("SOMETHING_NEW", Action.RETRY, 10.0),
        ("DAILY", Action.BUDGET, 3_600.0),
    ],
)
def test_a_429_is_judged_by_its_policy(policy: str, action: Action, wait: float | None) -> None:
    verdict = classify(reply(429, {"policyName": policy, "message": "slow down"}))

    assert (verdict.action, verdict.wait, verdict.applied) == (action, wait, False)


@pytest.mark.parametrize(
    ("message", "action", "wait"),
    [
        ("You have reached your secondly limit.", Action.RETRY, 1.0),
        ("You have reached your ten_secondly_rolling limit.", Action.RETRY, 10.0),
        ("You have reached your daily limit.", Action.BUDGET, 3_600.0),
        ("Slow down.", Action.RETRY, 10.0),
    ],
)
def test_a_429_that_names_no_policy_is_judged_by_its_words(message: str, action: Action, wait: float) -> None:
    verdict = classify(reply(429, {"message": message}))

    assert (verdict.action, verdict.wait) == (action, wait)


def test_an_account_that_is_moved_says_when_it_is_back() -> None:
    verdict = classify(Reply(477, {"retry-after": "36000"}, b""))

    assert (verdict.action, verdict.wait, "10 h" in verdict.message) == (Action.BUDGET, 36_000.0, True)
    assert classify(Reply(477, {}, b"")).wait == 86_400.0


def test_what_the_vendor_says_about_waiting_goes_before_the_policy() -> None:
    verdict = classify(Reply(429, {"retry-after": "3"}, b'{"policyName": "TEN_SECONDLY_ROLLING"}'))

    assert verdict.wait == 3.0


@pytest.mark.parametrize(
    ("status", "action", "applied"),
    [
        (200, Action.OK, False),
        (207, Action.OK, False),
        (400, Action.FAIL, False),
        (401, Action.CREDENTIALS, False),
        (403, Action.CREDENTIALS, False),
        (404, Action.FAIL, False),
        (409, Action.FAIL, False),
        (423, Action.RETRY, False),
        (477, Action.BUDGET, False),
        (500, Action.RETRY, None),
        (502, Action.RETRY, None),
        (503, Action.RETRY, None),
        (504, Action.RETRY, None),
        (521, Action.RETRY, None),
        (522, Action.RETRY, None),
        (523, Action.RETRY, None),
        (524, Action.RETRY, None),
    ],
)
def test_statuses(status: int, action: Action, applied: bool | None) -> None:
    verdict = classify(reply(status, {"message": "said"}))

    assert (verdict.action, verdict.applied) == (action, applied)


def test_a_locked_record_is_waited_for_two_seconds() -> None:
    assert classify(reply(423, {})).wait == 2.0


def test_an_answer_that_is_not_json_is_still_judged() -> None:
    verdict = classify(Reply(502, {}, b"<html>Bad gateway</html>"))

    assert (verdict.action, verdict.message) == (Action.RETRY, "status 502")


@pytest.mark.parametrize("body", [b"<html>Hello</html>", b'{"results": [', b"OK"])
def test_a_page_in_place_of_an_answer_leaves_a_write_unknown(body: bytes) -> None:
    verdict = classify(Reply(200, {}, body))

    assert (verdict.action, verdict.applied) == (Action.RETRY, None)


@pytest.mark.parametrize("body", [b"", b"{}", b'[{"a": 1}]\n'])
def test_an_answer_may_be_empty_an_object_or_a_list(body: bytes) -> None:
    assert classify(Reply(200, {}, body)).action is Action.OK


def test_a_missing_scope_is_named() -> None:
    body = {
        "message": "not granted",
        "category": "MISSING_SCOPES",
        "errors": [{"message": "required", "context": {"requiredGranularScopes": ["crm.objects.contacts.read"]}}],
    }

    assert "crm.objects.contacts.read" in classify(reply(403, body)).message


def test_secrets_in_a_message_are_not_passed_on() -> None:
    verdict = classify(reply(400, {"message": "bad header Authorization: Bearer pat-na1-secret"}))

    assert "pat-na1-secret" not in verdict.message


def test_a_refused_row_says_who_must_act() -> None:
    body = {"category": "VALIDATION_ERROR", "errors": [{"message": "x is no option", "code": "INVALID_OPTION"}]}

    refusal = refusal_of(body)

    assert (refusal.code, refusal.message, refusal.actor) == ("INVALID_OPTION", "x is no option", Actor.CRM_ADMIN)
    assert refusal.fix


def test_every_field_of_an_error_body_is_optional() -> None:
    refusal = refusal_of({})

    assert refusal.code == "REFUSED"
    assert not names_a_duplicate({})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("CONDITIONAL_REQUIRED_PROPERTY", "fill them"),
        ("PIPELINE_STAGE_MOVED_BACKWARD", "forward only"),
        ("NEW", "rule"),
    ],
)
def test_a_validation_rule_is_explained(code: str, said: str) -> None:
    error = {"subCategory": f"ValidationError.{code}", "errors": [{"message": "needs x", "code": code}]}

    refusal = refusal_of(error)

    assert (refusal.actor, refusal.message) == (Actor.CRM_ADMIN, "needs x")
    assert said in refusal.fix


def day(left: int) -> dict[str, str]:
    return {"x-hubspot-ratelimit-daily": "1000", "x-hubspot-ratelimit-daily-remaining": str(left)}


def test_u10_a_reserve_of_the_days_calls_is_left_to_others() -> None:
    now = [0]
    quota = DailyQuota(5, lambda: now[0], "portal")

    for left in (1_000, 51):
        quota.note(day(left))
        quota.check()
    quota.note({})  # a search says nothing
    quota.note(day(50))
    with pytest.raises(BudgetError, match="50 of the account's 1000 calls") as caught:
        quota.check()
    assert caught.value.retry_after == 900
    now[0] = 900
    quota.check()  # one call, to see whether the day is over
    with pytest.raises(BudgetError):
        quota.check()
    quota.note(day(1_000))
    quota.check()


def test_values_are_text() -> None:
    assert [as_text(value) for value in (None, True, False, 12, 1.5, "x")] == ["", "true", "false", "12", "1.5", "x"]


@pytest.mark.parametrize(
    ("sent", "found", "equal"),
    [
        ("12", "12.0", True),
        ("", None, True),
        ("", "x", False),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z", True),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", False),
        ("lead", "customer", False),
    ],
)
def test_a_value_is_compared_by_meaning(sent: str, found: str | None, equal: bool) -> None:
    assert same(sent, found) is equal


def test_instants_keep_their_milliseconds() -> None:
    assert millis("2026-01-01T00:00:00.123Z") == 1_767_225_600_123
    assert instant(1_767_225_600) == "2026-01-01T00:00:00Z"


def test_a_merged_record_is_told_as_deleted_with_its_survivor() -> None:
    row = {
        "id": "9",
        "updatedAt": "2026-01-01T00:00:00Z",
        "properties": {"email": "", "lastmodifieddate": "2026-01-01T00:00:00Z", "hs_merged_object_ids": "5;7"},
    }

    survivor, *losers = to_records("contacts", row, ("email",), {})

    assert survivor.fields == {"email": None}
    assert [(each.id, each.deleted, each.merged_into) for each in losers] == [("5", True, "9"), ("7", True, "9")]


def test_the_primary_company_comes_first_and_once() -> None:
    results = [
        {"id": "2", "type": "contact_to_company_unlabeled"},
        {"id": "1", "type": "contact_to_company_unlabeled"},
        {"id": "1", "type": "contact_to_company"},
    ]

    assert inlined({"associations": {"companies": {"results": results}}}, "companies") == (("1", "2"), False)


def test_the_primary_target_of_a_batch_read_comes_first() -> None:
    other = [{"typeId": 279, "label": None}]
    primary = [{"typeId": 1, "label": "Primary"}, {"typeId": 279}]
    targets: list[dict[str, Any]] = [
        {"toObjectId": 7, "associationTypes": other},
        {"toObjectId": "8", "associationTypes": primary},
    ]

    assert list(primary_first(targets)) == ["8", "7"]


def test_a_search_that_leaves_out_too_much_does_not_fit() -> None:
    ids = [str(60_000_000_000 + number) for number in range(101)]

    assert search.fits(search.changed_since("contacts", 1, ids[:100], ("email",)))
    assert not search.fits(search.changed_since("contacts", 1, ids, ("email",)))
    assert not search.fits(search.changed_since("contacts", 1, ids[:100], ["x" * 40] * 50))


@pytest.mark.parametrize(
    ("rows", "links", "expected"),
    [
        (0, (), ("list", 1)),
        (10_000, ("companies",), ("list", 100)),
        (10_001, (), ("search", 51)),
        (25_000, ("contacts", "companies"), ("search", 176)),
    ],
)
def test_the_cheaper_way_of_a_first_read(rows: int, links: tuple[str, ...], expected: tuple[str, int]) -> None:
    assert snapshot.plan(PullRequest("calls", ("hs_timestamp",), links), rows, 10_000) == expected


def test_a_long_list_of_properties_never_goes_into_an_address() -> None:
    fields = tuple(f"a_rather_long_name_of_a_property_{number}" for number in range(300))

    assert snapshot.plan(PullRequest("contacts", fields), 100, 10_000)[0] == "search"


def test_options_that_cannot_work_are_named_without_their_values() -> None:
    runtime = Runtime("portal", lambda: 0, lambda _: None)

    with pytest.raises(ConfigError, match="acces_token") as caught:
        connector.connect({"acces_token": "pat-secret"}, runtime)

    assert "pat-secret" not in str(caught.value)


@pytest.mark.parametrize("secret", ["", "\n", "pat-se\ncret", "pat-s\u00e9cret"])
def test_a_secret_that_none_can_be_is_refused_and_not_shown(secret: str) -> None:
    runtime = Runtime("portal", lambda: 0, lambda _: None)
    for given in ({"access_token": secret}, {"access_token": "t", "client_secret": secret}):
        with pytest.raises(ConfigError) as caught:
            connector.webhooks(given, runtime)

        assert "pat-" not in str(caught.value)


def test_the_line_end_behind_a_secret_in_a_file_is_no_part_of_it() -> None:
    parsed = options.parse({"access_token": "pat-1\n"}, place="portal")

    assert parsed.access_token is not None
    assert parsed.access_token.get_secret_value() == "pat-1"


@pytest.mark.parametrize("base_url", ["http://api.hubapi.com", "api.hubapi.com", "ftp://127.0.0.1"])
def test_nothing_but_tls_leaves_the_machine(base_url: str) -> None:
    runtime = Runtime("portal", lambda: 0, lambda _: None)

    with pytest.raises(ConfigError):
        connector.connect({"access_token": "t", "base_url": base_url}, runtime)


def test_importing_the_connector_loads_no_client_and_no_server() -> None:
    code = "import sys, leadline_hubspot; print(*{'hubspot', 'urllib3', 'starlette', 'pydantic'} & set(sys.modules))"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == ""
