"""What only drifts is scored from dossiers, all at once, and comes to the same as everything read and decided anew.

About 25 s.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import delete, func, select
from tests.desk import DAY, Desk
from tests.office import MODEL, Office

from leadline.app.events import ChunkScored, Event
from leadline.app.survey import frames_of
from leadline.app.sync import perform
from leadline.frames import lines
from leadline.frames.kept import Kept
from leadline.store import tables
from leadline.store.breakdowns import load_ledgers
from leadline.store.dossiers import read_dossiers
from leadline.store.facts import load_facts

if TYPE_CHECKING:
    from tests.databases import NewDatabase


def dossiers(desk: Desk) -> Kept:
    """What is kept of everybody."""
    with desk.project() as project, project.reading().begin() as connection:
        clusters = connection.scalars(select(tables.dossiers.c.cluster).distinct()).all()
        texts = read_dossiers(connection, clusters, layout=lines.LAYOUT)
    return Kept.of(texts.accounts, texts.account_events, texts.people, texts.people_events)


def rows(desk: Desk) -> Kept:
    """What the rows say of everybody."""
    with desk.project() as project, project.reading().begin() as connection:
        facts = load_facts(connection, connection.scalars(select(tables.scores.c.cluster).distinct()).all())
    found = frames_of(facts)
    return Kept.from_facts(found.accounts.collect(), found.people.collect(), found.events.collect())


def same(kept: Kept, wanted: Kept) -> None:
    """The same facts and events, in whatever order."""
    for name in ("accounts", "people", "account_events", "people_events"):
        ours, theirs = getattr(kept, name), getattr(wanted, name)
        order = [column for column in ours.columns if ours.schema[column] != pl.List(pl.String)]
        assert_frame_equal(ours.sort(order), theirs.sort(order))


def standing(desk: Desk, *, afresh: bool = False) -> dict[str, Any]:
    """Score columns and ledger of every record; `afresh`: after everybody has been read and decided on anew."""
    with desk.project() as project:
        if afresh:
            with project.writing() as connection:
                connection.execute(delete(tables.dossiers))
                connection.execute(tables.scores.update().values(model="another/one"))
            desk.run()
        with project.reading().begin() as connection:
            found = [dict(row) for row in connection.execute(select(tables.scores)).mappings()]
            ledgers = load_ledgers(connection, [row["uid"] for row in found])
    names = ("score", "fit", "fit_max", "persona", "intent", "negative", "completeness", "group", "disqualified")
    told = {row["uid"]: {name: row[name] for name in names} for row in found}
    return {uid: (row, ledgers[uid]) for uid, row in told.items()}


@pytest.mark.parametrize("seed", [1])
def test_whatever_happens_dossiers_say_what_the_rows_say(seed: int, tmp_path: Path) -> None:
    """After every run: people who move, leads that get a contact, accounts that go and come back, late activities."""
    drawn = random.Random(seed)
    office = Office(tmp_path, drawn)
    office.desk.backfill()
    same(dossiers(office.desk), rows(office.desk))
    for _ in range(10):
        for _ in range(drawn.randint(1, 3)):
            office.edit()
        office.desk.now += drawn.choice([0, 60, DAY, 3 * DAY])
        office.desk.run()
        same(dossiers(office.desk), rows(office.desk))


@pytest.mark.parametrize("seed", [3])
def test_scores_of_accounts_are_those_of_everything_scored_anew(seed: int, tmp_path: Path) -> None:
    """Of the accounts and people whom a run has looked at: their siblings' parts had grown old meanwhile."""
    drawn = random.Random(seed)
    office = Office(tmp_path, drawn)
    desk = office.desk
    desk.backfill()
    quiet = 0
    for _ in range(4):
        for _ in range(drawn.randint(1, 3)):
            office.edit()
        desk.now += drawn.choice([60, DAY, 3 * DAY])
        quiet += desk.run().counts["scored"]
        looked_at = {uid for uid in standing(desk) if (desk.score(uid) or {})["scored_at"] == desk.now}
        incremental = standing(desk)
        full = standing(desk, afresh=True)
        assert {uid: incremental[uid] for uid in looked_at} == {uid: full[uid] for uid in looked_at}
    assert quiet


def test_a_new_model_that_moves_nobody_is_settled_without_a_look_at_single_records(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    office = Office(tmp_path, random.Random(5), new_database())
    desk = office.desk
    desk.backfill()
    before = standing(desk)
    desk.set_model(MODEL.replace("name: drifting", "name: renamed"))
    heard: list[Event] = []
    with desk.project() as project:
        perform(project, heard.append, kind="sync", plays=True)
    chunks = [event for event in heard if isinstance(event, ChunkScored)]
    assert [(chunk.subjects, chunk.crossed, chunk.planned) for chunk in chunks] == [(len(before), 0, 0)]
    assert standing(desk) == before
    with desk.project() as project, project.reading().begin() as connection:
        versions = set(connection.scalars(select(tables.scores.c.model)))
        counts = [
            connection.scalar(select(func.count()).select_from(table))
            for table in (tables.breakdowns, tables.score_history)
        ]
    assert (len(versions), counts) == (1, [1, 0])
