"""How many hand-offs each owner of a pool has been given: the memory of the weighted rotation."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from leadline.store.database import upsert
from leadline.store.tables import rotation


def load_given(connection: Connection, pool: str, lineup: str) -> dict[str, int]:
    """Hand-offs by owner under this line-up; empty when the line-up is new."""
    query = select(rotation.c.owner, rotation.c.given).where(rotation.c.pool == pool, rotation.c.lineup == lineup)
    return {row.owner: row.given for row in connection.execute(query)}


def save_given(connection: Connection, pool: str, lineup: str, given: Mapping[str, int]) -> None:
    """Store the counts; those of an earlier line-up go."""
    connection.execute(delete(rotation).where(rotation.c.pool == pool, rotation.c.lineup != lineup))
    rows = [{"pool": pool, "owner": owner, "lineup": lineup, "given": count} for owner, count in sorted(given.items())]
    if not rows:
        return
    statement = upsert(connection, rotation)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["pool", "owner"],
            set_={c: statement.excluded[c] for c in ("lineup", "given")},
        ),
        rows,
    )
