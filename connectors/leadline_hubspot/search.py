"""Search requests: the queries that this connector asks, within the limits of the API.

HubSpot sorts by one property only and pages by offset. An offset slips when a record ahead of it
changes, so every page here starts from the last record of the page before (keyset), never from an
offset; the cap of 10,000 results is thereby never met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import orjson

from leadline_hubspot.values import MERGED, modified_property

PAGE = 200  # results in one page
MAX_RESULTS = 10_000  # that the pages of one query give out
MAX_BODY = 3_000  # characters of a request body
MAX_VALUES = 100  # values of one IN or NOT_IN
MAX_GROUPS = 5  # groups of filters, joined by OR
Request: TypeAlias = dict[str, Any]
Condition: TypeAlias = dict[str, Any]


def _request(conditions: Sequence[Condition], sort: str, properties: Sequence[str], limit: int = PAGE) -> Request:
    direction = "DESCENDING" if sort.startswith("-") else "ASCENDING"
    return {
        "filterGroups": [{"filters": list(conditions)}] if conditions else [],
        "sorts": [{"propertyName": sort.removeprefix("-"), "direction": direction}],
        "properties": list(properties),
        "limit": limit,
        "after": "0",
    }


def _condition(name: str, operator: str, value: object) -> Condition:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _at(name: str, stamp: int) -> Condition:
    """Exactly that millisecond. BETWEEN, because EQ on an instant may mean its whole day."""
    return {"propertyName": name, "operator": "BETWEEN", "value": str(stamp), "highValue": str(stamp)}


def counting() -> Request:
    """How many records there are; carries one of them at most."""
    return _request((), "hs_object_id", (), limit=1)


def behind(record_id: str, properties: Sequence[str]) -> Request:
    """Records with an id above this one, in order of id."""
    return _request([_condition("hs_object_id", "GT", record_id)], "hs_object_id", properties)


def changed_since(object: str, stamp: int, held: Sequence[str], properties: Sequence[str]) -> Request:
    """Records changed at that millisecond or later, without the held ones, in order of change."""
    name = modified_property(object)
    conditions = [_condition(name, "GTE", stamp)]
    if held:
        conditions.append({"propertyName": "hs_object_id", "operator": "NOT_IN", "values": list(held)})
    return _request(conditions, name, properties)


def changed_at(object: str, stamp: int, record_id: str, properties: Sequence[str]) -> Request:
    """Records changed at exactly that millisecond with an id above this one, in order of id."""
    conditions = [_at(modified_property(object), stamp), _condition("hs_object_id", "GT", record_id)]
    return _request(conditions, "hs_object_id", properties)


def latest_since(object: str, stamp: int) -> Request:
    """The last record changed at that millisecond or later; its total counts them all."""
    name = modified_property(object)
    return _request([_condition(name, "GTE", stamp)], f"-{name}", (name,), limit=1)


def merged_from(record_ids: Sequence[str]) -> Request:
    """Records that one of these, `MAX_GROUPS` at most, was merged into."""
    request = _request((), "hs_object_id", (MERGED,))
    request["filterGroups"] = [{"filters": [_condition(MERGED, "CONTAINS_TOKEN", each)]} for each in record_ids]
    return request


def fits(request: Mapping[str, Any]) -> bool:
    """Whether a request is within the limits on its size and values."""
    filters = [each for group in request["filterGroups"] for each in group["filters"]]
    values_fit = all(len(each.get("values", ())) <= MAX_VALUES for each in filters)
    return values_fit and len(orjson.dumps(request)) <= MAX_BODY
