"""Many updates of one object as one Bulk 2.0 ingest job, with every row's end read back.

    create     an Open job holds nothing: creating it twice does nothing twice
    upload     nothing is processed before the job is closed: a lost reply is answered by a new job
    close      from here on rows may change: a lost reply is answered by asking what state the job is in
    poll       until JobComplete, Failed or Aborted
    results    successful, failed and unprocessed rows, matched by record id; JobComplete says nothing about rows

A row that is in no result file is unknown (the vendor records none beyond the daily batch allocation), and
so is every row when polling is given up. The job goes on without us, also when this process dies: `unsettled`
is how reading back knows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import Any

import orjson

from leadline.sdk.errors import LeadlineError, PermanentError, UnknownOutcomeError
from leadline.sdk.ports import Runtime
from leadline_salesforce import answers
from leadline_salesforce.bulk_rows import MOST_BYTES, Upload, error_parts, fits, results
from leadline_salesforce.client import Client
from leadline_salesforce.errors import smaller_may_do
from leadline_salesforce.ledger import Ledger, Row, chunks

BATCH = 10_000
"""Rows in a job: what the vendor works off one after the other. A longer job is worked off in several such
batches side by side, which lock one another's parents."""

_JOBS = "jobs/ingest"
_JSON = {"Content-Type": "application/json"}
_CSV = {"Content-Type": "text/csv"}
_ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
_RUNNING = frozenset({"UploadComplete", "InProgress"})
_POLLS = (1.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0)  # seconds; the last one again and again
_PATIENCE = 3_600.0  # seconds that a push waits for its job
_FIND_PATIENCE = 600.0  # seconds that reading back waits for jobs of an earlier process
_TRIES = 3
# A REST call says that rules which only alert may be passed; a job cannot say it.
_DUPLICATES = "DUPLICATES_DETECTED"


class _Sent(Enum):
    """How far a job got."""

    CLOSED = auto()
    NOT_CLOSED = auto()  # certainly: none of its rows will be processed
    UNKNOWN = auto()


class BulkIngest:
    """Writes by jobs, and knows which of them may still be running."""

    def __init__(self, client: Client, runtime: Runtime) -> None:
        self._client = client
        self._runtime = runtime
        self._settled: set[str] = set()  # objects on which no job was running, and none was begun since

    def update(self, kind: str, rows: Sequence[Row], ledger: Ledger) -> list[Row]:
        """Update all by jobs; returns the rows to be sent by another way, of which nothing was applied.

        LeadlineError only while nothing of the ledger's push may be applied.
        """
        other = [row for row in rows if not fits(row)]
        sayable = [row for row in rows if fits(row)] if other else rows
        for part, upload in _uploads(sayable):
            other += self._job(kind, part, upload, ledger)
        return other

    def _job(self, kind: str, rows: Sequence[Row], upload: Upload, ledger: Ledger) -> list[Row]:
        try:
            job = self._filled(kind, upload)
        except PermanentError:
            return list(rows)  # no Bulk API for this user or object: Collections can do the same
        except LeadlineError:
            if not ledger.maybe_applied:
                raise
            ledger.later(rows)
            return []
        self._settled.discard(kind)
        sent = self._closed(job)
        if sent is _Sent.NOT_CLOSED and self._aborted(job):
            return list(rows)
        info = self._ended(job) if sent is _Sent.CLOSED else None
        if info is None:
            ledger.unknown(rows)
            return []
        return self._read_results(job, info, rows, ledger)

    def _filled(self, kind: str, upload: Upload) -> str:
        """The id of an open job that holds the rows."""
        for turn in range(_TRIES):
            job = self._created(kind)
            try:
                self._client.exchange("PUT", f"{_JOBS}/{job}/batches", data=upload, headers=_CSV)
            except UnknownOutcomeError:
                # Whether the rows arrived does not matter while the job is open: it is given up for a new one.
                self._aborted(job)
                if turn == _TRIES - 1:
                    raise
                continue
            except LeadlineError:
                self._aborted(job)
                raise
            return job
        raise AssertionError("the last turn returns or raises")

    def _created(self, kind: str) -> str:
        wanted = {
            "object": kind, "operation": "update", "contentType": "CSV", "columnDelimiter": "COMMA",
            "lineEnding": "CRLF",
        }  # fmt: skip
        reply = self._client.exchange("POST", _JOBS, data=orjson.dumps(wanted), headers=_JSON, repeatable=True)
        return str(answers.told(reply, id=str)["id"])

    def _closed(self, job: str) -> _Sent:
        """Hand the job over for processing."""
        body = orjson.dumps({"state": "UploadComplete"})
        for _ in range(_TRIES):
            try:
                self._client.exchange("PATCH", f"{_JOBS}/{job}", data=body, headers=_JSON)
            except (UnknownOutcomeError, PermanentError):
                # Permanent: most likely closed by the call before, whose reply was lost.
                try:
                    if self._info(job)["state"] != "Open":
                        return _Sent.CLOSED
                except LeadlineError:
                    return _Sent.UNKNOWN
            except LeadlineError:
                return _Sent.NOT_CLOSED
            else:
                return _Sent.CLOSED
        return _Sent.NOT_CLOSED

    def _aborted(self, job: str) -> bool:
        """Leave no open job behind. False when that cannot be done: one that stays open is never processed."""
        try:
            self._client.exchange("PATCH", f"{_JOBS}/{job}", data=orjson.dumps({"state": "Aborted"}), headers=_JSON)
        except LeadlineError:
            return False  # the vendor removes open jobs after seven days
        return True

    def _info(self, job: str) -> Mapping[str, Any]:
        return answers.told(self._client.exchange("GET", f"{_JOBS}/{job}"), state=str)

    def _ended(self, job: str) -> Mapping[str, Any] | None:
        """The job once it has ended, None when that cannot be seen."""
        for wait in _waits(_PATIENCE):
            try:
                info = self._info(job)
            except LeadlineError:
                return None
            if info["state"] in _ENDED:
                return info
            self._runtime.sleep(wait)
        return None

    def _read_results(self, job: str, info: Mapping[str, Any], rows: Sequence[Row], ledger: Ledger) -> list[Row]:
        """Note each row's end; the rows to be sent by another way."""
        left = {row.id[:15]: row for row in rows}
        other: list[Row] = []
        unprocessed: list[Row] = []
        try:
            for record, _ in self._results(job, "successfulResults"):
                if row := left.pop(record, None):
                    ledger.written(row, row.id)
            for record, error in self._results(job, "failedResults"):
                if row := left.pop(record, None):
                    code, message = error_parts(error)
                    if code == _DUPLICATES or smaller_may_do(code, message):
                        other.append(row)
                    else:
                        ledger.refused(row, code, message)
            for record, _ in self._results(job, "unprocessedrecords"):
                if row := left.pop(record, None):
                    unprocessed.append(row)
        except LeadlineError:
            pass  # what has no result by now is unknown
        ledger.unknown(left.values())
        if info["state"] == "Failed" and len(unprocessed) == len(rows):
            return unprocessed  # refused as it stands, such as for an unknown column: row by row says why
        ledger.later(unprocessed)
        return other

    def _results(self, job: str, file: str) -> Iterator[tuple[str, str]]:
        reply = self._client.exchange("GET", f"{_JOBS}/{job}/{file}")
        try:
            yield from results(reply.content.decode())
        except (UnicodeDecodeError, csv.Error) as error:
            raise answers.unreadable(reply, "the body is no CSV") from error

    def unsettled(self, objects: Iterable[str]) -> frozenset[str]:
        """Those of the objects whose rows a job of this user may still change. Waits for jobs, up to ten minutes."""
        asked = {kind for kind in objects if kind not in self._settled}
        if not asked:
            return frozenset()
        for wait in _waits(_FIND_PATIENCE):
            running = self._running()
            self._settled |= asked - running
            if not asked & running:
                return frozenset()
            self._runtime.sleep(wait)
        return frozenset(asked & running)

    def _running(self) -> set[str]:
        """The objects on which a job of this user is at work."""
        try:
            page = answers.page(answers.content(self._client.exchange("GET", f"{_JOBS}?jobType=V2Ingest")))
            jobs = list(page["records"])
            while not page["done"]:
                page = self._client.more(page["nextRecordsUrl"])
                jobs += page["records"]
        except PermanentError:
            return set()  # a user without the Bulk API has no jobs
        mine = self._client.user_id[:15]
        return {
            str(job["object"])
            for job in jobs
            if job["state"] in _RUNNING and (not mine or str(job["createdById"])[:15] == mine)
        }


def _uploads(rows: Sequence[Row]) -> Iterator[tuple[Sequence[Row], Upload]]:
    """The rows in jobs of at most BATCH that one upload can hold."""
    for some in chunks(rows, BATCH):
        upload = Upload(some)
        if len(upload) > MOST_BYTES:
            middle = len(some) // 2
            yield from _uploads(some[:middle])
            yield from _uploads(some[middle:])
        else:
            yield some, upload


def _waits(patience: float) -> Iterator[float]:
    """Seconds between looks at a job, until together they are the patience."""
    waited, turn = 0.0, 0
    while waited < patience:
        wait = _POLLS[min(turn, len(_POLLS) - 1)]
        yield wait
        waited += wait
        turn += 1
