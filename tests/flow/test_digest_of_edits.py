"""After every sequence of random edits, what is stored has the digest of everything scored anew from its facts. 10 s.

`make edits` goes through a thousand sequences (`EDIT_SEQUENCES`).
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from sqlalchemy import select
from tests.databases import NewDatabase
from tests.desk import DAY, Desk
from tests.office import Office

from leadline.app.lookback import Asked
from leadline.app.scorerun import score_stored
from leadline.core.scoring.canonical import of_rows
from leadline.core.scoring.digest import Digest
from leadline.store import tables
from leadline.store.breakdowns import load_ledgers

SEQUENCES = int(os.environ.get("EDIT_SEQUENCES", "14"))
EPOCH = 7  # sequences between two moments


def stored(desk: Desk) -> Digest:
    """Over all scores and ledgers of the database."""
    with desk.project() as project, project.reading().begin() as connection:
        rows = [dict(row) for row in connection.execute(select(tables.scores)).mappings()]
        ledgers = load_ledgers(connection, [row["uid"] for row in rows])
    return of_rows(rows, [line for lines in ledgers.values() for line in lines])


def anew(desk: Desk) -> Digest:
    """Over everybody, scored from the rows of facts."""
    with desk.project() as project:
        return score_stored(project, Asked()).digest


def outdate(desk: Desk) -> None:
    """Have the next run score everybody: time has passed, and the others are looked at only when they are due."""
    with desk.project() as project, project.writing() as connection:
        connection.execute(tables.scores.update().values(model="another/one"))


def test_edits_come_to_the_same_as_scoring_anew(new_database: NewDatabase, tmp_path: Path) -> None:
    drawn = random.Random(11)
    office = Office(tmp_path, drawn, new_database())
    office.desk.backfill()
    seen = set()
    for number in range(SEQUENCES):
        if number % EPOCH == 0:
            office.desk.now += drawn.choice([60, DAY, 3 * DAY, 9 * DAY])
            outdate(office.desk)
        for _ in range(drawn.randint(1, 5)):
            office.edit()
        office.desk.run()

        digest = stored(office.desk)
        assert digest == anew(office.desk), f"sequence {number}"
        seen.add(digest)
    assert len(seen) > SEQUENCES / 2, "the edits changed next to nothing"
