"""A mapping, or the list of connections, changes in a project at work: the store follows, and nobody is flooded."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from tests.fakes import FakeCRM
from tests.projects import MAPPING, fake_project

from leadline.app.lookup import ranked
from leadline.app.sync import Report, perform
from leadline.store import tables

NOW = 1_700_000_000
ACTIVITY = MAPPING[MAPPING.index("  Activity:") : MAPPING.index("  Deal:")]


class Workplace:
    """Three accounts with a contact each; the contact of the first has asked for a demo. The clock stands."""

    def __init__(self, folder: Path, mapping: str = MAPPING) -> None:
        self.folder = folder
        self.crm = FakeCRM(page_size=2)
        self.crm.put("User", "u1", Name="Ann", Email="ann@us.com", Active="true")
        for n in "123":
            self.crm.put("Account", f"a{n}", Name=f"A{n}", Industry="Programs", Owner="u1")
            self.crm.put("Contact", f"c{n}", Account=f"a{n}", Name=f"C{n}", Email=f"c{n}@acme.com", Owner="u1")
        self.crm.put("Activity", "t1", Kind="demo_request", Who="c1", At=NOW)
        self.map(mapping)
        self.run(plays=False)

    def map(self, text: str) -> None:
        """From now on this mapping."""
        (self.folder / "mapping.yaml").write_text(text)

    def run(self, *, plays: bool = True) -> Report:
        """A sync, or without plays a backfill."""
        with fake_project(self.folder, self.crm, now=lambda: NOW) as project:
            return perform(project, lambda _: None, kind="sync" if plays else "backfill", plays=plays)

    def shown(self) -> list[object]:
        """The accounts' scores in the CRM."""
        return [self.crm.value("Account", f"a{n}", "Score") for n in "123"]


def test_another_value_map_is_applied_to_what_was_read_before(tmp_path: Path) -> None:
    at = Workplace(tmp_path)
    assert at.shown() == [40, 0, 0]
    at.map(MAPPING.replace("industry: Industry", "industry: {from: Industry, values: {Programs: software}}"))
    report = at.run()
    assert at.shown() == [70, 30, 30]
    assert report.counts["withheld"] == 1  # only the group `priority` has a play
    assert (report.crossings, at.crm.tasks, at.crm.enrolments) == ([], [], [])
    assert at.crm.value("Account", "a1", "Action") == (
        "No action on priority: moved by another reading of the CRM: the mapping changed."
    )
    assert at.run().counts["scored"] == 0


def test_an_object_that_is_mapped_later_starts_no_plays(tmp_path: Path) -> None:
    industry = MAPPING.replace("industry: Industry", "industry: {from: Industry, default: software}")
    at = Workplace(tmp_path, industry.replace(ACTIVITY, ""))
    assert at.shown() == [30, 30, 30]
    at.map(industry)
    assert (at.run().crossings, at.shown(), at.crm.tasks) == ([], [70, 30, 30], [])
    at.crm.put("Activity", "t2", Kind="demo_request", Who="c2", At=NOW)
    assert [crossing.name for crossing in at.run().crossings] == ["A2"]


def test_an_object_that_is_mapped_no_more_gives_no_points(tmp_path: Path) -> None:
    at = Workplace(tmp_path)
    at.map(MAPPING.replace(ACTIVITY, ""))
    at.run()
    assert at.shown() == [0, 0, 0]
    assert at.run().counts["scored"] == 0
    at.map(MAPPING)
    at.run()
    assert at.shown() == [40, 0, 0]


def test_a_record_that_is_left_out_after_an_edit_counts_no_more(tmp_path: Path) -> None:
    """Such as a task that was completed by mistake and is open again."""
    skipping = ACTIVITY.replace("entity: activity", "entity: activity\n    skip_when: {field: Open, in: [true]}")
    at = Workplace(tmp_path, MAPPING.replace(ACTIVITY, skipping))
    at.crm.put("Activity", "t1", Open="true")
    at.run()
    assert at.shown() == [0, 0, 0]
    at.crm.put("Activity", "t1", Open="false")
    at.run()
    assert at.shown() == [40, 0, 0]


def test_what_a_removed_connection_left_stops_nobody(tmp_path: Path) -> None:
    """Its records stay in the store, due and marked; they are neither looked at nor in the queue."""
    at = Workplace(tmp_path)
    with fake_project(tmp_path, at.crm) as project, project.engine.begin() as connection:
        rows = [dict(row) for row in connection.execute(select(tables.scores)).mappings()]
        for row in rows:
            other = {key: row[key].replace("crm/", "former/") for key in ("uid", "cluster")}
            connection.execute(tables.scores.insert().values({**row, **other, "due_at": 0}))
        for row in [dict(row) for row in connection.execute(select(tables.accounts)).mappings()]:
            other = {"uid": row["uid"].replace("crm/", "former/"), "connection": "former"}
            connection.execute(tables.accounts.insert().values({**row, **other}))
            connection.execute(tables.dirty.insert().values(uid=other["uid"], mark=1, reason="changed"))
    at.crm.put("Activity", "t2", Kind="demo_request", Who="c2", At=NOW)
    assert at.run().counts["scored"] == 2
    assert at.shown() == [40, 40, 0]
    with fake_project(tmp_path, at.crm) as project:
        assert {line.uid.partition("/")[0] for line in ranked(project, all_groups=True)} == {"crm"}
