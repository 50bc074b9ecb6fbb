"""Bulk API 2.0 jobs: what is told about one, how its state passes, and which exist.

A job that was given its work is `UploadComplete`. The first look at it finds it `InProgress`, the
second finds it done; when `Pace.seconds` of the sandbox's clock have passed, the first look does.
Looks are calls that name the job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from leadline.sdk.sandbox.clock import SandboxClock
from leadline_salesforce.sandbox import ids, moments
from leadline_salesforce.sandbox.bulk_csv import DELIMITERS, LINE_ENDINGS, Dialect
from leadline_salesforce.sandbox.calls import Answer, Call
from leadline_salesforce.sandbox.faults import ApiError

ENDED = ("JobComplete", "Failed", "Aborted")
_LISTED = 1000


@dataclass(slots=True)
class Pace:
    """How long work takes: this many looks, or this many seconds of the sandbox's clock."""

    looks: int = 2
    seconds: float = 2.0


@dataclass(slots=True)
class Breakdown:
    """A job that ends early: after so many rows it is `Failed` or `Aborted`, with the rest unprocessed."""

    after: int
    state: str = "Failed"
    message: str = "InternalServerError : The batch could not be processed within the time limit"


@dataclass(slots=True, kw_only=True)
class Job:
    """What both kinds of job have. `version` is the API version as in its URL, `v66.0`."""

    id: str
    version: str
    operation: str
    object: str
    user: str
    created: str
    dialect: Dialect
    state: str = "UploadComplete"
    stamp: str = ""
    began: float = 0.0
    looks: int = 0
    error: str = ""
    processed: int = 0

    def info(self) -> dict[str, Any]:
        """The job as every answer shows it."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user,
            "createdDate": self.created,
            "systemModstamp": self.stamp or self.created,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version.removeprefix("v")),
            "lineEnding": self.dialect.line_ending,
            "columnDelimiter": self.dialect.delimiter,
        }

    def ended(self, state: str, now: float, error: str = "") -> None:
        """The job is over."""
        self.state, self.stamp, self.error = state, moments.instant(now), error

    def due(self, pace: Pace, now: float) -> bool:
        """Count a look; whether the job's work is to be done now."""
        self.looks += 1
        self.state = "InProgress"
        self.stamp = moments.instant(now)
        return self.looks >= pace.looks or now - self.began >= pace.seconds


_Kind = TypeVar("_Kind", bound=Job)


@dataclass(slots=True)
class Register(Generic[_Kind]):
    """All jobs of one kind, by id. `kind` is the vendor's word for the list."""

    clock: SandboxClock
    kind: str
    _jobs: dict[str, _Kind] = field(default_factory=dict)
    _made: int = 0

    def next_id(self) -> str:
        self._made += 1
        return ids.counted("750", self._made * 2 + (self.kind == "V2Query"))

    def add(self, job: _Kind) -> None:
        self._jobs[job.id] = job

    def named(self, call: Call) -> _Kind:
        """The job of the path. 404 when there is none."""
        job = self._jobs.get(ids.normal(call.text("job")) or "")
        if job is None:
            raise ApiError("NOT_FOUND", f"Unable to find job with id: {call.text('job')}", status=404)
        return job

    def delete(self, call: Call) -> Answer:
        """Forget a job that is over."""
        job = self.named(call)
        if job.state not in ENDED:
            raise bad_state(f"Job cannot be deleted while its state is {job.state}")
        del self._jobs[job.id]
        return Answer(None, 204)

    def forget(self) -> None:
        """All jobs are gone, as after the vendor's seven days."""
        self._jobs.clear()

    def listed(self, call: Call, info: Iterator[dict[str, Any]]) -> Answer:
        """A page of the list of jobs."""
        records = [entry | {"jobType": self.kind} for entry in info]
        asked = call.query.get("queryLocator", "0")
        start = int(asked) if asked.isdigit() else 0
        page, rest = records[start : start + _LISTED], len(records) > start + _LISTED
        url = f"{call.base}/jobs/{'query' if self.kind == 'V2Query' else 'ingest'}?queryLocator={start + _LISTED}"
        return Answer({"done": not rest, "records": page, "nextRecordsUrl": url if rest else None})

    def __iter__(self) -> Iterator[_Kind]:
        return iter(self._jobs.values())


def dialect_of(body: Mapping[str, Any]) -> Dialect:
    """The job's delimiter and line ending. ApiError for names that the vendor does not know."""
    delimiter, line_ending = body.get("columnDelimiter", "COMMA"), body.get("lineEnding", "LF")
    if delimiter not in DELIMITERS:
        raise invalid(f"Unsupported column delimiter: {delimiter}")
    if line_ending not in LINE_ENDINGS:
        raise invalid(f"Unsupported line ending: {line_ending}")
    if body.get("contentType", "CSV") != "CSV":
        raise invalid(f"Unsupported content type: {body['contentType']}")
    return Dialect(delimiter, line_ending)


def wanted(call: Call) -> Mapping[str, Any]:
    """The JSON object that describes or changes a job."""
    body = call.body
    if not isinstance(body, Mapping):
        raise invalid("The request body must be a JSON object")
    return body


def invalid(message: str) -> ApiError:
    return ApiError("INVALIDJOB", message)


def bad_state(message: str) -> ApiError:
    return ApiError("INVALIDJOBSTATE", message)
