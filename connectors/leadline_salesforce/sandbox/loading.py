"""The neutral world as this org's records. The world's own ids stay readable in `Source_Id__c`."""

from __future__ import annotations

from typing import Any

from leadline.sdk.sandbox.world import (
    CONVERSATION_KINDS,
    MEETING_KINDS,
    Activity,
    Company,
    Contact,
    Deal,
    Lead,
    Rep,
    World,
)
from leadline_salesforce.sandbox import ids, moments
from leadline_salesforce.sandbox.auth import USERNAME
from leadline_salesforce.sandbox.derived import derive
from leadline_salesforce.sandbox.objects import OBJECTS
from leadline_salesforce.sandbox.store import Org, Row

CADENCES = ("Fast track", "Nurture: introduction", "Nurture: case study")
INTEGRATION_USER = ids.from_world("005", "integration user")
ORG_ID = ids.from_world("00D", "organization")

_NURTURE = "Leadline nurture"
_CHANNELS = {"call": "Call", "email": "Email", "linkedin_message": "LinkedIn"}
_THIRTY_DAYS, _NINETY_DAYS = 30 * 86_400, 90 * 86_400


def record_id(object: str, world_id: str) -> str:
    """The id that a record of the world has in this org."""
    return ids.from_world(OBJECTS[object].prefix, world_id)


def load(world: World) -> Org:
    """An org with everything in the world, an integration user and the cadences."""
    org = Org()
    loader = _Loader(org, world)
    org.schema.changed_at = dict.fromkeys(org.schema.changed_at, float(loader.start))
    loader.fixtures()
    for rep in world.reps:
        loader.rep(rep)
    for company in world.companies:
        loader.company(company)
    for contact in world.contacts:
        loader.contact(contact)
    for lead in world.leads:
        loader.lead(lead)
    for deal in world.deals:
        loader.deal(deal)
    for activity in world.activities:
        loader.activity(activity)
    return org


class _Loader:
    def __init__(self, org: Org, world: World) -> None:
        self._org = org
        self._now = world.now
        # Long before the first record, as users and cadences are.
        self.start = min((c.created_at for c in world.companies), default=world.now) - _THIRTY_DAYS

    def put(
        self,
        object: str,
        source: str | None,
        at: int,
        values: Row,
        *,
        owner: str | None = None,
        changed_at: int | None = None,
    ) -> None:
        definition = OBJECTS[object]
        made = moments.instant(at)
        stamp = made if changed_at is None else moments.instant(changed_at)
        row: Row = {"Id": values.get("Id") or record_id(object, source or values["Name"]), "Source_Id__c": source}
        for field in definition.fields.values():
            if field.default is not None and field.default != "$User":
                row[field.name] = field.default
        row |= values
        row |= {"CreatedDate": made, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        row |= {"CreatedById": INTEGRATION_USER, "LastModifiedById": INTEGRATION_USER}
        if definition.owned:
            row["OwnerId"] = record_id("User", owner) if owner else INTEGRATION_USER
        row = {name: value for name, value in row.items() if value is not None}
        self._org.put(derive(definition, row, self._org, stamp))

    def fixtures(self) -> None:
        user = {
            "Id": INTEGRATION_USER, "Username": USERNAME, "FirstName": "Leadline", "LastName": "Integration",
            "Email": USERNAME, "IsActive": True, "UserType": "Standard",
        }  # fmt: skip
        self.put("User", None, self.start, user | {"Name": "integration user"})
        org = {"Id": ORG_ID, "Name": "Leadline Sandbox", "OrganizationType": "Developer Edition", "IsSandbox": True}
        self.put("Organization", None, self.start, org)
        self.campaign(_NURTURE, "Email", "In Progress", self.start)
        for name in CADENCES:
            self.put("ActionCadence", None, self.start, {"Name": name, "State": "Active"})

    def rep(self, rep: Rep) -> None:
        values = {
            "Username": f"{rep.id}@leadline.example", "FirstName": rep.first_name, "LastName": rep.last_name,
            "Email": rep.email, "IsActive": rep.active,
        }  # fmt: skip
        self.put("User", rep.id, self.start, values)

    def company(self, company: Company) -> None:
        employees, revenue = _plain_number(company.employees), _plain_number(company.revenue)
        values = {
            "Name": company.name, "Website": company.website, "Industry": company.industry,
            "NumberOfEmployees": employees,
            "Employee_Range__c": company.employees if employees is None else None,
            "AnnualRevenue": None if revenue is None else float(revenue),
            "Revenue_Range__c": company.revenue if revenue is None else None,
            "BillingCountry": company.country, "Type": company.lifecycle.capitalize(),
            "Technologies__c": ";".join(company.technologies) or None,
            "Process_Maturity__c": company.maturity, "Target_Tier__c": company.tier,
        }  # fmt: skip
        self.put("Account", company.id, company.created_at, values, owner=company.owner)

    def contact(self, contact: Contact) -> None:
        values = {
            "AccountId": _link("Account", contact.company_id), "FirstName": contact.first_name,
            "LastName": contact.last_name, "Email": contact.email, "Title": contact.title,
            "MailingCountry": contact.country, "HasOptedOutOfEmail": contact.opted_out, "LeadSource": contact.source,
        }  # fmt: skip
        self.put("Contact", contact.id, contact.created_at, values, owner=contact.owner)

    def lead(self, lead: Lead) -> None:
        employees = _plain_number(lead.employees)
        values = {
            "FirstName": lead.first_name, "LastName": lead.last_name, "Company": lead.company_name,
            "Email": lead.email, "Title": lead.title, "Website": lead.website, "Industry": lead.industry,
            "NumberOfEmployees": employees,
            "Employee_Range__c": lead.employees if employees is None else None,
            "Country": lead.country, "LeadSource": lead.source, "Status": lead.status,
            "HasOptedOutOfEmail": lead.opted_out, "IsConverted": False,
            "Matched_Account__c": _link("Account", lead.company_id),
            "Matched_Contact__c": _link("Contact", lead.contact_id),
            "Project_Timeline__c": lead.timeline, "Budget__c": lead.budget, "Urgency__c": lead.urgency,
        }  # fmt: skip
        self.put("Lead", lead.id, lead.created_at, values, owner=lead.owner)

    def deal(self, deal: Deal) -> None:
        closes = deal.closed_at if deal.closed_at is not None else deal.created_at + _NINETY_DAYS
        values = {
            "AccountId": _link("Account", deal.company_id), "ContactId": _link("Contact", deal.contact_id),
            "Name": deal.name[:120], "StageName": deal.stage, "Amount": float(deal.amount),
            "CloseDate": moments.day(closes),
        }  # fmt: skip
        # The row was last touched when the deal was decided.
        changed_at = max(deal.created_at, min(deal.closed_at or 0, self._now))
        self.put("Opportunity", deal.id, deal.created_at, values, owner=deal.owner, changed_at=changed_at)
        if deal.contact_id:
            role = {
                "OpportunityId": record_id("Opportunity", deal.id), "ContactId": values["ContactId"],
                "Role": "Decision Maker", "IsPrimary": True,
            }  # fmt: skip
            self.put("OpportunityContactRole", deal.id, deal.created_at, role)

    def activity(self, activity: Activity) -> None:
        if activity.kind in CONVERSATION_KINDS:
            self._task(activity)
        elif activity.kind in MEETING_KINDS:
            self._event(activity)
        else:
            self._web_event(activity)

    def _task(self, activity: Activity) -> None:
        channel = _CHANNELS[activity.kind]
        values = _who_and_what(activity) | {
            "Subject": f"{channel}: {activity.outcome}" if activity.outcome else channel,
            "Status": "Completed", "Priority": "Normal", "TaskSubtype": channel, "Type": channel,
            "CallType": activity.direction.capitalize() if activity.kind == "call" else None,
            "Direction__c": activity.direction.capitalize(), "Outcome__c": activity.outcome,
            "ActivityDate": moments.day(activity.at), "CompletedDateTime": moments.instant(activity.at),
        }  # fmt: skip
        self.put("Task", activity.id, activity.at, values, owner=activity.rep)

    def _event(self, activity: Activity) -> None:
        kind = activity.kind.capitalize()
        values = _who_and_what(activity) | {
            "Subject": kind, "Type": kind, "StartDateTime": moments.instant(activity.at),
            "Outcome__c": activity.outcome,
        }  # fmt: skip
        self.put("Event", activity.id, activity.at, values, owner=activity.rep)

    def campaign(self, name: str, kind: str, status: str, at: int) -> str:
        """The campaign of that name, made when it is first asked for, with the two statuses of its members."""
        name = name[:80]
        campaign = record_id("Campaign", name)
        if self._org.row(campaign) is None:
            self.put("Campaign", None, at, {"Name": name, "Type": kind, "Status": status, "IsActive": True})
            for order, (label, responded) in enumerate((("Sent", False), ("Responded", True)), 1):
                values = {
                    "Id": record_id("CampaignMemberStatus", f"{name}/{label}"), "CampaignId": campaign,
                    "Label": label, "SortOrder": order, "IsDefault": not responded, "HasResponded": responded,
                }  # fmt: skip
                self.put("CampaignMemberStatus", None, at, values)
        return campaign

    def _attended(self, activity: Activity) -> None:
        """Who was at a webinar is a member of its campaign, once."""
        key = f"{activity.asset}/{activity.lead_id or activity.contact_id}"
        member = record_id("CampaignMember", key)
        if self._org.row(member) is None:
            campaign = self.campaign(f"Webinar: {activity.asset}", "Webinar", "Completed", activity.at)
            person = "LeadId" if activity.lead_id else "ContactId"
            values = {
                "Id": member, "CampaignId": campaign, person: _who_and_what(activity).get("WhoId"),
                "Status": "Responded",
            }  # fmt: skip
            self.put("CampaignMember", None, activity.at, values)

    def _web_event(self, activity: Activity) -> None:
        if activity.kind == "webinar" and activity.asset and (activity.lead_id or activity.contact_id):
            self._attended(activity)
        values = {
            "Type__c": activity.kind, "Asset__c": activity.asset, "Occurred_At__c": moments.instant(activity.at),
            "Lead__c": _link("Lead", activity.lead_id), "Contact__c": _link("Contact", activity.contact_id),
            "Account__c": _link("Account", activity.company_id),
            "Page_Views__c": _float(activity.page_views), "Duration__c": _float(activity.seconds),
        }  # fmt: skip
        self.put("Web_Event__c", activity.id, activity.at, values, owner=activity.rep)


def _who_and_what(activity: Activity) -> dict[str, Any]:
    """An activity is about its lead; without one about the contact and its account."""
    if activity.lead_id:
        return {"WhoId": record_id("Lead", activity.lead_id)}
    return {"WhoId": _link("Contact", activity.contact_id), "WhatId": _link("Account", activity.company_id)}


def _link(object: str, world_id: str | None) -> str | None:
    return record_id(object, world_id) if world_id else None


def _float(number: int | None) -> float | None:
    return None if number is None else float(number)


def _plain_number(raw: str | None) -> int | None:
    """The number that a numeric field could hold; None for anything a person has to read."""
    return int(raw) if raw is not None and raw.isascii() and raw.isdigit() else None
