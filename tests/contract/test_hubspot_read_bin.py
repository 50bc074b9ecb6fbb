"""What a HubSpot recycle bin tells, and what it does not: nobody who is gone stays living for a reader. 2 seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.hubspot_lab import FIRST, Lab, Open, labs, records, world

from leadline.sdk.records import Cursor, RawRecord


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    with labs() as open_lab:
        yield open_lab


class Copy:
    """What a reader holds who stores every page with its cursor."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._held: dict[str, RawRecord] = {}
        self._cursor: Cursor | None = None
        self.pull()

    def pull(self, pages: int | None = None) -> None:
        """Read on; `pages`: die after so many of them."""
        now = int(self._lab.sandbox.clock.now())
        given = self._lab.pull(self._cursor, now=now)[:pages]
        self._held |= records(given)
        self._cursor = given[-1].cursor

    @property
    def cursor(self) -> Cursor | None:
        return self._cursor

    @property
    def titles(self) -> dict[int, object]:
        return {int(each.id) - FIRST: each.fields.get("jobtitle") for each in self._held.values()}

    @property
    def living(self) -> set[int]:
        return {int(each.id) - FIRST for each in self._held.values() if not each.deleted}


def test_what_was_merged_into_an_archived_record_is_gone_with_it(opened: Open) -> None:
    lab = opened(world(contacts=4))
    copy = Copy(lab)
    lab.later()
    lab.edit("merge", 1, into=str(FIRST), new_id=False)
    lab.edit("delete", 0)  # before anybody has read that it is the survivor

    copy.pull()

    assert copy.living == {2, 3}


def test_a_record_that_is_archived_again_is_told_again(opened: Open) -> None:
    lab = opened(world(contacts=3))
    copy = Copy(lab)
    lab.later()
    lab.edit("delete")
    copy.pull()
    lab.later(10)
    lab.edit("restore")
    lab.meanwhile.append(lambda: lab.edit("delete"))  # after the search that shows it, before the bin is read

    copy.pull()

    assert lab.meanwhile == []
    assert copy.living == {1, 2}


def test_search_that_trails_behind_the_bin_brings_nobody_back(opened: Open) -> None:
    lab = opened(world(contacts=3))
    lab.sandbox.vendor.search_lag = 30  # type: ignore[attr-defined] # the sandbox's own class
    copy = Copy(lab)
    lab.later()
    lab.edit("update", fields={"jobtitle": "Gone soon"})
    lab.later(31)
    lab.edit("delete")
    copy.pull()
    lab.later(5)

    copy.pull()  # search still shows the record

    assert copy.living == {1, 2}


def test_nor_does_reading_again_by_search(opened: Open) -> None:
    lab = opened(world(contacts=3), search_above_rows=0, links_reread_hours=24)
    copy = Copy(lab)
    lab.later(90_000)
    lab.sandbox.vendor.search_lag = 30  # type: ignore[attr-defined] # the sandbox's own class
    lab.edit("delete")
    copy.pull()  # tells that it is gone, then reads all again
    lab.later(31)

    copy.pull()

    assert copy.living == {1, 2}


def test_nor_does_a_read_that_died_before_it_came_to_the_bin(opened: Open) -> None:
    lab = opened(world(contacts=3))
    lab.sandbox.vendor.search_lag = 30  # type: ignore[attr-defined] # the sandbox's own class
    copy = Copy(lab)
    lab.later()
    lab.edit("update", fields={"jobtitle": "Gone soon"})
    lab.later(31)
    lab.edit("delete")
    copy.pull()
    lab.later(5)
    copy.pull(pages=1)
    lab.later(31)

    copy.pull()

    assert copy.living == {1, 2}


def test_one_that_goes_does_not_hide_one_that_search_shows_late(opened: Open) -> None:
    """One out, one in: the count of a window of changes is what it was, and so is its last stamp."""
    lab = opened(world(contacts=302))
    copy = Copy(lab)
    lab.later()
    portal = lab.sandbox.vendor.portal  # type: ignore[attr-defined] # the sandbox's own class
    stamp = portal.stamp()
    imported(lab, range(300), stamp)
    copy.pull()
    lab.edit("delete")
    imported(lab, range(300, 301), stamp)  # of the same import, but search comes to show it only now

    copy.pull()
    copy.pull()

    assert copy.titles[300] == "Import"


def imported(lab: Lab, numbers: range, stamp: int) -> None:
    portal = lab.sandbox.vendor.portal  # type: ignore[attr-defined] # the sandbox's own class
    for number in numbers:
        portal.prepare_update(portal.tables["contacts"], str(FIRST + number), {"jobtitle": "Import"}, stamp)()


def test_a_full_bin_comes_in_pages_and_a_reader_may_die_behind_each(opened: Open) -> None:
    lab = opened(world(contacts=2_400))
    copy = Copy(lab)
    lab.later()
    for number in range(2_300):
        lab.edit("delete", number)

    sizes = [len(page.records) for page in lab.pull(copy.cursor)]
    copy.pull(pages=1)
    copy.pull(pages=2)
    copy.pull()

    assert sum(sizes) == 2_300
    assert max(sizes) <= 1_100, "what has to be held at once does not grow with the bin"
    assert copy.living == set(range(2_300, 2_400))


def test_nor_does_a_read_that_died_inside_the_bin(opened: Open) -> None:
    """Told of already, then taken for living where search trails: the page of the bin that corrects it must come."""
    lab = opened(world(contacts=2_400))
    lab.sandbox.vendor.search_lag = 30  # type: ignore[attr-defined] # the sandbox's own class
    copy = Copy(lab)
    lab.later()
    lab.edit("update", 2_399, fields={"jobtitle": "Gone soon"})
    lab.later(31)
    lab.edit("delete", 2_399)
    copy.pull()
    lab.later(5)
    for number in range(1_500):
        lab.edit("delete", number)
    copy.pull(pages=2)  # search still shows the record; the bin's second page, which has it, is not read
    lab.later(31)

    copy.pull()

    assert copy.living == set(range(1_500, 2_399))
