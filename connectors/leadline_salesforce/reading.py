"""Complete incremental pulls: pages in order, a bulk query where there is much, and what no cursor tells of.

pages by (SystemModstamp, Id) ──▶ full, and many rows behind it? ──▶ bulk query ──▶ pages from its start on
            │
            ▼ the last page
formula, roll-up or lookup fields asked for, last full pass long ago? ──▶ all rows once more
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from leadline.sdk.errors import BudgetError, CredentialsError, PermanentError, TransientError
from leadline.sdk.ports import Runtime
from leadline.sdk.records import Page, PullRequest, RawRecord
from leadline_salesforce import cells, query
from leadline_salesforce.bulk_query import LOOKS, RESULT_ROWS, BulkQueries, Ending, ResultPage
from leadline_salesforce.client import Client
from leadline_salesforce.cursor import JobPlace, Progress, later, literal, stamp
from leadline_salesforce.descriptions import NOT_SEEN, Descriptions, unmoving
from leadline_salesforce.known_rows import whole
from leadline_salesforce.options import SalesforceOptions
from leadline_salesforce.query import PAGE_SIZE, After
from leadline_salesforce.rows import reader

_Pass = Generator[Page, None, Progress]


class Reading:
    """Pulls of one connection."""

    def __init__(
        self, client: Client, options: SalesforceOptions, runtime: Runtime, descriptions: Descriptions
    ) -> None:
        self._client = client
        self._bulk_above = options.bulk_above_rows
        self._overlap = options.overlap_seconds
        self._reread_after = options.formula_reread_hours * 3_600
        self._runtime = runtime
        self._descriptions = descriptions
        self._jobs = BulkQueries(client, runtime)

    def pull(self, request: PullRequest) -> Iterator[Page]:
        """Every row changed since the cursor, deleted and merged ones included; see `Source.pull`."""
        with self._descriptions.explaining(request.object, request.fields):
            progress = yield from self._pass(request, Progress.read(request.cursor))
            now = self._runtime.now()
            if not self._due(progress, now):
                return
            if any(unmoving(self._descriptions, request.object, request.fields)):
                yield from self._pass(request, progress.anew(now))
            else:
                yield Page((), replace(progress, full_at=now).cursor())

    def calls(self, rows: int) -> int:
        """About how many calls it takes to read so many rows."""
        if rows > self._bulk_above + PAGE_SIZE:
            # The first page, the count and the new job, some looks at it, its pages, and what is behind it.
            return 4 + LOOKS + -(-rows // RESULT_ROWS)
        return rows // PAGE_SIZE + 1  # a full last page does not say that it is the last

    def _due(self, progress: Progress, now: int) -> bool:
        if not self._reread_after:
            return False
        return progress.full_at is None or now - progress.full_at >= self._reread_after

    def _pass(self, request: PullRequest, progress: Progress) -> _Pass:
        """From the progress on to the last row there is; the progress then."""
        if progress == Progress():
            progress = progress.anew(self._runtime.now())
        if progress.job is not None:
            progress, _ = yield from self._collected(request, progress)
        began = progress.began if progress.began is not None else self._runtime.now()
        place, may_be_much = progress.start(), True
        # More fields than a URI holds: the page tells which rows, and they are looked up.
        fits = query.fits(request.object, request.fields)
        asked = request.fields if fits else ()
        record = reader(asked)
        while True:
            page = self._client.query(query.select(request.object, asked, place), include_deleted=True)
            rows = page["records"]
            records = tuple(map(record, rows))
            if not fits:
                found = whole(self._client, request.object, request.fields, [row.id for row in records])
                records = tuple(found[row.id] if row.id in found else replace(row, deleted=True) for row in records)
            if rows:
                place = After(literal(rows[-1]["SystemModstamp"]), rows[-1]["Id"])
            # The vendor may make pages smaller than asked for (wide rows): then it says `done: false`.
            if page["done"] and len(rows) < PAGE_SIZE:
                newest = later(progress.at, place if place and place.id else None)
                progress = progress.finished(newest, began, self._runtime.now(), self._overlap)
                yield Page(records, progress.cursor())
                return progress
            if place is None:  # a page that is full or not the last has rows
                raise AssertionError("an unfinished page without rows")
            reading = progress.reading(place, began)
            job = self._job(request, place) if may_be_much else None
            may_be_much = False
            yield Page(records, replace(reading, job=job).cursor())
            if job is not None:
                progress, ending = yield from self._collected(request, replace(reading, job=job))
                if ending is Ending.COMPLETE:
                    began = self._runtime.now()
                place = progress.start()

    def _job(self, request: PullRequest, place: After) -> JobPlace | None:
        """A bulk query for the rows from a place on, None when there are few or it cannot read them."""
        if not self._much(request.object, place):
            return None
        if any(self._type(request.object, field) in cells.NOT_IN_BULK for field in request.fields):
            return None
        try:
            return self._jobs.start(query.select_all(request.object, request.fields, place))
        except PermanentError as error:
            if error.code in NOT_SEEN:
                raise
            return None  # not every object and edition has it; pages read the same rows

    def _much(self, object: str, place: After) -> bool:
        try:
            rows = self._client.count(query.count(object, place))
        except (BudgetError, CredentialsError):
            raise
        except TransientError:
            return True  # rows that the org cannot count in time are many
        return rows > self._bulk_above

    def _collected(self, request: PullRequest, progress: Progress) -> Generator[Page, None, tuple[Progress, Ending]]:
        """All rows of the job. Reading goes on behind its snapshot, or where the job began when it came to nothing."""
        if progress.job is None:
            raise ValueError("no job to collect")
        ending = self._jobs.wait(progress.job)
        if ending is Ending.COMPLETE:
            try:
                progress = yield from self._results(request, progress, progress.job)
            except PermanentError:
                ending = Ending.GONE  # deleted while it was read, or made by another API version
            else:
                progress = progress.collected(self._runtime.now(), self._overlap)
                yield Page((), progress.cursor())
                return progress, ending
        return replace(progress, job=None), ending

    def _results(self, request: PullRequest, progress: Progress, job: JobPlace) -> _Pass:
        for result in self._jobs.pages(job):
            at = 0
            for records in _portions(self._parsed(request, result)):
                at += len(records)
                if at <= job.skip:  # handed over before a crash
                    continue
                job = replace(job, skip=at, newest=_newest(job.newest, records))
                if at == result.rows and result.after is not None:
                    job = replace(result.after, newest=job.newest)
                progress = replace(progress, job=job)
                yield Page(records, progress.cursor())
        return progress

    def _parsed(self, request: PullRequest, result: ResultPage) -> Iterator[RawRecord]:
        return cells.records(result.body, result.rows, request.fields, lambda field: self._type(request.object, field))

    def _type(self, object: str, field: str) -> str:
        trait = self._descriptions.trait(object, field)
        return trait.type if trait is not None else ""


def _portions(records: Iterator[RawRecord]) -> Iterator[tuple[RawRecord, ...]]:
    while portion := tuple(islice(records, PAGE_SIZE)):
        yield portion


def _newest(newest: After | None, records: Sequence[RawRecord]) -> After | None:
    last = max(records, key=lambda record: (record.modified_at, record.id))
    return later(newest, After(stamp(last.modified_at), last.id))
