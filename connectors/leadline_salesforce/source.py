"""Reading: health, schema, counts, complete incremental pulls, and single records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leadline.sdk.ports import Runtime
from leadline.sdk.records import Estimate, Finding, ObjectSchema, Page, PullRequest, RawRecord
from leadline_salesforce import ids as record_ids
from leadline_salesforce import query
from leadline_salesforce.client import Client
from leadline_salesforce.cursor import Progress
from leadline_salesforce.descriptions import Descriptions
from leadline_salesforce.health import Health
from leadline_salesforce.known_rows import whole
from leadline_salesforce.options import SalesforceOptions
from leadline_salesforce.reading import Reading


class SalesforceSource:
    """The reading half of a connection."""

    def __init__(self, client: Client, options: SalesforceOptions, runtime: Runtime) -> None:
        self._client = client
        self._runtime = runtime
        self._descriptions = Descriptions(client, runtime)
        self._reading = Reading(client, options, runtime, self._descriptions)
        self._health = Health(client, options, runtime, self.schema)

    def check(self) -> list[Finding]:
        """Sign-in, version, quota, and the fields that Leadline itself needs."""
        return self._health.check()

    def schema(self, object: str) -> ObjectSchema:
        """The object as the integration user sees it. PermanentError NOT_FOUND when it is hidden or missing."""
        return self._descriptions.get(object, fresh=True).schema

    def count(self, request: PullRequest) -> Estimate:
        """The rows beyond the cursor, and how many of them are not in the recycle bin. Two calls."""
        soql = query.count(request.object, Progress.read(request.cursor).start())
        total, living = (self._client.count(soql, include_deleted=each) for each in (True, False))
        return Estimate(request.object, total, self._reading.calls(total), living=living)

    def pull(self, request: PullRequest) -> Iterator[Page]:
        """Pages from the cursor on, deleted and merged rows included."""
        return self._reading.pull(request)

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        """The named records now, deleted ones included, in the order of `ids`; those unknown to the org as deleted."""
        wanted = {named: record_ids.normal(named) for named in dict.fromkeys(ids)}
        known = list(dict.fromkeys(filter(None, wanted.values())))
        with self._descriptions.explaining(request.object, request.fields):
            found = whole(self._client, request.object, request.fields, known)
        now = self._runtime.now()
        answers = {
            record_id or named: found.get(record_id or "") or RawRecord(record_id or named, {}, now, deleted=True)
            for named, record_id in wanted.items()
        }
        return list(answers.values())
