"""Writes of fields that have not ended well: what deciding must know of them before it plans more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, select, true, update

from leadline.sdk.records import RecordRef, UpdateFields
from leadline.store.outbox import UNDER_WAY, UPDATE, State, dump_effect, load_effect
from leadline.store.records import batched
from leadline.store.tables import effects


@dataclass(frozen=True, slots=True)
class OpenUpdate:
    """A write of fields that has not ended well yet. `under_way`: the CRM may hold its values already."""

    under_way: bool
    echo: Mapping[str, Any]


def open_updates(
    connection: Connection, targets: Iterable[tuple[str, RecordRef]]
) -> dict[tuple[str, RecordRef], list[OpenUpdate]]:
    """Writes of the fields of these (connection, record) that are planned, refused or under way, oldest first."""
    states = [State.PLANNED, State.REFUSED, *UNDER_WAY]
    found: dict[tuple[str, RecordRef], list[OpenUpdate]] = {}
    for target, row in _updates_of(connection, targets, effects.c.state.in_(states)):
        found.setdefault(target, []).append(OpenUpdate(row.state in UNDER_WAY, orjson.loads(row.echo)))
    return found


def last_updates(
    connection: Connection, targets: Iterable[tuple[str, RecordRef]]
) -> dict[tuple[str, RecordRef], tuple[int, str]]:
    """The number and the subject of the last write planned for the fields of these (connection, record)."""
    found = _updates_of(connection, targets, true())
    return {target: (row.sequence_no, row.subject) for target, row in found}


def waiting_updates(connection: Connection, name: str) -> list[tuple[UpdateFields, Mapping[str, Any]]]:
    """One connection's planned writes of fields that hand a record over to an owner, with their echoes."""
    query = select(effects.c.payload, effects.c.echo).where(
        effects.c.connection == name,
        effects.c.state == State.PLANNED,
        effects.c.kind == UPDATE,
        effects.c.echo.contains('"owner"'),
    )
    found = []
    for row in connection.execute(query.order_by(effects.c.sequence_no)):
        effect = load_effect(UPDATE, row.payload)
        if isinstance(effect, UpdateFields):
            found.append((effect, orjson.loads(row.echo)))
    return found


def amend(connection: Connection, effect: UpdateFields, echo: Mapping[str, Any]) -> None:
    """Change what a planned write will write; nothing left to write drops it."""
    connection.execute(
        update(effects)
        .where(effects.c.key == effect.key, effects.c.state == State.PLANNED)
        .values(
            payload=dump_effect(effect),
            echo=orjson.dumps(echo).decode(),
            state=State.PLANNED if effect.values else State.SUPERSEDED,
        )
    )


def _updates_of(
    connection: Connection, targets: Iterable[tuple[str, RecordRef]], which: ColumnElement[bool]
) -> Iterator[tuple[tuple[str, RecordRef], Any]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for name, target in targets:
        groups.setdefault((name, target.object), []).append(target.id)
    columns = (effects.c.record_id, effects.c.state, effects.c.echo, effects.c.sequence_no, effects.c.subject)
    for (name, kind), ids in groups.items():
        for batch in batched(ids):
            query = select(*columns).where(
                effects.c.connection == name,
                effects.c.object == kind,
                effects.c.record_id.in_(batch),
                effects.c.kind == "update",
                which,
            )
            for row in connection.execute(query.order_by(effects.c.sequence_no)):
                yield (name, RecordRef(kind, row.record_id)), row
