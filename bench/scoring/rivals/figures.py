"""The numbers of model.yaml, as somebody would write them into a program. The standard library only.

Points are thousandths, ages whole days. Everything else about the model (who has which fact, what is
limited when) stands in each rival's own terms.
"""

DAY = 86_400
POINT = 1000

# id: kinds, points, half-life in days (0: by STEPS), window in days, cap, cap of an account
SIGNALS = {
    "demo_request": (("demo_request",), 25_000, 10, 180, 30_000, 40_000),
    "trial": (("trial_signup",), 20_000, 10, 180, 20_000, 25_000),
    "pricing": (("pricing_page_view", "demo_page_view"), 12_000, 7, 180, 18_000, 24_000),
    "comparison": (("comparison_page_view",), 8_000, 14, 180, 12_000, 16_000),
    "decision_content": (("content_download",), 7_000, 10, 180, 12_000, 16_000),
    "event": (("webinar", "event_attendance"), 5_000, 0, 365, 8_000, 12_000),
    "email_click": (("email_click",), 1_500, 5, 120, 4_000, 8_000),
    "unsubscribed": (("unsubscribe",), -10_000, 30, 365, -15_000, -20_000),
}
STEPS = {"event": ((14, 3_000), (45, 1_000))}
MIN_COUNT = {"email_click": 2}
ASSETS = {"decision_content": ("roi", "calculator", "case study", "security")}
POSITIVE = tuple(name for name, numbers in SIGNALS.items() if numbers[1] > 0)

CORE = ("manufacturing", "logistics", "healthcare", "professional_services")
NEAR = ("retail", "construction", "automotive", "pharmaceuticals", "energy", "insurance")
COUNTRIES = ("US", "CA", "GB", "IE", "AU", "NZ", "DE", "FR", "NL", "BE", "SE", "DK", "NO", "FI")
SYSTEMS = ("sap", "netsuite", "oracle", "workday")
DECIDING = ("c_suite", "vp", "director")
BUYING = ("finance", "procurement", "operations", "it", "general_management")
PERSONA = {"c_suite": 24_000, "vp": 22_000, "director": 18_000, "manager": 10_000, "individual": 4_000}
ELSEWHERE = {"c_suite": 16_000, "vp": 13_000, "director": 9_000, "manager": 5_000}

FIT = {
    "core_industry": 10_000, "near_industry": 5_000, "core_size": 9_000, "small_size": 4_000, "large_size": 6_000,
    "tiny_size": -5_000, "revenue": 3_000, "served_country": 3_000, "business_model": 2_000,
    "ready_to_automate": 3_500, "target_account": 4_000, "former_customer": -4_000,
}  # fmt: skip
OF_PEOPLE = {
    "buying_function": 4_000, "referred": 3_000, "late_stage": 4_000, "work_mail": 2_000, "urgent": 2_500,
    "budget_stated": 2_000, "opted_out": -5_000,
}  # fmt: skip
OF_ANYBODY = {"decision_maker": 5_000, "buying_function": 4_000, "referred": 3_000, "late_stage": 4_000}
COMMITTEE, COMMITTEE_PEOPLE = 5_000, 3

# What a missing fact could add to fit.
GAIN = {
    "industry": 10_000, "employees": 9_000, "annual_revenue": 3_000, "country": 3_000, "business_model": 2_000,
    "target_tier": 4_000,
}  # fmt: skip
ASKED = (
    "account.industry", "account.employees", "account.annual_revenue", "account.country", "account.business_model",
    "account.maturity", "account.technologies", "account.lifecycle",
)  # fmt: skip
ASKED_OF_PEOPLE = (*ASKED, "person.seniority", "person.function")
REASONS = ("Competitor", "Writes from a competitor", "Student")

# part: lowest and highest value
LIMITS = {"fit": (0, 40_000), "persona": (0, 30_000), "intent": (0, 40_000), "negative": (-30_000, 0)}
TOTAL = (0, 100_000)
HYSTERESIS = 3
# group, then dimension: low, high; points and percent
GROUPS = (
    ("priority", {"score": (60, None), "fit": (20, None)}),
    ("qualified_review", {"intent": (15, None), "fit": (15, None)}),
    ("nurture", {"fit": (20, None)}),
    ("research", {"fit_max": (20, None), "completeness": (None, 70)}),
    ("poor_fit", {}),
)

# Segments by number, 0 being none: their conditions, and what is other than above.
SEGMENTS = (None, "enterprise", "small", "finance")
LARGE, SMALL, FINANCE = 2_000, 50, ("financial_services", "insurance")
SEGMENT_POINTS = {
    "large_size": {1: 9_000}, "buying_group": {1: 8_000}, "served_country": {2: 1_500}, "near_industry": {3: 8_000},
    "revenue": {3: 5_000},
}  # fmt: skip
SEGMENT_GAIN = {"country": {2: 1_500}, "annual_revenue": {3: 5_000}}
SEGMENT_LIMITS = {"persona": {2: (0, 24_000)}}
SEGMENT_HYSTERESIS = {3: 5}
SEGMENT_GROUPS = {
    1: (
        ("priority", {"score": (70, None), "fit": (25, None)}),
        ("qualified_review", {"intent": (20, None), "fit": (20, None)}),
        ("nurture", {"fit": (20, None)}),
        ("research", {"fit_max": (25, None), "completeness": (None, 80)}),
        ("poor_fit", {}),
    ),
    2: (
        ("priority", {"score": (45, None), "fit": (10, None)}),
        ("qualified_review", {"intent": (15, None), "fit": (8, None)}),
        ("nurture", {"fit": (10, None)}),
        ("research", {"fit_max": (10, None), "completeness": (None, 60)}),
        ("poor_fit", {}),
    ),
}

SCORES = (
    "uid", "segment", "score", "fit", "fit_max", "persona", "intent", "negative", "completeness", "missing_fields",
    "disqualified", "disqualify_reasons", "group",
)  # fmt: skip
PERSON_RULES = (*FIT, "persona", *OF_PEOPLE, *SIGNALS)
ACCOUNT_RULES = (*FIT, "persona", *OF_ANYBODY, *SIGNALS, "buying_group")


def placing(segment: int) -> tuple[tuple, int]:
    """Groups and hysteresis of a segment."""
    return SEGMENT_GROUPS.get(segment, GROUPS), SEGMENT_HYSTERESIS.get(segment, HYSTERESIS)


def worth(signal: str, day: int) -> int:
    """Thousandths of one event of that age, inside the window."""
    _, points, half_life, *_ = SIGNALS[signal]
    if half_life:
        return round(points * 2.0 ** (-day / half_life))
    for start, then in STEPS[signal]:
        points = then if day >= start else points
    return points


def joined(words: tuple[str, ...], bits: int) -> str:
    """Those words whose bit is set."""
    return ";".join(word for position, word in enumerate(words) if bits >> position & 1)
