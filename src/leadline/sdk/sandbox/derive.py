"""Turns the tables of a bundle into a `World`: moves times, derives what the bundle does not say.

Pure: lists in, records out, no file and no clock. Every derived fact depends on ids alone, so the
same row becomes the same record in whatever world it appears.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from leadline.sdk.sandbox.names import FREE_MAIL, TECHNOLOGIES, Namer, number, person, pick
from leadline.sdk.sandbox.world import CLOSED_STAGES, DEAL_STAGES, Activity, Company, Contact, Deal, Lead, Rep, World

# Table name -> column name -> values; dates as days since 1970.
Tables: TypeAlias = Mapping[str, Mapping[str, list[Any]]]

DAY = 86_400
_HOUR = 3_600
# Which part of its day a row falls into, in seconds from the day's start: a company is there before
# its contacts, they before their leads, and all before what happens with them, even on one day.
_PARTS = {
    "accounts": (0, _HOUR),
    "contacts": (_HOUR, 3 * _HOUR),
    "leads": (3 * _HOUR, 6 * _HOUR),
    "events": (6 * _HOUR, DAY),
}
_COUNTRIES = {"US": "United States", "UK": "United Kingdom"}
_BAND = re.compile(r"^(\d+)-(\d+)$|^(\d+)\+$")
_MONEY = re.compile(r"^\$(\d+)M-\$(\d+)M$|^\$(\d+)M\+$")
REP_DOMAIN = "sales.example"


class _Days:
    """Moves days of the bundle to times before `now`.

    The bundle's last day becomes the 24 hours that end at `now`, the day before it the 24 hours
    before those, and so on; within its day a row's place comes from its id. A last small shift
    puts the very latest row at `now` itself.
    """

    def __init__(self, tables: Tables, now: int) -> None:
        dated = (
            ("accounts", "account_id", "created_at", "accounts"),
            ("contacts", "contact_id", "created_at", "contacts"),
            ("leads", "lead_id", "lead_created_at", "leads"),
            ("touches", "touch_id", "touch_timestamp", "events"),
            ("sessions", "session_id", "session_timestamp", "events"),
            ("sales_activities", "activity_id", "activity_timestamp", "events"),
            ("opportunities", "opportunity_id", "created_at", "events"),
            ("opportunities", "opportunity_id", "closed_at", "events"),
        )
        present = [row for row in dated if row[2] in tables[row[0]]]
        last = max(
            (day for table, _, column, _ in present for day in tables[table][column] if day is not None), default=0
        )
        self._zero = now - (last + 1) * DAY
        # For a row without a date: a year before now.
        self.start = now - 365 * DAY
        self.columns: dict[tuple[str, str], list[int | None]] = {
            (table, column): [
                None if day is None else self._zero + day * DAY + self._second(part, row_id, column)
                for row_id, day in zip(tables[table][key], tables[table][column], strict=True)
            ]
            for table, key, column, part in present
        }
        latest = max((at for column in self.columns.values() for at in column if at is not None), default=now)
        if latest != now:
            self.columns = {
                name: [None if at is None else at + now - latest for at in column]
                for name, column in self.columns.items()
            }

    @staticmethod
    def _second(part: str, row_id: str, column: str) -> int:
        low, high = _PARTS[part]
        return low + number(column, row_id) % (high - low)


def build(tables: Tables, *, now: int, namer: Namer) -> World:
    """The world that these tables describe, with its latest event at `now`."""
    days = _Days(tables, now)
    reps = _reps(tables)
    world = World(now=now, reps=reps)
    world.companies = _companies(tables, days, reps, namer)
    companies = {company.id: company for company in world.companies}
    world.contacts = _contacts(tables, days, companies, namer)
    contacts = {contact.id: contact for contact in world.contacts}
    world.leads = _leads(tables, days, companies, contacts, reps)
    leads = {lead.id: lead for lead in world.leads}
    world.deals = _deals(tables, days, leads, now)
    world.activities = _activities(tables, days, leads)
    return world


def _rows(table: Mapping[str, list[Any]], *names: str) -> Any:
    return zip(*(table[name] for name in names), strict=True)


def _at(column: Sequence[int | None], index: int, otherwise: int) -> int:
    at = column[index]
    return otherwise if at is None else at


def _reps(tables: Tables) -> list[Rep]:
    ids = {*tables["leads"]["owner_rep_id"], *tables["sales_activities"]["rep_id"]} - {None}
    reps = []
    for rep_id in sorted(ids) or ["rep_000001"]:
        first, last = person(rep_id)
        reps.append(Rep(rep_id, first, last, f"{first}.{last}.{rep_id}@{REP_DOMAIN}".lower().replace("_", "")))
    return reps


def _companies(tables: Tables, days: _Days, reps: Sequence[Rep], namer: Namer) -> list[Company]:
    owners: dict[str, str] = {}
    for account_id, rep_id in _rows(tables["leads"], "account_id", "owner_rep_id"):
        if rep_id is not None:
            owners.setdefault(account_id, rep_id)
    won = {lead_id for lead_id, stage in _rows(tables["opportunities"], "lead_id", "stage") if stage == "closed_won"}
    customers = {account for lead, account in _rows(tables["leads"], "lead_id", "account_id") if lead in won}
    created = days.columns["accounts", "created_at"]
    companies = []
    rows = _rows(
        tables["accounts"], "account_id", "company_name", "industry", "region", "employee_band",
        "estimated_revenue_band", "process_maturity_band",
    )  # fmt: skip
    for index, (account_id, given, industry, region, employees, revenue, maturity) in enumerate(rows):
        country = _COUNTRIES.get(region, region)
        if given and account_id not in given:
            name, domain = given, namer.domain(given, country or "")
        else:  # the generator writes "Company acct_000001"
            name, domain = namer.company(account_id, industry or "", country or "")
        companies.append(
            Company(
                id=account_id,
                name=name,
                website=f"https://www.{domain}",
                industry=industry,
                employees=_within(employees, account_id),
                revenue=_money_within(revenue, account_id),
                country=country,
                technologies=technologies(account_id),
                maturity=maturity,
                lifecycle="customer" if account_id in customers else "prospect",
                tier=pick(("Tier 1", "Tier 2", "Tier 2", None, None, None, None, None, None, None), "tier", account_id),
                owner=owners.get(account_id) or pick(reps, "owner", account_id).id,
                created_at=_at(created, index, days.start),
            )
        )
    return companies


def technologies(record_id: str) -> tuple[str, ...]:
    """The tools that a company has in use: none to four, in alphabetical order."""
    count = number("technologies", record_id) % 5
    return tuple(sorted({pick(TECHNOLOGIES, "technology", str(turn), record_id) for turn in range(count)}))


def _within(band: str | None, record_id: str) -> str | None:
    """Three of four companies have a plain number inside their band, the others the band as text."""
    match = _BAND.match(band) if band else None
    if not match or number("keeps band", record_id) % 4 == 0:
        return band
    low = int(match[1] or match[3])
    high = int(match[2]) if match[2] else low * 5
    return str(low + number("employees", record_id) % (high - low + 1))


def _money_within(band: str | None, record_id: str) -> str | None:
    match = _MONEY.match(band) if band else None
    if not match or number("keeps revenue band", record_id) % 3 == 0:
        return band
    low = int(match[1] or match[3]) * 10
    high = int(match[2]) * 10 if match[2] else low * 5
    return str((low + number("revenue", record_id) % (high - low)) * 100_000)


def _contacts(tables: Tables, days: _Days, companies: Mapping[str, Company], namer: Namer) -> list[Contact]:
    sources = dict(reversed(list(_rows(tables["leads"], "contact_id", "lead_source"))))  # the first lead's
    created = days.columns["contacts", "created_at"]
    contacts = []
    rows = _rows(tables["contacts"], "contact_id", "account_id", "job_title", "email_domain_type")
    for index, (contact_id, account_id, title, domain_type) in enumerate(rows):
        first, last = person(contact_id)
        company = companies.get(account_id)
        contacts.append(
            Contact(
                id=contact_id,
                company_id=account_id,
                first_name=first,
                last_name=last,
                email=_email(contact_id, (first, last), domain_type, company, namer),
                title=title,
                country=company.country if company else None,
                opted_out=number("opted out", contact_id) % 50 == 0,
                source=sources.get(contact_id),
                created_at=_at(created, index, days.start),
                owner=company.owner if company else "",
            )
        )
    return contacts


def _email(
    contact_id: str, name: tuple[str, str], domain_type: str | None, company: Company | None, namer: Namer
) -> str | None:
    if domain_type == "corporate" and company and company.website:
        return namer.email(*name, company.website.removeprefix("https://www."))
    if domain_type == "personal":
        return namer.email(*name, pick(FREE_MAIL, "free mail", contact_id))
    return None


def _leads(
    tables: Tables,
    days: _Days,
    companies: Mapping[str, Company],
    contacts: Mapping[str, Contact],
    reps: Sequence[Rep],
) -> list[Lead]:
    qualified = set(tables["opportunities"]["lead_id"])
    worked = set(tables["sales_activities"]["lead_id"])
    created = days.columns["leads", "lead_created_at"]
    leads = []
    rows = _rows(tables["leads"], "lead_id", "contact_id", "account_id", "lead_source", "owner_rep_id")
    for index, (lead_id, contact_id, account_id, source, owner) in enumerate(rows):
        contact, company = contacts.get(contact_id), companies.get(account_id)
        first, last = (contact.first_name, contact.last_name) if contact else person(lead_id)
        leads.append(
            Lead(
                id=lead_id,
                contact_id=contact_id,
                company_id=account_id,
                first_name=first,
                last_name=last,
                email=contact.email if contact else None,
                title=contact.title if contact else None,
                company_name=company.name if company else "Unknown",
                website=company.website if company else None,
                industry=company.industry if company else None,
                employees=company.employees if company else None,
                country=company.country if company else None,
                source=source,
                status="Qualified" if lead_id in qualified else "Working" if lead_id in worked else "New",
                opted_out=contact.opted_out if contact else False,
                timeline=None,
                budget=None,
                urgency=None,
                owner=owner or pick(reps, "owner", lead_id).id,
                created_at=_at(created, index, days.start),
            )
        )
    return leads


def _deals(tables: Tables, days: _Days, leads: Mapping[str, Lead], now: int) -> list[Deal]:
    table = tables["opportunities"]
    created = days.columns["opportunities", "created_at"]
    closed = days.columns.get(("opportunities", "closed_at"))
    deals = []
    for index, (deal_id, lead_id, stage, amount) in enumerate(
        _rows(table, "opportunity_id", "lead_id", "stage", "estimated_acv")
    ):
        lead = leads.get(lead_id)
        opened = _at(created, index, days.start)
        closed_at = None
        if stage in CLOSED_STAGES:
            guess = min(now, opened + (5 + number("cycle", deal_id) % 25) * DAY)
            closed_at = max(opened, _at(closed, index, guess)) if closed else guess
        deals.append(
            Deal(
                id=deal_id,
                lead_id=lead_id,
                contact_id=lead.contact_id if lead else None,
                company_id=lead.company_id if lead else None,
                name=f"{lead.company_name if lead else 'Unknown'} {deal_id.removeprefix('opp_').lstrip('0')}",
                stage=stage if stage in DEAL_STAGES else DEAL_STAGES[0],  # "sql": opened, nothing arranged yet
                amount=int(amount or 0),
                created_at=opened,
                closed_at=closed_at,
                owner=lead.owner if lead else "",
            )
        )
    return deals


def _activities(tables: Tables, days: _Days, leads: Mapping[str, Lead]) -> list[Activity]:
    return [*_touches(tables, days, leads), *_sessions(tables, days, leads), *_sales_activities(tables, days, leads)]


def _touches(tables: Tables, days: _Days, leads: Mapping[str, Lead]) -> Iterator[Activity]:
    rows = _rows(tables["touches"], "touch_id", "lead_id", "touch_type", "touch_direction")
    for at, (row_id, lead_id, kind, direction) in zip(days.columns["touches", "touch_timestamp"], rows, strict=True):
        contact_id, company_id, owner = _behind(leads, lead_id)
        yield Activity(
            id=row_id,
            table="touches",
            kind=kind,
            lead_id=lead_id,
            contact_id=contact_id,
            company_id=company_id,
            at=days.start if at is None else at,
            direction=direction,
            rep=owner if direction == "outbound" else None,
        )


def _sessions(tables: Tables, days: _Days, leads: Mapping[str, Lead]) -> Iterator[Activity]:
    rows = _rows(tables["sessions"], "session_id", "lead_id", "session_type", "page_views", "session_duration_seconds")
    for at, (row_id, lead_id, kind, pages, seconds) in zip(
        days.columns["sessions", "session_timestamp"], rows, strict=True
    ):
        contact_id, company_id, _ = _behind(leads, lead_id)
        yield Activity(
            id=row_id,
            table="sessions",
            kind=kind,
            lead_id=lead_id,
            contact_id=contact_id,
            company_id=company_id,
            at=days.start if at is None else at,
            direction="inbound",
            page_views=pages,
            seconds=seconds,
        )


def _sales_activities(tables: Tables, days: _Days, leads: Mapping[str, Lead]) -> Iterator[Activity]:
    rows = _rows(tables["sales_activities"], "activity_id", "lead_id", "activity_type", "activity_outcome", "rep_id")
    for at, (row_id, lead_id, kind, outcome, rep) in zip(
        days.columns["sales_activities", "activity_timestamp"], rows, strict=True
    ):
        contact_id, company_id, _ = _behind(leads, lead_id)
        yield Activity(
            id=row_id,
            table="sales_activities",
            kind=kind,
            lead_id=lead_id,
            contact_id=contact_id,
            company_id=company_id,
            at=days.start if at is None else at,
            direction="outbound",
            outcome=outcome,
            rep=rep,
        )


def _behind(leads: Mapping[str, Lead], lead_id: str | None) -> tuple[str | None, str | None, str | None]:
    """Contact, company and owner of a lead."""
    lead = leads.get(lead_id) if lead_id else None
    return (lead.contact_id, lead.company_id, lead.owner) if lead else (None, None, None)
