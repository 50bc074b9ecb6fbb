"""Scoring many records again: what is read of their scores, and how what has changed is put in their place.

Only for records whose group and written values stay: everything else is decided on, one by one (`scores.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    false,
    literal,
    null,
    or_,
    select,
    update,
)

from leadline.core.scoring.model import Part
from leadline.store.breakdowns import release_breakdowns, save_breakdown
from leadline.store.bulk import among, execute_many, fetch_all, fetch_frame, within
from leadline.store.concerns import MOVED
from leadline.store.database import upsert
from leadline.store.tables import accounts, dirty, people, score_history, scores

if TYPE_CHECKING:
    import polars as pl

_READ = (
    "uid", "cluster", "group", "group_since", "pushed_score", "pushed_at", "due_at", "breakdown", "shown",
)  # fmt: skip


def read_states(connection: Connection, uids: Iterable[str], versions: Mapping[str, str]) -> pl.DataFrame:
    """What is stored of these records' scores: columns of `scores` that a new scoring is compared with.

    `current`: whether the present version has scored the record; `versions` gives that of each connection.
    """
    return _states(connection, among(connection, scores.c.uid, dict.fromkeys(uids)), versions)


def read_states_within(connection: Connection, clusters: Iterable[str], versions: Mapping[str, str]) -> pl.DataFrame:
    """The same of everybody who was scored in these clusters."""
    return _states(connection, among(connection, scores.c.cluster, dict.fromkeys(clusters)), versions)


def _states(connection: Connection, those: ColumnElement[bool], versions: Mapping[str, str]) -> pl.DataFrame:
    import polars as pl

    # A number for each version instead of its name, which is long.
    number = {version: place for place, version in enumerate(sorted(set(versions.values())))}
    version = case(number, value=scores.c.model) if number else null()
    schema = {name: pl.String() if name in {"uid", "cluster", "group"} else pl.Int64() for name in _READ}
    columns = [*(scores.c[name] for name in _READ), version.label("version")]
    found = fetch_frame(connection, select(*columns).where(those), {**schema, "version": pl.Int64()})
    current = pl.lit(value=False)
    for name, mine in versions.items():
        current |= pl.col("uid").str.starts_with(f"{name}/") & (pl.col("version") == number[mine])
    return found.with_columns(current.fill_null(value=False).alias("current")).drop("version")


def clusters_scored(connection: Connection, uids: Iterable[str]) -> dict[str, str]:
    """In which cluster each of these records was scored, as far as they were."""
    query = select(scores.c.uid, scores.c.cluster).where(among(connection, scores.c.uid, dict.fromkeys(uids)))
    return dict(fetch_all(connection, query))


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
    query = select(dirty.c.uid).where(among(connection, dirty.c.uid, dict.fromkeys(uids)), dirty.c.depth == MOVED)
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
class Among:
    """Records: all that were scored in these clusters, which is told in few words, and these by themselves."""

    clusters: Collection[str] = ()
    uids: Collection[str] = ()

    def conditions(self, connection: Connection) -> list[ColumnElement[bool]]:
        """Which scores are theirs; none twice."""
        pairs = ((scores.c.cluster, self.clusters), (scores.c.uid, self.uids))
        return [among(connection, column, words) for column, words in pairs if words]


@dataclass(frozen=True, slots=True)
class Rescored:
    """What a scoring of many records leaves behind.

    `changed`: uid and columns of `scores` that it changes, where more than the ledger differs; `ledger`: the
    wide ledgers of all. All are either `current`, or `outdated`: another version than the present one scored them
    before. `breakdowns`: how many of them refer to which block until now. `versions`: the present ones by connection.
    """

    changed: pl.DataFrame
    ledger: pl.DataFrame
    current: Among
    outdated: Among
    breakdowns: Mapping[int, int]
    versions: Mapping[str, str]


def save_rescored(connection: Connection, done: Rescored, *, now: int, due: Mapping[str, Sequence[Any]]) -> None:
    """Put scores and ledgers in the place of the former ones; these are kept where they differ.

    `due`: by uid, where that changes: `due_at`, `next_change_at`, `next_group`.
    """
    _keep_former(connection, done.changed["uid"].to_list(), now=now)
    number = save_breakdown(connection, done.ledger, records=len(done.ledger))
    release_breakdowns(connection, done.breakdowns)
    confirmed = update(scores).values(breakdown=number, scored_at=now)
    for those in done.current.conditions(connection):
        connection.execute(confirmed.where(those))
    for those in done.outdated.conditions(connection):
        for name, version in done.versions.items():
            connection.execute(confirmed.values(model=version).where(those, within(scores.c.uid, [name])))
    names = [name for name in done.changed.columns if name != "uid"]
    _set(connection, names, done.changed.select(*names, "uid").rows())
    _set(connection, ("due_at", "next_change_at", "next_group"), [(*of_record, uid) for uid, of_record in due.items()])


def _set(connection: Connection, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """`rows`: values of these columns, and the uid."""
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    statement = update(scores).where(scores.c.uid == bindparam("of_uid")).values(**new)
    execute_many(connection, statement, [*(f"new_{name}" for name in names), "of_uid"], rows)


_PARTS = tuple(part.value for part in Part if part.value in scores.c)
_KEPT = ("uid", "scored_at", "score", "group", "group_since", "crossing", "model")


def _keep_former(connection: Connection, uids: Iterable[str], *, now: int) -> None:
    """What is about to be replaced of these scores, as `past_scores.py` keeps it, by the database alone."""
    parts: Any = literal("{")
    for place, name in enumerate(_PARTS):
        parts = parts + literal(f'{"," if place else ""}"{name}":') + cast(scores.c[name], Text)
    segment = scores.c.segment if "segment" in scores.c else literal(None, String)
    columns = [*_KEPT, "parts", "segment", "replaced_at"]
    source = [*(scores.c[name] for name in _KEPT), parts + literal("}"), segment, literal(now)]
    former = select(*source).where(among(connection, scores.c.uid, dict.fromkeys(uids)), scores.c.scored_at < now)
    statement = upsert(connection, score_history).from_select(columns, former)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["uid", "replaced_at"]))
