"""Getting into the HubSpot sandbox: every generation of paths, sign-in by OAuth, and links between records (3 s)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.hubspot_portal import CONTACTS, FIRST, Portal, serving

from leadline_hubspot.sandbox.vendor import AUTHORIZATION_CODE, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN

COMPANY = 30_000_000_001
LINKS = "/crm/associations/2026-09/companies/contacts"


@pytest.fixture(scope="module")
def shared() -> Iterator[Portal]:
    """For tests that change nothing."""
    with serving() as portal:
        yield portal


@pytest.fixture
def portal() -> Iterator[Portal]:
    with serving() as opened:
        yield opened


# --- paths


@pytest.mark.parametrize(
    "path",
    [
        "/crm/objects/2026-09/0-2", "/crm/objects/2026-03/company", "/crm/v3/objects/companies", "/crm/v4/objects/0-2",
        "/crm/objects/2026-09/2-1000001", "/crm/v3/objects/p_web_events", "/crm/properties/2026-09/0-1",
        "/crm/v3/properties/contacts", "/crm/pipelines/2026-03/deals", "/crm/v3/pipelines/deals/",
        "/crm/owners/2026-09", "/crm/v3/owners/", "/crm-object-schemas/2026-09/schemas", "/crm/v3/schemas",
        "/crm-object-schemas/v3/schemas", "/crm/associations/2026-09/contacts/companies/labels",
        "/crm/v4/associations/contacts/companies/labels", "/automation/v4/sequences?userId=900001",
        "/automation/sequences/2026-03?userId=900001", "/account-info/v3/details", "/account-info/2026-09/details",
        "/crm/limits/2026-09/records", "/crm/objects/2026-09/notes", "/crm/v4/objects/tickets",
    ],
)  # fmt: skip
def test_every_generation_of_a_path_is_answered(shared: Portal, path: str) -> None:
    assert shared.http.get(path).status_code == 200


@pytest.mark.parametrize(
    "path", ["/crm/2026-09/objects/contacts", "/crm/objects/v3/contacts", "/crm/objects/2027-03/contacts", "/crm"]
)
def test_a_version_in_the_wrong_place_is_no_path(shared: Portal, path: str) -> None:
    assert shared.get(path).status_code == 404


def test_a_method_that_a_path_has_not_is_told(shared: Portal) -> None:
    assert shared.http.put(CONTACTS).status_code == 405


def test_an_address_longer_than_the_front_takes_is_414_and_no_json(shared: Portal) -> None:
    reply = shared.get(CONTACTS, properties=",".join(f"property_{n}" for n in range(800)))

    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (414, "text/html")


# --- sign-in


def grant(portal: Portal, path: str = "/oauth/2026-09/token", **changed: str) -> httpx.Response:
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
        **changed,
    }
    return httpx.post(f"{portal.sandbox.base_url}{path}", data=form)


def listed_with(portal: Portal, token: str) -> httpx.Response:
    return httpx.get(f"{portal.sandbox.base_url}{CONTACTS}", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("path", ["/oauth/2026-09/token", "/oauth/2026-03/token", "/oauth/v1/token"])
def test_a_refresh_token_buys_an_access_token(shared: Portal, path: str) -> None:
    body = grant(shared, path).json()

    assert (body["expires_in"], body["refresh_token"], body["token_type"]) == (1800, REFRESH_TOKEN, "bearer")
    reply = listed_with(shared, body["access_token"])
    assert reply.status_code == 200
    assert "x-hubspot-ratelimit-remaining" in reply.headers
    assert "x-hubspot-ratelimit-daily" not in reply.headers  # not told to OAuth apps


def test_an_access_token_ends_by_the_clock(portal: Portal) -> None:
    token = grant(portal).json()["access_token"]

    portal.sandbox.clock.advance(1_799)
    before = listed_with(portal, token).status_code
    portal.sandbox.clock.advance(1)
    after = listed_with(portal, token)

    assert (before, after.status_code, after.json()["category"]) == (200, 401, "EXPIRED_AUTHENTICATION")
    assert portal.get(CONTACTS).status_code == 200  # the static token does not end


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"refresh_token": "gone"}, "BAD_REFRESH_TOKEN", "invalid_grant"),
        ({"client_id": "wrong"}, "BAD_CLIENT_ID", "invalid_client"),
        ({"client_secret": "wrong"}, "BAD_CLIENT_SECRET", "invalid_client"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE", "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "gone"}, "BAD_AUTH_CODE", "invalid_grant"),
    ],
)
def test_a_refused_grant_says_why(shared: Portal, changed: dict[str, str], status: str, error: str) -> None:
    reply = grant(shared, **changed)

    assert (reply.status_code, reply.json()["status"], reply.json()["error"]) == (400, status, error)


def test_parameters_in_the_query_are_not_read(shared: Portal) -> None:
    query = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": REFRESH_TOKEN}

    assert httpx.post(f"{shared.sandbox.base_url}/oauth/2026-09/token", params=query).status_code == 400


def test_a_code_buys_tokens_and_a_revoked_token_buys_none(portal: Portal) -> None:
    assert grant(portal, grant_type="authorization_code", code=AUTHORIZATION_CODE).json()["access_token"]

    form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "token": REFRESH_TOKEN}
    told = httpx.post(f"{portal.sandbox.base_url}/oauth/2026-09/token/introspect", data=form).json()
    httpx.post(f"{portal.sandbox.base_url}/oauth/2026-09/token/revoke", data=form)

    assert (told["token_use"], told["active"]) == ("refresh_token", True)
    assert grant(portal).json()["status"] == "BAD_REFRESH_TOKEN"


def test_what_signs_in_is_told_with_the_address(shared: Portal) -> None:
    app = shared.vendor.sign_ins(shared.sandbox.base_url)["oauth"]
    names = ("client_id", "client_secret", "refresh_token")

    assert app["base_url"] == shared.sandbox.base_url
    assert grant(shared, **{name: app[name] for name in names}).status_code == 200


def test_an_uninstalled_app_is_refused_its_refresh_token(portal: Portal) -> None:
    portal.set(refresh_refused=True)

    assert grant(portal).json()["error"] == "invalid_grant"


# --- links


def targets(portal: Portal, after: str | None = None) -> dict[str, Any]:
    given = {"id": str(COMPANY), **({"after": after} if after else {})}
    (row,) = portal.post(f"{LINKS}/batch/read", {"inputs": [given]}).json()["results"]
    found: dict[str, Any] = row
    return found


def test_any_number_of_links_is_read_in_pages_of_a_batch_read() -> None:
    with serving(contacts=1_200) as portal:
        ids: list[str] = []
        after: str | None = None
        pages = 0
        while pages == 0 or after:
            row = targets(portal, after)
            ids += [each["toObjectId"] for each in row["to"]]
            after = row.get("paging", {}).get("next", {}).get("after")
            pages += 1

    assert (len(ids), len(set(ids)), pages) == (1_200, 1_200, 3)


def test_the_primary_company_can_change_and_shows_on_the_contact(portal: Portal) -> None:
    other = portal.post("/crm/objects/2026-09/companies", {"properties": {"name": "Other"}}).json()["id"]
    path = f"/crm/objects/2026-09/contacts/{FIRST}/associations/companies"

    def primary() -> list[str]:
        rows = portal.get(path).json()["results"]
        return [row["toObjectId"] for row in rows if any(t["label"] == "Primary" for t in row["associationTypes"])]

    portal.put(f"{path}/{other}", [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}])
    second = primary()
    reply = portal.put(f"{path}/{other}", [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}])

    assert reply.status_code == 201
    assert (second, primary()) == ([str(COMPANY)], [other])
    row = portal.get(f"{CONTACTS}/{FIRST}", properties="associatedcompanyid").json()
    assert row["properties"]["associatedcompanyid"] == other


def test_the_first_company_stays_primary_when_one_with_a_lower_id_comes(portal: Portal) -> None:
    other = portal.post("/crm/objects/2026-09/companies", {"properties": {"name": "Other"}}).json()["id"]
    person = portal.edit("create", "contacts", fields={"lastname": "New"}, links={"companies": [other]}).json()["id"]

    portal.edit("link", "contacts", id=person, links={"companies": [str(COMPANY)]})

    row = portal.get(f"{CONTACTS}/{person}", properties="associatedcompanyid", associations="companies").json()
    assert row["properties"]["associatedcompanyid"] == other
    assert row["associations"]["companies"]["results"][0] == {"id": other, "type": "contact_to_company"}


def test_a_label_is_made_given_seen_from_both_ends_and_taken_off(portal: Portal) -> None:
    root = "/crm/associations/2026-09/contacts/companies"
    made = portal.post(f"{root}/labels", {"name": "boss", "label": "Boss", "inverseLabel": "Led by"}).json()["results"]
    there, back = (each["typeId"] for each in made)
    given = {
        "from": {"id": str(FIRST)},
        "to": {"id": str(COMPANY)},
        "types": [{"associationCategory": "USER_DEFINED", "associationTypeId": there}],
    }

    created = portal.post(f"{root}/batch/create", {"inputs": [given]}).json()["results"]
    types = targets(portal)["to"][0]["associationTypes"]
    portal.post(f"{root}/batch/labels/archive", {"inputs": [given]})

    assert created[0]["labels"] == ["Boss"]
    assert {each["label"]: each["typeId"] for each in types}["Led by"] == back
    assert "Led by" not in {each["label"] for each in targets(portal)["to"][0]["associationTypes"]}


def test_a_type_that_does_not_exist_fails_the_batch(shared: Portal) -> None:
    given = {"from": {"id": str(COMPANY)}, "to": {"id": str(FIRST)}, "types": [{"associationTypeId": 99}]}

    assert shared.post(f"{LINKS}/batch/create", {"inputs": [given]}).status_code == 400


def test_the_older_style_names_ids_and_one_word(shared: Portal) -> None:
    root = "/crm/v3/associations/company/contact/batch/read"

    (row,) = shared.post(root, {"inputs": [{"id": str(COMPANY)}]}).json()["results"]

    assert (row["to"][0], len(row["to"])) == ({"id": str(FIRST), "type": "company_to_contact"}, 6 - 1)


def test_limits_of_a_batch_of_links(shared: Portal) -> None:
    assert shared.post(f"{LINKS}/batch/read", {"inputs": [{"id": "1"}] * 1_001}).status_code == 400
    pair = {"from": {"id": str(COMPANY)}, "to": {"id": str(FIRST)}}
    assert shared.post(f"{LINKS}/batch/associate/default", {"inputs": [pair] * 2_001}).status_code == 400
