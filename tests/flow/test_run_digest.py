"""The digest of a run is that of the rows it stored, whether each was looked at or they were scored in one go. 3 s."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from tests.databases import NewDatabase
from tests.desk import DAY, Desk
from tests.projects import MODEL

from leadline.core.scoring.canonical import of_rows
from leadline.core.scoring.digest import Digest
from leadline.store.breakdowns import load_ledgers
from leadline.store.tables import scores


def stored(desk: Desk) -> Digest:
    """The digest over all rows of the database."""
    with desk.project() as project, project.reading().begin() as connection:
        rows = [dict(row) for row in connection.execute(select(scores)).mappings()]
        ledgers = load_ledgers(connection, [row["uid"] for row in rows])
    return of_rows(rows, [line for lines in ledgers.values() for line in lines])


def groups(desk: Desk) -> set[tuple[str, str]]:
    """Where every record stands."""
    with desk.project() as project, project.reading().begin() as connection:
        return {(row.uid, row.group) for row in connection.execute(select(scores.c.uid, scores.c.group))}


def test_the_digest_of_a_run_is_that_of_what_it_stored(new_database: NewDatabase, tmp_path: Path) -> None:
    """Of a first run, of one by another model that moves some records, and of one with nothing to do."""
    desk = Desk(tmp_path, database=new_database())
    for number in range(8):
        desk.account(f"a{number}", Industry="Software" if number % 2 else "Retail")
        desk.contact(f"c{number}", f"a{number}", Title="CEO" if number % 3 else "Clerk")
        desk.act(f"t{number}", f"c{number}", "demo_request" if number < 4 else "web_session")
    assert desk.backfill().counts["digest"] == str(stored(desk))

    before = groups(desk)

    desk.now += DAY
    desk.set_model(MODEL.replace("points: 30, when", "points: 10, when"))
    report = desk.run()

    # Who moves is looked at, with their cluster; all others are scored in one go.
    assert len(groups(desk) - before) == 8
    assert stored(desk).records == report.counts["scored"] == 16
    assert report.counts["digest"] == str(stored(desk))
    assert desk.run().counts["digest"] == str(Digest())
