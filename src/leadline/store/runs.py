"""The run log.

State of a run: `running` from its first statement; `done` when every stage ended; `failed` with the
error when one did not; a run found `running` whose process is gone was `killed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select, update

from leadline.store.leases import holder_name, is_gone
from leadline.store.tables import runs


def begin_run(connection: Connection, run_id: str, kind: str, *, now: int, wall_clock: int) -> None:
    """Note that a run has begun."""
    connection.execute(
        insert(runs).values(
            id=run_id,
            kind=kind,
            state="running",
            holder=holder_name(),
            now=now,
            started_at=wall_clock,
            counts="{}",
        )
    )


def mark_killed(connection: Connection) -> int:
    """Note which runs were left `running` by a process of this machine that is gone. Returns how many."""
    running = connection.execute(select(runs.c.id, runs.c.holder).where(runs.c.state == "running"))
    killed = [row.id for row in running if is_gone(row.holder)]
    connection.execute(update(runs).where(runs.c.id.in_(killed)).values(state="killed"))
    return len(killed)


def end_run(
    connection: Connection, run_id: str, counts: Mapping[str, Any], *, wall_clock: int, error: str | None
) -> None:
    """Note how a run ended."""
    connection.execute(
        update(runs)
        .where(runs.c.id == run_id)
        .values(
            state="failed" if error else "done",
            finished_at=wall_clock,
            counts=orjson.dumps(dict(counts)).decode(),
            error=error,
        )
    )


def forget_done(connection: Connection, kind: str, *, before: int) -> None:
    """Take runs of one kind out of the log that ended well before this moment of the wall clock."""
    connection.execute(delete(runs).where(runs.c.kind == kind, runs.c.state == "done", runs.c.finished_at < before))


def last_run(connection: Connection, kind: str | None = None) -> dict[str, Any] | None:
    """The newest run, with its counts as a dict."""
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(1)
    if kind:
        query = query.where(runs.c.kind == kind)
    row = connection.execute(query).mappings().first()
    return {**row, "counts": orjson.loads(row["counts"])} if row else None


def last_ended(connection: Connection, kind: str) -> dict[str, Any] | None:
    """The newest run of a kind that has ended, however it did."""
    query = select(runs).where(runs.c.kind == kind, runs.c.state != "running").order_by(runs.c.started_at.desc())
    row = connection.execute(query.limit(1)).mappings().first()
    return dict(row) if row else None


def backfilled(connection: Connection) -> set[str]:
    """The connections that a finished backfill has read."""
    done = select(runs.c.counts).where(runs.c.kind == "backfill", runs.c.state == "done")
    return {place.partition("/")[0] for counts in connection.scalars(done) for place in orjson.loads(counts)["read"]}
