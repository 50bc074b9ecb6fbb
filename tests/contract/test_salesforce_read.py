"""Pains of reading Salesforce: rows skipped, deletes and merges unseen, stale formulas, vanished fields. 6 seconds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
from tests.salesforce_reader import NOW, Org, lead_id, read, rows, serving, small_world

from leadline.sdk.errors import BudgetError, PermanentError
from leadline.sdk.records import Cursor, PullRequest, RawRecord
from leadline_salesforce.budget import PAUSE
from leadline_salesforce.descriptions import FRESH
from leadline_salesforce.options import SalesforceOptions
from leadline_salesforce.sandbox.loading import record_id

DAY = 86_400
ACCOUNT, CONTACT = record_id("Account", "acct_000001"), record_id("Contact", "cnt_000001")


@pytest.fixture
def org() -> Iterator[Org]:
    with serving(small_world()) as served:
        yield served


def by_id(records: list[RawRecord]) -> dict[str, RawRecord]:
    return {record.id: record for record in records}


def pass_time(org: Org, seconds: int) -> None:
    """For the engine and the org alike."""
    org.now += seconds
    org.sandbox.clock.advance(seconds)


def settled(org: Org, object: str, *fields: str) -> Cursor:
    """The cursor of an object that has been read to its end, and whose overlap is over."""
    connection, cursor = org.connect(), None
    for _ in range(3):
        cursor = read(connection, object, *fields, cursor=cursor)[-1].cursor
        pass_time(org, 60)
    assert rows(read(connection, object, *fields, cursor=cursor)) == []
    assert cursor is not None
    return cursor


# Nothing is skipped


def test_u07_more_rows_of_one_stamp_than_a_page_holds_are_all_read_once() -> None:
    with serving(small_world(4_100, same_second=True)) as org:
        records = rows(read(org.connect(), "Lead"))
        assert len({record.modified_at for record in records}) == 1
        assert (len(records), len(by_id(records))) == (4_100, 4_100)


@pytest.mark.parametrize("seconds", [50, 590])
def test_u07_a_row_that_is_committed_late_is_read_although_newer_ones_were(org: Org, seconds: int) -> None:
    usual = SalesforceOptions.model_fields["overlap_seconds"].default
    cursor = settled(org, "Lead", "Title")
    org.edit("update", "Lead", lead_id(1), Title="Newest")
    cursor = read(org.connect(overlap_seconds=usual), "Lead", "Title", cursor=cursor)[-1].cursor
    org.sandbox.clock.advance(-seconds)  # a transaction that began before and ends now
    org.edit("update", "Lead", lead_id(2), Title="Late")
    late = by_id(rows(read(org.connect(overlap_seconds=usual), "Lead", "Title", cursor=cursor)))
    assert late[lead_id(2)].fields["Title"] == "Late"


def test_u02_deletes_reach_a_reader_that_was_away(org: Org) -> None:
    cursor = settled(org, "Lead", "Title")
    org.edit("delete", "Lead", lead_id(3))
    (gone,) = rows(read(org.connect(), "Lead", "Title", cursor=cursor))
    assert (gone.id, gone.deleted, gone.merged_into) == (lead_id(3), True, None)


@pytest.mark.parametrize(
    ("object", "winner", "loser"),
    [
        ("Account", ACCOUNT, record_id("Account", "acct_000002")),
        ("Contact", CONTACT, record_id("Contact", "cnt_000002")),
        ("Lead", lead_id(1), lead_id(2)),
    ],
)
def test_u03_a_merged_record_names_its_survivor(org: Org, object: str, winner: str, loser: str) -> None:
    cursor = settled(org, object, "Name")
    org.edit("merge", object, winner, loser=loser)
    changed = by_id(rows(read(org.connect(), object, "Name", cursor=cursor)))
    assert (changed[loser].deleted, changed[loser].merged_into) == (True, winner)
    assert not changed[winner].deleted


def test_u03_what_linked_to_the_merged_record_is_read_with_its_new_link(org: Org) -> None:
    cursor = settled(org, "Lead", "Matched_Account__c")
    survivor = record_id("Account", "acct_000002")
    org.edit("merge", "Account", survivor, loser=ACCOUNT)
    moved = rows(read(org.connect(), "Lead", "Matched_Account__c", cursor=cursor))
    assert len(moved) == 30
    assert {record.fields["Matched_Account__c"] for record in moved} == {survivor}


def test_u15_a_converted_lead_tells_what_it_became(org: Org) -> None:
    fields = ("IsConverted", "ConvertedContactId", "ConvertedAccountId")
    cursor = settled(org, "Lead", *fields)
    org.edit("convert", "Lead", lead_id(4), account="acct_000001", contact="cnt_000001")
    (lead,) = rows(read(org.connect(), "Lead", *fields, cursor=cursor))
    assert lead.fields == {"IsConverted": True, "ConvertedContactId": CONTACT, "ConvertedAccountId": ACCOUNT}
    assert not lead.deleted


def test_u05_more_fields_than_a_uri_holds_are_all_read(org: Org) -> None:
    names = [f"Answer_Number_{n:03d}_Of_The_Long_Form__c" for n in range(400)]
    for name in names:
        org.edit("add_field", "Lead", name=name, type="string", length=20)
    org.edit("update", "Lead", lead_id(2), **{name: f"a{n}" for n, name in enumerate(names)})
    connection = org.connect()
    told = by_id(rows(read(connection, "Lead", "LastName", *names)))
    assert len(told) == 30
    assert told[lead_id(1)].fields == {"LastName": "Number 1", **dict.fromkeys(names)}
    wide = told[lead_id(2)]
    assert [wide.fields[name] for name in names] == [f"a{n}" for n in range(400)]
    assert connection.fetch(PullRequest("Lead", ("LastName", *names)), [lead_id(2)]) == [wide]
    queries = [entry for entry in org.log("GET") if "/queryAll" in entry["path"]]
    assert max(len(entry["path"]) + len(entry["query"]) for entry in queries) < 12_400


# What no cursor tells of


@pytest.mark.parametrize(
    ("object", "field", "new"),
    [
        ("Contact", "Account_Tier__c", "Tier 1"),
        ("Contact", "Account.Name", "Renamed"),
        ("Account", "Open_Pipeline__c", 900.0),
    ],
)
def test_u08_formulas_rollups_and_lookup_fields_are_read_anew_every_day(
    org: Org, object: str, field: str, new: object
) -> None:
    """Their change moves no stamp of the row: pulls find it once a day has passed since the last full read."""
    key = CONTACT if object == "Contact" else ACCOUNT
    cursor = settled(org, object, field)
    org.edit("update", "Account", ACCOUNT, Target_Tier__c="Tier 1", Name="Renamed")
    org.edit(
        "create",
        "Opportunity",
        AccountId=ACCOUNT,
        Name="Deal",
        StageName="proposal_sent",
        Amount=900,
        CloseDate="2026-12-31",
    )
    soon = rows(read(org.connect(), object, field, cursor=cursor))
    assert key not in by_id(soon) or object == "Account"
    pass_time(org, DAY)
    pages = read(org.connect(), object, field, cursor=cursor)
    assert by_id(rows(pages))[key].fields[field] == new
    assert len(by_id(rows(pages))) == 6
    # And then not again before the next day.
    pass_time(org, DAY // 2)
    later = read(org.connect(), object, field, cursor=pages[-1].cursor)
    pass_time(org, 60)
    assert len(rows(read(org.connect(), object, field, cursor=later[-1].cursor))) < 6


def test_u08_a_second_full_read_goes_on_after_a_crash_and_is_not_begun_twice() -> None:
    with serving(small_world(4_100)) as org:
        cursor = read(org.connect(), "Lead", "Owner.Name")[-1].cursor
        pass_time(org, DAY)
        pages = list(islice(org.connect().pull(PullRequest("Lead", ("Owner.Name",), cursor=cursor)), 2))
        assert len(pages[1].records) == 2_000  # behind the incremental pass: the first of all rows
        rest = read(org.connect(), "Lead", "Owner.Name", cursor=pages[1].cursor)
        assert len(by_id([*pages[1].records, *rows(rest)])) == 4_100
        assert len(rows(rest)) == 2_100


def test_objects_without_such_fields_are_not_read_again(org: Org) -> None:
    cursor = settled(org, "Lead", "Title", "Leadline_Score__c")
    pass_time(org, DAY)
    before = len(org.paths())
    pages = read(org.connect(), "Lead", "Title", "Leadline_Score__c", cursor=cursor)
    assert rows(pages) == []
    pass_time(org, 60)
    assert rows(read(org.connect(), "Lead", "Title", cursor=pages[-1].cursor)) == []
    described = [path for path in org.paths()[before:] if path.endswith("/describe")]
    assert len(described) == 1  # asked once a day whether there are any


def test_full_reads_can_be_switched_off(org: Org) -> None:
    cursor = settled(org, "Contact", "Account_Tier__c")
    pass_time(org, 30 * DAY)
    off = org.connect(formula_reread_hours=0)
    assert rows(read(off, "Contact", "Account_Tier__c", cursor=cursor)) == []


# The schema changes


def test_u09_a_custom_field_made_while_running_is_read_as_soon_as_it_is_mapped(org: Org) -> None:
    connection = org.connect()
    assert "Fresh__c" not in connection.schema("Lead").fields
    read(connection, "Lead", "Title")
    pass_time(org, 5)
    org.edit("add_field", "Lead", name="Fresh__c", type="string", length=80)
    org.edit("update", "Lead", lead_id(1), Fresh__c="new")
    assert connection.schema("Lead").fields["Fresh__c"].length == 80
    told = by_id(rows(read(connection, "Lead", "Fresh__c")))
    assert (told[lead_id(1)].fields["Fresh__c"], told[lead_id(2)].fields["Fresh__c"]) == ("new", None)


@pytest.mark.parametrize("action", ["hide_field", "drop_field"])
def test_a_mapped_field_that_vanished_is_an_error_that_names_it_never_a_null(org: Org, action: str) -> None:
    org.edit("add_field", "Lead", name="Fresh__c", type="string", length=80)
    connection = org.connect()
    cursor = read(connection, "Lead", "Fresh__c", "Title")[-1].cursor
    pass_time(org, 5)
    org.edit(action, "Lead", name="Fresh__c")
    for attempt in (
        lambda: read(connection, "Lead", "Fresh__c", "Title", cursor=cursor),
        lambda: connection.fetch(PullRequest("Lead", ("Fresh__c", "Title")), [lead_id(1)]),
    ):
        with pytest.raises(PermanentError, match=r"Lead has no field Fresh__c that this user may read") as caught:
            attempt()
        assert caught.value.code == "INVALID_FIELD"
        assert "mappings check" in caught.value.fix


def test_a_field_behind_a_lookup_that_vanished_is_named_with_its_path(org: Org) -> None:
    with pytest.raises(PermanentError, match=r"Contact has no field Account\.Nmae that this user may read"):
        read(org.connect(), "Contact", "Name", "Account.Nmae")


@pytest.mark.parametrize("field", ["lastname", "Matched_Account__r.name"])
def test_a_field_in_another_spelling_than_the_orgs_is_no_null(org: Org, field: str) -> None:
    """The vendor takes a query in any case, and answers in its own."""
    with pytest.raises(PermanentError, match="have no field of that spelling"):
        read(org.connect(), "Lead", field)


def test_an_object_that_is_not_there_is_named(org: Org) -> None:
    with pytest.raises(PermanentError, match="There is no object Nothing__c that this user may read"):
        read(org.connect(), "Nothing__c", "Name")


def test_a_description_is_asked_once_and_then_only_whether_it_changed(org: Org) -> None:
    connection = org.connect()
    schema = connection.schema("Lead")
    assert connection.schema("Lead") == schema
    asked = [entry for entry in org.log("GET") if entry["path"].endswith("/describe")]
    assert [entry["status"] for entry in asked] == [200, 304]
    pass_time(org, FRESH)
    org.edit("add_field", "Lead", name="Fresh__c", type="string", length=80)
    assert "Fresh__c" in connection.schema("Lead").fields


# Quota and dates


def test_u10_a_pull_that_the_daily_quota_ends_goes_on_where_it_was() -> None:
    with serving(small_world(4_100)) as org:
        org.vendor.gate.daily_limit = 2
        pages = org.connect(reserve_percent=0).pull(PullRequest("Lead", ()))
        first = next(pages)  # and the count of what is behind it
        with pytest.raises(BudgetError, match="has used its 2 API calls") as caught:
            next(pages)
        assert caught.value.retry_after == PAUSE
        org.vendor.gate.daily_limit = 100
        rest = read(org.connect(), "Lead", cursor=first.cursor)
        assert (len(first.records), len(rows(rest))) == (2_000, 2_100)


def test_u27_dates_and_instants_come_as_they_are_in_the_org(org: Org) -> None:
    """A date has no zone and is no midnight anywhere; the years of typing errors stay what they are."""
    deal = org.edit(
        "create",
        "Opportunity",
        AccountId=ACCOUNT,
        Name="Far",
        StageName="proposal_sent",
        Amount=1,
        CloseDate="7473-12-31",
    )
    org.edit("update", "Lead", lead_id(1), Leadline_Scored_At__c="2026-12-31T23:59:59Z")
    told = by_id(rows(read(org.connect(), "Opportunity", "CloseDate")))
    assert told[deal].fields["CloseDate"] == "7473-12-31"
    lead = by_id(rows(read(org.connect(), "Lead", "Leadline_Scored_At__c")))[lead_id(1)]
    assert lead.fields["Leadline_Scored_At__c"] == "2026-12-31T23:59:59.000+0000"
    assert lead.modified_at == NOW
