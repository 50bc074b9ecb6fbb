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
    return (
        f"SELECT {', '.join(_columns(object, fields))} FROM {name(object)}{_where(after)} "  # noqa: S608 - names are checked
        f"ORDER BY SystemModstamp, Id LIMIT {PAGE_SIZE}"
    )


def select_all(object: str, fields: Sequence[str], after: After) -> str:
    """The rows from a place on, for a bulk query: an order or a limit would keep the org from splitting it."""
    names = ", ".join(_columns(object, fields))
    return f"SELECT {names} FROM {name(object)} WHERE SystemModstamp >= {after.stamp}"  # noqa: S608 - names are checked


def count(object: str, after: After | None) -> str:
    """How many rows there are beyond a place."""
    return f"SELECT COUNT() FROM {name(object)}{_where(after)}"  # noqa: S608 - names are checked


def by_ids(object: str, fields: Sequence[str], ids: Sequence[str]) -> Iterator[str]:
    """Queries for known rows with all that a record needs, as few as keep each within a URI."""
    names = ", ".join(_columns(object, fields))
    opening = f"SELECT {names} FROM {name(object)} WHERE Id IN "  # noqa: S608 - names are checked
    per_query = max(1, min(PAGE_SIZE, (_URI - len(quote_plus(opening)) - _BRACKETS) // _ID_IN_URI))
    for at in range(0, len(ids), per_query):
        yield f"{opening}{_texts(ids[at : at + per_query])}"


def is_id(text: str) -> bool:
    """Whether the text has the form of a record id."""
    return _ID.match(text) is not None


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
