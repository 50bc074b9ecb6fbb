"""The org's schema: the standard objects that a lead-scoring team uses, and its custom fields.

Lengths, types and required fields of standard fields are the vendor's. Custom fields are those of
the demonstration org; `Leadline_*` are the ones that write-back needs.
"""

from __future__ import annotations

from functools import cache

from leadline_salesforce.sandbox.fields import (
    FieldDef,
    ObjectDef,
    boolean,
    by_system,
    currency,
    day_field,
    formula,
    instant_field,
    integer,
    key_text,
    long_text,
    lookup,
    multipicklist,
    number,
    picklist,
    restricted,
    text,
)

TECHNOLOGIES = (
    "salesforce", "hubspot", "marketo", "outreach", "salesloft", "zoominfo", "apollo", "clearbit", "6sense",
    "segment", "snowflake", "slack", "zapier", "pardot", "dynamics", "netsuite", "sap", "quickbooks",
)  # fmt: skip
INDUSTRIES = (
    "Agriculture", "Banking", "Construction", "Education", "Energy", "Finance", "Government", "Healthcare",
    "Hospitality", "Insurance", "Manufacturing", "Media", "Retail", "Technology", "Telecommunications",
    "Transportation", "Utilities", "Other",
)  # fmt: skip
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
STAGES = ("demo_scheduled", "demo_completed", "proposal_sent", "negotiation", "closed_won", "closed_lost")
GROUPS = ("priority", "qualified_review", "nurture", "investigate", "research", "poor_fit")
WEB_EVENT_TYPES = (
    "website", "pricing_page", "demo_page", "demo_request", "comparison_page", "careers_page", "content_download",
    "webinar", "trial_signup", "generic_form", "unsubscribe",
)  # fmt: skip

WRITE_BACK = (
    number("Leadline_Score__c", "Leadline Score", 5),
    number("Leadline_Fit__c", "Leadline Fit", 5),
    number("Leadline_Intent__c", "Leadline Intent", 5),
    restricted("Leadline_Group__c", "Leadline Group", *GROUPS),
    long_text("Leadline_Reasons__c", "Leadline Reasons", 1000),
    text("Leadline_Sort_Key__c", "Leadline Sort Key", 20),
    instant_field("Leadline_Scored_At__c", "Leadline Scored At"),
    text("Leadline_Action__c", "Leadline Action", 255),
)


def email(name: str, label: str, length: int = 80) -> FieldDef:
    return FieldDef(name, label, "email", length)


def url(name: str, label: str) -> FieldDef:
    return FieldDef(name, label, "url", 255)


def person_name(length: int = 121) -> tuple[FieldDef, ...]:
    return (
        text("LastName", "Last Name", 80, required=True),
        text("FirstName", "First Name", 40),
        by_system(text("Name", "Full Name", length)),
    )


ACCOUNT = ObjectDef(
    "Account", "Account", "Accounts", "001",
    (
        text("Name", "Account Name", 255, required=True),
        picklist("Type", "Account Type", "Prospect", "Customer", "Partner", "Competitor"),
        lookup("ParentId", "Parent Account ID", "Parent", "Account", children="ChildAccounts"),
        text("BillingStreet", "Billing Street", 255), text("BillingCity", "Billing City", 40),
        text("BillingState", "Billing State/Province", 80), text("BillingCountry", "Billing Country", 80),
        text("Phone", "Account Phone", 40), url("Website", "Website"),
        picklist("Industry", "Industry", *INDUSTRIES),
        integer("NumberOfEmployees", "Employees"), currency("AnnualRevenue", "Annual Revenue"),
        long_text("Description", "Account Description", 32_000),
        text("Employee_Range__c", "Employee Range", 40), text("Revenue_Range__c", "Revenue Range", 40),
        multipicklist("Technologies__c", "Technologies", *TECHNOLOGIES),
        picklist("Process_Maturity__c", "Process Maturity", "low", "medium", "high"),
        picklist("Target_Tier__c", "Target Tier", "Tier 1", "Tier 2", "Tier 3"),
        formula(currency("Open_Pipeline__c", "Open Pipeline"), None),
        *WRITE_BACK,
    ),
    mergeable=True,
)  # fmt: skip

CONTACT = ObjectDef(
    "Contact", "Contact", "Contacts", "003",
    (
        lookup("AccountId", "Account ID", "Account", "Account", children="Contacts", cascade=True), *person_name(),
        text("Title", "Title", 128), text("Department", "Department", 80), email("Email", "Email"),
        text("Phone", "Business Phone", 40), text("MailingCity", "Mailing City", 40),
        text("MailingCountry", "Mailing Country", 80),
        boolean("HasOptedOutOfEmail", "Email Opt Out"), picklist("LeadSource", "Lead Source", *SOURCES),
        long_text("Description", "Contact Description", 32_000),
        formula(text("Account_Tier__c", "Account Tier", 1300), "TEXT(Account.Target_Tier__c)"),
        *WRITE_BACK,
    ),
    mergeable=True,
)  # fmt: skip

LEAD = ObjectDef(
    "Lead", "Lead", "Leads", "00Q",
    (
        *person_name(), text("Title", "Title", 128), text("Company", "Company", 255, required=True),
        text("City", "City", 40), text("Country", "Country", 80), text("Phone", "Phone", 40),
        email("Email", "Email"), url("Website", "Website"),
        long_text("Description", "Description", 32_000), picklist("LeadSource", "Lead Source", *SOURCES),
        picklist("Status", "Status", "New", "Working", "Nurturing", "Qualified", "Unqualified", default="New"),
        picklist("Industry", "Industry", *INDUSTRIES), currency("AnnualRevenue", "Annual Revenue"),
        integer("NumberOfEmployees", "No. of Employees"), boolean("HasOptedOutOfEmail", "Email Opt Out"),
        by_system(boolean("IsConverted", "Converted")),
        by_system(day_field("ConvertedDate", "Converted Date")),
        by_system(lookup("ConvertedAccountId", "Converted Account ID", "ConvertedAccount", "Account")),
        by_system(lookup("ConvertedContactId", "Converted Contact ID", "ConvertedContact", "Contact")),
        by_system(lookup("ConvertedOpportunityId", "Converted Opportunity", "ConvertedOpportunity", "Opportunity")),
        text("Employee_Range__c", "Employee Range", 40), text("Revenue_Range__c", "Revenue Range", 40),
        lookup("Matched_Account__c", "Matched Account", "Matched_Account__r", "Account"),
        lookup("Matched_Contact__c", "Matched Contact", "Matched_Contact__r", "Contact"),
        text("Project_Timeline__c", "Project Timeline"), text("Budget__c", "Budget"), text("Urgency__c", "Urgency"),
        *WRITE_BACK,
    ),
    mergeable=True,
)  # fmt: skip

OPPORTUNITY = ObjectDef(
    "Opportunity", "Opportunity", "Opportunities", "006",
    (
        lookup("AccountId", "Account ID", "Account", "Account", children="Opportunities", cascade=True),
        lookup("ContactId", "Contact ID", "Contact", "Contact", fixed=True),
        lookup("CampaignId", "Campaign ID", "Campaign", "Campaign", children="Opportunities"),
        text("Name", "Name", 120, required=True),
        picklist("StageName", "Stage", *STAGES, required=True),
        currency("Amount", "Amount"), day_field("CloseDate", "Close Date", required=True),
        picklist("LeadSource", "Lead Source", *SOURCES),
        FieldDef("IsClosed", "Closed", "boolean", calculated=True, default=False),
        FieldDef("IsWon", "Won", "boolean", calculated=True, default=False),
        long_text("Description", "Description", 32_000),
    ),
)  # fmt: skip

_RELATED = ("Account", "Opportunity")
_TASK_TYPES = ("Call", "Email", "LinkedIn", "Meeting", "Demo", "Other")

TASK = ObjectDef(
    "Task", "Task", "Tasks", "00T",
    (
        lookup("WhoId", "Name ID", "Who", "Contact", "Lead", children="Tasks", cascade=True),
        lookup("WhatId", "Related To ID", "What", *_RELATED, children="Tasks", cascade=True),
        FieldDef("Subject", "Subject", "combobox", 255), day_field("ActivityDate", "Due Date Only"),
        picklist("Status", "Status", "Not Started", "In Progress", "Completed", "Waiting", "Deferred",
                 default="Not Started"),
        picklist("Priority", "Priority", "High", "Normal", "Low", default="Normal"),
        by_system(lookup("AccountId", "Account ID", "Account", "Account")),
        long_text("Description", "Description", 32_000), picklist("Type", "Type", *_TASK_TYPES),
        FieldDef("TaskSubtype", "Task Subtype", "picklist", 40, fixed=True,
                 picklist=("Task", "Call", "Email", "ListEmail", "Cadence", "LinkedIn"), default="Task"),
        picklist("CallType", "Call Type", "Internal", "Inbound", "Outbound"),
        by_system(boolean("IsClosed", "Closed")), by_system(instant_field("CompletedDateTime", "Completed Date/Time")),
        instant_field("ReminderDateTime", "Reminder Date/Time"), boolean("IsReminderSet", "Reminder Set"),
        picklist("Direction__c", "Direction", "Inbound", "Outbound"), text("Outcome__c", "Outcome"),
        key_text("Leadline_Key__c", "Leadline Key", 80),
    ),
)  # fmt: skip

EVENT = ObjectDef(
    "Event", "Event", "Events", "00U",
    (
        lookup("WhoId", "Name ID", "Who", "Contact", "Lead", children="Events", cascade=True),
        lookup("WhatId", "Related To ID", "What", *_RELATED, children="Events", cascade=True),
        FieldDef("Subject", "Subject", "combobox", 255), text("Location", "Location", 255),
        instant_field("StartDateTime", "Start Date Time", required=True),
        instant_field("EndDateTime", "End Date Time"),
        by_system(lookup("AccountId", "Account ID", "Account", "Account")),
        picklist("Type", "Type", "Meeting", "Demo", "Call", "Other"), text("Outcome__c", "Outcome"),
        long_text("Description", "Description", 32_000),
    ),
)  # fmt: skip

WEB_EVENT = ObjectDef(
    "Web_Event__c", "Web Event", "Web Events", "a0X",
    (
        by_system(text("Name", "Web Event Name", 80)), picklist("Type__c", "Type", *WEB_EVENT_TYPES),
        text("Asset__c", "Asset"), instant_field("Occurred_At__c", "Occurred At"),
        lookup("Lead__c", "Lead", "Lead__r", "Lead", children="Web_Events__r"),
        lookup("Contact__c", "Contact", "Contact__r", "Contact", children="Web_Events__r"),
        lookup("Account__c", "Account", "Account__r", "Account", children="Web_Events__r"),
        number("Page_Views__c", "Page Views", 6), number("Duration__c", "Duration (s)", 8),
    ),
)  # fmt: skip

CONTACT_ROLE = ObjectDef(
    "OpportunityContactRole", "Opportunity Contact Role", "Opportunity Contact Roles", "00K",
    (
        lookup("OpportunityId", "Opportunity ID", "Opportunity", "Opportunity", children="OpportunityContactRoles",
               fixed=True, required=True, cascade=True),
        lookup("ContactId", "Contact ID", "Contact", "Contact", children="OpportunityContactRoles",
               required=True, cascade=True),
        picklist("Role", "Role", "Business User", "Decision Maker", "Economic Buyer", "Evaluator", "Influencer",
                 "Other"),
        boolean("IsPrimary", "Primary"),
    ),
    owned=False,
)  # fmt: skip

CAMPAIGN = ObjectDef(
    "Campaign", "Campaign", "Campaigns", "701",
    (
        text("Name", "Name", 80, required=True), lookup("ParentId", "Parent Campaign ID", "Parent", "Campaign"),
        picklist("Type", "Type", "Webinar", "Email", "Content", "Trade Show", "Other"),
        picklist("Status", "Status", "Planned", "In Progress", "Completed", "Aborted", default="Planned"),
        day_field("StartDate", "Start Date"), day_field("EndDate", "End Date"), boolean("IsActive", "Active"),
        long_text("Description", "Description", 32_000),
    ),
)  # fmt: skip

MEMBER_STATUS = ObjectDef(
    "CampaignMemberStatus", "Campaign Member Status", "Campaign Member Statuses", "01Y",
    (
        lookup("CampaignId", "Campaign ID", "Campaign", "Campaign", fixed=True, required=True, cascade=True,
               children="CampaignMemberStatuses"),
        text("Label", "Label", 765, required=True), integer("SortOrder", "Sort Order"),
        boolean("IsDefault", "Is Default"), boolean("HasResponded", "Responded"),
    ),
    owned=False,
)  # fmt: skip

CAMPAIGN_MEMBER = ObjectDef(
    "CampaignMember", "Campaign Member", "Campaign Members", "00v",
    (
        lookup("CampaignId", "Campaign ID", "Campaign", "Campaign", fixed=True, required=True, cascade=True,
               children="CampaignMembers"),
        lookup("LeadId", "Lead ID", "Lead", "Lead", fixed=True, cascade=True, children="CampaignMembers"),
        lookup("ContactId", "Contact ID", "Contact", "Contact", fixed=True, cascade=True, children="CampaignMembers"),
        picklist("Status", "Status", "Sent", "Responded"),
        by_system(boolean("HasResponded", "Responded")),
        by_system(day_field("FirstRespondedDate", "First Responded Date")),
    ),
    owned=False,
)  # fmt: skip

USER = ObjectDef(
    "User", "User", "Users", "005",
    (
        text("Username", "Username", 80, required=True), *person_name(), email("Email", "Email", 128),
        boolean("IsActive", "Active"),
        picklist("UserType", "User Type", "Standard", "AutomatedProcess", default="Standard"),
        text("Title", "Title", 80), text("Alias", "Alias", 8),
    ),
    owned=False,
    deletable=False,
)  # fmt: skip

CADENCE = ObjectDef(
    "ActionCadence", "Sales Cadence", "Sales Cadences", "77B",
    (
        text("Name", "Name", 255), restricted("State", "State", "Draft", "Active", "Inactive"),
        text("Description", "Description", 255),
    ),
    writable=False,
)  # fmt: skip

TRACKER = ObjectDef(
    "ActionCadenceTracker", "Sales Cadence Tracker", "Sales Cadence Trackers", "77T",
    (
        lookup("ActionCadenceId", "Sales Cadence ID", "ActionCadence", "ActionCadence"),
        lookup("TargetId", "Target ID", "Target", "Contact", "Lead"),
        restricted("State", "State", "Initializing", "Running", "Paused", "Processing", "Complete", "Error"),
        restricted("CompletionReason", "Completion Reason", "ManuallyRemoved", "NoMoreSteps", "StepError"),
    ),
    writable=False,
)  # fmt: skip

ORGANIZATION = ObjectDef(
    "Organization", "Organization", "Organizations", "00D",
    (text("Name", "Name", 80), text("OrganizationType", "Edition", 40), boolean("IsSandbox", "Is Sandbox")),
    owned=False,
    deletable=False,
    writable=False,
)  # fmt: skip

OBJECTS: dict[str, ObjectDef] = {
    definition.name: definition
    for definition in (
        ACCOUNT, CONTACT, LEAD, OPPORTUNITY, CONTACT_ROLE, CAMPAIGN, MEMBER_STATUS, CAMPAIGN_MEMBER,
        TASK, EVENT, WEB_EVENT, USER, CADENCE, TRACKER, ORGANIZATION,
    )
}  # fmt: skip
_BY_PREFIX = {definition.prefix: definition.name for definition in OBJECTS.values()}

__all__ = ["GROUPS", "OBJECTS", "STAGES", "WEB_EVENT_TYPES", "WRITE_BACK", "cascades", "kind"]


@cache
def cascades(parent: str) -> tuple[tuple[str, str], ...]:
    """Objects and their lookups to `parent` through which they are deleted with it."""
    return tuple(
        (definition.name, field.name)
        for definition in OBJECTS.values()
        for field in definition.fields.values()
        if field.cascade and parent in field.reference_to
    )


def kind(record_id: str) -> str | None:
    """The name of the object that ids with this beginning belong to."""
    return _BY_PREFIX.get(record_id[:3])
