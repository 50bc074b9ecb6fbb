"""Several calls in one, searches, and limits of the sandbox's REST API. About three seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.salesforce_org import BASE, Http, codes, lead_id, serving, world

from leadline_salesforce.sandbox.loading import record_id

ONE, TWO = (record_id("Account", f"acct_{n:06d}") for n in (1, 2))


@pytest.fixture
def http() -> Iterator[Http]:
    with serving(world(3)) as served:
        yield served


def sub(reference: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    request = {"method": method, "url": f"{BASE}{path}", "referenceId": reference}
    return request if body is None else request | {"body": body}


def composite(http: Http, *requests: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    body = {"compositeRequest": list(requests), **more}
    answers: list[dict[str, Any]] = http.json("POST", "/composite", body)["compositeResponse"]
    return answers


# Composite


def test_later_calls_use_what_earlier_ones_answered(http: Http) -> None:
    answers = composite(
        http,
        sub("acct", "POST", "/sobjects/Account", {"Name": "New"}),
        sub("person", "POST", "/sobjects/Contact", {"LastName": "P", "AccountId": "@{acct.id}"}),
        sub("seen", "GET", "/query?q=SELECT+Id,Account.Name+FROM+Contact+WHERE+Id='@{person.id}'"),
        sub("named", "PATCH", "/sobjects/Account/@{acct.id}",
            {"Description": "of @{seen.records[0].Account.Name}"}),
    )  # fmt: skip
    assert [answer["httpStatusCode"] for answer in answers] == [201, 201, 200, 204]
    account = answers[0]["body"]["id"]
    assert answers[0]["httpHeaders"] == {"Location": f"{BASE}/sobjects/Account/{account}"}
    assert http.row("Account", account)["Description"] == "of New"


def test_one_refused_call_takes_all_back_when_told_so(http: Http) -> None:
    requests = (
        sub("good", "PATCH", f"/sobjects/Lead/{lead_id(1)}", {"Title": "New"}),
        sub("bad", "PATCH", f"/sobjects/Lead/{lead_id(2)}", {"Email": "nobody"}),
        sub("later", "PATCH", f"/sobjects/Lead/{lead_id(3)}", {"Title": "New"}),
    )
    answers = composite(http, *requests, allOrNone=True)
    assert [answer["body"][0]["errorCode"] for answer in answers] == [
        "PROCESSING_HALTED", "INVALID_EMAIL_ADDRESS", "PROCESSING_HALTED",
    ]  # fmt: skip
    assert [http.row("Lead", lead_id(n))["Title"] for n in (1, 3)] == ["VP Ops", "VP Ops"]
    assert [answer["httpStatusCode"] for answer in composite(http, *requests)] == [204, 400, 204]
    assert http.row("Lead", lead_id(3))["Title"] == "New"


def test_references_that_name_nothing_halt_their_call(http: Http) -> None:
    (answer,) = composite(http, sub("one", "GET", "/sobjects/Lead/@{nothing.id}"))
    assert answer["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert composite(http, sub("one", "GET", "/nowhere"))[0]["httpStatusCode"] == 404


def test_a_composite_has_25_calls_of_which_5_read(http: Http) -> None:
    many = [sub(f"r{n}", "PATCH", f"/sobjects/Lead/{lead_id(1)}", {"Title": str(n)}) for n in range(26)]
    assert http.json("POST", "/composite", {"compositeRequest": many})[0]["errorCode"] == "LIMIT_EXCEEDED"
    assert len(composite(http, *many[:25])) == 25
    reads = [sub(f"r{n}", "GET", "/query?q=SELECT+Id+FROM+Lead") for n in range(6)]
    assert http.json("POST", "/composite", {"compositeRequest": reads})[0]["errorCode"] == "LIMIT_EXCEEDED"
    twice = [sub("same", "GET", "/limits"), sub("same", "GET", "/limits")]
    assert http.call("POST", "/composite", {"compositeRequest": twice}).status_code == 400


# Batch, graph, tree


def test_a_batch_goes_on_or_halts_after_an_error(http: Http) -> None:
    requests = [
        {"method": "PATCH", "url": f"v66.0/sobjects/Lead/{lead_id(1)}", "richInput": {"Title": "New"}},
        {"method": "GET", "url": "v66.0/sobjects/Nothing"},
        {"method": "GET", "url": f"v66.0/sobjects/Lead/{lead_id(1)}?fields=Title"},
    ]
    answer = http.json("POST", "/composite/batch", {"batchRequests": requests})
    assert (answer["hasErrors"], [result["statusCode"] for result in answer["results"]]) == (True, [204, 404, 200])
    assert answer["results"][2]["result"]["Title"] == "New"
    halted = http.json("POST", "/composite/batch", {"batchRequests": requests, "haltOnError": True})
    assert [result["statusCode"] for result in halted["results"]] == [204, 404, 412]
    many = {"batchRequests": requests[:1] * 26}
    assert http.json("POST", "/composite/batch", many)[0]["errorCode"] == "LIMIT_EXCEEDED"


def test_each_graph_holds_as_a_whole_or_not_at_all(http: Http) -> None:
    def graph(name: str, email: str) -> dict[str, Any]:
        chain = [
            sub("acct", "POST", "/sobjects/Account", {"Name": name}),
            sub("person", "POST", "/sobjects/Contact", {"LastName": name, "Email": email, "AccountId": "@{acct.id}"}),
        ]
        return {"graphId": name, "compositeRequest": chain}

    body = {"graphs": [graph("good", "a@b.example"), graph("bad", "nobody")]}
    good, bad = http.json("POST", "/composite/graph", body)["graphs"]
    assert (good["isSuccessful"], bad["isSuccessful"]) == (True, False)
    seen = [answer["body"][0]["errorCode"] for answer in bad["graphResponse"]["compositeResponse"]]
    assert seen == ["PROCESSING_HALTED", "INVALID_EMAIL_ADDRESS"]
    names = {row["Name"] for row in http.vendor.state()["Account"]}
    assert "good" in names
    assert "bad" not in names


def test_graphs_stop_after_fourteen_failures_and_have_limits(http: Http) -> None:
    chain = [sub("one", "POST", "/sobjects/Account", {})]
    graphs = [{"graphId": str(n), "compositeRequest": chain} for n in range(20)]
    answers = http.json("POST", "/composite/graph", {"graphs": graphs})["graphs"]
    seen = [graph["graphResponse"]["compositeResponse"][0]["body"][0]["errorCode"] for graph in answers]
    assert seen == ["REQUIRED_FIELD_MISSING"] * 14 + ["PROCESSING_HALTED"] * 6
    for wrong in ({"graphs": graphs * 4}, {"graphs": [{"graphId": "1", "compositeRequest": chain * 501}]}):
        assert http.json("POST", "/composite/graph", wrong)[0]["errorCode"] == "LIMIT_EXCEEDED"


def test_a_tree_is_planted_with_its_children_or_not_at_all(http: Http) -> None:
    def tree(email: str) -> dict[str, Any]:
        contact = {"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "Leaf", "Email": email}
        account = {"attributes": {"type": "Account", "referenceId": "a"}, "Name": "Root"}
        return {"records": [account | {"Contacts": {"records": [contact]}}]}

    made = http.call("POST", "/composite/tree/Account", tree("leaf@b.example"))
    found = {result["referenceId"]: result["id"] for result in made.json()["results"]}
    assert (made.status_code, made.json()["hasErrors"]) == (201, False)
    assert http.row("Contact", found["c"])["AccountId"] == found["a"]
    before = http.vendor.state()
    refused = http.call("POST", "/composite/tree/Account", tree("nobody"))
    assert (refused.status_code, refused.json()["hasErrors"]) == (400, True)
    assert [result["referenceId"] for result in refused.json()["results"]] == ["c"]
    assert http.vendor.state() == before
    leaf = {"attributes": {"type": "Account", "referenceId": "a"}, "Name": "x"}
    many = http.call("POST", "/composite/tree/Account", {"records": [leaf] * 201})
    assert many.json()[0]["errorCode"] == "EXCEEDED_ID_LIMIT"


# Search


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("FIND {ada} IN NAME FIELDS RETURNING Lead(Id)", 3),
        ("FIND {ada2*} IN EMAIL FIELDS RETURNING Lead(Id, Name)", 1),
        ("FIND {ada2\\@one.example} IN EMAIL FIELDS RETURNING Lead", 1),
        ("FIND {Lace} RETURNING Lead(Id WHERE Email LIKE 'ada1%'), Account(Id)", 1),
        ("FIND {Lace} RETURNING Lead(Id ORDER BY Email LIMIT 2)", 2),
        ("FIND {One} RETURNING Account(Id, Name) LIMIT 1", 1),
        ("FIND {nobody-here} RETURNING Lead(Id)", 0),
        ("FIND {Lace}", 3),
    ],
)
def test_words_are_found_in_fields(http: Http, search: str, found: int) -> None:
    answer = http.json("GET", "/search", params={"q": search})
    assert len(answer["searchRecords"]) == found
    body = {"q": "Lace", "sobjects": [{"name": "Lead", "fields": ["Id", "Email"], "limit": 2}]}
    assert len(http.json("POST", "/parameterizedSearch", body)["searchRecords"]) == 2
    assert len(http.json("GET", "/parameterizedSearch", params={"q": "Lace", "sobject": "Lead"})["searchRecords"]) == 3


@pytest.mark.parametrize("search", ["FIND Lace", "FIND {x} RETURNING Lead(Id)", "FIND {Lace} RETURNING )", ""])
def test_searches_that_make_no_sense(http: Http, search: str) -> None:
    assert http.json("GET", "/search", params={"q": search})[0]["errorCode"] == "MALFORMED_SEARCH"


# Queries that other people's clients send


@pytest.mark.parametrize(
    ("soql", "expected"),
    [
        ("SELECT Name, (SELECT Id FROM Matched_Leads__r) FROM Account", None),
        ("SELECT Id FROM Lead WHERE Matched_Account__c IN (SELECT Id FROM Account WHERE Name = 'One')", 3),
        ("SELECT Id FROM Account WHERE Id NOT IN (SELECT Matched_Account__c FROM Lead)", 1),
        ("SELECT toLabel(Status) FROM Lead", 3),
        ("SELECT Status FROM Lead GROUP BY Status HAVING COUNT(Id) > 2", 1),
        ("SELECT Status FROM Lead GROUP BY Status HAVING COUNT() > 3", 0),
        (f"SELECT Id FROM Lead WHERE Id > '{lead_id(0)[:3]}000000000000AAA' ORDER BY Id LIMIT 2", 2),
        ("SELECT Id FROM Lead WHERE Email = 'ADA1@one.example'", 1),
        (f"SELECT Id FROM Lead WHERE Matched_Account__c = '{ONE[:15]}'", 3),
    ],
)
def test_queries_of_strangers(http: Http, soql: str, expected: int | None) -> None:
    answer = http.json("GET", "/query", params={"q": soql})
    if expected is None:
        assert "Didn't understand relationship 'Matched_Leads__r'" in answer[0]["message"]
    else:
        assert len(answer["records"]) == expected


def test_children_come_as_a_list_in_their_parents_row(http: Http) -> None:
    for name in ("A", "B"):
        http.call("POST", "/sobjects/Contact", {"LastName": name, "AccountId": ONE})
    soql = "SELECT Name, (SELECT LastName FROM Contacts WHERE LastName != 'C' ORDER BY LastName DESC) FROM Account"
    one, two = http.json("GET", "/query", params={"q": f"{soql} ORDER BY SystemModstamp, Id"})["records"]
    one, two = (one, two) if one["attributes"]["url"].endswith(ONE) else (two, one)
    assert (one["Contacts"]["totalSize"], one["Contacts"]["done"]) == (2, True)
    assert [row["LastName"] for row in one["Contacts"]["records"]] == ["B", "A"]
    assert two["Contacts"] is None
    refused = http.call("POST", "/jobs/query", {"operation": "query", "query": soql})
    assert refused.json()[0]["errorCode"] == "API_ERROR"


def test_groups_are_ordered_by_what_they_count(http: Http) -> None:
    http.update({"id": lead_id(1), "Status": "Working"})
    soql = "SELECT Status s, COUNT(Id) FROM Lead GROUP BY Status ORDER BY COUNT(Id) DESC"
    rows = http.json("GET", "/query", params={"q": soql})["records"]
    assert [(row["s"], row["expr0"]) for row in rows] == [("New", 2), ("Working", 1)]


def test_an_index_by_id_follows_new_and_purged_rows(http: Http) -> None:
    ids = "SELECT Id FROM Lead ORDER BY Id"
    before = [row["Id"] for row in http.json("GET", "/query", params={"q": ids})["records"]]
    made = http.json("POST", "/sobjects/Lead", {"LastName": "x", "Company": "y"})["id"]
    http.vendor.org.drop(before[0])
    after = [row["Id"] for row in http.json("GET", "/query", params={"q": ids})["records"]]
    assert after == sorted([*before[1:], made])


def test_an_address_of_more_than_16_kilobytes_is_refused_before_sign_in(http: Http) -> None:
    long = http.call("GET", "/query", params={"q": "SELECT Id FROM Lead WHERE Title = '" + "x" * 17_000 + "'"})
    assert long.status_code == 414
    assert http.call("GET", "/query", params={"q": "SELECT Id FROM Lead" + " " * 3_000}).ok


def test_limits_tell_what_taps_read(http: Http) -> None:
    limits = http.json("GET", "/limits")
    assert {"DailyApiRequests", "DailyBulkV2QueryJobs", "DailyBulkApiBatches"} <= set(limits)
    assert all(set(limit) == {"Max", "Remaining"} for limit in limits.values())


def test_a_batch_of_updates_may_name_a_record_once(http: Http) -> None:
    assert codes(http.update({"id": lead_id(1)}, {"id": lead_id(1)[:15]})) == [None, "DUPLICATE_VALUE"]
