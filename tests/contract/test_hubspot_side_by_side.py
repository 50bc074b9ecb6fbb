"""Many updates of a push: batches side by side, with an end for every row. About 2 seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.hubspot_lab import FIRST, Lab, labs, world

from leadline.sdk.errors import CredentialsError
from leadline.sdk.records import Outcome, RecordRef, UpdateFields
from leadline_hubspot import connector
from leadline_hubspot.batches import SIDE_BY_SIDE

ROWS = 250
PATH = "*/contacts/batch/update"


@pytest.fixture
def lab() -> Iterator[Lab]:
    with labs() as open_lab:
        yield open_lab(world(ROWS))


def updates() -> list[UpdateFields]:
    return [
        UpdateFields(f"key-{n}", RecordRef("contacts", str(FIRST + n)), {"leadline_score": n % 100})
        for n in range(ROWS)
    ]


def scores(lab: Lab) -> dict[str, str | None]:
    return {row["id"]: row["properties"].get("leadline_score") for row in lab.sandbox.vendor.state()["contacts"]}


def test_batches_are_under_way_at_the_same_time(lab: Lab) -> None:
    both = threading.Barrier(2, timeout=20)
    lab.meanwhile[:] = [both.wait, both.wait]  # each call waits for another: one at a time would wait for ever

    outcomes = lab.connection.push(updates())

    assert [each.key for each in outcomes] == [f"key-{n}" for n in range(ROWS)]
    assert {each.outcome for each in outcomes} == {Outcome.WRITTEN}
    assert len(lab.calls) == 3
    assert scores(lab) == {str(FIRST + n): str(n % 100) for n in range(ROWS)}


def test_what_the_capabilities_say_is_what_a_push_costs() -> None:
    able = connector.capabilities
    assert able.bulk_calls * able.update_batch == able.bulk_batch
    assert able.bulk_calls % SIDE_BY_SIDE == 0, "no thread is left without a batch at the end"


def test_two_writes_of_a_record_keep_their_order(lab: Lab) -> None:
    effects = updates()
    effects.append(UpdateFields("again", effects[0].target, {"leadline_score": 77}))

    outcomes = lab.connection.push(effects)

    assert {each.outcome for each in outcomes} == {Outcome.WRITTEN}
    assert scores(lab)[str(FIRST)] == "77"


def test_a_failure_before_anything_was_sent_is_an_error(lab: Lab) -> None:
    lab.sandbox.faults.add({"path": PATH, "status": 401, "times": None})

    with pytest.raises(CredentialsError):
        lab.connection.push(updates())

    assert len(lab.calls) <= SIDE_BY_SIDE
    assert set(scores(lab).values()) == {None}


def test_what_was_not_sent_after_a_failure_is_unknown(lab: Lab) -> None:
    lab.sandbox.faults.add({"path": PATH, "status": 403, "times": 1, "skip": 1})

    outcomes = lab.connection.push(updates())

    held = scores(lab)
    for n, each in enumerate(outcomes):
        assert each.outcome is (Outcome.UNKNOWN if held[str(FIRST + n)] is None else Outcome.WRITTEN)
    ends = [each.outcome for each in outcomes]
    assert Outcome.UNKNOWN in ends
    assert Outcome.WRITTEN in ends
    found = lab.connection.find([each for each in updates() if held[each.target.id] is None])
    assert {each.refusal.code for each in found if each.refusal} == {"NOT_APPLIED"}
