"""What random models and random records speak of: few words each, so that they often meet, and times on the edges."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

DAY = 86_400
NOW = 1_700_000_000
KINDS = ("pricing_page_view", "demo_request", "content_download", "webinar", "careers_page_view", "email_sent")
ASSETS = ("ROI Guide", "security whitepaper", "Case study: AP", "spec sheet", "Ökobilanz", "")
ASSET_WORDS = ("guide", "case STUDY", "sheet", "öko", "S")
INDUSTRIES = ("manufacturing", "software", "retail")
MATURITIES = ("low", "medium", "high")
COUNTRIES = ("US", "GB", "NO")
TIERS = ("A", "B", "a")
DOMAINS = ("acme.com", "ACME.COM", "öl.de", "ÖL.de", "a.c", "abc", "x[1]y", "two\nlines.com", "com")
TITLES = ("VP of Sales", "vp", "Vice President (IT)", "sales, VP of", "CFO")
TECHNOLOGIES = ("sap", "netsuite", "coupa")
SENIORITIES = ("c_suite", "vp", "manager", "student")
FUNCTIONS = ("finance", "procurement", "it", "sales")
EMAILS = ("corporate", "free", "competitor")
EMPLOYEES = (5, 9, 10, 99, 100, 150, 199, 200, 999, 1000, 5000)
REVENUES = (0, 1, 999_999, 1_000_000, 7_000_000)
GROUPS = ("priority", "qualified_review", "nurture", "investigate", "research", "poor_fit")
PARTS = ("fit", "persona", "intent", "readiness", "negative")

# Ages in days at which windows, steps, half-lives, stays and `days_since` of random models have their edges.
AGES = (-2, -1, 0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 14, 20, 29, 30, 31, 39, 40, 60, 90, 364, 365, 366, 400)
SHIFTS = (0, 1, -1, 0, 4000, -40_000)
TIMES = tuple(NOW - age * DAY + shift for age in AGES for shift in SHIFTS)
RECENT = tuple(at for at in TIMES if at > NOW - 12 * DAY)

Leaf = dict[str, Any]


def _words(field: str, words: tuple[str, ...], keys: tuple[str, ...] = ("in",)) -> Iterator[Leaf]:
    for key in keys:
        yield from ({"field": field, key: [word]} for word in words)
        yield from ({"field": field, key: list(pair)} for pair in pairwise(words))


def _texts(field: str, words: tuple[str, ...]) -> Iterator[Leaf]:
    yield from _words(field, words)
    yield from ({"field": field, "equals": word} for word in words)


def _ranges(field: str, edges: tuple[tuple[int | None, int | None], ...], key: str = "range") -> Iterator[Leaf]:
    yield from ({"field": field, key: list(pair)} for pair in edges)


def _known(*fields: str) -> Iterator[Leaf]:
    yield from ({"field": field, "known": answer} for field in fields for answer in (True, False))


SIZES = ((None, 10), (10, 200), (200, None), (100, 1000), (1000, None))
DAYS = ((0, 1), (1, None), (None, 1), (3, 10), (10, 40), (None, 30), (30, None), (0, None))
GLOBS = ("*.com", "ACME*", "*.c", "a*c", "*", "Öl*", "*[1]*", "*me*o*", "two*lines.com", "com*com")
TITLE_GLOBS = ("VP*", "* vp *", "*vp of*", "*(it)", "cfo", "*s*s*")

ACCOUNT_LEAVES: tuple[Leaf, ...] = (
    *_words("account.industry", INDUSTRIES),
    {"field": "account.industry", "equals": "software"},
    *_ranges("account.employees", SIZES),
    {"field": "account.employees", "equals": 150},
    *_ranges("account.annual_revenue", ((None, 1_000_000), (1_000_000, None), (0, 1))),
    *_texts("account.country", COUNTRIES),
    *_texts("account.target_tier", TIERS),
    *_words("account.maturity", MATURITIES),
    *_texts("account.domain", DOMAINS[:3]),
    *_words("account.technologies", TECHNOLOGIES, ("contains_any", "contains_all")),
    *_known(
        "account.industry", "account.employees", "account.country", "account.technologies", "account.target_tier",
        "account.created_at", "account.domain",
    ),
)  # fmt: skip
PERSON_LEAVES: tuple[Leaf, ...] = (
    *_words("person.seniority", SENIORITIES),
    *_words("person.function", FUNCTIONS),
    *_words("person.email_class", EMAILS),
    *_texts("person.title", TITLES[:2]),
    {"field": "person.opted_out", "equals": True},
    {"field": "person.opted_out", "equals": False},
    *_known("person.seniority", "person.function", "person.opted_out", "person.account", "person.title"),
)
# Leaves by the feature of the language that they need.
ACCOUNT_EXTRAS: dict[str, tuple[Leaf, ...]] = {
    "matches": tuple(_words("account.domain", GLOBS, ("matches",))),
    "days_since": tuple(_ranges("account.created_at", DAYS, "days_since")),
}
PERSON_EXTRAS: dict[str, tuple[Leaf, ...]] = {
    "matches": tuple(_words("person.title", TITLE_GLOBS, ("matches",))),
    "days_since": tuple(_ranges("person.created_at", DAYS, "days_since")),
}
