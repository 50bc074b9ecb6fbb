"""Canonical rows, dirty marks and read cursors: what one page of a pull leaves behind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Table, case, delete, func, select

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.store.concerns import MOVED, accounts_that_name, concerns, living_people
from leadline.store.database import upsert
from leadline.store.dossiers import drop_dossiers
from leadline.store.facts import places_of
from leadline.store.rows import LINKS, batched, existing_rows, hashed, led_on, prepared, restored, survivors_of
from leadline.store.tables import ENTITY_TABLES, cursors, dirty, unmapped
from leadline.store.versions import keep_versions

_INDEX_LAG = 900
"""Seconds within which an older state of a record is taken for one that a search index still shows."""

_ITSELF_SCORED = frozenset({Entity.ACCOUNT, Entity.PERSON})


@dataclass(frozen=True, slots=True)
class Saved:
    """What storing a page did: rows that were new or different, and rows that scoring must look at again."""

    stored: int
    news: int


def save_rows(connection: Connection, entity: Entity, rows: Sequence[Mapping[str, Any]]) -> Saved:
    """Store normalized rows of one object and mark what they concern.

    A row equal to the stored one is left alone; a row that differs only in what Leadline itself
    writes is stored and is not news. Links to a record that was merged lead to the survivor: not
    every CRM tells of the rows whose links a merge has moved. A row that is older than what was read
    a moment ago is left out: a search index may show yesterday's record after it was read by id.
    """
    table = ENTITY_TABLES[entity]
    # A page may hold a record twice: the later one counts. Sorted, so that two processes lock in one order.
    latest = dict(sorted({row["uid"]: row for row in rows}.items()))
    before = existing_rows(connection, entity, latest)
    survivors = survivors_of(connection, entity, latest.values())
    scored = tuple(field.name for field in FIELDS[entity] if field.scored)
    listed = tuple(field.name for field in FIELDS[entity] if field.kind is Kind.LIST)
    stored: list[dict[str, Any]] = []
    marks: dict[str, int] = {}
    came_or_went: set[str] = set()
    known = living_people(connection, [*latest.values(), *before.values()]) if entity is Entity.ACTIVITY else set()
    news = 0
    for uid, row in latest.items():
        old = before.get(uid)
        if (row["deleted"] and old is None) or _behind(row, old):
            continue
        kept = _gone(old, row) if old and row["deleted"] else led_on(row, LINKS[entity], survivors)
        ready = prepared(kept, scored, listed)
        if old is not None and old["row_digest"] == ready["row_digest"]:
            continue
        stored.append(ready)
        if old is None or old["digest"] != ready["digest"]:
            news += 1
            for concerned, depth in concerns(entity, ready, old, known=known):
                marks[concerned] = max(depth, marks.get(concerned, depth))
            if entity is Entity.PERSON and (old is None or old["deleted"] != ready["deleted"]):
                came_or_went.add(uid)
    if stored:
        keep_versions(connection, entity, stored, before)
        _store(connection, table, stored)
    merged = {row["uid"]: row["merged_into"] for row in stored if row["merged_into"]}
    if merged:
        moved = _hand_over(connection, merged, at=max(row["read_at"] for row in stored))
        marks.update(dict.fromkeys(moved, MOVED))
    marks.update(dict.fromkeys(accounts_that_name(connection, came_or_went), MOVED))
    mark_dirty(connection, marks, "changed")
    return Saved(len(stored), news)


def _behind(row: Mapping[str, Any], old: Mapping[str, Any] | None) -> bool:
    """Whether this is an older state of the record than the stored one, which was read lately."""
    if old is None or row["deleted"] or old["deleted"] or row["modified_at"] >= old["modified_at"]:
        return False
    # Not for ever: a CRM that was set back to a backup is right, however old its records are.
    return bool(row["read_at"] - old["read_at"] < _INDEX_LAG)


def _hand_over(connection: Connection, merged: Mapping[str, str], *, at: int) -> set[str]:
    """Let what links to a merged record link to its survivor. Returns people whose links have moved."""
    moved: set[str] = set()
    for entity, links in LINKS.items():
        table = ENTITY_TABLES[entity]
        uids = {
            uid
            for link in links
            for batch in batched(sorted(merged))
            for uid in connection.scalars(select(table.c.uid).where(table.c[link].in_(batch)))
        }
        scored = tuple(field.name for field in FIELDS[entity] if field.scored)
        before = existing_rows(connection, entity, uids)
        rows = [prepared(led_on(restored(row), links, merged), scored, ()) for row in before.values()]
        if rows:
            keep_versions(connection, entity, rows, before, at=at)
            _store(connection, table, rows)
        if entity in _ITSELF_SCORED:
            moved |= uids
    return moved


def _gone(old: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The stored row, deleted. A CRM's recycle bin may tell of a merged record without saying that it was merged."""
    known = {key: row[key] for key in ("uid", "modified_at", "read_at", "deleted")}
    return {**restored(old), **known, "merged_into": row["merged_into"] or old["merged_into"]}


def mark_dirty(connection: Connection, uids: Iterable[str], reason: str) -> None:
    """Note that these accounts and people must be scored again. A mapping gives the depth of each, else it is MOVED."""
    depths = uids if isinstance(uids, Mapping) else dict.fromkeys(uids, MOVED)
    rows = [{"uid": uid, "mark": 1, "reason": reason, "depth": depth} for uid, depth in sorted(depths.items())]
    if not rows:
        return
    statement = upsert(connection, dirty)
    given = statement.excluded
    deeper = case((given.depth > dirty.c.depth, given.depth), else_=dirty.c.depth)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["uid"],
            set_={"mark": dirty.c.mark + 1, "reason": given.reason, "depth": deeper},
        ),
        rows,
    )


def clear_marks(connection: Connection, marks: Mapping[str, int]) -> None:
    """Clear the marks that were seen; a mark made meanwhile has a higher number and stays."""
    by_mark: dict[int, list[str]] = {}
    for uid, mark in marks.items():
        by_mark.setdefault(mark, []).append(uid)
    for batch in batched(sorted(marks)):
        # Locked in the order in which marks are made, or two processes could wait for each other.
        connection.execute(select(dirty.c.uid).where(dirty.c.uid.in_(batch)).order_by(dirty.c.uid).with_for_update())
    for mark, uids in by_mark.items():
        for batch in batched(uids):
            connection.execute(delete(dirty).where(dirty.c.uid.in_(batch), dirty.c.mark == mark))


@dataclass(frozen=True, slots=True)
class StoredCursor:
    """Where a read of one object stands. `records` counts the rows handed over since it began."""

    position: Mapping[str, Any]
    request_digest: str
    complete: bool
    records: int


def load_cursor(connection: Connection, name: str, object: str) -> StoredCursor | None:
    """The cursor of an object, None when it was never read."""
    row = connection.execute(select(cursors).where(cursors.c.connection == name, cursors.c.object == object)).first()
    if row is None:
        return None
    return StoredCursor(orjson.loads(row.position), row.request_digest, row.complete, row.records)


def save_cursor(connection: Connection, name: str, object: str, cursor: StoredCursor, *, now: int) -> None:
    """Store a cursor; call it in the transaction that stores the page."""
    statement = upsert(connection, cursors).values(
        connection=name,
        object=object,
        position=orjson.dumps(cursor.position).decode(),
        request_digest=cursor.request_digest,
        complete=cursor.complete,
        records=cursor.records,
        updated_at=now,
    )
    fields = ("position", "request_digest", "complete", "records", "updated_at")
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["connection", "object"],
            set_={name: statement.excluded[name] for name in fields},
        )
    )


def reading_digest(connection: Connection, name: str) -> str:
    """Hash of how the records of a connection came to be: read by which mapping, and each object to its end or not."""
    query = (
        select(cursors.c.object, cursors.c.request_digest, cursors.c.complete)
        .where(cursors.c.connection == name)
        .order_by(cursors.c.object)
    )
    # With the name: connections whose mappings are alike today need not have been so when a record was scored.
    return hashed([name, *(list(row) for row in connection.execute(query))])


def forget_objects(connection: Connection, name: str, *, keep: Collection[str]) -> None:
    """Take what was read of objects that the mapping names no more for deleted, and mark what it concerns."""
    read = connection.scalars(select(cursors.c.object).where(cursors.c.connection == name)).all()
    for former in sorted(set(read) - set(keep)):
        for entity, table in ENTITY_TABLES.items():
            ours = (table.c.connection == name, table.c.object == former, table.c.deleted.is_(False))
            gone = [dict(row) for row in connection.execute(select(table).where(*ours)).mappings()]
            save_rows(connection, entity, [{**row, "deleted": True} for row in gone])
        connection.execute(delete(cursors).where(cursors.c.connection == name, cursors.c.object == former))


def save_unmapped(connection: Connection, name: str, object: str, seen: Mapping[tuple[str, str], int]) -> None:
    """Count values that no transform or value map could place."""
    rows = [
        {"connection": name, "object": object, "field": field, "value": value[:500], "seen": count}
        for (field, value), count in sorted(seen.items())
    ]
    if not rows:
        return
    statement = upsert(connection, unmapped)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["connection", "object", "field", "value"],
            set_={"seen": unmapped.c.seen + statement.excluded.seen},
        ),
        rows,
    )


def list_unmapped(connection: Connection, *, name: str | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """The most frequent unplaced values, of one connection or all."""
    query = select(unmapped).order_by(unmapped.c.seen.desc(), unmapped.c.value).limit(limit)
    if name:
        query = query.where(unmapped.c.connection == name)
    return [dict(row) for row in connection.execute(query).mappings()]


def count_entities(connection: Connection) -> dict[str, int]:
    """Live rows by table name."""
    return {
        table.name: connection.execute(
            select(func.count()).select_from(table).where(table.c.deleted.is_(False))
        ).scalar_one()
        for table in ENTITY_TABLES.values()
    }


def find_record(connection: Connection, words: str, *, deleted: bool = False) -> list[tuple[Entity, str]]:
    """Accounts and people that a person may mean: by uid, CRM id, external id, e-mail, domain or name."""
    found: list[tuple[Entity, str]] = []
    for entity in (Entity.ACCOUNT, Entity.PERSON):
        table = ENTITY_TABLES[entity]
        exact = ["uid", "source_id", "external_id", "domain" if entity is Entity.ACCOUNT else "email"]
        hits = select(table.c.uid).where(table.c.deleted.is_(deleted)).order_by(table.c.uid)
        for column in exact:
            found += [(entity, uid) for uid in connection.scalars(hits.where(table.c[column] == words))]
        if not found:
            same_name = hits.where(func.lower(table.c.name) == words.lower()).limit(20)
            found += [(entity, uid) for uid in connection.scalars(same_name)]
    return list(dict.fromkeys(found))


def apply_echoes(connection: Connection, entity: Entity, changes: Mapping[str, Mapping[str, Any]], *, now: int) -> None:
    """Set on our copy what was written to the CRM at `now`, so that reading it back is not news.

    `changes` maps a uid to canonical columns, and under `crm` to the values of write-back fields.
    """
    if not changes:
        return
    scored = tuple(field.name for field in FIELDS[entity] if field.scored)
    ready = []
    before = existing_rows(connection, entity, changes)
    for uid, row in before.items():
        changed = restored(row)
        changed.update({key: value for key, value in changes[uid].items() if key != "crm"})
        changed["crm"] = {**changed["crm"], **changes[uid].get("crm", {})}
        ready.append(prepared(changed, scored, ()))
    if ready:
        keep_versions(connection, entity, ready, before, at=now)
        _store(connection, ENTITY_TABLES[entity], ready)
    # No mark tells of a fact that we have written ourselves, so what is kept of it must go.
    facts = {row["uid"] for row in ready if row["digest"] != before[row["uid"]]["digest"]}
    homes = {place.cluster for place in places_of(connection, facts).values()} if entity is Entity.PERSON else facts
    drop_dossiers(connection, homes)


def _store(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    statement = upsert(connection, table)
    columns = {c.name: statement.excluded[c.name] for c in table.c if c.name != "uid"}
    connection.execute(statement.on_conflict_do_update(index_elements=["uid"], set_=columns), list(rows))
