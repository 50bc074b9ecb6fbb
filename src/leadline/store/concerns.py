"""Whom a changed row concerns, and how deeply: that decides how much scoring must read again.

A mark is about one of three things, the deeper one winning where several come together:

- DRIFTED: nothing of the record itself. It is due, another version scored it, or its people have changed.
- CHANGED: the record's own facts, or what it has done. Its part of a dossier is read again.
- MOVED: who belongs to whom. The dossiers of its cluster are made anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, select

from leadline.core.entities import Entity
from leadline.store.rows import LINKS, batched
from leadline.store.tables import activities, people

DRIFTED, CHANGED, MOVED = 0, 1, 2

_ITSELF_SCORED = frozenset({Entity.ACCOUNT, Entity.PERSON})
_PLACE = ("deleted", "merged_into", "account", "contact")
"""Columns of accounts and people that say whether and where a record counts."""


def concerns(
    entity: Entity, new: Mapping[str, Any], old: Mapping[str, Any] | None, *, known: Collection[str]
) -> Iterator[tuple[str, int]]:
    """Each record that a row concerns, with the depth. `known`: which people of activities there are."""
    moved = old is None or any(old.get(name) != new.get(name) for name in _PLACE)
    if entity in _ITSELF_SCORED:
        yield str(new["uid"]), MOVED if moved else CHANGED
    for row in (new, old or {}):
        for link in LINKS[entity]:
            if row.get(link):
                yield str(row[link]), _depth(entity, link, row, moved=moved, known=known)
    if new["merged_into"]:
        yield str(new["merged_into"]), MOVED


def _depth(entity: Entity, link: str, row: Mapping[str, Any], *, moved: bool, known: Collection[str]) -> int:
    if entity is Entity.ACTIVITY:
        if link == "person":
            return CHANGED
        # What nobody is known to have done is the account's own.
        return DRIFTED if row.get("person") in known else MOVED
    return MOVED if entity is Entity.PERSON and moved else DRIFTED


def living_people(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Those people of activities that are there."""
    asked = {row["person"] for row in rows if row.get("person")}
    found: set[str] = set()
    for batch in batched(sorted(asked)):
        found.update(
            connection.scalars(select(people.c.uid).where(people.c.uid.in_(batch), people.c.deleted.is_(False)))
        )
    return found


def accounts_that_name(connection: Connection, uids: Iterable[str]) -> set[str]:
    """Accounts in the activities of people who came or went: their own events become somebody's, or nobody's."""
    found: set[str] = set()
    for batch in batched(sorted(uids)):
        query = select(activities.c.account).where(activities.c.person.in_(batch), activities.c.account.is_not(None))
        found.update(connection.scalars(query.distinct()))
    return found
