"""The HubSpot sandbox over real HTTP: the vendor's limits and words, asked by hand and by the vendor's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from hubspot import HubSpot
from hubspot.crm.associations.v4 import (
    BatchInputPublicFetchAssociationsBatchRequest,
    PublicFetchAssociationsBatchRequest,
)
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInput,
)
from hubspot.crm.objects import BatchInputSimplePublicObjectBatchInputUpsert, SimplePublicObjectBatchInputUpsert
from tests.hubspot_portal import CONTACTS, FIRST, NOW, UNLIMITED, Portal, serving

from leadline_hubspot.sandbox import Limits

OBJECTS = ("companies", "contacts", "leads", "deals", "calls", "emails", "communications", "meetings", "web_events")


@pytest.fixture
def opened() -> Iterator[Any]:
    with ExitStack() as stack:

        def open_portal(limits: Limits = UNLIMITED, contacts: int = 5) -> Portal:
            return stack.enter_context(serving(limits, contacts))

        yield open_portal


@pytest.fixture
def portal(opened: Any) -> Portal:
    made: Portal = opened()
    return made


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    """For tests that change nothing."""
    with serving() as portal:
        yield portal


def vendor_client(portal: Portal) -> HubSpot:
    return HubSpot(access_token=portal.sandbox.credentials["access_token"], host=portal.sandbox.base_url)


# --- the world in the portal


def test_the_world_is_all_there_with_its_ids(shared: Portal) -> None:
    state = shared.get("/__sandbox__/state").json()

    ids = {name: [row["properties"].get("source_id") for row in state[name]] for name in OBJECTS}
    assert ids["companies"] == ["acct_000001"]
    assert ids["contacts"] == [*(f"cnt_{n:06d}" for n in range(1, 6)), "c_lead_000001"]
    assert (ids["leads"], ids["deals"]) == (["lead_000001"], ["opp_000001"])
    assert ids["calls"] + ids["emails"] + ids["communications"] + ids["meetings"] + ids["web_events"] == [
        f"touch_{n:06d}" for n in range(5)
    ]
    assert [each["source_id"] for each in state["owners"]] == ["rep_000001", "rep_000002"]


def test_an_address_that_is_taken_becomes_one_of_its_own(shared: Portal) -> None:
    rows = shared.get("/__sandbox__/state", object="contacts").json()["contacts"]

    assert rows[0]["properties"]["email"] == "ada1@acme.example"
    assert rows[-1]["properties"]["email"] == "ada1+c_lead_000001@acme.example"


def test_what_happened_with_a_lead_hangs_on_the_contact_behind_it(shared: Portal) -> None:
    rows = shared.get("/__sandbox__/state").json()

    person = rows["contacts"][-1]["id"]
    for name in ("leads", "deals", "calls", "emails", "communications", "meetings", "web_events"):
        assert rows[name][0]["associations"]["contacts"] == [person]


# --- sign-in and rates


def test_a_wrong_token_is_refused_in_the_vendors_words(shared: Portal) -> None:
    reply = httpx.get(f"{shared.sandbox.base_url}{CONTACTS}", headers={"Authorization": "Bearer wrong"})

    assert (reply.status_code, reply.json()["category"]) == (401, "INVALID_AUTHENTICATION")
    assert reply.json()["correlationId"]


def test_a_missing_scope_is_named(portal: Portal) -> None:
    portal.sandbox.vendor.portal.withheld.add("crm.objects.contacts.read")  # type: ignore[attr-defined] # its own class

    reply = portal.get(CONTACTS)

    assert (reply.status_code, reply.json()["category"]) == (403, "MISSING_SCOPES")
    assert reply.json()["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.contacts.read"]


def test_the_burst_limit_is_enforced_and_announced(opened: Any) -> None:
    portal = opened(Limits(burst=3, burst_seconds=1_000))

    headers = [portal.get(CONTACTS).headers for _ in range(3)]
    refused = portal.get(CONTACTS)

    assert [each["x-hubspot-ratelimit-remaining"] for each in headers] == ["2", "1", "0"]
    assert headers[0]["x-hubspot-ratelimit-max"] == "3"
    assert (refused.status_code, refused.json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    assert portal.search().status_code == 200  # search has a limit of its own


def test_search_has_its_own_limit_and_no_rate_headers(opened: Any) -> None:
    portal = opened(Limits(search_per_second=1))

    first, second = portal.search(), portal.search()

    assert not [name for name in first.headers if name.startswith("x-hubspot-ratelimit")]
    assert (second.status_code, second.json()["policyName"]) == (429, "SECONDLY")


def test_the_daily_limit_ends_with_the_day(opened: Any) -> None:
    portal = opened(Limits(daily=2))

    statuses = [portal.get(CONTACTS).status_code for _ in range(3)]
    refused = portal.get(CONTACTS).json()
    portal.sandbox.clock.advance(86_400)

    assert (statuses, refused["policyName"]) == ([200, 200, 429], "DAILY")
    assert portal.get(CONTACTS).status_code == 200


# --- lists and single records


@pytest.mark.parametrize("root", ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"])
@pytest.mark.parametrize("name", ["contacts", "contact", "0-1"])
def test_each_path_family_and_name_leads_to_the_same_records(shared: Portal, root: str, name: str) -> None:
    assert len(shared.get(f"{root}/{name}").json()["results"]) == 6


def test_following_the_links_of_pages_gives_every_record_once(shared: Portal) -> None:
    ids, address = [], f"{shared.sandbox.base_url}{CONTACTS}?limit=4&properties=email"
    while address:
        body = shared.http.get(address).json()
        ids += [row["id"] for row in body["results"]]
        address = body.get("paging", {}).get("next", {}).get("link")

    assert ids == [str(FIRST + n) for n in range(6)]


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_a_page_has_a_hundred_records_at_most(shared: Portal, limit: str) -> None:
    assert shared.get(CONTACTS, limit=limit).status_code == 400


def test_values_are_text_and_empty_ones_null(shared: Portal) -> None:
    row = shared.get(f"/crm/v3/objects/companies/{30_000_000_001}", properties="annualrevenue,target_tier,nonsense")

    properties = row.json()["properties"]
    assert (properties["annualrevenue"], properties["target_tier"]) == ("5000000", None)
    assert "nonsense" not in properties


def test_the_primary_association_is_listed_twice(shared: Portal) -> None:
    row = shared.get(f"{CONTACTS}/{FIRST}", associations="companies").json()

    assert [each["type"] for each in row["associations"]["companies"]["results"]] == [
        "contact_to_company",
        "contact_to_company_unlabeled",
    ]


def test_more_than_a_hundred_associations_are_paged(opened: Any) -> None:
    portal = opened(contacts=120)
    row = portal.get("/crm/v3/objects/companies/30000000001", associations="contacts").json()

    found = row["associations"]["contacts"]
    after = portal.http.get(found["paging"]["next"]["link"]).json()

    listed = {each["id"] for each in found["results"]} | {str(each["toObjectId"]) for each in after["results"]}
    assert len(listed) == 120


def test_a_record_is_read_by_a_unique_property(shared: Portal) -> None:
    assert shared.get(f"{CONTACTS}/ada2@acme.example", idProperty="email").json()["id"] == str(FIRST + 1)
    assert shared.get(f"{CONTACTS}/Ada", idProperty="firstname").status_code == 400
    assert shared.get(f"{CONTACTS}/1").json()["category"] == "OBJECT_NOT_FOUND"


def test_an_archived_record_is_listed_apart_and_keeps_its_stamp(portal: Portal) -> None:
    before = portal.get(f"{CONTACTS}/{FIRST}").json()["updatedAt"]
    portal.sandbox.clock.advance(60)

    assert portal.http.delete(f"{CONTACTS}/{FIRST}").status_code == 204

    (row,) = portal.get(CONTACTS, archived="true").json()["results"]
    assert (row["id"], row["archived"], row["updatedAt"]) == (str(FIRST), True, before)
    assert row["archivedAt"] > before
    assert portal.matching() == 5


# --- values


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"leadline_group": "Priority"}, "INVALID_OPTION"),
        ({"leadline_score": "1,000"}, "INVALID_INTEGER"),
        ({"hs_object_id": "1"}, "READ_ONLY_VALUE"),
        ({"jobtitle": "x" * 65_537}, "INVALID_STRING_LENGTH"),
        ({"hubspot_owner_id": "1"}, "INVALID_OWNER_ID"),
        ({"hubspot_owner_id": "500002"}, "INVALID_OWNER_ID"),  # not active
        ({"hs_email_optout": "yes"}, "INVALID_OPTION"),
        ({"leadline_scored_at": "yesterday"}, "INVALID_DATE"),
        ({"email": "nobody"}, "INVALID_EMAIL"),
    ],
)
def test_a_value_that_is_not_valid_is_refused(shared: Portal, values: dict[str, str], code: str) -> None:
    reply = shared.http.patch(f"{CONTACTS}/{FIRST}", json={"properties": values})

    assert (reply.status_code, reply.json()["category"]) == (400, "VALIDATION_ERROR")
    assert reply.json()["errors"][0]["code"] == code
    assert f'"error":"{code}"' in reply.json()["message"]


def test_required_properties_are_required_on_creation(shared: Portal) -> None:
    reply = shared.post("/crm/v3/objects/tasks", {"properties": {"hs_task_subject": "Call"}})

    assert reply.json()["errors"][0]["code"] == "REQUIRED_PROPERTY_MISSING"


def test_an_address_is_unique(shared: Portal) -> None:
    reply = shared.post(CONTACTS, {"properties": {"email": "ADA1@acme.example"}})

    assert reply.status_code == 409
    assert reply.json()["message"] == f"Contact already exists. Existing ID: {FIRST}"


def test_the_lifecycle_only_goes_forward_and_says_nothing(portal: Portal) -> None:
    def set_stage(stage: str) -> str:
        reply = portal.http.patch(f"{CONTACTS}/{FIRST}", json={"properties": {"lifecyclestage": stage}})
        assert reply.status_code == 200
        return str(reply.json()["properties"]["lifecyclestage"])

    assert set_stage("customer") == "customer"
    assert set_stage("lead") == "customer"
    assert set_stage("") == "None"
    assert set_stage("lead") == "lead"


def test_every_write_moves_the_stamp(portal: Portal) -> None:
    first = portal.get(f"{CONTACTS}/{FIRST}").json()["updatedAt"]

    portal.http.patch(f"{CONTACTS}/{FIRST}", json={"properties": {"jobtitle": "CFO"}})  # the value that it has

    row = portal.get(f"{CONTACTS}/{FIRST}").json()
    assert row["updatedAt"] > first
    assert row["properties"]["lastmodifieddate"] == row["updatedAt"]


# --- batches


def test_a_batch_takes_a_hundred(shared: Portal) -> None:
    inputs = [{"id": str(n), "properties": {}} for n in range(101)]

    for operation in ("read", "update", "create", "upsert", "archive"):
        assert shared.post(f"{CONTACTS}/batch/{operation}", {"inputs": inputs}).status_code == 400


def bad_batch(*, traced: bool) -> dict[str, Any]:
    inputs: list[dict[str, Any]] = [
        {"id": str(FIRST), "properties": {"leadline_score": "7"}},
        {"id": str(FIRST + 1), "properties": {"leadline_group": "nonsense"}},
        {"id": "1", "properties": {"leadline_score": "7"}},
    ]
    if traced:
        for number, each in enumerate(inputs):
            each["objectWriteTraceId"] = f"t{number}"
    return {"inputs": inputs}


def test_one_bad_row_fails_a_batch_without_trace_ids(shared: Portal) -> None:
    reply = shared.post(f"{CONTACTS}/batch/update", bad_batch(traced=False))

    assert reply.status_code == 400
    assert shared.matching({"propertyName": "leadline_score", "operator": "HAS_PROPERTY"}) == 0


def test_with_trace_ids_the_good_rows_go_through(portal: Portal) -> None:
    reply = portal.post(f"{CONTACTS}/batch/update", bad_batch(traced=True))

    body = reply.json()
    assert (reply.status_code, body["numErrors"]) == (207, 2)
    assert [row["objectWriteTraceId"] for row in body["results"]] == ["t0"]
    assert [each["context"]["objectWriteTraceId"] for each in body["errors"]] == [["t1"], ["t2"]]
    assert [each["category"] for each in body["errors"]] == ["VALIDATION_ERROR", "OBJECT_NOT_FOUND"]


def test_trace_ids_that_repeat_are_none(portal: Portal) -> None:
    body = bad_batch(traced=True)
    for each in body["inputs"]:
        each["objectWriteTraceId"] = "same"

    assert portal.post(f"{CONTACTS}/batch/update", body).status_code == 400


def test_a_row_can_be_told_to_fail(portal: Portal) -> None:
    portal.sandbox.faults.add({"object": "contacts", "ids": [str(FIRST)], "code": "LOCKED_BY_RULE", "message": "No."})

    body = portal.post(f"{CONTACTS}/batch/update", bad_batch(traced=True)).json()

    assert body["errors"][0]["errors"][0]["code"] == "LOCKED_BY_RULE"


def test_an_upsert_says_whether_the_record_is_new(portal: Portal) -> None:
    def upsert(subject: str) -> dict[str, Any]:
        properties = {"hs_timestamp": "2026-01-01T00:00:00Z", "hs_task_subject": subject}
        given = {"id": "k1", "idProperty": "leadline_key", "properties": properties}
        reply = portal.post("/crm/v3/objects/tasks/batch/upsert", {"inputs": [given]})
        row: dict[str, Any] = reply.json()["results"][0]
        return row

    first, second = upsert("Call"), upsert("Call again")

    assert (first["new"], second["new"]) == (True, False)
    assert first["id"] == second["id"]


def test_upserts_by_address_are_all_or_nothing(portal: Portal) -> None:
    inputs = [
        {"id": f"new{n}@acme.example", "idProperty": "email", "properties": values, "objectWriteTraceId": str(n)}
        for n, values in enumerate(({"jobtitle": "CEO"}, {"nonsense": "1"}))
    ]

    assert portal.post(f"{CONTACTS}/batch/upsert", {"inputs": inputs}).status_code == 400
    assert portal.matching() == 6


def test_a_unique_property_stays_unique(portal: Portal) -> None:
    def row(trace: str) -> dict[str, Any]:
        properties = {"hs_timestamp": "2026-01-01T00:00:00Z", "leadline_key": "k1"}
        return {"properties": properties, "objectWriteTraceId": trace}

    body = portal.post("/crm/v3/objects/tasks/batch/create", {"inputs": [row("a"), row("b")]}).json()

    assert len(body["results"]) == 1
    assert body["errors"][0]["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"


def test_a_batch_read_names_what_is_missing(shared: Portal) -> None:
    reply = shared.post(f"{CONTACTS}/batch/read", {"inputs": [{"id": str(FIRST)}, {"id": "5"}], "properties": []})

    assert (reply.status_code, len(reply.json()["results"])) == (207, 1)
    assert reply.json()["errors"][0]["context"] == {"ids": ["5"]}


# --- search


def condition(name: str, operator: str, value: str = "", **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, "value": value, **more}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (condition("email", "EQ", "ADA1@acme.example"), 1),
        (condition("email", "NEQ", "ada1@acme.example"), 5),
        (condition("email", "CONTAINS_TOKEN", "ada*"), 6),
        (condition("email", "NOT_CONTAINS_TOKEN", "c_lead_000001"), 5),
        (condition("jobtitle", "IN", values=["cfo", "cmo"]), 5),
        (condition("jobtitle", "NOT_IN", values=["cfo"]), 1),
        (condition("project_timeline", "HAS_PROPERTY"), 1),
        (condition("project_timeline", "NOT_HAS_PROPERTY"), 5),
        (condition("hs_object_id", "GT", str(FIRST + 1)), 4),
        (condition("hs_object_id", "GTE", str(FIRST + 1)), 5),
        (condition("hs_object_id", "LT", str(FIRST + 1)), 1),
        (condition("hs_object_id", "LTE", str(FIRST + 1)), 2),
        (condition("lastmodifieddate", "GTE", str((NOW - 7_998) * 1000)), 5),
        (condition("lastmodifieddate", "GT", str((NOW - 7_998) * 1000)), 4),
        (condition("lastmodifieddate", "LT", "2001-01-01"), 0),
        (condition("lastmodifieddate", "BETWEEN", str((NOW - 7_999) * 1000), highValue=str((NOW - 7_998) * 1000)), 2),
        (condition("associations.company", "EQ", "30000000001"), 5),
    ],
)
def test_operators(shared: Portal, given: dict[str, Any], expected: int) -> None:
    assert shared.matching(given) == expected


def test_filters_are_joined_by_and_groups_by_or(shared: Portal) -> None:
    first, last = condition("email", "EQ", "ada1@acme.example"), condition("hs_object_id", "GT", str(FIRST + 4))

    assert shared.matching(first, last) == 0
    either = shared.search(filterGroups=[{"filters": [first]}, {"filters": [last]}]).json()
    assert either["total"] == 2


@pytest.mark.parametrize("sorts", [["-lastmodifieddate"], [{"propertyName": "lastname", "direction": "DESCENDING"}]])
def test_both_forms_of_a_sort(shared: Portal, sorts: list[object]) -> None:
    named = condition("lastname", "CONTAINS_TOKEN", "number")

    rows = shared.search(filterGroups=[{"filters": [named]}], sorts=sorts).json()["results"]

    assert [row["id"] for row in rows] == [str(FIRST + n) for n in (4, 3, 2, 1, 0)]


def test_paging_ends_at_the_cap(opened: Any) -> None:
    portal = opened(Limits(search_per_second=10**6, search_results=4))

    page = portal.search(limit=2).json()
    last = portal.search(limit=2, after=page["paging"]["next"]["after"]).json()

    assert (page["total"], last["paging"]["next"]["after"]) == (6, "4")
    assert portal.search(limit=2, after="4").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [condition("email", "HAS_PROPERTY")] * 7}]},
        {"filterGroups": [{"filters": [condition("email", "HAS_PROPERTY")] * 5}] * 4},
        {"filterGroups": [{"filters": [condition("nonsense", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [condition("email", "LIKE", "1")]}]},
        {"sorts": ["email", "lastname"]},
        {"properties": ["email"] * 400},
    ],
    ids=["page", "groups", "filters", "all filters", "property", "operator", "sorts", "body"],
)
def test_limits_of_a_search(shared: Portal, body: dict[str, Any]) -> None:
    assert shared.search(**body).status_code == 400


def test_search_can_trail_behind_writes(opened: Any) -> None:
    portal = opened(Limits(search_per_second=10**6, index_lag=30))
    named = condition("jobtitle", "EQ", "CEO")
    portal.http.patch(f"{CONTACTS}/{FIRST}", json={"properties": {"jobtitle": "CEO"}})

    at_once = portal.matching(named)
    portal.sandbox.clock.advance(30)

    assert (at_once, portal.matching(named)) == (0, 1)
    assert portal.get(f"{CONTACTS}/{FIRST}", properties="jobtitle").json()["properties"]["jobtitle"] == "CEO"


# --- associations, properties, owners, sequences, account


def test_associations_are_read_a_thousand_at_a_time(shared: Portal) -> None:
    path = "/crm/associations/2026-09/contacts/companies/batch/read"

    body = shared.post(path, {"inputs": [{"id": str(FIRST)}, {"id": str(FIRST + 5)}]}).json()
    too_many = shared.post(path, {"inputs": [{"id": "1"}] * 1_001})

    target = body["results"][0]["to"][0]
    assert target["toObjectId"] == "30000000001"
    assert [each["label"] for each in target["associationTypes"]] == ["Primary", None]
    assert body["errors"][0]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert too_many.status_code == 400


def test_an_association_shows_from_both_ends(portal: Portal) -> None:
    task = portal.post("/crm/v3/objects/tasks", {"properties": {"hs_timestamp": "2026-01-01T00:00:00Z"}}).json()["id"]

    portal.http.put(f"/crm/v4/objects/tasks/{task}/associations/default/contacts/{FIRST}")

    row = portal.get(f"{CONTACTS}/{FIRST}", associations="tasks").json()
    assert row["associations"]["tasks"]["results"] == [{"id": task, "type": "contact_to_task"}]


def test_properties_can_be_read_and_added(portal: Portal) -> None:
    path = "/crm/properties/2026-09/contacts"
    given = {"name": "shoe_size", "label": "Shoe size", "groupName": "g", "type": "number", "fieldType": "number"}

    assert portal.post(path, given).status_code == 201
    assert portal.post(path, given).status_code == 409
    assert portal.post(path, {**given, "name": "other", "fieldType": "text"}).status_code == 400
    assert portal.get(f"{path}/shoe_size").json()["type"] == "number"
    assert portal.http.patch(f"{CONTACTS}/{FIRST}", json={"properties": {"shoe_size": "42"}}).status_code == 200


@pytest.mark.parametrize("path", ["/crm/v3/owners", "/crm/v3/owners/", "/crm/owners/2026-09"])
def test_owners_who_left_are_listed_apart(shared: Portal, path: str) -> None:
    active, gone = shared.get(path).json()["results"], shared.get(path, archived="true").json()["results"]

    assert [each["email"] for each in active] == ["rita@leadline.example"]
    assert [(each["email"], each["archived"]) for each in gone] == [("ivo@leadline.example", True)]


def test_a_contact_is_in_one_sequence_at_a_time(portal: Portal) -> None:
    root = "/automation/sequences/2026-09"
    user = portal.get("/crm/v3/owners").json()["results"][0]["userId"]
    sequence = portal.get(root, userId=user).json()["results"][0]
    body = {"contactId": str(FIRST), "sequenceId": sequence["id"], "senderEmail": "rita@leadline.example"}

    assert portal.get(f"{root}/enrollments/contact/{FIRST}").status_code == 404
    assert portal.post(f"{root}/enrollments", body).status_code == 400  # nobody's user id
    first = portal.post(f"{root}/enrollments", body, userId=user)
    again = portal.post(f"{root}/enrollments", body, userId=user)

    assert first.json()["toEmail"] == "ada1@acme.example"
    assert (again.status_code, again.json()["subCategory"]) == (400, "SequenceError.CONTACT_ALREADY_ENROLLED")
    assert portal.get(f"{root}/enrollments/contact/{FIRST}").json()["sequenceName"] == sequence["name"]


def test_usage_counts_calls(portal: Portal) -> None:
    portal.get(CONTACTS)

    (usage,) = portal.get("/account-info/2026-09/api-usage/daily/private-apps").json()["results"]

    assert (usage["usageLimit"], usage["currentUsage"]) == (625_000, 2)


def test_an_unknown_path_and_an_unknown_object_are_told(shared: Portal) -> None:
    assert shared.get("/crm/v9/objects/contacts").status_code == 404
    assert shared.get("/crm/v3/objects/unicorns").status_code == 400


def test_a_merge_leaves_one_record_that_remembers_the_other(portal: Portal) -> None:
    body = {"primaryObjectId": str(FIRST), "objectIdToMerge": str(FIRST + 1)}

    assert portal.post(f"{CONTACTS}/merge", body).status_code == 200

    row = portal.get(f"{CONTACTS}/{FIRST}", properties="hs_merged_object_ids").json()
    assert row["properties"]["hs_merged_object_ids"] == str(FIRST + 1)
    assert portal.http.patch(f"{CONTACTS}/{FIRST + 1}", json={"properties": {}}).status_code == 404


def test_a_user_edits_with_the_same_checks(portal: Portal) -> None:
    def edit(**command: Any) -> httpx.Response:
        return portal.post("/__sandbox__/records", command)

    made = edit(
        action="create", object="web_events", links={"contacts": [str(FIRST)]},
        fields={"event_type": "pricing_page", "occurred_at": "2026-05-01T00:00:00Z"},
    ).json()  # fmt: skip

    assert portal.get(f"/crm/v3/objects/web_events/{made['id']}", associations="contacts").json()["associations"]
    assert edit(action="update", object="contacts", id=str(FIRST), fields={"nonsense": "1"}).status_code == 400
    assert edit(action="delete", object="contacts", id="1").status_code == 400
    assert edit(action="fly", object="contacts", id=str(FIRST)).status_code == 400


# --- the vendor's own client


def test_the_vendors_client_lists_and_pages(shared: Portal) -> None:
    contacts = vendor_client(shared).crm.contacts

    page = contacts.basic_api.get_page(limit=4, properties=["email"], associations=["companies"])
    rest = contacts.basic_api.get_page(limit=4, after=page.paging.next.after)

    assert [row.id for row in [*page.results, *rest.results]] == [str(FIRST + n) for n in range(6)]
    assert page.results[0].associations["companies"].results[0].id == "30000000001"


def test_the_vendors_client_searches(shared: Portal) -> None:
    request = PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "email", "operator": "EQ", "value": "ada1@acme.example"}]}],
        sorts=[{"propertyName": "createdate", "direction": "ASCENDING"}],
        properties=["email"],
        limit=10,
    )

    found = vendor_client(shared).crm.contacts.search_api.do_search(public_object_search_request=request)

    assert (found.total, found.results[0].properties["email"]) == (1, "ada1@acme.example")


def test_the_vendors_client_understands_a_207(portal: Portal) -> None:
    inputs = [
        SimplePublicObjectBatchInput(id=str(FIRST), properties={"jobtitle": "CEO"}, object_write_trace_id="a"),
        SimplePublicObjectBatchInput(id=str(FIRST + 1), properties={"nonsense": "1"}, object_write_trace_id="b"),
    ]

    answer = vendor_client(portal).crm.contacts.batch_api.update(
        batch_input_simple_public_object_batch_input=BatchInputSimplePublicObjectBatchInput(inputs=inputs)
    )

    assert (answer.num_errors, answer.errors[0].category) == (1, "VALIDATION_ERROR")
    assert answer.errors[0].context == {"objectWriteTraceId": ["b"]}
    assert [row.id for row in answer.results] == [str(FIRST)]


def test_the_vendors_client_upserts(portal: Portal) -> None:
    given = SimplePublicObjectBatchInputUpsert(
        id="k1", id_property="leadline_key", properties={"hs_timestamp": "2026-01-01T00:00:00Z"}
    )

    answer = vendor_client(portal).crm.objects.batch_api.upsert(
        object_type="tasks",
        batch_input_simple_public_object_batch_input_upsert=BatchInputSimplePublicObjectBatchInputUpsert(
            inputs=[given]
        ),
    )

    assert answer.results[0].new is True


def test_the_vendors_client_reads_associations_owners_and_properties(shared: Portal) -> None:
    client = vendor_client(shared)
    wanted = BatchInputPublicFetchAssociationsBatchRequest(inputs=[PublicFetchAssociationsBatchRequest(id=str(FIRST))])

    links = client.crm.associations.v4.batch_api.get_page(
        from_object_type="contacts",
        to_object_type="companies",
        batch_input_public_fetch_associations_batch_request=wanted,
    )

    assert links.results[0].to[0].to_object_id == "30000000001"
    assert [owner.email for owner in client.crm.owners.owners_api.get_page().results] == ["rita@leadline.example"]
    names = {each.name for each in client.crm.properties.core_api.get_all(object_type="contacts").results}
    assert {"email", "leadline_score", "hs_merged_object_ids"} <= names
