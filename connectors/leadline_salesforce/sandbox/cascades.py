"""What one act does to several records: deleting with children, restoring, merging, converting a lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from leadline_salesforce.sandbox import moments
from leadline_salesforce.sandbox.faults import RowError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.store import Org, Row
from leadline_salesforce.sandbox.writes import By, Planned, Writes

_CONTACT_FROM_LEAD = {
    "FirstName": "FirstName", "LastName": "LastName", "Email": "Email", "Title": "Title", "Phone": "Phone",
    "Country": "MailingCountry", "City": "MailingCity", "LeadSource": "LeadSource",
    "HasOptedOutOfEmail": "HasOptedOutOfEmail", "OwnerId": "OwnerId", "Description": "Description",
}  # fmt: skip
_ACCOUNT_FROM_LEAD = {
    "Company": "Name", "Website": "Website", "Industry": "Industry", "NumberOfEmployees": "NumberOfEmployees",
    "Employee_Range__c": "Employee_Range__c", "AnnualRevenue": "AnnualRevenue", "Country": "BillingCountry",
    "OwnerId": "OwnerId",
}  # fmt: skip


class Cascades:
    """Acts of people, told to the records one by one. Each touched record's stamp moves."""

    def __init__(self, org: Org, writes: Writes) -> None:
        self._org = org
        self._writes = writes

    def undelete(self, definition: ObjectDef, record_id: str, by: By) -> None:
        """Out of the recycle bin, with what went there together with it. RowError when it is not in there."""
        row = self._org.table(definition).rows[record_id]
        if not row.get("IsDeleted") or row.get("MasterRecordId"):
            raise RowError("UNDELETE_FAILED", "Entity is not in the recycle bin")
        for gone in (record_id, *self._writes.bin.pop(record_id, ())):
            held = self._org.row(gone)
            if held is not None and held.get("IsDeleted"):
                self._writes.put(self._writes.mark(held, by, IsDeleted=False))

    def merge(self, definition: ObjectDef, winner: str, loser: str, by: By) -> None:
        """The loser goes to the recycle bin and points at the winner, whose stamp moves and who gets its records."""
        lost = self._writes.living(definition, loser)
        kept = self._writes.living(definition, winner)
        # Children first: those of the loser must not be deleted with it.
        for field, row in self._children(definition, lost["Id"]):
            self._writes.put(self._writes.mark(row, by, **{field.name: kept["Id"]}))
        self._writes.put(self._writes.delete(definition, lost["Id"], by, MasterRecordId=kept["Id"]))
        current = self._org.table(definition).rows[kept["Id"]]
        self._writes.put(self._writes.mark(current, by))

    def convert(self, lead: Row, chosen: Mapping[str, str | None], now: float, by: By) -> dict[str, str | None]:
        """A lead becomes a contact at an account, and perhaps an opportunity.

        `chosen` may name an existing `account` and `contact`, and the `opportunity` to make. Its activities and
        campaign memberships go with it.
        """
        account = chosen.get("account") or self._made("Account", lead, _ACCOUNT_FROM_LEAD, {}, by)
        contact = chosen.get("contact") or self._made("Contact", lead, _CONTACT_FROM_LEAD, {"AccountId": account}, by)
        opportunity = None
        if chosen.get("opportunity"):
            values = {
                "Name": chosen["opportunity"], "StageName": "demo_scheduled", "AccountId": account,
                "CloseDate": moments.day(now + 90 * 86_400), "ContactId": contact, "OwnerId": lead["OwnerId"],
            }  # fmt: skip
            opportunity = self._made("Opportunity", {}, {}, values, by)
            self._made(
                "OpportunityContactRole", {}, {},
                {"OpportunityId": opportunity, "ContactId": contact, "IsPrimary": True}, by,
            )  # fmt: skip
        marks: Row = {
            "IsConverted": True, "Status": "Qualified", "ConvertedDate": moments.day(now),
            "ConvertedAccountId": account, "ConvertedContactId": contact,
        }  # fmt: skip
        if opportunity is not None:
            marks["ConvertedOpportunityId"] = opportunity
        self._writes.put(self._writes.mark(lead, by, **marks))
        self._hand_over(lead["Id"], account, contact, by)
        return {"id": lead["Id"], "account": account, "contact": contact, "opportunity": opportunity}

    def _hand_over(self, lead: str, account: str, contact: str, by: By) -> None:
        for name in ("Task", "Event"):
            for row in self._org.tables[name].having("WhoId", lead):
                if not row.get("IsDeleted"):
                    self._writes.put(self._writes.mark(row, by, WhoId=contact, AccountId=account))
        for row in self._org.tables["CampaignMember"].having("LeadId", lead):
            if not row.get("IsDeleted"):
                self._writes.put(self._writes.mark(row, by, ContactId=contact))

    def _made(self, name: str, lead: Row, names: Mapping[str, str], values: Mapping[str, Any], by: By) -> str:
        definition = self._org.schema.full(name)
        if definition is None:
            raise KeyError(name)
        taken = {to: lead[source] for source, to in names.items() if lead.get(source) is not None}
        # What the lead holds already is taken as it is, an owner who has left included.
        planned = self._writes.create(definition, {**{n: v for n, v in taken.items() if n != "OwnerId"}, **values}, by)
        row = planned.row | ({"OwnerId": taken["OwnerId"]} if "OwnerId" in taken else {})
        self._writes.put(Planned(row, created=True))
        return planned.record_id

    def _children(self, definition: ObjectDef, record_id: str) -> Iterator[tuple[FieldDef, Row]]:
        for child in self._org.schema.everything():
            for field in child.fields.values():
                if definition.name not in field.reference_to or field.name == "MasterRecordId":
                    continue
                for row in self._org.table(child).having(field.name, record_id):
                    if not row.get("IsDeleted") and row["Id"] != record_id:
                        # As it is by now: a row may point here by two fields.
                        yield field, self._org.table(child).rows[row["Id"]]
