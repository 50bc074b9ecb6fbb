"""Letting go of what ended long ago, without what makes things happen once only.

Kept for ever: the newest write of each record's fields (whose score it shows, and under which number), enrolments
that were made (nobody is enrolled twice), what was refused or is still open, the newest number of the outbox,
and backfills, which say that a connection may start plays.
"""

from __future__ import annotations

from sqlalchemy import Connection, and_, delete, exists, func, or_, select

from leadline.store.outbox import UPDATE, State
from leadline.store.rows import batched
from leadline.store.tables import effects, runs, unmapped

_ENDED = (State.WRITTEN, State.UNCHANGED, State.SUPERSEDED)
_DONE = (State.WRITTEN, State.UNCHANGED)


def purge_effects(connection: Connection, *, before: int, after: int, limit: int) -> tuple[int, int] | None:
    """Delete effects that ended and were planned before that time, of the next `limit` behind the number `after`.

    Returns the last number looked at and how many went; None when there are no more that old.
    """
    old = select(effects.c.sequence_no).where(effects.c.sequence_no > after, effects.c.planned_at < before)
    numbers = connection.scalars(old.order_by(effects.c.sequence_no).limit(limit)).all()
    if not numbers:
        return None
    newer = effects.alias("newer")
    overtaken = exists().where(
        newer.c.connection == effects.c.connection,
        newer.c.object == effects.c.object,
        newer.c.record_id == effects.c.record_id,
        newer.c.kind == UPDATE,
        newer.c.sequence_no > effects.c.sequence_no,
    )
    useless = or_(
        effects.c.kind.not_in([UPDATE, "enrol"]),
        and_(effects.c.kind == UPDATE, overtaken),
        and_(effects.c.kind == "enrol", effects.c.state.not_in(_DONE)),
    )
    newest = select(func.max(effects.c.sequence_no)).scalar_subquery()
    gone = connection.execute(
        delete(effects).where(
            effects.c.sequence_no.between(numbers[0], numbers[-1]),
            effects.c.planned_at < before,
            effects.c.state.in_(_ENDED),
            effects.c.sequence_no < newest,
            useless,
        )
    )
    return numbers[-1], gone.rowcount


def purge_runs(connection: Connection, *, before: int) -> int:
    """Delete runs other than backfills that ended before this moment of the wall clock. Returns how many."""
    return connection.execute(delete(runs).where(runs.c.kind != "backfill", runs.c.finished_at < before)).rowcount


def purge_unmapped(connection: Connection, *, keep: int) -> int:
    """Keep the most frequent unplaced values of each field, so many of them. Returns how many others went."""
    place = func.row_number().over(
        partition_by=(unmapped.c.connection, unmapped.c.object, unmapped.c.field),
        order_by=(unmapped.c.seen.desc(), unmapped.c.value),
    )
    key = (unmapped.c.connection, unmapped.c.object, unmapped.c.field, unmapped.c.value)
    ranked = select(*key, place.label("place")).subquery()
    rare = connection.execute(select(ranked).where(ranked.c.place > keep)).all()
    for batch in batched(rare, 1_000):
        for row in batch:
            these = (unmapped.c.connection == row.connection, unmapped.c.object == row.object)
            connection.execute(
                delete(unmapped).where(*these, unmapped.c.field == row.field, unmapped.c.value == row.value)
            )
    return len(rare)
