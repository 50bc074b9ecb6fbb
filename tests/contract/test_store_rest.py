"""Rotation counts and the run log, the same on each database."""

from __future__ import annotations

from sqlalchemy import Engine, select, update

from leadline.store import runs, tables
from leadline.store.leases import holder_name
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
    read = {"crm/Account": 3, "crm/Contact": 0, "other/companies": 0}
    with engine.begin() as connection:
        assert runs.last_run(connection) is None
        runs.begin_run(connection, "b2", "backfill", now=1, wall_clock=200)
        runs.end_run(connection, "b2", {"read": read}, wall_clock=210, error="no connection")
        assert runs.backfilled(connection) == set()
        runs.begin_run(connection, "b3", "backfill", now=1, wall_clock=300)
        runs.end_run(connection, "b3", {"read": read}, wall_clock=310, error=None)
        assert runs.backfilled(connection) == {"crm", "other"}
        runs.begin_run(connection, "s1", "sync", now=1, wall_clock=400)
        newest, backfill = runs.last_run(connection), runs.last_run(connection, "backfill")
    assert newest is not None
    assert (newest["id"], newest["state"]) == ("s1", "running")
    assert backfill is not None
    assert (backfill["id"], backfill["state"], backfill["counts"]) == ("b3", "done", {"read": read})


def test_a_run_whose_process_is_gone_was_killed(engine: Engine) -> None:
    machine, pid, began, mark = holder_name().split(":")
    with engine.begin() as connection:
        for run_id in ("alive", "dead", "elsewhere"):
            runs.begin_run(connection, run_id, "sync", now=1, wall_clock=1)
        holders = {"dead": f"{machine}:{pid}:{int(began) - 1}:{mark}", "elsewhere": f"other:{pid}:1:{mark}"}
        for run_id, holder in holders.items():
            connection.execute(update(tables.runs).where(tables.runs.c.id == run_id).values(holder=holder))
        assert runs.mark_killed(connection) == 1
        rows = connection.execute(select(tables.runs.c.id, tables.runs.c.state)).all()
    assert {row.id: row.state for row in rows} == {"alive": "running", "dead": "killed", "elsewhere": "running"}
