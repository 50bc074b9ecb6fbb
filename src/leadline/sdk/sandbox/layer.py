"""Widens a generated world by what the generator does not make; seeded, so equal seeds give equal worlds.

    groups        companies, people and events of the kinds listed in `groups.py`
    duplicates    a company under a second name, a person a second time
    left behind   a third of the added accounts belongs to a rep who has left
    quiet         companies with contacts and nothing else
    assets        names for what base leads downloaded or attended
    spellings     values as people type them, in the whole world
    opt-outs      an unsubscribe event and the flag

Ids of added rows begin with "x_". Base rows keep their ids, times and links.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from leadline.sdk.sandbox import spellings
from leadline.sdk.sandbox.derive import DAY, REP_DOMAIN, technologies
from leadline.sdk.sandbox.groups import DUPLICATES, GENERIC_ASSETS, GROUPS, NAMED_ASSETS, WEBINARS, Event, Group
from leadline.sdk.sandbox.names import FREE_MAIL, Namer, person
from leadline.sdk.sandbox.world import WEB_KINDS, Activity, Company, Contact, Lead, Rep, World

# Share of the leads that come from the generator; the layer adds the others.
BASE_SHARE = 0.6
# Accounts with contacts and no lead, per hundred leads of the layer.
QUIET = 8

_TABLE = (
    dict.fromkeys(("website", "pricing_page", "demo_page", "comparison_page", "careers_page"), "sessions")
    | dict.fromkeys(("content_download", "webinar", "demo_request", "trial_signup", "generic_form"), "touches")
    | dict.fromkeys(("unsubscribe", "email", "linkedin_message"), "touches")
    | dict.fromkeys(("call", "meeting", "demo"), "sales_activities")
)
_UNIVERSITIES = ("state-college.edu", "northern-university.edu", "cityuni.ac.uk", "institute-of-technology.edu")
_NO_COMPANY = ("Self", "Self-employed", "Student", "N/A", "State College")
_SUFFIXES = (" Ltd", ", Inc.", " LLC", " plc", " (UK)", " Group")


def add_layer(world: World, leads: int, *, seed: int, namer: Namer) -> None:
    """Add exactly `leads` leads with their companies, contacts and events, and dirty the values."""
    layer = _Layer(world, seed, namer)
    repeated = leads * DUPLICATES // 1000
    for group, count in zip(GROUPS, allot(leads - repeated, [group.share for group in GROUPS]), strict=True):
        layer.fill(group, count)
    for turn in range(leads * QUIET // 100):
        layer.quiet(turn)
    for turn in range(repeated):
        (layer.repeat_company if turn % 2 else layer.repeat_person)()
    layer.leave_behind()
    layer.name_assets()
    layer.respell()
    layer.opt_out()


def allot(total: int, shares: Sequence[int]) -> list[int]:
    """Split `total` in the proportion of `shares`: the sum is exact, the largest remainders round up."""
    whole = sum(shares)
    counts = [total * share // whole for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda index: (-(total * shares[index] % whole), index))
    for index in by_remainder[: total - sum(counts)]:
        counts[index] += 1
    return counts


class _Layer:
    def __init__(self, world: World, seed: int, namer: Namer) -> None:
        self.world = world
        self.namer = namer
        self.rng = Random(f"leadline layer {seed}")  # noqa: S311 - repeatable by design, nothing secret
        self.base_contacts = list(world.contacts)
        self.base_companies = {company.id: company for company in world.companies}
        self.reps = list(world.reps)
        self._numbers: dict[str, int] = {}

    def _id(self, prefix: str) -> str:
        self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"x_{prefix}_{self._numbers[prefix]:06d}"

    def _ago(self, newest: float, oldest: float) -> int:
        return self.world.now - round(self.rng.uniform(newest, oldest) * DAY)

    def _chance(self, per_cent: int) -> bool:
        return self.rng.randrange(100) < per_cent

    # -- groups -----------------------------------------------------------------------------

    def fill(self, group: Group, leads: int) -> None:
        """Add this many leads of the group, one to three to a company."""
        left = leads
        while left:
            size = min(left, self.rng.choice((1, 1, 2, 3)) if group.account else 1)
            company = self.company(group)
            for turn in range(size):
                self.lead(group, company, company.titles[turn % len(company.titles)])
            left -= size

    def company(self, group: Group) -> _Draft:
        """Draw a company; it is added to the world when the group's companies are in the CRM."""
        rng = self.rng
        record_id = self._id("acct")
        industry, country = rng.choice(group.industries), rng.choice(group.countries)
        name, domain = self.namer.company(record_id, industry, country)
        staff = rng.randint(*group.staff)
        company = Company(
            id=record_id,
            name=name,
            website=f"https://www.{domain}",
            industry=industry,
            employees=str(staff),
            revenue=str(staff * rng.randint(80, 300) * 1_000),
            country=country,
            technologies=technologies(record_id),
            maturity=rng.choice(("low", "medium", "high")),
            lifecycle=group.lifecycle,
            tier=rng.choice(("Tier 1", "Tier 2")) if self._chance(group.tier) else None,
            owner=rng.choice(self.reps).id,
            created_at=self._ago(260, 700),
        )
        if group.unknown:
            company = self._forget(company)
        draft = _Draft(company, domain, tuple(rng.sample(group.titles, k=min(3, len(group.titles)))))
        if group.account:
            self.world.companies.append(company)
            for title in rng.sample(group.also, k=rng.randint(0, 2)) if group.also else ():
                self.contact(group, draft, title)
        return draft

    def _forget(self, company: Company) -> Company:
        """Industry, size or both are empty or hold a placeholder."""
        blank = [None if self._chance(50) else spellings.placeholder(self.rng) for _ in range(3)]
        which = self.rng.randrange(3)
        if which != 1:
            company = replace(company, industry=blank[0])
        if which != 0:
            company = replace(company, employees=blank[1], revenue=blank[2])
        return company

    def contact(self, group: Group, draft: _Draft, title: str) -> Contact:
        """Add a contact at the company."""
        record_id = self._id("cnt")
        first, last = person(record_id)
        company = draft.company
        contact = Contact(
            id=record_id,
            company_id=company.id,
            first_name=first,
            last_name=last,
            email=self._email(group, first, last, draft.domain),
            title=title,
            country=company.country,
            opted_out=False,
            source=self.rng.choice(_SOURCES),
            created_at=self._ago(205, 250),
            owner=company.owner,
        )
        self.world.contacts.append(contact)
        return contact

    def _email(self, group: Group, first: str, last: str, domain: str) -> str:
        if group.mail == "free" or (group.mail == "education" and self._chance(40)):
            domain = self.rng.choice(FREE_MAIL)
        elif group.mail == "education":
            domain = self.rng.choice(_UNIVERSITIES)
        return self.namer.email(first, last, domain)

    def lead(self, group: Group, draft: _Draft, title: str) -> None:
        """Add a lead with its events; with a contact behind it, or of somebody new."""
        rng, company = self.rng, draft.company
        record_id = self._id("lead")
        contact = self.contact(group, draft, title) if group.account and self._chance(group.known) else None
        first, last = (contact.first_name, contact.last_name) if contact else person(record_id)
        planned = [
            (event, self._ago(event.newest, event.oldest)) for event in group.events if self._chance(event.chance)
        ]
        earliest = min((at for _, at in planned), default=self._ago(5, 90))
        told = self._chance(group.forms)
        lead = Lead(
            id=record_id,
            contact_id=contact.id if contact else None,
            company_id=company.id if contact else None,
            first_name=first,
            last_name=last,
            email=contact.email if contact else self._email(group, first, last, draft.domain),
            title=title,
            company_name=company.name if group.account or group.mail == "free" else rng.choice(_NO_COMPANY),
            website=company.website if group.account else None,
            industry=company.industry if group.account else None,
            employees=company.employees if group.account or self._chance(30) else None,
            country=company.country,
            source=contact.source if contact else rng.choice(_SOURCES),
            status="Working" if any(event.outcome for event, _ in planned) else "New",
            opted_out=False,
            timeline=rng.choice(_TIMELINES) if told else None,
            budget=rng.choice(_BUDGETS) if told and self._chance(60) else None,
            urgency=rng.choice(_URGENCIES) if told and self._chance(60) else None,
            owner=company.owner,
            created_at=earliest - rng.randint(60, 2 * DAY),
        )
        self.world.leads.append(lead)
        for event, at in sorted(planned, key=lambda item: item[1]):
            self.activity(lead, event, at)

    def activity(self, lead: Lead, event: Event, at: int) -> None:
        """Add one event of a lead."""
        rng, table = self.rng, _TABLE[event.kind]
        outbound = event.kind not in WEB_KINDS
        self.world.activities.append(
            Activity(
                id=self._id({"touches": "touch", "sessions": "sess", "sales_activities": "act"}[table]),
                table=table,
                kind=event.kind,
                lead_id=lead.id,
                contact_id=lead.contact_id,
                company_id=lead.company_id,
                at=at,
                direction="outbound" if outbound else "inbound",
                asset=event.asset,
                outcome=event.outcome if table == "sales_activities" else None,
                rep=lead.owner if outbound else None,
                page_views=rng.randint(1, 10) if table == "sessions" else None,
                seconds=rng.randint(20, 600) if table == "sessions" else None,
            )
        )

    # -- what is there twice, or silent -----------------------------------------------------

    def quiet(self, turn: int) -> None:
        """Add a company with one to three contacts about whom nothing ever happened."""
        group = GROUPS[turn % 4 * 2]  # fit, once hot, half a fit, small: whatever they are, they are silent
        draft = self.company(replace(group, also=()))
        for title in draft.titles[: self.rng.randint(1, 3)]:
            self.contact(group, draft, title)

    def repeat_company(self) -> None:
        """Add a company of the world once more: another spelling of its name, the same web address."""
        original = self.rng.choice(list(self.base_companies.values()))
        name = original.name + self.rng.choice(_SUFFIXES)
        record_id = self._id("acct")
        twin = replace(
            original,
            id=record_id,
            name=name.upper() if self._chance(20) else name,
            website=None if self._chance(20) else original.website,
            lifecycle="prospect",
            tier=None,
            created_at=self._ago(260, 400),
        )
        self.world.companies.append(twin)
        domain = (original.website or "").removeprefix("https://www.") or self.namer.domain(name)
        self.lead(replace(GROUPS[0], known=100), _Draft(twin, domain, ("Procurement Manager",)), "Procurement Manager")

    def repeat_person(self) -> None:
        """Add a lead that is a known contact under another address, not linked to it."""
        rng = self.rng
        contact = rng.choice(self.base_contacts)
        company = self.base_companies[contact.company_id or ""]
        self.world.leads.append(
            Lead(
                id=self._id("lead"),
                contact_id=None,
                company_id=None,
                first_name=contact.first_name,
                last_name=contact.last_name,
                email=self.namer.email(
                    contact.first_name[:1], contact.last_name, rng.choice((*FREE_MAIL, _bare(company)))
                ),
                title=contact.title,
                company_name=company.name + rng.choice(_SUFFIXES),
                website=company.website,
                industry=company.industry,
                employees=None,
                country=company.country,
                source="list_upload",
                status="New",
                opted_out=False,
                timeline=None,
                budget=None,
                urgency=None,
                owner=rng.choice(self.reps).id,
                created_at=self._ago(5, 90),
            )
        )

    # -- the whole world --------------------------------------------------------------------

    def leave_behind(self) -> None:
        """A rep who has left still owns a third of the added accounts, their contacts and leads."""
        first, last = person("x_rep_000001")
        gone = Rep("x_rep_000001", first, last, f"{first}.{last}.xrep000001@{REP_DOMAIN}".lower(), active=False)
        self.world.reps.append(gone)
        orphans = {one.id for one in self.world.companies if one.id.startswith("x_") and self._chance(33)}
        self.world.companies = [
            replace(one, owner=gone.id) if one.id in orphans else one for one in self.world.companies
        ]
        self.world.contacts = [
            replace(one, owner=gone.id) if one.company_id in orphans else one for one in self.world.contacts
        ]
        self.world.leads = [
            replace(one, owner=gone.id) if one.company_id in orphans else one for one in self.world.leads
        ]

    def name_assets(self) -> None:
        """Say what base leads downloaded or attended: two of three downloads are named assets."""
        named = {"content_download": (*NAMED_ASSETS, *NAMED_ASSETS, *GENERIC_ASSETS), "webinar": WEBINARS}
        self.world.activities = [
            replace(one, asset=self.rng.choice(named[one.kind])) if one.kind in named and one.asset is None else one
            for one in self.world.activities
        ]

    def respell(self) -> None:
        """Write values as people do: a share of every attribute, of base rows and added ones."""
        self.world.companies = [self._dirty_company(company) for company in self.world.companies]
        companies = {company.id: company for company in self.world.companies}
        self.world.contacts = [
            replace(one, title=self._dirty_title(one.title), country=self._dirty_country(one.country))
            for one in self.world.contacts
        ]
        self.world.leads = [self._dirty_lead(lead, companies) for lead in self.world.leads]

    def _dirty_company(self, company: Company) -> Company:
        rng = self.rng
        industry = company.industry
        if industry in spellings.INDUSTRIES and (company.id.startswith("x_") or self._chance(40)):
            industry = spellings.industry(industry, rng)
        elif industry and self._chance(2):
            industry = spellings.placeholder(rng)
        employees = company.employees
        if employees and employees.isdigit() and self._chance(20):
            employees = spellings.employees(int(employees), rng)
        revenue = company.revenue
        if revenue and revenue.isdigit() and self._chance(25):
            revenue = spellings.revenue(int(revenue), rng)
        website = company.website
        if website and self._chance(25):
            website = spellings.website(website, rng)
        return replace(
            company,
            industry=industry,
            employees=employees,
            revenue=revenue,
            website=website,
            country=self._dirty_country(company.country),
        )

    def _dirty_lead(self, lead: Lead, companies: dict[str, Company]) -> Lead:
        company = companies.get(lead.company_id or "")
        known = company and self._chance(70)
        return replace(
            lead,
            title=self._dirty_title(lead.title),
            industry=company.industry
            if company and known
            else lead.industry and spellings.industry(lead.industry, self.rng),
            employees=company.employees if company and known else lead.employees,
            website=company.website if company and known else lead.website,
            country=self._dirty_country(lead.country),
        )

    def _dirty_title(self, title: str | None) -> str | None:
        if title and self._chance(1):
            return spellings.placeholder(self.rng)
        return spellings.title(title, self.rng) if title and self._chance(25) else title

    def _dirty_country(self, country: str | None) -> str | None:
        if country and self._chance(1):
            return spellings.placeholder(self.rng)
        return spellings.country(country, self.rng) if country and self._chance(35) else country

    def opt_out(self) -> None:
        """One in fifty leads of the layer has unsubscribed; so has the contact behind it."""
        gone: set[str | None] = set()
        for index, lead in enumerate(self.world.leads):
            if lead.id.startswith("x_") and self._chance(2):
                self.world.leads[index] = replace(lead, opted_out=True)
                gone.add(lead.contact_id)
                self.activity(lead, Event("unsubscribe", 0, 0), self.rng.randint(lead.created_at, self.world.now))
        self.world.contacts = [replace(one, opted_out=True) if one.id in gone else one for one in self.world.contacts]


class _Draft:
    """A company being filled: the record, its domain, and the titles of the people met there."""

    def __init__(self, company: Company, domain: str, titles: tuple[str, ...]) -> None:
        self.company = company
        self.domain = domain
        self.titles = titles


def _bare(company: Company) -> str:
    return (company.website or "nowhere.example").removeprefix("https://www.")


_SOURCES = ("inbound_marketing", "sdr_outbound", "partner_referral", "list_upload", "web_form", "trade_show")
_TIMELINES = ("Within 3 months", "3-6 months", "6+ months", "This quarter", "Just researching")
_BUDGETS = ("Under $10k", "$10k-$50k", "$50k+", "Not yet approved", "Approved")
_URGENCIES = ("High", "Medium", "Low")
