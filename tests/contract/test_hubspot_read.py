"""What is read from HubSpot, and that nothing of it is lost. Seconds: 10."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.hubspot_lab import FIRST, Lab, Open, labs, request, world

from leadline.sdk.records import RawRecord


@pytest.fixture
def opened() -> Iterator[Open]:
    with labs() as open_lab:
        yield open_lab


# --- by id


def fetch(lab: Lab, *ids: str, **changed: Any) -> list[RawRecord]:
    return lab.connection.fetch(request(**changed), ids)


def test_named_records_come_as_they_are_now_whatever_search_shows(opened: Open) -> None:
    lab = opened(world(contacts=130))
    lab.edit("update", 3, fields={"jobtitle": "Just now"})

    found = fetch(lab, *(str(FIRST + number) for number in range(130)))

    assert [each.id for each in found] == [str(FIRST + number) for number in range(130)]
    assert found[3].fields == {"email": "ada3@acme.example", "jobtitle": "Just now"}
    assert found[3].links == {"companies": ("30000000001",)}
    assert len(lab.calls) == 3  # two of a hundred, and one for their links


def test_named_records_that_are_gone_are_told_as_deleted(opened: Open) -> None:
    lab = opened()
    lab.edit("delete", 1)

    found = fetch(lab, str(FIRST), str(FIRST + 1), "999", "no-id", str(FIRST))

    assert [(each.id, each.deleted) for each in found] == [
        (str(FIRST), False),
        (str(FIRST + 1), True),
        ("999", True),
        ("no-id", True),
    ]


def test_a_named_record_that_was_merged_names_its_survivor(opened: Open) -> None:
    lab = opened()
    lab.edit("merge", 1, into=str(FIRST))

    (alone,) = fetch(lab, str(FIRST + 1))
    (loser, survivor) = fetch(lab, str(FIRST + 1), str(FIRST))

    assert (alone.deleted, alone.merged_into) == (True, str(FIRST))
    assert (loser.merged_into, survivor.deleted, survivor.merged_into) == (str(FIRST), False, None)


def test_named_owners_come_too(opened: Open) -> None:
    found = fetch(opened(), "500002", "1", object="owners", fields=("email",), links=())

    assert [(each.id, each.fields.get("email"), each.deleted) for each in found] == [
        ("500002", "ivo@leadline.example", False),
        ("1", None, True),
    ]
