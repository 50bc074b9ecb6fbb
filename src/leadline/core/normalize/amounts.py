"""Head counts and sums of money as people write them -> whole numbers.

A range becomes its middle, rounded down. An open end ("1k+", "> $1B") keeps the bound, because that
much is known. "Up to 50" and "< 50" become the middle between nothing and the bound.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from leadline.core.normalize.text import fold

MOST_EMPLOYEES = 5_000_000
MOST_MONEY = 10**13

# US dollars per unit: yearly averages of 2024, rounded. Fixed, so that a score does not move with the markets.
CURRENCIES: dict[str, Decimal] = {
    code: Decimal(factor)
    for code, factor in {
        "USD": "1", "EUR": "1.08", "GBP": "1.28", "CHF": "1.14", "JPY": "0.0066", "CNY": "0.139", "INR": "0.012",
        "CAD": "0.73", "AUD": "0.66", "NZD": "0.605", "SEK": "0.095", "NOK": "0.093", "DKK": "0.145", "PLN": "0.251",
        "CZK": "0.043", "HUF": "0.00274", "RON": "0.217", "BGN": "0.553", "ISK": "0.00725", "TRY": "0.0305",
        "ILS": "0.27", "AED": "0.2723", "SAR": "0.2666", "QAR": "0.2747", "KWD": "3.26", "ZAR": "0.0546",
        "NGN": "0.00068", "KES": "0.0074", "EGP": "0.022", "BRL": "0.186", "MXN": "0.0547", "ARS": "0.0011",
        "CLP": "0.00106", "COP": "0.000246", "PEN": "0.266", "SGD": "0.748", "HKD": "0.128", "TWD": "0.0311",
        "KRW": "0.000733", "THB": "0.0283", "MYR": "0.219", "IDR": "0.000063", "PHP": "0.0175", "VND": "0.00004",
        "PKR": "0.0036", "UAH": "0.0249", "RUB": "0.0108",
    }.items()
}  # fmt: skip

_SIGNS = {
    "us$": "USD", "usd$": "USD", "ca$": "CAD", "c$": "CAD", "au$": "AUD", "a$": "AUD", "nz$": "NZD", "s$": "SGD",
    "sg$": "SGD", "hk$": "HKD", "nt$": "TWD", "mx$": "MXN", "r$": "BRL", "cn¥": "CNY", "rmb": "CNY", "jp¥": "JPY",
    "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₪": "ILS", "₺": "TRY", "₽": "RUB", "₴": "UAH",
    "zł": "PLN", "zl": "PLN", "kč": "CZK", "ft": "HUF", "rs.": "INR", "rs": "INR", "fr.": "CHF", "sfr": "CHF",
    "euros": "EUR", "euro": "EUR", "pounds": "GBP", "pound": "GBP", "sterling": "GBP", "dollars": "USD",
    "dollar": "USD", "yen": "JPY", "rupees": "INR", "$": "USD",
}  # fmt: skip


def _sign_pattern(sign: str) -> str:
    """A sign that starts or ends with a letter must not be part of a longer word."""
    before = r"(?<![a-z])" if sign[0].isalpha() else ""
    return before + re.escape(sign) + (r"(?![a-z])" if sign[-1].isalpha() else "")


_SIGN = re.compile("|".join(map(_sign_pattern, sorted(_SIGNS, key=len, reverse=True))))
_CODE = re.compile(rf"(?<![a-z])(k|m|mn|mio|bn|b)?({'|'.join(CURRENCIES).lower()})(?![a-z])\$?")

_SUFFIXES = {
    "k": 10**3, "thousand": 10**3, "thousands": 10**3, "thsd": 10**3, "tsd": 10**3, "tausend": 10**3, "mil": 10**6,
    "m": 10**6, "mm": 10**6, "mn": 10**6, "mln": 10**6, "mio": 10**6, "million": 10**6, "millions": 10**6,
    "millionen": 10**6, "millones": 10**6, "b": 10**9, "bn": 10**9, "bln": 10**9, "billion": 10**9,
    "billions": 10**9, "mrd": 10**9, "md": 10**9, "mds": 10**9, "milliard": 10**9, "milliards": 10**9,
    "milliarden": 10**9, "t": 10**12, "tn": 10**12, "trillion": 10**12, "lakh": 10**5, "lakhs": 10**5, "lac": 10**5,
    "crore": 10**7, "crores": 10**7, "cr": 10**7, "mi": 10**6, "bi": 10**9,
}  # fmt: skip

_SUFFIX = "|".join(sorted(_SUFFIXES, key=len, reverse=True))
_DIGITS = r"\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d+)?"
_NUMBER = re.compile(rf"(?P<digits>{_DIGITS})\s*(?:(?P<suffix>{_SUFFIX})(?![a-z])\.?)?", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*(?:-|–|—|−|~|\.\.+|…|/|to|bis|and|und|through|thru|until|till|à|a)\s*", re.IGNORECASE)
_AT_LEAST = re.compile(
    r">=?|≥|\+|\bplus\b|\bor more\b|\band (?:up|above|over|more)\b|\bmore than\b|\bover\b|\babove\b|\bat least\b|\bab\b"
    r"|\bgreater than\b|\bmin\.?(?![a-z])|\bminimum\b|\bmehr als\b|\büber\b|\bplus de\b|\bm[aá]s de\b"
)
_AT_MOST = re.compile(
    r"<=?|≤|\bup to\b|\bless than\b|\bfewer than\b|\bunder\b|\bbelow\b|\bat most\b|\bmax\.?(?![a-z])|\bmaximum\b"
    r"|\bbis zu\b|\bweniger als\b|\bunter\b|\bmoins de\b|\bmenos de\b"
)
_NEGATIVE = re.compile(r"\s*[-−]\s*\d")
_ROUGHLY = re.compile(
    r"[~≈±]|\b(?:approx(?:imately)?|about|around|circa|ca|c|roughly|nearly|almost|est|estimated|between|from|von|zwischen"
    r"|rund|etwa|environ|de|entre)\b\.?"
)
_PEOPLE = re.compile(
    r"\b(?:employees?|emp|empl|people|persons?|staff|members?|head ?count|heads?|workers?|ftes?|full[- ]time|total|in"
    r"|of|worldwide|globally|global|company|team|size|mitarbeiter(?:innen|in|n)?|besch[aä]ftigte|personen|ma|empleados"
    r"|employ[eé]s?|salari[eé]s|personnes|dipendenti|medewerkers|anst[aä]llda)\b\.?:?"
)
_MONEY_WORDS = re.compile(
    r"\b(?:annual(?:ly)?|yearly|revenues?|turnover|sales|umsatz|arr|per|year|p\.?a|a|in|of|total|fy\s?\d{2,4})\b\.?:?"
)
# Spreadsheets turn "11-50" into "Nov-50" and "2-10" into "10-Feb" or "2-Oct".
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9,
    "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_SHEET_DATE = re.compile(r"^(?:(\d{1,2})-([a-z]{3})|([a-z]{3})-(\d{2}))$", re.IGNORECASE)
_ALONE = frozenset({"self employed", "selfemployed", "sole proprietor", "just me", "myself", "only me", "one", "solo"})


class _Amount(NamedTuple):
    low: Decimal
    high: Decimal | None  # None: no upper end was given
    rest: str  # what was neither number nor known word


@lru_cache(maxsize=16_384)
def employees(text: str) -> int | None:
    """Number of people; None when it cannot be read or is not plausible (below 1 or above 5 million)."""
    if fold(text) in _ALONE:
        return 1
    amount = _amount(_PEOPLE.sub(" ", _undo_sheet_date(text.lower())))
    if amount is None or amount.rest:
        return None
    count = _middle(amount)
    return count if 1 <= count <= MOST_EMPLOYEES else None


@lru_cache(maxsize=16_384)
def money(text: str, currency: str = "USD") -> int | None:
    """Whole US dollars; `currency` is assumed when none is written. None when it cannot be read."""
    lowered, written = _currency(text.lower())
    amount = _amount(_MONEY_WORDS.sub(" ", lowered))
    if amount is None or amount.rest:
        return None
    factor = CURRENCIES[written or currency]
    dollars = int(_exact_middle(amount) * factor)
    return dollars if 0 <= dollars <= MOST_MONEY else None


def integer(text: str) -> int | None:
    """A whole number; decimals are cut off. None when it is anything else."""
    negative = text.startswith(("-", "−"))
    match = _NUMBER.fullmatch(text.lstrip("-−+ "))
    if match is None:
        return None
    value = int(_value(match))
    return -value if negative else value


def _undo_sheet_date(text: str) -> str:
    match = _SHEET_DATE.match(text.strip())
    if match is None:
        return text
    day, month, month_first, year = match.groups()
    number = _MONTHS.get(month or month_first)
    if number is None:
        return text
    low, high = sorted((number, int(day or year)))
    return f"{low}-{high}"


def _currency(text: str) -> tuple[str, str | None]:
    """(text without the currency, its code); the longest sign wins, so `CA$` is not `$`."""
    code_match = _CODE.search(text)
    if code_match:
        return _CODE.sub(r" \1 ", text).replace("$", " "), code_match[2].upper()
    sign_match = _SIGN.search(text)
    if sign_match:
        return _SIGN.sub(" ", text), _SIGNS[sign_match[0]]
    return text, None


def _amount(text: str) -> _Amount | None:
    """Read `[about] number [- number] [or more]`. None without a number."""
    text, at_least = _AT_LEAST.subn(" ", text)
    text, at_most = _AT_MOST.subn(" ", text)
    text = " ".join(_ROUGHLY.sub(" ", text.lstrip("~ ")).split())
    first = _NUMBER.search(text)
    if first is None or _NEGATIVE.match(text):
        return None
    before, after = text[: first.start()], text[first.end() :]
    low = _value(first)
    joint = _BETWEEN.match(after)
    second = _NUMBER.match(after, joint.end()) if joint else None
    if second is None:
        rest = (before + after).strip(" -.,;:()/")
        if at_most:
            return _Amount(Decimal(0), low, rest)
        return _Amount(low, None if at_least else low, rest)
    high = _value(second)
    if first["suffix"] is None and second["suffix"] is not None and low < high and low * _scale(second) <= high:
        low *= _scale(second)
    rest = (before + after[second.end() :]).strip(" -.,;:()/")
    return None if low > high else _Amount(low, None if at_least and low == high else high, rest)


def _scale(match: re.Match[str]) -> int:
    return _SUFFIXES[match["suffix"].lower()] if match["suffix"] else 1


def _value(match: re.Match[str]) -> Decimal:
    return Decimal(_plain(match["digits"], scaled=match["suffix"] is not None)) * _scale(match)


def _plain(digits: str, *, scaled: bool) -> str:
    """Digits with `.` as the decimal sign. `1.200` is a thousand and two hundred, `1.200 bn` is not."""
    digits = re.sub(r"['’ \u00a0\u202f]", "", digits)
    marks = [char for char in digits if char in ".,"]
    if len(set(marks)) == 2:
        thousands = marks[0]
        return digits.replace(thousands, "").replace(",", ".")
    if not marks:
        return digits
    mark = marks[0]
    head, _, tail = digits.rpartition(mark)
    grouped = len(tail) == 3 and len(head.split(mark)[0]) <= 3 and head.split(mark)[0] != "0"
    if len(marks) > 1 or (grouped and not (scaled and mark == ".")):
        return digits.replace(mark, "")
    return f"{head}.{tail}"


def _exact_middle(amount: _Amount) -> Decimal:
    return amount.low if amount.high is None else (amount.low + amount.high) / 2


def _middle(amount: _Amount) -> int:
    return int(_exact_middle(amount))
