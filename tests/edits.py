"""What people do in a CRM while Leadline is not looking, in one vocabulary for both systems.

Records go by their uid, `system/object/id`. Each edit obeys the CRM's rules and is made through the
sandbox's control, as a user's keyboard would.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from tests.stage import Stage

from leadline.store import tables


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Salesforce:
    """At the keyboard of the org."""

    system = "salesforce"
    _fields: ClassVar = {
        "industry": "Industry", "employees": "NumberOfEmployees", "lifecycle": "Type", "title": "Title",
        "email": "Email", "owner": "OwnerId", "score": "Leadline_Score__c", "name": "Name",
    }  # fmt: skip

    def __init__(self, on: Stage) -> None:
        self._stage = on

    def visit(self, person: str, what: str, at: int | None = None) -> str:
        """Somebody does something on the web site; `what` is the sandbox's word for it."""
        _, kind, record_id = person.split("/")
        link = {"Lead": "Lead__c", "Contact": "Contact__c"}[kind]
        at = self._stage.now if at is None else at
        fields = {"Type__c": what, "Occurred_At__c": _iso(at), link: record_id}
        return "salesforce/Web_Event__c/" + self._stage.edit(self.system, "create", "Web_Event__c", fields=fields)

    def change(self, uid: str, **values: Any) -> None:
        """Canonical fields get a raw value as somebody types it."""
        _, kind, record_id = uid.split("/")
        fields = {self._fields[name]: value for name, value in values.items()}
        self._stage.edit(self.system, "update", kind, id=record_id, fields=fields)

    def delete(self, uid: str) -> None:
        """Into the recycle bin."""
        _, kind, record_id = uid.split("/")
        self._stage.edit(self.system, "delete", kind, id=record_id)

    def move(self, contact: str, account: str) -> None:
        """The contact works for another company now."""
        self._stage.edit(
            self.system, "update", "Contact", id=contact.split("/")[2], fields={"AccountId": account.split("/")[2]}
        )

    def merge(self, winner: str, loser: str) -> None:
        """Two records were one."""
        _, kind, record_id = winner.split("/")
        self._stage.edit(self.system, "merge", kind, id=record_id, fields={"loser": loser.split("/")[2]})

    def backdate(self, visit: str, at: int) -> None:
        """A visit turns out to have happened at another time."""
        self._stage.edit(
            self.system, "update", "Web_Event__c", id=visit.split("/")[2], fields={"Occurred_At__c": _iso(at)}
        )

    def hire(self, account: str, title: str) -> str:
        """A new contact at a company."""
        fields = {"LastName": "Newcomer", "Title": title, "AccountId": account.split("/")[2], "Email": "new@comer.com"}
        return "salesforce/Contact/" + self._stage.edit(self.system, "create", "Contact", fields=fields)

    def meet(self, title: str) -> tuple[str, str]:
        """A new contact without an account, and a lead of theirs."""
        fields = {"LastName": "Loner", "Title": title, "Email": "met@alone.com"}
        contact = self._stage.edit(self.system, "create", "Contact", fields=fields)
        fields = {"LastName": "Loner", "Title": title, "Company": "Alone", "Matched_Contact__c": contact}
        lead = self._stage.edit(self.system, "create", "Lead", fields=fields)
        return f"salesforce/Contact/{contact}", f"salesforce/Lead/{lead}"

    def inquire(self, title: str) -> str:
        """Somebody of a company that the CRM does not know, but that fits: a lead without a contact or an account."""
        fields = {
            "LastName": "Inquirer", "Title": title, "Company": "Fitting", "Email": "inquirer@fitting.com",
            "Industry": "Manufacturing", "NumberOfEmployees": 500, "Country": "US",
        }  # fmt: skip
        return "salesforce/Lead/" + self._stage.edit(self.system, "create", "Lead", fields=fields)


class HubSpot:
    """At the keyboard of the portal."""

    system = "hubspot"
    _fields: ClassVar = {
        "industry": "industry", "employees": "numberofemployees", "lifecycle": "type", "title": "jobtitle",
        "email": "email", "owner": "hubspot_owner_id", "score": "leadline_score", "name": "name",
    }  # fmt: skip

    def __init__(self, on: Stage) -> None:
        self._stage = on

    def visit(self, person: str, what: str, at: int | None = None) -> str:
        """Somebody does something on the web site; `what` is the sandbox's word for it."""
        at = self._stage.now if at is None else at
        fields = {"event_type": what, "occurred_at": _iso(at)}
        links = {person.split("/")[1]: [person.split("/")[2]]}
        made = self._stage.edit(self.system, "create", "web_events", fields=fields, links=links)
        return f"hubspot/web_events/{made}"

    def change(self, uid: str, **values: Any) -> None:
        """Canonical fields get a raw value as somebody types it."""
        _, kind, record_id = uid.split("/")
        fields = {self._fields[name]: "" if value is None else str(value) for name, value in values.items()}
        if "lifecycle" in values:
            fields["type"] = str(values["lifecycle"]).upper()
        self._stage.edit(self.system, "update", kind, id=record_id, fields=fields)

    def delete(self, uid: str) -> None:
        """Into the recycle bin."""
        _, kind, record_id = uid.split("/")
        self._stage.edit(self.system, "delete", kind, id=record_id)

    def move(self, contact: str, account: str) -> None:
        """The contact works for another company now: their links to others go, the new one comes."""
        portal = self._stage.vendor(self.system).portal
        contacts, companies = portal.table("contacts"), portal.table("companies")
        record, stamp = int(contact.split("/")[2]), portal.stamp()
        for former in list(portal.links.of("contacts", record, "companies")):
            portal.unlink(contacts, record, companies, former, stamp)
        portal.link(contacts, record, companies, int(account.split("/")[2]), portal.stamp())

    def merge(self, winner: str, loser: str) -> None:
        """Two records were one."""
        _, kind, record_id = loser.split("/")
        self._stage.edit(self.system, "merge", kind, id=record_id, into=winner.split("/")[2])

    def backdate(self, visit: str, at: int) -> None:
        """A visit turns out to have happened at another time."""
        self._stage.edit(self.system, "update", "web_events", id=visit.split("/")[2], fields={"occurred_at": _iso(at)})

    def hire(self, account: str, title: str) -> str:
        """A new contact at a company."""
        fields = {"lastname": "Newcomer", "jobtitle": title, "email": "new@comer.com"}
        links = {"companies": [account.split("/")[2]]}
        made = self._stage.edit(self.system, "create", "contacts", fields=fields, links=links)
        return f"hubspot/contacts/{made}"

    def meet(self, title: str) -> tuple[str, str]:
        """A new contact without an account, and a lead of theirs."""
        fields = {"lastname": "Loner", "jobtitle": title, "email": "met@alone.com"}
        contact = self._stage.edit(self.system, "create", "contacts", fields=fields)
        fields = {"hs_lead_name": "Loner"}
        lead = self._stage.edit(self.system, "create", "leads", fields=fields, links={"contacts": [contact]})
        return f"hubspot/contacts/{contact}", f"hubspot/leads/{lead}"

    def inquire(self, title: str) -> str:
        """Somebody of a company that the CRM does not know, but that fits: a contact without a company."""
        fields = {
            "lastname": "Inquirer", "jobtitle": title, "company": "Fitting", "email": "inquirer@fitting.com",
            "industry": "Manufacturing", "employee_range": "500", "country": "US", "hs_lead_status": "NEW",
        }  # fmt: skip
        return "hubspot/contacts/" + self._stage.edit(self.system, "create", "contacts", fields=fields)


User = Salesforce | HubSpot


def user_of(system: str, on: Stage) -> User:
    """Somebody at the keyboard of that system."""
    return Salesforce(on) if system == "salesforce" else HubSpot(on)


def heat(system: str, on: Stage, most: int) -> list[str]:
    """People of nurtured accounts look at prices and ask for a demo: most of the accounts cross. Their uids."""
    scores = {row["uid"]: row for row in on.rows(tables.scores)}
    people = sorted(on.rows(tables.people), key=lambda row: str(row["uid"]))
    chosen: dict[str, str] = {}
    for row in people:
        nurtured = scores.get(row["account"] or "", {}).get("group") == "nurture"
        contact = row["kind"] == "contact" and row["email"] and not row["opted_out"] and not row["deleted"]
        if row["connection"] == system and nurtured and contact and len(chosen) < most:
            chosen.setdefault(row["account"], row["uid"])
    for person in chosen.values():
        user_of(system, on).visit(person, "pricing_page")
        user_of(system, on).visit(person, "demo_request")
    return list(chosen)
