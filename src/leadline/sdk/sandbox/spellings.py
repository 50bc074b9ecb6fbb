"""How people really type industries, countries, staff numbers, revenues and titles into a CRM.

Every spelling listed under a word means that word; the placeholders mean nothing at all.
"""

from __future__ import annotations

import re
from random import Random

PLACEHOLDERS = ("Select", "N/A", "unknown", "-", "TBD", "--None--")

INDUSTRIES: dict[str, tuple[str, ...]] = {
    "manufacturing": ("Manufacturing", "Mfg", "Mfg.", "MANUFACTURING", "Manufactoring", "Industrial Manufacturing"),
    "logistics": ("Logistics", "Transportation & Logistics", "Logistics/Supply Chain", "logistcs", "Freight"),
    "professional_services": ("Professional Services", "Prof. Services", "Prof Serv", "Consulting"),
    "healthcare_non_clinical": ("Healthcare", "Health Care", "Healthcare Services", "Heathcare"),
    "financial_services": ("Financial Services", "Fin Serv", "Finance", "Banking", "FinServ"),
    "insurance": ("Insurance", "Insurance Carriers"),
    "software": ("Software", "SaaS", "Computer Software", "IT Services", "Technology"),
    "retail": ("Retail", "Retail & Consumer Goods", "E-commerce", "ecommerce"),
    "education": ("Education", "Higher Education", "Education Management"),
    "government": ("Government", "Public Sector", "Govt."),
    "hospitality": ("Hospitality", "Hotels & Restaurants", "Food & Beverage"),
    "construction": ("Construction", "Building & Construction"),
    "energy": ("Energy", "Oil & Gas", "Utilities"),
    "media": ("Media", "Media & Entertainment", "Advertising"),
    "real_estate": ("Real Estate", "Property"),
    "nonprofit": ("Non-Profit", "Nonprofit", "Charity"),
    "agriculture": ("Agriculture", "Farming"),
    "telecommunications": ("Telecommunications", "Telecom", "Telco"),
}  # fmt: skip

COUNTRIES: dict[str, tuple[str, ...]] = {
    "United States": ("US", "USA", "U.S.A.", "U.S.", "United States of America", "us", "America"),
    "United Kingdom": ("UK", "U.K.", "GB", "Great Britain", "England", "united kingdom"),
    "Germany": ("DE", "Deutschland", "germany"),
    "France": ("FR", "france"),
    "Netherlands": ("NL", "The Netherlands", "Holland"),
    "Canada": ("CA", "canada", "CAN"),
    "Australia": ("AU", "AUS"),
    "India": ("IN", "IND", "india"),
    "Ireland": ("IE", "Republic of Ireland"),
    "Brazil": ("BR", "Brasil"),
    "Japan": ("JP",),
    "Nigeria": ("NG",),
    "Singapore": ("SG", "SGP"),
    "United Arab Emirates": ("UAE", "U.A.E.", "AE"),
}

_RANGES = ((1, 10), (11, 50), (51, 200), (201, 500), (501, 1000), (1001, 5000), (5001, 10000))

# Rules of title spelling: pattern, replacement. One that applies is chosen.
_TITLES: tuple[tuple[str, str], ...] = (
    (r"^VP(?: of)? (.+)$", r"Vice President, \1"),
    (r"^VP(?: of)? (.+)$", r"V.P. \1"),
    (r"^VP(?: of)? (.+)$", r"VP - \1"),
    (r"^VP(?: of)? (.+)$", r"\1 VP"),
    (r"^Director of (.+)$", r"\1 Director"),
    (r"^Director of (.+)$", r"Dir. of \1"),
    (r"^Director of (.+)$", r"Director, \1"),
    (r"^(.+) Director$", r"Director \1"),
    (r"^Head of (.+)$", r"\1 Head"),
    (r"^Head of (.+)$", r"Head, \1"),
    (r"^(.+) Manager$", r"\1 Mgr"),
    (r"^(.+) Manager$", r"Manager, \1"),
    (r"^(.+) Manager$", r"Sr. \1 Manager"),
    (r"^CFO$", "Chief Financial Officer"),
    (r"^CFO$", "C.F.O."),
    (r"^CTO$", "Chief Technology Officer"),
    (r"^CIO$", "Chief Information Officer"),
    (r"^COO$", "Chief Operating Officer"),
    (r"^CEO$", "Chief Executive Officer"),
    (r"^CEO$", "CEO / Founder"),
    (r"^(AP .+)$", r"Accounts Payable \1"),
)


def industry(word: str, rng: Random) -> str:
    """A spelling of an industry; itself when none is known."""
    return rng.choice(INDUSTRIES.get(word, (word,)))


def country(name: str, rng: Random) -> str:
    """A spelling of a country; itself when none is known."""
    return rng.choice(COUNTRIES.get(name, (name,)))


def employees(count: int, rng: Random) -> str:
    """A number of staff as text: "51-200", "51 - 200 employees", "~300", "340+", "1k+", "1,200"."""
    low, high = next(((low, high) for low, high in _RANGES if low <= count <= high), (10_001, 0))
    span = f"{low}-{high}" if high else "10000+"
    forms = [span, span.replace("-", " - ") + " employees", f"~{count}", f"{count}+", f"{count:,}"]
    if count >= 1000:
        forms.append(f"{count // 1000}k+")
    return rng.choice(forms)


def revenue(dollars: int, rng: Random) -> str:
    """A yearly revenue as text, with currency: "$12.5M", "USD 12,500,000", "$10M-$50M", "£8m"."""
    millions = dollars / 1_000_000
    forms = [f"${millions:g}M", f"USD {dollars:,}", f"{millions:g} million USD", f"£{millions:g}m", f"EUR {dollars:,}"]
    bands = ((1, 10), (10, 50), (50, 200))
    forms += [f"${low}M-${high}M" for low, high in bands if low <= millions < high]
    return rng.choice(forms)


def title(words: str, rng: Random) -> str:
    """Another way of writing a job title that means the same."""
    forms = [words.upper(), words.lower(), f" {words} "]
    forms += [re.sub(pattern, other, words) for pattern, other in _TITLES if re.search(pattern, words)]
    return rng.choice(forms)


def website(url: str, rng: Random) -> str:
    """Another way of writing a web address."""
    bare = url.removeprefix("https://").removeprefix("www.")
    return rng.choice(
        (bare, f"www.{bare}", f"http://{bare}/", f"HTTPS://WWW.{bare.upper()}", f"https://{bare}/en/home?ref=crm")
    )


def placeholder(rng: Random) -> str:
    """What a form or an import leaves where nobody knew the answer."""
    return rng.choice(PLACEHOLDERS)
