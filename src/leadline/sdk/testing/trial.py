"""The small world that the suite fills a sandbox with."""

from __future__ import annotations

from leadline.sdk.sandbox.crowd import crowd
from leadline.sdk.sandbox.world import Activity, Contact, Deal, Lead, World

NOW = 1_780_000_000
"""The suite's time, 2026-05-28 20:26:40 UTC."""
_HOUR = 3_600


def trial_world(contacts: int) -> World:
    """So many contacts, a tenth as many accounts, and a few leads, deals and activities of theirs."""
    made = crowd(max(2, contacts // 10), contacts, seed=11, now=NOW)
    people = list(made.contacts)
    first = people[:8]
    return World(
        now=NOW,
        companies=list(made.companies),
        contacts=people,
        leads=[_lead(number, contact) for number, contact in enumerate(first, 1)],
        deals=[_deal(number, contact) for number, contact in enumerate(first, 1)],
        activities=[
            _activity(number, kind, first[number % len(first)])
            for number, kind in enumerate(("call", "email", "meeting", "pricing_page", "webinar", "email") * 2, 1)
        ],
        reps=list(made.reps),
    )


def _lead(number: int, contact: Contact) -> Lead:
    return Lead(
        id=f"lead_{number:06d}", contact_id=contact.id, company_id=contact.company_id, first_name=contact.first_name,
        last_name=contact.last_name, email=contact.email, title=contact.title, company_name="Trial Ltd", website=None,
        industry=None, employees=None, country=contact.country, source=contact.source, status="New", opted_out=False,
        timeline=None, budget=None, urgency=None, owner=contact.owner, created_at=NOW - 30 * _HOUR - number,
    )  # fmt: skip


def _deal(number: int, contact: Contact) -> Deal:
    return Deal(
        id=f"opp_{number:06d}", lead_id=f"lead_{number:06d}", contact_id=contact.id, company_id=contact.company_id,
        name=f"Trial deal {number}", stage="negotiation", amount=1_000 * number, created_at=NOW - 20 * _HOUR - number,
        closed_at=None, owner=contact.owner,
    )  # fmt: skip


def _activity(number: int, kind: str, contact: Contact) -> Activity:
    table = {"meeting": "sales_activities", "pricing_page": "sessions"}.get(kind, "touches")
    return Activity(
        id=f"act_{number:06d}", table=table, kind=kind, lead_id=None, contact_id=contact.id,
        company_id=contact.company_id, at=NOW - 10 * _HOUR - number, direction="inbound", rep=contact.owner,
    )  # fmt: skip
