"""How many API calls each connection has made on a day (UTC), by whatever process."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from leadline.store.database import upsert
from leadline.store.tables import calls


def add_calls(connection: Connection, name: str, day: int, made: int) -> None:
    """Count calls of a day, in days since 1970; earlier days are forgotten."""
    connection.execute(delete(calls).where(calls.c.connection == name, calls.c.day < day))
    statement = upsert(connection, calls).values(connection=name, day=day, made=made)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["connection", "day"], set_={"made": calls.c.made + statement.excluded.made}
        )
    )


def calls_made(connection: Connection, name: str, day: int) -> int:
    """The calls of a day so far."""
    query = select(calls.c.made).where(calls.c.connection == name, calls.c.day == day)
    return connection.execute(query).scalar() or 0
