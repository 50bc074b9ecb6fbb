"""Looking back at scores: replays are exact, late news corrects the past, and every change is taken apart. 25 s."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from sqlalchemy import select
from tests.databases import NewDatabase
from tests.desk import DAY, START, Desk
from tests.projects import MODEL

from leadline.app.explaining import Told, tell
from leadline.app.lookback import Asked
from leadline.app.modeldiff import ModelDiff, diff_models
from leadline.app.models import find_model
from leadline.app.scorerun import ScoreRun, score_stored
from leadline.core.scoring.cause import Cause
from leadline.core.scoring.model import POINT
from leadline.sdk.errors import ConfigError
from leadline.store.tables import metadata, scores

STRICT = MODEL.replace("name: tiny", "name: strict").replace("points: 30, when", "points: 20, when")


def scored(desk: Desk, *, out: Path | None = None, **asked: Any) -> ScoreRun:
    with desk.project() as project:
        return score_stored(project, Asked(**asked), out=out)


def told(desk: Desk, record: str, **asked: Any) -> Told:
    with desk.project() as project:
        return tell(project, record, Asked(**asked))


def diffed(desk: Desk, b: str, *, limit: int = 20, table: Path | None = None) -> ModelDiff:
    with desk.project() as project:
        return diff_models(project, (find_model(project, "active"), find_model(project, b)), limit=limit, table=table)


def everything(desk: Desk) -> dict[str, list[Any]]:
    """All rows of the database."""
    with desk.project() as project, project.reading().begin() as connection:
        return {table.name: sorted(map(repr, connection.execute(select(table)))) for table in metadata.sorted_tables}


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """An account with a contact; nothing has happened there yet."""
    ready = Desk(tmp_path_factory.mktemp("backfilled"))
    ready.account("a1")
    ready.contact("c1", "a1")
    ready.backfill()
    return ready


@pytest.fixture
def desk(backfilled: Desk, tmp_path: Path) -> Desk:
    """The same, to work on."""
    return backfilled.copied(tmp_path)


def stored_points(desk: Desk) -> dict[str, tuple[int, str]]:
    with desk.project() as project, project.reading().begin() as connection:
        rows = connection.execute(select(scores.c.uid, scores.c.score, scores.c.group))
        return {row.uid: (row.score, row.group) for row in rows}


class Office:
    """People who work in the CRM at random, and runs in between."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self._chance = desk, random.Random(seed)
        self._numbers = iter(range(1_000))
        self._acts: list[str] = []

    def work(self) -> None:
        """Some edits of any kind."""
        for _ in range(self._chance.randint(1, 5)):
            self._chance.choice((self._act, self._act, self._edit, self._move, self._undo, self._hire, self._close))()

    def _account(self) -> str:
        return f"a{self._chance.randint(1, 3)}"

    def _person(self) -> str:
        return f"{self._chance.choice('cl')}{self._chance.randint(1, 4)}"

    def _act(self) -> None:
        key = f"t{next(self._numbers)}"
        self._acts.append(key)
        at = self.desk.now - self._chance.choice((-DAY, 0, 3_600, 12 * DAY))
        kind = self._chance.choice(("demo_request", "web_session"))
        who = self._person()
        self.desk.crm.put(
            "Activity", key, Kind=kind, Who=who if who[0] == "c" else None, Account=self._account(), At=at
        )

    def _edit(self) -> None:
        industry = self._chance.choice(("Software", "Retail", None))
        self.desk.account(self._account(), Industry=industry, Name=self._chance.choice(("One", "Two")))

    def _hire(self) -> None:
        title = self._chance.choice(("CEO", "Clerk"))
        self.desk.contact(f"c{self._chance.randint(1, 4)}", self._account(), Title=title)

    def _move(self) -> None:
        behind = self._chance.choice((None, "c1", "c2"))
        self.desk.crm.put("Lead", f"l{self._chance.randint(1, 4)}", Name="L", Contact=behind, Account=self._account())

    def _undo(self) -> None:
        if self._acts:
            self.desk.crm.delete("Activity", self._acts.pop())

    def _close(self) -> None:
        name = self._person()
        kind = {"c": "Contact", "l": "Lead"}[name[0]]
        if name in self.desk.crm.records.get(kind, {}):
            self.desk.crm.delete(kind, name)


def test_a_replay_comes_to_what_was_scored_then(new_database: NewDatabase, tmp_path: Path) -> None:
    """By the facts, the groups and the model of then, to the last digit; whatever was learned since."""
    desk = Desk(tmp_path, database=new_database())
    for number in (1, 2, 3):
        desk.account(f"a{number}")
        desk.contact(f"c{number}", f"a{number}")
    desk.backfill()
    office, then = Office(desk, seed=8), {}
    for number in range(7):
        desk.now += DAY
        office.work()
        if number == 3:
            desk.set_model(STRICT)
        desk.run()
        then[desk.now] = (str(scored(desk).digest), stored_points(desk))
    desk.now += 30 * DAY
    desk.set_model(MODEL)
    desk.run()
    for at, (digest, points) in then.items():
        replay = scored(desk, at=at, as_known=True)
        assert str(replay.digest) == digest, at
        assert replay.model.name == ("tiny" if at < START + 4 * DAY else "strict")
        assert sum(replay.groups.values()) == len(points)


def test_looking_back_writes_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.now += DAY
    desk.act("t1", "c1")
    desk.run()
    before = everything(desk)
    scored(desk)
    scored(desk, at=START - DAY)
    scored(desk, at=START, as_known=True)
    assert all(row["planned_at"] <= START for row in told(desk, "a1", at=START).effects)
    (tmp_path / "strict.yaml").write_text(STRICT)
    diffed(desk, str(tmp_path / "strict.yaml"))
    assert everything(desk) == before


def test_the_present_is_scored_as_a_run_would(desk: Desk) -> None:
    desk.act("t1", "c1")
    desk.run()
    run = scored(desk)
    assert dict(run.groups) == {("account", "priority"): 1, ("person", "priority"): 1}
    assert (run.at, run.digest.records, run.assumed, run.forgotten_before) == (START, 2, 0, None)


def test_an_activity_that_came_late_corrects_the_past_but_no_replay(desk: Desk) -> None:
    desk.now += 5 * DAY
    desk.run()
    desk.crm.put("Activity", "t1", Kind="demo_request", Who="c1", At=START + DAY)
    desk.run()
    at = START + 2 * DAY
    corrected, replay = told(desk, "a1", at=at), told(desk, "a1", at=at, as_known=True)
    assert corrected.explanation.evaluation.score == 70 * POINT
    assert replay.explanation.evaluation.score == 30 * POINT
    assert [line.source for line in corrected.explanation.lines if line.at] == ["crm/Activity/t1"]
    assert told(desk, "a1", at=START).explanation.evaluation.score == 30 * POINT  # it had not happened yet


def test_what_was_read_later_stands_there_on_trust_and_is_counted(desk: Desk) -> None:
    assert scored(desk, at=START - DAY).assumed == 2
    assert told(desk, "a1", at=START - DAY).assumed
    assert scored(desk, at=START, as_known=True).digest.records == 2
    assert scored(desk, at=START - DAY, as_known=True).digest.records == 0
    with pytest.raises(ConfigError, match="was not known at that time"):
        told(desk, "a1", at=START - DAY, as_known=True)


def test_a_record_that_is_gone_can_be_looked_at_as_it_was(desk: Desk) -> None:
    desk.now += DAY
    desk.crm.delete("Contact", "c1")
    desk.run()
    assert told(desk, "c1", at=START).explanation.evaluation.score == 30 * POINT
    with pytest.raises(ConfigError, match="no account or person"):
        told(desk, "c1")
    desk.now += DAY
    with pytest.raises(ConfigError, match="was not there at that time"):
        told(desk, "c1", at=START + DAY)


def test_a_change_is_taken_apart_from_scoring_to_scoring(desk: Desk) -> None:
    desk.now += DAY
    desk.act("t1", "c1")
    desk.run()
    desk.now += 10 * DAY
    desk.set_model(STRICT)
    desk.act("t2", "c1", kind="web_session")
    desk.run()
    history = told(desk, "a1").history
    assert [(state["score"] // POINT, state["group"]) for state in history.states] == [
        (33, "nurture"), (70, "priority"), (30, "nurture"),
    ]  # fmt: skip
    [compared] = history.changes
    assert compared.exact
    assert compared.change is not None
    assert {step.cause: step.points // POINT for step in compared.change.steps} == {
        Cause.DECAY: -30, Cause.DATA: 3, Cause.SEGMENT: 0, Cause.MODEL: -10,
    }  # fmt: skip


def test_data_time_and_model_have_parts_of_their_own(desk: Desk) -> None:
    desk.now += DAY
    desk.act("t1", "c1")
    desk.run()
    [made] = [each.change for each in told(desk, "a1").history.changes]
    assert made is not None
    assert {step.cause: step.points // POINT for step in made.steps} == {
        Cause.DECAY: 0, Cause.DATA: 40, Cause.SEGMENT: 0, Cause.MODEL: 0,
    }  # fmt: skip
    [move] = made.steps[1].rules
    [source] = move.sources
    assert (source.source, source.people, source.at) == ("crm/Activity/t1", ("crm/Contact/c1",), START + DAY)

    desk.now += 10 * DAY
    [since, last] = told(desk, "a1").history.changes
    assert since.change is not None
    assert since.change.part(Cause.DECAY) == -30 * POINT
    assert (since.span, last.span) == ("since_last_scoring", "last_change")

    desk.set_model(STRICT)
    desk.run()
    [compared] = [each for each in told(desk, "a1").history.changes if each.span == "last_change"]
    assert compared.exact
    assert compared.change is not None
    assert compared.change.part(Cause.MODEL) == -10 * POINT


def test_a_model_that_only_confirmed_a_score_is_not_what_made_it(desk: Desk) -> None:
    """A demo was worth 40 when it was asked for. By a later model it would have been worth 90 on its first day."""
    desk.now += DAY
    desk.act("t1", "c1")
    desk.run()
    later = MODEL.replace("name: tiny", "name: later").replace("points: 40", "points: 90")
    desk.set_model(later.replace("steps: [[10, 10]]", "steps: [[2, 40], [10, 10]]"))
    desk.now += 2 * DAY
    desk.run()

    history = told(desk, "a1").history

    assert [state["score"] // POINT for state in history.states] == [70, 30]
    [compared] = history.changes
    assert compared.exact
    assert compared.change is not None
    assert {step.cause: step.points // POINT for step in compared.change.steps} == {
        Cause.DECAY: 0, Cause.DATA: 40, Cause.SEGMENT: 0, Cause.MODEL: 0,
    }  # fmt: skip


def test_a_change_starts_from_what_was_known_then(desk: Desk) -> None:
    """An activity of before the last scoring that came after it is news of that time, though it happened earlier."""
    desk.now += DAY
    desk.crm.put("Activity", "t1", Kind="demo_request", Who="c1", At=START - DAY)
    desk.run()
    [compared] = told(desk, "a1").history.changes
    assert compared.exact
    assert compared.change is not None
    assert compared.change.part(Cause.DATA) == 40 * POINT


def test_the_last_change_of_group_is_told_beside_the_last_change(desk: Desk) -> None:
    desk.now += DAY
    desk.act("t1", "c1")
    desk.run()
    desk.now += DAY
    desk.act("t2", "c1", kind="web_session")
    desk.run()
    last, crossed = told(desk, "a1").history.changes
    assert (last.span, crossed.span) == ("last_change", "last_change_of_group")
    assert crossed.change is not None
    groups = (crossed.change.before.evaluation.group, crossed.change.after.evaluation.group)
    assert (groups, crossed.exact, crossed.after) == (("nurture", "priority"), True, START + DAY)
    then = told(desk, "a1", at=START + DAY).history
    assert [each.span for each in then.changes] == ["last_change"]


def test_a_model_that_is_not_kept_is_said_so(desk: Desk) -> None:
    desk.now += DAY
    desk.set_model(STRICT)
    desk.run()
    with desk.project() as project, project.engine.begin() as connection:
        connection.execute(metadata.tables["models"].delete())
    [compared] = told(desk, "a1").history.changes
    assert compared.change is None
    assert "is not kept" in compared.why_not


def test_a_scoring_to_the_same_effect_leaves_no_trace(desk: Desk) -> None:
    desk.now += DAY
    desk.account("a1", Name="Another")
    desk.crm.put("Contact", "c1", Account="a1", Name="C", Email="c@acme.com", Owner="u1", OptedOut="true")
    desk.run()
    assert len(told(desk, "a1").history.states) == 1


def test_a_model_in_use_is_found_by_its_digest(desk: Desk) -> None:
    first = scored(desk).model.digest
    desk.now += DAY
    desk.set_model(STRICT)
    desk.run()
    assert scored(desk, model=first[:10]).model.name == "tiny"
    assert scored(desk, model="active").model.name == "strict"
    for words, what in (("abcdef0123", "no model in use had this digest"), ("nowhere.yaml", "no model file here")):
        with pytest.raises(ConfigError, match=what):
            scored(desk, model=words)


def test_scores_and_ledgers_go_to_parquet(desk: Desk, tmp_path: Path) -> None:
    desk.act("t1", "c1")
    desk.run()
    folder = tmp_path / "out"
    run = scored(desk, out=folder)
    rows = pl.read_parquet(folder / "scores" / "*.parquet")
    lines = pl.read_parquet(folder / "ledger" / "*.parquet")
    sums = lines.group_by("uid").agg(pl.col("points").sum())
    assert rows.height == run.digest.records == 2
    assert dict(rows.select("uid", "score").iter_rows()) == dict(sums.iter_rows())
    with pytest.raises(ConfigError, match="something here already"):
        scored(desk, out=folder)


def test_what_is_older_than_what_is_kept_is_said(desk: Desk) -> None:
    desk.now += 10 * DAY
    desk.account("a1", Industry="Retail")
    desk.run()
    desk.now += 500 * DAY
    desk.run()
    run = scored(desk, at=START + DAY)
    assert run.forgotten_before == desk.now - 400 * DAY
    assert told(desk, "a1", at=START + DAY).explanation.evaluation.score == 0  # retail, as it was known afterwards
    assert scored(desk, at=desk.now - DAY).forgotten_before is None
    assert told(desk, "a1").history.changes == []


def test_a_diff_of_models_tells_what_changing_the_model_does(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for number in range(1, 7):
        desk.account(f"a{number}", Industry="Software" if number % 2 else "Retail")
        desk.contact(f"c{number}", f"a{number}", Title="CEO" if number < 3 else None)
        if number < 5:
            desk.act(f"t{number}", f"c{number}")
    desk.backfill()
    (tmp_path / "strict.yaml").write_text(STRICT)
    (tmp_path / "old.yaml").write_text(MODEL)
    found = diffed(desk, str(tmp_path / "strict.yaml"), table=tmp_path / "moves.csv")
    before = stored_points(desk)
    desk.now += 1
    desk.set_model(STRICT)
    desk.run()
    after = stored_points(desk)

    crossed = {uid for uid in before if before[uid][1] != after[uid][1]}
    moved = {uid for uid in before if before[uid] != after[uid]}
    assert (found.records, found.changed_group, found.changed_score) == (12, len(crossed), len(moved))
    assert {mover.uid for mover in found.movers} == moved
    assert {mover.uid for mover in found.movers if mover.groups[0] != mover.groups[1]} == crossed
    assert {mover.uid: mover.scores[1] for mover in found.movers} == {uid: after[uid][0] for uid in moved}
    assert found.top_rules(1)[0][0] == ("fit", "industry")
    assert found.quantile(50) == -10
    with (tmp_path / "moves.csv").open(encoding="utf-8") as file:
        rows = {row["uid"]: row for row in csv.DictReader(file)}
    assert rows.keys() == moved
    assert rows["crm/Account/a1"]["why"].startswith("Industry we serve (-10)")
    assert [mover.uid for mover in diffed(desk, "active").movers] == []
    every = diffed(desk, str(tmp_path / "old.yaml")).movers
    assert [abs(mover.scores[1] - mover.scores[0]) for mover in every] == [10 * POINT] * len(moved)
    assert [mover.groups[0] == mover.groups[1] for mover in every] == sorted(uid not in crossed for uid in moved)
    assert diffed(desk, str(tmp_path / "old.yaml"), limit=2).movers == every[:2]
