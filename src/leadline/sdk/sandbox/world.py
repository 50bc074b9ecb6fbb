"""The neutral CRM world that every sandbox serves: what exists, in no vendor's words.

Times are whole epoch seconds UTC. Attributes are *raw text as somebody typed it into a CRM* or
None: employees may be "340" or "51-200" or "1k+", a country "US" or "U.S.A." or "Select". Each
vendor's sandbox decides which of its fields takes which spelling. `id` is the id of the row in the
bundle that the record came from; rows of the added layer have ids beginning with "x_".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class Rep:
    """Somebody who owns records."""

    id: str
    first_name: str
    last_name: str
    email: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Company:
    """`lifecycle` is prospect, customer, partner or competitor; `owner` a Rep's id."""

    id: str
    name: str
    website: str | None
    industry: str | None
    employees: str | None
    revenue: str | None
    country: str | None
    technologies: tuple[str, ...]
    maturity: str | None
    lifecycle: str
    tier: str | None
    owner: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Contact:
    """A person known to the CRM, mostly at a company."""

    id: str
    company_id: str | None
    first_name: str
    last_name: str
    email: str | None
    title: str | None
    country: str | None
    opted_out: bool
    source: str | None
    created_at: int
    owner: str


@dataclass(frozen=True, slots=True)
class Lead:
    """An inquiry. `contact_id` and `company_id` are None for somebody whom the CRM had not met.

    `status` is New, Working, Nurturing or Qualified. `timeline`, `budget` and `urgency` are answers
    of a form.
    """

    id: str
    contact_id: str | None
    company_id: str | None
    first_name: str
    last_name: str
    email: str | None
    title: str | None
    company_name: str
    website: str | None
    industry: str | None
    employees: str | None
    country: str | None
    source: str | None
    status: str
    opted_out: bool
    timeline: str | None
    budget: str | None
    urgency: str | None
    owner: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Deal:
    """An opportunity. `stage` is demo_scheduled, demo_completed, proposal_sent, negotiation,
    closed_won or closed_lost; `amount` whole dollars a year; `closed_at` None while open."""

    id: str
    lead_id: str | None
    contact_id: str | None
    company_id: str | None
    name: str
    stage: str
    amount: int
    created_at: int
    closed_at: int | None
    owner: str

    @property
    def closed(self) -> bool:
        """Whether it was won or lost."""
        return self.stage in CLOSED_STAGES


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that happened with a lead. `table` is the bundle's table: touches, sessions or
    sales_activities; `kind` the word there (`ACTIVITY_KINDS`); `direction` inbound or outbound."""

    id: str
    table: str
    kind: str
    lead_id: str | None
    contact_id: str | None
    company_id: str | None
    at: int
    direction: str
    asset: str | None = None
    outcome: str | None = None
    rep: str | None = None
    page_views: int | None = None
    seconds: int | None = None


# Kinds by what they become in a CRM. Those of the layer only: demo_request, comparison_page,
# careers_page, trial_signup, generic_form, unsubscribe.
CONVERSATION_KINDS = frozenset({"call", "email", "linkedin_message"})
MEETING_KINDS = frozenset({"meeting", "demo"})
WEB_KINDS = frozenset(
    {
        "website", "pricing_page", "demo_page", "content_download", "webinar", "demo_request", "comparison_page",
        "careers_page", "trial_signup", "generic_form", "unsubscribe",
    }
)  # fmt: skip
ACTIVITY_KINDS = CONVERSATION_KINDS | MEETING_KINDS | WEB_KINDS
DEAL_STAGES = (
    "demo_scheduled", "demo_completed", "proposal_sent", "negotiation", "closed_won", "closed_lost",
)  # fmt: skip


CLOSED_STAGES = DEAL_STAGES[-2:]


@dataclass(slots=True)
class World:
    """Everything that a sandbox starts with. `now` is the time at which the world was taken."""

    now: int
    companies: list[Company] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    leads: list[Lead] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    reps: list[Rep] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Number of records by kind."""
        return {name: len(getattr(self, name)) for name in _TABLES}

    def digest(self) -> str:
        """SHA-256 over every value in order: equal digests, equal worlds, on any machine."""
        sha = hashlib.sha256(str(self.now).encode())
        for name in _TABLES:
            for record in getattr(self, name):
                sha.update(repr(tuple(getattr(record, f.name) for f in fields(record))).encode())
        return sha.hexdigest()


_TABLES = ("companies", "contacts", "leads", "deals", "activities", "reps")
