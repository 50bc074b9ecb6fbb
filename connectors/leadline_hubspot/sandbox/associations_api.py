"""Associations: read and write them in batches and one by one, with types and labels; both body styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadline_hubspot.sandbox.batch_api import finished, inputs_of
from leadline_hubspot.sandbox.failures import bad_request
from leadline_hubspot.sandbox.gate import Answer, Call
from leadline_hubspot.sandbox.objects import AssociationType, association_type
from leadline_hubspot.sandbox.portal import Portal, Table


def ends_of(call: Call) -> tuple[Table, Table, AssociationType]:
    """The two object types of the path. Refused when they cannot be associated."""
    start, end = call.portal.table(call.path["from"]), call.portal.table(call.path["to"])
    kind = association_type(start.kind.name, end.kind.name)
    if kind is None:
        raise bad_request(f"{start.kind.name} cannot be associated with {end.kind.name}.")
    return start, end, kind


# --- reading


def _types(portal: Portal, start: Table, from_id: int, end: Table, to_id: int) -> list[dict[str, Any]]:
    kind = association_type(start.kind.name, end.kind.name)
    if kind is None:
        return []
    ends = (start.kind.name, from_id, end.kind.name, to_id)
    types: list[dict[str, Any]] = []
    if kind.primary is not None and portal.links.is_primary(*ends):
        types.append({"category": kind.category, "typeId": kind.primary, "label": "Primary"})
    types.append({"category": kind.category, "typeId": kind.default, "label": None})
    for label in portal.links.labels_of(*ends):
        types.append({"category": "USER_DEFINED", "typeId": label.type_id, "label": label.text})
    return types


def _targets(call: Call, start: Table, from_id: int, end: Table, ids: Sequence[int]) -> list[dict[str, Any]]:
    return [
        {
            "toObjectId": str(each) if call.dated else each,
            "associationTypes": _types(call.portal, start, from_id, end, each),
        }
        for each in ids
    ]


def _after(text: object) -> int:
    return int(str(text)) if text and str(text).isdigit() else 0


def read_batch(call: Call) -> Answer:
    """Ids associated with up to a thousand records; those without any are named as errors in a 207."""
    if call.version == "v3":
        return _read_batch_v3(call)
    start, end, _ = ends_of(call)
    page = call.portal.limits.linked_batch_page
    results, errors = [], []
    inputs = inputs_of(call, call.portal.limits.association_read)
    for each in inputs:
        key = str(each.get("id", ""))
        from_id = _after(key)
        ids, more = call.portal.links.page(start.kind.name, from_id, end.kind.name, _after(each.get("after")), page)
        if not ids:
            errors.append(_none_found(start, end, key))
            continue
        row: dict[str, Any] = {"from": {"id": key}, "to": _targets(call, start, from_id, end, ids)}
        if more:
            row["paging"] = {"next": {"after": str(ids[-1]), "link": call.link()}}
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


def _read_batch_v3(call: Call) -> Answer:
    """The same in the older body style, which does not tell of records without links."""
    start, end, _ = ends_of(call)
    results = []
    inputs = inputs_of(call, call.portal.limits.association_read)
    for each in inputs:
        key = str(each.get("id", ""))
        ids = call.portal.links.of(start.kind.name, _after(key), end.kind.name)
        if ids:
            results.append({"from": {"id": key}, "to": [_short(start, end, to_id) for to_id in ids]})
    call.count(len(inputs))
    return finished(call, results, (), 200)


def _short(start: Table, end: Table, to_id: int) -> dict[str, str]:
    return {"id": str(to_id), "type": f"{start.kind.singular}_to_{end.kind.singular}"}


def read_one(call: Call) -> Answer:
    """Ids associated with one record, page by page."""
    start, end, _ = ends_of(call)
    record = call.portal.must_find(start, call.path["id"])
    limit = call.whole("limit", 500, 1, 500)
    ids, more = call.portal.links.page(
        start.kind.name, record.id, end.kind.name, call.whole("after", 0, 0, 1 << 62), limit
    )
    call.count(len(ids))
    if call.version == "v3":
        body: dict[str, Any] = {"results": [_short(start, end, each) for each in ids]}
    else:
        body = {"results": _targets(call, start, record.id, end, ids)}
    if more:
        after = str(ids[-1])
        body["paging"] = {"next": {"after": after, "link": call.link(after=after)}}
    return body


# --- writing


def create_batch(call: Call) -> Answer:
    """Associations with the types and labels that each input names; the older style names one type by a word."""
    start, end, kind = ends_of(call)
    inputs = inputs_of(call, call.portal.limits.association_write)
    if call.version == "v3":
        pairs = _link_all(call, start, end, [(each, {kind.default}) for each in inputs])
        name = f"{start.kind.singular}_to_{end.kind.singular}"
        rows = [{"from": {"id": one}, "to": {"id": other}, "type": name} for one, other in pairs]
        return finished(call, rows, (), 201)
    wanted = [(each, _wanted(call, start, end, kind, each.get("types") or ())) for each in inputs]
    pairs = _link_all(call, start, end, wanted)
    return finished(call, [_labelled(call, start, end, *pair) for pair in pairs], (), 201)


def _wanted(
    call: Call, start: Table, end: Table, kind: AssociationType, given: Sequence[Mapping[str, Any]]
) -> set[int]:
    """The ids of types that an input names. Refused when one of them is none."""
    wanted = {int(each["associationTypeId"]) for each in given}
    known = {kind.default, kind.primary, *call.portal.links.labels.get((start.kind.name, end.kind.name), ())}
    if not wanted or not wanted <= known:
        raise bad_request(f"Association types {sorted(wanted)} do not exist from {start.kind.name} to {end.kind.name}.")
    return wanted


def _labelled(call: Call, start: Table, end: Table, from_id: str, to_id: str) -> dict[str, Any]:
    labels = call.portal.links.labels_of(start.kind.name, int(from_id), end.kind.name, int(to_id))
    return {
        "fromObjectTypeId": start.kind.type_id,
        "fromObjectId": from_id if call.dated else int(from_id),
        "toObjectTypeId": end.kind.type_id,
        "toObjectId": to_id if call.dated else int(to_id),
        "labels": [label.text for label in labels],
    }


def create_default_batch(call: Call) -> Answer:
    """Associations of the default type."""
    start, end, kind = ends_of(call)
    inputs = inputs_of(call, call.portal.limits.association_write)
    pairs = _link_all(call, start, end, [(each, {kind.default}) for each in inputs])
    return finished(call, [_default_row(kind, *pair) for pair in pairs], (), 200)


def _pair_of(call: Call) -> dict[str, Any]:
    return {"from": {"id": call.path["id"]}, "to": {"id": call.path["to_id"]}}


def create_default_one(call: Call) -> Answer:
    """One association of the default type between the two records of the path."""
    start, end, kind = ends_of(call)
    (pair,) = _link_all(call, start, end, [(_pair_of(call), {kind.default})])
    return finished(call, [_default_row(kind, *pair)], (), 200)


def create_one(call: Call) -> Answer:
    """One association with the types that the body (an array) names."""
    start, end, kind = ends_of(call)
    (pair,) = _link_all(call, start, end, [(_pair_of(call), _wanted(call, start, end, kind, call.array()))])
    return 201, _labelled(call, start, end, *pair)


def create_typed(call: Call) -> Answer:
    """One association in the older style, its type at the end of the path as a word or an id."""
    start, end, kind = ends_of(call)
    named = call.path["kind"]
    wanted = {int(named)} if named.isdigit() else {kind.default}
    (pair,) = _link_all(call, start, end, [(_pair_of(call), wanted)])
    return {"id": pair[0], "properties": {}, "archived": False}


def archive_batch(call: Call) -> Answer:
    """Remove associations; each input names one record and those to part it from."""
    start, end, _ = ends_of(call)
    stamp = call.portal.stamp()
    inputs = inputs_of(call, call.portal.limits.association_write)
    for each in inputs:
        given: Any = each.get("to") or []
        for other in given if isinstance(given, list) else [given]:  # the older style names one
            call.portal.unlink(start, int(each["from"]["id"]), end, int(other["id"]), stamp)
    call.count(len(inputs))
    return 204, None


def archive_labels(call: Call) -> Answer:
    """Take labels off associations, which stay."""
    start, end, _ = ends_of(call)
    for each in inputs_of(call, call.portal.limits.association_write):
        gone = [int(given["associationTypeId"]) for given in each.get("types") or ()]
        call.portal.links.drop_labels(
            start.kind.name, int(each["from"]["id"]), end.kind.name, int(each["to"]["id"]), gone
        )
    return 204, None


def archive_one(call: Call) -> Answer:
    """Remove the association between the two records of the path."""
    start, end, _ = ends_of(call)
    call.portal.unlink(start, int(call.path["id"]), end, int(call.path["to_id"]), call.portal.stamp())
    return 204, None


def _link_all(
    call: Call, start: Table, end: Table, inputs: Sequence[tuple[Mapping[str, Any], set[int]]]
) -> list[tuple[str, str]]:
    """Associate every pair, or none when one of the records does not exist."""
    kind = association_type(start.kind.name, end.kind.name)
    pairs = [(str(each["from"]["id"]), str(each["to"]["id"])) for each, _ in inputs]
    for from_id, to_id in pairs:
        call.portal.must_find(start, from_id)
        call.portal.must_find(end, to_id)
    stamp = call.portal.stamp()
    for (from_id, to_id), (_, types) in zip(pairs, inputs, strict=True):
        one, other = int(from_id), int(to_id)
        primary = kind is not None and kind.primary in types
        call.portal.link(start, one, end, other, stamp, primary=primary)
        call.portal.links.set_labels(start.kind.name, one, end.kind.name, other, types)
    call.count(len(pairs))
    return pairs


def _default_row(kind: AssociationType, from_id: str, to_id: str) -> dict[str, Any]:
    return {
        "from": {"id": from_id},
        "to": {"id": to_id},
        "associationSpec": {"associationCategory": kind.category, "associationTypeId": kind.default},
    }


# --- labels


def list_labels(call: Call) -> Answer:
    """All types that an association between the two object types can have."""
    start, end, kind = ends_of(call)
    rows: list[dict[str, Any]] = [{"category": kind.category, "typeId": kind.default, "label": None}]
    if kind.primary is not None:
        rows.append({"category": kind.category, "typeId": kind.primary, "label": "Primary"})
    for label in call.portal.links.labels.get((start.kind.name, end.kind.name), {}).values():
        rows.append({"category": "USER_DEFINED", "typeId": label.type_id, "label": label.text})
    return {"results": rows}


def create_label(call: Call) -> Answer:
    """A new label, in both directions."""
    start, end, _ = ends_of(call)
    body = call.json()
    if not body.get("name") or not body.get("label"):
        raise bad_request("Invalid input JSON: name and label are required.")
    made = call.portal.links.define(
        start.kind.name, end.kind.name, str(body["name"]), str(body["label"]), str(body.get("inverseLabel") or "")
    )
    return {"results": [{"category": "USER_DEFINED", "typeId": each.type_id, "label": each.text} for each in made]}


def archive_label(call: Call) -> Answer:
    """Delete a label; associations that had it stay."""
    start, end, _ = ends_of(call)
    key = call.path["label"]
    if not key.isdigit() or not call.portal.links.undefine(start.kind.name, end.kind.name, int(key)):
        raise bad_request(f"Association label {key} does not exist.")
    return 204, None
