"""Batches of up to a hundred records.

One bad row fails the whole batch with a 400, unless every input carries a unique
`objectWriteTraceId`: then the others go through and the answer is a 207 that names the bad rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from leadline_hubspot.sandbox.failures import Refused, bad_request
from leadline_hubspot.sandbox.gate import Answer, Call
from leadline_hubspot.sandbox.objects_api import known, table_of
from leadline_hubspot.sandbox.portal import Table
from leadline_hubspot.sandbox.records import Record, as_json
from leadline_hubspot.sandbox.values import iso

_HISTORY_LIMIT = 50  # inputs in a batch read that asks for history
Input: TypeAlias = Mapping[str, Any]
Prepare: TypeAlias = Callable[[Input], Callable[[], tuple[Record, dict[str, Any]]]]


def inputs_of(call: Call, limit: int) -> list[Input]:
    """The inputs of a batch. Refused when there are none or too many."""
    inputs = call.json().get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise bad_request("Invalid input JSON: inputs must be a list that is not empty.")
    if len(inputs) > limit:
        raise bad_request(f"Batch size {len(inputs)} is larger than the {limit} inputs allowed.")
    return inputs


def read_batch(call: Call) -> Answer:
    """Records by id, or by a unique property; missing ones are named in a 207."""
    table, body = table_of(call), call.json()
    traced = tuple(known(table, body.get("propertiesWithHistory") or ()))
    keys = [str(each.get("id", "")) for each in inputs_of(call, _HISTORY_LIMIT if traced else call.portal.limits.batch)]
    names = known(table, body.get("properties") or ())
    results, missing = [], []
    for key in dict.fromkeys(keys):
        if call.flag("archived"):
            record = table.store.get(int(key), archived=True) if key.isdigit() else None
        else:
            record = call.portal.find(table, key, body.get("idProperty"), merged=True)
        if record is None:
            missing.append(key)
            continue
        row = as_json(table.kind, record, names)
        if traced:
            row["propertiesWithHistory"] = table.history.of(record, traced)
        results.append(row)
    call.count(len(results))
    errors = []
    if missing:
        kind = table.kind.singular.upper()
        errors.append(
            {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": f"Could not get some {kind} objects, they may be deleted or not exist. "
                "Check that ids are valid.",
                "context": {"ids": missing},
            }
        )
    return finished(call, results, errors, 200)


def create_batch(call: Call) -> Answer:
    """New records with their links."""
    table, stamp = table_of(call), call.portal.stamp()

    def prepare(given: Input) -> Callable[[], tuple[Record, dict[str, Any]]]:
        create = call.portal.prepare_create(
            table,
            given.get("properties") or {},
            given.get("associations") or (),
            stamp,
            version=call.version,
        )
        return lambda: (create(), {})

    return _write(call, table, prepare, 201)


def update_batch(call: Call) -> Answer:
    """Changes to records, by id or by a unique property."""
    table, stamp = table_of(call), call.portal.stamp()

    def prepare(given: Input) -> Callable[[], tuple[Record, dict[str, Any]]]:
        update = call.portal.prepare_update(
            table,
            str(given.get("id", "")),
            given.get("properties") or {},
            stamp,
            given.get("idProperty"),
            version=call.version,
        )
        return lambda: (update(), {})

    return _write(call, table, prepare, 200, distinct=True)


def upsert_batch(call: Call) -> Answer:
    """Records by a unique property: updated when one has the value, created when none has."""
    table, stamp = table_of(call), call.portal.stamp()

    def prepare(given: Input) -> Callable[[], tuple[Record, dict[str, Any]]]:
        key, id_property = str(given.get("id", "")), given.get("idProperty")
        values = given.get("properties") or {}
        found = call.portal.find(table, key, id_property)
        if found is not None:
            update = call.portal.prepare_update(table, str(found.id), values, stamp, version=call.version)
            return lambda: (update(), {"new": False})
        if not id_property or id_property == "hs_object_id":
            call.portal.must_find(table, key)
        new = {**values, str(id_property): key}
        create = call.portal.prepare_create(table, new, given.get("associations") or (), stamp, version=call.version)
        return lambda: (create(), {"new": True})

    by_email = any(each.get("idProperty") == "email" for each in inputs_of(call, call.portal.limits.batch))
    return _write(call, table, prepare, 200, partial=not by_email)


def archive_batch(call: Call) -> Answer:
    """Move records to the recycle bin."""
    table, stamp = table_of(call), call.portal.stamp()
    inputs = inputs_of(call, call.portal.limits.batch)
    for each in inputs:
        record = call.portal.find(table, str(each.get("id", "")))
        if record is not None:
            call.portal.archive(table, record, stamp)
    call.count(len(inputs))
    return 204, None


def _write(
    call: Call, table: Table, prepare: Prepare, status: int, *, partial: bool = True, distinct: bool = False
) -> Answer:
    inputs = inputs_of(call, call.portal.limits.batch)
    if distinct:
        _refuse_repeats(inputs)
    if partial and _traced(inputs):
        results, errors = _write_each(call, table, inputs, prepare)
    else:
        changes = [(each, prepare(each)) for each in inputs]
        results, errors = [_row(table, each, *change()) for each, change in changes], []
    call.count(len(results))
    return finished(call, results, errors, status)


def _write_each(
    call: Call, table: Table, inputs: Sequence[Input], prepare: Prepare
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    results, errors = [], []
    for each in inputs:
        try:
            results.append(_row(table, each, *prepare(each)()))
        except Refused as refusal:
            body = refusal.as_json()
            body["context"] = {**body.get("context", {}), "objectWriteTraceId": [str(each["objectWriteTraceId"])]}
            errors.append(body)
    return results, errors


def _row(table: Table, given: Input, record: Record, extra: Mapping[str, Any]) -> dict[str, Any]:
    row = {**as_json(table.kind, record, known(table, list(given.get("properties") or {}))), **extra}
    if given.get("objectWriteTraceId"):
        row["objectWriteTraceId"] = given["objectWriteTraceId"]
    return row


def _traced(inputs: Sequence[Input]) -> bool:
    traces = [each.get("objectWriteTraceId") for each in inputs]
    return all(traces) and len(set(traces)) == len(traces)


def _refuse_repeats(inputs: Sequence[Input]) -> None:
    keys = [str(each.get("id", "")) for each in inputs]
    repeated = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
    if repeated:
        raise bad_request(f"Duplicate IDs found in batch input: {repeated}. IDs must be unique")


def finished(call: Call, results: Sequence[Any], errors: Sequence[Any], status: int) -> Answer:
    """The body of a batch: 207 with what went wrong, when something did."""
    at = iso(call.portal.now())
    body: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    if errors:
        body["numErrors"] = len(errors)
        body["errors"] = errors
        status = 207
    return status, body
