"""What is linked to a merged record becomes the survivor's, whichever of the two is read first; on each database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, select
from tests.rows import account, activity, dirty_marks, gone, person, uid_of

from leadline.core.entities import Entity
from leadline.store import tables
from leadline.store.records import Saved, clear_marks, save_rows

A, P, T = Entity.ACCOUNT, Entity.PERSON, Entity.ACTIVITY


def save(engine: Engine, entity: Entity, *rows: dict[str, Any]) -> Saved:
    """Store a page and forget older marks."""
    with engine.begin() as connection:
        clear_marks(connection, dirty_marks(connection))
        return save_rows(connection, entity, rows)


def links(engine: Engine, entity: Entity, *names: str) -> dict[str, tuple[str | None, ...]]:
    """The links of all rows by record id."""
    table = tables.ENTITY_TABLES[entity]
    with engine.begin() as connection:
        rows = connection.execute(select(table)).mappings()
        return {row["source_id"]: tuple(row[name] for name in names) for row in rows}


def test_what_is_stored_follows_a_merge(engine: Engine) -> None:
    winner, loser = uid_of(P, "winner"), uid_of(P, "loser")
    save(engine, P, person("winner"), person("loser"), person("lead", behind="loser"))
    save(engine, T, activity("t", by="loser"), activity("other", by="winner"))

    assert save(engine, P, gone(P, "loser", merged_into=winner)) == Saved(1, 1)

    assert links(engine, T, "person") == {"t": (winner,), "other": (winner,)}
    assert links(engine, P, "contact")["lead"] == (winner,)
    with engine.begin() as connection:
        assert set(dirty_marks(connection)) == {winner, loser, uid_of(P, "lead")}
    assert save(engine, T, activity("t", by="winner")) == Saved(0, 0)  # as the CRM tells it from now on


def test_what_is_read_later_follows_merges_to_the_last_survivor(engine: Engine) -> None:
    save(engine, A, account("a"), account("b"), account("c"))
    save(engine, A, gone(A, "a", merged_into=uid_of(A, "b")))
    save(engine, A, gone(A, "b", merged_into=uid_of(A, "c")))

    save(engine, P, person("p", at="a"))
    save(engine, T, activity("t", at_account="b"))

    assert links(engine, P, "account") == {"p": (uid_of(A, "c"),)}
    assert links(engine, T, "account") == {"t": (uid_of(A, "c"),)}


def test_a_recycle_bin_that_knows_of_no_merge_does_not_undo_it(engine: Engine) -> None:
    save(engine, P, person("winner"), person("loser"))
    merged = gone(P, "loser", merged_into=uid_of(P, "winner"))
    save(engine, P, merged)

    assert save(engine, P, gone(P, "loser")) == Saved(0, 0)
    assert save(engine, P, merged) == Saved(0, 0)
    assert links(engine, P, "merged_into")["loser"] == (uid_of(P, "winner"),)
