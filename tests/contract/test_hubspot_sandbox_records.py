"""The life of records in the HubSpot sandbox: merges, the recycle bin, history, rules, locks, lists (4 s)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from tests.hubspot_portal import CONTACTS, FIRST, Portal, serving

COMPANY = 30_000_000_001
LISTS = "/crm/lists/2026-09"


@pytest.fixture
def portal() -> Iterator[Portal]:
    with serving() as opened:
        yield opened


def ids(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


# --- merges


def merge(portal: Portal, winner: int, loser: int) -> dict[str, Any]:
    reply = portal.post(f"{CONTACTS}/merge", {"primaryObjectId": str(winner), "objectIdToMerge": str(loser)})
    assert reply.status_code == 200, reply.text
    body: dict[str, Any] = reply.json()
    return body


def test_u03_a_record_that_was_merged_away_is_in_no_list_and_no_search(portal: Portal) -> None:
    merge(portal, FIRST, FIRST + 1)

    assert str(FIRST + 1) not in ids(portal.get(CONTACTS).json()["results"])
    assert portal.get(CONTACTS, archived="true").json()["results"] == []
    assert portal.matching({"propertyName": "hs_object_id", "operator": "EQ", "value": str(FIRST + 1)}) == 0


def test_an_id_that_was_merged_away_reads_as_the_record_that_is_left(portal: Portal) -> None:
    merge(portal, FIRST, FIRST + 1)
    merge(portal, FIRST + 2, FIRST)

    one = portal.get(f"{CONTACTS}/{FIRST + 1}").json()
    many = portal.post(f"{CONTACTS}/batch/read", {"inputs": [{"id": str(FIRST)}], "properties": []}).json()["results"]

    assert (one["id"], ids(many)) == (str(FIRST + 2), [str(FIRST + 2)])


def test_a_merge_fills_empty_values_and_both_addresses_lead_to_the_record(portal: Portal) -> None:
    portal.patch(f"{CONTACTS}/{FIRST + 1}", urgency="high", jobtitle="CEO")

    merge(portal, FIRST, FIRST + 1)

    row = portal.get(f"{CONTACTS}/ada2@acme.example", idProperty="email", properties="urgency,jobtitle,email").json()
    assert row["id"] == str(FIRST)
    assert {name: row["properties"][name] for name in ("urgency", "jobtitle", "email")} == {
        "urgency": "high", "jobtitle": "CFO", "email": "ada1@acme.example",
    }  # fmt: skip


def test_a_merge_can_leave_a_record_with_an_id_of_its_own(portal: Portal) -> None:
    portal.set(merge_new_id=True)

    left = merge(portal, FIRST, FIRST + 1)

    assert left["id"] not in {str(FIRST), str(FIRST + 1)}
    row = portal.get(f"{CONTACTS}/{FIRST}", properties="hs_merged_object_ids,email", associations="companies").json()
    assert row["id"] == left["id"]
    assert row["properties"]["hs_merged_object_ids"] == f"{FIRST};{FIRST + 1}"
    assert row["properties"]["email"] == "ada1@acme.example"
    assert row["associations"]["companies"]["results"][0]["id"] == str(COMPANY)


# --- the recycle bin


def test_u02_archiving_moves_no_stamp_and_restoring_brings_the_links_back(portal: Portal) -> None:
    before = portal.get(f"{CONTACTS}/{FIRST}").json()["updatedAt"]
    portal.sandbox.clock.advance(60)
    portal.http.delete(f"{CONTACTS}/{FIRST}")
    (archived,) = portal.get(CONTACTS, archived="true").json()["results"]

    assert portal.edit("restore", "contacts", id=str(FIRST)).status_code == 200

    row = portal.get(f"{CONTACTS}/{FIRST}", associations="companies").json()
    assert archived["updatedAt"] == before < row["updatedAt"]
    assert row["associations"]["companies"]["results"][0]["id"] == str(COMPANY)
    assert portal.get(f"{CONTACTS}/ada1@acme.example", idProperty="email").status_code == 200
    assert portal.get(CONTACTS, archived="true").json()["results"] == []


def test_archived_records_are_read_in_batches_when_asked_for(portal: Portal) -> None:
    portal.http.delete(f"{CONTACTS}/{FIRST}")
    body = {"inputs": [{"id": str(FIRST)}], "properties": []}

    assert portal.post(f"{CONTACTS}/batch/read", body).status_code == 207
    (row,) = portal.post(f"{CONTACTS}/batch/read", body, archived="true").json()["results"]
    assert (row["id"], row["archived"]) == (str(FIRST), True)


def test_a_record_deleted_for_privacy_is_nowhere(portal: Portal) -> None:
    body = {"objectId": "ada1@acme.example", "idProperty": "email"}

    assert portal.post(f"{CONTACTS}/gdpr-delete", body).status_code == 204

    assert portal.get(CONTACTS, archived="true").json()["results"] == []
    assert portal.get(f"{CONTACTS}/{FIRST}").status_code == 404
    assert portal.post(CONTACTS, {"properties": {"email": "ada1@acme.example"}}).status_code == 201
    assert str(FIRST) not in ids(portal.get("/__sandbox__/state", object="contacts").json()["contacts"])


# --- history


def test_history_has_the_values_that_were_newest_first(portal: Portal) -> None:
    for title in ("CEO", "Chair"):
        portal.patch(f"{CONTACTS}/{FIRST}", jobtitle=title)
    asked = {"inputs": [{"id": str(FIRST)}], "properties": [], "propertiesWithHistory": ["jobtitle", "country"]}

    row = portal.get(f"{CONTACTS}/{FIRST}", propertiesWithHistory="jobtitle").json()
    (same,) = portal.post(f"{CONTACTS}/batch/read", asked).json()["results"]

    assert [each["value"] for each in row["propertiesWithHistory"]["jobtitle"]] == ["Chair", "CEO", "CFO"]
    assert [each["value"] for each in same["propertiesWithHistory"]["country"]] == ["US"]
    assert portal.get(CONTACTS, limit=51, propertiesWithHistory="jobtitle").status_code == 400
    assert portal.post(f"{CONTACTS}/batch/read", {**asked, "inputs": [{"id": "1"}] * 51}).status_code == 400


def test_history_keeps_as_many_versions_as_it_is_told(portal: Portal) -> None:
    def titles() -> list[str]:
        for number in range(4):
            portal.patch(f"{CONTACTS}/{FIRST}", jobtitle=f"Title {number}")
        row = portal.get(f"{CONTACTS}/{FIRST}", propertiesWithHistory="jobtitle").json()
        return [each["value"] for each in row["propertiesWithHistory"]["jobtitle"]]

    portal.set(history=0)
    assert titles() == ["Title 3"]
    portal.set(history=2)
    assert titles() == ["Title 3", "Title 2"]


# --- an administrator's rules


def rule(portal: Portal, **given: Any) -> None:
    assert portal.post("/__sandbox__/rules", given).status_code == 200


def test_rules_hold_for_writes_of_the_newest_version_alone(portal: Portal) -> None:
    rule(portal, object="contacts", when={"hs_lead_status": ["CONNECTED"]}, require=["urgency"])
    given = {"properties": {"hs_lead_status": "CONNECTED"}}

    refused = portal.http.patch(f"{CONTACTS}/{FIRST}", json=given)

    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    assert refused.json()["errors"][0]["context"] == {"propertyName": ["urgency"]}
    assert portal.http.patch(f"/crm/v3/objects/contacts/{FIRST}", json=given).status_code == 200
    assert portal.patch(f"{CONTACTS}/{FIRST + 1}", hs_lead_status="CONNECTED", urgency="high").status_code == 200
    assert portal.patch(f"{CONTACTS}/{FIRST}", jobtitle="CEO").status_code == 200  # not what the rule is about


def test_a_rule_without_a_condition_holds_for_creations(portal: Portal) -> None:
    rule(portal, object="contacts", require=["phone"])

    assert portal.post(CONTACTS, {"properties": {"email": "new@x.example"}}).status_code == 400
    assert portal.patch(f"{CONTACTS}/{FIRST}", jobtitle="CEO").status_code == 200


def test_a_pipeline_can_go_forward_only(portal: Portal) -> None:
    rule(portal, object="deals", forward_only="dealstage")
    deal = portal.get("/crm/objects/2026-09/deals").json()["results"][0]["id"]

    refused = portal.patch(f"/crm/objects/2026-09/0-3/{deal}", dealstage="qualifiedtobuy")

    assert refused.json()["errors"][0]["code"] == "PIPELINE_STAGE_MOVED_BACKWARD"
    assert portal.patch(f"/crm/objects/2026-09/0-3/{deal}", dealstage="closedlost").status_code == 200


def test_with_trace_ids_a_rule_refuses_one_row(portal: Portal) -> None:
    rule(portal, object="contacts", when={"hs_lead_status": ["CONNECTED"]}, require=["urgency"])
    inputs = [
        {"id": str(FIRST), "properties": {"hs_lead_status": "CONNECTED"}, "objectWriteTraceId": "a"},
        {"id": str(FIRST + 1), "properties": {"hs_lead_status": "OPEN"}, "objectWriteTraceId": "b"},
    ]

    body = portal.post(f"{CONTACTS}/batch/update", {"inputs": inputs}).json()

    assert (ids(body["results"]), body["errors"][0]["context"]["objectWriteTraceId"]) == ([str(FIRST + 1)], ["a"])


# --- search


@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_a_search_leaves_out_ids_counts_the_rest_and_pages_through_it(portal: Portal, direction: str) -> None:
    left_out = {"propertyName": "hs_object_id", "operator": "NOT_IN", "values": [str(FIRST), str(FIRST + 2), "1"]}
    since = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "0"}
    body: dict[str, Any] = {
        "filterGroups": [{"filters": [since, left_out]}],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": direction}],
        "limit": 3,
    }

    first = portal.search(**body).json()
    rest = portal.search(**body, after=first["paging"]["next"]["after"]).json()

    wanted = [str(FIRST + n) for n in (1, 3, 4, 5)]
    assert (first["total"], rest["total"], "paging" in rest) == (4, 4, False)
    found = ids(first["results"] + rest["results"])
    assert found == (wanted if direction == "ASCENDING" else wanted[::-1])


# --- locks and links


def test_a_locked_record_is_423_for_a_while(portal: Portal) -> None:
    portal.edit("lock", "contacts", id=str(FIRST), seconds=2)

    locked = portal.patch(f"{CONTACTS}/{FIRST}", jobtitle="CEO")
    portal.sandbox.clock.advance(2)

    assert (locked.status_code, locked.json()["category"]) == (423, "LOCKED")
    assert portal.patch(f"{CONTACTS}/{FIRST}", jobtitle="CEO").status_code == 200


def test_u04_a_link_can_change_without_moving_a_stamp(portal: Portal) -> None:
    other = portal.post("/crm/objects/2026-09/companies", {"properties": {"name": "Other"}}).json()["id"]
    before = portal.get(f"{CONTACTS}/{FIRST}").json()["updatedAt"]
    portal.sandbox.clock.advance(60)

    portal.edit("unlink", "contacts", id=str(FIRST), links={"companies": [str(COMPANY)]}, silent=True)
    portal.set(link_stamps=False)
    portal.edit("link", "contacts", id=str(FIRST), links={"companies": [other]})

    row = portal.get(f"{CONTACTS}/{FIRST}", associations="companies", properties="associatedcompanyid").json()
    assert row["updatedAt"] == before
    assert row["associations"]["companies"]["results"][0]["id"] == other
    assert row["properties"]["associatedcompanyid"] == other


# --- lists


def test_a_static_list_is_filled_read_in_pages_and_emptied() -> None:
    with serving(contacts=300) as portal:
        given = {"name": "Hot", "objectTypeId": "0-1", "processingType": "MANUAL"}
        made = portal.post(LISTS, given).json()["list"]["listId"]
        everybody = [str(FIRST + n) for n in range(300)]

        added = portal.put(f"{LISTS}/{made}/memberships/add", [*everybody, "1"]).json()
        again = portal.put(f"{LISTS}/{made}/memberships/add", everybody[:1]).json()
        first = portal.get(f"{LISTS}/{made}/memberships").json()
        rest = portal.http.get(first["paging"]["next"]["link"]).json()
        both = {"recordIdsToAdd": [], "recordIdsToRemove": everybody[:1]}
        removed = portal.put(f"{LISTS}/{made}/memberships/add-and-remove", both).json()

        assert (len(added["recordIdsAdded"]), added["recordIdsMissing"]) == (300, ["1"])
        assert again == {"recordIdsAdded": [], "recordsIdsAdded": [], "recordIdsRemoved": [], "recordIdsMissing": []}
        assert [each["recordId"] for each in first["results"] + rest["results"]] == everybody
        assert removed["recordIdsRemoved"] == everybody[:1]
        assert portal.get(f"{LISTS}/{made}").json()["list"]["size"] == 299


def test_a_dynamic_list_refuses_members(portal: Portal) -> None:
    reply = portal.put(f"{LISTS}/2/memberships/add", [str(COMPANY)])

    assert (reply.status_code, reply.json()["subCategory"]) == (400, "ILS.INVALID_LIST_PROCESSING_TYPE")


def test_lists_are_found_by_words_by_name_and_by_member(portal: Portal) -> None:
    portal.put(f"{LISTS}/1/memberships/add", [str(FIRST)])
    asked = {"inputs": [{"objectTypeId": "0-1", "recordId": str(FIRST)}, {"objectTypeId": "0-1", "recordId": "1"}]}

    found = portal.post("/crm/v3/lists/search", {"query": "lead", "count": 250}).json()
    named = portal.get(f"{LISTS}/object-type-id/0-1/name/Leadline").json()["list"]
    rows = portal.post(f"{LISTS}/records/memberships/batch/read", asked).json()["results"]

    assert ([each["name"] for each in found["lists"]], found["hasMore"]) == (["Leadline"], False)
    assert (named["listId"], named["processingType"]) == ("1", "MANUAL")
    assert [[one["listId"] for one in row["recordListMemberships"]] for row in rows] == [["1"], []]


def test_a_list_name_is_taken_once_and_a_deleted_list_can_come_back(portal: Portal) -> None:
    given = {"name": "Leadline", "objectTypeId": "0-1", "processingType": "MANUAL"}

    assert portal.post(LISTS, given).status_code == 400
    portal.http.delete(f"{LISTS}/1")
    gone = portal.get(f"{LISTS}/1").status_code
    portal.put(f"{LISTS}/1/restore", None)

    assert (gone, portal.get(f"{LISTS}/1").status_code) == (404, 200)


# --- the control surface


def test_settings_are_told_changed_and_checked(portal: Portal) -> None:
    portal.set(burst=2, burst_seconds=1_000, history=0)

    assert portal.get("/__sandbox__/settings").json()["burst"] == 2
    assert [portal.get(CONTACTS).status_code for _ in range(3)] == [200, 200, 429]
    portal.set(unlimited=True)
    assert portal.get(CONTACTS).status_code == 200
    assert portal.post("/__sandbox__/settings", {"burts": 2}).status_code == 400
    assert portal.post("/__sandbox__/settings", {"burst": "many"}).status_code == 400


def test_an_account_that_is_migrating_says_when_to_come_back(portal: Portal) -> None:
    portal.set(migrating_seconds=3_600)

    reply = portal.get(CONTACTS)
    portal.sandbox.clock.advance(3_600)

    assert (reply.status_code, reply.headers["retry-after"]) == (477, "3600")
    assert portal.get(CONTACTS).status_code == 200


def test_u06_search_trails_behind_writes_when_told_to(portal: Portal) -> None:
    portal.post("/__sandbox__/search", {"lag_seconds": 30})
    portal.patch(f"{CONTACTS}/{FIRST}", leadline_score="9")
    hot = {"propertyName": "leadline_score", "operator": "EQ", "value": "9"}

    before = portal.matching(hot)
    portal.sandbox.clock.advance(30)

    assert (before, portal.matching(hot)) == (0, 1)


def test_automation_of_the_portal_sees_what_the_api_writes(portal: Portal) -> None:
    rule = {"object": "contacts", "field": "urgency", "set": "low"}
    assert portal.post("/__sandbox__/faults", rule).status_code == 200

    portal.patch(f"{CONTACTS}/{FIRST}", urgency="high")

    assert portal.get(f"{CONTACTS}/{FIRST}", properties="urgency").json()["properties"]["urgency"] == "low"
