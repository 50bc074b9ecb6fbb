"""Writes of fields that have not ended well: what deciding must know of them before it plans more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from leadline.sdk.records import CreateTask, Effect, Enrol, RecordRef, UpdateFields
from leadline.store.outbox import UNDER_WAY, UPDATE, State, dump_effect, load_effect
from leadline.store.rows import batched
from leadline.store.tables import effects

_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class OpenUpdate:
    """A write of fields that has not ended well yet. `under_way`: the CRM may hold its values already."""

    under_way: bool
    echo: Mapping[str, Any]


def open_updates(
    connection: Connection, targets: Iterable[tuple[str, RecordRef]]
) -> dict[tuple[str, RecordRef], list[OpenUpdate]]:
    """Writes of the fields of these (connection, record) that are planned, refused or under way, oldest first."""
    found: dict[tuple[str, RecordRef], list[OpenUpdate]] = {}
    for name, kind, ids in _by_object(targets):
        query = select(effects.c.record_id, effects.c.state, effects.c.echo).where(
            effects.c.connection == name,
            effects.c.object == kind,
            effects.c.record_id.in_(ids),
            effects.c.kind == UPDATE,
            effects.c.state.in_([State.PLANNED, State.REFUSED, *UNDER_WAY]),
        )
        for row in connection.execute(query.order_by(effects.c.sequence_no)):
            update = OpenUpdate(row.state in UNDER_WAY, orjson.loads(row.echo))
            found.setdefault((name, RecordRef(kind, row.record_id)), []).append(update)
    return found


def last_updates(
    connection: Connection, targets: Iterable[tuple[str, RecordRef]]
) -> dict[tuple[str, RecordRef], tuple[int, str]]:
    """The number and the subject of the last write planned for the fields of these (connection, record)."""
    found: dict[tuple[str, RecordRef], tuple[int, str]] = {}
    for name, kind, ids in _by_object(targets):
        of_these = and_(effects.c.connection == name, effects.c.object == kind, effects.c.record_id.in_(ids))
        newest = select(func.max(effects.c.sequence_no)).where(of_these, effects.c.kind == UPDATE)
        numbers = newest.group_by(effects.c.record_id)
        columns = (effects.c.record_id, effects.c.sequence_no, effects.c.subject)
        for row in connection.execute(select(*columns).where(effects.c.sequence_no.in_(numbers))):
            found[name, RecordRef(kind, row.record_id)] = (row.sequence_no, row.subject)
    return found


def waiting_hand_overs(connection: Connection, name: str) -> Iterator[tuple[UpdateFields, Mapping[str, Any]]]:
    """One connection's planned writes of fields that hand a record over to an owner, with their echoes."""
    for row in _planned(connection, name, effects.c.kind == UPDATE, effects.c.echo.contains('"owner"')):
        effect = load_effect(UPDATE, row.payload)
        if isinstance(effect, UpdateFields):
            yield effect, orjson.loads(row.echo)


def waiting_work(connection: Connection, name: str) -> Iterator[tuple[str, CreateTask | Enrol]]:
    """One connection's planned tasks and enrolments, each with the subject whose decision caused it."""
    for row in _planned(connection, name, effects.c.kind.in_(["task", "enrol"])):
        effect = load_effect(row.kind, row.payload)
        if isinstance(effect, CreateTask | Enrol):
            yield row.subject, effect


def _planned(connection: Connection, name: str, *which: ColumnElement[bool]) -> Iterator[Any]:
    """Planned effects in the order of planning, a page at a time: an outage may leave very many."""
    query = select(effects).where(effects.c.connection == name, effects.c.state == State.PLANNED, *which)
    last = 0
    while rows := connection.execute(
        query.where(effects.c.sequence_no > last).order_by(effects.c.sequence_no).limit(_PAGE)
    ).all():
        yield from rows
        last = rows[-1].sequence_no


def amend(connection: Connection, effect: Effect, echo: Mapping[str, Any], *, drop: bool = False) -> None:
    """Change what a planned effect will do, or `drop` it."""
    connection.execute(
        update(effects)
        .where(effects.c.key == effect.key, effects.c.state == State.PLANNED)
        .values(
            payload=dump_effect(effect),
            echo=orjson.dumps(echo).decode(),
            state=State.SUPERSEDED if drop else State.PLANNED,
        )
    )


def _by_object(targets: Iterable[tuple[str, RecordRef]]) -> Iterator[tuple[str, str, list[str]]]:
    """Connection, object and some thousand ids at a time."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, target in targets:
        groups.setdefault((name, target.object), []).append(target.id)
    for (name, kind), ids in groups.items():
        for batch in batched(ids):
            yield name, kind, batch
