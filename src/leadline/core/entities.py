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

T, I, B, S, E, L, K = (
    Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.TIME, Kind.ENUM, Kind.LIST, Kind.LINK,
)  # fmt: skip

_FIRMOGRAPHIC = (
    Field("industry", E, "Industry of the company", values=INDUSTRIES),
    Field("employees", I, "Staff of the company; the middle of a range", unit="people"),
    Field("annual_revenue", I, "Yearly revenue; the middle of a range", unit="USD"),
    Field("country", T, "Country of the company, ISO 3166-1 alpha-2"),
)

FIELDS: dict[Entity, tuple[Field, ...]] = {
    Entity.ACCOUNT: (
        Field("external_id", T, "Id in another system that the CRM carries", scored=False),
        Field("name", T, "Company name", scored=False),
        Field("domain", T, "Registrable domain of the web address"),
        *_FIRMOGRAPHIC,
        Field("business_model", T, "B2B, B2C, marketplace, ..."),
        Field("technologies", L, "Technologies in use, as lower-case names"),
        Field("maturity", E, "Process maturity", values=("low", "medium", "high")),
        Field("lifecycle", E, "Relation to us", values=LIFECYCLES),
        Field("target_tier", T, "Tier on the target-account list"),
        Field("owner", K, "Salesperson who owns the account", links_to=(Entity.OWNER,), scored=False),
        Field("created_at", S, "When the record was created in the CRM", scored=False),
    ),
    Entity.PERSON: (
        Field("external_id", T, "Id in another system that the CRM carries", scored=False),
        Field("kind", E, "What the CRM calls this person", values=("lead", "contact")),
        Field("account", K, "Account the person works for", links_to=(Entity.ACCOUNT,)),
        Field("contact", K, "The contact behind a lead; both are one person", links_to=(Entity.PERSON,)),
        Field("name", T, "Full name", scored=False),
        Field("email", T, "E-mail address, lower case", scored=False),
        Field("email_class", E, "Kind of e-mail domain", values=EMAIL_CLASSES),
        Field("title", T, "Job title as written", scored=False),
        Field("seniority", E, "Level read from the title", values=SENIORITIES),
        Field("function", E, "Department read from the title", values=FUNCTIONS),
        Field("opted_out", B, "Must not be e-mailed"),
        Field("lead_source", T, "Where the person came from"),
        Field("status", T, "Lead status in the CRM", scored=False),
        Field("company", T, "Company as written on the person", scored=False),
        *_FIRMOGRAPHIC,
        Field("buying_stage", T, "Stage of the purchase, as stated"),
        Field("timeline", T, "Project timeline from a form"),
        Field("budget", T, "Budget from a form"),
        Field("urgency", T, "Urgency from a form"),
        Field("owner", K, "Salesperson who owns the person", links_to=(Entity.OWNER,), scored=False),
        Field("created_at", S, "When the record was created in the CRM", scored=False),
    ),
    Entity.ACTIVITY: (
        Field("external_id", T, "Id in another system that the CRM carries", scored=False),
        Field("kind", E, "What happened", values=ACTIVITY_KINDS),
        Field("person", K, "Who did it", links_to=(Entity.PERSON,)),
        Field("account", K, "Account it belongs to when no person is known", links_to=(Entity.ACCOUNT,)),
        Field("at", S, "When it happened"),
        Field("asset", T, "Named asset, such as a case study or calculator"),
        Field("outcome", T, "How a call or meeting ended", scored=False),
    ),
    Entity.OPPORTUNITY: (
        Field("external_id", T, "Id in another system that the CRM carries", scored=False),
        Field("name", T, "Name of the deal", scored=False),
        Field("account", K, "Account it is with", links_to=(Entity.ACCOUNT,)),
        Field("person", K, "Main contact", links_to=(Entity.PERSON,)),
        Field("stage", T, "Sales stage as the CRM names it"),
        Field("closed", B, "Is decided"),
        Field("won", B, "Was won"),
        Field("amount", I, "Value", unit="USD", scored=False),
        Field("owner", K, "Salesperson who owns the deal", links_to=(Entity.OWNER,), scored=False),
        Field("created_at", S, "When it was opened"),
    ),
    Entity.OWNER: (
        Field("name", T, "Full name", scored=False),
        Field("email", T, "E-mail address", scored=False),
        Field("active", B, "May be given work", scored=False),
        Field("user_id", T, "Id of the login, where it differs from the owner's", scored=False),
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
