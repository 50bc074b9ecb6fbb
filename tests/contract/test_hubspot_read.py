"""What is read from HubSpot, and that nothing of it is lost. Seconds: 10."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest
from tests.hubspot_lab import FIRST, NOW, UNLIMITED, Lab, Open, labs, records, request, shown, task, world
from tests.receiver import listening

from leadline.sdk.ports import Runtime
from leadline.sdk.records import Cursor, RawRecord, WebhookCall
from leadline_hubspot import connector
from leadline_hubspot.sandbox.oauth import CLIENT_SECRET
from leadline_hubspot.values import millis
from leadline_hubspot.webhooks import SIGNATURE, TIMESTAMP, signature

CUSTOM = ("2-1000001", "2-999", "2-1000001")


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
    assert not any(call.path.endswith("/search") for call in lab.calls)


def test_a_merged_record_that_the_portal_hides_is_searched_for_among_survivors(opened: Open) -> None:
    lab = opened()
    lab.edit("merge", 1, into=str(FIRST))
    lab.sandbox.faults.add({"path": "*/batch/read", "status": 200, "body": '{"results": []}', "times": 2})

    (loser,) = fetch(lab, str(FIRST + 1))

    assert (loser.deleted, loser.merged_into) == (True, str(FIRST))


def test_named_owners_come_too(opened: Open) -> None:
    found = fetch(opened(), "500002", "1", object="owners", fields=("email",), links=())

    assert [(each.id, each.fields.get("email"), each.deleted) for each in found] == [
        ("500002", "ivo@leadline.example", False),
        ("1", None, True),
    ]


# --- what others lose


def same_stamp(lab: Lab, numbers: range) -> None:
    """An import: one change of many contacts in one millisecond."""
    portal = lab.sandbox.vendor.portal  # type: ignore[attr-defined] # the sandbox's own class
    table, stamp = portal.tables["contacts"], portal.stamp()
    for number in numbers:
        portal.prepare_update(table, str(FIRST + number), {"jobtitle": "Import"}, stamp)()


def read_first(lab: Lab, **asked: Any) -> Cursor:
    cursor = lab.pull(**asked)[-1].cursor
    lab.later()
    return cursor


def test_u01_more_than_10000_rows_on_one_millisecond_are_all_read(opened: Open) -> None:
    lab = opened(world(contacts=10_050))
    cursor = read_first(lab)
    same_stamp(lab, range(10_050))

    pages = lab.pull(cursor)

    assert set(records(pages)) == {str(FIRST + number) for number in range(10_050)}
    assert sum(len(page.records) for page in pages) == 10_050


def test_u01_rows_of_one_millisecond_that_search_refuses_to_walk_are_listed(opened: Open) -> None:
    lab = opened(world(contacts=450), links_reread_hours=0)
    cursor = read_first(lab)
    same_stamp(lab, range(450))
    refuse = {"path": "*/search", "status": 400, "times": 1}
    lab.meanwhile.append(lambda: lab.sandbox.faults.add(refuse))  # behind the first query

    pages = lab.pull(cursor)

    assert set(records(pages)) == {str(FIRST + number) for number in range(450)}
    assert "relink" not in pages[-1].cursor.position  # the listing is done


def test_u02_a_deletion_that_moves_no_stamp_is_told(opened: Open) -> None:
    lab = opened()
    cursor = read_first(lab)
    lab.edit("delete", 2)

    found = records(lab.pull(cursor))

    assert (found[str(FIRST + 2)].deleted, found[str(FIRST + 2)].modified_at) == (True, NOW + 1_000)


def test_u02_what_was_in_the_bin_before_the_first_read_is_told_once(opened: Open) -> None:
    lab = opened()
    lab.edit("delete", 2)
    lab.later()
    cursor = read_first(lab)

    once = lab.pull(cursor)
    lab.later()

    assert [each.id for each in records(once).values() if each.deleted] == [str(FIRST + 2)]
    assert records(lab.pull(once[-1].cursor)) == {}


def test_u02_a_large_bin_is_not_read_by_every_pull(opened: Open) -> None:
    lab = opened(world(contacts=5_100))
    for number in range(5_020):
        lab.edit("delete", number)
    cursor = read_first(lab)
    cursor = lab.pull(cursor)[-1].cursor
    lab.calls.clear()
    lab.edit("delete", 5_090)

    soon = lab.pull(cursor)
    calls = len(lab.calls)
    lab.later(200)
    later = lab.pull(soon[-1].cursor)

    assert (records(soon), calls) == ({}, 1)
    assert [each.id for each in records(later).values()] == [str(FIRST + 5_090)]


def test_u03_a_merge_with_a_new_id_names_it_for_both(opened: Open) -> None:
    lab = opened()
    cursor = read_first(lab)
    lab.sandbox.vendor.portal.merge_new_id = True  # type: ignore[attr-defined] # the sandbox's own class
    survivor = lab.edit("merge", 1, into=str(FIRST))

    found = records(lab.pull(cursor))

    assert survivor not in {str(FIRST), str(FIRST + 1)}
    assert not found[survivor].deleted
    assert {found[str(FIRST + n)].merged_into for n in (0, 1)} == {survivor}
    assert {each.merged_into for each in fetch(lab, str(FIRST), str(FIRST + 1))} == {survivor}


def test_u04_an_association_that_moves_no_stamp_is_found_by_reading_again(opened: Open) -> None:
    lab = opened(world(contacts=30))
    cursor = read_first(lab)
    other = lab.edit("create", object="companies", fields={"name": "Other"})
    lab.sandbox.vendor.portal.link_stamps = False  # type: ignore[attr-defined] # the sandbox's own class
    lab.edit("link", 3, links={"companies": [other]})

    early = lab.pull(cursor)
    lab.later(86_400)
    late = lab.pull(early[-1].cursor, now=int(lab.sandbox.clock.now()))
    lab.calls.clear()
    quiet = lab.pull(late[-1].cursor, now=int(lab.sandbox.clock.now()))

    assert records(early) == {}
    assert records(late)[str(FIRST + 3)].links == {"companies": ("30000000001", other)}
    assert (records(quiet), len(lab.calls)) == ({}, 2)


@pytest.mark.parametrize("search_above", [10**6, 0], ids=["by listing", "by search"])
def test_u04_reading_again_goes_on_from_any_page_behind_the_news(opened: Open, search_above: int) -> None:
    lab = opened(world(contacts=2_300), search_above_rows=search_above)
    cursor = read_first(lab)
    lab.later(86_400)
    now = int(lab.sandbox.clock.now())
    lab.edit("update", 7, fields={"jobtitle": "News"})
    seen: list[str] = []
    rounds = 0
    while rounds < 100:  # die after three pages of each pull: news, deletes, and one of the reading again
        for number, page in enumerate(lab.connection.pull(request(cursor, now=now))):
            seen += [each.id for each in page.records]
            cursor, rounds = page.cursor, rounds + 1
            if number == 2:
                break
        if "relink" not in cursor.position:
            break

    assert seen[0] == str(FIRST + 7)
    assert len(set(seen)) == 2_300


def test_u04_reading_again_may_be_switched_off(opened: Open) -> None:
    lab = opened(links_reread_hours=0)
    cursor = read_first(lab)
    lab.later(10 * 86_400)

    assert records(lab.pull(cursor, now=int(lab.sandbox.clock.now()))) == {}


def test_u04_a_record_with_more_associations_than_a_page_shows_them_all(opened: Open) -> None:
    lab = opened(world(contacts=1_150))
    (page,) = lab.pull(object="companies", fields=("name",), links=("contacts",))
    (fetched,) = fetch(lab, "30000000001", object="companies", fields=("name",), links=("contacts",))

    everybody = tuple(str(FIRST + number) for number in range(1_150))
    assert page.records[0].links["contacts"] == everybody
    assert fetched.links["contacts"] == everybody


@pytest.mark.parametrize("way", ["list", "search"])
def test_u05_nine_hundred_properties_are_read_whatever_the_way(opened: Open, way: str) -> None:
    lab = opened(world(contacts=130), search_above_rows=10**6 if way == "list" else 0)
    many = ("email", "country", *(f"a_property_that_this_portal_does_not_have_{number}" for number in range(898)))
    cursor = read_first(lab, fields=many)
    lab.edit("update", 3, fields={"email": "news@acme.example"})
    started = Cursor({"mode": way, "began": NOW * 1000, "after": None})

    whole = records(lab.pull(started, fields=many))
    news = records(lab.pull(cursor, fields=many))
    (named,) = fetch(lab, str(FIRST + 3), fields=many)

    assert len(whole) == 130
    assert {len(each.fields) for each in whole.values()} == {900}
    assert {each.fields["country"] for each in whole.values()} == {"US"}
    assert news[str(FIRST + 3)].fields == named.fields
    assert named.fields["email"] == "news@acme.example"


def test_u06_what_search_does_not_show_yet_is_not_made_twice(opened: Open) -> None:
    lab = opened(limits=replace(UNLIMITED, index_lag=3_600))

    first, again = lab.connection.push([task()]), lab.connection.push([task()])
    found = lab.connection.find([task()])

    assert {each.record_id for each in (*first, *again, *found)} == {first[0].record_id}
    assert len(shown(lab, "tasks")) == 1


def test_u06_a_record_that_search_does_not_show_yet_is_found_by_id(opened: Open) -> None:
    lab = opened(limits=replace(UNLIMITED, index_lag=3_600))
    made = lab.edit("create", fields={"email": "new@acme.example"})

    (found,) = fetch(lab, made)

    assert (found.deleted, found.fields["email"]) == (False, "new@acme.example")


@pytest.mark.parametrize(
    ("written", "expected"),
    [("7473-05-01T00:00:00Z", 173_668_320_000_000), ("+20266-01-01T00:00:00Z", 253_402_300_799_999)],
)
def test_u27_odd_years_are_read_as_they_stand(written: str, expected: int) -> None:
    assert millis(written) == expected


def test_a_custom_object_is_read_by_its_type_id_as_by_its_name(opened: Open) -> None:
    lab = opened(world(activities=3))
    named: dict[str, Any] = {"object": "web_events", "fields": ("event_type",), "links": ("contacts",)}

    by_name = records(lab.pull(**named))
    by_id = records(lab.pull(**{**named, "object": "2-1000001"}))
    (contact,) = fetch(lab, str(FIRST), links=("2-1000001",))
    listed = records(lab.pull(links=("2-1000001", "companies")))

    assert by_id == by_name
    assert set(contact.links["2-1000001"]) == set(by_name)
    assert listed[str(FIRST)].links == {"2-1000001": contact.links["2-1000001"], "companies": ("30000000001",)}


def test_a_webhook_of_a_custom_object_names_it_as_the_portal_does(opened: Open) -> None:
    lab = opened()
    options = {**lab.sandbox.credentials, "webhook_secret": "secret"}
    reader = connector.webhooks(options, Runtime("portal", lambda: NOW, lambda _: None))
    assert reader is not None
    touched = [{"subscriptionType": "object.creation", "objectTypeId": kind, "objectId": 1} for kind in CUSTOM]
    body, stamp, url = orjson.dumps(touched), str(NOW * 1000), "https://leadline.example/webhooks"
    signed = signature("secret", "POST", url, body, stamp)

    notices = reader.read(WebhookCall("POST", url, {SIGNATURE: signed, TIMESTAMP: stamp}, body, NOW))

    assert [each.object for each in notices] == ["web_events", "2-999", "web_events"]


def test_what_the_portal_sends_is_believed_and_names_what_was_touched(opened: Open) -> None:
    lab = opened()
    options = {**lab.sandbox.credentials, "webhook_secret": CLIENT_SECRET}
    reader = connector.webhooks(options, Runtime("portal", lambda: NOW, lambda _: None))
    assert reader is not None
    with listening() as receiver:
        reply = httpx.post(f"{lab.sandbox.base_url}/__sandbox__/webhooks", json={"url": receiver.url, "double": 0.5})
        assert reply.status_code == 200, reply.text
        lab.edit("update", 2, fields={"jobtitle": "CEO"})
        lab.edit("delete", 3)
        lab.edit("merge", 1, into=str(FIRST))
        visit = {"event_type": "demo_page", "occurred_at": "2026-05-01T00:00:00Z"}
        made = lab.edit("create", object="web_events", fields=visit, links={"contacts": [str(FIRST)]})
        lab.sandbox.vendor.webhooks.out.wait()  # type: ignore[attr-defined] # the sandbox's own class
        address = receiver.url

    notices = [
        notice
        for _, headers, body in receiver.requests
        for notice in reader.read(WebhookCall("POST", address, headers, body, int(lab.sandbox.clock.now())))
    ]

    contacts = {str(FIRST + number) for number in range(4)}
    assert {each.record_id for each in notices if each.object == "contacts"} == contacts
    assert made in {each.record_id for each in notices if each.object == "web_events"}
    found = fetch(lab, *sorted(contacts))
    assert [each.deleted for each in found] == [False, True, False, True]
