"""What scores were before they changed.

The present one stands in `scores`. What it replaced is kept when score, parts, group or segment differ, so that a
record which is scored for the first time, or to the same effect, costs nothing here: also when another version of the
model comes to the same. A state names the model and the time by which it was last confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from leadline.core.scoring.model import Part
from leadline.store.database import upsert
from leadline.store.rows import batched
from leadline.store.tables import score_history, scores

_PARTS = tuple(part.value for part in Part if part.value in scores.c)
_TOLD = ("score", "group", *_PARTS)


def keep_former(
    connection: Connection, rows: Iterable[Mapping[str, Any]], before: Mapping[str, Mapping[str, Any]]
) -> None:
    """Keep those of the scores `before`, by uid, that these new rows are about to replace by something else."""
    former = []
    for row in rows:
        old = before.get(row["uid"])
        if old is None or old["scored_at"] >= row["scored_at"]:
            continue  # what held for no second was seen by nobody
        if any(old[name] != row[name] for name in _TOLD) or _segment(old) != _segment(row):
            former.append({**_state(old), "replaced_at": row["scored_at"]})
    if former:
        statement = upsert(connection, score_history).on_conflict_do_nothing(index_elements=["uid", "replaced_at"])
        connection.execute(statement, former)


def keep_removed(connection: Connection, uids: Iterable[str], *, now: int) -> None:
    """Keep the scores of records that are about to lose theirs."""
    for batch in batched(sorted(uids)):
        rows = connection.execute(select(scores).where(scores.c.uid.in_(batch))).mappings()
        former = [{**_state(dict(row)), "replaced_at": now} for row in rows if row["scored_at"] < now]
        if former:
            statement = upsert(connection, score_history).on_conflict_do_nothing(index_elements=["uid", "replaced_at"])
            connection.execute(statement, former)


def _state(row: Mapping[str, Any]) -> dict[str, Any]:
    parts = orjson.dumps({name: row[name] for name in _PARTS}).decode()
    kept = ("uid", "scored_at", "score", "group", "group_since", "crossing", "model")
    return {**{name: row[name] for name in kept}, "segment": _segment(row), "parts": parts}


def _segment(row: Mapping[str, Any]) -> str | None:
    """The segment's id; None outside of all."""
    return row.get("segment") or None


def standings(connection: Connection, uids: Iterable[str], *, at: int) -> dict[str, dict[str, Any]]:
    """The score that each record had at that time, by uid: group, since when, score, model, when it was worked out.

    Left out is who was not scored yet, as far as is kept.
    """
    found: dict[str, dict[str, Any]] = {}
    for batch in batched(uids):
        present = select(scores).where(scores.c.uid.in_(batch))
        found.update((row["uid"], _present(row)) for row in connection.execute(present).mappings())
        former = select(score_history).where(score_history.c.uid.in_(batch), score_history.c.replaced_at > at)
        # The last to be put into its place is the earliest.
        for row in connection.execute(former.order_by(score_history.c.replaced_at.desc())).mappings():
            found[row["uid"]] = _former(row)
    return {uid: row for uid, row in found.items() if row["group_since"] <= at}


def list_former(connection: Connection, uid: str, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """What one record's score was before, the newest first: at most so many states, of those replaced by `before`."""
    query = select(score_history).where(score_history.c.uid == uid)
    if before is not None:
        query = query.where(score_history.c.replaced_at <= before)
    query = query.order_by(score_history.c.replaced_at.desc()).limit(limit)
    return [_former(row) for row in connection.execute(query).mappings()]


def former_of_group(connection: Connection, uid: str, group: str, *, before: int) -> dict[str, Any] | None:
    """The newest kept state of one record that stood in another group, of those replaced by then."""
    query = select(score_history).where(
        score_history.c.uid == uid, score_history.c.group != group, score_history.c.replaced_at <= before
    )
    row = connection.execute(query.order_by(score_history.c.replaced_at.desc()).limit(1)).mappings().first()
    return _former(row) if row else None


def state_after(connection: Connection, uid: str, at: int) -> dict[str, Any] | None:
    """The kept state of one record that began at that time; None when it is the present one."""
    query = select(score_history).where(score_history.c.uid == uid, score_history.c.replaced_at > at)
    row = connection.execute(query.order_by(score_history.c.replaced_at).limit(1)).mappings().first()
    return _former(row) if row else None


def _present(row: Any) -> dict[str, Any]:
    return {**row, "parts": {name: row[name] for name in _PARTS}, "segment": _segment(row), "replaced_at": None}


def _former(row: Any) -> dict[str, Any]:
    return {**row, "parts": orjson.loads(row["parts"])}


def purge_former(connection: Connection, *, before: int, limit: int) -> int:
    """Delete up to so many states that were replaced before that time. Returns how many."""
    table = score_history
    old = select(table.c.uid, table.c.replaced_at).where(table.c.replaced_at < before).limit(limit)
    keys: Sequence[Any] = connection.execute(old).all()
    for key in keys:
        connection.execute(delete(table).where(table.c.uid == key.uid, table.c.replaced_at == key.replaced_at))
    return len(keys)
