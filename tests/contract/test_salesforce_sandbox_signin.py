"""Ways into the sandbox: password, refresh token, SOAP login, and who a session belongs to. About two seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import soap_login, token_login
from tests.salesforce_org import Http, serving, world

from leadline_salesforce.sandbox.auth import (
    CONSUMER_KEY,
    CONSUMER_SECRET,
    PASSWORD,
    REFRESH_TOKEN,
    SECURITY_TOKEN,
    USERNAME,
)
from leadline_salesforce.sandbox.loading import INTEGRATION_USER, ORG_ID

APP = {"client_id": CONSUMER_KEY, "client_secret": CONSUMER_SECRET}
USER = {"grant_type": "password", "username": USERNAME, "password": PASSWORD + SECURITY_TOKEN}


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    with serving(world(1)) as served:
        yield served


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (APP | USER, None),
        (APP | USER | {"username": USERNAME.upper()}, None),
        (APP | USER | {"password": PASSWORD}, "invalid_grant"),  # without the security token
        (APP | USER | {"username": "x@leadline.example"}, "invalid_grant"),
        (USER, "invalid_client_id"),
        (APP | {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}, None),
        ({"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, "client_id": CONSUMER_KEY}, None),
        ({"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN, "client_id": "x"}, "invalid_client_id"),
        (APP | {"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        (APP | {"grant_type": "refresh_token", "client_secret": "x"}, "invalid_client"),
    ],
)
def test_password_and_refresh_token_grants(http: Http, form: dict[str, str], error: str | None) -> None:
    reply = requests.post(f"{http.sandbox.base_url}/services/oauth2/token", form, timeout=5)
    assert (reply.status_code, reply.json().get("error")) == ((200, None) if error is None else (400, error))
    if error is None:
        headers = {"Authorization": f"Bearer {reply.json()['access_token']}"}
        found = requests.get(f"{http.sandbox.base_url}/services/data/v66.0/limits", headers=headers, timeout=5)
        assert found.status_code == 200


def soap(http: Http, version: str, password: str) -> tuple[str, str]:
    """As simple-salesforce signs in with user name, password and security token."""
    body = (
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Body>'
        '<n1:login xmlns:n1="urn:partner.soap.sforce.com">'
        f"<n1:username>{USERNAME}</n1:username><n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"
    )
    url = f"{http.sandbox.base_url}/services/Soap/u/{version}"
    found: tuple[str, str] = soap_login(url, body, {"content-type": "text/xml"}, None)
    return found


def test_soap_login_opens_a_session(http: Http) -> None:
    session, instance = soap(http, "64.0", PASSWORD + SECURITY_TOKEN)
    assert instance == http.sandbox.base_url.removeprefix("http://")
    headers = {"Authorization": f"Bearer {session}"}
    assert requests.get(f"http://{instance}/services/data/v66.0/limits", headers=headers, timeout=5).ok


@pytest.mark.parametrize(
    ("version", "password", "code"),
    [
        ("64.0", PASSWORD, "INVALID_LOGIN"),
        ("65.0", PASSWORD + SECURITY_TOKEN, "UNSUPPORTED_API_VERSION"),
        ("68.0", PASSWORD + SECURITY_TOKEN, "UNSUPPORTED_API_VERSION"),
    ],
)
def test_soap_login_is_refused_in_words_that_clients_read(http: Http, version: str, password: str, code: str) -> None:
    with pytest.raises(SalesforceAuthenticationFailed) as caught:
        soap(http, version, password)
    assert caught.value.code == code


def test_a_session_says_whose_it_is_until_it_is_revoked(http: Http) -> None:
    base_url = http.sandbox.base_url
    token, _ = token_login(f"{base_url}/services/oauth2/token", APP | USER, "", CONSUMER_KEY, None, None)
    headers = {"Authorization": f"Bearer {token}"}
    about = requests.get(f"{base_url}/services/oauth2/userinfo", headers=headers, timeout=5).json()
    assert (about["user_id"], about["organization_id"]) == (INTEGRATION_USER, ORG_ID)
    assert about["preferred_username"] == USERNAME
    assert requests.get(about["sub"], headers=headers, timeout=5).json()["username"] == USERNAME
    assert requests.post(f"{base_url}/services/oauth2/revoke", {"token": token}, timeout=5).status_code == 200
    assert requests.get(f"{base_url}/services/oauth2/userinfo", headers=headers, timeout=5).status_code == 403
    assert requests.get(f"{base_url}/services/data/v66.0/limits", headers=headers, timeout=5).status_code == 401
    assert requests.post(f"{base_url}/services/oauth2/revoke", {"token": token}, timeout=5).status_code == 400


def test_every_way_to_sign_in_is_told(http: Http) -> None:
    ways = http.vendor.sign_ins(http.sandbox.base_url)
    usual = {"base_url", "consumer_key", "overlap_seconds"}
    assert {name: sorted(set(said) - usual) for name, said in ways.items()} == {
        "jwt": ["private_key", "username"],
        "password": ["consumer_secret", "password", "security_token", "username"],
        "refresh_token": ["consumer_secret", "refresh_token"],
    }
