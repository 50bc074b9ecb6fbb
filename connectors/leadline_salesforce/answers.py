"""Bodies of accepted calls, looked at before they are believed.

Between the org and Leadline stand proxies, load balancers and maintenance pages, some of which answer 200 to
everything. What does not have the form of Salesforce's answer is none: whoever asked may ask again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from leadline.sdk.errors import TransientError


class UnreadableError(TransientError):
    """An accepted call whose answer Salesforce cannot have given. What the call did is not known."""


def unreadable(reply: requests.Response, why: str) -> UnreadableError:
    """The error for a reply, naming its call and not its body."""
    call = f"{reply.request.method} {urlsplit(str(reply.url)).path}"
    return UnreadableError(
        f"{call} was answered {reply.status_code} and not by Salesforce: {why}",
        fix="Look for a proxy or a maintenance page between Leadline and the org; the next run asks again.",
    )


def content(reply: requests.Response) -> Any:
    """The JSON object or array of a reply. UnreadableError for anything else."""
    try:
        found = orjson.loads(reply.content)
    except orjson.JSONDecodeError as error:
        raise unreadable(reply, "the body is no JSON") from error
    if not isinstance(found, dict | list):
        raise unreadable(reply, "the body is neither a JSON object nor an array")
    return found


def told(reply: requests.Response, **types: type) -> dict[str, Any]:
    """The JSON object of a reply, holding these members. UnreadableError otherwise."""
    found = content(reply)
    if not holds(found, **types):
        raise unreadable(reply, f"the body is no object with {', '.join(types)}")
    return dict(found)


def listed(reply: requests.Response, **types: type) -> list[Mapping[str, Any]]:
    """The objects of a JSON array, nulls left out, each holding these members. UnreadableError otherwise."""
    found = content(reply)
    rows = [row for row in found if row is not None] if isinstance(found, list) else []
    if not isinstance(found, list) or not all(holds(row, **types) for row in rows):
        raise unreadable(reply, f"the body is no list of objects with {', '.join(types)}")
    return rows


def page(found: Any) -> dict[str, Any]:
    """A page of rows: `records` and `done`, and the address of the next page unless done. UnreadableError otherwise."""
    if (
        holds(found, records=list, done=bool)
        and all(row.__class__ is dict for row in found["records"])
        and (found["done"] or (found["records"] and isinstance(found.get("nextRecordsUrl"), str)))
    ):
        return dict(found)
    raise UnreadableError(
        "A query was accepted and its answer is no page of rows.",
        fix="Look for a proxy between Leadline and the org; the next run asks again.",
    )


def with_fields(found: Mapping[str, Any], fields: Iterable[str]) -> list[Mapping[str, Any]]:
    """The rows of a page. UnreadableError when one lacks a field that was asked for."""
    wanted, rows = set(fields), found["records"]
    if not all(wanted <= row.keys() for row in rows):
        raise UnreadableError(f"A query for {', '.join(sorted(wanted))} was answered with rows that lack some of it.")
    return list(rows)


def holds(found: Any, **types: type) -> bool:
    """Whether it is a JSON object with these members of these types."""
    return isinstance(found, dict) and all(isinstance(found.get(name), kind) for name, kind in types.items())
