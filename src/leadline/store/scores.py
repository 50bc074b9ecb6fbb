"""Scores, their ledgers, and what was last planned for the CRM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, case, delete, func, select

from leadline.store.breakdowns import release_ledgers, save_breakdown
from leadline.store.database import upsert
from leadline.store.rows import batched
from leadline.store.tables import accounts, effects, people, pushes, scores

if TYPE_CHECKING:
    import polars as pl

SHOWN = "shown"
"""The column of a hash of a record's scores; missing where nobody has worked it out."""


def save_scores(
    connection: Connection, rows: Sequence[Mapping[str, Any]], ledger: pl.DataFrame | Sequence[Mapping[str, Any]]
) -> None:
    """Replace the scores of these records. `ledger` holds the whole ledger of each of them, as a frame or as rows.

    Rows are those of `scores`; with `pushed`, the last values planned for the CRM, where these are others now.
    """
    if not rows:
        return
    release_ledgers(connection, [row["uid"] for row in rows])
    number = save_breakdown(connection, ledger, records=len(rows)) if len(ledger) else None
    told = [{"uid": row["uid"], "pushed": row["pushed"]} for row in rows if row.get("pushed") is not None]
    if told:
        pushing = upsert(connection, pushes)
        given = {"pushed": pushing.excluded["pushed"]}
        connection.execute(pushing.on_conflict_do_update(index_elements=["uid"], set_=given), told)
    ready = [{SHOWN: None, **row, "breakdown": number} for row in rows]
    for row in ready:
        row.pop("pushed", None)
    statement = upsert(connection, scores)
    columns = {c.name: statement.excluded[c.name] for c in scores.c if c.name != "uid"}
    connection.execute(statement.on_conflict_do_update(index_elements=["uid"], set_=columns), ready)


def remove_scores(connection: Connection, uids: Iterable[str]) -> None:
    """Forget records that are gone from the CRM or no longer stand for a person of their own."""
    for batch in batched(sorted(uids)):
        release_ledgers(connection, batch)
        for table in (scores, pushes):
            connection.execute(delete(table).where(table.c.uid.in_(batch)))


def load_score(connection: Connection, uid: str) -> dict[str, Any] | None:
    """One subject's score row, with what the CRM was told."""
    return load_scores(connection, [uid]).get(uid)


def load_scores(connection: Connection, uids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The same of many, by uid."""
    found: dict[str, dict[str, Any]] = {}
    query = select(scores, pushes.c.pushed).outerjoin(pushes, pushes.c.uid == scores.c.uid)
    for batch in batched(uids):
        rows = connection.execute(query.where(scores.c.uid.in_(batch))).mappings()
        found.update((row["uid"], dict(row)) for row in rows)
    return found


def count_scores(connection: Connection) -> int:
    """How many records have a score."""
    return connection.execute(select(func.count()).select_from(scores)).scalar_one()


def count_groups(connection: Connection, entity: str) -> dict[str, int]:
    """Subjects per group."""
    query = select(scores.c.group, func.count()).where(scores.c.entity == entity).group_by(scores.c.group)
    return {row[0]: row[1] for row in connection.execute(query)}


def list_queue(
    connection: Connection,
    ranks: Mapping[str, int],
    *,
    owners: Sequence[str] | None,
    limit: int,
    connections: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Records that are decided on (accounts, and people without one), best group and score first.

    `ranks` gives each group its place; a group that is missing there is left out. `owners` are uids;
    of `connections`, every one unless given.
    """
    if not ranks:
        return []
    place = case(dict(ranks), value=scores.c.group)
    found: list[dict[str, Any]] = []
    for table in (accounts, people):
        query = (
            select(scores, table.c.name, table.c.owner, table.c.connection, table.c.object, table.c.source_id)
            .join(table, table.c.uid == scores.c.uid)
            .where(scores.c.cluster == scores.c.uid, scores.c.group.in_(list(ranks)))
        )
        if owners is not None:
            query = query.where(table.c.owner.in_(owners))
        if connections is not None:
            query = query.where(table.c.connection.in_(connections))
        query = query.order_by(place, scores.c.score.desc(), scores.c.uid).limit(limit)
        found += [dict(row) for row in connection.execute(query).mappings()]
    found.sort(key=lambda row: (ranks[row["group"]], -row["score"], row["uid"]))
    return found[:limit]


def list_subject_effects(connection: Connection, uid: str) -> list[dict[str, Any]]:
    """What was done about one subject, newest first."""
    query = select(effects).where(effects.c.subject == uid).order_by(effects.c.sequence_no.desc())
    return [dict(row) for row in connection.execute(query).mappings()]
