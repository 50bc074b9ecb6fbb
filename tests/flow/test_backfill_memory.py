"""A backfill of ten times the records takes no more memory: nothing reads, scores or writes a whole table.

Memory is what Python's own allocator is asked for, so the figures are the same on every machine. About 10 s.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.fakes import FakeCRM
from tests.projects import fake_project

from leadline.app import events
from leadline.app.backfill import backfill
from leadline.app.events import Event
from leadline.sdk.records import Cursor, Effect, Outcome, Page, PullRequest, RawRecord, RowOutcome
from leadline.store import tables

PEOPLE = 5  # of an account
CHUNK, PAGE, BULK = 60, 100, (200, 100, 1)  # of 200 rows a job, above 100
STAGES = ("read", "score_and_decide", "write")
SLACK = 1_000_000
"""Bytes of objects that wait for the garbage collector, more or less. 1,800 rows take three times as many."""


@dataclass(slots=True)
class Endless(FakeCRM):
    """A CRM of so many accounts with their people, which it makes up when they are read. It keeps nothing."""

    accounts: int = 0
    written: int = 0

    def pull(self, request: PullRequest) -> Iterator[Page]:
        """Pages in the order of the records' numbers."""
        begin = int(str(request.cursor.position["number"])) if request.cursor else 0
        end = {"Account": self.accounts, "Contact": self.accounts * PEOPLE, "User": 1}.get(request.object, 0)
        for number in range(begin, end, self.page_size):
            upto = min(number + self.page_size, end)
            records = tuple(self._made(request.object, each) for each in range(number, upto))
            yield Page(records, Cursor({"number": upto}))

    def _made(self, object: str, number: int) -> RawRecord:
        # Nobody has an address: caches of names that never repeat are bounded, but not full at these sizes.
        fields = {"Name": f"{object} {number}", "Industry": "Software", "Owner": "0"}
        if object == "Contact":
            fields |= {"Account": f"{number // PEOPLE}", "Title": "Chief Financial Officer"}
        return RawRecord(f"{number}", fields, 1)

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Take them all."""
        self.written += len(effects)
        return [RowOutcome(effect.key, Outcome.WRITTEN) for effect in effects]


class Peaks:
    """The most that was allocated in each stage, in bytes, and how many rows an event was about at most."""

    def __init__(self) -> None:
        self.by_stage: dict[str, int] = {}
        self.widest = 0
        self._stage = ""

    def __call__(self, event: Event) -> None:
        match event:
            case events.StageStarted() if event.stage in STAGES:
                self.end_stage()
                self._stage = event.stage
            case events.PageStored():
                self.widest = max(self.widest, event.records)
            case events.ChunkScored():
                self.widest = max(self.widest, event.subjects)
            case events.BatchPushed():
                self.widest = max(self.widest, event.rows)

    def end_stage(self) -> None:
        """Note the peak of the stage that ends here."""
        if self._stage:
            self.by_stage[self._stage] = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()


def peaks(folder: Path, accounts: int) -> Peaks:
    """Of a backfill of so many accounts and their people."""
    folder.mkdir()
    crm = Endless(page_size=PAGE, accounts=accounts)
    heard = Peaks()
    with fake_project(folder, crm, chunk=CHUNK, bulk=BULK) as project:
        tracemalloc.start()
        try:
            report = backfill(project, heard)
            heard.end_stage()
        finally:
            tracemalloc.stop()
        with project.reading().begin() as connection:
            scores = connection.execute(select(func.count()).select_from(tables.scores)).scalar_one()
    records = accounts * (1 + PEOPLE)
    assert (scores, crm.written, report.counts["written"]) == (records, records, records)
    return heard


@pytest.mark.heavy
def test_a_backfill_of_ten_times_the_records_takes_no_more_memory(tmp_path: Path) -> None:
    peaks(tmp_path / "warm", 20)  # what is made once: statements, plans, tables of words
    small, big = peaks(tmp_path / "small", 30), peaks(tmp_path / "big", 300)
    allowed = {stage: round(1.2 * small.by_stage[stage]) + SLACK for stage in STAGES}
    assert {stage: peak for stage, peak in big.by_stage.items() if peak > allowed[stage]} == {}
    assert small.widest <= big.widest == BULK[0]
