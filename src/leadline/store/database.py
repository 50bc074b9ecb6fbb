"""Opening the database: SQLite with a write-ahead log, or PostgreSQL; migrated to the newest schema."""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, Table, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, ProgrammingError

from leadline.sdk.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from sqlalchemy import Connection

HEAD = "0012"  # newest migration; tests compare it with migrations/versions
_MIGRATION_LOCK = 0x1EAD11AE
# How a transaction begins, and the most kilobytes of pages that a connection keeps. The first for those that may
# write: one that reads first and writes later could otherwise fail at the write.
_SQLITE = {"IMMEDIATE": 16_384, "DEFERRED": 4_096}
_STATEMENTS = 16
"""Prepared statements that a SQLite connection keeps, with the values bound to them: one with a list of 2,000 names
takes some 200 kB, and each length of a list is a statement of its own. The usual 128 save no CPU of a backfill."""
_MAKING = 5  # seconds that others are given for making a database
_one_thread = threading.Lock()  # Alembic's context is a global


def open_engine(url: str, *, folder: Path) -> Engine:
    """An engine whose schema is the newest. Relative SQLite paths are below `folder`.

    Raises ConfigError when the database cannot be reached or is newer than this program.
    """
    engine = _create(url, folder)
    with contextlib.ExitStack() as stack:
        stack.callback(engine.dispose)
        try:
            _migrate(engine)
        except DatabaseError as error:  # OperationalError, and that of a file which is no database
            raise ConfigError(
                f"the database {_shown(engine)} cannot be opened: {error.orig}",
                place="database",
                fix=_opening_fix(engine),
            ) from error
        stack.pop_all()  # all is well: the caller closes it
    return engine


def _opening_fix(engine: Engine) -> str:
    name = engine.url.database
    if engine.dialect.name == "sqlite" and name and not Path(name).parent.is_dir():
        return f"There is no folder {Path(name).parent}: make it, or correct `database` in leadline.yaml."
    return "Check `database` in leadline.yaml, and that this user may write there."


def _create(url: str, folder: Path) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            "is not a database address",
            place="database",
            fix="Write sqlite:///leadline.db or postgresql+psycopg://user@host/name.",
        ) from error
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "postgresql":
        return _postgresql(parsed)
    if parsed.get_backend_name() != "sqlite":
        raise ConfigError(
            f"{parsed.get_backend_name()!r} is not supported",
            place="database",
            fix="Use sqlite or postgresql.",
        )
    if parsed.database and parsed.database != ":memory:":
        parsed = parsed.set(database=str(folder / parsed.database))
    return _sqlite(parsed)


def _postgresql(url: Any) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)  # rows hold people
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "PostgreSQL needs the package psycopg", fix="pip install 'leadline[postgres]'"
        ) from error


def _sqlite(url: Any) -> Engine:
    engine, readers = (_sqlite_engine(url, begin, kilobytes) for begin, kilobytes in _SQLITE.items())
    # Threads that write wait for each other before they take a connection, so that all use the same one: each
    # connection has a page cache of its own, which what another writes makes worthless.
    engine.update_execution_options(turn=threading.Lock(), readers=readers)
    event.listen(engine, "engine_disposed", lambda _: readers.dispose())
    return engine


def _sqlite_engine(url: Any, begin: str, kilobytes: int) -> Engine:
    # How long, in seconds, a statement waits for another process; the address may say ?timeout=.
    waits = {} if "timeout" in url.query else {"timeout": 60}
    engine = create_engine(
        url,
        connect_args={"cached_statements": _STATEMENTS, **waits},
        pool_use_lifo=True,  # the connection used last is used next
        hide_parameters=True,  # rows hold people
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        _write_ahead(connection)
        # An intent that a power cut could take back would let a write happen twice.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA cache_size=-{kilobytes}")
        # SQLite's own knows the letters of ASCII only.
        connection.create_function("lower", 1, _lower, deterministic=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {begin}")

    return engine


def _write_ahead(connection: Any) -> None:
    """Ask for a write-ahead log. Who does so while another process makes the file is refused without any waiting."""
    ask = functools.partial(connection.execute, "PRAGMA journal_mode=WAL")
    try:
        ask()
    except sqlite3.OperationalError as error:
        if not _is_busy(error):
            raise
        from tenacity import Retrying, retry_if_exception, stop_after_delay
        from tenacity.wait import wait_random

        patient = Retrying(
            retry=retry_if_exception(_is_busy),
            wait=wait_random(0.01, 0.1),
            stop=stop_after_delay(_MAKING),
            reraise=True,
        )
        patient(ask)


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY


def impatient(engine: Engine, seconds: float) -> Engine:
    """Another engine on the same database, whose transactions wait so long for others and then raise.

    For callers that have to answer in time: SQLAlchemy's OperationalError or TimeoutError. Dispose of it.
    """
    url = engine.url
    if engine.dialect.name == "sqlite":
        return _sqlite(url.update_query_dict({"timeout": str(seconds)}))
    limit = round(seconds * 1_000)
    waits = {
        "connect_timeout": max(round(seconds), 2),  # less is none, says libpq
        "options": f"-c lock_timeout={limit} -c statement_timeout={limit}",
    }
    return create_engine(url, pool_pre_ping=True, hide_parameters=True, pool_timeout=seconds, connect_args=waits)


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that may write. On SQLite the threads of a process take turns."""
    with engine.get_execution_options().get("turn") or contextlib.nullcontext(), engine.begin() as connection:
        yield connection


def reading(engine: Engine) -> Engine:
    """The engine for transactions that only read: they wait for nobody. It ends with the other."""
    readers: Engine = engine.get_execution_options().get("readers", engine)
    return readers


def _migrate(engine: Engine) -> None:
    if _version(engine) == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with _one_thread, engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Workers that start together: one migrates, the others wait and find it done.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigError(
                f"the database {_shown(engine)} was made by a newer Leadline ({error})",
                place="database",
                fix="Upgrade Leadline, or name another database.",
            ) from error


def _version(engine: Engine) -> str | None:
    with reading(engine).begin() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        try:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        except ProgrammingError:
            return None


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def upsert(connection: Connection, table: Table) -> Any:
    """The dialect's INSERT that knows ON CONFLICT; both dialects spell it alike."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
