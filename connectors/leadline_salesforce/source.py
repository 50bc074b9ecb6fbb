"""Reading: health, schema, counts, complete incremental pulls, and single records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leadline.sdk.ports import Runtime
from leadline.sdk.records import Estimate, Finding, ObjectSchema, Page, PullRequest, RawRecord
from leadline_salesforce import ids as record_ids
from leadline_salesforce import query
from leadline_salesforce.client import Client
from leadline_salesforce.cursor import Progress, epoch, literal
from leadline_salesforce.describe import object_schema
from leadline_salesforce.health import Health
from leadline_salesforce.options import SalesforceOptions
from leadline_salesforce.query import PAGE_SIZE, After
from leadline_salesforce.rows import reader


class SalesforceSource:
    """The reading half of a connection."""

    def __init__(self, client: Client, options: SalesforceOptions, runtime: Runtime) -> None:
        self._client = client
        self._runtime = runtime
        self._health = Health(client, options, runtime, self.schema)

    def check(self) -> list[Finding]:
        """Sign-in, version, quota, and the fields that Leadline itself needs."""
        return self._health.check()

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
        record = reader(request.fields)
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

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        """The named records now, deleted ones included, in the order of `ids`; those unknown to the org as deleted."""
        wanted = {named: record_ids.normal(named) for named in dict.fromkeys(ids)}
        record = reader(request.fields)
        found: dict[str, RawRecord] = {}
        for soql in query.by_ids(request.object, request.fields, list(filter(None, wanted.values()))):
            page = self._client.query(soql, include_deleted=True)
            found |= {row["Id"]: record(row) for row in page["records"]}
            while not page["done"]:  # wide rows: fewer on a page than were asked for
                page = self._client.more(page["nextRecordsUrl"])
                found |= {row["Id"]: record(row) for row in page["records"]}
        now = self._runtime.now()
        answers = {
            record_id or named: found.get(record_id or "") or RawRecord(record_id or named, {}, now, deleted=True)
            for named, record_id in wanted.items()
        }
        return list(answers.values())


def _later(one: After | None, other: After | None) -> After | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda after: (epoch(after.stamp), after.id))
