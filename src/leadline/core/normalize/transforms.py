"""The fixed vocabulary of transforms. Each is told in `mappings/README.md` under its own heading.

A transform gets one cleaned value (`text.clean`: trimmed, no placeholder, never None) and gives the
canonical value, or None when it cannot place what it got; the normalizer counts those.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from leadline.core.entities import (
    EMAIL_CLASSES,
    FUNCTIONS,
    INDUSTRIES,
    SENIORITIES,
    Kind,
)
from leadline.core.normalize import amounts, countries, domains, industries, times, titles
from leadline.core.normalize.text import fold, is_placeholder
from leadline.sdk.records import FieldType, Json

Canonical: TypeAlias = str | int | bool | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Context:
    """What a transform may need besides the value."""

    currency: str = "USD"
    competitor_domains: frozenset[str] = frozenset()
    values: tuple[str, ...] = ()  # of the canonical field, when it is an enum


@dataclass(frozen=True, slots=True)
class Transform:
    """One word of the vocabulary: what kind it makes, from which CRM field types, and how.

    `fallback` stands in for a value that could not be placed.
    """

    kind: Kind
    reads: frozenset[FieldType]
    apply: Callable[[Json, Context], Canonical]
    values: tuple[str, ...] = ()
    fallback: str | None = None


_WORDS = frozenset({FieldType.TEXT, FieldType.PICKLIST})
_ANY = frozenset(FieldType) - {FieldType.OTHER}
_NUMBERS = _WORDS | {FieldType.NUMBER}
_DATES = _WORDS | {FieldType.DATE, FieldType.DATETIME, FieldType.NUMBER}
_FLAGS = _WORDS | {FieldType.BOOLEAN, FieldType.NUMBER}

_TRUE = frozenset({"true", "yes", "y", "t", "1", "on", "x", "checked", "ja", "oui", "si", "sim", "wahr", "vrai"})
_FALSE = frozenset({"false", "no", "n", "f", "0", "off", "unchecked", "nein", "non", "nao", "falsch", "faux"})
_LIST_ENDS = re.compile(r"[;,|\n]")


def _text(value: Json, _: Context) -> Canonical:
    return _as_text(value)


def _lower(value: Json, _: Context) -> Canonical:
    text = _as_text(value)
    return None if text is None else text.lower()


def _integer(value: Json, _: Context) -> Canonical:
    if isinstance(value, int | float):
        return _number(value)
    text = _as_text(value)
    return None if text is None else amounts.integer(text)


def _boolean(value: Json, _: Context) -> Canonical:
    if isinstance(value, bool):
        return value
    word = fold(_as_text(value) or "")
    return True if word in _TRUE else False if word in _FALSE else None


def _time(value: Json, _: Context) -> Canonical:
    return times.instant(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _employees(value: Json, _: Context) -> Canonical:
    if isinstance(value, int | float):
        count = _number(value)
        return count if count is not None and 1 <= count <= amounts.MOST_EMPLOYEES else None
    text = _as_text(value)
    return None if text is None else amounts.employees(text)


def _money(value: Json, context: Context) -> Canonical:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = _number(value)
        dollars = None if number is None else int(Decimal(str(value)) * amounts.CURRENCIES[context.currency])
        return dollars if dollars is not None and 0 <= dollars <= amounts.MOST_MONEY else None
    text = _as_text(value)
    return None if text is None else amounts.money(text, context.currency)


def _list(value: Json, _: Context) -> Canonical:
    parts = value if isinstance(value, list | tuple) else _LIST_ENDS.split(str(value))
    words = {" ".join(str(part).lower().split()) for part in parts if part is not None}
    return tuple(sorted(word for word in words if not is_placeholder(word)))


def _option(value: Json, context: Context) -> Canonical:
    word = fold(_as_text(value) or "").replace(" ", "_")
    return word if word in context.values else None


def _email_class(value: Json, context: Context) -> Canonical:
    return domains.email_class(str(value), context.competitor_domains)


def _of_text(read: Callable[[str], str | None]) -> Callable[[Json, Context], Canonical]:
    def apply(value: Json, _: Context) -> Canonical:
        text = _as_text(value)
        return None if text is None else read(text)

    return apply


def _as_text(value: Json) -> str | None:
    """Scalars as text; a list as its members with commas; an object is nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping) or value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _number(value: float) -> int | None:
    finite = not isinstance(value, bool) and math.isfinite(value)
    return int(value) if finite else None


TRANSFORMS: Mapping[str, Transform] = MappingProxyType({
    "text": Transform(Kind.TEXT, _ANY, _text),
    "lower": Transform(Kind.TEXT, _ANY, _lower),
    "integer": Transform(Kind.INTEGER, _NUMBERS, _integer),
    "boolean": Transform(Kind.BOOLEAN, _FLAGS, _boolean),
    "time": Transform(Kind.TIME, _DATES, _time),
    "option": Transform(Kind.ENUM, _FLAGS | {FieldType.MULTIPICKLIST}, _option),
    "list": Transform(Kind.LIST, _WORDS | {FieldType.MULTIPICKLIST}, _list),
    "employees": Transform(Kind.INTEGER, _NUMBERS, _employees),
    "money": Transform(Kind.INTEGER, _NUMBERS, _money),
    "country": Transform(Kind.TEXT, _WORDS, _of_text(countries.country)),
    "industry": Transform(
        Kind.ENUM, _WORDS | {FieldType.MULTIPICKLIST}, _of_text(industries.industry), INDUSTRIES, "other"
    ),
    "seniority": Transform(Kind.ENUM, _WORDS, _of_text(titles.seniority), SENIORITIES),
    "function": Transform(Kind.ENUM, _WORDS, _of_text(titles.function), FUNCTIONS, "other"),
    "email": Transform(Kind.TEXT, _WORDS, _of_text(domains.email)),
    "email_class": Transform(Kind.ENUM, _WORDS, _email_class, EMAIL_CLASSES),
    "domain": Transform(Kind.TEXT, _WORDS, _of_text(domains.domain)),
})  # fmt: skip

DEFAULT_TRANSFORM: Mapping[Kind, str] = MappingProxyType({
    Kind.TEXT: "text", Kind.INTEGER: "integer", Kind.BOOLEAN: "boolean", Kind.TIME: "time", Kind.ENUM: "option",
    Kind.LIST: "list", Kind.LINK: "text",
})  # fmt: skip
