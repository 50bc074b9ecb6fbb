"""Answers that HubSpot cannot have given: nothing is believed of them, and nothing but an error of the sdk escapes.

About two seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from tests.hubspot_lab import FIRST, Lab, Open, enrol, labs, request, task, update

from leadline.sdk.errors import TransientError, UnknownOutcomeError
from leadline.sdk.records import JoinList, Outcome, PullRequest, RecordRef

LOGS = ("form_submissions", "email_events", "event_occurrences")


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    with labs() as open_lab:
        yield open_lab


@pytest.fixture(scope="module")
def lab(opened: Open) -> Lab:
    return opened()


def answering(lab: Lab, body: object, path: str = "*", **rule: Any) -> None:
    """The next matching call is answered 200 with this body."""
    lab.sandbox.faults.clear()
    text = body if isinstance(body, str) else orjson.dumps(body).decode()
    lab.sandbox.faults.add({"path": path, "status": 200, "body": text, "times": 100, **rule})


READS: list[Callable[[Lab], object]] = [
    lambda lab: lab.pull(),
    lambda lab: lab.connection.count(request()),
    lambda lab: lab.connection.fetch(request(), [str(FIRST)]),
    lambda lab: lab.connection.schema("contacts"),
    lambda lab: lab.pull(object="owners", links=()),
    lambda lab: lab.connection.find([update()]),
    lambda lab: lab.connection.find([task()]),
    lambda lab: lab.connection.find([JoinList("j", RecordRef("contacts", str(FIRST)), "1")]),
]
ODD = [
    {}, [], "", {"results": None}, {"results": {}}, {"results": [None]},
    {"results": [{"id": str(FIRST), "properties": None}]},
]  # fmt: skip


@pytest.mark.parametrize("body", ODD, ids=str)
@pytest.mark.parametrize("read", READS)
def test_a_read_believes_no_answer_of_another_form(lab: Lab, read: Callable[[Lab], object], body: object) -> None:
    answering(lab, body)

    with pytest.raises(TransientError):
        read(lab)
    lab.sandbox.faults.clear()


@pytest.mark.parametrize("name", LOGS)
def test_a_log_that_is_not_told_is_not_an_empty_one(lab: Lab, name: str) -> None:
    answering(lab, {})

    with pytest.raises(TransientError):
        list(lab.connection.pull(PullRequest(name, (), (), None, 0)))
    lab.sandbox.faults.clear()


def test_a_check_finds_answers_of_another_form(lab: Lab) -> None:
    answering(lab, {"results": [[]]})

    assert any(not each.ok for each in lab.connection.check())
    lab.sandbox.faults.clear()


@pytest.mark.parametrize("body", ["", '{"results": [', "{oops}", [], {"results": 5}, {"results": [5]}], ids=str)
def test_a_write_that_was_accepted_with_such_an_answer_may_have_been_applied(lab: Lab, body: object) -> None:
    answering(lab, body, "*/batch/*")

    for effect in (update(), task()):
        try:
            outcomes = [each.outcome for each in lab.connection.push([effect])]
        except UnknownOutcomeError:
            continue
        assert outcomes == [Outcome.UNKNOWN]
    lab.sandbox.faults.clear()


def test_a_batch_that_a_proxy_finds_too_large_is_halved(lab: Lab) -> None:
    lab.sandbox.faults.clear()
    lab.sandbox.faults.add({"path": "*/batch/update", "status": 413, "body": "<html>413 Too Large</html>", "times": 1})

    outcomes = lab.connection.push([update(0), update(1)])

    assert [each.outcome for each in outcomes] == [Outcome.WRITTEN, Outcome.WRITTEN]


@pytest.mark.parametrize("errors", [5, "x", [5], [{"context": 5}], [{"context": {"requiredScopes": 5}}]], ids=str)
def test_a_refusal_in_odd_words_is_still_one(lab: Lab, errors: object) -> None:
    body = orjson.dumps({"message": "no", "errors": errors}).decode()
    lab.sandbox.faults.clear()
    lab.sandbox.faults.add({"path": "*/batch/update", "status": 400, "body": body, "times": 5})

    assert {each.outcome for each in lab.connection.push([update(0), update(1)])} == {Outcome.REFUSED}
    lab.sandbox.faults.clear()
    lab.sandbox.faults.add({"path": "*/sequences/*", "status": 403, "body": body, "times": 100})
    assert all(each.ok for each in lab.connection.check())
    lab.sandbox.faults.clear()


def test_an_enrolment_behind_odd_owners_is_not_made(opened: Open) -> None:
    lab = opened()
    answering(lab, {"results": [{}]}, "*/owners/*")

    with pytest.raises((TransientError, UnknownOutcomeError)):
        lab.connection.push([enrol()])
    lab.sandbox.faults.clear()
    assert lab.connection.find([enrol()])[0].outcome is Outcome.REFUSED
