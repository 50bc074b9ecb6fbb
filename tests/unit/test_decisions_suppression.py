"""Why a play is held back, in words for a salesperson."""

from __future__ import annotations

from typing import Any

import pytest

from leadline.core.decisions.suppression import enrolment_held_back, held_back
from leadline.core.scoring.model import Suppress

DAY, NOW = 86_400, 1_700_000_000
OFF = Suppress(
    customer=False,
    competitor=False,
    opted_out=False,
    open_opportunity=False,
    recent_contact_days=None,
    already_enrolled=False,
)


def reason(
    rules: Suppress | None = None,
    *,
    account: dict[str, Any] | None = None,
    deal: dict[str, Any] | None = None,
    touched: tuple[str, int] | None = None,
) -> str | None:
    events = [{"kind": touched[0], "at": touched[1]}] if touched else []
    deals = [{"closed": None, "won": None, **deal}] if deal else []
    return held_back(rules or Suppress(), account=account, opportunities=deals, events=events, now=NOW)


CASES = [
    ({"account": {"lifecycle": "customer"}}, "already a customer"),
    ({"deal": {"closed": True, "won": True}}, "already a customer"),
    ({"account": {"lifecycle": "competitor"}}, "a competitor"),
    ({"deal": {"closed": False}}, "an opportunity is open"),
    ({"touched": ("call", NOW)}, "a colleague was in touch today"),
    ({"touched": ("meeting", NOW - DAY)}, "a colleague was in touch yesterday"),
    ({"touched": ("email_sent", NOW - 14 * DAY + 1)}, "a colleague was in touch 13 days ago"),
]


@pytest.mark.parametrize(("facts", "said"), CASES)
def test_each_reason_holds_back_unless_it_is_switched_off(facts: dict[str, Any], said: str) -> None:
    assert reason(**facts) == said
    assert reason(OFF, **facts) is None


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"account": {"lifecycle": "prospect"}},
        {"account": {"lifecycle": None}},
        {"deal": {"closed": True, "won": False}},
        {"deal": {"closed": None}},
        {"touched": ("call", NOW - 14 * DAY)},
        {"touched": ("call", NOW + 1)},
        {"touched": ("pricing_page_view", NOW)},
        {"touched": ("email_open", NOW)},
    ],
)
def test_the_rest_holds_nothing_back(facts: dict[str, Any]) -> None:
    assert reason(**facts) is None


def test_of_several_reasons_the_weightiest_is_told() -> None:
    assert reason(account={"lifecycle": "customer"}, deal={"closed": False}, touched=("call", NOW)) == (
        "already a customer"
    )


@pytest.mark.parametrize(
    ("person", "enrolled", "said"),
    [
        (None, False, "nobody to write to is known"),
        ({"email": None}, False, "no e-mail address is known"),
        ({"email": "a@b.c", "opted_out": True}, False, "has opted out of e-mail"),
        ({"email": "a@b.c", "opted_out": None}, True, "already in the sequence"),
        ({"email": "a@b.c", "opted_out": False}, False, None),
    ],
)
def test_who_is_not_enrolled(person: dict[str, Any] | None, enrolled: bool, said: str | None) -> None:
    assert enrolment_held_back(Suppress(), person=person, enrolled=enrolled) == said
    if person and person["email"]:
        assert enrolment_held_back(OFF, person=person, enrolled=enrolled) is None
