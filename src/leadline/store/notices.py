"""Records that webhooks have named and that have not been fetched since.

A record is here once however often it is named. Each naming gives it a new stamp, so that handling what
was seen never forgets what came meanwhile.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, case, delete, func, select

from leadline.sdk.records import Notice
from leadline.store.database import upsert
from leadline.store.rows import batched
from leadline.store.tables import notices


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many records wait to be fetched, and since when the oldest does, in seconds UTC."""

    records: int
    since: int | None


def note(connection: Connection, name: str, named: Iterable[Notice], *, now: int) -> int:
    """Remember the records that these notices name. Returns how many there are, each counted once."""
    stamp = uuid.uuid4().hex
    latest: dict[tuple[str, str], int] = {}
    for notice in named:
        key = (notice.object, notice.record_id)
        latest[key] = max(notice.occurred_at, latest.get(key, 0))
    rows = [
        {"connection": name, "object": kind, "record_id": record_id, "stamp": stamp, "occurred_at": at,
         "received_at": now}
        for (kind, record_id), at in sorted(latest.items())
    ]  # fmt: skip
    if not rows:
        return 0
    statement = upsert(connection, notices)
    new = statement.excluded
    later = case((new.occurred_at > notices.c.occurred_at, new.occurred_at), else_=notices.c.occurred_at)
    keys = ["connection", "object", "record_id"]
    connection.execute(
        statement.on_conflict_do_update(index_elements=keys, set_={"stamp": new.stamp, "occurred_at": later}), rows
    )
    return len(rows)


def noticed_objects(connection: Connection, name: str) -> list[str]:
    """The objects of one connection of which records wait."""
    query = select(notices.c.object).where(notices.c.connection == name).distinct()
    return sorted(connection.scalars(query))


def pending(connection: Connection, name: str, object: str, *, after: str, limit: int) -> dict[str, str]:
    """Records of one object that wait, with their stamps, in the order of their ids from the one behind `after`."""
    query = (
        select(notices.c.record_id, notices.c.stamp)
        .where(notices.c.connection == name, notices.c.object == object, notices.c.record_id > after)
        .order_by(notices.c.record_id)
        .limit(limit)
    )
    return {row.record_id: row.stamp for row in connection.execute(query)}


def settle(connection: Connection, name: str, object: str, seen: Mapping[str, str]) -> set[str]:
    """Forget these records where their stamps are still those. Returns the ones forgotten.

    The others were named again, or another worker has fetched them: what was fetched here is too old.
    """
    done: set[str] = set()
    for batch in batched(sorted(seen)):
        ours = (notices.c.connection == name, notices.c.object == object, notices.c.record_id.in_(batch))
        # Locked in the order in which they are noted, or a webhook and a worker could wait for each other.
        query = select(notices.c.record_id, notices.c.stamp).where(*ours).order_by(notices.c.record_id)
        rows = connection.execute(query.with_for_update())
        same = [row.record_id for row in rows if row.stamp == seen[row.record_id]]
        connection.execute(delete(notices).where(*ours, notices.c.record_id.in_(same)))
        done.update(same)
    return done


def forget_others(connection: Connection, name: str, *, keep: Collection[str]) -> int:
    """Forget the records of objects that the mapping does not read any more. Returns how many."""
    gone = delete(notices).where(notices.c.connection == name, notices.c.object.not_in(list(keep)))
    return connection.execute(gone).rowcount


def count_waiting(connection: Connection, name: str | None = None) -> Waiting:
    """What waits, of one connection or all."""
    query = select(func.count(), func.min(notices.c.received_at))
    if name is not None:
        query = query.where(notices.c.connection == name)
    records, since = connection.execute(query).one()
    return Waiting(records, since)
