"""Fields that the org works out itself, object by object, and the rules between fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from leadline_salesforce.sandbox import moments
from leadline_salesforce.sandbox.faults import RowError
from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.objects import kind
from leadline_salesforce.sandbox.store import Org, Row

_EVENT_LENGTH = int(timedelta(minutes=30).total_seconds())


def derive(definition: ObjectDef, row: Row, org: Org, now: str) -> Row:
    """The row with its derived fields set. RowError when fields contradict each other."""
    rule = _RULES.get(definition.name)
    return rule(row, org, now) if rule else row


def _person(row: Row, _: Org, __: str) -> Row:
    return row | {"Name": " ".join(part for part in (row.get("FirstName"), row.get("LastName")) if part)}


def _opportunity(row: Row, _: Org, __: str) -> Row:
    stage = str(row.get("StageName", "")).lower().replace(" ", "_")
    return row | {"IsClosed": stage.startswith("closed"), "IsWon": stage == "closed_won"}


def _task(row: Row, org: Org, now: str) -> Row:
    row = _related(row, org)
    closed = row.get("Status") == "Completed"
    row["IsClosed"] = closed
    if closed:
        row.setdefault("CompletedDateTime", now)
    else:
        row.pop("CompletedDateTime", None)
    if row.get("IsReminderSet") and not row.get("ReminderDateTime"):
        raise RowError(
            "REQUIRED_FIELD_MISSING", "Required fields are missing: [ReminderDateTime]", ["ReminderDateTime"]
        )
    return row


def _event(row: Row, org: Org, _: str) -> Row:
    row = _related(row, org)
    start = moments.epoch(row["StartDateTime"])
    end = row.setdefault("EndDateTime", moments.instant(start + _EVENT_LENGTH))
    if moments.epoch(end) < start:
        raise RowError("FIELD_INTEGRITY_EXCEPTION", "Event duration cannot be negative", ["DurationInMinutes"])
    return row


def _related(row: Row, org: Org) -> Row:
    """An activity with a lead has nothing else; its account follows from what or whom it is about."""
    who, what = row.get("WhoId"), row.get("WhatId")
    if who and what and who.startswith("00Q"):
        raise RowError(
            "FIELD_INTEGRITY_EXCEPTION",
            "You cannot relate an activity to a lead and to another record: WhatId must be empty",
            ["WhatId"],
        )
    row = dict(row)
    row.pop("AccountId", None)
    account = _account_of(what, org) or _account_of(who, org)
    return row | {"AccountId": account} if account else row


def _account_of(record_id: str | None, org: Org) -> str | None:
    name = kind(record_id) if record_id else None
    if name is None or name == "Lead":
        return None
    if name == "Account":
        return record_id
    target = org.row(record_id)
    return target.get("AccountId") if target else None


def _member(row: Row, org: Org, now: str) -> Row:
    if bool(row.get("LeadId")) == bool(row.get("ContactId")) and not row.get("LeadId"):
        raise RowError("REQUIRED_FIELD_MISSING", "Required fields are missing: [LeadId, ContactId]", ["LeadId"])
    for name in ("ContactId", "LeadId"):
        for other in org.tables["CampaignMember"].having(name, row[name]) if row.get(name) else ():
            same = other["CampaignId"] == row["CampaignId"] and other["Id"] != row["Id"]
            if same and not other.get("IsDeleted"):
                raise RowError("DUPLICATE_VALUE", "Already a campaign member.", [])
    statuses = org.tables["CampaignMemberStatus"].having("CampaignId", row["CampaignId"])
    if "Status" not in row:
        row = row | {"Status": next((status["Label"] for status in statuses if status.get("IsDefault")), "Sent")}
    responded = any(status["Label"] == row["Status"] and status.get("HasResponded") for status in statuses)
    row = row | {"HasResponded": responded}
    return {"FirstRespondedDate": now[:10]} | row if responded else row


def _web_event(row: Row, _: Org, __: str) -> Row:
    return {"Name": f"WE-{row['Id'][6:15]}"} | row


_RULES: dict[str, Callable[[Row, Org, str], Row]] = {
    "Contact": _person,
    "Lead": _person,
    "User": _person,
    "Opportunity": _opportunity,
    "Task": _task,
    "Event": _event,
    "CampaignMember": _member,
    "Web_Event__c": _web_event,
}
