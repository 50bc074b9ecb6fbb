"""What a fresh portal knows: object types, their properties, and the types of associations.

A property is described the way the properties API tells it. `PORTAL_OBJECTS` is copied into each
portal, because properties can be added over the API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_TEXT = 65_536  # characters in one text value
_OWN_SCOPES = frozenset({"contacts", "companies", "deals", "leads"})


@dataclass(frozen=True, slots=True)
class Property:
    """One property. `options` are stored values; an enumeration without options takes owners' ids."""

    name: str
    label: str
    type: str = "string"  # string, number, enumeration, datetime, date, bool
    field_type: str = "text"
    group: str = ""
    options: tuple[str, ...] = ()
    unique: bool = False
    read_only: bool = False
    required: bool = False
    custom: bool = False
    calculated: bool = False

    @property
    def owner(self) -> bool:
        """Whether its values are ids of owners."""
        return self.name == "hubspot_owner_id"

    def as_json(self) -> dict[str, Any]:
        """The property as the properties API gives it."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": "",
            "groupName": self.group,
            "options": [
                {"label": value, "value": value, "displayOrder": order, "hidden": False, "description": ""}
                for order, value in enumerate(self.options)
            ],
            "displayOrder": -1,
            "calculated": self.calculated,
            "externalOptions": self.owner,
            **({"referencedObjectType": "OWNER"} if self.owner else {}),
            "hasUniqueValue": self.unique,
            "hidden": False,
            "hubspotDefined": not self.custom,
            "formField": not self.read_only,
            "archived": False,
            "dataSensitivity": "non_sensitive",
            "modificationMetadata": {
                "archivable": self.custom,
                "readOnlyDefinition": not self.custom,
                "readOnlyValue": self.read_only,
            },
            "createdAt": "2020-01-01T00:00:00Z",
            "updatedAt": "2020-01-01T00:00:00Z",
        }


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One object type: its names, the properties that replies carry unasked, and the first record id."""

    name: str
    type_id: str
    singular: str
    first_id: int
    shown: tuple[str, ...]
    properties: Mapping[str, Property] = field(default_factory=dict)
    created_property: str = "hs_createdate"
    modified_property: str = "hs_lastmodifieddate"
    custom: bool = False

    @property
    def scope(self) -> str:
        """The stem of the scopes that guard it; engagements go with contacts."""
        if self.custom:
            return "crm.objects.custom"
        return f"crm.objects.{self.name if self.name in _OWN_SCOPES else 'contacts'}"


def _text(name: str, label: str, **more: Any) -> Property:
    return Property(name, label, **more)


def _number(name: str, label: str, **more: Any) -> Property:
    return Property(name, label, "number", "number", **more)


def _time(name: str, label: str, **more: Any) -> Property:
    return Property(name, label, "datetime", "date", **more)


def _bool(name: str, label: str, **more: Any) -> Property:
    return Property(name, label, "bool", "booleancheckbox", options=("true", "false"), **more)


def _choice(name: str, label: str, *options: str, **more: Any) -> Property:
    return Property(name, label, "enumeration", "select", options=options, **more)


_OWNER = Property("hubspot_owner_id", "Owner", "enumeration", "select")
_SOURCE_ID = _text("source_id", "Source ID", custom=True)
_MERGED = _text("hs_merged_object_ids", "Merged record IDs", read_only=True, calculated=True)
LIFECYCLE_STAGES = (
    "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist",
    "other",
)  # fmt: skip
_LIFECYCLE = Property("lifecyclestage", "Lifecycle stage", "enumeration", "radio", options=LIFECYCLE_STAGES)
LEADLINE_GROUPS = ("priority", "qualified_review", "nurture", "investigate", "research", "poor_fit")
_WRITE_BACK = (
    _number("leadline_score", "Leadline score", custom=True),
    _number("leadline_fit", "Leadline fit", custom=True),
    _number("leadline_intent", "Leadline intent", custom=True),
    _choice("leadline_group", "Leadline group", *LEADLINE_GROUPS, custom=True),
    _text("leadline_reasons", "Leadline reasons", field_type="textarea", custom=True),
    _text("leadline_sort_key", "Leadline sort key", custom=True),
    _text("leadline_action", "Leadline action", custom=True),
    _time("leadline_scored_at", "Leadline scored at", custom=True),
)


def _object(
    name: str,
    type_id: str,
    singular: str,
    first_id: int,
    shown: tuple[str, ...],
    *properties: Property,
    created: str = "hs_createdate",
    modified: str = "hs_lastmodifieddate",
    custom: bool = False,
) -> ObjectType:
    group = f"{singular}information"
    system = (
        _number("hs_object_id", "Record ID", read_only=True),
        _time(created, "Create date", read_only=created == "hs_createdate"),
        _time(modified, "Last modified date", read_only=True),
    )
    table: dict[str, Property] = {}
    for each in (*system, *properties):
        table[each.name] = _in_group(each, group)
    return ObjectType(name, type_id, singular, first_id, shown, table, created, modified, custom)


def _in_group(each: Property, group: str) -> Property:
    return Property(
        each.name, each.label, each.type, each.field_type, group, each.options, each.unique, each.read_only,
        each.required, each.custom, each.calculated,
    )  # fmt: skip


_CONTACTS = _object(
    "contacts", "0-1", "contact", 20_000_000_001, ("email", "firstname", "lastname"),
    _text("firstname", "First name"), _text("lastname", "Last name"), _text("email", "Email"),
    _text("jobtitle", "Job title"), _text("country", "Country/Region"), _text("company", "Company name"),
    _text("phone", "Phone number"), _text("website", "Website URL"),
    _bool("hs_email_optout", "Unsubscribed from all email"),
    _text("lead_source", "Lead source", custom=True), _LIFECYCLE,
    _choice(
        "hs_lead_status", "Lead status", "NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED",
        "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING",
    ),
    _OWNER, _SOURCE_ID, _MERGED, *_WRITE_BACK,
    _text("project_timeline", "Project timeline", custom=True), _text("budget", "Budget", custom=True),
    _text("urgency", "Urgency", custom=True), _text("industry", "Industry"),
    _text("employee_range", "Employee range", custom=True),
    _number("associatedcompanyid", "Primary associated company ID", read_only=True),
    created="createdate", modified="lastmodifieddate",
)  # fmt: skip

_COMPANIES = _object(
    "companies", "0-2", "company", 30_000_000_001, ("name", "domain"),
    _text("name", "Company name"), _text("website", "Website URL"), _text("domain", "Company domain name"),
    _text("industry", "Industry"), _number("numberofemployees", "Number of employees"),
    _text("employee_range", "Employee range", custom=True), _number("annualrevenue", "Annual revenue"),
    _text("revenue_range", "Revenue range", custom=True), _text("country", "Country/Region"),
    _choice("type", "Type", "PROSPECT", "CUSTOMER", "PARTNER", "COMPETITOR", "RESELLER", "VENDOR", "OTHER"),
    Property("technologies", "Technologies", "enumeration", "checkbox", custom=True),
    _choice("process_maturity", "Process maturity", "low", "medium", "high", custom=True),
    _text("target_tier", "Target tier", custom=True), _LIFECYCLE,
    _OWNER, _SOURCE_ID, _MERGED, *_WRITE_BACK, created="createdate",
)  # fmt: skip

DEAL_STAGES = (
    "appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin", "contractsent",
    "closedwon", "closedlost",
)  # fmt: skip
_DEALS = _object(
    "deals", "0-3", "deal", 40_000_000_001, ("dealname", "amount", "closedate", "pipeline", "dealstage"),
    _text("dealname", "Deal name"), _choice("dealstage", "Deal stage", *DEAL_STAGES, required=True),
    _choice("pipeline", "Pipeline", "default"), _number("amount", "Amount"), _time("closedate", "Close date"),
    _bool("hs_is_closed", "Is closed", read_only=True), _bool("hs_is_closed_won", "Is closed won", read_only=True),
    _OWNER, _SOURCE_ID, _MERGED, created="createdate",
)  # fmt: skip

LEAD_STAGES = (
    "new-stage-id",
    "attempting-stage-id",
    "connected-stage-id",
    "qualified-stage-id",
    "unqualified-stage-id",
)
_LEADS = _object(
    "leads", "0-136", "lead", 50_000_000_001, ("hs_lead_name",),
    _text("hs_lead_name", "Lead name", required=True),
    _choice("hs_lead_type", "Lead type", "NEW_BUSINESS", "UPSELL", "RE_ATTEMPTING"),
    _choice("hs_lead_label", "Lead label", "WARM", "COLD", "HOT"),
    _choice("hs_pipeline", "Pipeline", "lead-pipeline-id"),
    _choice("hs_pipeline_stage", "Pipeline stage", *LEAD_STAGES),
    _text("lead_source", "Lead source", custom=True), _OWNER, _SOURCE_ID,
    _text("project_timeline", "Project timeline", custom=True), _text("budget", "Budget", custom=True),
    _text("urgency", "Urgency", custom=True), *_WRITE_BACK,
)  # fmt: skip

_WHEN = _time("hs_timestamp", "Activity date", required=True)
_CALLS = _object(
    "calls", "0-48", "call", 61_000_000_001, ("hs_call_title",),
    _WHEN, _text("hs_call_title", "Call title"), _text("hs_call_body", "Call notes"),
    _choice("hs_call_direction", "Call direction", "INBOUND", "OUTBOUND"),
    _text("hs_call_disposition", "Call outcome"), _choice("hs_call_status", "Call status", "COMPLETED", "NO_ANSWER"),
    _OWNER, _SOURCE_ID,
)  # fmt: skip
_EMAILS = _object(
    "emails", "0-49", "email", 62_000_000_001, ("hs_email_subject",),
    _WHEN, _text("hs_email_subject", "Email subject"), _text("hs_email_text", "Email body"),
    _choice("hs_email_direction", "Email direction", "EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL", required=True),
    _choice("hs_email_status", "Email send status", "SENT", "BOUNCED", "FAILED", "SCHEDULED", "SENDING"),
    _OWNER, _SOURCE_ID,
)  # fmt: skip
_COMMUNICATIONS = _object(
    "communications", "0-18", "communication", 63_000_000_001, ("hs_communication_channel_type",),
    _WHEN,
    _choice(
        "hs_communication_channel_type", "Channel type", "LINKEDIN_MESSAGE", "SMS", "WHATS_APP", required=True
    ),
    _choice("hs_communication_logged_from", "Logged from", "CRM"), _text("hs_communication_body", "Body"),
    _choice("direction", "Direction", "INBOUND", "OUTBOUND", custom=True), _OWNER, _SOURCE_ID,
)  # fmt: skip
_MEETINGS = _object(
    "meetings", "0-47", "meeting", 64_000_000_001, ("hs_meeting_title",),
    _WHEN, _text("hs_meeting_title", "Meeting name"), _text("hs_meeting_body", "Meeting description"),
    _text("hs_activity_type", "Call and meeting type"),
    _choice("hs_meeting_outcome", "Meeting outcome", "SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED"),
    _time("hs_meeting_start_time", "Start time"), _time("hs_meeting_end_time", "End time"), _OWNER, _SOURCE_ID,
)  # fmt: skip
_TASKS = _object(
    "tasks", "0-27", "task", 65_000_000_001, ("hs_task_subject",),
    _WHEN, _text("hs_task_subject", "Task title"), _text("hs_task_body", "Task notes"),
    _choice("hs_task_status", "Task status", "NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"),
    _choice("hs_task_priority", "Priority", "NONE", "LOW", "MEDIUM", "HIGH"),
    _choice("hs_task_type", "Task type", "TODO", "EMAIL", "CALL"),
    _text("leadline_key", "Leadline key", unique=True, custom=True), _OWNER, _SOURCE_ID,
)  # fmt: skip

_NOTES = _object(
    "notes", "0-46", "note", 66_000_000_001, ("hs_note_body",),
    _WHEN, _text("hs_note_body", "Note body", field_type="html"), _OWNER, _SOURCE_ID,
)  # fmt: skip

TICKET_STAGES = ("1", "2", "3", "4")
_TICKETS = _object(
    "tickets", "0-5", "ticket", 45_000_000_001, ("subject", "hs_pipeline", "hs_pipeline_stage"),
    _text("subject", "Ticket name"), _text("content", "Ticket description"),
    _choice("hs_pipeline", "Pipeline", "0"),
    _choice("hs_pipeline_stage", "Ticket status", *TICKET_STAGES, required=True), _OWNER, _SOURCE_ID,
    created="createdate",
)  # fmt: skip

# Nobody converses here; clients name the type among those whose links they want.
_CONVERSATIONS = _object("conversations", "0-11", "conversation", 46_000_000_001, ("hs_object_id",), _OWNER)

WEB_EVENT_KINDS = (
    "website", "pricing_page", "demo_page", "demo_request", "comparison_page", "careers_page", "content_download",
    "webinar", "trial_signup", "generic_form", "unsubscribe",
)  # fmt: skip
_WEB_EVENTS = _object(
    "web_events", "2-1000001", "web_event", 70_000_000_001, ("event_type",),
    _choice("event_type", "Event type", *WEB_EVENT_KINDS, required=True, custom=True),
    _text("asset", "Asset", custom=True), _time("occurred_at", "Occurred at", required=True, custom=True),
    _number("page_views", "Page views", custom=True), _number("duration", "Duration (seconds)", custom=True),
    _SOURCE_ID, custom=True,
)  # fmt: skip

PORTAL_OBJECTS = (
    _CONTACTS, _COMPANIES, _DEALS, _LEADS, _CALLS, _EMAILS, _COMMUNICATIONS, _MEETINGS, _TASKS, _WEB_EVENTS,
    _NOTES, _TICKETS, _CONVERSATIONS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class AssociationType:
    """How one object type points at another. `primary` is the type of the first, where there is one."""

    default: int
    primary: int | None = None
    category: str = "HUBSPOT_DEFINED"


_TYPES: dict[tuple[str, str], tuple[int, int | None]] = {
    ("contacts", "companies"): (279, 1), ("companies", "contacts"): (280, 2),
    ("deals", "contacts"): (3, None), ("contacts", "deals"): (4, None),
    ("deals", "companies"): (341, 5), ("companies", "deals"): (342, 6),
    ("leads", "contacts"): (608, 578), ("contacts", "leads"): (607, 579),
    ("leads", "companies"): (610, None), ("companies", "leads"): (609, None),
    ("calls", "contacts"): (194, None), ("contacts", "calls"): (193, None),
    ("calls", "companies"): (182, None), ("companies", "calls"): (181, None),
    ("emails", "contacts"): (198, None), ("contacts", "emails"): (197, None),
    ("emails", "companies"): (186, None), ("companies", "emails"): (185, None),
    ("meetings", "contacts"): (200, None), ("contacts", "meetings"): (199, None),
    ("meetings", "companies"): (188, None), ("companies", "meetings"): (187, None),
    ("communications", "contacts"): (81, None), ("contacts", "communications"): (82, None),
    ("communications", "companies"): (87, None), ("companies", "communications"): (88, None),
    ("tasks", "contacts"): (204, None), ("contacts", "tasks"): (203, None),
    ("tasks", "companies"): (192, None), ("companies", "tasks"): (191, None),
    ("tasks", "deals"): (216, None), ("deals", "tasks"): (215, None),
    ("notes", "contacts"): (202, None), ("contacts", "notes"): (201, None),
    ("notes", "companies"): (190, None), ("companies", "notes"): (189, None),
    ("notes", "deals"): (214, None), ("deals", "notes"): (213, None),
    ("calls", "deals"): (206, None), ("deals", "calls"): (205, None),
    ("emails", "deals"): (210, None), ("deals", "emails"): (209, None),
    ("meetings", "deals"): (212, None), ("deals", "meetings"): (211, None),
    ("tickets", "contacts"): (16, None), ("contacts", "tickets"): (15, None),
    ("tickets", "companies"): (339, 26), ("companies", "tickets"): (340, 25),
    ("deals", "tickets"): (27, None), ("tickets", "deals"): (28, None),
}  # fmt: skip
_CUSTOM_TYPES: dict[tuple[str, str], int] = {
    ("web_events", "contacts"): 1, ("contacts", "web_events"): 2,
    ("web_events", "companies"): 3, ("companies", "web_events"): 4,
}  # fmt: skip


# Whose primary link it is: a contact has one primary company, a company no primary contact.
PRIMARY_SIDES = frozenset(
    {("contacts", "companies"), ("deals", "companies"), ("leads", "contacts"), ("tickets", "companies")}
)


def association_type(from_type: str, to_type: str) -> AssociationType | None:
    """The type of an association between two object types; None when they cannot be associated."""
    known = _TYPES.get((from_type, to_type))
    if known:
        return AssociationType(*known)
    custom = _CUSTOM_TYPES.get((from_type, to_type))
    return AssociationType(custom, category="USER_DEFINED") if custom else None


_TYPE_IDS = {kind.name: kind.type_id for kind in PORTAL_OBJECTS}


def type_id(name: str) -> str:
    """The id of an object type, such as 0-1 for contacts."""
    return _TYPE_IDS[name]
