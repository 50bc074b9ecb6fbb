"""The groups of the layer, as data: who they are, what they did, and their share of the layer's leads.

`docs/sandbox.md` shows this table; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a lead may have done: `kind` and `asset` as in `world.Activity`, between
    `newest` and `oldest` days before now, with a chance in per cent."""

    kind: str
    newest: float
    oldest: float
    chance: int = 100
    asset: str | None = None
    outcome: str | None = None


CASE_STUDY, ROI_GUIDE, ROI_CALCULATOR = "Case study", "ROI guide", "ROI calculator"
SECURITY, COMPLIANCE = "Security whitepaper", "Compliance guide"
SPEC_SHEET, IMPLEMENTATION = "Spec sheet", "Implementation guide"
NAMED_ASSETS = (CASE_STUDY, ROI_GUIDE, ROI_CALCULATOR, SECURITY, COMPLIANCE, SPEC_SHEET, IMPLEMENTATION)
# Content that says little about a purchase.
GENERIC_ASSETS = ("Newsletter", "Infographic", "Industry report", "E-book: procurement trends")
WEBINARS = ("Webinar: closing the books faster", "Webinar: supplier risk", "Webinar: product tour")

NOTHING: tuple[Event, ...] = (Event("email", 10, 60, 40, outcome="no_answer"),)
LITTLE = (
    Event("website", 15, 60, 60),
    Event("content_download", 40, 100, 25, "Newsletter"),
    Event("email", 5, 40, 50, outcome="no_answer"),
    Event("generic_form", 50, 120, 15),
)
CONTENT = (
    Event("content_download", 2, 30, 100, CASE_STUDY),
    Event("content_download", 3, 40, 60, ROI_GUIDE),
    Event("content_download", 3, 40, 40, IMPLEMENTATION),
    Event("content_download", 1, 50, 50, "Industry report"),
    Event("webinar", 5, 50, 80, WEBINARS[0]),
    Event("website", 1, 30, 90),
    Event("website", 1, 30, 60),
)
BUYING = (
    Event("pricing_page", 0.2, 6),
    Event("pricing_page", 1, 12, 70),
    Event("demo_request", 0.1, 5, 85),
    Event("comparison_page", 1, 10, 60),
    Event("demo_page", 0.5, 8, 60),
    Event("trial_signup", 0.5, 9, 25),
    Event("content_download", 2, 15, 70, ROI_CALCULATOR),
    Event("content_download", 2, 20, 40, SECURITY),
    Event("content_download", 3, 20, 25, COMPLIANCE),
    Event("content_download", 2, 20, 25, SPEC_SHEET),
    Event("website", 0.2, 10, 80),
)
ONCE_HOT = (
    Event("pricing_page", 110, 200),
    Event("demo_request", 110, 190, 70),
    Event("webinar", 100, 200, 60, WEBINARS[2]),
    Event("call", 80, 120, 60, outcome="no_answer"),
)
CAREERS = (
    Event("careers_page", 1, 20),
    Event("careers_page", 1, 30, 60),
    Event("website", 1, 30, 50),
)
STUDYING = (
    Event("content_download", 2, 40, 90, "E-book: procurement trends"),
    Event("content_download", 2, 40, 40, CASE_STUDY),
    Event("website", 1, 40, 70),
    Event("pricing_page", 1, 20, 25),
)
SNOOPING = (
    Event("pricing_page", 1, 30),
    Event("comparison_page", 1, 30, 90),
    Event("content_download", 2, 30, 60, SPEC_SHEET),
)

DECIDERS = (
    "CFO", "VP Finance", "VP of Finance", "COO", "VP of Operations", "Head of Procurement", "Director of Procurement",
    "CIO", "Chief Procurement Officer", "Finance Director",
)  # fmt: skip
TEAM = (
    "Procurement Manager", "Finance Operations Manager", "AP Manager", "Operations Manager", "IT Manager",
    "Strategic Sourcing Manager", "Accounts Payable Specialist", "Buyer", "Finance Analyst",
)  # fmt: skip
OTHERS = (
    "Marketing Manager", "HR Manager", "Sales Director", "Office Manager", "Customer Success Manager",
    "Software Engineer", "Executive Assistant to CFO",
)  # fmt: skip
OWNERS = ("Founder & CEO", "Owner", "Managing Director", "Co-Founder", "CEO")
LEARNERS = (
    "Student", "MBA Student", "Finance Intern", "Intern", "Procurement Intern", "Freelancer", "Freelance Consultant",
    "Graduate Student", "Self-employed consultant",
)  # fmt: skip

CORE = ("manufacturing", "logistics", "professional_services", "healthcare_non_clinical")
ADJACENT = ("financial_services", "insurance", "construction", "energy", "retail")
FAR = (
    "education",
    "government",
    "hospitality",
    "media",
    "real_estate",
    "nonprofit",
    "agriculture",
    "telecommunications",
)
HOME = ("United States", "United Kingdom")
NEAR = ("Germany", "France", "Netherlands", "Canada", "Ireland", "Australia")
ABROAD = ("India", "Brazil", "Japan", "Nigeria", "Singapore", "United Arab Emirates")


@dataclass(frozen=True, slots=True)
class Group:
    """`share` in thousandths of the layer's leads. `staff` is the range of the companies' size.

    `mail` is corporate, free or education; `account` says whether the CRM has the company, `known`
    how many in a hundred leads belong to a contact of it. `unknown` facts are left empty or hold a
    placeholder. `forms` is the chance in per cent that a form told timeline, budget and urgency.
    `tier` is the chance of being on the target list. `also` colleagues without a lead.
    """

    name: str
    share: int
    staff: tuple[int, int]
    industries: tuple[str, ...]
    countries: tuple[str, ...]
    titles: tuple[str, ...]
    events: tuple[Event, ...]
    account: bool = True
    known: int = 75
    mail: str = "corporate"
    lifecycle: str = "prospect"
    unknown: bool = False
    forms: int = 0
    tier: int = 0
    also: tuple[str, ...] = ()


GROUPS = (
    Group("fit, hardly any interest", 180, (220, 1900), CORE, HOME, DECIDERS, LITTLE, known=90, tier=30, also=TEAM),
    Group("fit, ready to buy", 110, (220, 1900), CORE, HOME, DECIDERS, BUYING, forms=60, tier=25, also=TEAM),
    Group("fit, once hot", 40, (220, 1900), CORE, HOME, DECIDERS, ONCE_HOT, also=TEAM),
    Group("facts missing", 100, (220, 1900), CORE, HOME, DECIDERS, BUYING, unknown=True, forms=30),
    Group("half a fit, ready to buy", 100, (60, 190), (*CORE, *ADJACENT), (*HOME, *NEAR), TEAM, BUYING, forms=40),
    Group("half a fit, reading", 90, (60, 190), (*CORE, *ADJACENT), (*HOME, *NEAR), TEAM, CONTENT),
    Group("small companies", 80, (2, 40), (*CORE, *FAR, "software"), HOME, OWNERS, CONTENT, forms=20),
    Group("huge companies", 50, (6_000, 250_000), (*CORE, *ADJACENT), (*HOME, *NEAR), DECIDERS, CONTENT, tier=60,
          also=TEAM),
    Group("wrong market", 70, (50, 3_000), FAR, ABROAD, OTHERS, LITTLE),
    Group("students, interns, freelancers", 50, (1, 1), FAR, (*HOME, *ABROAD), LEARNERS, STUDYING, account=False,
          known=0, mail="education"),
    Group("free mail", 30, (10, 400), CORE, HOME, (*TEAM, *OWNERS), CONTENT, account=False, known=0, mail="free"),
    Group("careers page only", 30, (200, 2_000), (*CORE, *FAR), HOME, OTHERS, CAREERS, known=30),
    Group("competitors", 20, (40, 900), ("software",), HOME, ("Product Manager", "Sales Director", "CEO"), SNOOPING,
          lifecycle="competitor"),
    Group("partners", 10, (30, 500), ("professional_services", "software"), HOME, OWNERS, CONTENT, lifecycle="partner"),
)  # fmt: skip

# Thousandths of the layer's leads that repeat a company or a person that is there already.
DUPLICATES = 40
