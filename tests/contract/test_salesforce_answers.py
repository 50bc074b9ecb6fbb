"""Answers that Salesforce cannot have given: no verb believes them or raises anything but its own errors. 4 seconds."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.mangling import Answer, Proxy, proxied
from tests.salesforce_writing import NOW, REPS, Org, ends, lead, serving, update, user, world

from leadline.sdk.errors import ConfigError, LeadlineError, PermanentError, TransientError, UnknownOutcomeError
from leadline.sdk.records import CreateTask, Effect, Enrol, JoinList, Outcome, PullRequest, RecordRef
from leadline_salesforce import connector
from leadline_salesforce.cells import records
from leadline_salesforce.connector import SalesforceConnection

PEOPLE = 30
ASKED = PullRequest("Lead", ("Name",))
PERSON = RecordRef("Lead", lead(1))


def body(text: bytes, kind: str = "application/json") -> Callable[[Answer], Answer]:
    """Another body, the status and other headers left as they are."""
    return lambda given: replace(given, headers={"Content-Type": kind} if kind else {}, body=text)


def rowless(given: Answer) -> Answer:
    """More rows are promised and none is given: who follows would follow forever."""
    return replace(given, body=json.dumps({**json.loads(given.body), "records": [], "done": False}).encode())


ODD: dict[str, Callable[[Answer], Answer]] = {
    "empty": body(b""),
    "a word of a proxy": body(b"OK", "text/plain"),
    "a page without its type": body(b"<html>maintenance</html>", ""),
    "cut behind a bracket": body(b'{"records": [{"Id": "00Q"}'),
    "an object of others": body(b'{"status": "up"}'),
    "an array of nothing": body(b"[null]"),
    "an array of words": body(b'["up"]'),
    "null": body(b"null", ""),
    "never modified": lambda _: Answer(304, {}, b""),
}

READS: dict[str, Callable[[SalesforceConnection], object]] = {
    "pull": lambda crm: list(crm.pull(ASKED)),
    "fetch": lambda crm: crm.fetch(ASKED, [lead(1)]),
    "count": lambda crm: crm.count(ASKED),
    "schema": lambda crm: crm.schema("Lead"),
}


KINDS = ("update", "task", "enrol", "join")


def effects(org: Org) -> dict[str, Effect]:
    campaign = next(iter(org.rows("Campaign")))
    return {
        "update": update(1, Leadline_Score__c=71),
        "task": CreateTask("t1", "Call", "Why", NOW, None, PERSON, None),
        "enrol": Enrol("e1", PERSON, "Fast track", user(REPS[0])),
        "join": JoinList("j1", PERSON, campaign),
    }


@pytest.fixture(scope="module")
def org() -> Iterator[Org]:
    with serving(world(PEOPLE)) as served:
        yield served


@pytest.fixture(scope="module")
def proxy(org: Org) -> Iterator[Proxy]:
    with proxied(org.sandbox.base_url) as served:
        yield served


@pytest.fixture
def crm(org: Org, proxy: Proxy) -> Iterator[SalesforceConnection]:
    proxy.mangle = None
    connection = connector.connect({**org.sandbox.credentials, "base_url": proxy.base_url}, org.runtime(attempts=2))
    yield connection
    proxy.mangle = None
    connection.close()


def instead(odd: Callable[[Answer], Answer], method: str = "") -> Callable[[str, str, Answer], Answer]:
    """The odd answer to every call but the sign-in, or to those of one method."""

    def mangle(called: str, path: str, given: Answer) -> Answer:
        return given if path.endswith("/token") or (method and called != method) else odd(given)

    return mangle


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("verb", READS)
def test_no_read_believes_what_is_no_answer_of_salesforce(
    crm: SalesforceConnection, proxy: Proxy, verb: str, odd: str
) -> None:
    proxy.mangle = instead(ODD[odd])
    with pytest.raises(TransientError):
        READS[verb](crm)
    proxy.mangle = None
    assert READS[verb](crm)


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_answer_to_a_write_is_an_unknown_outcome(crm: SalesforceConnection, proxy: Proxy, odd: str) -> None:
    proxy.mangle = instead(ODD[odd], "PATCH")
    effect = update(2, Leadline_Score__c=50 + len(odd))
    assert ends(crm.push([effect])) == [Outcome.UNKNOWN]
    proxy.mangle = None
    assert ends(crm.find([effect])) == [Outcome.WRITTEN]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", KINDS)
def test_no_verb_of_writing_raises_anything_else(
    org: Org, crm: SalesforceConnection, proxy: Proxy, kind: str, odd: str
) -> None:
    effect = effects(org)[kind]
    for method in ("GET", "POST", "PATCH"):
        proxy.mangle = instead(ODD[odd], method)
        for verb in (crm.push, crm.find):
            try:
                results = verb([effect])
            except (TransientError, UnknownOutcomeError):
                continue
            assert len(results) == 1


@pytest.mark.parametrize("odd", ODD)
def test_a_health_check_tells_of_odd_answers(crm: SalesforceConnection, proxy: Proxy, odd: str) -> None:
    proxy.mangle = instead(ODD[odd])
    assert not all(finding.ok for finding in crm.check())
    proxy.mangle = lambda _, path, given: ODD[odd](given) if path.rstrip("/").endswith("/limits") else given
    assert not next(finding for finding in crm.check() if finding.what == "daily quota").ok


def test_more_rows_that_never_come_end_a_pull(crm: SalesforceConnection, proxy: Proxy) -> None:
    first = next(iter(crm.pull(ASKED))).cursor
    proxy.mangle = instead(rowless)
    with pytest.raises(TransientError, match="no page of rows"):
        list(crm.pull(replace(ASKED, cursor=first)))


def test_answers_that_name_other_records_are_no_answers(crm: SalesforceConnection, proxy: Proxy) -> None:
    proxy.mangle = instead(
        lambda given: replace(given, body=json.dumps(json.loads(given.body)[::-1]).encode()), "PATCH"
    )
    assert ends(crm.push([update(3, Leadline_Score__c=1), update(4, Leadline_Score__c=2)])) == [Outcome.UNKNOWN] * 2


def test_another_service_at_the_address_is_a_wrong_setting_and_refuses_no_row(
    crm: SalesforceConnection, proxy: Proxy
) -> None:
    """A permanent error of a push would refuse its rows for good."""
    proxy.mangle = lambda _, path, given: body(b'{"access_token": null}')(given)
    with pytest.raises(ConfigError, match="token endpoint"):
        crm.push([update(5)])


def test_a_lookup_spelt_in_another_case_is_found(crm: SalesforceConnection) -> None:
    effect = update(6, leadline_score__c=33)
    assert ends(crm.find([effect]))[0] is Outcome.REFUSED
    assert ends(crm.push([replace(effect, values={"Leadline_Score__c": 33})])) == [Outcome.WRITTEN]
    assert ends(crm.find([effect])) == [Outcome.WRITTEN]


def test_a_server_that_hangs_up_within_tls_is_out_of_reach_and_not_untrusted(org: Org) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            for _ in range(2):
                caller, _ = server.accept()
                caller.recv(65_536)
                caller.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        options = {**org.sandbox.credentials, "base_url": f"https://127.0.0.1:{server.getsockname()[1]}"}
        connection = connector.connect(options, org.runtime(attempts=2))
        with pytest.raises(TransientError):
            list(connection.pull(ASKED))
        thread.join()
        connection.close()


@pytest.mark.parametrize(
    "text", ['"Id"\n"00Q1"\n', '"Id","SystemModstamp","Open"\n"00Q1","2026-05-27T22:13:20Z","tru"\n']
)
def test_bulk_results_of_other_columns_or_types_are_no_results(text: str) -> None:
    with pytest.raises(PermanentError, match="cannot be read"):
        list(records(text.encode(), 1, ("Open",), lambda _: "boolean"))


def test_bulk_results_that_are_no_text_are_cut_short() -> None:
    with pytest.raises(LeadlineError):
        list(records(b"\xff\xfe\x00", 1, (), lambda _: "boolean"))
