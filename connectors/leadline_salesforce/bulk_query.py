"""Bulk API 2.0 query jobs: made, waited for, and read page by page.

simple-salesforce's own handler is not used: it never renews a session, keeps whole results in memory and
can only download what is not deleted. Every call here goes through the connection's transport.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from urllib.parse import quote

import orjson
import requests

from leadline.sdk.errors import PermanentError, TransientError
from leadline.sdk.ports import Runtime
from leadline_salesforce import answers
from leadline_salesforce.client import Client
from leadline_salesforce.cursor import JobPlace, literal

RESULT_ROWS = 10_000
"""Rows of one page of results: a call each, and some megabytes of memory."""

PATIENCE = 3_600.0
"""Seconds that one pull waits for a job. The job goes on; the next pull finds it by the cursor."""

_LOOKS = (1.0, 2.0, 4.0, 8.0, 15.0)  # seconds between the first looks at a job
_LOOK = 30.0
LOOKS = len(_LOOKS)
"""Looks at a job of the usual half a minute."""

_LAST_PAGE = "null"


class Ending(Enum):
    """How a job stands when it need not be waited for any longer."""

    COMPLETE = auto()
    FAILED = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A page of results as CSV, with the number of its rows, and the place behind it; None at the end."""

    body: bytes
    rows: int
    after: JobPlace | None


class BulkQueries:
    """The query jobs of one connection."""

    def __init__(self, client: Client, runtime: Runtime) -> None:
        self._client = client
        self._runtime = runtime

    def start(self, soql: str) -> JobPlace:
        """Make a job over living and deleted rows. PermanentError when the org does not take it."""
        # A job that was made twice costs one of 10,000 a day and is deleted by the vendor after a week.
        body = orjson.dumps({"operation": "queryAll", "query": soql})
        made = answers.told(self._call("POST", "jobs/query", body), id=str, createdDate=str)
        return JobPlace(id=made["id"], created=literal(made["createdDate"]))

    def wait(self, job: JobPlace) -> Ending:
        """Look at the job until it has ended. TransientError when it has not within `PATIENCE`."""
        waited, looks = 0.0, iter(_LOOKS)
        while True:
            try:
                told = answers.told(self._call("GET", f"jobs/query/{job.id}"), state=str)
            except PermanentError:
                return Ending.GONE  # deleted by somebody, or older than a week
            match told["state"]:
                case "JobComplete":
                    return Ending.COMPLETE
                case "Failed" | "Aborted":
                    return Ending.FAILED
            if waited >= PATIENCE:
                raise TransientError(
                    f"the bulk query {job.id} is not ready after {waited:.0f} s",
                    retry_after=_LOOK,
                    place=self._runtime.name,
                    fix="The next run goes on with it.",
                )
            pause = next(looks, _LOOK)
            self._runtime.sleep(pause)
            waited += pause

    def pages(self, job: JobPlace) -> Iterator[ResultPage]:
        """The pages from a place on. PermanentError when the results are gone or belong to another API version."""
        place: JobPlace | None = job
        while place is not None:
            locator = f"&locator={quote(place.locator, safe='')}" if place.locator else ""
            reply = self._client.exchange(
                "GET",
                f"jobs/query/{place.id}/results?maxRecords={RESULT_ROWS}{locator}",
                headers={"Accept": "text/csv"},
            )
            following, rows = reply.headers.get("Sforce-Locator"), reply.headers.get("Sforce-NumberOfRecords", "")
            if not following or not rows.isdigit():  # without them the end of the rows would be a guess
                raise PermanentError(
                    f"the results of the bulk query {place.id} come without their headers", place=self._runtime.name
                )
            place = None if following == _LAST_PAGE else replace(place, locator=following, skip=0)
            yield ResultPage(reply.content, int(rows), place)

    def _call(self, method: str, path: str, body: bytes | None = None) -> requests.Response:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return self._client.exchange(method, path, data=body, headers=headers, repeatable=True)
