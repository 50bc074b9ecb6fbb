"""Fills a portal from a neutral world. `docs/sandbox.md` has the table of what becomes what.

Ids are numbers in the world's order, so that the same world gives the same ids. The bundle's own id
is kept on every record as `source_id`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from leadline_hubspot.sandbox.lists import DYNAMIC, MANUAL
from leadline_hubspot.sandbox.objects import LEAD_STAGES
from leadline_hubspot.sandbox.populate_signals import SignalFiller, add_forms
from leadline_hubspot.sandbox.portal import Owner, Portal
from leadline_hubspot.sandbox.records import Record, make
from leadline_hubspot.sandbox.sequences import SalesSequence
from leadline_hubspot.sandbox.values import host_of, iso

if TYPE_CHECKING:
    from leadline.sdk.sandbox.world import Activity, Company, Contact, Deal, Lead, World

SEQUENCES = ("Fast track", "Nurture: introduction", "Nurture: case study")
_DEAL_STAGE = {
    "demo_scheduled": "appointmentscheduled", "demo_completed": "presentationscheduled",
    "proposal_sent": "contractsent", "negotiation": "decisionmakerboughtin", "closed_won": "closedwon",
    "closed_lost": "closedlost",
}  # fmt: skip
_LEAD_STAGE = dict(zip(("New", "Working", "Nurturing", "Qualified"), LEAD_STAGES, strict=False))
_OBJECT_OF = {
    "call": "calls", "email": "emails", "linkedin_message": "communications", "meeting": "meetings", "demo": "meetings",
}  # fmt: skip
_MEETING_OUTCOME = {"no_show": "NO_SHOW", "rescheduled": "RESCHEDULED", "canceled": "CANCELED"}
_MANY = 200_000  # records
Values = dict[str, str | None]


class _Filler:
    """One filling. Keeps which record of the portal each record of the world became."""

    def __init__(self, portal: Portal, world: World) -> None:
        self._portal = portal
        self._world = world
        self._owner_of: dict[str, str] = {}
        self._company: dict[str, int] = {}
        self._contact: dict[str, int] = {}
        self._lead: dict[str, Lead] = {lead.id: lead for lead in world.leads}
        self._emails: set[str] = set()
        self._customers: list[int] = []

    def fill(self) -> None:
        self._people_who_own()
        self._portal.set_options("companies", "technologies", self._technologies())
        self._companies()
        self._contacts()
        self._leads()
        self._deals()
        self._activities()
        self._lists()

    def _people_who_own(self) -> None:
        for number, rep in enumerate(self._world.reps):
            owner = Owner(
                500_001 + number, 900_001 + number, rep.email, rep.first_name, rep.last_name, rep.active, rep.id
            )
            self._portal.owners[owner.id] = owner
            self._owner_of[rep.id] = str(owner.id)
        for number, name in enumerate(SEQUENCES):
            self._portal.sequences.all[300_001 + number] = SalesSequence(300_001 + number, name)

    def _lists(self) -> None:
        """A static list to put contacts on, and a dynamic one that nobody can."""
        at = self._world.now * 1000
        self._portal.lists.create("Leadline", "0-1", MANUAL, at)
        dynamic = self._portal.lists.create("Customers", "0-2", DYNAMIC, at)
        self._portal.lists.fill(str(dynamic.id), self._customers, at)

    def _technologies(self) -> list[str]:
        return sorted({name for company in self._world.companies for name in company.technologies})

    def _owner(self, rep: str | None) -> str | None:
        return self._owner_of.get(rep) if rep else None

    def _record(self, object_type: str, values: Values, created: int) -> Record:
        table = self._portal.tables[object_type]
        ms = created * 1000
        return make(table.kind, table.store.take_id(), values, created=ms, modified=ms)

    def _load(self, object_type: str, records: Iterable[Record]) -> None:
        self._portal.load(self._portal.tables[object_type], list(records))

    def _link(self, object_type: str, record_id: int, contact: int | None, company: int | None) -> None:
        if contact is not None:
            self._portal.links.add(object_type, record_id, "contacts", contact)
        if company is not None:
            self._portal.links.add(object_type, record_id, "companies", company)

    # --- companies and people

    def _companies(self) -> None:
        records = []
        for company in self._world.companies:
            record = self._record("companies", self._company_values(company), company.created_at)
            self._company[company.id] = record.id
            if company.lifecycle == "customer":
                self._customers.append(record.id)
            records.append(record)
        self._load("companies", records)

    def _company_values(self, company: Company) -> Values:
        employees, revenue = company.employees, company.revenue
        return {
            "name": company.name,
            "website": company.website,
            "domain": host_of(company.website),
            "industry": company.industry,
            "numberofemployees": employees if _is_number(employees) else None,
            "employee_range": None if _is_number(employees) else employees,
            "annualrevenue": revenue if _is_number(revenue) else None,
            "revenue_range": None if _is_number(revenue) else revenue,
            "country": company.country,
            "type": company.lifecycle.upper(),
            "technologies": ";".join(company.technologies) or None,
            "process_maturity": company.maturity,
            "target_tier": company.tier,
            "lifecyclestage": "customer" if company.lifecycle == "customer" else "lead",
            "hubspot_owner_id": self._owner(company.owner),
            "source_id": company.id,
        }

    def _contacts(self) -> None:
        people = [self._known_person(contact) for contact in self._world.contacts]
        people += [self._new_person(lead) for lead in self._world.leads if lead.contact_id is None]
        records = []
        for source_id, values, company_id, created in people:
            company = self._company.get(company_id or "")
            values["associatedcompanyid"] = None if company is None else str(company)
            record = self._record("contacts", values, created)
            self._contact[source_id] = record.id
            self._link("contacts", record.id, None, company)
            records.append(record)
        self._load("contacts", records)

    def _known_person(self, contact: Contact) -> tuple[str, Values, str | None, int]:
        values: Values = {
            "firstname": contact.first_name,
            "lastname": contact.last_name,
            "email": self._unique_email(contact.email, contact.id),
            "jobtitle": contact.title,
            "country": contact.country,
            "hs_email_optout": _flag(contact.opted_out),
            "lead_source": contact.source,
            "lifecyclestage": "lead",
            "hubspot_owner_id": self._owner(contact.owner),
            "source_id": contact.id,
        }
        return contact.id, values, contact.company_id, contact.created_at

    def _new_person(self, lead: Lead) -> tuple[str, Values, str | None, int]:
        source_id = f"c_{lead.id}"
        values: Values = {
            "firstname": lead.first_name,
            "lastname": lead.last_name,
            "email": self._unique_email(lead.email, source_id),
            "jobtitle": lead.title,
            "country": lead.country,
            "company": lead.company_name,
            "website": lead.website,
            "industry": lead.industry,
            "employee_range": lead.employees,
            "hs_email_optout": _flag(lead.opted_out),
            "lead_source": lead.source,
            "lifecyclestage": "lead",
            "hs_lead_status": "NEW",
            "project_timeline": lead.timeline,
            "budget": lead.budget,
            "urgency": lead.urgency,
            "hubspot_owner_id": self._owner(lead.owner),
            "source_id": source_id,
        }
        return source_id, values, lead.company_id, lead.created_at

    def _unique_email(self, email: str | None, source_id: str) -> str | None:
        """The address, or one of its own for somebody whose address is taken: a portal has it once."""
        if not email:
            return None
        email = email.lower()
        if email in self._emails:
            local, _, domain = email.rpartition("@")
            email = f"{local}+{source_id.lower()}@{domain}"
        self._emails.add(email)
        return email

    def _person_behind(self, lead_id: str | None, contact_id: str | None) -> int | None:
        """The contact that an activity or deal belongs to: its own, else the one behind its lead."""
        if contact_id in self._contact:
            return self._contact[contact_id]
        lead = self._lead.get(lead_id or "")
        if lead is None:
            return None
        return self._contact.get(lead.contact_id or f"c_{lead.id}")

    def _company_behind(self, lead_id: str | None, company_id: str | None) -> int | None:
        lead = self._lead.get(lead_id or "")
        return self._company.get(company_id or (lead.company_id if lead else None) or "")

    def _leads(self) -> None:
        records = []
        for lead in self._world.leads:
            values: Values = {
                "hs_lead_name": f"{lead.first_name} {lead.last_name} - {lead.company_name}",
                "hs_lead_type": "NEW_BUSINESS",
                "hs_pipeline": "lead-pipeline-id",
                "hs_pipeline_stage": _LEAD_STAGE.get(lead.status, LEAD_STAGES[0]),
                "lead_source": lead.source,
                "project_timeline": lead.timeline,
                "budget": lead.budget,
                "urgency": lead.urgency,
                "hubspot_owner_id": self._owner(lead.owner),
                "source_id": lead.id,
            }
            record = self._record("leads", values, lead.created_at)
            person = self._person_behind(lead.id, lead.contact_id)
            self._link("leads", record.id, person, self._company_behind(lead.id, lead.company_id))
            records.append(record)
        self._load("leads", records)

    # --- what happened

    def _deals(self) -> None:
        records = []
        for deal in self._world.deals:
            record = self._record("deals", self._deal_values(deal), deal.created_at)
            person = self._person_behind(deal.lead_id, deal.contact_id)
            self._link("deals", record.id, person, self._company_behind(deal.lead_id, deal.company_id))
            records.append(record)
        self._load("deals", records)

    def _deal_values(self, deal: Deal) -> Values:
        stage = _DEAL_STAGE[deal.stage]
        return {
            "dealname": deal.name,
            "dealstage": stage,
            "pipeline": "default",
            "amount": str(deal.amount),
            "closedate": None if deal.closed_at is None else iso(deal.closed_at * 1000),
            "hs_is_closed": _flag(stage in {"closedwon", "closedlost"}),
            "hs_is_closed_won": _flag(stage == "closedwon"),
            "hubspot_owner_id": self._owner(deal.owner),
            "source_id": deal.id,
        }

    def _activities(self) -> None:
        records: dict[str, list[Record]] = {}
        add_forms(self._portal.signals)
        signals = SignalFiller(self._portal, lambda each: self._person_behind(each.lead_id, each.contact_id))
        for activity in self._world.activities:
            signals.add(activity)
            object_type = _OBJECT_OF.get(activity.kind, "web_events")
            values = _activity_values(activity)
            values["source_id"] = activity.id
            if object_type != "web_events":
                values["hubspot_owner_id"] = self._owner(activity.rep)
            record = self._record(object_type, values, activity.at)
            person = self._person_behind(activity.lead_id, activity.contact_id)
            company = self._company_behind(activity.lead_id, activity.company_id)
            if object_type == "web_events" and person is not None:
                company = None  # a visit is a person's; the company shows it through the person
            self._link(object_type, record.id, person, company)
            records.setdefault(object_type, []).append(record)
        for object_type, loaded in records.items():
            self._load(object_type, loaded)


def _activity_values(activity: Activity) -> Values:
    at = iso(activity.at * 1000)
    inbound = activity.direction == "inbound"
    match activity.kind:
        case "call":
            return {
                "hs_timestamp": at,
                "hs_call_title": "Inbound call" if inbound else "Outbound call",
                "hs_call_direction": "INBOUND" if inbound else "OUTBOUND",
                "hs_call_disposition": activity.outcome,
                "hs_call_status": "COMPLETED",
            }
        case "email":
            return {
                "hs_timestamp": at,
                "hs_email_subject": "Re: your question" if inbound else "Following up",
                "hs_email_direction": "INCOMING_EMAIL" if inbound else "EMAIL",
                "hs_email_status": "SENT",
            }
        case "linkedin_message":
            return {
                "hs_timestamp": at,
                "hs_communication_channel_type": "LINKEDIN_MESSAGE",
                "hs_communication_logged_from": "CRM",
                "direction": "INBOUND" if inbound else "OUTBOUND",
            }
        case "meeting" | "demo":
            title = activity.kind.capitalize()
            return {
                "hs_timestamp": at,
                "hs_meeting_title": title,
                "hs_activity_type": title,
                "hs_meeting_outcome": _MEETING_OUTCOME.get(activity.outcome or "", "COMPLETED"),
            }
        case _:
            return _web_values(activity, at)


def _web_values(activity: Activity, at: str) -> Values:
    return {
        "event_type": activity.kind,
        "asset": activity.asset,
        "occurred_at": at,
        "page_views": _count(activity.page_views),
        "duration": _count(activity.seconds),
    }


def _is_number(text: str | None) -> bool:
    return text is not None and text.isdigit()


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _count(value: int | None) -> str | None:
    return None if value is None else str(value)


def fill(portal: Portal, world: World) -> Mapping[str, int]:
    """Put a world into an empty portal. Returns the number of records by object type."""
    # Millions of objects come and none goes: the collector would look through all of them again and again.
    collecting = gc.isenabled()
    gc.disable()
    try:
        _Filler(portal, world).fill()
    finally:
        if collecting:
            gc.enable()
    if sum(len(table.store) for table in portal.tables.values()) > _MANY:
        gc.freeze()  # or a look through all of them stops the server for a second, now and then
    return {name: len(table.store) for name, table in portal.tables.items()}
