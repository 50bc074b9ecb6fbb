"""Scoring many records again: what is read of their scores, and how what has changed is put in their place.

Only for records whose group and written values stay: everything else is decided on, one by one (`scores.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, String, Text, and_, bindparam, cast, false, literal, or_, select, update

from leadline.core.scoring.model import Part
from leadline.store.breakdowns import release_breakdowns, save_breakdown
from leadline.store.bulk import among, execute_many, fetch_all
from leadline.store.concerns import MOVED
from leadline.store.database import upsert
from leadline.store.tables import accounts, dirty, people, score_history, scores

if TYPE_CHECKING:
    import polars as pl

STATE = (
    "uid", "cluster", "group", "group_since", "score", "pushed_score", "pushed_at", "due_at", "model", "breakdown",
    "shown",
)  # fmt: skip
_STATE = [scores.c[name] for name in STATE]


def read_states(connection: Connection, uids: Iterable[str]) -> list[tuple[Any, ...]]:
    """The columns of `STATE` of these records."""
    return fetch_all(connection, select(*_STATE).where(among(connection, scores.c.uid, set(uids))))


def read_states_within(connection: Connection, clusters: Iterable[str]) -> list[tuple[Any, ...]]:
    """The columns of `STATE` of everybody who was scored in these clusters."""
    return fetch_all(connection, select(*_STATE).where(among(connection, scores.c.cluster, set(clusters))))


def due_within(connection: Connection, clusters: Sequence[str], *, now: int) -> set[str]:
    """Who of these clusters is due."""
    if not clusters:
        return set()
    # As an expression, so that the database goes by who is due: they are few, the clusters of a full run are not.
    cluster = scores.c.cluster + ""
    between = and_(cluster >= min(clusters), cluster <= max(clusters))
    asked = set(clusters)
    rows = fetch_all(connection, select(scores.c.uid, scores.c.cluster).where(scores.c.due_at <= now, between))
    return {uid for uid, cluster in rows if cluster in asked}


def moved_within(connection: Connection, uids: Iterable[str]) -> set[str]:
    """Those of these accounts and people that have a mark of moving."""
    query = select(dirty.c.uid).where(among(connection, dirty.c.uid, set(uids)), dirty.c.depth == MOVED)
    return {uid for (uid,) in fetch_all(connection, query)}


def unwritten(connection: Connection, uids: Iterable[str], shown: Sequence[tuple[str, str]]) -> set[str]:
    """Those of these accounts and people whose CRM record holds no score of ours, though it should.

    `shown`: connections and objects whose records show one.
    """
    found: set[str] = set()
    asked = set(uids)
    for table in (accounts, people):
        places = [and_(table.c.connection == name, table.c.object == kind) for name, kind in shown]
        told = table.c.crm
        empty = or_(~told.contains('"score":'), told.contains('"score":null'), told.contains('"score":""'))
        query = select(table.c.uid).where(among(connection, table.c.uid, asked), empty, or_(false(), *places))
        found.update(uid for (uid,) in fetch_all(connection, query))
    return found


@dataclass(frozen=True, slots=True)
class Rescored:
    """What a scoring of many records leaves behind.

    `changed`: uid and columns of `scores` that it changes; `same`: uids of those where nothing but the ledger differs;
    `ledger`: the wide ledgers of both. `breakdowns`: how many of them refer to which block until now.
    """

    changed: pl.DataFrame
    same: pl.Series
    ledger: pl.DataFrame
    breakdowns: Mapping[int, int]
    versions: Mapping[str, str]  # by uid where it changes


def save_rescored(connection: Connection, done: Rescored, *, now: int, due: Mapping[str, Sequence[Any]]) -> None:
    """Put scores and ledgers in the place of the former ones; these are kept where they differ.

    `due`: by uid, where that changes: `due_at`, `next_change_at`, `next_group`.
    """
    same = done.same.to_list()
    _keep_former(connection, {*done.changed["uid"].to_list(), *done.versions}, now=now)
    number = save_breakdown(connection, done.ledger, records=len(done.changed) + len(same))
    release_breakdowns(connection, done.breakdowns)
    names = [name for name in done.changed.columns if name != "uid"]
    mine = scores.c.uid == bindparam("of_uid")
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    statement = update(scores).where(mine).values(**values, breakdown=number, scored_at=now)
    execute_many(
        connection, statement, [*(f"new_{name}" for name in names), "of_uid"], done.changed.select(*names, "uid").rows()
    )
    those = among(connection, scores.c.uid, same)
    connection.execute(update(scores).where(those).values(breakdown=number, scored_at=now))
    _set(connection, ("model",), {uid: (version,) for uid, version in done.versions.items()})
    _set(connection, ("due_at", "next_change_at", "next_group"), due)


def _set(connection: Connection, names: Sequence[str], values: Mapping[str, Sequence[Any]]) -> None:
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    statement = update(scores).where(scores.c.uid == bindparam("of_uid")).values(**new)
    rows = [(*of_record, uid) for uid, of_record in values.items()]
    execute_many(connection, statement, [*(f"new_{name}" for name in names), "of_uid"], rows)


_PARTS = tuple(part.value for part in Part if part.value in scores.c)
_KEPT = ("uid", "scored_at", "score", "group", "group_since", "crossing", "model")


def _keep_former(connection: Connection, uids: Collection[str], *, now: int) -> None:
    """What these records' scores are about to replace, as `past_scores.py` keeps it, by the database alone."""
    parts: Any = literal("{")
    for place, name in enumerate(_PARTS):
        parts = parts + literal(f'{"," if place else ""}"{name}":') + cast(scores.c[name], Text)
    segment = scores.c.segment if "segment" in scores.c else literal(None, String)
    columns = [*_KEPT, "parts", "segment", "replaced_at"]
    source = [*(scores.c[name] for name in _KEPT), parts + literal("}"), segment, literal(now)]
    former = select(*source).where(among(connection, scores.c.uid, uids), scores.c.scored_at < now)
    statement = upsert(connection, score_history).from_select(columns, former)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["uid", "replaced_at"]))
