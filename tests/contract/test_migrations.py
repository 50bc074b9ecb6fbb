"""The migrations lead to the schema that the code speaks of, whoever runs them and however many at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DatabaseError

import leadline.store
from leadline.sdk.errors import ConfigError
from leadline.store.database import HEAD, open_engine
from leadline.store.tables import metadata

if TYPE_CHECKING:
    from tests.databases import NewDatabase


def test_the_newest_migration_is_the_one_that_the_code_names() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(leadline.store.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_the_migrations_make_exactly_the_tables_of_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        found = inspect(connection)
        for table in metadata.sorted_tables:
            wanted = {index.name: [column.name for column in index.columns] for index in table.indexes}
            assert {line["name"]: line["column_names"] for line in found.get_indexes(table.name)} == wanted
            keys = found.get_pk_constraint(table.name)["constrained_columns"]
            assert keys == [column.name for column in table.primary_key]


OPEN = """
import sys
from pathlib import Path
from leadline.store.database import open_engine
print("ready", flush=True)
sys.stdin.readline()
open_engine(sys.argv[1], folder=Path(sys.argv[2])).dispose()
"""


def test_workers_that_start_together_migrate_once(new_database: NewDatabase, tmp_path: Path) -> None:
    url = new_database(empty=True)
    command = [sys.executable, "-c", OPEN, url, str(tmp_path)]
    workers = [subprocess.Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) for _ in range(3)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    ended = [(worker.communicate()[1], worker.returncode) for worker in workers]
    assert ended == [("", 0)] * 3
    engine = open_engine(url, folder=tmp_path)
    assert inspect(engine).has_table("effects")
    engine.dispose()


def test_a_file_that_somebody_is_making_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself refuses at once to begin a write-ahead log meanwhile."""
    path = tmp_path / "new.db"
    maker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    maker.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.3, maker.rollback).start()
    open_engine(f"sqlite:///{path}?timeout=0.01", folder=tmp_path).dispose()
    maker.close()


def test_migrations_that_end_half_way_leave_the_database_as_it_was(new_database: NewDatabase, tmp_path: Path) -> None:
    """All of them are one transaction, on SQLite too; the next start begins anew."""
    url = new_database(empty=True)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE pushes (in_the_way INTEGER)"))  # a late migration makes this one
    with pytest.raises(ConfigError, match="pushes"):
        open_engine(url, folder=tmp_path)
    assert inspect(engine).get_table_names() == ["pushes"]
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE pushes"))
    engine.dispose()
    opened = open_engine(url, folder=tmp_path)
    assert inspect(opened).has_table("effects")
    opened.dispose()


def test_a_database_of_a_newer_version_is_left_alone(new_database: NewDatabase, tmp_path: Path) -> None:
    url = new_database()
    engine = open_engine(url, folder=tmp_path)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(ConfigError, match="newer Leadline"):
        open_engine(url, folder=tmp_path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("no address", "is not a database address"),
        ("mysql://host/name", "'mysql' is not supported"),
        ("sqlite:///no/such/folder/x.db", "cannot be opened"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", "cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_opened_says_so_without_its_password(tmp_path: Path, url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        open_engine(url, folder=tmp_path)
    assert "secret" not in str(caught.value)


def test_a_relative_path_is_below_the_project(tmp_path: Path) -> None:
    open_engine("sqlite:///here.db", folder=tmp_path).dispose()
    assert (tmp_path / "here.db").exists()


def test_an_error_of_the_database_shows_no_values_of_rows(engine: Engine) -> None:
    """They are people's, and such an error ends in logs, tracebacks and the health endpoint."""
    with pytest.raises(DatabaseError) as caught, engine.begin() as connection:
        connection.execute(text("INSERT INTO no_such_table VALUES (:email)"), {"email": "ann@acme.example"})
    assert "no_such_table" in str(caught.value)
    assert "ann@acme.example" not in str(caught.value)
