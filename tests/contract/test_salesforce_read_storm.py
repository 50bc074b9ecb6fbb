"""A Salesforce org that is edited while it is read: after the storm the reader has what the org has. 3 seconds."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from tests.salesforce_reader import Org, lead_id, serving, small_world

from leadline.sdk.records import Cursor, Page, PullRequest, RawRecord
from leadline_salesforce.sandbox.loading import record_id

LEADS = 6_500
FIELDS = ("LastName", "Title", "HasOptedOutOfEmail", "NumberOfEmployees", "IsConverted", "ConvertedContactId")
_KEYS = {"LastName": "Storm", "Company": "Storm"}


class Storm:
    """Edits by chance, at moments that may lie up to 50 seconds back: transactions that committed late."""

    def __init__(self, org: Org, seed: int) -> None:
        self._org = org
        self._chance = random.Random(seed)
        self.living = [lead_id(n) for n in range(1, LEADS + 1)]

    def blow(self, edits: int) -> None:
        for _ in range(edits):
            late = self._chance.choice([0, 0, 0, 10, 50])
            self._org.sandbox.clock.advance(3 - late)
            self._edit()
            self._org.sandbox.clock.advance(late)
        self._org.now += 3 * edits

    def _edit(self) -> None:
        chance, org = self._chance, self._org
        match chance.choice(["update", "update", "update", "create", "delete", "merge", "convert"]):
            case "create":
                self.living.append(org.edit("create", "Lead", **_KEYS, Title=f"T{chance.random()}"))
            case "update":
                org.edit("update", "Lead", chance.choice(self.living), Title=f"T{chance.random()}")
            case "delete":
                org.edit("delete", "Lead", self._taken())
            case "merge":
                org.edit("merge", "Lead", chance.choice(self.living), loser=self._taken())
            case _:
                org.edit("convert", "Lead", self._taken(), account="acct_000001", contact="cnt_000001")

    def _taken(self) -> str:
        return self.living.pop(self._chance.randrange(len(self.living) - 1))


class Reader:
    """Stores pages as the engine does, and dies by chance between two of them."""

    def __init__(self, org: Org, seed: int, bulk_above: int) -> None:
        self._org = org
        self._chance = random.Random(seed)
        self._bulk_above = bulk_above
        self.cursor: Cursor | None = None
        self.held: dict[str, RawRecord] = {}
        self.deaths = 0

    def pull(self, storm: Storm | None = None) -> None:
        while not self._ended(storm):
            self.deaths += 1

    def _ended(self, storm: Storm | None) -> bool:
        for page in self._pages():
            self.held |= {record.id: record for record in page.records}
            self.cursor = Cursor(dict(page.cursor.position))
            if storm is not None:
                storm.blow(7)
                if self._chance.random() < 0.2:
                    return False
        return True

    def _pages(self) -> Iterator[Page]:
        connection = self._org.connect(bulk_above_rows=self._bulk_above)
        return connection.pull(PullRequest("Lead", FIELDS, cursor=self.cursor))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("bulk_above", [2_000, 1_000_000])
def test_after_a_storm_the_reader_has_what_the_org_has(bulk_above: int, seed: int) -> None:
    with serving(small_world(LEADS)) as org:
        storm, reader = Storm(org, seed), Reader(org, seed, bulk_above)
        for _ in range(4):
            reader.pull(storm)
        org.now += 60
        org.sandbox.clock.advance(60)
        reader.pull()
        there = {str(row["Id"]): row for row in org.vendor.state()["Lead"]}
        assert reader.held.keys() == there.keys()
        wrong = [key for key, row in there.items() if not _same(reader.held[key], row)]
        assert wrong == []
        assert reader.deaths > 0
        merged = {record.merged_into for record in reader.held.values()} - {None}
        assert merged
        assert record_id("Contact", "cnt_000001") in {r.fields["ConvertedContactId"] for r in reader.held.values()}


def _same(record: RawRecord, row: dict[str, object]) -> bool:
    if (record.deleted, record.merged_into) != (row["IsDeleted"], row["MasterRecordId"]):
        return False
    return all(record.fields[name] == row[name] for name in FIELDS)
