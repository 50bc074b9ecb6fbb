"""Associations: read in batches, create (with types or by default), archive; both body styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leadline_hubspot.sandbox.batch_api import finished, inputs_of
from leadline_hubspot.sandbox.failures import bad_request
from leadline_hubspot.sandbox.gate import Answer, Call
from leadline_hubspot.sandbox.objects import AssociationType, association_type
from leadline_hubspot.sandbox.portal import Table


def _ends(call: Call) -> tuple[Table, Table, AssociationType]:
    start, end = call.portal.table(call.path["from"]), call.portal.table(call.path["to"])
    kind = association_type(start.kind.name, end.kind.name)
    if kind is None:
        raise bad_request(f"{start.kind.name} cannot be associated with {end.kind.name}.")
    return start, end, kind


def _types(kind: AssociationType, *, first: bool) -> list[dict[str, Any]]:
    types: list[dict[str, Any]] = []
    if first and kind.primary is not None:
        types.append({"category": kind.category, "typeId": kind.primary, "label": "Primary"})
    types.append({"category": kind.category, "typeId": kind.default, "label": None})
    return types


def _targets(call: Call, kind: AssociationType, ids: Sequence[int], start: int, limit: int) -> list[dict[str, Any]]:
    return [
        {"toObjectId": str(each) if call.dated else each, "associationTypes": _types(kind, first=start + order == 0)}
        for order, each in enumerate(ids[start : start + limit])
    ]


def _start(ids: Sequence[int], after: str | None) -> int:
    """Where a page begins: behind the id that `after` names."""
    if not after or not after.isdigit() or int(after) not in ids:
        return 0
    return list(ids).index(int(after)) + 1


def read_batch(call: Call) -> Answer:
    """Ids associated with up to a thousand records; those without any are named as errors in a 207."""
    start, end, kind = _ends(call)
    inputs = inputs_of(call, call.portal.limits.association_read)
    page = call.portal.limits.linked_batch_page
    results, errors = [], []
    for each in inputs:
        from_id = str(each.get("id", ""))
        ids = call.portal.links.of(start.kind.name, int(from_id), end.kind.name) if from_id.isdigit() else ()
        if not ids:
            errors.append(_none_found(start, end, from_id))
            continue
        first = _start(ids, each.get("after"))
        row: dict[str, Any] = {"from": {"id": from_id}, "to": _targets(call, kind, ids, first, page)}
        if first + page < len(ids):
            row["paging"] = {"next": {"after": str(ids[first + page - 1]), "link": call.link()}}
        results.append(row)
    call.count(len(inputs))
    return finished(call, results, errors, 200)


def _none_found(start: Table, end: Table, from_id: str) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {end.kind.singular} is associated with {start.kind.singular} {from_id}.",
        "context": {"fromObjectId": [from_id], "fromObjectType": [start.kind.name], "toObjectType": [end.kind.name]},
    }


def read_batch_v3(call: Call) -> Answer:
    """The same in the older body style."""
    start, end, _ = _ends(call)
    name = f"{start.kind.singular}_to_{end.kind.singular}"
    results = []
    inputs = inputs_of(call, call.portal.limits.association_read)
    for each in inputs:
        from_id = str(each.get("id", ""))
        ids = call.portal.links.of(start.kind.name, int(from_id), end.kind.name) if from_id.isdigit() else ()
        if ids:
            results.append({"from": {"id": from_id}, "to": [{"id": str(i), "type": name} for i in ids]})
    call.count(len(inputs))
    return finished(call, results, (), 200)


def read_one(call: Call) -> Answer:
    """Ids associated with one record, page by page."""
    start, end, kind = _ends(call)
    record = call.portal.must_find(start, call.path["id"])
    ids = call.portal.links.of(start.kind.name, record.id, end.kind.name)
    limit = call.whole("limit", 500, 1, 500)
    first = _start(ids, call.text("after"))
    call.count(min(limit, max(len(ids) - first, 0)))
    body: dict[str, Any] = {"results": _targets(call, kind, ids, first, limit)}
    if first + limit < len(ids):
        after = str(ids[first + limit - 1])
        body["paging"] = {"next": {"after": after, "link": call.link(after=after)}}
    return body


def create_batch(call: Call) -> Answer:
    """Associations with the types that each input names."""
    start, end, kind = _ends(call)
    inputs = inputs_of(call, call.portal.limits.association_write)
    for each in inputs:
        wanted: set[int | None] = {int(given["associationTypeId"]) for given in each.get("types") or ()}
        if not wanted or not wanted <= {kind.default, kind.primary}:
            raise bad_request(
                f"Association types {sorted(map(str, wanted))} do not exist from {start.kind.name} to {end.kind.name}."
            )
    rows: list[dict[str, Any]] = [
        {
            "fromObjectTypeId": start.kind.type_id,
            "fromObjectId": from_id if call.dated else int(from_id),
            "toObjectTypeId": end.kind.type_id,
            "toObjectId": to_id if call.dated else int(to_id),
            "labels": [],
        }
        for from_id, to_id in _link_all(call, start, end, inputs)
    ]
    return finished(call, rows, (), 201)


def create_default_batch(call: Call) -> Answer:
    """Associations of the default type."""
    start, end, kind = _ends(call)
    pairs = _link_all(call, start, end, inputs_of(call, call.portal.limits.association_write))
    return finished(call, [_default_row(kind, *pair) for pair in pairs], (), 200)


def create_one(call: Call) -> Answer:
    """One association between the two records of the path."""
    start, end, kind = _ends(call)
    (pair,) = _link_all(call, start, end, [{"from": {"id": call.path["id"]}, "to": {"id": call.path["to_id"]}}])
    return finished(call, [_default_row(kind, *pair)], (), 200)


def archive_batch(call: Call) -> Answer:
    """Remove associations; each input names one record and those to part it from."""
    start, end, _ = _ends(call)
    stamp = call.portal.stamp()
    for each in inputs_of(call, call.portal.limits.association_write):
        given: Any = each.get("to") or []
        for other in given if isinstance(given, list) else [given]:  # the older style names one
            call.portal.unlink(start, int(each["from"]["id"]), end, int(other["id"]), stamp)
    return 204, None


def archive_one(call: Call) -> Answer:
    """Remove the association between the two records of the path."""
    start, end, _ = _ends(call)
    call.portal.unlink(start, int(call.path["id"]), end, int(call.path["to_id"]), call.portal.stamp())
    return 204, None


def _link_all(call: Call, start: Table, end: Table, inputs: Sequence[Any]) -> list[tuple[str, str]]:
    """Associate every pair, or none when one of the records does not exist."""
    pairs = [(str(each["from"]["id"]), str(each["to"]["id"])) for each in inputs]
    for from_id, to_id in pairs:
        call.portal.must_find(start, from_id)
        call.portal.must_find(end, to_id)
    stamp = call.portal.stamp()
    for from_id, to_id in pairs:
        call.portal.link(start, int(from_id), end, int(to_id), stamp)
    call.count(len(pairs))
    return pairs


def _default_row(kind: AssociationType, from_id: str, to_id: str) -> dict[str, Any]:
    return {
        "from": {"id": from_id},
        "to": {"id": to_id},
        "associationSpec": {"associationCategory": kind.category, "associationTypeId": kind.default},
    }
