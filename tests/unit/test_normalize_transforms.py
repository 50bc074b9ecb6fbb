"""What each transform makes of the spellings that CRMs are full of. None: cannot be placed, so it is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.core.entities import INDUSTRIES, Kind
from leadline.core.normalize.countries import CODES
from leadline.core.normalize.text import clean
from leadline.core.normalize.transforms import TRANSFORMS, Context


def read(name: str, raw: Any, **context: Any) -> Any:
    value = clean(raw)
    return None if value is None else TRANSFORMS[name].apply(value, Context(**context))


EMPLOYEES = {
    "340": 340, "340.0": 340, "1,234": 1234, "1.000": 1000, "1 200": 1200, "10 000": 10_000, "5.5k": 5500,
    "51-200": 125, "51 – 200": 125, "201 - 500 Mitarbeiter": 350, "1,001 to 5,000": 3000, "1.000-4.999": 2999,
    "1-10 employees": 5, "(51-200)": 125, "11 bis 50": 30, "between 50 and 100": 75, "1k-5k": 3000, "1-5k": 3000,
    "5001–10000": 7500, "200-499": 349, "1k+": 1000, "10,000+": 10_000, "10.000+": 10_000, "100K+": 100_000,
    "2000+": 2000, "more than 1000": 1000, "500 or more": 500, "over 10k": 10_000, "> 250": 250, "~300": 300,
    "ca. 250": 250, "approx. 1,500 people": 1500, "250 FTE": 250, "<50": 25, "up to 50": 25, "bis zu 50": 25,
    "self-employed": 1, "just me": 1, "Nov-50": 30, "10-Feb": 6, "2-Oct": 6, "0": None, "-5": None, "- 5": None,
    "lots": None, "SMB": None, "2024-01-01": None, "12345678": None, "200-100": None, "51-200-500": None,
    "call 555-1234": None, "Select": None, "N/A": None, "unknown": None, "-": None, "": None,
}  # fmt: skip

MONEY = {
    "$10M-$50M": 30_000_000, "$1M-$10M": 5_500_000, "$200M+": 200_000_000, "> $1B": 1_000_000_000,
    "10-50M USD": 30_000_000, "$1-5M": 3_000_000, "$1M to $5M": 3_000_000, "$10,000,000 - $50,000,000": 30_000_000,
    "EUR 3,5 Mio": 3_780_000, "2,5 Mrd. EUR": 2_700_000_000, "1.200.000 €": 1_296_000,
    "1.234.567,89 EUR": 1_333_333, "10 Mio. EUR Umsatz": 10_800_000, "5 MEUR": 5_400_000, "€1bn+": 1_080_000_000,
    "USD 1.2bn": 1_200_000_000, "£2m": 2_560_000, "£1.5 - £2.5 million": 2_560_000, "CHF 1'200'000": 1_368_000,
    "CA$5m": 3_650_000, "A$ 10 million": 6_600_000, "¥500M": 3_300_000, "R$ 3 mi": 558_000, "zł 3 mln": 753_000,
    "12 crore INR": 1_440_000, "Rs. 50 Cr": 6_000_000, "5 lakh INR": 6_000, "1.5 million": 1_500_000,
    "USD 500K": 500_000, "500k$": 500_000, "$50 mm": 50_000_000, "under $1M": 500_000, "less than $500k": 250_000,
    "$1,234,567.89": 1_234_567, "5000000": 5_000_000, "5000000.0": 5_000_000, "1,200": 1200, "1.200": 1200,
    "1.200 bn": 1_200_000_000, "$100M annually": 100_000_000, "$0": 0, "kr 500": None, "XAU 5": None, "abc": None,
    "a lot of money": None, "-5": None, "n/a": None,
}  # fmt: skip

COUNTRIES = {
    "US": "US", "usa": "US", "U.S.A.": "US", "u s": "US", "United States": "US", "united states of america": "US",
    "Untied States": "US", "Unites States of America": "US", "USA - West": "US", "California, USA": "US",
    "Texas": "US", "Estados Unidos": "US", "UK": "GB", "U.K.": "GB", "Great Britian": "GB", "England": "GB",
    "Unted Kingdom": "GB", "Germany": "DE", "GERMANY": "DE", "Deutschland": "DE", "Germny": "DE", "Allemagne": "DE",
    "DEU": "DE", "Berlin, Germany": "DE", "Germany (DE)": "DE", "Österreich": "AT", "Austira": "AT",
    "Schweiz": "CH", "Swtizerland": "CH", "The Netherlands": "NL", "Holland": "NL",
    "Netherlands, Kingdom of the": "NL", "España": "ES", "Kingdom of Spain": "ES", "Brasil": "BR", "Viet Nam": "VN",
    "Korea, Republic of": "KR", "South Korea": "KR", "Noth Korea": "KP",
    "Korea, Democratic People's Republic of": "KP", "Congo, The Democratic Republic of The": "CD", "Congo": "CG",
    "Niger": "NE", "Nigeria": "NG", "Nigera": "NG", "Republic of Cuba": "CU",
    "Islamic Republic of Mauritania": "MR", "Federal Republic of Nigeria": "NG", "Türkiye": "TR", "Turkey": "TR",
    "Ivory Coast": "CI", "Czech Republic": "CZ", "Swaziland": "SZ", "Virgin Islands, U.S.": "VI", "Georgia": "GE",
    "NO": "NO", "Norge": "NO", "中国": "CN", "Россия": "RU", "EMEA": None, "Europe": None, "North America": None,
    "Worldwide": None, "Moon": None, "United": None, "asdasd": None, "NA": None, "-- Select --": None,
}  # fmt: skip

INDUSTRY = {
    "Manufacturing": "manufacturing", "Manufactoring": "manufacturing", "mfg.": "manufacturing",
    "Machinery": "manufacturing", "MECHANICAL_OR_INDUSTRIAL_ENGINEERING": "professional_services",
    "Maschinenbau": "manufacturing", "Fin Serv": "financial_services", "FinServ": "financial_services",
    "Financial Servcies": "financial_services", "Banking": "financial_services", "FinTech": "financial_services",
    "helthcare": "healthcare", "Heath Care": "healthcare", "healthcare_non_clinical": "healthcare",
    "HOSPITAL_HEALTH_CARE": "healthcare", "Healthcare IT": "healthcare", "Logisitcs": "logistics",
    "LOGISTICS_AND_SUPPLY_CHAIN": "logistics", "Transportation": "logistics",
    "professional_services": "professional_services", "Prof. Services": "professional_services",
    "Law": "professional_services", "MANAGEMENT_CONSULTING": "professional_services",
    "Consulting": "professional_services", "SaaS": "software", "Computer Software": "software",
    "COMPUTER_SOFTWARE": "software", "I.T.": "software", "Hi-Tech": "software", "Softwear": "software",
    "INFORMATION_TECHNOLOGY_AND_SERVICES": "software", "Retail": "retail", "Retal": "retail",
    "e-commerce": "retail", "Higher Education": "education", "Eductaion": "education", "E_LEARNING": "education",
    "Public Sector": "government", "LAW_ENFORCEMENT": "government", "Oil & Gas": "energy", "Utilities": "energy",
    "Constuction": "construction", "CIVIL_ENGINEERING": "construction", "Media": "media",
    "MARKETING_AND_ADVERTISING": "media", "Telcom": "telecommunications", "Communications": "telecommunications",
    "Real-Estate": "real_estate", "COMMERCIAL_REAL_ESTATE": "real_estate", "Hospitality": "hospitality",
    "LEISURE_TRAVEL_TOURISM": "hospitality", "Agricultrue": "agriculture", "Not For Profit": "nonprofit",
    "NON_PROFIT_ORGANIZATION_MANAGEMENT": "nonprofit", "Automobile": "automotive",
    "Automotive Manufacturing": "automotive", "Pharma": "pharmaceuticals", "Biotechnology": "pharmaceuticals",
    "Insurence": "insurance", "Health Insurance": "insurance", "Other": "other", "Widgets": None, "Blah": None,
    "???": None, "Select": None,
}  # fmt: skip

TIMES = {
    "2024-01-05T10:00:00Z": "2024-01-05T10:00:00", "2024-01-05T10:00:00.000+0000": "2024-01-05T10:00:00",
    "2024-01-05T10:00:00+02:00": "2024-01-05T08:00:00", "2024-01-05T10:00:00": "2024-01-05T10:00:00",
    "2024-01-05 10:00:00 UTC": "2024-01-05T10:00:00", "2024-01-05T10:00:00.999999Z": "2024-01-05T10:00:00",
    "2024-01-05": "2024-01-05T00:00:00", "20240105": "2024-01-05T00:00:00", "2024/01/05": "2024-01-05T00:00:00",
    "1704448800000": "2024-01-05T10:00:00", "1704448800": "2024-01-05T10:00:00",
    "05.01.2024": "2024-01-05T00:00:00", "5.1.2024 13:45": "2024-01-05T13:45:00",
    "13/01/2024": "2024-01-13T00:00:00", "01/13/2024 1:05 pm": "2024-01-13T13:05:00",
    "02/02/2024": "2024-02-02T00:00:00", "Jan 5, 2024": "2024-01-05T00:00:00",
    "5 January 2024": "2024-01-05T00:00:00", "03/04/2024": None, "0001-01-01": None, "1900-01-01": None,
    "2999-12-31": None, "4000-12-31": None, "2024-02-30": None, "2024-13-01": None, "yesterday": None, "N/A": None,
}  # fmt: skip

DOMAINS = {
    "https://www.acme.co.uk/about?x=1": "acme.co.uk", "ACME.COM": "acme.com",
    "http://shop.acme.com:8080/": "acme.com", "www.acme.de": "acme.de", "info@acme.com": "acme.com",
    "http:/acme.com": "acme.com", "https//acme.com": "acme.com", "htttp://acme.com": "acme.com",
    "http://http://acme.com": "acme.com", "//acme.org": "acme.org", "https://acme.github.io": "acme.github.io",
    "bücher.de": "xn--bcher-kva.de", "acme.com, acme.de": "acme.com", "WWW.Acme.Com.": "acme.com",
    "acme.example": "acme.example", "a.b.city.kawasaki.jp": "city.kawasaki.jp", "acme": None, "acme inc": None,
    "localhost": None, "192.168.1.1": None, "co.uk": None, "acme..com": None, "linkedin.com/company/acme": None,
    "https://www.facebook.com/acme": None, "n/a": None,
}  # fmt: skip

EMAILS = {
    "Bob@Acme.COM": "bob@acme.com", "Bob <BOB@Acme.com>": "bob@acme.com", "mailto:a.b@x.co": "a.b@x.co",
    "a@x.com; b@y.com": "a@x.com", "o'brien@acme.com": "o'brien@acme.com", "bob@bücher.de": "bob@xn--bcher-kva.de",
    "bob@acme": None, "bob @acme.com": None, "bob@@acme.com": None, "noemail@acme.com": None, "test@test.com": None,
    "bob": None,
}  # fmt: skip

EMAIL_CLASSES = {
    "a@acme.com": "corporate", "a@gmail.com": "free", "a@yahoo.co.uk": "free", "a@hotmail.fr": "free",
    "a@web.de": "free", "gmail.com": "free", "a@livestream.com": "corporate", "a@unilever.com": "corporate",
    "a@uniper.energy": "corporate", "a@mailinator.com": "disposable", "a@sub.yopmail.com": "disposable",
    "a@stanford.edu": "education", "a@cs.ox.ac.uk": "education", "a@student.monash.edu.au": "education",
    "a@tu-berlin.de": "education", "a@uni-muenchen.de": "education", "a@rival.com": "competitor",
    "a@mail.rival.com": "competitor", "a@notrival.com": "corporate", "nobody": None,
}  # fmt: skip

TABLES: dict[str, dict[str, Any]] = {
    "employees": EMPLOYEES, "money": MONEY, "country": COUNTRIES, "industry": INDUSTRY, "domain": DOMAINS,
    "email": EMAILS,
    "text": {
        " a   b\n c ": "a b c", "\u200bx y\ufeff": "x y", "tEst": None, "Stiftung Warentest": "Stiftung Warentest",
    },
    "lower": {"ABC Def": "abc def", "ÄÖ": "äö"},
    "integer": {"1,234": 1234, "1.234": 1234, "12.7": 12, "-5": -5, "5e3": None, "many": None, "12 apples": None},
    "boolean": {"TRUE": True, "yes": True, "1": True, "ja": True, "False": False, "No": False, "0": False,
                "maybe": None},
    "list": {
        "B; a ;b": ("a", "b"), "Zoho, SAP|sap": ("sap", "zoho"), "xx;N/A;y y": ("y y",), "one": ("one",), "n/a": None,
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("transform", "raw", "expected"),
    [(name, raw, want) for name, table in TABLES.items() for raw, want in table.items()],
)
def test_transform_reads(transform: str, raw: str, expected: Any) -> None:
    assert read(transform, raw) == expected


@pytest.mark.parametrize(("raw", "expected"), TIMES.items())
def test_time_reads(raw: str, expected: str | None) -> None:
    seconds = None if expected is None else int(datetime.fromisoformat(expected).replace(tzinfo=UTC).timestamp())

    assert read("time", raw) == seconds


@pytest.mark.parametrize(("raw", "expected"), EMAIL_CLASSES.items())
def test_email_class_reads(raw: str, expected: str | None) -> None:
    assert read("email_class", raw, competitor_domains=frozenset({"rival.com"})) == expected


def test_every_transform_is_in_a_table() -> None:
    elsewhere = {"time", "email_class", "option", "seniority", "function"}

    assert set(TABLES) | elsewhere == set(TRANSFORMS)


@pytest.mark.parametrize(
    ("transform", "raw", "expected"),
    [
        ("employees", 340, 340),
        ("employees", 340.0, 340),
        ("employees", 0, None),
        ("employees", float("inf"), None),
        ("money", 1_234_567.89, 1_234_567),
        ("money", -1, None),
        ("integer", 12.9, 12),
        ("integer", True, None),
        ("boolean", True, True),
        ("boolean", 0, False),
        ("time", 1_704_448_800_000, 1_704_448_800),
        ("time", 1_704_448_800, 1_704_448_800),
        ("time", True, None),
        ("text", 5.0, "5"),
        ("text", False, "false"),
        ("text", ["a", "b"], "a, b"),
        ("text", {"street": "x"}, None),
        ("list", ["B", "a", None, "b"], ("a", "b")),
    ],
)
def test_json_values_that_are_not_text(transform: str, raw: Any, expected: Any) -> None:
    assert read(transform, raw) == expected


def test_option_takes_a_fields_words_in_any_spelling() -> None:
    words = ("former_customer", "customer")

    assert [
        read("option", raw, values=words) for raw in ("Former Customer", "former-customer", "CUSTOMER", "client")
    ] == [
        "former_customer",
        "former_customer",
        "customer",
        None,
    ]


def test_money_without_a_currency_takes_the_given_one() -> None:
    assert read("money", "1,000", currency="EUR") == 1080
    assert read("money", 1000, currency="EUR") == 1080
    assert read("money", "$1,000", currency="EUR") == 1000


def test_countries_are_all_249_and_know_themselves() -> None:
    assert len(CODES) == 249
    assert all(read("country", code) == code for code in CODES - {"NA"})


def test_canonical_values_are_their_own_reading() -> None:
    assert [read("industry", word) for word in INDUSTRIES] == list(INDUSTRIES)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40), name=st.sampled_from(sorted(TRANSFORMS)))
def test_no_text_makes_a_transform_fail_or_give_another_kind(text: str, name: str) -> None:
    kinds = {Kind.TEXT: str, Kind.ENUM: str, Kind.INTEGER: int, Kind.TIME: int, Kind.BOOLEAN: bool, Kind.LIST: tuple}
    value = read(name, text)

    assert value is None or isinstance(value, kinds[TRANSFORMS[name].kind])
    if TRANSFORMS[name].values and value is not None:
        assert value in TRANSFORMS[name].values


@pytest.mark.parametrize(
    "raw",
    ["Select", "- Select -", "N/A", "n.a.", "unknown", " - ", "--None--", "TBD", "keine Angabe", "???", "\u200b", ""],
)
def test_placeholders_are_missing(raw: str) -> None:
    assert clean(raw) is None


@pytest.mark.parametrize("raw", ["Selecta Ltd", "Unknown Worlds", "NATO", "None Such Records Ltd", "0", "no"])
def test_words_that_only_look_like_placeholders_stay(raw: str) -> None:
    assert clean(raw) == raw
