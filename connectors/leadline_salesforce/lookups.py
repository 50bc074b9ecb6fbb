"""Looking for known things: records by their ids, and rows by what stands in one of their fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

import orjson

from leadline_salesforce import answers, query
from leadline_salesforce.client import Client

RETRIEVED = 2_000
"""Records in one call that reads by id (vendor's limit of a POST)."""

# URI and headers together may have 16,384 bytes (vendor's limit); the headers and the path get 4,096 of them.
_URI = 12_288
_COMMA = len(quote_plus(", "))


def retrieve(client: Client, object: str, fields: Sequence[str], ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Fields of at most 2,000 known records, by the 15 characters of their ids; what cannot be seen is missing."""
    body = orjson.dumps({"ids": list(ids), "fields": list(dict.fromkeys(("Id", *fields)))})
    headers = {"Content-Type": "application/json"}
    reply = client.exchange("POST", f"composite/sobjects/{object}", data=body, headers=headers, repeatable=True)
    return {row["Id"][:15]: row for row in answers.listed(reply, Id=str)}


def rows_where(
    client: Client,
    object: str,
    fields: Sequence[str],
    holds: Mapping[str, Sequence[str]],
    *,
    order: str = "",
    include_deleted: bool = False,
) -> Iterator[Mapping[str, Any]]:
    """The rows of which each named field holds one of its values. The first field may have any number of values."""
    (first, values), *others = holds.items()
    if not all(holds.values()):
        return
    rest = "".join(f" AND {query.name(name)} IN ({', '.join(map(query.quote, some))})" for name, some in others)
    opening = f"SELECT {', '.join(map(query.name, fields))} FROM {query.name(object)} WHERE {query.name(first)} IN ("  # noqa: S608 - names are checked
    closing = f"){rest}{f' ORDER BY {order}' if order else ''}"
    room = _URI - len(quote_plus(opening + closing))
    for texts in _within(room, [query.quote(value) for value in values]):
        page = client.query(f"{opening}{', '.join(texts)}{closing}", include_deleted=include_deleted)
        yield from answers.with_fields(page, fields)
        while not page["done"]:
            page = client.more(page["nextRecordsUrl"])
            yield from answers.with_fields(page, fields)


def _within(room: int, texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in lists that have room in a URI; at least one in each."""
    some: list[str] = []
    used = 0
    for text in texts:
        size = len(quote_plus(text)) + _COMMA
        if some and used + size > room:
            yield some
            some, used = [], 0
        some.append(text)
        used += size
    if some:
        yield some
