"""Rotation counts and the run log, the same on each database."""

from __future__ import annotations

from sqlalchemy import Engine

from leadline.store import runs
from leadline.store.rotation import load_given, save_given


def test_a_new_line_up_starts_a_new_count(engine: Engine) -> None:
    with engine.begin() as connection:
        save_given(connection, "crm/default", "l1", {"ann": 3, "bob": 2})
        save_given(connection, "crm/other", "l1", {"ann": 9})
        save_given(connection, "crm/default", "l1", {"ann": 4, "bob": 2})
        assert load_given(connection, "crm/default", "l1") == {"ann": 4, "bob": 2}
        assert load_given(connection, "crm/default", "l2") == {}
        save_given(connection, "crm/default", "l2", {"ann": 1})
        assert load_given(connection, "crm/default", "l2") == {"ann": 1}
        assert load_given(connection, "crm/default", "l1") == {}
        assert load_given(connection, "crm/other", "l1") == {"ann": 9}
        save_given(connection, "crm/default", "l3", {})
        assert load_given(connection, "crm/default", "l2") == {}


def test_the_run_log_tells_how_each_run_ended(engine: Engine) -> None:
    with engine.begin() as connection:
        assert runs.last_run(connection) is None
        runs.begin_run(connection, "b1", "backfill", now=1, wall_clock=100)
        assert not runs.backfilled(connection)
        assert runs.mark_killed(connection) == 1
        runs.begin_run(connection, "b2", "backfill", now=1, wall_clock=200)
        runs.end_run(connection, "b2", {"scored": 3}, wall_clock=210, error="no connection")
        assert not runs.backfilled(connection)
        runs.begin_run(connection, "b3", "backfill", now=1, wall_clock=300)
        runs.end_run(connection, "b3", {"scored": 3}, wall_clock=310, error=None)
        assert runs.backfilled(connection)
        runs.begin_run(connection, "s1", "sync", now=1, wall_clock=400)
        newest, backfill = runs.last_run(connection), runs.last_run(connection, "backfill")
    assert newest is not None
    assert (newest["id"], newest["state"]) == ("s1", "running")
    assert backfill is not None
    assert (backfill["id"], backfill["state"], backfill["counts"]) == ("b3", "done", {"scored": 3})
