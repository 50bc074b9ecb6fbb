"""Routes that read and write rows: one at a time, by external id, and in collections of up to 200."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from leadline_salesforce.sandbox import ids
from leadline_salesforce.sandbox.calls import Answer, Call
from leadline_salesforce.sandbox.faults import ApiError, RowError, not_found
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.queries import known
from leadline_salesforce.sandbox.store import Org, Row
from leadline_salesforce.sandbox.writes import Planned, Writes

MAX_RECORDS = 200
MAX_CHUNKS = 10
PAGE_OF_READS = 2000


@dataclass(frozen=True, slots=True)
class _Step:
    """One row of a collection: how to plan it, and the id to show if it is refused."""

    plan: Callable[[], Planned]
    record_id: str | None = None


class Rows:
    """Handlers over one org's rows."""

    def __init__(self, org: Org, writes: Writes) -> None:
        self._org = org
        self._writes = writes

    # One row

    def create(self, call: Call) -> Answer:
        planned = self._writes.create(known(call), _object(call.body), call.by)
        self._writes.put(planned)
        return Answer({"id": planned.record_id, "success": True, "errors": []}, 201, records=1)

    def read(self, call: Call) -> Answer:
        definition = known(call)
        row = self._writes.living(definition, call.text("id")) if ids.normal(call.text("id")) else None
        if row is None:
            raise not_found()
        return Answer(show(definition, row, call, call.query.get("fields")), records=1)

    def update(self, call: Call) -> Answer:
        planned = self._writes.update(known(call), call.text("id"), _object(call.body), call.by)
        self._writes.put(planned)
        return Answer(None, 204, records=1)

    def delete(self, call: Call) -> Answer:
        self._writes.put(self._writes.delete(known(call), call.text("id"), call.by))
        return Answer(None, 204, records=1)

    # By external id

    def read_by(self, call: Call) -> Answer:
        definition = known(call)
        row = self._writes.find(definition, _external(definition, call.text("field")), call.text("value"))
        if row is None:
            raise not_found()
        return Answer(show(definition, row, call, call.query.get("fields")), records=1)

    def upsert(self, call: Call) -> Answer:
        definition = known(call)
        field = _external(definition, call.text("field"))
        values = {**_object(call.body), field.name: call.text("value")}
        planned = self._writes.upsert(definition, field, values, call.by)
        self._writes.put(planned)
        body = {"id": planned.record_id, "success": True, "errors": [], "created": planned.created}
        return Answer(body, 201 if planned.created else 200, records=1)

    def delete_by(self, call: Call) -> Answer:
        definition = known(call)
        row = self._writes.find(definition, _external(definition, call.text("field")), call.text("value"))
        if row is None:
            raise not_found()
        self._writes.put(self._writes.delete(definition, row["Id"], call.by))
        return Answer(None, 204, records=1)

    # Collections

    def create_many(self, call: Call) -> Answer:
        records, all_or_none = _records(call)
        steps = [_Step(lambda r=r: self._writes.create(_typed(r, call), r, call.by)) for r in records]  # type: ignore[misc]
        return self._collection(steps, all_or_none=all_or_none)

    def update_many(self, call: Call) -> Answer:
        records, all_or_none = _records(call)
        seen: set[str] = set()
        steps = []
        for record in records:
            record_id = _id_of(record)
            again = record_id is not None and (ids.normal(record_id) or record_id) in seen
            seen.add(ids.normal(record_id or "") or "")
            steps.append(_Step(self._updating(record, record_id, again=again, call=call), record_id))
        return self._collection(steps, all_or_none=all_or_none)

    def _updating(
        self, record: Mapping[str, Any], record_id: str | None, *, again: bool, call: Call
    ) -> Callable[[], Planned]:
        def plan() -> Planned:
            if record_id is None:
                raise RowError("MISSING_ARGUMENT", "Id not specified in an update call", [])
            if again:
                raise RowError("DUPLICATE_VALUE", f"Duplicate id specified: {record_id}", [])
            values = {name: value for name, value in record.items() if name.lower() != "id"}
            return self._writes.update(_typed(record, call), record_id, values, call.by)

        return plan

    def upsert_many(self, call: Call) -> Answer:
        definition = known(call)
        field = _external(definition, call.text("field"))
        records, all_or_none = _records(call)
        seen: set[str] = set()
        steps = []
        for record in records:
            key = str(record.get(field.name, "")).casefold()
            steps.append(_Step(self._upserting(definition, field, record, again=key in seen, call=call)))
            seen.add(key)
        return self._collection(steps, all_or_none=all_or_none, upsert=True)

    def _upserting(
        self, definition: ObjectDef, field: FieldDef, record: Mapping[str, Any], *, again: bool, call: Call
    ) -> Callable[[], Planned]:
        def plan() -> Planned:
            if _typed(record, call) is not definition:
                raise RowError("INVALID_TYPE", f"Record type is not {definition.name}", [])
            if record.get(field.name) in (None, ""):
                raise RowError("MISSING_ARGUMENT", f"{field.name} not specified", [])
            if again:
                raise RowError(
                    "DUPLICATE_VALUE", f"Duplicate external id specified: {record[field.name]}", [field.name]
                )
            return self._writes.upsert(definition, field, record, call.by)

        return plan

    def delete_many(self, call: Call) -> Answer:
        wanted = [text for text in call.query.get("ids", "").split(",") if text]
        _limit(len(wanted))
        steps = [
            _Step(lambda i=i: self._writes.delete(_of_id(i, call), i, call.by), i)  # type: ignore[misc] # i is bound now
            for i in wanted
        ]
        return self._collection(steps, all_or_none=call.query.get("allOrNone", "false").lower() == "true")

    def read_many(self, call: Call) -> Answer:
        definition = known(call)
        body = call.body if isinstance(call.body, Mapping) else {}
        wanted = body.get("ids") or call.query.get("ids", "").split(",")
        fields = ",".join(body["fields"]) if body.get("fields") else call.query.get("fields", "Id")
        if len(wanted) > PAGE_OF_READS:
            raise ApiError("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {PAGE_OF_READS}")
        found: list[Row | None] = []
        for text in wanted:
            row = self._org.table(definition).rows.get(ids.normal(str(text)) or "")
            found.append(show(definition, row, call, fields) if row and not row.get("IsDeleted") else None)
        return Answer(found, records=len(found))

    def _collection(self, steps: list[_Step], *, all_or_none: bool, upsert: bool = False) -> Answer:
        """Each row's result in order. With `all_or_none` one refused row takes the others back."""
        with self._writes.transaction() as transaction:
            results = [self._result(step, upsert=upsert) for step in steps]
            if all_or_none and any(not result["success"] for result in results):
                transaction.roll_back()
                results = [_rolled_back() if result["success"] else result for result in results]
        return Answer(results, records=sum(result["success"] for result in results))

    def _result(self, step: _Step, *, upsert: bool) -> dict[str, Any]:
        try:
            planned = step.plan()
        except RowError as error:
            return error.result(step.record_id)
        self._writes.put(planned)
        made = {"created": planned.created} if upsert else {}
        return {"id": planned.record_id, "success": True, "errors": []} | made


def _rolled_back() -> dict[str, Any]:
    words = "Record rolled back because not all records were valid and the request was using AllOrNone header"
    return RowError("ALL_OR_NONE_OPERATION_ROLLED_BACK", words, []).result()


def show(definition: ObjectDef, row: Row, call: Call, fields: str | None) -> dict[str, Any]:
    """A row as JSON: the named fields, or all."""
    names = list(definition.fields)
    if fields:
        names = [_named_field(definition, name.strip()) for name in fields.split(",") if name.strip()]
    url = f"{call.base}/sobjects/{definition.name}/{row['Id']}"
    return {"attributes": {"type": definition.name, "url": url}} | {name: row.get(name) for name in names}


def _named_field(definition: ObjectDef, name: str) -> str:
    field = definition.field(name)
    if field is None:
        raise ApiError("INVALID_FIELD", f"No such column '{name}' on sobject of type {definition.name}")
    return field.name


def _external(definition: ObjectDef, name: str) -> FieldDef:
    field = definition.field(name)
    if field is None or not (field.external_id or field.name == "Id"):
        raise ApiError(
            "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {name}", status=404
        )
    return field


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise ApiError("JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body.")
    return body


def _records(call: Call) -> tuple[list[dict[str, Any]], bool]:
    body = _object(call.body)
    records = body.get("records")
    if not isinstance(records, list) or not records or not all(isinstance(record, dict) for record in records):
        raise ApiError("MISSING_ARGUMENT", "records must be a list of at least one record")
    _limit(len(records))
    chunks = sum(1 for _ in groupby(records, key=_type_of))
    if chunks > MAX_CHUNKS:
        raise ApiError(
            "LIMIT_EXCEEDED",
            f"Cannot have more than {MAX_CHUNKS} chunks in a single operation. Please rearrange the data to reduce "
            "chunking.",
        )
    return records, bool(body.get("allOrNone", False))


def _limit(count: int) -> None:
    if count > MAX_RECORDS:
        raise ApiError(
            "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MAX_RECORDS} records in this call"
        )


def _type_of(record: Mapping[str, Any]) -> str:
    attributes = record.get("attributes")
    return str(attributes.get("type", "")) if isinstance(attributes, Mapping) else ""


def _typed(record: Mapping[str, Any], call: Call) -> ObjectDef:
    name = _type_of(record)
    if not name:
        raise RowError("INVALID_TYPE", "Must specify the attributes.type of each record", [])
    definition = call.schema.named(name)
    if definition is None:
        raise RowError("INVALID_TYPE", f"sObject type '{name}' is not supported.", [])
    return definition


def _of_id(record_id: str, call: Call) -> ObjectDef:
    definition = call.schema.of_id(record_id)
    if definition is None or ids.normal(record_id) is None:
        raise RowError("MALFORMED_ID", f"bad id {record_id}", [])
    return definition


def _id_of(record: Mapping[str, Any]) -> str | None:
    value = record.get("id", record.get("Id"))
    return value if isinstance(value, str) and value else None
