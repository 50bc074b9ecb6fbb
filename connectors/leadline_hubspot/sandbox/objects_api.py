"""Records one at a time and in lists: list, read, create, update, archive, merge, search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leadline_hubspot.sandbox import search
from leadline_hubspot.sandbox.failures import not_found
from leadline_hubspot.sandbox.gate import Answer, Call
from leadline_hubspot.sandbox.merging import merge
from leadline_hubspot.sandbox.objects import association_type
from leadline_hubspot.sandbox.portal import Portal, Table
from leadline_hubspot.sandbox.records import Record, as_json

_HISTORY_PAGE = 50  # records in a page that asks for history


def table_of(call: Call, name: str = "type") -> Table:
    """The object type that the path names."""
    return call.portal.table(call.path[name])


def known(table: Table, names: Sequence[str]) -> list[str]:
    """The names that are properties; others are passed over, as the vendor does."""
    return [name for name in names if name in table.properties]


def list_records(call: Call) -> Answer:
    """One page in order of id, with the ids of associated records on request."""
    table = table_of(call)
    traced = tuple(known(table, call.listed("propertiesWithHistory")))
    limit = call.whole("limit", 10, 1, _HISTORY_PAGE if traced else call.portal.limits.page)
    after = call.whole("after", 0, 0, 1 << 62)
    records, more = table.store.page(after, limit, archived=call.flag("archived"))
    names = known(table, call.listed("properties"))
    others = [call.portal.table(name) for name in call.listed("associations")]
    results = [_with_links(call, table, record, names, others) for record in records]
    for row, record in zip(results, records, strict=True) if traced else ():
        row["propertiesWithHistory"] = table.history.of(record, traced)
    call.count(len(results))
    body: dict[str, Any] = {"results": results}
    if more:
        last = str(records[-1].id)
        body["paging"] = {"next": {"after": last, "link": call.link(after=last)}}
    return body


def read_record(call: Call) -> Answer:
    """One record by id, or by a unique property."""
    table = table_of(call)
    archived, key = call.flag("archived"), call.path["id"]
    if archived:
        record = table.store.get(int(key), archived=True) if key.isdigit() else None
        if record is None:
            raise not_found(table.kind.singular, key)
    else:
        record = call.portal.must_find(table, key, call.text("idProperty"), merged=True)
    others = [call.portal.table(name) for name in call.listed("associations")]
    call.count(1)
    row = _with_links(call, table, record, known(table, call.listed("properties")), others)
    if traced := tuple(known(table, call.listed("propertiesWithHistory"))):
        row["propertiesWithHistory"] = table.history.of(record, traced)
    return row


def _with_links(
    call: Call, table: Table, record: Record, names: Sequence[str], others: Sequence[Table]
) -> dict[str, Any]:
    body = as_json(table.kind, record, names)
    found = {}
    for other in others:
        ids = call.portal.links.of(table.kind.name, record.id, other.kind.name)
        if ids:
            found[_key(other)] = _inlined(call, table, record, other, ids)
    if found:
        body["associations"] = found
    return body


def _key(other: Table) -> str:
    return f"p_{other.kind.name}" if other.kind.custom else other.kind.name


def _inlined(call: Call, table: Table, record: Record, other: Table, ids: Sequence[int]) -> dict[str, Any]:
    """Associated ids as lists give them: the primary one appears twice, once for each of its types."""
    name = f"{table.kind.singular}_to_{other.kind.singular}"
    kind = association_type(table.kind.name, other.kind.name)
    limit = call.portal.limits.linked_page
    shown = ids[:limit]
    if kind is not None and kind.primary is not None:
        links, ends = call.portal.links, (table.kind.name, record.id, other.kind.name)
        results = [{"id": str(each), "type": name} for each in shown if links.is_primary(*ends, each)]
        results += [{"id": str(each), "type": f"{name}_unlabeled"} for each in shown]
    else:
        results = [{"id": str(each), "type": name} for each in shown]
    body: dict[str, Any] = {"results": results}
    if len(ids) > limit:
        path = f"/crm/v4/objects/{table.kind.name}/{record.id}/associations/{other.kind.name}"
        after = str(shown[-1])
        base = call.link().split("/crm/")[0]
        body["paging"] = {"next": {"after": after, "link": f"{base}{path}?after={after}"}}
    return body


def create_record(call: Call) -> Answer:
    """One new record."""
    table, body = table_of(call), call.json()
    create = call.portal.prepare_create(
        table,
        body.get("properties") or {},
        body.get("associations") or (),
        call.portal.stamp(),
        version=call.version,
    )
    record = create()
    call.count(1)
    return 201, as_json(table.kind, record, known(table, list(body.get("properties") or {})))


def update_record(call: Call) -> Answer:
    """Set values of one record."""
    table, values = table_of(call), call.json().get("properties") or {}
    update = call.portal.prepare_update(
        table, call.path["id"], values, call.portal.stamp(), call.text("idProperty"), version=call.version
    )
    record = update()
    call.count(1)
    return as_json(table.kind, record, known(table, list(values)))


def archive_record(call: Call) -> Answer:
    """Move one record to the recycle bin; one that is not there is archived already."""
    table = table_of(call)
    record = call.portal.find(table, call.path["id"])
    if record is not None:
        call.portal.archive(table, record, call.portal.stamp())
        call.count(1)
    return 204, None


def merge_records(call: Call) -> Answer:
    """Merge one record into another."""
    table, body = table_of(call), call.json()
    winner_id, loser_id = str(body.get("primaryObjectId", "")), str(body.get("objectIdToMerge", ""))
    winner = call.portal.must_find(table, winner_id)
    loser = call.portal.must_find(table, loser_id)
    left = merge(call.portal, table, winner, loser, call.portal.stamp(), new_id=call.portal.merge_new_id)
    call.count(2)
    return as_json(table.kind, left, ())


def purge_record(call: Call) -> Answer:
    """Delete one record for good, by id or by a unique property."""
    table, body = table_of(call), call.json()
    record = call.portal.must_find(table, str(body.get("objectId", "")), body.get("idProperty"))
    call.portal.purge(table, record, call.portal.stamp())
    call.count(1)
    return 204, None


def search_records(call: Call) -> Answer:
    """Records that match, up to the vendor's cap on results."""
    table, portal = table_of(call), call.portal
    query = search.parse(call.json(), call.size, portal.limits, table.properties)
    total, records = table.index.find(query, portal.now())
    names = known(table, query.properties)
    call.count(len(records))
    body: dict[str, Any] = {
        "total": total,
        "results": [as_json(table.kind, record, names) for record in records],
    }
    if query.after + query.limit < total:
        after = str(query.after + query.limit)
        body["paging"] = {"next": {"after": after, "link": call.link(after=after)}}
    return body


def read_scope(call: Call) -> str:
    """The scope for reading the object type of the path."""
    return f"{table_of(call).kind.scope}.read"


def write_scope(call: Call) -> str:
    """The scope for writing the object type of the path."""
    return f"{table_of(call).kind.scope}.write"


def portal_state(portal: Portal) -> dict[str, list[dict[str, Any]]]:
    """Every record of every type with all its values and links, archived ones included."""
    state: dict[str, list[dict[str, Any]]] = {}
    for name, table in portal.tables.items():
        others = portal.links.types_from(name)
        rows = []
        for record in table.store.all():
            row = as_json(table.kind, record, list(table.properties))
            links = {other: [str(i) for i in portal.links.of(name, record.id, other)] for other in others}
            rows.append({**row, "associations": {other: ids for other, ids in links.items() if ids}})
        state[name] = rows
    return state
