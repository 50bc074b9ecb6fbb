"""How many connections to a database a process keeps, and what they hold in memory. 2 seconds."""

from __future__ import annotations

import _sqlite3
import ctypes
import threading

import pytest
from sqlalchemy import Engine, event, func, select

from leadline.store.database import reading, writing
from leadline.store.tables import people


def test_threads_that_write_to_sqlite_take_turns_on_one_connection(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("the database takes many writers")
    taken, done = threading.Event(), threading.Event()

    def write() -> None:
        with writing(engine):
            done.set()

    other = threading.Thread(target=write)
    with writing(engine) as connection:
        connection.execute(select(func.count()).select_from(people))
        event.listen(engine, "checkout", lambda *_: taken.set())
        other.start()
        assert not taken.wait(0.2), "it waits before it takes a connection"
    other.join()

    assert done.is_set()
    assert engine.pool.status().startswith("Pool size: 5  Connections in pool: 1 ")


def test_who_reads_takes_no_connection_of_those_that_write(engine: Engine) -> None:
    with writing(engine), reading(engine).begin() as connection:
        assert connection.execute(select(func.count()).select_from(people)).scalar_one() == 0
    if engine.dialect.name != "sqlite":
        return
    taken: list[object] = []
    event.listen(engine, "checkout", lambda *connection: taken.append(connection))
    with reading(engine).begin() as connection:
        connection.execute(select(func.count()).select_from(people))

    assert taken == []


def test_readers_are_closed_with_the_database(engine: Engine) -> None:
    readers = reading(engine)
    with readers.begin() as connection:
        connection.execute(select(func.count()).select_from(people))
    closed: list[object] = []
    event.listen(readers, "close", lambda *connection: closed.append(connection))
    engine.dispose()

    assert len(closed) == 1


def test_what_statements_keep_is_bounded_however_long_their_lists(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("the server keeps them")
    used = getattr(ctypes.CDLL(_sqlite3.__file__), "sqlite3_memory_used", None)
    if used is None:
        pytest.skip("SQLite is part of this Python and tells nobody")
    used.restype = ctypes.c_int64
    before = used()
    with writing(engine) as connection:
        for length in range(1_900, 2_000):
            names = [f"salesforce/Contact/003000000{number:09}" for number in range(length)]
            connection.execute(select(people.c.uid).where(people.c.uid.in_(names)))

    assert used() - before < 6_000_000
