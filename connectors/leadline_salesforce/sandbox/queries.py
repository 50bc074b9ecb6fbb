"""Routes that read by SOQL, describe the schema, or say what changed."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

from leadline_salesforce.sandbox import ids, moments
from leadline_salesforce.sandbox.calls import Answer, Call, Gate
from leadline_salesforce.sandbox.describe import describe, describe_global
from leadline_salesforce.sandbox.evaluate import Evaluator, Found
from leadline_salesforce.sandbox.faults import ApiError, not_found
from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.soql import parse
from leadline_salesforce.sandbox.store import Org

PAGE = 2000
# Limits that the sandbox tells and does not count.
_LIMITS = {
    "ConcurrentAsyncGetReportInstances": 200, "DailyAsyncApexExecutions": 250_000, "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryFileStorageMB": 976_562, "DailyBulkV2QueryJobs": 10_000, "DailyStreamingApiEvents": 10_000,
    "DailyWorkflowEmails": 5_000, "DataStorageMB": 1_024, "FileStorageMB": 1_024,
    "HourlyPublishedPlatformEvents": 50_000, "MassEmail": 5_000, "SingleEmail": 5_000,
}  # fmt: skip
_KEPT_LOCATORS = 10  # as many cursors as the vendor gives a user
_REPLICATION_DAYS = 30
_MOST_UPDATED = 600_000


@dataclass(frozen=True, slots=True)
class _Open:
    found: Found
    batch: int
    resource: str


class Queries:
    """Handlers; the locators of unfinished queries live here."""

    def __init__(self, org: Org, gate: Gate) -> None:
        self._org = org
        self._gate = gate
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._opened = 0
        self.page = PAGE

    def query(self, call: Call) -> Answer:
        return self._first(call, "query")

    def query_all(self, call: Call) -> Answer:
        return self._first(call, "queryAll")

    def _first(self, call: Call, resource: str) -> Answer:
        text = call.query.get("q")
        if text is None:
            raise ApiError("MALFORMED_QUERY", "A query string has to be specified")
        evaluator = Evaluator(self._org, self._gate.clock.now(), call.base)
        found = evaluator.run(parse(text), include_deleted=resource == "queryAll")
        opened = _Open(found, self._batch(call.headers), resource)
        locator = ""
        if len(found.rows) > opened.batch:
            locator = self._keep(opened)
        return self._page(call, opened, locator, 0)

    def more(self, call: Call) -> Answer:
        locator, _, offset = call.text("locator").partition("-")
        opened = self._open.get(locator)
        if opened is None or not offset.isdigit() or int(offset) >= len(opened.found.rows):
            raise ApiError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, opened, locator, int(offset))

    def _keep(self, opened: _Open) -> str:
        self._opened += 1
        locator = ids.counted("01g", self._opened)
        self._open[locator] = opened
        if len(self._open) > _KEPT_LOCATORS:
            self._open.popitem(last=False)
        return locator

    def _page(self, call: Call, opened: _Open, locator: str, start: int) -> Answer:
        found, stop = opened.found, start + opened.batch
        rows = [found.render(row) for row in found.rows[start:stop]]
        done = stop >= len(found.rows)
        content: dict[str, object] = {"totalSize": found.total, "done": done}
        if not done:
            content["nextRecordsUrl"] = f"{call.base}/{opened.resource}/{locator}-{stop}"
        return Answer(content | {"records": rows}, records=len(rows))

    def _batch(self, headers: Mapping[str, str]) -> int:
        """Rows per page: as asked, within the vendor's 200 to 2,000, never above the org's own `page`."""
        match = re.search(r"batchSize\s*=\s*(\d+)", headers.get("sforce-query-options", ""), re.IGNORECASE)
        asked = min(max(int(match[1]), 200), PAGE) if match else PAGE
        return min(asked, self.page)

    def resources(self, call: Call) -> Answer:
        names = (
            "sobjects", "query", "queryAll", "search", "parameterizedSearch", "composite", "limits", "actions", "jobs",
        )  # fmt: skip
        return Answer({name: f"{call.base}/{name}" for name in names})

    def limits(self, _: Call) -> Answer:
        limit = self._gate.daily_limit
        return Answer(
            {
                "DailyApiRequests": {"Max": limit, "Remaining": max(0, limit - self._gate.used)},
            }
            | {name: {"Max": most, "Remaining": most} for name, most in _LIMITS.items()}
        )

    def objects(self, call: Call) -> Answer:
        changed = max(call.schema.changed_at.values())
        if _unchanged(call, changed):
            return Answer(None, 304)
        shown = [describe_global(definition, call.base) for definition in call.schema]
        headers = {"Last-Modified": formatdate(changed, usegmt=True)}
        return Answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown}, headers=headers)

    def object(self, call: Call) -> Answer:
        definition = known(call)
        return Answer({"objectDescribe": describe_global(definition, call.base), "recentItems": []})

    def describe(self, call: Call) -> Answer:
        definition = known(call)
        changed = call.schema.changed_at[definition.name]
        headers = {"Last-Modified": formatdate(changed, usegmt=True)}
        if _unchanged(call, changed):
            return Answer(None, 304, headers=headers)
        return Answer(describe(definition, call.base, call.schema), headers=headers)

    def updated(self, call: Call) -> Answer:
        definition = known(call)
        start, end = self._period(call)
        rows = self._org.table(definition).changed(start, end)
        found = [row["Id"] for row in rows if not row.get("IsDeleted")]
        if len(found) > _MOST_UPDATED:
            raise ApiError("EXCEEDED_ID_LIMIT", f"A maximum of {_MOST_UPDATED} ids are returned; narrow the period")
        return Answer({"ids": found, "latestDateCovered": end}, records=len(found))

    def deleted(self, call: Call) -> Answer:
        definition = known(call)
        start, end = self._period(call)
        rows = self._org.table(definition).changed(start, end)
        found = [{"id": row["Id"], "deletedDate": row["SystemModstamp"]} for row in rows if row.get("IsDeleted")]
        earliest = moments.instant(self._gate.clock.now() - _REPLICATION_DAYS * 86_400)
        body = {"deletedRecords": found, "earliestDateAvailable": earliest, "latestDateCovered": end}
        return Answer(body, records=len(found))

    def _period(self, call: Call) -> tuple[str, str]:
        try:
            # A plus that was not escaped arrives as a blank.
            start, end = (moments.parse_instant(call.query[name].replace(" ", "+")) for name in ("start", "end"))
        except (KeyError, ValueError):
            raise ApiError("INVALID_REPLICATION_DATE", "start and end must be dates with a time zone") from None
        if start >= end:
            raise ApiError("INVALID_REPLICATION_DATE", "endDate should be greater than startDate")
        if start < moments.instant(self._gate.clock.now() - _REPLICATION_DAYS * 86_400):
            raise ApiError("INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
        return start, end


def _unchanged(call: Call, changed: float) -> bool:
    """Whether the caller has seen the schema since it changed. A date that cannot be read is no date."""
    try:
        seen = parsedate_to_datetime(call.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return seen.timestamp() >= int(changed)


def known(call: Call) -> ObjectDef:
    """The object named in the path, 404 when there is none."""
    definition = call.schema.named(call.text("object"))
    if definition is None:
        raise not_found()
    return definition
