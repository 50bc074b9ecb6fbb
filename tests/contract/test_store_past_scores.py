"""What scores were before they changed; the same on each database. 3 s."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, func, select

from leadline.store.models import digest_at, load_model_row, models_like, note_model
from leadline.store.past_scores import (
    former_of_group,
    keep_former,
    keep_removed,
    list_former,
    purge_former,
    standings,
    state_after,
)
from leadline.store.scores import remove_scores, save_scores
from leadline.store.tables import score_history, scores

Row = dict[str, Any]


def scored(connection: Connection, at: int, score: int, group: str, **values: Any) -> None:
    """A scoring of the one record `a` at that time."""
    old = connection.execute(select(scores)).mappings().first()
    since = old["group_since"] if old and old["group"] == group else at
    whole = {
        "uid": "a", "entity": "account", "cluster": "a", "disqualify_reasons": "", "missing_fields": "", "model": "m/r",
        "disqualified": False, "score": score, "fit": score, "group": group, "group_since": since, "scored_at": at,
        "crossing": (old["crossing"] if old else 0) + (since == at), **values,
    }  # fmt: skip
    row = {column.name: whole.get(column.name, None if column.nullable else 0) for column in scores.c}
    keep_former(connection, [row], {"a": dict(old)} if old else {})
    save_scores(connection, [row], [])


def four(connection: Connection) -> None:
    """Nurture from 100, priority from 200, confirmed at 250, more at 300, nurture again from 400."""
    scored(connection, 100, 1_000, "nurture")
    scored(connection, 200, 9_000, "priority")
    scored(connection, 250, 9_000, "priority")
    scored(connection, 300, 9_500, "priority")
    scored(connection, 400, 2_000, "nurture")


def kept(connection: Connection) -> list[tuple[int, int]]:
    rows = connection.execute(select(score_history).order_by(score_history.c.replaced_at))
    return [(row.replaced_at, row.score) for row in rows]


def test_a_score_stands_until_another_replaces_it(engine: Engine) -> None:
    with engine.begin() as connection:
        four(connection)
        assert kept(connection) == [(200, 1_000), (300, 9_000), (400, 9_500)]
        found = {at: standings(connection, ["a"], at=at).get("a") for at in (99, 100, 199, 200, 300, 399, 400, 900)}
        told = {at: row and (row["score"], row["group"], row["group_since"]) for at, row in found.items()}
        assert told == {
            99: None, 100: (1_000, "nurture", 100), 199: (1_000, "nurture", 100), 200: (9_000, "priority", 200),
            300: (9_500, "priority", 200), 399: (9_500, "priority", 200), 400: (2_000, "nurture", 400),
            900: (2_000, "nurture", 400),
        }  # fmt: skip
        assert [row["scored_at"] for row in list_former(connection, "a", limit=9)] == [300, 250, 100]


def test_former_states_are_listed_up_to_a_time(engine: Engine) -> None:
    with engine.begin() as connection:
        four(connection)
        assert [row["score"] for row in list_former(connection, "a", limit=2)] == [9_500, 9_000]
        assert [row["score"] for row in list_former(connection, "a", limit=9, before=300)] == [9_000, 1_000]
        crossed = former_of_group(connection, "a", "nurture", before=400)
        assert crossed is not None
        assert (crossed["score"], crossed["parts"]["fit"]) == (9_500, 9_500)
        following = state_after(connection, "a", 200)
        assert following is not None
        assert following["score"] == 9_000
        assert state_after(connection, "a", 400) is None


def test_only_what_differs_is_kept(engine: Engine) -> None:
    with engine.begin() as connection:
        scored(connection, 100, 1_000, "nurture")
        scored(connection, 200, 1_000, "nurture", due_at=7, completeness=3)
        assert kept(connection) == []
        scored(connection, 300, 1_000, "nurture", model="n/r")  # another version that comes to the same
        assert kept(connection) == []
        scored(connection, 400, 1_000, "nurture", model="n/r", intent=1_000)
        scored(connection, 400, 5_000, "nurture", model="n/r")  # of a second, the last counts
        (former,) = list_former(connection, "a", limit=9)
        assert (former["replaced_at"], former["scored_at"], former["model"]) == (400, 300, "n/r")


def test_the_score_of_a_record_that_goes_is_kept(engine: Engine) -> None:
    with engine.begin() as connection:
        scored(connection, 100, 1_000, "nurture")
        keep_removed(connection, ["a", "b"], now=200)
        remove_scores(connection, ["a", "b"])
        assert kept(connection) == [(200, 1_000)]
        assert standings(connection, ["a"], at=150)["a"]["group"] == "nurture"
        assert standings(connection, ["a"], at=200) == {}


def test_old_states_are_forgotten(engine: Engine) -> None:
    with engine.begin() as connection:
        four(connection)
        assert [purge_former(connection, before=400, limit=1) for _ in range(3)] == [1, 1, 0]
        assert kept(connection) == [(400, 9_500)]


def test_a_model_is_noted_when_it_takes_over(engine: Engine) -> None:
    with engine.begin() as connection:
        for now, digest in ((10, "aa1"), (20, "aa1"), (30, "ab2"), (40, "aa1")):
            note_model(connection, digest, name="m", content=f"text {digest}", now=now)
        note_model(connection, "ac3", name="m", content="", now=50)
        assert [digest_at(connection, at) for at in (9, 10, 29, 30, 39, 40, 99)] == [
            None, "aa1", "aa1", "ab2", "ab2", "aa1", "aa1",
        ]  # fmt: skip
        assert [row["digest"] for row in models_like(connection, "a")] == ["aa1", "ab2"]
        assert models_like(connection, "a%") == []
        first = load_model_row(connection, "aa1")
        assert first is not None
        assert (first["content"], first["first_used_at"]) == ("text aa1", 10)
        assert connection.scalar(select(func.count()).select_from(score_history)) == 0
