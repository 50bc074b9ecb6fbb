"""Which mappings have been compared with their CRM and found to fit, so that not every run asks again."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from leadline.store.database import upsert
from leadline.store.tables import mapping_checks


def load_check(connection: Connection, name: str) -> str | None:
    """The digest of the mapping that was last found to fit the CRM of connection `name`."""
    return connection.execute(
        select(mapping_checks.c.digest).where(mapping_checks.c.connection == name)
    ).scalar_one_or_none()


def save_check(connection: Connection, name: str, digest: str, *, now: int) -> None:
    """Note that the mapping with this digest fits."""
    statement = upsert(connection, mapping_checks).values(connection=name, digest=digest, checked_at=now)
    changed = {column: statement.excluded[column] for column in ("digest", "checked_at")}
    connection.execute(statement.on_conflict_do_update(index_elements=["connection"], set_=changed))


def forget_check(connection: Connection, name: str) -> None:
    """Have the mapping of connection `name` compared again before the next run."""
    connection.execute(delete(mapping_checks).where(mapping_checks.c.connection == name))
