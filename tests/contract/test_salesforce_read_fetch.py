"""Single records from a Salesforce org: what a webhook points at. 2 seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.salesforce_reader import NOW, Org, lead_id, serving, small_world

from leadline.sdk.records import PullRequest
from leadline_salesforce.sandbox.loading import record_id

WANTED = PullRequest("Lead", ("LastName", "Matched_Account__r.Name"))


@pytest.fixture
def org() -> Iterator[Org]:
    with serving(small_world()) as served:
        yield served


def test_named_records_come_as_a_pull_gives_them_in_the_order_asked_for(org: Org) -> None:
    connection = org.connect()
    wanted = [lead_id(n) for n in (7, 3, 3, 20)]
    fetched = connection.fetch(WANTED, wanted)
    pulled = {record.id: record for page in connection.pull(WANTED) for record in page.records}
    assert fetched == [pulled[lead_id(n)] for n in (7, 3, 20)]
    assert fetched[0].fields["Matched_Account__r.Name"] == "Company 1"


def test_deleted_and_merged_records_come_as_deleted(org: Org) -> None:
    org.edit("delete", "Lead", lead_id(2))
    winner, loser = record_id("Account", "acct_000001"), record_id("Account", "acct_000002")
    org.edit("merge", "Account", winner, loser=loser)
    connection = org.connect()
    (gone,) = connection.fetch(WANTED, [lead_id(2)])
    assert (gone.id, gone.deleted, gone.merged_into) == (lead_id(2), True, None)
    merged, survivor = connection.fetch(PullRequest("Account", ("Name",)), [loser, winner])
    assert (merged.deleted, merged.merged_into) == (True, winner)
    assert not survivor.deleted


def test_ids_that_the_org_does_not_know_come_as_deleted(org: Org) -> None:
    """Also texts that are no ids, for which the vendor refuses the whole query."""
    unknown = lead_id(999_999)
    fetched = org.connect().fetch(WANTED, [unknown, "no id", lead_id(1), "' OR Id != '"])
    assert [(record.id, record.deleted) for record in fetched] == [
        (unknown, True),
        ("no id", True),
        (lead_id(1), False),
        ("' OR Id != '", True),
    ]
    assert fetched[0].modified_at == NOW


def test_the_short_form_of_an_id_finds_its_record(org: Org) -> None:
    (record,) = org.connect().fetch(WANTED, [lead_id(1)[:15], lead_id(1)])
    assert (record.id, record.deleted) == (lead_id(1), False)


def test_many_ids_keep_every_uri_within_16_kilobytes() -> None:
    with serving(small_world(1_200)) as org:
        wanted = [lead_id(n) for n in range(1, 1_201)]
        fetched = org.connect().fetch(WANTED, wanted)
        assert [record.id for record in fetched] == wanted
        queries = [entry for entry in org.log("GET") if "/queryAll" in entry["path"]]
        longest = max(len(entry["path"]) + len(entry["query"]) for entry in queries)
        assert len(queries) == 3
        assert 10_000 < longest < 12_400  # the rest of 16,384 bytes is for the headers


def test_rows_that_the_vendor_spreads_over_pages_all_come(org: Org) -> None:
    org.vendor.queries.page = 7
    wanted = [lead_id(n) for n in range(1, 21)]
    assert [record.id for record in org.connect().fetch(WANTED, wanted)] == wanted


def test_no_ids_cost_no_call(org: Org) -> None:
    assert org.connect().fetch(WANTED, []) == []
    assert org.paths() == []
