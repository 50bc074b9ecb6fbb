"""Canonical rows as the normalizer gives them, for tests that start at the store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from leadline.core.entities import FIELDS, Entity, uid
from leadline.store.tables import dirty

NAME = "crm"
OBJECTS = {
    Entity.ACCOUNT: "Account",
    Entity.PERSON: "Contact",
    Entity.ACTIVITY: "Task",
    Entity.OPPORTUNITY: "Deal",
    Entity.OWNER: "User",
}


def uid_of(entity: Entity, record_id: str) -> str:
    """The uid of a test record."""
    return uid(NAME, OBJECTS[entity], record_id)


def row(entity: Entity, record_id: str, /, *, crm: Mapping[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    """A live record; fields that are not given are unknown. `modified_at` and `read_at` may be given too."""
    return {
        "uid": uid_of(entity, record_id),
        "connection": NAME,
        "object": OBJECTS[entity],
        "source_id": record_id,
        "modified_at": 1,
        "read_at": 1,
        "deleted": False,
        "merged_into": None,
        **{field.name: None for field in FIELDS[entity]},
        "crm": dict(crm or {}),
        **values,
    }


def gone(entity: Entity, record_id: str, *, merged_into: str | None = None) -> dict[str, Any]:
    """A deleted record, as the normalizer gives it: without any field."""
    kept = row(entity, record_id, deleted=True, merged_into=merged_into)
    names = ("uid", "connection", "object", "source_id", "modified_at", "read_at", "deleted", "merged_into")
    return {name: kept[name] for name in names}


def account(record_id: str, **values: Any) -> dict[str, Any]:
    """An account."""
    return row(Entity.ACCOUNT, record_id, **values)


def person(record_id: str, *, at: str | None = None, behind: str | None = None, **values: Any) -> dict[str, Any]:
    """A person, `at` an account and with the contact `behind` them, by record id."""
    links: dict[str, Any] = {
        "account": uid_of(Entity.ACCOUNT, at) if at else None,
        "contact": uid_of(Entity.PERSON, behind) if behind else None,
    }
    return row(Entity.PERSON, record_id, **links, **values)


def activity(record_id: str, *, by: str | None = None, at_account: str | None = None, **values: Any) -> dict[str, Any]:
    """An activity `by` a person, of an account."""
    links = {
        "person": uid_of(Entity.PERSON, by) if by else None,
        "account": uid_of(Entity.ACCOUNT, at_account) if at_account else None,
    }
    return row(Entity.ACTIVITY, record_id, **{"kind": "pricing_page_view", "at": 100, **links, **values})


def dirty_marks(connection: Connection) -> dict[str, int]:
    """Every marked uid with the number of its mark."""
    return {row.uid: row.mark for row in connection.execute(select(dirty.c.uid, dirty.c.mark))}
