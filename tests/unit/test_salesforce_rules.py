"""The Salesforce connector's pure parts: cursors, tables of errors, options, payloads, queries, imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from leadline.sdk.errors import ConfigError
from leadline.sdk.http import Action, Reply
from leadline.sdk.records import Actor, FieldSchema, FieldType, ObjectSchema, Scalar
from leadline_salesforce.cursor import Progress, epoch
from leadline_salesforce.errors import CALLS, ROWS, classify, one_line, refusal
from leadline_salesforce.health import WRITE_BACK, task_key, write_back
from leadline_salesforce.options import read_options
from leadline_salesforce.payloads import same
from leadline_salesforce.query import After, select
from leadline_salesforce.sandbox import ids

STAMP = "2026-05-28T12:00:00.000Z"
GOOD = {"base_url": "https://acme.my.salesforce.com/", "consumer_key": "k", "consumer_secret": "s3cret"}


def row(second: int) -> After:
    return After(f"2026-05-28T12:00:{second:02d}.000Z", "001x")


# Cursors

OVERLAP = 60


def test_a_finished_pass_goes_back_by_the_overlap_and_its_own_length() -> None:
    done = Progress().finished(row(0), began=1_000, now=1_090, overlap=OVERLAP)
    assert done.start() == After("2026-05-28T11:57:30.000Z")  # 60 + 90 seconds before the newest row


def test_a_pass_under_way_goes_on_behind_its_last_row_and_remembers_its_start() -> None:
    reading = Progress.read(Progress().reading(row(5), began=1_000).cursor())
    assert reading.start() == row(5)
    assert reading.finished(row(5), began=1_000, now=1_040, overlap=OVERLAP).resume == "2026-05-28T11:58:25.000Z"


def test_an_idle_object_settles_only_when_a_pass_began_after_the_overlap() -> None:
    done = Progress().finished(row(0), began=1_000, now=1_000, overlap=OVERLAP)
    early = done.finished(row(0), began=1_000 + OVERLAP - 1, now=1_060, overlap=OVERLAP)
    assert early == done
    settled = done.finished(row(0), began=1_000 + OVERLAP, now=1_061, overlap=OVERLAP)
    assert (settled.start(), settled.resume) == (row(0), None)
    assert settled.finished(row(0), began=9_000, now=9_001, overlap=OVERLAP) == settled


def test_news_end_a_settled_state() -> None:
    settled = Progress(at=row(0))
    assert settled.finished(row(30), began=9_000, now=9_000, overlap=OVERLAP).start() == After(
        "2026-05-28T11:59:30.000Z"
    )


def test_cursors_survive_storage() -> None:
    for progress in (
        Progress(),
        Progress().reading(row(1), 7),
        Progress().finished(row(1), 7, 8, overlap=OVERLAP),
        Progress(at=row(1)),
    ):
        assert Progress.read(progress.cursor()) == progress
        orjson.dumps(progress.cursor().position)


def test_stamps_are_whole_seconds_in_both_spellings() -> None:
    assert epoch("2026-05-28T12:00:00.000+0000") == epoch(STAMP) == 1_779_969_600


# Errors


def reply(status: int, body: object, **headers: str) -> Reply:
    return Reply(status, headers, body if isinstance(body, bytes) else orjson.dumps(body))


def error(code: str, message: str = "words") -> list[dict[str, str]]:
    return [{"errorCode": code, "message": message}]


@pytest.mark.parametrize(
    ("answer", "action", "applied"),
    [
        (reply(200, {}), Action.OK, False),
        (reply(401, error("INVALID_SESSION_ID")), Action.OK, False),  # the client's own business
        (reply(401, error("INVALID_AUTH_HEADER")), Action.CREDENTIALS, False),
        (reply(400, {"error": "invalid_grant", "error_description": "x"}), Action.CREDENTIALS, False),
        (reply(400, {"error": "temporarily_unavailable"}), Action.RETRY, False),
        (reply(403, error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")), Action.BUDGET, False),
        (reply(403, error("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrg Limit exceeded.")), Action.RETRY, False),
        (reply(429, b"<html>"), Action.RETRY, False),
        (reply(503, error("SERVER_UNAVAILABLE")), Action.RETRY, False),
        (reply(503, b"<html>"), Action.RETRY, None),
        (reply(500, error("UNKNOWN_EXCEPTION")), Action.RETRY, None),
        (reply(502, b""), Action.RETRY, None),
        (reply(400, error("UNABLE_TO_LOCK_ROW")), Action.RETRY, False),
        (reply(400, error("MALFORMED_QUERY")), Action.FAIL, False),
        (reply(404, error("NOT_FOUND")), Action.FAIL, False),
        (reply(302, b""), Action.FAIL, False),
        (reply(400, [{"isSuccess": False}, {"isSuccess": True}]), Action.OK, False),
    ],
)
def test_answers_by_status_and_code(answer: Reply, action: Action, applied: bool | None) -> None:
    verdict = classify(answer)
    assert (verdict.action, verdict.applied) == (action, applied)


def test_the_vendors_wait_counts_before_ours() -> None:
    limited = error("REQUEST_LIMIT_EXCEEDED")
    assert classify(reply(403, limited)).wait == 900.0
    assert classify(reply(403, limited, **{"retry-after": "12"})).wait == 12.0


def test_every_listed_row_code_has_a_sentence_to_act_on() -> None:
    assert all(row.fix.endswith(".") for row in ROWS.values())
    assert not set(CALLS) & {"STRING_TOO_LONG"}
    unknown = refusal("SOMETHING_NEW", "words")
    assert (unknown.code, unknown.actor) == ("SOMETHING_NEW", Actor.CRM_ADMIN)
    assert unknown.fix


def test_a_query_error_is_told_in_one_line_without_the_query() -> None:
    said = one_line("\nSELECT Emial FROM Lead\n       ^\nERROR at Row:1:Column:8\nNo such column 'Emial'.")
    assert said == "No such column 'Emial'."


# Options


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"base_url": "http://acme.my.salesforce.com"}, "connections.crm.base_url", "unencrypted"),
        ({"base_url": "https://login.salesforce.com"}, "connections.crm.base_url", "My Domain"),
        ({"base_url": "acme"}, "connections.crm.base_url", "not a web address"),
        ({"api_version": "66"}, "connections.crm.api_version", "pattern"),
        ({"consumer_secret": None}, "connections.crm", "either consumer_secret"),
        ({"username": "u", "private_key": "p"}, "connections.crm", "either consumer_secret"),
        ({"consumer_key": ""}, "connections.crm.consumer_key", "at least 1 character"),
        ({"consumer_scret": "s3cret"}, "connections.crm.consumer_scret", "not permitted"),
        ({"ca_file": "/no/such/file"}, "connections.crm.ca_file", "is not a file"),
    ],
)
def test_options_that_cannot_work_name_the_setting(change: dict[str, object], place: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options(GOOD | change, "crm")
    assert caught.value.place == place
    assert words in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_good_options_lose_the_slash_and_hide_the_secret() -> None:
    options = read_options(GOOD, "crm")
    assert options.base_url == "https://acme.my.salesforce.com"
    assert "s3cret" not in repr(options)


def test_a_key_file_that_is_missing_is_named(tmp_path: Path) -> None:
    key = tmp_path / "missing.pem"
    options = {"base_url": GOOD["base_url"], "consumer_key": "k", "username": "u", "private_key_file": str(key)}
    with pytest.raises(ConfigError, match=r"missing\.pem cannot be read"):
        read_options(options, "crm").key_pem()


# Payloads


@pytest.mark.parametrize(
    ("held", "written", "expected"),
    [
        (85.0, 85, True),
        (85.0, 84, False),
        (None, None, True),
        (None, "", True),
        (None, 0, False),
        ("0", 0, True),
        (True, True, True),
        (False, None, True),
        ("2026-05-28T12:00:00.000+0000", "2026-05-28T12:00:00Z", True),
        ("2026-05-28T12:00:00.000+0000", "2026-05-28T14:00:00+02:00", True),
        ("2026-05-28T12:00:01.000+0000", "2026-05-28T12:00:00Z", False),
        ("text", " text ", True),
        ("Text", "text", False),
        ("001Lw0546Vb9YFJIQ2", "001Lw0546Vb9YFJ", True),
        ("not T a time", "not T a timd", False),
    ],
)
def test_what_the_org_shows_is_compared_by_meaning(held: object, written: Scalar, expected: bool) -> None:
    assert same(held, written) is expected


def test_pages_carry_the_marks_of_deletion_where_the_object_has_them() -> None:
    assert select("Lead", ("Id", "Title"), None).startswith(
        "SELECT Id, SystemModstamp, IsDeleted, MasterRecordId, Title"
    )
    assert select("User", ("Email",), None).startswith("SELECT Id, SystemModstamp, Email FROM User ORDER BY")
    assert "MasterRecordId" not in select("Web_Event__c", (), None)


@pytest.mark.parametrize("name", ["Lead--", "Lead WHERE", "", "1st", "A.", "A'"])
def test_only_names_get_into_a_query(name: str) -> None:
    with pytest.raises(ConfigError):
        select(name, (), None)
    with pytest.raises(ConfigError):
        select("Lead", (name,), None)


# Findings


def schema(*closed: str) -> ObjectSchema:
    fields = {name: FieldSchema(name, name, FieldType.TEXT, writable=name not in closed) for name in WRITE_BACK}
    return ObjectSchema("Lead", "Lead", fields)


def test_findings_name_missing_and_closed_fields() -> None:
    assert write_back(schema()).ok
    closed = write_back(schema("Leadline_Fit__c"))
    assert (closed.ok, closed.fix) == (False, "Make the fields editable in the integration user's permission set.")
    missing = write_back(ObjectSchema("Lead", "Lead", {}))
    assert not missing.ok
    assert "Leadline_Sort_Key__c" in missing.detail
    assert not task_key(ObjectSchema("Task", "Task", {})).ok
    not_unique = FieldSchema("Leadline_Key__c", "Key", FieldType.TEXT)
    assert not task_key(ObjectSchema("Task", "Task", {"Leadline_Key__c": not_unique})).ok


# Ids, and what an import costs


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("0015000000NDmVI", "0015000000NDmVIAA1"),
        ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
        ("a" * 15, "a" * 15 + "AAA"),
    ],
)
def test_ids_have_the_vendors_check_characters(short: str, long: str) -> None:
    assert ids.normal(short) == ids.normal(long) == long
    assert ids.normal(short[:-1]) is None


def test_importing_the_connector_imports_no_client_and_no_server() -> None:
    heavy = ("simple_salesforce", "requests", "starlette", "uvicorn", "lark", "pydantic", "jwt", "zeep")
    code = (
        "import sys; from leadline_salesforce import connector; connector.capabilities;"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
