"""Reading many rows of a Salesforce org by bulk query: the same records, streamed, resumed after a crash. 9 seconds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice

import pytest
from tests.salesforce_reader import Org, lead_id, read, rows, serving, small_world

from leadline.sdk.errors import PermanentError, TransientError
from leadline.sdk.records import Cursor, Page, PullRequest, RawRecord
from leadline_salesforce.bulk_query import PATIENCE, RESULT_ROWS

LEADS = 4_200  # a full first page, and more than the least threshold behind it
FIELDS = (
    "Name", "Email", "HasOptedOutOfEmail", "NumberOfEmployees", "Leadline_Score__c", "Leadline_Reasons__c",
    "CreatedDate", "ConvertedDate", "Leadline_Scored_At__c", "OwnerId", "Owner.Name", "Matched_Account__r.Name",
    "Matched_Account__r.AnnualRevenue", "Matched_Account__r.Technologies__c", "Matched_Contact__r.HasOptedOutOfEmail",
)  # fmt: skip
# Texts that tear naive readers of CSV apart. The dashes are line ends to str.splitlines().
HOSTILE = 'He said "no, never"\r\nthen:\n\u2028next\u2029,\x0b\x0c,\x85 «é» 🚀, ;,'


@pytest.fixture
def org() -> Iterator[Org]:
    with serving(small_world(LEADS)) as served:
        yield served


def jobs(org: Org) -> int:
    """How many bulk queries were made."""
    return sum(entry["path"].endswith("/jobs/query") for entry in org.log("POST"))


def pages_of_rows(org: Org) -> int:
    return sum("/query" in path and "/jobs/" not in path for path in org.paths("GET"))


def by_id(records: list[RawRecord]) -> dict[str, RawRecord]:
    return {record.id: record for record in records}


def test_both_ways_of_reading_give_the_same_records(org: Org) -> None:
    org.edit("update", "Lead", lead_id(4_001), Leadline_Reasons__c=HOSTILE, Leadline_Score__c=72)
    org.edit("update", "Lead", lead_id(4_002), HasOptedOutOfEmail=True, NumberOfEmployees=12)
    org.edit("update", "Lead", lead_id(4_003), Leadline_Scored_At__c="2026-05-27T22:13:20Z", Email=None)
    org.edit("update", "Lead", lead_id(4_004), Matched_Account__c=None, Matched_Contact__c=None)
    org.edit("convert", "Lead", lead_id(4_005), account="acct_000001", contact="cnt_000001")
    org.edit("delete", "Lead", lead_id(4_006))
    org.sandbox.clock.advance(3_600)  # or the page behind the job would bring them all
    by_pages = rows(read(org.connect(), "Lead", *FIELDS))
    assert jobs(org) == 0
    in_bulk = rows(read(org.connect(bulk_above_rows=2_000), "Lead", *FIELDS))
    assert jobs(org) == 1
    assert by_id(in_bulk) == by_id(by_pages)
    told = by_id(in_bulk)
    # The vendor's words come through whole, and with their JSON types.
    assert told[lead_id(4_001)].fields["Leadline_Reasons__c"] == HOSTILE
    assert {
        type(told[lead_id(4_001)].fields[name]) for name in ("Leadline_Score__c", "Matched_Account__r.AnnualRevenue")
    } == {float}
    assert told[lead_id(4_002)].fields["HasOptedOutOfEmail"] is True
    assert told[lead_id(4_002)].fields["NumberOfEmployees"] == 12
    assert str(told[lead_id(4_003)].fields["Leadline_Scored_At__c"]).endswith(".000+0000")
    assert told[lead_id(4_004)].fields["Matched_Contact__r.HasOptedOutOfEmail"] is None
    assert told[lead_id(4_006)].deleted


def test_few_rows_cost_no_job_and_no_look_at_the_number(org: Org) -> None:
    assert len(rows(read(org.connect(), "Lead"))) == LEADS
    assert jobs(org) == 0
    assert pages_of_rows(org) == 4  # three pages, and the count after the first
    read(org.connect(bulk_above_rows=2_000), "Contact")
    assert pages_of_rows(org) == 5


def test_a_pull_in_bulk_costs_few_calls_and_waits_between_looks(org: Org) -> None:
    org.vendor.bulk_pace.looks, org.vendor.bulk_pace.seconds = 99, 60.0
    connection = org.connect(bulk_above_rows=2_000)
    assert connection.count(PullRequest("Lead", ())).calls == 10
    before = len(org.paths())
    read(connection, "Lead")
    assert org.slept == [1.0, 2.0, 4.0, 8.0, 15.0, 30.0]
    # A page, the count, the job, 7 looks, the rows, what is behind the job.
    assert len(org.paths()) - before == 1 + 1 + 1 + 7 + 1 + 1


def test_what_changes_while_the_job_runs_is_in_the_same_pull(org: Org) -> None:
    connection = org.connect(bulk_above_rows=2_000)
    pages = connection.pull(PullRequest("Lead", ("Title",)))
    first = next(pages)
    collected = [first, next(pages)]  # the job has been made, run and read in part
    org.sandbox.clock.advance(5)
    changed, gone = collected[1].records[0].id, collected[1].records[1].id
    org.edit("update", "Lead", changed, Title="Changed behind the job")
    org.edit("delete", "Lead", gone)
    made = org.edit("create", "Lead", LastName="New", Company="New")
    last = by_id([*rows(collected), *rows(list(pages))])
    assert last[changed].fields["Title"] == "Changed behind the job"
    assert last[gone].deleted
    assert made in last
    assert len(last) == LEADS + 1


def test_u07_a_row_that_becomes_visible_after_the_job_with_an_older_stamp_is_read_next(org: Org) -> None:
    connection = org.connect(bulk_above_rows=2_000)
    cursor = read(connection, "Lead", "Title")[-1].cursor
    made_at = org.sandbox.clock.now()
    org.sandbox.clock.set(made_at - 55)  # its transaction began before the job was made, and ended after it
    org.edit("update", "Lead", lead_id(5), Title="Late")
    late = by_id(rows(read(connection, "Lead", "Title", cursor=cursor)))
    assert late[lead_id(5)].fields["Title"] == "Late"
    assert jobs(org) == 1


def resumed(org: Org, pages: int) -> tuple[list[Page], list[Page]]:
    """A pull that dies behind so many pages, and what another process reads from the cursor then stored."""
    dying = org.connect(bulk_above_rows=2_000)
    before = list(islice(dying.pull(PullRequest("Lead", ("LastName",))), pages))
    stored = Cursor(dict(before[-1].cursor.position))
    return before, read(org.connect(bulk_above_rows=2_000), "Lead", "LastName", cursor=stored)


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_a_crash_costs_no_second_job_and_no_row_twice(org: Org, pages: int) -> None:
    before, after = resumed(org, pages)
    assert jobs(org) == 1
    # The row of the first page at whose stamp the job begins comes again, as two rows may share a stamp.
    assert len(rows(before)) + len(rows(after)) == LEADS + 1
    assert len(by_id(rows([*before, *after]))) == LEADS


def test_a_crash_between_pages_of_results_goes_on_at_the_locator() -> None:
    leads = 2_000 + RESULT_ROWS + 500
    with serving(small_world(leads)) as org:
        before, after = resumed(org, 1 + RESULT_ROWS // 2_000)
        assert jobs(org) == 1
        results = [entry for entry in org.log("GET") if entry["path"].endswith("/results")]
        assert [entry["records"] for entry in results] == [RESULT_ROWS, 501]
        assert len(rows(after)) == 501
        assert len(by_id(rows([*before, *after]))) == leads


@pytest.mark.parametrize("fault", ["deleted", "version"])
def test_a_job_that_is_gone_is_made_anew(fault: str) -> None:
    """Deleted by somebody or older than a week, or of another API version."""
    leads = LEADS + 2_000
    with serving(small_world(leads)) as org:
        dying = org.connect(bulk_above_rows=2_000)
        before = list(islice(dying.pull(PullRequest("Lead", ("LastName",))), 2))
        if fault == "deleted":
            (job,) = list(org.vendor.bulk_queries.jobs)
            org.sandbox.faults.add({"path": f"*/jobs/query/{job.id}", "status": 404, "times": 1})
        version = "65.0" if fault == "version" else "66.0"
        reading = org.connect(bulk_above_rows=2_000, api_version=version)
        after = read(reading, "Lead", "LastName", cursor=before[-1].cursor)
        assert jobs(org) == 2
        assert len(by_id(rows([before[0], *after]))) == leads


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_fails_leaves_the_reading_to_pages(org: Org, state: str) -> None:
    connection = org.connect(bulk_above_rows=2_000)
    pages = connection.pull(PullRequest("Lead", ("LastName",)))
    first = next(pages)
    (job,) = list(org.vendor.bulk_queries.jobs)
    job.ended(state, org.sandbox.clock.now(), "InternalServerError : Retried more than fifteen times")
    assert len(by_id([*first.records, *rows(list(pages))])) == LEADS
    assert jobs(org) == 1


def test_an_org_that_takes_no_job_is_read_by_pages(org: Org) -> None:
    org.sandbox.faults.add({"method": "POST", "path": "*/jobs/query", "status": 400, "code": "API_ERROR"})
    assert len(by_id(rows(read(org.connect(bulk_above_rows=2_000), "Lead")))) == LEADS


def test_a_job_that_takes_too_long_is_left_to_the_next_run(org: Org) -> None:
    org.vendor.bulk_pace.looks, org.vendor.bulk_pace.seconds = 999, 2 * PATIENCE
    pages = org.connect(bulk_above_rows=2_000).pull(PullRequest("Lead", ("LastName",)))
    first = next(pages)
    with pytest.raises(TransientError, match="is not ready after"):
        next(pages)
    org.vendor.bulk_pace.seconds = 0.0
    after = read(org.connect(bulk_above_rows=2_000), "Lead", "LastName", cursor=first.cursor)
    assert len(by_id([*first.records, *rows(after)])) == LEADS
    assert jobs(org) == 1


def test_a_session_that_ends_while_the_job_is_waited_for_is_renewed(org: Org) -> None:
    pages = org.connect(bulk_above_rows=2_000).pull(PullRequest("Lead", ()))
    first = next(pages)
    org.vendor.auth.sessions.expire_all()
    assert len(by_id([*first.records, *rows(list(pages))])) == LEADS
    assert org.logins() == 2


def test_a_field_that_vanished_is_named_also_in_bulk(org: Org) -> None:
    with pytest.raises(PermanentError, match="Lead has no field Emial that this user may read"):
        read(org.connect(bulk_above_rows=2_000), "Lead", "Emial")


# What the pull below takes, in its own process, so that the sandbox's memory is not counted.
_MEASURED = """
import sys, tracemalloc
from leadline.sdk.ports import Runtime
from leadline.sdk.records import PullRequest
from leadline_salesforce import connector

def peak(url):
    options = {"base_url": url, "consumer_key": sys.argv[1], "consumer_secret": sys.argv[2], "bulk_above_rows": 2000}
    connection = connector.connect(options, Runtime("crm", now=lambda: 1780000000, sleep=lambda seconds: None))
    tracemalloc.reset_peak()
    fields = ("Name", "Email", "Title", "Company", "CreatedDate", "Owner.Name")
    count = sum(len(page.records) for page in connection.pull(PullRequest("Lead", fields)))
    connection.close()
    return count, tracemalloc.get_traced_memory()[1]

tracemalloc.start()
peak(sys.argv[3])
for url in sys.argv[3:]:
    print(*peak(url))
"""


def test_memory_does_not_grow_with_the_rows() -> None:
    few, many = 2_100 + RESULT_ROWS, 2_100 + 3 * RESULT_ROWS
    with serving(small_world(few)) as small, serving(small_world(many)) as large:
        key = small.sandbox.credentials
        done = subprocess.run(
            [
                sys.executable, "-c", _MEASURED, key["consumer_key"], key["consumer_secret"],
                small.sandbox.base_url, large.sandbox.base_url,
            ],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
    (read_few, peak_few), (read_many, peak_many) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert (read_few >= few, read_many >= many) == (True, True)
    assert peak_many <= 1.2 * peak_few
