"""What scoring looked at in a row before a read changed it, so that an earlier moment can be scored again.

A new row costs nothing here: the time from which its values are known stands in the row itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, delete, func, select

from leadline.core.entities import FIELDS, Entity
from leadline.store.database import upsert
from leadline.store.rows import batched
from leadline.store.tables import ENTITY_TABLES, versions

KEPT = frozenset({Entity.ACCOUNT, Entity.PERSON, Entity.ACTIVITY})
"""Whose versions are kept: what a score is made of."""

_SCORED = {entity: tuple(field.name for field in FIELDS[entity] if field.scored) for entity in KEPT}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time to look back to, in seconds.

    By default facts are those of that time, and activities all that are known today to have happened until
    then: what came late, was edited or deleted corrects the past. `as_known`: nothing that was learned later.
    """

    at: int
    as_known: bool = False


def keep_versions(
    connection: Connection,
    entity: Entity,
    rows: list[dict[str, Any]],
    before: Mapping[str, Mapping[str, Any]],
    *,
    at: int | None = None,
) -> None:
    """Date rows that are about to be stored, and keep what scoring looked at in those of `before` that they change.

    `at` is when the change was learned of; each row's own `read_at` unless given.
    """
    former: list[dict[str, Any]] = []
    for row in rows:
        old = before.get(row["uid"])
        learned = row["read_at"] if at is None else at
        row["known_since"] = learned
        if old is None or entity not in KEPT:
            continue
        since = _since(old)
        if old["deleted"] == row["deleted"] and all(old[name] == row[name] for name in _SCORED[entity]):
            row["known_since"] = since
        elif since < learned:  # what held for no second was seen by nobody
            former.append(_version(entity, old, since, learned))
    if former:
        statement = upsert(connection, versions).on_conflict_do_nothing(index_elements=["uid", "replaced_at"])
        connection.execute(statement, former)


def _version(entity: Entity, old: Mapping[str, Any], since: int, replaced_at: int) -> dict[str, Any]:
    return {
        "uid": old["uid"],
        "replaced_at": replaced_at,
        "entity": str(entity),
        "known_since": since,
        "deleted": old["deleted"],
        "account": old.get("account"),
        "person": old["contact"] if entity is Entity.PERSON else old.get("person"),
        "content": orjson.dumps({name: old[name] for name in _SCORED[entity]}).decode(),
    }


def _since(row: Mapping[str, Any]) -> int:
    """From when on a stored row's values are known."""
    since = row["known_since"]
    return int(row["read_at"] if since is None else since)


def linked_then(connection: Connection, entity: Entity, column: str, uids: Iterable[str], *, at: int) -> set[str]:
    """Rows that may have linked to these at that time, and have changed since. `column`: account, or person."""
    found: set[str] = set()
    for batch in batched(sorted(uids)):
        query = select(versions.c.uid).where(
            versions.c[column].in_(batch), versions.c.entity == str(entity), versions.c.replaced_at > at
        )
        found.update(connection.scalars(query))
    return found


@dataclass(frozen=True, slots=True)
class Then:
    """Living rows as they were, and those of them that were read later only: their first known values stand there."""

    rows: dict[str, dict[str, Any]]
    assumed: frozenset[str]


def rows_then(connection: Connection, entity: Entity, wanted: Sequence[ColumnElement[bool]], moment: Moment) -> Then:
    """The rows of today that fulfil the conditions, by uid, as they were at the moment; those gone by then left out.

    Without `as_known`, a record that its CRM says was created later is left out, too.
    """
    table = ENTITY_TABLES[entity]
    today = {row["uid"]: dict(row) for row in connection.execute(select(table).where(*wanted)).mappings()}
    former = _versions_at(connection, today, moment.at)
    rows: dict[str, dict[str, Any]] = {}
    assumed: set[str] = set()
    for uid, row in today.items():
        version = former.get(uid)
        since = version["known_since"] if version else _since(row)
        if since > moment.at and moment.as_known:
            continue
        if not moment.as_known and (row.get("created_at") or 0) > moment.at:
            continue
        then = {**row, "deleted": version["deleted"], **orjson.loads(version["content"])} if version else row
        if then["deleted"]:
            continue
        rows[uid] = then
        if since > moment.at:
            assumed.add(uid)
    return Then(rows, frozenset(assumed))


def _versions_at(connection: Connection, uids: Iterable[str], at: int) -> dict[str, dict[str, Any]]:
    """The version of each row that a later read replaced first after that time."""
    found: dict[str, dict[str, Any]] = {}
    for batch in batched(uids):
        query = select(versions).where(versions.c.uid.in_(batch), versions.c.replaced_at > at)
        # The last to be put into its place is the earliest.
        for row in connection.execute(query.order_by(versions.c.replaced_at.desc())).mappings():
            found[row["uid"]] = dict(row)
    return found


def purge_versions(connection: Connection, *, before: int, limit: int) -> int:
    """Delete up to so many versions that were replaced before that time. Returns how many."""
    old = select(versions.c.uid, versions.c.replaced_at).where(versions.c.replaced_at < before).limit(limit)
    keys = connection.execute(old).all()
    for key in keys:
        connection.execute(delete(versions).where(versions.c.uid == key.uid, versions.c.replaced_at == key.replaced_at))
    return len(keys)


def count_versions(connection: Connection) -> int:
    """How many versions are kept."""
    return connection.execute(select(func.count()).select_from(versions)).scalar_one()
