"""Calls of the first generations (v1, v2) that older clients still make: companies, deals, engagements.

Only reading. Values come as `{"value", "timestamp", "source", "sourceId"}`, times in milliseconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from leadline_hubspot.sandbox.gate import Answer, Call
from leadline_hubspot.sandbox.objects import DEAL_STAGES, Property
from leadline_hubspot.sandbox.paths import Paths
from leadline_hubspot.sandbox.portal import Portal, Table
from leadline_hubspot.sandbox.records import Record
from leadline_hubspot.sandbox.signals import position_of, position_text
from leadline_hubspot.sandbox.values import millis

_PORTAL_ID = 62_515
_ENGAGEMENTS = {"calls": "CALL", "emails": "EMAIL", "meetings": "MEETING", "tasks": "TASK", "notes": "NOTE"}


def add_legacy(paths: Paths) -> None:
    """Put the calls behind their paths."""
    paths.add("companies_v2", "companies/paged", "GET", list_companies)
    paths.add("companies_v2", "companies/{id}", "GET", read_company)
    paths.add("companies_v2", "properties", "GET", list_company_properties)
    paths.add("deals_v1", "deal/paged", "GET", list_deals)
    paths.add("deals_v1", "deal/{id}", "GET", read_deal)
    paths.add("deals_v1", "pipelines", "GET", list_pipelines)
    paths.add("properties_v1", "{type}/properties", "GET", list_properties)
    paths.add("engagements_v1", "engagements/modified/after", "GET", list_engagements)
    paths.add("workflows", "", "GET", lambda _: {"workflows": []})


def _values(record: Record, names: Sequence[str]) -> dict[str, Any]:
    """Values with their times; a property that is an instant has milliseconds for its value, and is its own time."""
    return {
        name: {"value": _plain(value), "timestamp": record.modified, "source": "API", "sourceId": None}
        for name in names
        if (value := record.values.get(name)) is not None
    }


def _plain(value: str) -> str:
    found = millis(value) if value.endswith("Z") and value[:4].isdigit() else None
    return value if found is None else str(found)


def _page(call: Call, table: Table, default: int) -> tuple[list[Record], bool]:
    limit, after = call.whole("limit", default, 1, 250), call.whole("offset", 0, 0, 1 << 62)
    records, more = table.store.page(after, limit)
    call.count(len(records))
    return records, more


def _names(call: Call, table: Table) -> list[str]:
    asked = [name for name in call.listed("properties") if name in table.properties]
    return list(table.properties) if call.flag("includeAllProperties") or not asked else asked


def _offset(records: Sequence[Record]) -> int:
    return records[-1].id if records else 0


def list_companies(call: Call) -> Answer:
    """All companies, on from an `offset`."""
    table = call.portal.tables["companies"]
    records, more = _page(call, table, 100)
    names = _names(call, table)
    return {
        "companies": [_company(each, names) for each in records],
        "has-more": more,
        "offset": _offset(records),
    }


def _company(record: Record, names: Sequence[str]) -> dict[str, Any]:
    return {
        "portalId": _PORTAL_ID,
        "companyId": record.id,
        "isDeleted": record.archived_at is not None,
        "properties": _values(record, names),
    }


def read_company(call: Call) -> Answer:
    """One company with all values."""
    table = call.portal.tables["companies"]
    return _company(call.portal.must_find(table, call.path["id"]), list(table.properties))


def list_deals(call: Call) -> Answer:
    """All deals, on from an `offset`."""
    table = call.portal.tables["deals"]
    records, more = _page(call, table, 100)
    names = _names(call, table)
    return {"deals": [_deal(call.portal, each, names) for each in records], "hasMore": more, "offset": _offset(records)}


def _deal(portal: Portal, record: Record, names: Sequence[str]) -> dict[str, Any]:
    return {
        "portalId": _PORTAL_ID,
        "dealId": record.id,
        "isDeleted": record.archived_at is not None,
        "associations": {
            "associatedVids": list(portal.links.of("deals", record.id, "contacts")),
            "associatedCompanyIds": list(portal.links.of("deals", record.id, "companies")),
            "associatedDealIds": [],
        },
        "properties": _values(record, names),
    }


def read_deal(call: Call) -> Answer:
    """One deal with all values."""
    table = call.portal.tables["deals"]
    return _deal(call.portal, call.portal.must_find(table, call.path["id"]), list(table.properties))


def list_pipelines(call: Call) -> Answer:
    """The pipeline of deals: an array."""
    stages = [
        {"stageId": stage, "label": stage, "displayOrder": order, "active": True, "probability": 0.5}
        for order, stage in enumerate(DEAL_STAGES)
    ]
    return [{"pipelineId": "default", "label": "Sales pipeline", "displayOrder": 0, "active": True, "stages": stages}]


def _definitions(properties: Sequence[Property]) -> list[dict[str, Any]]:
    return [each.as_json() for each in properties]


def list_company_properties(call: Call) -> Answer:
    """The properties of companies: an array."""
    return _definitions(list(call.portal.tables["companies"].properties.values()))


def list_properties(call: Call) -> Answer:
    """The properties of an object type: an array."""
    return _definitions(list(call.portal.table(call.path["type"]).properties.values()))


# --- engagements


def list_engagements(call: Call) -> Answer:
    """Engagements in order of change, from a moment in milliseconds or from where a page ended."""
    text = call.text("after") or "0"
    start = (int(text), -1) if text.isdigit() else position_of(text)
    limit = call.whole("limit", 100, 1, 250)
    portal = call.portal
    lines = [_changed(portal, name, start or (0, -1)) for name in _ENGAGEMENTS]
    page = list(islice(heapq.merge(*lines), limit + 1))
    call.count(len(page[:limit]))
    following = position_text(page[:limit][-1][:2]) if page else text
    rows = [_engagement(portal, name, record_id) for _, record_id, name in page[:limit]]
    return {"results": rows, "hasMore": len(page) > limit, "after": following, "offset": following}


def _changed(portal: Portal, name: str, start: tuple[int, int]) -> Iterator[tuple[int, int, str]]:
    for modified, record_id in portal.tables[name].index.changed_after(start, portal.now()):
        yield modified, record_id, name


def _engagement(portal: Portal, name: str, record_id: int) -> dict[str, Any]:
    record = portal.must_find(portal.tables[name], str(record_id))
    owner = record.values.get("hubspot_owner_id")
    return {
        "engagement": {
            "id": record.id,
            "portalId": _PORTAL_ID,
            "active": True,
            "createdAt": record.created,
            "lastUpdated": record.modified,
            "ownerId": int(owner) if owner else None,
            "type": _ENGAGEMENTS[name],
            "timestamp": millis(record.values.get("hs_timestamp") or "") or record.created,
        },
        "associations": {
            f"{singular}Ids": list(portal.links.of(name, record.id, other))
            for singular, other in (("contact", "contacts"), ("company", "companies"), ("deal", "deals"))
        },
        "attachments": [],
        "metadata": _metadata(name, record),
    }


def _metadata(name: str, record: Record) -> dict[str, Any]:
    value = record.values.get
    match name:
        case "calls":
            return {"title": value("hs_call_title"), "body": value("hs_call_body"), "status": value("hs_call_status"),
                    "disposition": value("hs_call_disposition")}  # fmt: skip
        case "emails":
            return {"subject": value("hs_email_subject"), "text": value("hs_email_text"),
                    "status": value("hs_email_status")}  # fmt: skip
        case "meetings":
            return {"title": value("hs_meeting_title"), "body": value("hs_meeting_body")}
        case "tasks":
            return {"subject": value("hs_task_subject"), "body": value("hs_task_body"),
                    "status": value("hs_task_status")}  # fmt: skip
        case _:
            return {"body": value("hs_note_body")}
