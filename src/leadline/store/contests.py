"""Fields of CRM records that something else keeps changing back, and those that are left alone because of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update

from leadline.core.decisions.contests import Contest
from leadline.store.database import upsert
from leadline.store.rows import batched
from leadline.store.tables import contests


def load_contests(connection: Connection, uids: Iterable[str]) -> dict[str, dict[str, Contest]]:
    """The contests of these records, by uid and output."""
    found: dict[str, dict[str, Contest]] = {}
    for batch in batched(uids):
        for row in connection.execute(select(contests).where(contests.c.uid.in_(batch))):
            contest = Contest(row.reversals, row.frozen, row.ours, row.theirs)
            found.setdefault(row.uid, {})[row.output] = contest
    return found


def save_contests(connection: Connection, found: Mapping[str, Mapping[str, Contest]], *, now: int) -> None:
    """Replace the contests of these records."""
    for batch in batched(sorted(found)):
        connection.execute(delete(contests).where(contests.c.uid.in_(batch)))
    rows = [
        {
            "uid": uid,
            "output": output,
            "reversals": contest.reversals,
            "frozen": contest.frozen,
            "ours": contest.ours,
            "theirs": contest.theirs,
            "seen_at": now,
        }
        for uid, of_record in sorted(found.items())
        for output, contest in sorted(of_record.items())
    ]
    if rows:
        connection.execute(upsert(connection, contests), rows)


def list_frozen(connection: Connection, *, name: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Frozen fields, the latest first, of one connection or all."""
    query = select(contests).where(contests.c.frozen).order_by(contests.c.seen_at.desc(), contests.c.uid).limit(limit)
    if name:
        query = query.where(contests.c.uid.startswith(f"{name}/", autoescape=True))
    return [dict(row) for row in connection.execute(query).mappings()]


def count_frozen(connection: Connection, name: str) -> dict[str, int]:
    """Records with a frozen field, by output, of one connection."""
    query = (
        select(contests.c.output, func.count())
        .where(contests.c.frozen, contests.c.uid.startswith(f"{name}/", autoescape=True))
        .group_by(contests.c.output)
        .order_by(contests.c.output)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def unfreeze(connection: Connection, uids: Sequence[str] | None) -> list[str]:
    """Count anew for the frozen fields of these records, or of all: they are due a write. Returns whose they were."""
    which = contests.c.frozen if uids is None else and_(contests.c.frozen, contests.c.uid.in_(uids))
    found = sorted(set(connection.scalars(select(contests.c.uid).where(which))))
    connection.execute(update(contests).where(which).values(frozen=False, reversals=0))
    return found
