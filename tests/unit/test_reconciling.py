"""Judging a CRM that tells little: logs, guesses, samples, changes of a moment ago. 3 seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.fakes import FakeCRM
from tests.projects import fake_project

from leadline.app.bootstrap import Project
from leadline.app.pull import pull_all
from leadline.app.reconciling import Proof, reconcile
from leadline.sdk.errors import PermanentError
from leadline.sdk.records import Estimate, PullRequest, RawRecord
from leadline.store.tables import cursors

ACCOUNTS = 40


@dataclass(slots=True)
class TellingCRM(FakeCRM):
    """A fake that tells how many records are living, as the test says, and counts whom it was asked for."""

    tells: Callable[[int], int | None] = lambda living: living
    exact: bool = True
    by_id: bool = True
    asked: list[str] = field(default_factory=list)
    shown_at: int | None = None

    def count(self, request: PullRequest) -> Estimate:
        told = FakeCRM.count(self, request)
        return replace(told, living=self.tells(told.records), exact=self.exact)

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        if not self.by_id:
            raise PermanentError("a log has no ids", code="NOT_BY_ID")
        self.asked += ids
        found = FakeCRM.fetch(self, request, ids)
        return found if self.shown_at is None else [replace(each, modified_at=self.shown_at) for each in found]


@pytest.fixture
def crm() -> TellingCRM:
    made = TellingCRM()
    for number in range(ACCOUNTS):
        made.put("Account", f"a{number:02d}", Name=f"Company {number}", Industry="Software")
    return made


@pytest.fixture
def project(crm: TellingCRM, tmp_path: Path) -> Iterator[Project]:
    with fake_project(tmp_path, crm) as opened:
        pull_all(opened, lambda _: None)
        yield opened


def proved(project: Project, *, sample: int | None = 100, seed: int = 0) -> Proof:
    return reconcile(project, lambda _: None, sample=sample, seed=seed)


def gaps(proof: Proof) -> str:
    return "\n".join(gap.reason for gap in proof.gaps if gap.object == "Account")


def test_a_sample_is_drawn_by_its_seed_and_the_rest_is_named(crm: TellingCRM, project: Project) -> None:
    samples = []
    for seed in (1, 1, 2):
        crm.asked.clear()
        proof = proved(project, sample=5, seed=seed)
        samples.append(tuple(crm.asked))

    assert samples[0] == samples[1] != samples[2]
    assert len(set(samples[0])) == 5
    assert "the contents of 35 rows outside the sample" in gaps(proof)
    (line,) = [line for line in proof.lines if line.object == "Account"]
    assert (line.in_crm, line.stored, line.sampled, line.equal) == (ACCOUNTS, ACCOUNTS, 5, 5)


def test_every_row_is_drawn_as_often_as_any_other(crm: TellingCRM, project: Project) -> None:
    for seed in range(60):
        proved(project, sample=10, seed=seed)

    drawn = [crm.asked.count(f"a{number:02d}") for number in range(ACCOUNTS)]
    assert sum(drawn) == 600
    assert min(drawn) >= 4  # of 15, each
    assert max(drawn) <= 30


def test_a_count_that_is_not_told_or_only_guessed_proves_nothing(crm: TellingCRM, project: Project) -> None:
    crm.tells = lambda _: None
    untold = proved(project)
    crm.tells, crm.exact = (lambda living: living + 7), False
    guessed = proved(project)
    crm.exact = True
    told = proved(project)

    assert "the CRM does not tell it" in gaps(untold)
    assert "only its guess" in gaps(guessed)
    assert (untold.faults, guessed.faults) == ([], [])
    assert ("missing", 7) in {(fault.what, fault.records) for fault in told.faults}


def test_more_rows_than_the_crm_counts_are_a_fault(crm: TellingCRM, project: Project) -> None:
    crm.tells = lambda living: max(living - 1, 0)

    assert {(each.object, each.what, each.records) for each in proved(project).faults} == {("Account", "too many", 1)}


def test_what_is_on_its_way_is_counted_in(crm: TellingCRM, project: Project) -> None:
    crm.put("Account", "new", Name="New")
    crm.delete("Account", "a03")
    crm.put("Account", "a04", Name="Renamed")

    proof = proved(project)

    assert proof.faults == []
    (line,) = [line for line in proof.lines if line.object == "Account"]
    assert (line.in_crm, line.stored, line.changed, line.wrong) == (ACCOUNTS, ACCOUNTS, 2, 0)


def test_a_log_is_proved_whole_or_not_at_all(crm: TellingCRM, project: Project) -> None:
    crm.by_id = False

    sampled, whole = proved(project), proved(project, sample=None)

    assert "cannot be read by id" in gaps(sampled)
    assert (gaps(whole), whole.faults) == ("", [])
    (line,) = [line for line in whole.lines if line.object == "Account"]
    assert (line.sampled, line.equal) == (ACCOUNTS, ACCOUNTS)


def test_what_has_just_changed_is_not_missed_yet(crm: TellingCRM, project: Project) -> None:
    """Its change may be in no search index yet."""
    with project.engine.begin() as connection:
        connection.execute(update(cursors).values(position='{"number": 1000}'))
    crm.put("Account", "a05", Name="Renamed")
    crm.shown_at = project.now() - 60
    young = proved(project)
    crm.shown_at = project.now() - 3_600
    old = proved(project)

    assert young.faults == []
    assert [(fault.what, fault.ids) for fault in old.faults] == [("differs", ("a05",))]
