"""What is stored beside what the CRM shows now: differences, for the proof that nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.store.rows import LINKS, batched, existing_rows, led_on, prepared, restored, survivors_of
from leadline.store.tables import ENTITY_TABLES

# Columns that say nothing of the record.
_OF_READING = frozenset({"read_at", "modified_at", "known_since", "digest", "row_digest"})
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Difference:
    """How a stored row differs from what the CRM shows. `modified_at` is the CRM's stamp of what it shows.

    `missing`: it is not stored as living; `gone`: it is, and the CRM has it no more; otherwise `columns` differ.
    `damaged`: the stored row is not what was once stored, so that no reading again would notice. `drifted`: only links
    differ, and the CRM has not given the record a new stamp, as some do not when associations change.
    """

    modified_at: int
    missing: bool = False
    gone: bool = False
    columns: tuple[str, ...] = ()
    damaged: bool = False
    drifted: bool = False


def compare_rows(connection: Connection, entity: Entity, rows: Sequence[Mapping[str, Any]]) -> dict[str, Difference]:
    """By uid, how what is stored differs from these normalized rows; rows that are equal are left out."""
    latest = {row["uid"]: row for row in rows}
    before = existing_rows(connection, entity, latest)
    survivors = survivors_of(connection, entity, latest.values())
    scored = tuple(field.name for field in FIELDS[entity] if field.scored)
    listed = tuple(field.name for field in FIELDS[entity] if field.kind is Kind.LIST)
    links = {field.name for field in FIELDS[entity] if field.kind is Kind.LINK}
    found: dict[str, Difference] = {}
    for uid, row in latest.items():
        old, at = before.get(uid), row["modified_at"]
        if old is None or old["deleted"]:
            if not row["deleted"]:
                found[uid] = Difference(at, missing=True)
            continue
        damaged = prepared(restored(old), scored, ())["row_digest"] != old["row_digest"]
        if row["deleted"]:
            found[uid] = Difference(at, gone=True, damaged=damaged)
            continue
        now = prepared(led_on(row, LINKS[entity], survivors), scored, listed)
        columns = tuple(name for name in now if name not in _OF_READING and now[name] != old[name])
        if columns or damaged:
            drifted = not damaged and set(columns) <= links and old["modified_at"] == at
            found[uid] = Difference(at, columns=columns, damaged=damaged, drifted=drifted)
    return found


def distrust(connection: Connection, entity: Entity, uids: Iterable[str]) -> None:
    """Let the next reading of these rows be news, whatever is stored."""
    table = ENTITY_TABLES[entity]
    for batch in batched(sorted(uids)):
        connection.execute(update(table).where(table.c.uid.in_(batch)).values(digest="", row_digest=""))


def living_ids(connection: Connection, entity: Entity, name: str, object: str) -> Iterator[str]:
    """CRM ids of the living rows of one object, in order. Does not hold them all."""
    table = ENTITY_TABLES[entity]
    ours = (table.c.connection == name, table.c.object == object, table.c.deleted.is_(False))
    query = select(table.c.source_id).where(*ours).order_by(table.c.uid)
    yield from connection.execution_options(yield_per=_AT_ONCE).scalars(query)


def count_living(connection: Connection, entity: Entity, name: str, object: str) -> int:
    """How many rows of one object are living."""
    table = ENTITY_TABLES[entity]
    ours = (table.c.connection == name, table.c.object == object, table.c.deleted.is_(False))
    return connection.execute(select(func.count()).select_from(table).where(*ours)).scalar_one()


def which_live(connection: Connection, entity: Entity, uids: Iterable[str]) -> set[str]:
    """Those of the uids whose rows are living."""
    table = ENTITY_TABLES[entity]
    found: set[str] = set()
    for batch in batched(sorted(uids)):
        found.update(connection.scalars(select(table.c.uid).where(table.c.uid.in_(batch), table.c.deleted.is_(False))))
    return found
