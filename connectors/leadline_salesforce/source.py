"""Reading: health, schema, counts, and complete incremental pulls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from leadline.sdk.errors import LeadlineError
from leadline.sdk.ports import Runtime
from leadline.sdk.records import (
    Estimate,
    FieldSchema,
    FieldType,
    Finding,
    Json,
    ObjectSchema,
    Page,
    PullRequest,
    RawRecord,
)
from leadline_salesforce import query
from leadline_salesforce.client import Client
from leadline_salesforce.cursor import Progress, epoch, literal
from leadline_salesforce.options import SalesforceOptions
from leadline_salesforce.query import PAGE_SIZE, After

WRITE_BACK = (
    "Leadline_Score__c", "Leadline_Fit__c", "Leadline_Intent__c", "Leadline_Group__c", "Leadline_Reasons__c",
    "Leadline_Sort_Key__c", "Leadline_Scored_At__c", "Leadline_Action__c",
)  # fmt: skip
SCORED_OBJECTS = ("Account", "Contact", "Lead")
TASK_KEY = "Leadline_Key__c"

_TYPES: Mapping[str, FieldType] = {
    "string": FieldType.TEXT, "textarea": FieldType.TEXT, "email": FieldType.TEXT, "phone": FieldType.TEXT,
    "url": FieldType.TEXT, "combobox": FieldType.TEXT, "int": FieldType.NUMBER, "long": FieldType.NUMBER,
    "double": FieldType.NUMBER, "currency": FieldType.NUMBER, "percent": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN, "date": FieldType.DATE, "datetime": FieldType.DATETIME,
    "picklist": FieldType.PICKLIST, "multipicklist": FieldType.MULTIPICKLIST,
    "reference": FieldType.REFERENCE, "id": FieldType.ID,
}  # fmt: skip


class SalesforceSource:
    """The reading half of a connection."""

    def __init__(self, client: Client, options: SalesforceOptions, runtime: Runtime) -> None:
        self._client = client
        self._options = options
        self._runtime = runtime

    def check(self) -> list[Finding]:
        """Sign-in, version, quota, and the fields that Leadline itself needs."""
        findings = [self._looked_at("sign-in", self._version)]
        if not findings[0].ok:
            return findings  # everything else would say the same
        findings.append(self._looked_at("daily quota", self._quota))
        for kind in SCORED_OBJECTS:
            findings.append(self._looked_at(f"fields on {kind}", partial(self._write_back, kind)))
        findings.append(self._looked_at("tasks", lambda: task_key(self.schema("Task"))))
        findings.append(self._looked_at("sales cadences", self._cadences))
        return findings

    def _looked_at(self, what: str, look: Callable[[], Finding]) -> Finding:
        try:
            return look()
        except LeadlineError as error:
            return Finding(False, what, error.message, error.fix)

    def _version(self) -> Finding:
        wanted, offered = self._options.api_version, self._client.versions()
        if wanted in offered:
            return Finding(True, "sign-in", f"{self._options.base_url}, API version {wanted}")
        newest = max(offered, key=float)
        return Finding(
            False,
            "API version",
            f"The org does not offer version {wanted}; its newest is {newest}.",
            f"Set api_version to {newest}.",
        )

    def _quota(self) -> Finding:
        limit = self._client.get("limits")["DailyApiRequests"]
        left, most = int(limit["Remaining"]), int(limit["Max"])
        budget = self._runtime.daily_calls
        detail = f"{left:,} of {most:,} API calls left today"
        if left <= 0 or (budget is not None and left < budget):
            return Finding(
                False, "daily quota", f"{detail}; this connection may use {budget or most:,}.", "Lower daily_calls."
            )
        return Finding(True, "daily quota", detail)

    def _write_back(self, kind: str) -> Finding:
        return write_back(self.schema(kind))

    def _cadences(self) -> Finding:
        page = self._client.query("SELECT Id, Name FROM ActionCadence WHERE State = 'Active'")
        names = ", ".join(row["Name"] for row in page["records"]) or "none is active"
        return Finding(True, "sales cadences", names)

    def schema(self, object: str) -> ObjectSchema:
        """The object as the integration user sees it. PermanentError NOT_FOUND when it is hidden or missing."""
        return object_schema(self._client.get(f"sobjects/{query.name(object)}/describe"))

    def count(self, request: PullRequest) -> Estimate:
        """The rows beyond the cursor, in one call."""
        after = Progress.read(request.cursor).start()
        total = int(self._client.query(query.count(request.object, after), include_deleted=True)["totalSize"])
        # A full last page does not say that it is the last.
        return Estimate(request.object, total, total // PAGE_SIZE + 1)

    def pull(self, request: PullRequest) -> Iterator[Page]:
        """Pages by (SystemModstamp, Id), deleted and merged rows included; `cursor` says what is re-read."""
        progress = Progress.read(request.cursor)
        began = progress.began if progress.began is not None else self._runtime.now()
        place = progress.start()
        record = _reader(request.fields)
        while True:
            page = self._client.query(query.select(request.object, request.fields, place), include_deleted=True)
            rows = page["records"]
            records = tuple(map(record, rows))
            if rows:
                place = After(literal(rows[-1]["SystemModstamp"]), rows[-1]["Id"])
            # The vendor may make pages smaller than asked for (wide rows): then it says `done: false`.
            if page["done"] and len(rows) < PAGE_SIZE:
                newest = _later(progress.at, place if place and place.id else None)
                done = progress.finished(newest, began, self._runtime.now())
                yield Page(records, done.cursor())
                return
            if place is None:
                raise ValueError("an unfinished page without rows")
            yield Page(records, progress.reading(place, began).cursor())


def _later(one: After | None, other: After | None) -> After | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda after: (epoch(after.stamp), after.id))


def _reader(fields: Sequence[str]) -> Callable[[Mapping[str, Any]], RawRecord]:
    """A function from a row of a reply to a record, with the paths taken apart once."""
    plain = [field for field in fields if "." not in field]
    dotted = [(field, field.split(".")) for field in fields if "." in field]

    def record(row: Mapping[str, Any]) -> RawRecord:
        values: dict[str, Json] = {field: row[field] for field in plain}
        for field, parts in dotted:
            values[field] = _through(row, parts)
        return RawRecord(
            id=row["Id"],
            fields=values,
            modified_at=epoch(row["SystemModstamp"]),
            deleted=bool(row.get("IsDeleted")),
            merged_into=row.get("MasterRecordId"),
        )

    return record


def _through(row: Mapping[str, Any], parts: Sequence[str]) -> Json:
    """A field behind lookups: `Account.Name` of `{"Account": {"Name": ...}}`, None when a lookup is empty."""
    value: Any = row
    for part in parts:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value  # type: ignore[no-any-return] # JSON all the way down


def object_schema(described: Mapping[str, Any]) -> ObjectSchema:
    """A description of the vendor's in the engine's words."""
    return ObjectSchema(
        name=described["name"],
        label=described["label"],
        fields={field["name"]: _field_schema(field) for field in described["fields"]},
        readable=described["queryable"],
        creatable=described["createable"],
        updatable=described["updateable"],
    )


def _field_schema(field: Mapping[str, Any]) -> FieldSchema:
    kind = _TYPES.get(field["type"], FieldType.OTHER)
    values = tuple(option["value"] for option in field["picklistValues"] if option["active"])
    return FieldSchema(
        name=field["name"],
        label=field["label"],
        type=kind,
        length=field["length"] or None,
        writable=field["updateable"],
        required=field["createable"] and not field["nillable"] and not field["defaultedOnCreate"],
        unique=field["unique"],
        options=values if kind in (FieldType.PICKLIST, FieldType.MULTIPICKLIST) else None,
        restricted=field["restrictedPicklist"],
        references=tuple(field["referenceTo"]),
    )


def write_back(schema: ObjectSchema) -> Finding:
    """Whether the usual write-back fields are there and may be written."""
    what = f"fields on {schema.name}"
    missing = [name for name in WRITE_BACK if name not in schema.fields]
    closed = [name for name in WRITE_BACK if name in schema.fields and not schema.fields[name].writable]
    if missing:
        return Finding(
            False,
            what,
            f"{schema.name} lacks {', '.join(missing)}.",
            "Create the fields and give the integration user's permission set access, or map other ones.",
        )
    if closed:
        return Finding(
            False,
            what,
            f"{schema.name} does not let this user edit {', '.join(closed)}.",
            "Make the fields editable in the integration user's permission set.",
        )
    return Finding(True, what, f"{len(WRITE_BACK)} fields can be written")


def task_key(schema: ObjectSchema) -> Finding:
    """Whether tasks have the unique key that keeps one from being made twice."""
    key = schema.fields.get(TASK_KEY)
    if key is None or not key.writable or not key.unique:
        return Finding(
            False,
            "tasks",
            f"Task needs {TASK_KEY}, writable and unique.",
            f"Create {TASK_KEY} on Task as Text(80), External ID, Unique, and make it editable.",
        )
    return Finding(True, "tasks", f"{TASK_KEY} is unique and writable")
