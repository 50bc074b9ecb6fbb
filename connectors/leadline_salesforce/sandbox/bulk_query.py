"""Routes of Bulk API 2.0 query jobs."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from leadline.sdk.sandbox.clock import SandboxClock
from leadline_salesforce.sandbox import moments
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
from leadline_salesforce.sandbox.calls import Answer, Call
from leadline_salesforce.sandbox.evaluate import Evaluator, with_children
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.snapshots import Snapshot
from leadline_salesforce.sandbox.soql import parse
from leadline_salesforce.sandbox.soqltree import Column, Query
from leadline_salesforce.sandbox.store import Org

PAGE = 50_000  # rows of a page when the caller does not say
_PARALLEL = 5


@dataclass(slots=True, kw_only=True)
class QueryJob(Job):
    """A query under way, then its rows."""

    query: Query
    found: Snapshot | None = None


class BulkQueries:
    """Handlers of `/jobs/query`."""

    def __init__(self, org: Org, clock: SandboxClock, pace: Pace) -> None:
        self._org = org
        self._clock = clock
        self._pace = pace
        self.jobs: Register[QueryJob] = Register(clock, "V2Query")
        self.page = PAGE
        self.breakdowns: list[Breakdown] = []  # hit the next jobs that are run, one each

    def create(self, call: Call) -> Answer:
        body = wanted(call)
        operation, text = body.get("operation"), body.get("query")
        if operation not in ("query", "queryAll"):
            raise invalid(f"Unsupported operation: {operation}")
        if not isinstance(text, str) or not text.strip():
            raise invalid("Query is required")
        query = parse(text)
        _supported(query)
        evaluator = Evaluator(self._org, self._clock.now(), call.base)
        evaluator.check(query)
        now = self._clock.now()
        job = QueryJob(
            id=self.jobs.next_id(),
            version=call.base.rpartition("/")[2],
            operation=operation,
            object=evaluator.object_of(query).name,
            user=call.by.user,
            created=moments.instant(now),
            dialect=dialect_of(body),
            began=now,
            query=query,
        )
        self.jobs.add(job)
        return Answer(job.info())

    def get(self, call: Call) -> Answer:
        job = self.jobs.named(call)
        if job.state not in ENDED and job.due(self._pace, self._clock.now()):
            self._run(job)
        return Answer(_told(job))

    def abort(self, call: Call) -> Answer:
        job = self.jobs.named(call)
        if wanted(call).get("state") != "Aborted":
            raise invalid("The state of a query job can only be set to Aborted")
        if job.state in ENDED:
            raise bad_state(f"Job is {job.state} and cannot be aborted")
        job.ended("Aborted", self._clock.now())
        return Answer(_told(job))

    def delete(self, call: Call) -> Answer:
        return self.jobs.delete(call)

    def list(self, call: Call) -> Answer:
        return self.jobs.listed(call, (job.info() for job in self.jobs))

    def results(self, call: Call) -> Answer:
        """One page of rows as CSV; `Sforce-Locator` names the next one, `null` when there is none."""
        job, found = self._complete(call)
        start, size = _start(call, len(found)), self._size(call)
        stop = min(start + size, len(found))
        headers = {
            "Sforce-Locator": _locator(stop) if stop < len(found) else "null",
            "Sforce-NumberOfRecords": str(stop - start),
        }
        content = job.dialect.write(found.header, found.page(start, stop))
        return Answer(content, records=stop - start, headers=headers)

    def pages(self, call: Call) -> Answer:
        """Up to five addresses of pages, to be fetched in any order."""
        job, found = self._complete(call)
        first = _start(call, len(found))
        starts = range(first, max(len(found), first + 1), self.page)
        base = f"{call.base}/jobs/query/{job.id}"
        shown = [{"resultUrl": f"{base}/results?locator={_locator(at)}&maxRecords={self.page}"} for at in starts[:5]]
        more = len(starts) > _PARALLEL
        url = f"{base}/resultPages?locator={_locator(starts[_PARALLEL])}" if more else None
        return Answer({"resultPages": shown, "nextRecordsUrl": url, "done": not more})

    def _complete(self, call: Call) -> tuple[QueryJob, Snapshot]:
        job = self.jobs.named(call)
        if job.version != call.base.rpartition("/")[2]:
            raise ApiError(
                "API_VERSION_MISMATCH", f"Use API version {job.version}, in which the job was created", status=409
            )
        if job.found is None:
            raise bad_state(f"The job is {job.state}; its results can be read when it is JobComplete")
        return job, job.found

    def _size(self, call: Call) -> int:
        text = call.query.get("maxRecords")
        if text is None:
            return self.page
        if not text.isdigit() or int(text) == 0:
            raise ApiError("INVALIDQUERYLOCATOR", f"maxRecords is not a number of records: {text}")
        return int(text)

    def _run(self, job: QueryJob) -> None:
        """Take the rows as they are at this moment."""
        now = self._clock.now()
        if self.breakdowns:
            breakdown = self.breakdowns.pop(0)
            job.ended(breakdown.state, now, breakdown.message)
            return
        evaluator = Evaluator(self._org, now, "")
        try:
            found = evaluator.run(job.query, include_deleted=job.operation == "queryAll")
            columns = evaluator.columns(job.query)
        except ApiError as error:  # a field that was there when the job was made
            job.ended("Failed", now, f"{error.code}: {error.message}")
            return
        job.found = Snapshot(columns, found.rows, self._org)
        job.processed = len(found.rows)
        job.ended("JobComplete", now)


def _told(job: QueryJob) -> dict[str, object]:
    told = job.info() | {"jobType": "V2Query", "retries": 0, "totalProcessingTime": 0}
    told["numberRecordsProcessed"] = job.processed
    if job.found is not None:
        told["isPkChunkingSupported"] = True
    if job.error:
        told["errorMessage"] = job.error
    return told


def _supported(query: Query) -> None:
    """ApiError for what the vendor does not run as a bulk query."""
    if with_children(query):
        raise ApiError("API_ERROR", "Aggregate Relationships not supported in Bulk V2 Query with CSV content type")
    if query.group or not all(isinstance(item, Column) for item in query.items):
        raise ApiError("API_ERROR", "Aggregate Relationships not supported in Bulk V2 Query with CSV content type")
    if query.offset:
        raise ApiError("API_ERROR", "OFFSET clause not supported in Bulk V2 Query")


def _locator(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def _start(call: Call, total: int) -> int:
    text = call.query.get("locator")
    if text is None:
        return 0
    try:
        start = int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        start = -1
    if not 0 <= start <= total:
        raise ApiError("INVALIDQUERYLOCATOR", f"Unable to parse the query locator: {text}")
    return start
