"""What webhooks have named, the same on each database."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from leadline.sdk.records import Notice
from leadline.store import notices, runs, tables
from leadline.store.database import impatient
from leadline.store.notices import Waiting


def note(engine: Engine, *named: tuple[str, str, int], name: str = "crm", now: int = 100) -> int:
    with engine.begin() as connection:
        return notices.note(connection, name, [Notice(*each) for each in named], now=now)


def pending(engine: Engine, object: str = "contacts", *, after: str = "", limit: int = 100) -> dict[str, str]:
    with engine.begin() as connection:
        return notices.pending(connection, "crm", object, after=after, limit=limit)


def settle(engine: Engine, seen: dict[str, str]) -> set[str]:
    with engine.begin() as connection:
        return notices.settle(connection, "crm", "contacts", seen)


def waiting(engine: Engine) -> Waiting:
    with engine.begin() as connection:
        return notices.count_waiting(connection)


def test_a_record_waits_once_however_often_and_in_whatever_order_it_is_named(engine: Engine) -> None:
    assert note(engine, ("contacts", "1", 50), ("contacts", "2", 0), ("contacts", "1", 70)) == 2
    note(engine, ("contacts", "1", 60), now=200)

    with engine.begin() as connection:
        rows = connection.execute(select(tables.notices).order_by(tables.notices.c.record_id)).all()
    assert [(row.record_id, row.occurred_at, row.received_at) for row in rows] == [("1", 70, 100), ("2", 0, 100)]
    assert waiting(engine) == Waiting(2, 100)


def test_they_are_walked_in_the_order_of_ids_by_connection_and_object(engine: Engine) -> None:
    ids = ["1A", "1a", "2", "B", "a", "b", "é"]  # by their bytes, whatever the database's language
    note(engine, *[("contacts", each, 0) for each in reversed(ids)], ("deals", "11", 0))
    note(engine, ("contacts", "15", 0), name="other")

    first = pending(engine, limit=4)
    second = pending(engine, after=max(first), limit=4)
    with engine.begin() as connection:
        objects = notices.noticed_objects(connection, "crm")

    assert [*first, *second] == ids
    assert objects == ["contacts", "deals"]


def test_what_is_named_again_while_it_is_handled_waits_on(engine: Engine) -> None:
    note(engine, ("contacts", "1", 0), ("contacts", "2", 0))
    seen = pending(engine)
    note(engine, ("contacts", "2", 0))

    assert settle(engine, seen) == {"1"}
    assert list(pending(engine)) == ["2"]


def test_what_another_worker_handled_is_not_taken_for_handled_here_even_when_it_is_named_again(engine: Engine) -> None:
    note(engine, ("contacts", "1", 0), ("contacts", "2", 0))
    slow = pending(engine)
    settle(engine, pending(engine))
    note(engine, ("contacts", "2", 0))

    assert settle(engine, slow) == set()
    assert list(pending(engine)) == ["2"]


def test_more_than_one_statement_holds_are_settled(engine: Engine) -> None:
    note(engine, *[("contacts", f"{number:05}", 0) for number in range(5_100)])

    assert len(settle(engine, pending(engine, limit=6_000))) == 5_100
    assert waiting(engine) == Waiting(0, None)


def test_objects_that_are_not_read_any_more_are_forgotten(engine: Engine) -> None:
    note(engine, ("contacts", "1", 0), ("tickets", "1", 0), ("tickets", "2", 0))
    note(engine, ("tickets", "1", 0), name="other")

    with engine.begin() as connection:
        gone = notices.forget_others(connection, "crm", keep=["contacts"])
        left = notices.count_waiting(connection, "other").records

    assert (gone, left, list(pending(engine))) == (2, 1, ["1"])


def test_webhooks_and_a_worker_do_not_wait_for_each_other_in_a_circle(engine: Engine) -> None:
    """Some note and some settle the same records, named in different orders; a deadlock would raise."""
    ids = [f"{number:03}" for number in range(60)]

    def noting(named: Sequence[str]) -> None:
        for _ in range(5):
            note(engine, *[("contacts", each, 0) for each in named])

    def settling(_named: Sequence[str]) -> None:
        for _ in range(5):
            settle(engine, dict(reversed(pending(engine).items())))

    with ThreadPoolExecutor(4) as threads:
        under_way = [threads.submit(do, named) for do in (noting, settling) for named in (ids, ids[::-1])]
    assert [future.exception() for future in under_way] == [None] * 4


def test_whoever_has_to_answer_in_time_is_told_that_the_database_is_busy(engine: Engine) -> None:
    note(engine, ("contacts", "1", 0))
    hasty = impatient(engine, 0.1)
    with engine.begin() as other:
        notices.note(other, "crm", [Notice("contacts", "1")], now=1)
        with pytest.raises(OperationalError):
            note(hasty, ("contacts", "1", 0))

    assert note(hasty, ("contacts", "1", 0)) == 1
    hasty.dispose()


def test_runs_of_a_kind_that_went_well_leave_the_log_after_a_while(engine: Engine) -> None:
    with engine.begin() as connection:
        for run_id, kind, error in (("a", "webhook", None), ("b", "webhook", "no"), ("c", "sync", None)):
            runs.begin_run(connection, run_id, kind, now=1, wall_clock=1)
            runs.end_run(connection, run_id, {}, wall_clock=50, error=error)
        runs.forget_done(connection, "webhook", before=50)
        assert len(connection.execute(select(tables.runs)).all()) == 3
        runs.forget_done(connection, "webhook", before=51)
        assert sorted(row.id for row in connection.execute(select(tables.runs))) == ["b", "c"]
