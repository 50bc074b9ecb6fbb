"""The sandbox's Bulk API 2.0 over real HTTP. About four seconds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tests.salesforce_org import Http, lead_id, serving, world

from leadline_salesforce.sandbox.loading import INTEGRATION_USER, record_id

LEADS = 12


@pytest.fixture
def http() -> Iterator[Http]:
    with serving(world(LEADS)) as served:
        yield served


def started(http: Http, soql: str, **more: Any) -> dict[str, Any]:
    job: dict[str, Any] = http.json("POST", "/jobs/query", {"operation": "query", "query": soql, **more})
    assert job["state"] == "UploadComplete"
    return job


def completed(http: Http, kind: str, job: str) -> dict[str, Any]:
    """The job's last state; it takes two looks."""
    assert http.json("GET", f"/jobs/{kind}/{job}")["state"] == "InProgress"
    told: dict[str, Any] = http.json("GET", f"/jobs/{kind}/{job}")
    return told


def pages(http: Http, job: str, size: int) -> list[requests.Response]:
    found, locator = [], ""
    while locator != "null":
        params = {"maxRecords": str(size)} | ({"locator": locator} if locator else {})
        found.append(http.call("GET", f"/jobs/query/{job}/results", params=params))
        locator = found[-1].headers["Sforce-Locator"]
    return found


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


# Queries


def test_a_query_passes_its_states_and_is_paged_by_locators(http: Http) -> None:
    job = started(http, "SELECT Id, Title, HasOptedOutOfEmail, CreatedDate, Matched_Account__r.Name FROM Lead")
    refused = http.call("GET", f"/jobs/query/{job['id']}/results")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    done = completed(http, "query", job["id"])
    assert (done["state"], done["numberRecordsProcessed"], done["jobType"]) == ("JobComplete", LEADS, "V2Query")
    replies = pages(http, job["id"], 5)
    assert [reply.headers["Sforce-NumberOfRecords"] for reply in replies] == ["5", "5", "2"]
    rows = [row for reply in replies for row in table(reply.text)]
    assert sorted(row["Id"] for row in rows) == sorted(lead_id(n) for n in range(1, LEADS + 1))
    assert rows[0] == {
        "Id": rows[0]["Id"],
        "Title": "VP Ops",
        "HasOptedOutOfEmail": "false",
        "CreatedDate": "2026-05-28T06:33:20.000Z",
        "Matched_Account__r.Name": "One",
    }


def test_locators_can_be_read_again_and_show_the_moment_of_completion(http: Http) -> None:
    job = started(http, "SELECT Id, Title, Matched_Account__r.Name FROM Lead")
    completed(http, "query", job["id"])
    before = [reply.text for reply in pages(http, job["id"], 7)]
    http.update({"id": lead_id(1), "Title": "Changed"})
    http.call("PATCH", f"/sobjects/Account/{record_id('Account', 'acct_000001')}", {"Name": "Changed"})
    http.call("DELETE", f"/sobjects/Lead/{lead_id(2)}")
    assert [reply.text for reply in pages(http, job["id"], 7)] == before


def test_rows_are_taken_when_the_job_completes_not_when_it_is_made(http: Http) -> None:
    job = started(http, f"SELECT Title FROM Lead WHERE Id = '{lead_id(1)}'")
    http.update({"id": lead_id(1), "Title": "Later"})
    completed(http, "query", job["id"])
    assert pages(http, job["id"], 5)[0].text == '"Title"\n"Later"\n'


def test_a_job_is_done_at_the_first_look_once_the_clock_went_on(http: Http) -> None:
    job = started(http, "SELECT Id FROM Lead")
    http.sandbox.clock.advance(3)
    assert http.json("GET", f"/jobs/query/{job['id']}")["state"] == "JobComplete"


def test_query_all_shows_what_is_in_the_recycle_bin(http: Http) -> None:
    http.call("DELETE", f"/sobjects/Lead/{lead_id(1)}")
    counts = []
    for operation in ("query", "queryAll"):
        job = started(http, "SELECT Id, IsDeleted FROM Lead", operation=operation)
        counts.append(completed(http, "query", job["id"])["numberRecordsProcessed"])
    assert counts == [LEADS - 1, LEADS]


def test_delimiters_line_endings_and_quotes(http: Http) -> None:
    title = 'says "a|b",\nthen more'
    http.update({"id": lead_id(1), "Title": title})
    soql = f"SELECT Id, Title FROM Lead WHERE Id = '{lead_id(1)}'"
    job = started(http, soql, columnDelimiter="PIPE", lineEnding="CRLF")
    completed(http, "query", job["id"])
    text = http.call("GET", f"/jobs/query/{job['id']}/results").content.decode()
    assert text.startswith('"Id"|"Title"\r\n')
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter="|"))[1] == [lead_id(1), title]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT COUNT() FROM Lead", "API_ERROR"),
        ("SELECT COUNT(Id) FROM Lead", "API_ERROR"),
        ("SELECT Title FROM Lead GROUP BY Title", "API_ERROR"),
        ("SELECT FIELDS(ALL) FROM Lead LIMIT 200", "API_ERROR"),
        ("SELECT Id FROM Lead LIMIT 5 OFFSET 2", "API_ERROR"),
        ("SELECT Nope FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE Nope = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT FROM Lead", "MALFORMED_QUERY"),
    ],
)
def test_queries_that_bulk_does_not_run_are_refused_at_once(http: Http, soql: str, code: str) -> None:
    reply = http.call("POST", "/jobs/query", {"operation": "query", "query": soql})
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, code)


def test_another_api_version_may_not_read_the_results(http: Http) -> None:
    job = started(http, "SELECT Id FROM Lead")
    completed(http, "query", job["id"])
    other = f"{http.sandbox.base_url}/services/data/v60.0/jobs/query/{job['id']}/results"
    assert http.session.get(other).status_code == 409


def test_pages_can_be_fetched_in_parallel(http: Http) -> None:
    http.vendor.bulk_queries.page = 2
    job = started(http, "SELECT Id FROM Lead")
    completed(http, "query", job["id"])
    first = http.json("GET", f"/jobs/query/{job['id']}/resultPages")
    second = http.session.get(http.sandbox.base_url + first["nextRecordsUrl"]).json()
    urls = [page["resultUrl"] for part in (first, second) for page in part["resultPages"]]
    assert (len(first["resultPages"]), len(urls), second["done"]) == (5, LEADS // 2, True)
    texts = [http.session.get(http.sandbox.base_url + url).text for url in reversed(urls)]
    assert len({row["Id"] for text in texts for row in table(text)}) == LEADS


def test_jobs_are_aborted_deleted_and_listed(http: Http) -> None:
    one, two = (started(http, "SELECT Id FROM Lead")["id"] for _ in range(2))
    assert http.call("DELETE", f"/jobs/query/{one}").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert http.json("PATCH", f"/jobs/query/{one}", {"state": "Aborted"})["state"] == "Aborted"
    assert http.call("PATCH", f"/jobs/query/{one}", {"state": "Aborted"}).status_code == 400
    listed = http.json("GET", "/jobs/query")
    assert [(job["id"], job["state"]) for job in listed["records"]] == [(one, "Aborted"), (two, "UploadComplete")]
    assert http.call("DELETE", f"/jobs/query/{one}").status_code == 204
    assert http.call("GET", f"/jobs/query/{one}").json()[0]["errorCode"] == "NOT_FOUND"


# Ingest


def opened(http: Http, operation: str, data: str, object: str = "Lead", **more: Any) -> str:
    job = http.json("POST", "/jobs/ingest", {"operation": operation, "object": object, "contentType": "CSV", **more})
    assert (job["state"], job["contentUrl"]) == ("Open", f"services/data/v66.0/jobs/ingest/{job['id']}/batches")
    url = f"{http.sandbox.base_url}/{job['contentUrl']}"
    put = http.session.put(url, data=data.encode(), headers={"Content-Type": "text/csv"})
    assert (put.status_code, put.content) == (201, b"")
    return str(job["id"])


def loaded(http: Http, operation: str, data: str, object: str = "Lead", **more: Any) -> dict[str, Any]:
    job = opened(http, operation, data, object, **more)
    assert http.json("PATCH", f"/jobs/ingest/{job}", {"state": "UploadComplete"})["state"] == "UploadComplete"
    return completed(http, "ingest", job)


def results(http: Http, job: str, which: str) -> list[dict[str, str]]:
    return table(http.call("GET", f"/jobs/ingest/{job}/{which}").content.decode())


def test_an_update_tells_what_became_of_each_row(http: Http) -> None:
    data = f"Id,Title,Email\n{lead_id(1)},Chief,\n{lead_id(2)},x,nobody\n{lead_id(3)[:15]},#N/A,\n00Qx,x,\n"
    job = loaded(http, "update", data)
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 4, 2)
    good = results(http, job["id"], "successfulResults")
    assert [(row["sf__Id"], row["sf__Created"], row["Title"]) for row in good] == [
        (lead_id(1), "false", "Chief"),
        (lead_id(3), "false", "#N/A"),
    ]
    bad = results(http, job["id"], "failedResults")
    assert [(row["sf__Id"], row["sf__Error"]) for row in bad] == [
        (lead_id(2), "INVALID_EMAIL_ADDRESS:Email: invalid email address: nobody:Email --"),
        ("00Qx", "MALFORMED_ID:Lead ID: id value of incorrect type: 00Qx:Id --"),
    ]
    assert results(http, job["id"], "unprocessedrecords") == []


def test_empty_cells_leave_a_field_alone_and_na_empties_it(http: Http) -> None:
    loaded(http, "update", f"Id,Title,Email\n{lead_id(1)},,#N/A\n")
    row = http.row("Lead", lead_id(1))
    assert (row["Title"], row["Email"]) == ("VP Ops", None)


def test_quoted_newlines_delimiters_and_line_endings(http: Http) -> None:
    text = "first line\nsecond; and last"
    data = f'LastName;Company;Description\r\nA;B;"{text}"\r\n'
    job = loaded(http, "insert", data, columnDelimiter="SEMICOLON", lineEnding="CRLF")
    made = http.call("GET", f"/jobs/ingest/{job['id']}/successfulResults").content.decode()
    rows = list(csv.reader(io.StringIO(made, newline=""), delimiter=";"))
    assert (rows[0][:2], rows[1][1], rows[1][4]) == (["sf__Id", "sf__Created"], "true", text)
    assert http.row("Lead", rows[1][0])["Description"] == text


def test_upsert_by_external_id_makes_or_changes_and_takes_a_key_once(http: Http) -> None:
    data = "Leadline_Key__c,Subject\nk1,one\nk2,two\nK1,again\n,none\n"
    job = loaded(http, "upsert", data, "Task", externalIdFieldName="Leadline_Key__c")
    bad = results(http, job["id"], "failedResults")
    assert [row["sf__Error"].partition(":")[0] for row in bad] == ["DUPLICATE_VALUE", "MISSING_ARGUMENT"]
    again = loaded(http, "upsert", "Leadline_Key__c,Subject\nk1,more\nk3,new\n", "Task",
                   externalIdFieldName="leadline_key__c")  # fmt: skip
    good = results(http, again["id"], "successfulResults")
    assert [row["sf__Created"] for row in good] == ["false", "true"]
    assert http.row("Task", good[0]["sf__Id"])["Subject"] == "more"


def test_delete_fills_the_recycle_bin_and_hard_delete_does_not(http: Http) -> None:
    assert loaded(http, "delete", f"Id\n{lead_id(1)}\n{lead_id(1)}\n")["numberRecordsFailed"] == 1
    loaded(http, "hardDelete", f"Id\n{lead_id(2)}\n")
    seen = {row["Id"]: row["IsDeleted"] for row in http.vendor.state()["Lead"]}
    assert seen[lead_id(1)] is True
    assert lead_id(2) not in seen


@pytest.mark.parametrize(
    ("operation", "data", "words"),
    [
        ("update", "Id,Nope\n1,2\n", "Field name not found : Nope"),
        ("update", "Title\nx\n", "Field name not found : Id"),
        ("delete", "Id,Title\n1,2\n", "Only the Id column"),
        ("insert", "LastName,Company\nx\n", "Found 1 columns instead of 2"),
        ("insert", "LastName,Company\r\nx,y\r\n", "LineEnding is invalid"),
        ("insert", 'LastName,Company\n"x,y\n', "Failed to parse CSV"),
        ("insert", "", "Unable to find object header"),
    ],
)
def test_data_that_cannot_be_read_fails_the_job(http: Http, operation: str, data: str, words: str) -> None:
    job = loaded(http, operation, data)
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 0)
    assert words in job["errorMessage"]


def test_assignment_rules_run_only_when_the_job_names_one(http: Http) -> None:
    # A header that assigns on REST means nothing here.
    http.session.headers["Sforce-Auto-Assign"] = "TRUE"
    loaded(http, "update", f"Id,Title\n{lead_id(1)},x\n")
    loaded(http, "update", f"Id,Title\n{lead_id(2)},x\n", assignmentRuleId="01Q000000000001AAA")
    assert http.row("Lead", lead_id(1))["OwnerId"] != INTEGRATION_USER
    assert http.row("Lead", lead_id(2))["OwnerId"] == INTEGRATION_USER


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_breaks_down_leaves_rows_unprocessed(http: Http, state: str) -> None:
    http.vendor.edit({"action": "break_job", "fields": {"after": 2, "state": state}})
    job = loaded(http, "update", "Id,Title\n" + "".join(f"{lead_id(n)},x\n" for n in range(1, 6)))
    assert (job["state"], job["numberRecordsProcessed"]) == (state, 2)
    assert [row["Id"] for row in results(http, job["id"], "unprocessedrecords")] == [lead_id(n) for n in (3, 4, 5)]
    assert [row["sf__Id"] for row in results(http, job["id"], "successfulResults")] == [lead_id(1), lead_id(2)]


def test_rows_named_by_a_fault_are_refused_in_bulk_too(http: Http) -> None:
    http.sandbox.faults.add({"object": "Lead", "ids": [lead_id(2)], "code": "UNABLE_TO_LOCK_ROW", "message": "busy"})
    job = loaded(http, "update", f"Id,Title\n{lead_id(1)},x\n{lead_id(2)},x\n")
    (bad,) = results(http, job["id"], "failedResults")
    assert bad["sf__Error"] == "UNABLE_TO_LOCK_ROW:busy:--"


def test_long_jobs_go_on_beside_other_calls(http: Http) -> None:
    http.vendor.bulk_ingest.batch = 3
    job = opened(http, "update", "Id,Title\n" + "".join(f"{lead_id(n)},x\n" for n in range(1, LEADS + 1)))
    http.json("PATCH", f"/jobs/ingest/{job}", {"state": "UploadComplete"})
    told = [http.json("GET", f"/jobs/ingest/{job}") for _ in range(20)]
    assert told[0]["numberRecordsProcessed"] == 0
    assert (told[-1]["state"], told[-1]["numberRecordsProcessed"]) == ("JobComplete", LEADS)


def test_jobs_take_one_upload_of_limited_size_while_open(http: Http) -> None:
    http.vendor.bulk_ingest.max_upload = 50
    job = opened(http, "insert", "LastName,Company\na,b\n")
    put = http.session.put
    url = f"{http.sandbox.base_url}/services/data/v66.0/jobs/ingest/{job}/batches"
    assert "Found multiple contents" in put(url, data=b"x", headers={"Content-Type": "text/csv"}).json()[0]["message"]
    assert http.json("PATCH", f"/jobs/ingest/{job}", {"state": "Aborted"})["state"] == "Aborted"
    assert put(url, data=b"x").status_code == 400
    other = http.json("POST", "/jobs/ingest", {"operation": "insert", "object": "Lead"})["id"]
    assert put(url.replace(job, other), data=b"x" * 51).status_code == 413


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "merge", "object": "Lead"}, "INVALIDJOB"),
        ({"operation": "insert", "object": "Nope"}, "INVALIDENTITY"),
        ({"operation": "upsert", "object": "Task"}, "INVALIDJOB"),
        ({"operation": "upsert", "object": "Task", "externalIdFieldName": "Subject"}, "INVALIDJOB"),
        ({"operation": "insert", "object": "Lead", "columnDelimiter": "DOT"}, "INVALIDJOB"),
        ({"operation": "insert", "object": "Lead", "contentType": "XML"}, "INVALIDJOB"),
    ],
)
def test_jobs_that_make_no_sense_are_not_made(http: Http, body: dict[str, str], code: str) -> None:
    reply = http.call("POST", "/jobs/ingest", body)
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, code)


def test_a_column_can_name_a_parent_by_its_external_id(http: Http) -> None:
    data = "LastName,Account.Source_Id__c\nA,acct_000002\nB,nobody\nC,\n"
    job = loaded(http, "insert", data, "Contact")
    good = results(http, job["id"], "successfulResults")
    assert http.row("Contact", good[0]["sf__Id"])["AccountId"] == record_id("Account", "acct_000002")
    assert http.row("Contact", good[1]["sf__Id"])["AccountId"] is None
    assert "Foreign key external ID: nobody" in results(http, job["id"], "failedResults")[0]["sf__Error"]


def test_a_query_job_can_be_told_to_fail_and_jobs_to_be_gone(http: Http) -> None:
    http.vendor.edit({"action": "break_job", "fields": {"kind": "query", "message": "InternalServerError"}})
    job = completed(http, "query", started(http, "SELECT Id FROM Lead")["id"])
    assert (job["state"], job["errorMessage"]) == ("Failed", "InternalServerError")
    http.vendor.edit({"action": "expire_jobs"})
    assert http.call("GET", f"/jobs/query/{job['id']}").status_code == 404
