"""What only drifts is scored from dossiers, all at once, and comes to the same as everything read and decided anew.

About 25 s.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import delete, func, select
from tests.desk import DAY, Desk

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

# Everything that takes time: decay in steps and by half, idleness, committees, points of an account's people.
MODEL = """
name: drifting
total: {min: 0, max: 200}
hysteresis: 2
rules:
  - {id: industry, name: Industry, part: fit, points: 30, when: {field: account.industry, in: [software]}}
  - {id: boss, name: Chief, part: fit, points: 7, applies_to: both, when: {field: person.seniority, in: [c_suite]}}
signals:
  - {id: demo, name: Demo, kinds: [demo_request], points: 40, steps: [[5, 21]], window_days: 12, cap: 60}
  - {id: web, name: Web, kinds: [web_session], points: 9, half_life_days: 4, window_days: 30, account_cap: 50}
  - {id: gone, name: Left, kinds: [unsubscribe], points: -15, window_days: 6}
idle: {points: -5, after_days: 9}
groups:
  - {group: priority, label: Now, when: {score: [80, null]}}
  - {group: nurture, label: Later, when: {score: [30, 80]}}
  - {group: poor_fit, label: Not for us}
"""
KINDS = ("demo_request", "web_session", "web_session", "web_session", "unsubscribe")
ACCOUNTS, PEOPLE, EVENTS = 6, 14, 30


class Office:
    """A desk at which anything may happen, drawn from `drawn`."""

    def __init__(self, folder: Path, drawn: random.Random, database: str = "sqlite:///x.db") -> None:
        self.desk = Desk(folder, database=database)
        self._drawn = drawn
        self._made = 0
        with self.desk.project():
            pass
        self.desk.set_model(MODEL)
        for number in range(ACCOUNTS):
            self.desk.account(f"a{number}")
        for number in range(PEOPLE):
            self._put(f"c{number}" if number % 3 else f"l{number}")
        for _ in range(EVENTS):
            self.visit()

    def _put(self, who: str) -> None:
        work = self._drawn.choice([*(f"a{number}" for number in range(ACCOUNTS)), None, "a99"])
        title = self._drawn.choice(["Chief Financial Officer", "Clerk", None])
        if who.startswith("l"):
            behind = self._drawn.choice([None, None, *(f"c{number}" for number in range(PEOPLE) if number % 3)])
            self.desk.crm.put("Lead", who, Name=who, Account=work, Contact=behind, Title=title, Owner="u1")
        else:
            self.desk.contact(who, work, Title=title)

    def _anybody(self) -> str:
        number = self._drawn.randrange(PEOPLE)
        return f"c{number}" if number % 3 else f"l{number}"

    def visit(self, key: str | None = None) -> None:
        """Somebody did something: late, or again, or for an account, or by a person whom nobody knows."""
        self._made += key is None
        at = self.desk.now - self._drawn.choice([0, 60, DAY, 7 * DAY, 20 * DAY])
        who = self._drawn.choice([self._anybody(), self._anybody(), None, "c77"])
        work = self._drawn.choice([None, f"a{self._drawn.randrange(ACCOUNTS)}"])
        kind = self._drawn.choice(KINDS)
        self.desk.crm.put("Activity", key or f"t{self._made}", Kind=kind, Who=who, Account=work, At=at)

    def edit(self) -> None:
        """One of the things that people do."""
        account = f"a{self._drawn.randrange(ACCOUNTS)}"
        acts: list[Callable[[], Any]] = [
            self.visit,
            self.visit,
            lambda: self.visit(f"t{self._drawn.randint(1, self._made)}"),
            lambda: self.desk.crm.delete("Activity", f"t{self._drawn.randint(1, self._made)}"),
            lambda: self._put(self._anybody()),
            lambda: self.desk.account(account, Industry=self._drawn.choice(["Software", "Retail"])),
            lambda: self.desk.crm.delete("Account", account),
            lambda: self.desk.account(account),
            lambda: self.desk.contact("c77", account),
        ]
        self._drawn.choice(acts)()


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
        blocks = connection.scalar(select(func.count()).select_from(tables.breakdowns))
    assert (len(versions), blocks) == (1, 1)
