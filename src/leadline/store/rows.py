"""Canonical rows as they are stored: read, put into the form of their tables, and hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import Connection, select

from leadline.core.entities import Entity
from leadline.store.tables import ENTITY_TABLES

_BATCH = 5_000  # bound parameters in one IN list; SQLite takes 32,766

# The links of a row whose records must be scored again when the row changes.
LINKS: dict[Entity, tuple[str, ...]] = {
    Entity.ACCOUNT: (),
    Entity.PERSON: ("account", "contact"),
    Entity.ACTIVITY: ("person", "account"),
    Entity.OPPORTUNITY: ("account", "person"),
    Entity.OWNER: (),
}


def batched(items: Iterable[Any], size: int = _BATCH) -> Iterator[list[Any]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def existing_rows(connection: Connection, entity: Entity, uids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The stored rows of these uids, by uid, deleted ones included; locked where the database locks rows."""
    table = ENTITY_TABLES[entity]
    found: dict[str, dict[str, Any]] = {}
    for batch in batched(sorted(uids)):
        # Locked, because the whole row is written back: a change made meanwhile must not be lost.
        query = select(table).where(table.c.uid.in_(batch)).order_by(table.c.uid).with_for_update()
        for row in connection.execute(query).mappings():
            found[row["uid"]] = dict(row)
    return found


def survivors_of(connection: Connection, entity: Entity, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What the records that these rows link to have been merged into, as far as they have."""
    found: dict[str, str] = {}
    asked = {row[link] for row in rows for link in LINKS[entity] if row.get(link)}
    while asked:  # a survivor may have been merged again
        new: dict[str, str] = {}
        for table in (ENTITY_TABLES[Entity.ACCOUNT], ENTITY_TABLES[Entity.PERSON]):
            for batch in batched(sorted(asked)):
                query = select(table.c.uid, table.c.merged_into)
                hits = connection.execute(query.where(table.c.uid.in_(batch), table.c.merged_into.is_not(None)))
                new.update({row.uid: row.merged_into for row in hits})
        found.update(new)
        asked = set(new.values()) - found.keys()
    return found


def led_on(row: Mapping[str, Any], links: Sequence[str], survivors: Mapping[str, str]) -> Mapping[str, Any]:
    """The row with its links led to the survivors."""
    moved = {}
    for link in links:
        uid = row.get(link)
        while uid is not None and uid in survivors:
            uid = survivors[uid]
        if uid != row.get(link):
            moved[link] = uid
    return {**row, **moved} if moved else row


def restored(old: Mapping[str, Any]) -> dict[str, Any]:
    """A stored row as the normalizer would give it, so that a deletion keeps what was known."""
    row = dict(old)
    row["crm"] = orjson.loads(row["crm"])
    for key in ("digest", "row_digest"):
        row.pop(key)
    return row


def prepared(row: Mapping[str, Any], scored: Sequence[str], listed: Sequence[str]) -> dict[str, Any]:
    """The row as its table takes it, with hashes of what is `scored` and of all of it. `listed` fields hold lists."""
    ready = dict(row)
    for name in listed:
        if isinstance(ready[name], (list, tuple)):
            ready[name] = orjson.dumps(list(ready[name])).decode()
    ready["crm"] = orjson.dumps(ready["crm"], option=orjson.OPT_SORT_KEYS).decode()
    looked_at = [ready["deleted"], ready["merged_into"], *(ready[name] for name in scored)]
    ready["digest"] = hashed(looked_at)
    whole = {key: value for key, value in ready.items() if key not in {"read_at", "modified_at", "known_since"}}
    ready["row_digest"] = hashed([whole[key] for key in sorted(whole)])
    return ready


def hashed(values: Sequence[Any]) -> str:
    """24 hexadecimal digits."""
    return hashlib.blake2b(orjson.dumps(values), digest_size=12).hexdigest()
