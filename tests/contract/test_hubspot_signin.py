"""Signing in to HubSpot: tokens that stay, tokens that are renewed, grants that are refused. Seconds: 3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.hubspot_lab import Lab, Open, labs, outcomes, update

from leadline.sdk.errors import ConfigError, CredentialsError, TransientError
from leadline.sdk.ports import Runtime
from leadline.sdk.records import Outcome
from leadline_hubspot import connector
from leadline_hubspot.sandbox.oauth import CLIENT_ID, CLIENT_SECRET, LIFETIME, REFRESH_TOKEN

APP: dict[str, Any] = {
    "access_token": None,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "refresh_token": REFRESH_TOKEN,
}


@pytest.fixture
def opened() -> Iterator[Open]:
    with labs() as open_lab:
        yield open_lab


def sign_ins(lab: Lab) -> list[int]:
    """Statuses of the calls for a token."""
    return [call.status for call in lab.calls if call.path.endswith("/token")]


def test_an_app_signs_in_once_for_all_its_calls(opened: Open) -> None:
    lab = opened(**APP)

    lab.pull()

    assert outcomes(lab, update(0)) == [(Outcome.WRITTEN, None)]
    assert sign_ins(lab) == [200]
    assert {call.status for call in lab.calls} == {200}


def test_a_token_is_renewed_before_it_ends(opened: Open) -> None:
    lab = opened(**APP)
    for _ in range(4):
        lab.pull()
        lab.later(LIFETIME - 100)

    assert sign_ins(lab) == [200] * 4
    assert {call.status for call in lab.calls} == {200}


@pytest.mark.parametrize("writing", [False, True])
def test_a_token_that_is_refused_before_its_time_is_renewed_once(opened: Open, writing: bool) -> None:
    lab = opened(**APP)
    lab.pull()
    lab.sandbox.vendor.tokens._granted.clear()  # type: ignore[attr-defined] # the sandbox's own class

    if writing:
        assert outcomes(lab, update(0)) == [(Outcome.WRITTEN, None)]
    else:
        lab.pull()

    assert sign_ins(lab) == [200, 200]
    assert [call.status for call in lab.calls].count(401) == 1


def test_a_call_that_is_refused_with_every_token_ends(opened: Open) -> None:
    lab = opened(**APP)
    lab.sandbox.faults.add({"path": "/crm/*", "status": 401, "times": None})

    with pytest.raises(CredentialsError):
        lab.pull()

    assert [call.status for call in lab.calls] == [200, 401, 200, 401]


def test_a_missing_permission_does_not_renew_the_token(opened: Open) -> None:
    lab = opened(**APP)
    lab.sandbox.faults.add({"path": "/crm/*", "status": 403, "times": None})

    with pytest.raises(CredentialsError):
        lab.pull()

    assert sign_ins(lab) == [200]


@pytest.mark.parametrize("name", ["refresh_token", "client_secret", "client_id"])
def test_a_refused_grant_is_asked_for_once_and_never_stormed(opened: Open, name: str) -> None:
    lab = opened(**{**APP, name: "withdrawn"})

    for _ in range(3):
        with pytest.raises(CredentialsError, match="sign-in was refused") as caught:
            lab.pull()
        assert "withdrawn" not in str(caught.value)

    assert sign_ins(lab) == [400]
    assert len(lab.calls) == 1
    (finding,) = lab.connection.check()
    assert not finding.ok


def test_a_sign_in_that_fails_for_a_moment_is_tried_again(opened: Open) -> None:
    lab = opened(**APP)
    lab.sandbox.faults.add({"path": "/oauth/*", "status": 503, "times": 2})

    lab.pull()

    assert sign_ins(lab) == [503, 503, 200]


def test_a_sign_in_that_stays_down_is_transient_and_not_remembered(opened: Open) -> None:
    lab = opened(**APP)
    lab.sandbox.faults.add({"path": "/oauth/*", "status": 503, "times": 5})

    with pytest.raises(TransientError):
        lab.pull()

    assert lab.pull()


def test_secrets_travel_in_bodies_only(opened: Open) -> None:
    lab = opened(**APP)
    lab.pull()

    assert CLIENT_SECRET not in str(lab.calls)
    assert REFRESH_TOKEN not in str(lab.calls)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "client_id, client_secret, refresh_token"),
        ({"client_id": "a", "refresh_token": "b"}, "missing: client_secret"),
        ({"access_token": "t", "client_id": "a", "client_secret": "b", "refresh_token": "c"}, "not both"),
    ],
)
def test_there_is_one_way_to_sign_in(options: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        connector.connect(options, Runtime("portal", lambda: 0, lambda _: None))
