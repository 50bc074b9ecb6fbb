"""What becomes of the records that webhooks name, on a CRM in memory: read by id, and whatever goes wrong, not lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import select, update
from tests.fakes import FakeCRM, PowerCut
from tests.projects import fake_project
from tests.rows import account

from leadline.app.backfill import backfill
from leadline.app.bootstrap import Project
from leadline.app.pull import pull_object
from leadline.app.sync import Report, follow_notices, sync
from leadline.core.entities import Entity
from leadline.sdk.errors import CredentialsError, PermanentError
from leadline.sdk.records import Notice, PullRequest, RawRecord
from leadline.store import notices, tables
from leadline.store.records import save_rows


def quietly(_: object) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class Watched(FakeCRM):
    """A CRM in which something happens just after records were fetched, and before the answer arrives."""

    during: Callable[[PullRequest], None] = lambda _: None
    merged: dict[str, str] = field(default_factory=dict)
    one_second: bool = False  # everything happens within the same one

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        """As the CRM does it, then what happens."""
        records = FakeCRM.fetch(self, request, ids)
        self.during(request)
        return [self._merged(record) for record in records]

    def _raw(self, request: PullRequest, record_id: str) -> RawRecord:
        record = FakeCRM._raw(self, request, record_id)
        return replace(record, modified_at=1_000_000) if self.one_second else record

    def _merged(self, record: RawRecord) -> RawRecord:
        into = self.merged.get(record.id)
        return record if into is None else RawRecord(record.id, {}, 99, deleted=True, merged_into=into)

    def verbs(self) -> list[str]:
        """What it was asked since the last time."""
        asked = [verb for verb, _ in self.calls]
        self.calls.clear()
        return asked


def company() -> Watched:
    """A company with a contact; salespeople."""
    made = Watched(page_size=50)
    made.put("User", "u1", Name="Ann", Email="ann@us.com", Active="true")
    made.put("Account", "a1", Name="Acme", Industry="Software", Owner="u1")
    made.put("Contact", "c1", Account="a1", Name="Cy", Email="cy@acme.com", Owner="u1")
    return made


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watched]:
    """The folder of a project that was backfilled, and its CRM, both to be copied."""
    folder, crm = tmp_path_factory.mktemp("backfilled"), company()
    with fake_project(folder, crm) as opened:
        backfill(opened, quietly)
    return folder, crm


@pytest.fixture
def crm(backfilled: tuple[Path, Watched]) -> Watched:
    """The CRM of its own, which was read once."""
    copied = backfilled[1].copied()
    copied.verbs()
    return copied


@pytest.fixture
def project(tmp_path: Path, backfilled: tuple[Path, Watched], crm: Watched) -> Iterator[Project]:
    """Backfilled; nothing has happened there yet."""
    shutil.copytree(backfilled[0], tmp_path, dirs_exist_ok=True)
    with fake_project(tmp_path, crm) as opened:
        yield opened


def named(project: Project, *records: tuple[str, str]) -> None:
    """Webhooks name these records."""
    with project.engine.begin() as connection:
        notices.note(connection, "crm", [Notice(*each) for each in records], now=project.now())


def waiting(project: Project) -> list[str]:
    with project.reading().begin() as connection:
        return list(connection.scalars(select(tables.notices.c.record_id).order_by(tables.notices.c.record_id)))


def follow(project: Project) -> Report:
    return follow_notices(project, quietly)


def group(project: Project, uid: str) -> str | None:
    with project.reading().begin() as connection:
        return connection.scalar(select(tables.scores.c.group).where(tables.scores.c.uid == f"crm/{uid}"))


def asks_for_a_demo(crm: FakeCRM, who: str = "c1", key: str = "v1") -> tuple[str, str]:
    crm.put("Activity", key, Kind="demo_request", Who=who, At=1_700_000_000)
    return "Activity", key


def test_a_named_activity_is_scored_and_acted_on_without_reading_anything_else(project: Project, crm: Watched) -> None:
    named(project, asks_for_a_demo(crm))

    report = follow(project)

    assert (report.kind, report.counts["noticed"], report.counts["records_changed"]) == ("webhook", 1, 1)
    assert group(project, "Account/a1") == "priority"
    assert (crm.value("Account", "a1", "Group"), [task.subject for task in crm.tasks]) == ("priority", ["Call: Acme"])
    assert "pull" not in crm.verbs()
    assert waiting(project) == []


def test_what_the_next_sync_reads_is_no_news(project: Project, crm: Watched) -> None:
    named(project, asks_for_a_demo(crm))
    follow(project)

    counts = sync(project, quietly).counts

    assert (counts["records_changed"], counts["scored"], counts["written"], len(crm.tasks)) == (0, 0, 0, 1)


def test_our_own_writes_lead_to_one_read_and_nothing_else(project: Project, crm: Watched) -> None:
    named(project, asks_for_a_demo(crm))
    follow(project)
    crm.verbs()

    named(project, ("Account", "a1"), ("Contact", "c1"))
    counts = follow(project).counts

    assert (counts["noticed"], counts["records_changed"], counts["scored"], counts["written"]) == (2, 0, 0, 0)
    assert crm.verbs() == ["fetch", "fetch"]


def test_a_deleted_record_and_one_that_never_was(project: Project, crm: Watched) -> None:
    crm.delete("Account", "a1")
    named(project, ("Account", "a1"), ("Account", "no-such"))

    follow(project)

    assert group(project, "Account/a1") is None
    assert waiting(project) == []


def test_the_survivor_of_a_merge_is_read_too(project: Project, crm: Watched) -> None:
    crm.put("Account", "a2", Name="Acme Inc", Industry="Software", Owner="u1")
    crm.merged["a1"] = "a2"
    named(project, ("Account", "a1"))
    follow(project)

    assert (group(project, "Account/a1"), group(project, "Account/a2")) == (None, "nurture")
    with project.reading().begin() as connection:
        assert connection.scalar(select(tables.people.c.account)) == "crm/Account/a2"
    assert waiting(project) == []


def test_objects_that_the_mapping_does_not_read_are_dropped(project: Project, crm: Watched) -> None:
    named(project, ("Ticket", "t1"), ("Account", "a1"))

    assert follow(project).counts["noticed"] == 1
    assert (waiting(project), crm.verbs()) == ([], ["fetch"])


def test_an_object_that_was_never_read_to_its_end_waits_for_the_sync_that_does(tmp_path: Path, crm: Watched) -> None:
    with fake_project(tmp_path, crm) as project:
        named(project, ("Account", "a1"))
        follow(project)
        assert (waiting(project), crm.verbs()) == (["a1"], [])

        backfill(project, quietly)
        assert waiting(project) == []


@pytest.mark.parametrize("unread", [{"complete": False}, {"request_digest": "of another mapping"}])
def test_so_does_one_that_was_not_read_to_its_end_with_this_mapping(
    project: Project, crm: Watched, unread: dict[str, object]
) -> None:
    """Until then it is not known what became of the other records, and a new mapping starts no play."""
    with project.engine.begin() as connection:
        connection.execute(update(tables.cursors).where(tables.cursors.c.object == "Account").values(**unread))
    named(project, ("Account", "a1"))
    follow(project)
    assert (waiting(project), crm.verbs()) == (["a1"], [])

    sync(project, quietly)
    assert waiting(project) == []


def test_a_record_that_is_named_while_it_is_read_is_read_again(project: Project, crm: Watched) -> None:
    def edited(_: PullRequest) -> None:
        crm.during = quietly
        crm.put("Account", "a1", Industry="Mining")
        named(project, ("Account", "a1"))

    crm.during = edited
    named(project, ("Account", "a1"))
    follow(project)

    assert (group(project, "Account/a1"), waiting(project)) == ("poor_fit", [])
    assert crm.verbs().count("fetch") == 2


def test_one_that_is_named_all_the_time_does_not_hold_the_run_up(project: Project, crm: Watched) -> None:
    crm.during = lambda _: named(project, ("Account", "a1"))
    named(project, ("Account", "a1"))

    follow(project)

    assert (waiting(project), crm.verbs().count("fetch")) == (["a1"], 2)


def test_what_was_fetched_does_not_replace_what_another_worker_has_read_since(project: Project, crm: Watched) -> None:
    """Between our question and our answer the record changes, and another worker's pull stores the new state."""

    def read_by_another(_: PullRequest) -> None:
        crm.during = quietly
        crm.put("Account", "a1", Industry="Mining")
        pull_object(project, project.connections["crm"], "Account", quietly)

    crm.one_second = True
    crm.during = read_by_another
    named(project, ("Account", "a1"))
    follow(project)

    assert (group(project, "Account/a1"), waiting(project)) == ("poor_fit", [])


def test_two_workers_that_fetch_at_once_store_the_later_state(project: Project, crm: Watched) -> None:
    def another(_: PullRequest) -> None:
        crm.during = quietly
        crm.put("Account", "a1", Industry="Mining")
        named(project, ("Account", "a1"))
        follow(project)

    crm.one_second = True
    crm.during = another
    named(project, ("Account", "a1"))
    follow(project)

    assert (group(project, "Account/a1"), waiting(project)) == ("poor_fit", [])


def test_killed_before_it_stored_the_next_start_reads_them(project: Project, crm: Watched) -> None:
    def power_cut(_: PullRequest) -> None:
        raise PowerCut

    crm.during = power_cut
    named(project, asks_for_a_demo(crm))
    with pytest.raises(PowerCut):
        follow(project)
    assert waiting(project) == ["v1"]

    crm.during = quietly
    report = sync(project, quietly)
    assert (waiting(project), report.counts["noticed"]) == ([], 1)
    assert group(project, "Account/a1") == "priority"


def test_an_object_that_the_crm_refuses_stops_no_other(project: Project, crm: Watched) -> None:
    def refuse(request: PullRequest) -> None:
        if request.object == "Account":
            raise PermanentError("no access", code="FORBIDDEN")

    crm.during = refuse
    named(project, ("Account", "a1"), asks_for_a_demo(crm))
    report = follow(project)

    assert [type(error) for error in report.failures.values()] == [PermanentError]
    assert waiting(project) == ["a1"]
    assert group(project, "Account/a1") == "priority"


def test_where_sign_in_is_refused_nothing_else_is_tried(project: Project, crm: Watched) -> None:
    def refuse(_: PullRequest) -> None:
        raise CredentialsError("no")

    crm.during = refuse
    named(project, ("Account", "a1"), ("Contact", "c1"))
    report = follow(project)

    assert [type(error) for error in report.failures.values()] == [CredentialsError]
    assert (waiting(project), crm.verbs().count("fetch")) == (["a1", "c1"], 1)


def test_more_records_than_one_transaction_takes(project: Project, crm: Watched) -> None:
    for number in range(1_001):
        crm.put("Deal", f"d{number:04}", Account="a1")
    named(project, *[("Deal", f"d{number:04}") for number in range(1_001)])

    counts = follow(project).counts

    assert (counts["noticed"], counts["records_changed"], waiting(project)) == (1_001, 1_001, [])
    assert crm.verbs().count("fetch") == 3


# What was read by id is not undone by an index that lags


@pytest.mark.parametrize(("later", "undone"), [(60, False), (3_600, True)])
def test_an_older_state_is_left_out_for_a_while(project: Project, later: int, undone: bool) -> None:
    """Not for ever: a CRM that was set back to a backup is right."""
    fresh = account("a9", name="New", modified_at=500, read_at=1_000)
    stale = account("a9", name="Old", modified_at=400, read_at=1_000 + later)
    with project.engine.begin() as connection:
        save_rows(connection, Entity.ACCOUNT, [fresh])
        saved = save_rows(connection, Entity.ACCOUNT, [stale])
        name = connection.scalar(select(tables.accounts.c.name).where(tables.accounts.c.uid == fresh["uid"]))

    assert (saved.stored, name) == ((1, "Old") if undone else (0, "New"))


def test_a_state_of_the_same_second_counts_and_so_does_a_deletion(project: Project) -> None:
    fresh = account("a9", name="New", modified_at=500)
    with project.engine.begin() as connection:
        save_rows(connection, Entity.ACCOUNT, [fresh])
        same = save_rows(connection, Entity.ACCOUNT, [replace_row(fresh, name="Newer")])
        gone = save_rows(connection, Entity.ACCOUNT, [replace_row(fresh, modified_at=400, deleted=True)])

    assert (same.stored, gone.stored) == (1, 1)


def replace_row(row: dict[str, object], **values: object) -> dict[str, object]:
    return {**row, **values}
