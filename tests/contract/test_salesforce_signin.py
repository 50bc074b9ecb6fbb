"""Signing in to a Salesforce org by every grant, its API version, and the quota that is left to others. 3 seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.salesforce_reader import Org, read, rows, serving, small_world

from leadline.sdk.errors import BudgetError, ConfigError, CredentialsError
from leadline.sdk.ports import Runtime
from leadline_salesforce import versions
from leadline_salesforce.budget import PAUSE, Quota


@pytest.fixture
def org() -> Iterator[Org]:
    with serving(small_world(3)) as served:
        yield served


@pytest.mark.parametrize("way", ["jwt", "password", "refresh_token"])
def test_every_grant_signs_in_and_renews_an_ended_session(org: Org, way: str) -> None:
    connection = org.connect(org.vendor.sign_ins(org.sandbox.base_url)[way])
    assert len(rows(read(connection, "Lead"))) == 3
    org.vendor.auth.sessions.expire_all()
    assert len(rows(read(connection, "Lead"))) == 3
    assert org.logins() == 2


def test_a_refresh_token_needs_no_secret_when_the_app_has_none(org: Org) -> None:
    options = org.vendor.refresh_credentials(org.sandbox.base_url)
    del options["consumer_secret"]
    assert len(rows(read(org.connect(options), "Lead"))) == 3


@pytest.mark.parametrize(
    ("way", "wrong"),
    [
        ("password", {"password": "not the password"}),
        ("password", {"security_token": "not the token"}),
        ("refresh_token", {"refresh_token": "revoked by an administrator"}),
    ],
)
def test_a_refused_grant_is_tried_once_and_shows_no_secret(org: Org, way: str, wrong: dict[str, str]) -> None:
    connection = org.connect({**org.vendor.sign_ins(org.sandbox.base_url)[way], **wrong})
    for _ in range(3):
        with pytest.raises(CredentialsError, match="invalid_grant") as caught:
            read(connection, "Lead")
        assert not any(secret in str(caught.value) for secret in wrong.values())
    assert org.logins() == 1


def test_a_renewal_that_is_refused_ends_it(org: Org) -> None:
    """A password that was changed while the worker ran: the user would be locked out by repeated sign-ins."""
    connection = org.connect(org.vendor.refresh_credentials(org.sandbox.base_url))
    read(connection, "Lead")
    org.vendor.auth.refresh_tokens.clear()
    org.vendor.auth.sessions.expire_all()
    for _ in range(3):
        with pytest.raises(CredentialsError):
            read(connection, "Lead")
    assert org.logins() == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"password": "p"}, "a password needs username and consumer_secret"),
        ({"password": "p", "username": "u", "consumer_secret": "s", "refresh_token": "r"}, "give one of"),
        ({"username": "u", "private_key": "k", "refresh_token": "r"}, "give one of"),
        ({"username": "u"}, "give either consumer_secret"),
    ],
)
def test_options_that_name_no_single_way_are_refused(org: Org, more: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        org.connect({"base_url": org.sandbox.base_url, "consumer_key": "k", **more})


def test_a_version_that_lacks_what_is_called_is_refused_with_the_least(org: Org) -> None:
    with pytest.raises(ConfigError, match=r"46\.0 has no Bulk API 2.0 queries; the least is 47\.0") as caught:
        org.connect(api_version="46.0")
    assert caught.value.place == "connections.crm.api_version"
    assert versions.too_old(str(versions.LEAST)) == []
    assert versions.too_old(versions.DEFAULT) == []


def test_check_tells_how_it_signs_in(org: Org) -> None:
    finding = org.connect(org.vendor.password_credentials(org.sandbox.base_url)).check()[0]
    assert finding.ok
    assert "username and password, API version 66.0" in finding.detail


# The daily quota


def test_u10_a_part_of_the_daily_quota_is_left_to_others(org: Org) -> None:
    """Reading stops before the org is out of calls, says for how long, and tries once after that."""
    org.vendor.gate.daily_limit = 10
    connection = org.connect(reserve_percent=40)
    for _ in range(6):
        read(connection, "Lead")
    for _ in range(3):
        with pytest.raises(BudgetError, match=r"used 6 of its 10 .* reserve_percent leaves 40 % of them") as caught:
            read(connection, "Lead")
        assert caught.value.retry_after == PAUSE
    org.now += 600
    with pytest.raises(BudgetError) as later:
        read(connection, "Lead")
    assert later.value.retry_after == PAUSE - 600
    assert org.vendor.gate.used == 6
    org.now += 300
    read(connection, "Lead")  # still over the share, but only a call can tell
    with pytest.raises(BudgetError):
        read(connection, "Lead")
    assert org.vendor.gate.used == 7


def test_u10_a_reply_that_does_not_tell_the_quota_ends_no_pause(org: Org) -> None:
    """Replies to calls of other threads arrive after the one that told; not all of them carry the count."""
    quota = Quota(Runtime(name="crm", now=lambda: org.now, sleep=org.sleep), 10)
    quota.note("api-usage=95/100")
    quota.note("")
    with pytest.raises(BudgetError):
        quota.ask()
    quota.note("api-usage=20/100")
    quota.ask()


def test_u10_calls_go_on_when_the_quota_has_come_back(org: Org) -> None:
    org.vendor.gate.daily_limit = 2
    connection = org.connect(reserve_percent=0)
    read(connection, "Lead")
    read(connection, "Lead")
    with pytest.raises(BudgetError):
        read(connection, "Lead")
    org.vendor.gate.daily_limit = 100
    org.now += int(PAUSE)
    for _ in range(3):
        read(connection, "Lead")


def test_check_counts_the_reserve(org: Org) -> None:
    org.vendor.gate.daily_limit = 1_000
    well = next(f for f in org.connect().check() if f.what == "daily quota")
    assert (well.ok, well.detail) == (True, "999 of 1,000 API calls left today, 100 of them for others")
    tight = next(f for f in org.connect(daily_calls=950).check() if f.what == "daily quota")
    assert not tight.ok
    org.vendor.gate.daily_limit = 20
    spent = next(f for f in org.connect(reserve_percent=90).check() if f.what == "daily quota")
    assert not spent.ok
