"""Why a play must be held back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leadline.core.scoring.model import Suppress

DAY = 86_400
_CONTACT_KINDS = frozenset({"call", "call_inbound", "email_sent", "email_reply", "meeting"})
"""What counts as contact by a human; web visits and mass mail do not."""


def held_back(
    rules: Suppress,
    *,
    account: Mapping[str, Any] | None,
    opportunities: Sequence[Mapping[str, Any]],
    events: Iterable[Mapping[str, Any]],
    now: int,
) -> str | None:
    """The first reason, in words for a salesperson, that holds everything about this record back."""
    lifecycle = (account or {}).get("lifecycle")
    won = any(row["won"] for row in opportunities)
    if rules.customer and (lifecycle == "customer" or won):
        return "already a customer"
    if rules.competitor and lifecycle == "competitor":
        return "a competitor"
    if rules.open_opportunity and any(row["closed"] is False for row in opportunities):
        return "an opportunity is open"
    return _recent_contact(rules, events, now)


def _recent_contact(rules: Suppress, events: Iterable[Mapping[str, Any]], now: int) -> str | None:
    if not rules.recent_contact_days:
        return None
    since = now - rules.recent_contact_days * DAY
    latest = max(
        (row["at"] for row in events if row["kind"] in _CONTACT_KINDS and since < row["at"] <= now),
        default=None,
    )
    if latest is None:
        return None
    days = (now - latest) // DAY
    when = {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")
    return f"a colleague was in touch {when}"


def enrolment_held_back(rules: Suppress, *, person: Mapping[str, Any] | None, enrolled: bool) -> str | None:
    """The reason that keeps this person out of a sequence, on top of `held_back`."""
    if person is None:
        return "nobody to write to is known"
    if not person.get("email"):
        return "no e-mail address is known"
    if rules.opted_out and person.get("opted_out"):
        return "has opted out of e-mail"
    if rules.already_enrolled and enrolled:
        return "already in the sequence"
    return None


def listing_held_back(rules: Suppress, *, person: Mapping[str, Any] | None) -> str | None:
    """The reason that keeps this person off a list, on top of `held_back`: lists are what mailings go to."""
    if person is None:
        return "nobody to write to is known"
    if rules.opted_out and person.get("opted_out"):
        return "has opted out of e-mail"
    return None
