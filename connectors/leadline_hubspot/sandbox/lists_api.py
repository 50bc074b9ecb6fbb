"""The calls of lists: create, find, rename, delete; who is on them, by list and by record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leadline_hubspot.sandbox.batch_api import finished, inputs_of
from leadline_hubspot.sandbox.failures import bad_request
from leadline_hubspot.sandbox.gate import Answer, Call
from leadline_hubspot.sandbox.lists import RecordList
from leadline_hubspot.sandbox.paths import Paths
from leadline_hubspot.sandbox.values import iso

_PAGE = 500  # lists in one page of a search
_CEILING = 10_000  # offset beyond which a search is refused
_MEMBERS = 250  # memberships in one page by default


def add_lists(paths: Paths) -> None:
    """Put the calls behind their paths."""
    read, write = "crm.lists.read", "crm.lists.write"
    paths.add("lists", "", "POST", create, scope=write)
    paths.add("lists", "", "GET", read_many, scope=read)
    paths.add("lists", "search", "POST", search, scope=read)
    paths.add("lists", "{id}", "GET", read_one, scope=read)
    paths.add("lists", "{id}", "DELETE", delete, scope=write)
    paths.add("lists", "{id}/restore", "PUT", restore, scope=write)
    paths.add("lists", "{id}/update-list-name", "PUT", rename, scope=write)
    paths.add("lists", "object-type-id/{type}/name/{name}", "GET", read_named, scope=read)
    paths.add("lists", "{id}/memberships", "GET", members, scope=read)
    paths.add("lists", "{id}/memberships/join-order", "GET", members, scope=read)
    paths.add("lists", "{id}/memberships", "DELETE", clear, scope=write)
    paths.add("lists", "{id}/memberships/add", "PUT", add, scope=write)
    paths.add("lists", "{id}/memberships/remove", "PUT", remove, scope=write)
    paths.add("lists", "{id}/memberships/add-and-remove", "PUT", add_and_remove, scope=write)
    paths.add("lists", "records/memberships/batch/read", "POST", read_memberships, scope=read)
    paths.add("lists", "records/{type}/{record}/memberships", "GET", read_membership, scope=read)


def _as_json(call: Call, found: RecordList) -> dict[str, Any]:
    size = call.portal.lists.size(str(found.id)) if found.deleted is None else 0
    return {
        "listId": str(found.id),
        "listVersion": 1,
        "name": found.name,
        "objectTypeId": found.type_id,
        "processingType": found.kind,
        "processingStatus": "COMPLETE",
        "createdAt": iso(found.created),
        "updatedAt": iso(found.updated),
        "filtersUpdatedAt": iso(found.created),
        "createdById": "900001",
        "updatedById": "900001",
        "size": size,
        "additionalProperties": {"hs_list_size": str(size), "hs_list_reference_count": "0"},
    }


def create(call: Call) -> Answer:
    """A new list."""
    body = call.json()
    table = call.portal.table(str(body.get("objectTypeId", "")))
    kind = str(body.get("processingType", ""))
    made = call.portal.lists.create(str(body.get("name", "")), table.kind.type_id, kind, call.portal.stamp())
    return {"list": _as_json(call, made)}


def read_many(call: Call) -> Answer:
    """Several lists by id."""
    wanted = call.listed("listIds")
    return {"lists": [_as_json(call, each) for each in call.portal.lists.all() if str(each.id) in wanted]}


def read_one(call: Call) -> Answer:
    """One list."""
    return {"list": _as_json(call, call.portal.lists.get(call.path["id"]))}


def read_named(call: Call) -> Answer:
    """One list by the name that it has among those of its object type."""
    type_id = call.portal.table(call.path["type"]).kind.type_id
    return {"list": _as_json(call, call.portal.lists.named(type_id, call.path["name"]))}


def search(call: Call) -> Answer:
    """Lists whose name has the words, in pages by offset; not beyond ten thousand."""
    body = call.json()
    count, offset = int(body.get("count") or 20), int(body.get("offset") or 0)
    if not 1 <= count <= _PAGE or offset + count > _CEILING:
        raise bad_request(f"count must be between 1 and {_PAGE}, and offset with count at most {_CEILING}.")
    words, kinds = str(body.get("query") or "").lower(), body.get("processingTypes") or ()
    ids = {str(each) for each in body.get("listIds") or ()}
    found = [
        each
        for each in call.portal.lists.all()
        if words in each.name.lower() and (not kinds or each.kind in kinds) and (not ids or str(each.id) in ids)
    ]
    order = str(body.get("sort") or "")
    if order.removeprefix("-") == "HS_UPDATED_AT":
        found.sort(key=lambda each: (each.updated, each.id), reverse=order.startswith("-"))
    page = found[offset : offset + count]
    call.count(len(page))
    return {
        "lists": [_as_json(call, each) for each in page],
        "hasMore": offset + count < len(found),
        "offset": offset + len(page),
        "total": len(found),
    }


def delete(call: Call) -> Answer:
    """Delete a list."""
    call.portal.lists.delete(call.path["id"], call.portal.stamp())
    return 204, None


def restore(call: Call) -> Answer:
    """Bring a deleted list back."""
    call.portal.lists.restore(call.path["id"])
    return 204, None


def rename(call: Call) -> Answer:
    """Give a list the name in the query."""
    name = call.text("listName") or ""
    return {"updatedList": _as_json(call, call.portal.lists.rename(call.path["id"], name, call.portal.stamp()))}


# --- memberships


def members(call: Call) -> Answer:
    """Ids of the records on a list, page by page in order of id."""
    limit, after = call.whole("limit", _MEMBERS, 1, _MEMBERS), call.whole("after", 0, 0, 1 << 62)
    page, more = call.portal.lists.members(call.path["id"], after, limit)
    call.count(len(page))
    body: dict[str, Any] = {
        "total": call.portal.lists.size(call.path["id"]),
        "results": [{"recordId": str(each), "membershipTimestamp": iso(at)} for each, at in page],
    }
    if more:
        following = str(page[-1][0])
        body["paging"] = {"next": {"after": following, "link": call.link(after=following)}}
    return body


def _ids(call: Call, given: Sequence[Any]) -> tuple[list[int], list[str]]:
    """Ids that are live records of the list's type, and those that are not."""
    table = call.portal.table(call.portal.lists.get(call.path["id"]).type_id)
    live: list[int] = []
    missing: list[str] = []
    for each in map(str, given):
        record = call.portal.find(table, each)
        if record is None:
            missing.append(each)
        else:
            live.append(record.id)
    return live, missing


def _changed(call: Call, added: Sequence[Any], removed: Sequence[Any]) -> Answer:
    joining, missing = _ids(call, added)
    leaving = [int(each) for each in map(str, removed) if each.isdigit()]
    new, gone = call.portal.lists.change(call.path["id"], joining, leaving, call.portal.stamp())
    call.count(len(added) + len(removed))
    told = [str(each) for each in new]
    return {
        "recordIdsAdded": told,
        "recordsIdsAdded": told,  # the vendor's own spelling; it documents both
        "recordIdsRemoved": [str(each) for each in gone],
        "recordIdsMissing": missing,
    }


def add(call: Call) -> Answer:
    """Put the records of the body (an array of ids) on a static list."""
    return _changed(call, call.array(), ())


def remove(call: Call) -> Answer:
    """Take the records of the body (an array of ids) off a static list."""
    return _changed(call, (), call.array())


def add_and_remove(call: Call) -> Answer:
    """Both in one call."""
    body = call.json()
    return _changed(call, body.get("recordIdsToAdd") or (), body.get("recordIdsToRemove") or ())


def clear(call: Call) -> Answer:
    """Take everybody off a static list."""
    everybody, _ = call.portal.lists.members(call.path["id"], 0, call.portal.lists.size(call.path["id"]) or 1)
    call.portal.lists.change(call.path["id"], (), [each for each, _ in everybody], call.portal.stamp())
    return 204, None


def _memberships(call: Call, type_id: str, record_id: int) -> list[dict[str, Any]]:
    return [
        {
            "listId": str(found.id),
            "listVersion": 1,
            "firstAddedTimestamp": iso(at),
            "lastAddedTimestamp": iso(at),
            "isPublicList": True,
        }
        for found, at in call.portal.lists.of(type_id, record_id)
    ]


def read_membership(call: Call) -> Answer:
    """The lists that one record is on."""
    table = call.portal.table(call.path["type"])
    record = call.portal.must_find(table, call.path["record"])
    found = _memberships(call, table.kind.type_id, record.id)
    return {"total": len(found), "results": found}


def read_memberships(call: Call) -> Answer:
    """The lists that each of several records is on."""
    rows = []
    for each in inputs_of(call, call.portal.limits.batch):
        table, key = call.portal.table(str(each.get("objectTypeId", ""))), str(each.get("recordId", ""))
        found = _memberships(call, table.kind.type_id, int(key)) if key.isdigit() else []
        rows.append({"objectTypeId": table.kind.type_id, "recordId": key, "recordListMemberships": found})
    call.count(len(rows))
    return finished(call, rows, (), 200)
