"""Composite tree: records with their children, created together or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline_salesforce.sandbox.calls import Answer, Call
from leadline_salesforce.sandbox.faults import ApiError, RowError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.queries import known
from leadline_salesforce.sandbox.schema import Schema
from leadline_salesforce.sandbox.writes import Writes

MAX_RECORDS, MAX_DEPTH = 200, 5


class Trees:
    """The handler of `/composite/tree/{object}`."""

    def __init__(self, writes: Writes) -> None:
        self._writes = writes

    def create(self, call: Call) -> Answer:
        body = call.body
        records = body.get("records") if isinstance(body, Mapping) else None
        if not isinstance(records, list) or not records:
            raise ApiError("MISSING_ARGUMENT", "records must be a list of at least one record")
        planting = _Planting(call, self._writes)
        with self._writes.transaction() as transaction:
            for record in records:
                planting.plant(known(call), record)
            if planting.count > MAX_RECORDS:
                transaction.roll_back()
                raise ApiError("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MAX_RECORDS}")
            if planting.wrong:
                transaction.roll_back()
                return Answer({"hasErrors": True, "results": planting.wrong}, 400)
        return Answer({"hasErrors": False, "results": planting.made}, 201, records=len(planting.made))


@dataclass(slots=True)
class _Planting:
    """One call's records, each before its children."""

    call: Call
    writes: Writes
    made: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[dict[str, Any]] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.made) + len(self.wrong)

    def plant(
        self, definition: ObjectDef, record: Mapping[str, Any], parent: Mapping[str, str] | None = None, depth: int = 1
    ) -> None:
        reference = (record.get("attributes") or {}).get("referenceId")
        if reference is None or depth > MAX_DEPTH:
            error = RowError("INVALID_INPUT", f"Each record needs a referenceId; at most {MAX_DEPTH} levels")
            self.wrong.append({"referenceId": reference, "errors": error.result()["errors"]})
            return
        values = {name: value for name, value in record.items() if not _is_tree(value)}
        try:
            planned = self.writes.create(definition, {**values, **(parent or {})}, self.call.by)
        except RowError as error:
            self.wrong.append({"referenceId": reference, "errors": error.result()["errors"]})
            return
        self.writes.put(planned)
        self.made.append({"referenceId": reference, "id": planned.record_id})
        for name, value in record.items():
            if _is_tree(value):
                child, lookup = _child(definition, name, self.call.schema)
                for item in value["records"]:
                    self.plant(child, item, {lookup.name: planned.record_id}, depth + 1)


def _is_tree(value: object) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("records"), list)


def _child(parent: ObjectDef, relationship: str, schema: Schema) -> tuple[ObjectDef, FieldDef]:
    for definition in schema:
        for lookup in definition.fields.values():
            if (lookup.children or "").lower() == relationship.lower() and parent.name in lookup.reference_to:
                return definition, lookup
    raise ApiError("INVALID_FIELD", f"No such relationship '{relationship}' on sobject of type {parent.name}")
