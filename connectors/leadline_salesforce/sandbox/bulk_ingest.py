"""Routes of Bulk API 2.0 ingest jobs. The rows obey the same rules as those of the REST API."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from leadline.sdk.sandbox.clock import SandboxClock
from leadline_salesforce.sandbox import moments
from leadline_salesforce.sandbox.bulk_csv import CsvError
from leadline_salesforce.sandbox.bulk_jobs import (
    ENDED,
    Breakdown,
    Job,
    Pace,
    Register,
    bad_state,
    dialect_of,
    invalid,
    wanted,
)
from leadline_salesforce.sandbox.bulk_load import Load
from leadline_salesforce.sandbox.calls import Answer, Call
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.writes import By, Writes

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
MAX_UPLOAD = 100 * 1024 * 1024
BATCH = 10_000  # rows that one look waits for; the rest is done between other calls


@dataclass(slots=True, kw_only=True)
class IngestJob(Job):
    """Rows to write, then what became of them."""

    definition: ObjectDef
    key: FieldDef | None
    rule: str | None
    data: bytes | None = None
    load: Load | None = None
    breakdown: Breakdown | None = None
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class BulkIngest:
    """Handlers of `/jobs/ingest`. `breakdowns` hit the next jobs that start, one each."""

    writes: Writes
    clock: SandboxClock
    pace: Pace
    max_upload: int = MAX_UPLOAD
    batch: int = BATCH
    breakdowns: list[Breakdown] = field(default_factory=list)
    jobs: Register[IngestJob] = field(init=False)

    def __post_init__(self) -> None:
        self.jobs = Register(self.clock, "V2Ingest")

    def create(self, call: Call) -> Answer:
        body = wanted(call)
        operation, definition = body.get("operation"), self.writes.org.schema.named(str(body.get("object", "")))
        if operation not in OPERATIONS:
            raise invalid(f"Unsupported operation: {operation}")
        if definition is None:
            raise ApiError("INVALIDENTITY", f"Unable to find object: {body.get('object')}")
        rule = body.get("assignmentRuleId")
        job = IngestJob(
            id=self.jobs.next_id(),
            version=call.base.rpartition("/")[2],
            operation=operation,
            object=definition.name,
            user=call.by.user,
            created=moments.instant(self.clock.now()),
            dialect=dialect_of(body),
            state="Open",
            definition=definition,
            key=_key(definition, operation, body.get("externalIdFieldName")),
            rule=str(rule) if rule else None,
        )
        self.jobs.add(job)
        return Answer(_told(job))

    def upload(self, call: Call) -> Answer:
        job = self.jobs.named(call)
        if job.state != "Open":
            raise bad_state(f"Data cannot be uploaded to a job whose state is {job.state}")
        if job.data is not None:
            raise ApiError(
                "INVALIDBATCH",
                f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job "
                "then create a new Job and make sure you only do 'PUT' once on a given Job.",
            )
        if len(call.raw) > self.max_upload:
            raise ApiError("EXCEEDED_MAX_SIZE_REQUEST", f"The data is larger than {self.max_upload} bytes", status=413)
        job.data = call.raw
        return Answer(None, 201)

    def change(self, call: Call) -> Answer:
        """Close a job (UploadComplete) or abort it."""
        job, state = self.jobs.named(call), wanted(call).get("state")
        if state == "Aborted":
            if job.state in ENDED:
                raise bad_state(f"Aborting already {job.state} job is not allowed")
            job.ended("Aborted", self.clock.now())
        elif state == "UploadComplete":
            if job.state != "Open":
                raise bad_state(f"Closing already {job.state} job is not allowed")
            self._close(job)
        else:
            raise invalid("The state can only be set to UploadComplete or Aborted")
        return Answer(_told(job))

    def get(self, call: Call) -> Answer:
        job = self.jobs.named(call)
        if job.state in ("UploadComplete", "InProgress") and job.due(self.pace, self.clock.now()):
            self._work(job)
        return Answer(_told(job), records=job.load.done if job.load and job.state in ENDED else None)

    def delete(self, call: Call) -> Answer:
        return self.jobs.delete(call)

    def list(self, call: Call) -> Answer:
        return self.jobs.listed(call, (_info(job) for job in self.jobs))

    def successful(self, call: Call) -> Answer:
        job, load = self._results(call)
        return _csv(job, ["sf__Id", "sf__Created", *load.header], load.successful())

    def failed(self, call: Call) -> Answer:
        job, load = self._results(call)
        return _csv(job, ["sf__Id", "sf__Error", *load.header], load.failed())

    def unprocessed(self, call: Call) -> Answer:
        job, load = self._results(call)
        return _csv(job, load.header, load.unprocessed())

    def _results(self, call: Call) -> tuple[IngestJob, Load]:
        job = self.jobs.named(call)
        if job.state not in ENDED:
            raise bad_state(f"The job is {job.state}; its results can be read when it is over")
        return job, job.load or Load(self.writes, job.definition, job.operation, job.key, By(job.user, False))

    def _close(self, job: IngestJob) -> None:
        now = self.clock.now()
        job.state, job.stamp, job.began = "UploadComplete", moments.instant(now), now
        # Assignment rules run when the job names one; there is no header for it here.
        by = By(job.user, auto_assign=job.rule is not None)
        job.load = Load(self.writes, job.definition, job.operation, job.key, by)
        try:
            job.load.read(job.dialect, job.data or b"")
        except CsvError as error:
            job.error = str(error)
        job.data = None
        if self.breakdowns:
            job.breakdown = self.breakdowns.pop(0)

    def _work(self, job: IngestJob) -> None:
        """Up to `batch` rows at once; the rest of a longer job goes on beside the other calls."""
        if job.error:
            job.ended("Failed", self.clock.now(), job.error)
        elif job.task is None:
            for _ in self._slices(job, self.batch):
                pass
            if job.state == "InProgress":
                job.task = asyncio.get_running_loop().create_task(self._rest(job))

    async def _rest(self, job: IngestJob) -> None:
        for _ in self._slices(job, None):
            await asyncio.sleep(0)  # other calls first

    def _slices(self, job: IngestJob, most: int | None) -> Iterable[None]:
        """Write the job's rows slice by slice while it is in progress, and end it with the last one."""
        load = job.load
        if load is None:
            return
        stop = None if most is None else load.done + most
        last = None if job.breakdown is None else job.breakdown.after
        while job.state == "InProgress" and (stop is None or load.done < stop):
            if job.breakdown is not None and load.done >= job.breakdown.after:
                job.ended(job.breakdown.state, self.clock.now(), job.breakdown.message)
            elif load.left == 0:
                job.ended("JobComplete", self.clock.now())
            else:
                load.slice(min((end for end in (last, stop) if end is not None), default=None))
                yield


def _csv(job: IngestJob, header: list[str], rows: Iterable[list[str]]) -> Answer:
    return Answer(job.dialect.write(header, rows))


def _key(definition: ObjectDef, operation: str, name: object) -> FieldDef | None:
    if operation != "upsert":
        return None
    found = definition.field(str(name)) if name else None
    if found is None or not (found.external_id or found.name == "Id"):
        raise invalid(f"Invalid externalIdFieldName {name} for object {definition.name}")
    return found


def _info(job: IngestJob) -> dict[str, Any]:
    told = job.info() | {"jobType": "V2Ingest"}
    if job.key is not None:
        told["externalIdFieldName"] = job.key.name
    if job.rule is not None:
        told["assignmentRuleId"] = job.rule
    return told


def _told(job: IngestJob) -> dict[str, Any]:
    told = _info(job)
    if job.state == "Open":
        return told | {"contentUrl": f"services/data/{job.version}/jobs/ingest/{job.id}/batches"}
    load = job.load
    told |= {
        "numberRecordsProcessed": load.done if load else 0,
        "numberRecordsFailed": len(load.failures) if load else 0,
        "retries": 0,
        "totalProcessingTime": 0,
        "apiActiveProcessingTime": 0,
        "apexProcessingTime": 0,
    }
    if job.state in ENDED and job.error:
        told["errorMessage"] = job.error
    return told
