"""Many updates of Salesforce records as Bulk 2.0 jobs: every row's end is told, whatever breaks. About 6 s."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from tests.salesforce_writing import REPS, Org, codes, contact, ends, lead, serving, update, user, world

from leadline.sdk.errors import TransientError
from leadline.sdk.records import Outcome, RecordRef, Scalar, UpdateFields
from leadline_salesforce import connector
from leadline_salesforce.bulk_rows import NULL, Upload, error_parts, fits, results
from leadline_salesforce.ledger import Row
from leadline_salesforce.updates import BULK_ABOVE

MANY = BULK_ABOVE + 1
JOBS = "jobs/ingest"


@pytest.fixture(scope="module")
def shared() -> Iterator[Org]:
    with serving(world(MANY + 20)) as served:
        yield served


@pytest.fixture
def org(shared: Org) -> Iterator[Org]:
    """The module's org, well behaved, no job at work, and with its call log read up to here."""
    shared.faults.clear()
    shared.slept.clear()
    shared.calls()
    yield shared
    shared.faults.clear()


_scores = iter(range(2_000, 99_999))


def many(count: int = MANY) -> list[UpdateFields]:
    """Updates of values that no record holds yet."""
    score = next(_scores)
    return [update(number, Leadline_Score__c=score, Leadline_Action__c="call") for number in range(1, count + 1)]


def held(org: Org, effects: Sequence[UpdateFields]) -> list[bool]:
    """Which of the effects the org shows."""
    rows = org.rows("Lead")
    return [rows[e.target.id]["Leadline_Score__c"] == e.values["Leadline_Score__c"] for e in effects]


def kinds(org: Org) -> list[str]:
    """The calls since the last time, as words."""
    words = []
    for method, path, _ in org.calls():
        last = path.rpartition("/")[2]
        words.append(f"{method} {last if last.isalpha() else 'job'}" if path.startswith(JOBS) else f"{method} {path}")
    return words


def test_more_than_2000_updates_are_one_job_with_each_rows_end(org: Org) -> None:
    effects = many()
    connection = org.connect()
    told = connection.push(list(reversed(effects)))
    assert set(ends(told)) == {Outcome.WRITTEN}
    assert [outcome.record_id for outcome in told] == [effect.target.id for effect in reversed(effects)]
    assert all(held(org, effects))
    assert kinds(org) == [
        "POST ingest", "PUT batches", "PATCH job", "GET job", "GET job",
        "GET successfulResults", "GET failedResults", "GET unprocessedrecords",
    ]  # fmt: skip
    assert len(org.slept) == 1  # between the two looks
    able = connector.capabilities
    assert (able.bulk_above, able.bulk_batch) == (BULK_ABOVE, 10_000)


def test_2000_updates_go_by_collections(org: Org) -> None:
    assert set(ends(org.connect().push(many(BULK_ABOVE)))) == {Outcome.WRITTEN}
    assert kinds(org) == ["PATCH composite/sobjects"] * 10


def test_u13_failed_rows_of_a_job_that_is_complete_are_told(org: Org) -> None:
    """A job that is complete says nothing about its rows; elsewhere its failed rows were skipped for ever."""
    effects = many()
    words = 'Score "too high", said the rule: ask\nsales'
    rule = {"object": "Lead", "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": words}
    org.faults.add({**rule, "ids": [lead(5), lead(1_500)]})
    effects[9] = update(10, Leadline_Group__c="hot")
    told = org.connect().push(effects)
    assert {place: code for place, code in enumerate(codes(told)) if code} == {
        4: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        9: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        1_499: "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    }
    refused = told[4].refusal
    assert refused is not None
    assert refused.message == 'Score "too high", said the rule: ask sales'
    assert ends(told).count(Outcome.WRITTEN) == MANY - 3
    assert held(org, effects[:4]) == [True] * 4


def test_u12_rows_that_a_job_found_locked_are_sent_again_by_collections(org: Org) -> None:
    locked = [lead(number) for number in range(1, 251)]
    org.faults.add({"object": "Lead", "ids": locked, "code": "UNABLE_TO_LOCK_ROW", "times": 260})
    effects = many()
    assert set(ends(org.connect().push(effects))) == {Outcome.WRITTEN}
    assert all(held(org, effects))
    assert kinds(org).count("PATCH composite/sobjects") == 3  # 200 and 50; ten of them once more


def test_a_job_clears_leaves_alone_and_quotes_as_collections_do(org: Org) -> None:
    connection = org.connect()
    values: dict[str, Scalar] = {"Leadline_Action__c": "before", "Leadline_Reasons__c": "before", "Leadline_Fit__c": 9}
    connection.push([UpdateFields("b", RecordRef("Lead", lead(number)), values) for number in (1, 2, 3, 4)])
    effects = many()
    effects[0] = update(1, Leadline_Action__c=None, Leadline_Fit__c=None)
    effects[1] = update(2, Leadline_Action__c="", Leadline_Reasons__c='a "b", c\nd; ü\u2028e')
    effects[4] = update(5, Leadline_Reasons__c="old Mac\rline")
    effects[2] = update(3, Leadline_Action__c=NULL, HasOptedOutOfEmail=True)
    effects[3] = update(4, Leadline_Scored_At__c="2026-05-28T20:26:40Z", Leadline_Score__c=71.0)
    assert set(ends(connection.push(effects))) == {Outcome.WRITTEN}
    shown = [org.row("Lead", lead(number)) for number in (1, 2, 3, 4)]
    assert [row["Leadline_Action__c"] for row in shown] == [None, None, NULL, "before"]
    assert [row["Leadline_Reasons__c"] for row in shown] == ["before", 'a "b", c\nd; ü\u2028e', "before", "before"]
    assert org.row("Lead", lead(5))["Leadline_Reasons__c"] == "old Mac\rline"
    assert [row["Leadline_Fit__c"] for row in shown] == [None, 9.0, 9.0, 9.0]
    assert shown[2]["HasOptedOutOfEmail"] is True
    assert shown[3]["Leadline_Scored_At__c"].startswith("2026-05-28T20:26:40")
    assert set(ends(connection.find(effects))) == {Outcome.WRITTEN}


def test_a_record_that_stands_twice_holds_the_later_values(org: Org) -> None:
    effects = [*many(), update(7, Leadline_Score__c=998)]
    told = org.connect().push(effects)
    assert (told[6].outcome, told[-1].outcome) == (Outcome.WRITTEN, Outcome.WRITTEN)
    assert org.row("Lead", lead(7))["Leadline_Score__c"] == 998.0


def test_u16_a_job_gives_each_record_the_owner_that_was_chosen_for_it(org: Org) -> None:
    """Elsewhere the assignment rule of a bulk job gave all records to one rep."""
    effects = [update(n, OwnerId=user(REPS[n % 5]), Leadline_Score__c=n % 100) for n in range(1, MANY + 1)]
    assert set(ends(org.connect().push(effects))) == {Outcome.WRITTEN}
    rows = org.rows("Lead")
    assert all(rows[lead(n)]["OwnerId"] == user(REPS[n % 5]) for n in range(1, MANY + 1))
    assert kinds(org)[-2:] == ["POST composite/sobjects/Lead"] * 2  # owners are looked at, 2,000 a call


def test_u16_an_owner_that_is_given_back_after_a_job_is_noticed(org: Org) -> None:
    org.faults.add({"object": "Lead", "field": "OwnerId", "ids": [lead(3)], "restore": True})
    effects = [update(n, OwnerId=user(REPS[(n + 1) % 5])) for n in range(1, MANY + 1)]
    told = org.connect().push(effects)
    assert [code for code in codes(told) if code] == ["OWNER_NOT_KEPT"]
    assert codes(told)[2] == "OWNER_NOT_KEPT"


# What breaks


def break_job(org: Org, after: int, state: str) -> None:
    org.vendor.edit({"action": "break_job", "fields": {"after": after, "state": state}})


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_u13_a_job_that_ends_early_says_which_rows_were_written_and_which_are_sent_again(org: Org, state: str) -> None:
    connection = org.connect()
    effects = many()
    break_job(org, 600, state)
    told = connection.push(effects)
    assert [outcome is Outcome.WRITTEN for outcome in ends(told)] == held(org, effects)
    assert ends(told).count(Outcome.WRITTEN) == 600
    assert ends(told).count(Outcome.UNKNOWN) == MANY - 600
    assert codes(connection.find(effects)).count("NOT_APPLIED") == MANY - 600


def test_a_job_that_is_refused_for_a_column_is_told_row_by_row(org: Org) -> None:
    effects = many()
    effects[11] = update(12, Leadline_Scoer__c=1)
    told = org.connect().push(effects)
    assert {place: code for place, code in enumerate(codes(told)) if code} == {11: "INVALID_FIELD"}
    assert ends(told).count(Outcome.WRITTEN) == MANY - 1


def test_an_org_without_the_bulk_api_is_written_by_collections(org: Org) -> None:
    org.faults.add({"method": "POST", "path": f"*/{JOBS}", "status": 403, "code": "FEATURENOTENABLED"})
    effects = many()
    assert set(ends(org.connect().push(effects))) == {Outcome.WRITTEN}
    assert all(held(org, effects))


@pytest.mark.parametrize("way", ["drop_reply", "drop_request"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"*/{JOBS}"),
        ("PUT", f"*/{JOBS}/*/batches"),
        ("PATCH", f"*/{JOBS}/*"),
        ("GET", f"*/{JOBS}/*"),
        ("GET", "*/failedResults"),
    ],
)
def test_a_lost_call_of_a_job_is_made_good_within_the_push(org: Org, way: str, method: str, path: str) -> None:
    connection = org.connect()
    connection.push([update(9)])
    before = {job["id"] for job in org.client().exchange("GET", f"{JOBS}?jobType=V2Ingest").json()["records"]}
    kinds(org)
    org.faults.add({"method": method, "path": path, way: True})
    effects = many()
    assert set(ends(connection.push(effects))) == {Outcome.WRITTEN}
    assert all(held(org, effects))
    assert "PATCH composite/sobjects" not in kinds(org)  # the job did it, and no way around it was needed
    jobs = org.client().exchange("GET", f"{JOBS}?jobType=V2Ingest").json()["records"]
    left_open = 1 if (method, way) == ("POST", "drop_reply") else 0  # its id was never told
    assert [job["state"] for job in jobs if job["id"] not in before].count("Open") == left_open


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", f"*/{JOBS}/*"), ("GET", "*/successfulResults"), ("GET", "*/failedResults"), ("PATCH", f"*/{JOBS}/*")],
)
def test_an_org_that_falls_silent_leaves_unknown_what_reading_back_then_tells(org: Org, method: str, path: str) -> None:
    """The job was handed over, and goes on or not: nothing is called written or lost before it was seen."""
    connection = org.connect()
    connection.push([update(9)])
    org.faults.add({"method": method, "path": path, "drop_reply": True, "times": 99})
    if method == "PATCH":
        org.faults.add({"method": "GET", "path": f"*/{JOBS}/*", "drop_reply": True, "times": 99})
    org.faults.add({"object": "Lead", "ids": [lead(5)], "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION"})
    effects = many()
    told = connection.push(effects)
    assert told[4].outcome is Outcome.UNKNOWN
    assert set(ends(told)) <= {Outcome.UNKNOWN, Outcome.WRITTEN}
    org.faults.clear()
    org.sandbox.clock.advance(60)
    found = connection.find(effects)
    assert [outcome is Outcome.WRITTEN for outcome in ends(found)] == held(org, effects)


def test_nothing_was_handed_over_when_the_upload_never_arrives(org: Org) -> None:
    connection = org.connect()
    connection.push([update(9)])
    org.faults.add({"method": "PUT", "status": 503, "code": "SERVER_UNAVAILABLE", "times": 99})
    effects = many()
    with pytest.raises(TransientError):
        connection.push(effects)
    assert not any(held(org, effects))


def test_reading_back_waits_for_a_job_that_outlived_its_worker(org: Org) -> None:
    """A worker dies after it closed its job. The job goes on; what it will still write must not be called lost."""
    first = org.connect(attempts=1)
    first.push([update(9)])
    org.faults.add({"method": "GET", "path": f"*/{JOBS}/*", "drop_request": True, "times": 99})
    effects = many()
    assert set(ends(first.push(effects))) == {Outcome.UNKNOWN}
    org.faults.clear()
    assert not any(held(org, effects))  # still at work
    second = org.connect(sleep=_and_advance(org))
    assert set(ends(second.find(effects))) == {Outcome.WRITTEN}
    assert all(held(org, effects))


def _and_advance(org: Org) -> Callable[[float], None]:
    """A sleep during which the org's jobs go on: somebody else looks at them, as the vendor works by itself."""

    def sleep(seconds: float) -> None:
        org.slept.append(seconds)
        org.sandbox.clock.advance(seconds)
        client = org.client()
        for job in client.exchange("GET", f"{JOBS}?jobType=V2Ingest").json()["records"]:
            client.exchange("GET", f"{JOBS}/{job['id']}")

    return sleep


def test_a_job_that_never_ends_keeps_its_rows_unknown(org: Org) -> None:
    first = org.connect(attempts=1)
    first.push([update(9)])
    org.faults.add({"method": "GET", "path": f"*/{JOBS}/*", "drop_request": True, "times": 99})
    effects = many()
    first.push(effects)
    org.faults.clear()
    second = org.connect()
    assert set(ends(second.find(effects[:3]))) == {Outcome.UNKNOWN}
    assert 600 <= sum(org.slept) < 700  # ten minutes, then the next run looks again
    _and_advance(org)(60)
    assert set(ends(second.find(effects))) == {Outcome.WRITTEN}


def test_reading_back_many_rows_costs_a_call_for_each_2000(org: Org) -> None:
    effects = many()
    connection = org.connect()
    connection.push(effects)
    kinds(org)
    assert set(ends(connection.find(effects))) == {Outcome.WRITTEN}
    assert kinds(org) == ["GET ingest", *["POST composite/sobjects/Lead"] * 2]


# CSV


def test_an_upload_can_be_sent_anew_and_knows_its_length() -> None:
    rows = [
        Row(n, "k", {"attributes": {"type": "Lead"}, "id": lead(n), "A__c": n}, "Lead", lead(n)) for n in range(1_100)
    ]
    upload = Upload(rows)
    assert b"".join(upload) == b"".join(upload)
    assert len(upload) == len(b"".join(upload))
    assert b"".join(upload).splitlines()[0] == b"Id,A__c"
    assert not fits(Row(0, "k", {"A__c": NULL}))
    # A bare CR ends a line for some readers, so it may stand in quotes only.
    assert b'"a\rb"' in b"".join(Upload([Row(0, "k", {"id": lead(1), "A__c": "a\rb"}, "Lead", lead(1))]))


def test_results_are_matched_by_the_id_that_was_sent_and_survive_line_breaks() -> None:
    text = '"sf__Id","sf__Error","Id","A__c"\r\n"","STRING_TOO_LONG:too long:A__c --","00Q1","x\ny"\r\n'
    text += '"00Q2","E_X:b","",""\r\n'
    assert list(results(text)) == [("00Q1", "STRING_TOO_LONG:too long:A__c --"), ("00Q2", "E_X:b")]
    assert list(results("")) == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("UNABLE_TO_LOCK_ROW:unable to lock:--", ("UNABLE_TO_LOCK_ROW", "unable to lock")),
        ("REQUIRED_FIELD_MISSING:missing: [A, B]:A,B --", ("REQUIRED_FIELD_MISSING", "missing: [A, B] (fields: A,B)")),
        ("INVALID_FIELD_FOR_INSERT_UPDATE:see A__c:A__c --", ("INVALID_FIELD_FOR_INSERT_UPDATE", "see A__c")),
        ("InvalidBatch : Field name not found : X", ("UNKNOWN_EXCEPTION", "InvalidBatch : Field name not found : X")),
        ("", ("UNKNOWN_EXCEPTION", "no reason was given")),
    ],
)
def test_the_error_of_a_row_is_code_message_and_fields(text: str, parts: tuple[str, str]) -> None:
    assert error_parts(text) == parts


def test_mixed_objects_of_which_one_is_many() -> None:
    with serving(world(MANY, contacts=3)) as org:
        effects = [*many(), *(update(n, "Contact", Leadline_Score__c=5) for n in (1, 2, 3))]
        told = org.connect().push(effects)
        assert set(ends(told)) == {Outcome.WRITTEN}
        assert [outcome.record_id for outcome in told[-3:]] == [contact(n) for n in (1, 2, 3)]
