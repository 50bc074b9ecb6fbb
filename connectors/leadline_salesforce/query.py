"""SOQL texts. Pure: names in, text out, nothing is sent from here.

Reading goes by keyset: rows in order of (SystemModstamp, Id), each page beginning behind the last
row of the page before. Two rows with one stamp are kept apart by their ids, and a row that changes
while it is read moves to the end instead of shifting pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from leadline.sdk.errors import ConfigError

PAGE_SIZE = 2000
# The vendor keeps no deleted rows of these, so they lack the field.
WITHOUT_IS_DELETED = frozenset({"User", "UserRole", "Profile", "Organization", "Group"})
MERGEABLE = frozenset({"Account", "Contact", "Lead"})

# URI and headers together may have 16,384 bytes (vendor's limit); the headers and the path get 4,096 of them.
_URI = 12_288
_PAGE_IN_URI = 256  # what follows the names of a page's fields: the place, order and limit
_BRACKETS = len(quote_plus("()"))
_ID_IN_URI = 18 + len(quote_plus("'', "))  # an id has nothing to escape

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*\Z")
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?\Z")
_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


@dataclass(frozen=True, slots=True)
class After:
    """A place in the order of (SystemModstamp, Id). Without an id: before all rows of that stamp."""

    stamp: str
    id: str = ""


def quote(text: str) -> str:
    """A text as a SOQL literal."""
    return f"'{text.translate(_ESCAPES)}'"


def name(text: str) -> str:
    """An object's or field's name, dotted through lookups. ConfigError for anything that is none."""
    if not _NAME.match(text):
        raise ConfigError(f"{text!r} is not the name of a Salesforce object or field.", fix="Correct the mapping.")
    return text


def is_name(text: str) -> bool:
    """Whether the text has the form of an object's or field's name."""
    return _NAME.match(text) is not None


def select(object: str, fields: Sequence[str], after: After | None) -> str:
    """The next page of an object, with what every page needs."""
    return f"{_opening(object, fields)}{_where(after)} ORDER BY SystemModstamp, Id LIMIT {PAGE_SIZE}"


def select_all(object: str, fields: Sequence[str], after: After) -> str:
    """The rows from a place on, for a bulk query: an order or a limit would keep the org from splitting it."""
    return f"{_opening(object, fields)} WHERE SystemModstamp >= {after.stamp}"


def count(object: str, after: After | None) -> str:
    """How many rows there are beyond a place."""
    return f"SELECT COUNT() FROM {name(object)}{_where(after)}"  # noqa: S608 - names are checked


def by_ids(object: str, fields: Sequence[str], ids: Sequence[str]) -> Iterator[str]:
    """Queries for known rows with all that a record needs, as few as keep each within a URI."""
    opening = f"{_opening(object, fields)} WHERE Id IN "
    per_query = max(1, min(PAGE_SIZE, (_URI - len(quote_plus(opening)) - _BRACKETS) // _ID_IN_URI))
    for at in range(0, len(ids), per_query):
        yield f"{opening}{_texts(ids[at : at + per_query])}"


def fits(object: str, fields: Sequence[str]) -> bool:
    """Whether a page of these fields can be asked for with one URI."""
    return len(quote_plus(_opening(object, fields))) <= _URI - _PAGE_IN_URI


def groups(object: str, fields: Sequence[str]) -> list[tuple[str, ...]]:
    """The fields in as few parts as leave each query for known rows half of its URI for ids."""
    parts: list[list[str]] = [[]]
    room = left = _URI // 2 - len(quote_plus(_opening(object, ())))
    for field in fields:
        left -= len(quote_plus(f", {field}"))
        if left < 0 and parts[-1]:
            parts.append([])
            left = room - len(quote_plus(f", {field}"))
        parts[-1].append(field)
    return [tuple(part) for part in parts]


def is_id(text: str) -> bool:
    """Whether the text has the form of a record id."""
    return _ID.match(text) is not None


def _opening(object: str, fields: Sequence[str]) -> str:
    return f"SELECT {', '.join(_columns(object, fields))} FROM {name(object)}"  # noqa: S608 - names are checked


def _columns(object: str, fields: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(("Id", "SystemModstamp", *_marks(object), *(name(field) for field in fields))))


def _marks(object: str) -> tuple[str, ...]:
    deleted = () if object in WITHOUT_IS_DELETED else ("IsDeleted",)
    return (*deleted, "MasterRecordId") if object in MERGEABLE else deleted


def _where(after: After | None) -> str:
    if after is None:
        return ""
    if not after.id:
        return f" WHERE SystemModstamp >= {after.stamp}"
    stamp = after.stamp
    return f" WHERE (SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > {quote(after.id)}))"


def _texts(values: Sequence[str]) -> str:
    return f"({', '.join(quote(value) for value in values)})"
