"""What the suite claims about reading: nothing is lost, whatever happens meanwhile."""

from __future__ import annotations

import gc
import json
import os
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from leadline.sdk.errors import PermanentError
from leadline.sdk.records import RawRecord
from leadline.sdk.sandbox.vendor import Lagging
from leadline.sdk.testing.apart import importable, served_apart
from leadline.sdk.testing.claims import claim, some
from leadline.sdk.testing.lab import Copy, Lab
from leadline.sdk.testing.surface import flat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leadline.sdk.ports import Connection, Connector
    from leadline.sdk.testing.subjects import Subject

_CURSOR = 4_000  # characters; it is stored with every page
_LATE = 2.0  # seconds by which a commit may be stamped earlier than it is seen


class ReadingChecks:
    """Checks of check, schema, count, pull and fetch. Mixed into `ConnectorSuite`."""

    connector: Connector
    options: Mapping[str, object]

    def main(self, lab: Lab) -> Subject:
        """The object that most is tried on."""
        raise NotImplementedError

    def subjects(self, lab: Lab) -> list[Subject]:
        """All objects that are tried."""
        raise NotImplementedError

    def test_check_is_content_with_the_sandbox(self, lab: Lab) -> None:
        """Every thing that `check` looks at is well, and it looks at something."""
        findings = lab.connect().check()
        claim(bool(findings), "check() found nothing to look at")
        bad = [finding for finding in findings if not finding.ok]
        claim(not bad, f"check() complains of a sandbox that is in order: {some(bad)}")

    def test_schema_tells_what_can_be_read(self, lab: Lab) -> None:
        """Each object has a schema by its own name; an object that nobody knows is a PermanentError."""
        connection = lab.connect()
        for subject in self.subjects(lab):
            schema = connection.schema(subject.object)
            claim(schema.name == subject.object, f"schema({subject.object!r}) calls itself {schema.name!r}")
            wrong = [name for name, each in schema.fields.items() if each.name != name]
            claim(not wrong, f"schema({subject.object!r}) has fields under other names than their own: {some(wrong)}")
        try:
            connection.schema("no_such_object_anywhere")
        except PermanentError:
            return
        claim(False, "schema() of an object that does not exist must raise PermanentError")

    def test_count_is_what_there_is(self, lab: Lab) -> None:
        """The estimate of a full read has as many records as there are, and a number of calls."""
        subject = self.main(lab)
        estimate = lab.connect().count(lab.request(subject))
        living = len(lab.surface.truth(subject.object).living)
        claim(estimate.object == subject.object, f"count() answers for {estimate.object!r}")
        claim(estimate.records == living, f"count() says {estimate.records} of {living} records")
        claim(estimate.calls >= 1, f"count() says that a full read costs {estimate.calls} calls")

    def test_a_full_read_is_complete(self, lab: Lab) -> None:
        """Of every object: each living record once at least, each requested field in it, as the system has it."""
        connection = lab.connect()
        for subject in self.subjects(lab):
            copy = lab.read(connection, subject)
            _claim_complete(lab, subject, copy)
            for record in copy.records.values():
                missing = set() if record.deleted else set(subject.fields) - set(record.fields)
                claim(not missing, f"{subject.object} {record.id} lacks requested fields: {some(missing)}")

    def test_fetch_gives_records_as_they_are(self, lab: Lab) -> None:
        """One record per id, however many; unknown and deleted ones as deleted."""
        subject = self.main(lab)
        connection = lab.connect()
        pulled = lab.read(connection, subject).records
        ids = sorted(pulled)
        gone, unknown = ids[0], "0" * len(ids[0])
        if subject.text:
            lab.surface.edit("delete", subject.object, gone)
            lab.surface.edit("update", subject.object, ids[1], **{subject.text: "fetched"})
        found = connection.fetch(lab.request(subject), [*ids, unknown])
        claim(
            sorted(record.id for record in found) == sorted([*ids, unknown]),
            f"fetch() of {len(ids) + 1} ids gives {len(found)} records; one per id is due",
        )
        by_id = {record.id: record for record in found}
        claim(by_id[unknown].deleted, "fetch() must give an id that the system never had as deleted")
        claim(connection.fetch(lab.request(subject), []) == [], "fetch() of no ids must give nothing")
        if subject.text:
            claim(by_id[gone].deleted, "fetch() must give a deleted record as deleted")
            claim(by_id[ids[1]].fields[subject.text] == "fetched", "fetch() does not give the newest value")
        _claim_content(lab, subject, {each.id: each for each in found if not each.deleted})

    def test_times_are_whole_seconds_utc(self, lab: Lab) -> None:
        """A record edited at a known time says so, to the second, wherever this machine stands."""
        subject = self._editable(lab)
        record_id = _newest(lab, subject)
        copy = lab.read(lab.connect(), subject)
        lab.later(61)
        lab.surface.edit("update", subject.object, record_id, **{self._text(subject): "timed"})
        edited = lab.now
        with _in_auckland():
            record = lab.read(lab.connect(), subject, copy).records[record_id]
        claim(type(record.modified_at) is int, f"modified_at must be a whole number, not {record.modified_at!r}")
        off = record.modified_at - edited
        claim(off == 0, f"modified_at is {off} seconds off; it is in whole seconds since 1970 UTC")

    def test_the_last_page_is_always_yielded(self, lab: Lab) -> None:
        """When nothing is new there is a page nevertheless, with a small cursor that can be stored as JSON."""
        subject = self.main(lab)
        connection = lab.connect()
        copy = lab.read(connection, subject)
        claim(copy.cursor is not None, "pull() ended without a page")
        lab.later()
        pages = list(lab.pages(connection, subject, copy.cursor))
        claim(bool(pages), "pull() with nothing new must still yield a page, so that the cursor moves")
        size = len(json.dumps(pages[-1].cursor.position))
        claim(size <= _CURSOR, f"a cursor of {size} characters is stored with every page; keep it under {_CURSOR}")

    def test_a_reader_may_die_after_any_page(self, lab: Lab) -> None:
        """Stopped after each page in turn and resumed by a new process, with edits between: nothing is lost."""
        subject = self.main(lab)
        stop = 1
        while True:
            copy = Copy()
            pages = lab.pages(lab.connect(), subject)
            read = 0
            for page in pages:
                copy.store(page)
                read += 1
                if read == stop:
                    break
            if read < stop:
                return
            _close(pages)
            marks = self._disturb(lab, subject, copy, f"stop {stop}")
            connection = lab.connect()
            lab.read(connection, subject, copy)
            lab.read(connection, subject, copy)  # a first read that goes on may tell of deletes with the next one
            _claim_complete(lab, subject, copy)
            _claim_marks(subject, copy, marks)
            stop += 1

    def test_edits_during_a_read_are_not_lost(self, lab: Lab) -> None:
        """A storm after every page: edits of what was read and of what was not, new and deleted records."""
        subject = self.main(lab)
        copy = Copy()
        marks: dict[str, str] = {}
        for number, page in enumerate(lab.pages(lab.connect(), subject)):
            copy.store(page)
            marks |= self._disturb(lab, subject, copy, f"page {number}")
        lab.later(1)
        lab.read(lab.connect(), subject, copy)
        _claim_complete(lab, subject, copy)
        _claim_marks(subject, copy, marks)

    def test_edits_during_each_call_are_not_lost(self, lab: Lab) -> None:
        """Edits between the calls of one page, within one and the same second, are found by the next read."""
        subject = self.main(lab)
        copy, number = Copy(), 0
        marks: dict[str, str] = {}

        def meanwhile(_: object) -> None:
            nonlocal number
            number += 1
            if number <= 6:
                marks.update(self._disturb(lab, subject, copy, f"call {number}", seconds=0))

        connection = lab.connect()
        lab.on_call = meanwhile
        lab.read(connection, subject, copy)
        lab.on_call = lambda _: None
        lab.read(connection, subject, copy)
        _claim_complete(lab, subject, copy)
        _claim_marks(subject, copy, marks)

    def test_deletes_are_told(self, lab: Lab) -> None:
        """A record deleted after a read comes with the next one, as deleted."""
        subject = self._editable(lab)
        connection = lab.connect()
        copy = lab.read(connection, subject)
        gone = sorted(copy.living)[:3]
        lab.later(60)
        for record_id in gone:
            lab.surface.edit("delete", subject.object, record_id)
        lab.later(60)
        lab.read(connection, subject, copy)
        untold = set(gone) & copy.living
        claim(not untold, f"{subject.object} was deleted and the read after it does not say so: {some(untold)}")

    def test_many_records_may_share_a_second(self, lab: Lab) -> None:
        """More than a page of records edited within one second: the next read brings every one of them."""
        subject = self._editable(lab)
        connection = lab.connect()
        copy = lab.read(connection, subject)
        ids = sorted(copy.living)[: lab.page * 2 + 3]
        lab.later(60)
        lab.surface.edit_all(subject.object, ids, self._text(subject), "same second")
        lab.later(60)
        lab.read(connection, subject, copy)
        _claim_marks(subject, copy, dict.fromkeys(ids, "same second"))

    def test_late_commits_are_seen(self, lab: Lab) -> None:
        """A change that becomes visible two seconds after its stamp, when the cursor is past it, is not lost."""
        subject = self._editable(lab)
        connection = lab.connect()
        copy = lab.read(connection, subject)
        early, late = sorted(copy.living)[:2]
        lab.later(60)
        lab.surface.edit("update", subject.object, early, **{self._text(subject): "in time"})
        lab.read(connection, subject, copy)
        lab.later(-_LATE)
        lab.surface.edit("update", subject.object, late, **{self._text(subject): "late"})
        lab.later(_LATE + 1)
        lab.read(connection, subject, copy)
        _claim_marks(subject, copy, {early: "in time", late: "late"})

    def test_a_lagging_search_loses_nothing(self, lab: Lab) -> None:
        """Where the vendor's search trails behind its records, a read that came too early is made good by the next."""
        subject = self._editable(lab)
        if not isinstance(lab.sandbox.vendor, Lagging):
            self.skip("this sandbox has no search index that lags")
        connection = lab.connect()
        copy = lab.read(connection, subject)
        ids = sorted(copy.living)[:3]
        lab.later(60)
        lab.surface.ask("search", {"lag_seconds": _LATE})
        for record_id in ids:
            lab.surface.edit("update", subject.object, record_id, **{self._text(subject): "lagging"})
            lab.read(connection, subject, copy)
            lab.later(1)
        lab.later(_LATE)
        lab.read(connection, subject, copy)
        _claim_marks(subject, copy, dict.fromkeys(ids, "lagging"))

    def test_clocks_may_differ(self, lab: Lab) -> None:
        """The system's clock is a minute and a half ahead of the worker's, or behind it: every edit is found."""
        subject = self._editable(lab)
        for skew in (90.0, -90.0):
            lab.later(600)  # it differs, but does not go back
            lab.surface.ask("clock", {"skew_seconds": skew})
            connection = lab.connect()
            copy = lab.read(connection, subject)
            ids = sorted(copy.living)[:4]
            for number, record_id in enumerate(ids):
                lab.later(20)
                lab.surface.edit("update", subject.object, record_id, **{self._text(subject): f"skew {skew} {number}"})
                lab.read(connection, subject, copy)
            _claim_marks(subject, copy, {each: f"skew {skew} {number}" for number, each in enumerate(ids)})

    def test_what_automation_rewrites_is_read_again(self, lab: Lab) -> None:
        """A field that the system sets by itself, half a minute after somebody wrote it, is news like any other."""
        subject = self._editable(lab)
        connection = lab.connect()
        copy = lab.read(connection, subject)
        record_id = min(copy.living)
        lab.later(60)
        lab.surface.fault(object=subject.object, field=subject.text, set="by automation", after=30, times=1)
        lab.surface.edit("update", subject.object, record_id, **{self._text(subject): "by hand"})
        lab.read(connection, subject, copy)
        _claim_marks(subject, copy, {record_id: "by hand"})
        lab.later(30)
        if flat(lab.surface.truth(subject.object).living[record_id]).get(self._text(subject)) != "by automation":
            self.skip("this sandbox does not tell of changes, so that it has no automation")
        lab.read(connection, subject, copy)
        _claim_marks(subject, copy, {record_id: "by automation"})

    def test_memory_does_not_grow_with_rows(self, lab: Lab) -> None:
        """Reading dozens of pages takes far less memory than all their records together: they come page by page."""
        factory = self.connector.sandbox()
        if factory is None or not importable(factory):
            self.skip("the sandbox cannot be started in a process of its own, where its memory would not count")
            return
        subject = self.main(lab)
        with served_apart(factory, rows=max(40 * min(lab.page, 100), 16 * lab.page, 1_500), page=lab.page) as apart:
            connection = self.connector.connect({**apart.options, **self.options}, lab.runtime())
            try:
                found, peak, held = _read_measured(lab, connection, subject)
            finally:
                connection.close()
        claim(found >= 8 * lab.page, f"only {found} records of {subject.object} were read; {apart.rows} contacts exist")
        claim(
            peak < held // 2,
            f"reading {found} records took {peak:,} bytes at the peak; all records together take {held:,}",
        )

    # --- tools

    def skip(self, reason: str) -> None:
        """Leave this check, with a reason. Provided by the suite."""
        raise NotImplementedError

    def _editable(self, lab: Lab) -> Subject:
        subject = self.main(lab)
        if subject.text is None:
            self.skip("the sandbox has no object with a text that a user can edit")
        return subject

    def _text(self, subject: Subject) -> str:
        return subject.text or ""

    def _disturb(self, lab: Lab, subject: Subject, copy: Copy, mark: str, *, seconds: float = 1.0) -> dict[str, str]:
        """Users edit three records, create one and delete one. Gives the marks that must show, by id."""
        lab.later(seconds)
        if subject.text is None:
            return {}
        living = sorted(lab.surface.truth(subject.object).living)
        marks: dict[str, str] = {}
        for record_id in (living[0], living[len(living) // 2], living[-1]):
            lab.surface.edit("update", subject.object, record_id, **{subject.text: mark})
            marks[record_id] = mark
        if subject.new is not None:
            made = lab.surface.edit("create", subject.object, **{**subject.new, subject.text: mark})
            marks[made] = mark
        doomed = next((each for each in living[1:-1] if each not in marks and each in copy.records), None)
        if doomed is not None:
            lab.surface.edit("delete", subject.object, doomed)
        lab.later(seconds)
        return marks


def _claim_complete(lab: Lab, subject: Subject, copy: Copy) -> None:
    truth = lab.surface.truth(subject.object)
    lost = set(truth.living) - copy.living
    claim(not lost, f"{len(lost)} living records of {subject.object} were not read: {some(lost)}")
    # What users cannot delete may be archived and still be read as it is: somebody who left.
    ghosts = copy.living & set(truth.deleted) if subject.text else copy.living - set(truth.living) - set(truth.deleted)
    claim(not ghosts, f"{len(ghosts)} records of {subject.object} are read as living and are not: {some(ghosts)}")
    _claim_content(lab, subject, {each: copy.records[each] for each in truth.living})


def _claim_content(lab: Lab, subject: Subject, records: Mapping[str, RawRecord]) -> None:
    """Texts are as the sandbox's state has them, where it has them under the same name."""
    truth = lab.surface.truth(subject.object).living
    for record_id, record in records.items():
        row = flat(truth[record_id])
        for name in subject.texts & set(row):
            said, true = record.fields.get(name) or None, row[name] or None
            claim(said == true, f"{subject.object} {record_id} has {name} {true!r}; it was read as {said!r}")


def _claim_marks(subject: Subject, copy: Copy, marks: Mapping[str, str]) -> None:
    """Records that were edited last of all have been read after it. `marks` of records deleted since do not count."""
    lost = [
        record_id
        for record_id, mark in marks.items()
        if record_id not in copy.records
        or not (copy.records[record_id].deleted or copy.records[record_id].fields.get(subject.text or "") == mark)
    ]
    claim(not lost, f"{len(lost)} edits of {subject.object} were never read: {some(lost)}")


def _read_measured(lab: Lab, connection: Connection, subject: Subject) -> tuple[int, int, int]:
    """Records read; the most memory taken meanwhile, and what all of them together take, in bytes."""
    connection.count(lab.request(subject))  # signs in and loads what is loaded once
    gc.collect()
    tracemalloc.start()
    try:
        found = sum(len(page.records) for page in lab.pages(connection, subject))
        peak = tracemalloc.get_traced_memory()[1]
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        kept = [record for page in lab.pages(connection, subject) for record in page.records]
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
        del kept
    finally:
        tracemalloc.stop()
    return found, peak, held


def _newest(lab: Lab, subject: Subject) -> str:
    return max(lab.surface.truth(subject.object).living)


def _close(pages: object) -> None:
    """End an iteration early, as a process that dies does."""
    closing = getattr(pages, "close", None)
    if closing is not None:
        closing()


@contextmanager
def _in_auckland() -> Iterator[None]:
    """This process's local time is half a day ahead of UTC while the block lasts, where that can be set."""
    if not hasattr(time, "tzset"):
        yield
        return
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Auckland"
    time.tzset()
    try:
        yield
    finally:
        if before is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = before
        time.tzset()
