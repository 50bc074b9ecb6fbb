"""The canonical model: what every CRM's records become.

One table of fields per entity. Everything that needs to know a field (mapping check, store tables,
scoring frames, docs) reads it here. Times are whole seconds since 1970 UTC, money is whole US
dollars, enumerated values are lower-case words with underscores.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Entity(StrEnum):
    """The kinds of record that Leadline keeps."""

    ACCOUNT = "account"
    PERSON = "person"
    ACTIVITY = "activity"
    OPPORTUNITY = "opportunity"
    OWNER = "owner"


class Kind(StrEnum):
    """How a canonical value is stored."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"  # seconds since 1970 UTC
    ENUM = "enum"
    LIST = "list"  # of text, sorted, without repeats
    LINK = "link"  # another record of the same connection, by uid


@dataclass(frozen=True, slots=True)
class Field:
    """One canonical field. `scored` fields re-score the record when they change."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    values: tuple[str, ...] = ()
    links_to: tuple[Entity, ...] = ()
    scored: bool = True


SENIORITIES = ("c_suite", "vp", "director", "manager", "individual", "freelancer", "intern", "student")
FUNCTIONS = (
    "revops", "sales", "marketing", "finance", "it", "operations", "procurement", "hr",
    "engineering", "product", "legal", "general_management", "other",
)  # fmt: skip
EMAIL_CLASSES = ("corporate", "free", "disposable", "competitor", "education")
LIFECYCLES = ("prospect", "customer", "partner", "competitor", "former_customer")
INDUSTRIES = (
    "manufacturing", "financial_services", "healthcare", "logistics", "professional_services",
    "software", "retail", "education", "government", "energy", "construction", "media",
    "telecommunications", "real_estate", "hospitality", "agriculture", "nonprofit", "automotive",
    "pharmaceuticals", "insurance", "other",
)  # fmt: skip
ACTIVITY_KINDS = (
    "pricing_page_view", "demo_page_view", "demo_request", "comparison_page_view",
    "content_download", "generic_content", "trial_signup", "web_session", "email_open",
    "email_click", "email_reply", "email_sent", "webinar", "event_attendance",
    "form_submission", "generic_form", "product_usage", "meeting", "call", "call_inbound",
    "social_message", "social_reply", "careers_page_view", "unsubscribe",
)  # fmt: skip

_T, _I, _B, _S, _E, _L, _K = (
    Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.TIME, Kind.ENUM, Kind.LIST, Kind.LINK,
)  # fmt: skip

_FIRMOGRAPHIC = (
    Field("industry", _E, "Industry of the company", values=INDUSTRIES),
    Field("employees", _I, "Staff of the company; the middle of a range", unit="people"),
    Field("annual_revenue", _I, "Yearly revenue; the middle of a range", unit="USD"),
    Field("country", _T, "Country of the company, ISO 3166-1 alpha-2"),
)

FIELDS: dict[Entity, tuple[Field, ...]] = {
    Entity.ACCOUNT: (
        Field("external_id", _T, "Id in another system that the CRM carries", scored=False),
        Field("name", _T, "Company name", scored=False),
        Field("domain", _T, "Registrable domain of the web address"),
        *_FIRMOGRAPHIC,
        Field("business_model", _T, "B2B, B2C, marketplace, ..."),
        Field("technologies", _L, "Technologies in use, as lower-case names"),
        Field("maturity", _E, "Process maturity", values=("low", "medium", "high")),
        Field("lifecycle", _E, "Relation to us", values=LIFECYCLES),
        Field("target_tier", _T, "Tier on the target-account list"),
        Field("owner", _K, "Salesperson who owns the account", links_to=(Entity.OWNER,), scored=False),
        Field("created_at", _S, "When the record was created in the CRM"),
    ),
    Entity.PERSON: (
        Field("external_id", _T, "Id in another system that the CRM carries", scored=False),
        Field("kind", _E, "What the CRM calls this person", values=("lead", "contact")),
        Field("account", _K, "Account the person works for", links_to=(Entity.ACCOUNT,)),
        Field("contact", _K, "The contact behind a lead; both are one person", links_to=(Entity.PERSON,)),
        Field("converted", _B, "Was converted, and takes no more changes; `contact` is who it became", scored=False),
        Field("name", _T, "Full name", scored=False),
        Field("email", _T, "E-mail address, lower case", scored=False),
        Field("email_class", _E, "Kind of e-mail domain", values=EMAIL_CLASSES),
        Field("title", _T, "Job title as written"),
        Field("seniority", _E, "Level read from the title", values=SENIORITIES),
        Field("function", _E, "Department read from the title", values=FUNCTIONS),
        Field("opted_out", _B, "Must not be e-mailed"),
        Field("lead_source", _T, "Where the person came from"),
        Field("campaign", _T, "Campaign that brought the person"),
        Field("offer", _T, "What the person answered to: the offer of a form or page"),
        Field("use_case", _T, "What the person wants it for, as stated"),
        Field("status", _T, "Lead status in the CRM", scored=False),
        Field("company", _T, "Company as written on the person"),
        *_FIRMOGRAPHIC,
        Field("buying_stage", _T, "Stage of the purchase, as stated"),
        Field("timeline", _T, "Project timeline from a form"),
        Field("budget", _T, "Budget from a form"),
        Field("urgency", _T, "Urgency from a form"),
        Field("owner", _K, "Salesperson who owns the person", links_to=(Entity.OWNER,), scored=False),
        Field("created_at", _S, "When the record was created in the CRM"),
    ),
    Entity.ACTIVITY: (
        Field("external_id", _T, "Id in another system that the CRM carries", scored=False),
        Field("kind", _E, "What happened", values=ACTIVITY_KINDS),
        Field("person", _K, "Who did it", links_to=(Entity.PERSON,)),
        Field("account", _K, "Account it belongs to when no person is known", links_to=(Entity.ACCOUNT,)),
        Field("at", _S, "When it happened"),
        Field("asset", _T, "Named asset, such as a case study or calculator"),
        Field("outcome", _T, "How a call or meeting ended", scored=False),
    ),
    Entity.OPPORTUNITY: (
        Field("external_id", _T, "Id in another system that the CRM carries", scored=False),
        Field("name", _T, "Name of the deal", scored=False),
        Field("account", _K, "Account it is with", links_to=(Entity.ACCOUNT,)),
        Field("person", _K, "Main contact", links_to=(Entity.PERSON,)),
        Field("stage", _T, "Sales stage as the CRM names it"),
        Field("closed", _B, "Is decided"),
        Field("won", _B, "Was won"),
        Field("amount", _I, "Value", unit="USD", scored=False),
        Field("owner", _K, "Salesperson who owns the deal", links_to=(Entity.OWNER,), scored=False),
        Field("created_at", _S, "When it was opened"),
    ),
    Entity.OWNER: (
        Field("name", _T, "Full name", scored=False),
        Field("email", _T, "E-mail address", scored=False),
        Field("active", _B, "May be given work", scored=False),
        Field("user_id", _T, "Id of the login, where it differs from the owner's", scored=False),
    ),
}  # fmt: skip


def field(entity: Entity, name: str) -> Field:
    """The field of that name; KeyError when the entity has none."""
    for candidate in FIELDS[entity]:
        if candidate.name == name:
            return candidate
    raise KeyError(f"{entity}.{name}")


def uid(connection: str, object: str, record_id: str) -> str:
    """The engine's name of a record: `connection/Object/id`, unique in a deployment."""
    return f"{connection}/{object}/{record_id}"
