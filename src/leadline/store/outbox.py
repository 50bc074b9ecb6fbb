"""The outbox: every effect on a CRM from plan to outcome.

State of an effect, with each way in and out:

    planned     in:  deciding planned it; `outbox retry` of a refused one; a read-back that shows
                     that it was never applied; a call that certainly changed nothing
                out: sending (claimed by the holder of the write lease), superseded
    sending     in:  claimed, committed before the call is made
                out: written, unchanged, refused, unknown (the call's answer, or that there was none);
                     unknown when a new holder of the lease finds it left behind
    unknown     in:  the call may or may not have taken effect
                out: written, planned, or unknown still (reading back)
    written     in:  the CRM confirmed it, or reading back shows it. Final.
    unchanged   in:  the CRM held it already. Final.
    refused     in:  the CRM said no, with a reason and who must act
                out: planned (`outbox retry`), superseded
    superseded  in:  a newer plan for the same fields of the same record. Final.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, exists, func, select, update

from leadline.sdk.records import (
    CreateTask,
    Effect,
    Enrol,
    Outcome,
    RecordRef,
    RowOutcome,
    UpdateFields,
)
from leadline.store.database import upsert
from leadline.store.leases import Lease
from leadline.store.records import batched
from leadline.store.tables import effects, leases


class State(StrEnum):
    """Where an effect is; the module's docstring has the ways in and out."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    WRITTEN = "written"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


KINDS: dict[str, type[UpdateFields] | type[CreateTask] | type[Enrol]] = {
    "update": UpdateFields,
    "task": CreateTask,
    "enrol": Enrol,
}
"""Kinds in the order in which they are sent: an owner stands before the task that names it."""

NOT_APPLIED = "NOT_APPLIED"


@dataclass(frozen=True, slots=True)
class Planned:
    """An effect to be done, the subject whose decision caused it, and what our own copy will show after it."""

    effect: Effect
    connection: str
    subject: str
    target: RecordRef
    echo: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claimed:
    """An effect taken out of the outbox."""

    effect: Effect
    kind: str
    subject: str
    echo: Mapping[str, Any]
    sent_at: int | None


def kind_of(effect: Effect) -> str:
    """The effect's kind, a key of KINDS."""
    for kind, type_ in KINDS.items():
        if isinstance(effect, type_):
            return kind
    raise TypeError(type(effect).__name__)


def dump_effect(effect: Effect) -> str:
    """An effect as JSON."""
    return orjson.dumps(asdict(effect), option=orjson.OPT_SORT_KEYS).decode()


def load_effect(kind: str, payload: str) -> Effect:
    """The effect that `dump_effect` wrote."""
    values = orjson.loads(payload)
    type_ = KINDS[kind]
    refs = {"target", "person", "account"}
    for field in fields(type_):
        if field.name in refs and values[field.name] is not None:
            values[field.name] = RecordRef(**values[field.name])
    return type_(**values)


def plan(connection: Connection, planned: Sequence[Planned], *, now: int) -> int:
    """Store effects to be done; one whose key is known already is left as it is. Returns how many were new."""
    if not planned:
        return 0
    _supersede(connection, planned)
    following = connection.execute(select(func.coalesce(func.max(effects.c.sequence_no), 0))).scalar_one()
    rows = [
        {
            "key": item.effect.key,
            "connection": item.connection,
            "kind": kind_of(item.effect),
            "object": item.target.object,
            "record_id": item.target.id,
            "subject": item.subject,
            "payload": dump_effect(item.effect),
            "echo": orjson.dumps(dict(item.echo)).decode(),
            "state": State.PLANNED.value,
            "sequence_no": following + number,
            "attempts": 0,
            "planned_at": now,
        }
        for number, item in enumerate(planned, start=1)
    ]
    before = connection.execute(select(func.count()).select_from(effects)).scalar_one()
    connection.execute(upsert(connection, effects).on_conflict_do_nothing(index_elements=["key"]), rows)
    after = connection.execute(select(func.count()).select_from(effects)).scalar_one()
    return int(after - before)


def _supersede(connection: Connection, planned: Sequence[Planned]) -> None:
    """A newer plan for a record's fields replaces one that has not been sent or was refused."""
    targets: dict[tuple[str, str], list[str]] = {}
    keys = [item.effect.key for item in planned]
    same = {
        key
        for batch in batched(keys)
        for key in connection.scalars(select(effects.c.key).where(effects.c.key.in_(batch)))
    }
    for item in planned:
        if isinstance(item.effect, UpdateFields) and item.effect.key not in same:
            targets.setdefault((item.connection, item.target.object), []).append(item.target.id)
    for (name, kind), ids in targets.items():
        for batch in batched(ids):
            connection.execute(
                update(effects)
                .where(
                    effects.c.connection == name,
                    effects.c.object == kind,
                    effects.c.record_id.in_(batch),
                    effects.c.kind == "update",
                    effects.c.state.in_([State.PLANNED, State.REFUSED]),
                )
                .values(state=State.SUPERSEDED)
            )


def claim(connection: Connection, lease: Lease, name: str, kind: str, *, limit: int, wall_clock: int) -> list[Claimed]:
    """Move the next planned effects of one kind to `sending`, if the lease is still held.

    Commit before the call is made. An empty list means nothing to do, or the lease was lost.
    """
    query = (
        select(effects)
        .where(effects.c.connection == name, effects.c.kind == kind, effects.c.state == State.PLANNED)
        .order_by(effects.c.sequence_no)
        .limit(limit)
    )
    rows = list(connection.execute(query))
    held = exists().where(leases.c.name == lease.name, leases.c.epoch == lease.epoch, leases.c.holder == lease.holder)
    done = connection.execute(
        update(effects)
        .where(effects.c.key.in_([row.key for row in rows]), effects.c.state == State.PLANNED, held)
        .values(state=State.SENDING, epoch=lease.epoch, sent_at=wall_clock, attempts=effects.c.attempts + 1)
    )
    if done.rowcount != len(rows):
        return []
    return [_claimed(row) for row in rows]


def _claimed(row: Any) -> Claimed:
    effect = load_effect(row.kind, row.payload)
    return Claimed(effect, row.kind, row.subject, orjson.loads(row.echo), row.sent_at)


def left_behind(connection: Connection, lease: Lease, name: str) -> list[Claimed]:
    """Effects whose outcome nobody noted: `unknown`, or `sending` under an older epoch or an earlier run."""
    query = (
        select(effects)
        .where(effects.c.connection == name, effects.c.state.in_([State.SENDING, State.UNKNOWN]))
        .order_by(effects.c.sequence_no)
    )
    rows = list(connection.execute(query))
    for batch in batched([row.key for row in rows if row.state == State.SENDING]):
        connection.execute(update(effects).where(effects.c.key.in_(batch)).values(state=State.UNKNOWN))
    return [_claimed(row) for row in rows]


def finish(connection: Connection, outcomes: Iterable[RowOutcome], *, now: int) -> dict[str, int]:
    """Note outcomes. A read-back that shows an effect was never applied plans it again. Returns counts by state."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        refusal = outcome.refusal
        again = refusal is not None and refusal.code == NOT_APPLIED
        state = State.PLANNED if again else State(outcome.outcome.value)
        counts[state.value] = counts.get(state.value, 0) + 1
        final = outcome.outcome is not Outcome.UNKNOWN and not again
        connection.execute(
            update(effects)
            .where(effects.c.key == outcome.key)
            .values(
                state=state,
                reason_code=refusal.code if refusal and not again else None,
                reason=refusal.message if refusal and not again else None,
                actor=refusal.actor.value if refusal and not again else None,
                fix=refusal.fix if refusal and not again else None,
                result_id=outcome.record_id,
                finished_at=now if final else None,
            )
        )
    return counts


def hand_back(connection: Connection, keys: Iterable[str]) -> None:
    """The call certainly changed nothing: `sending` becomes `planned` again."""
    for batch in batched(keys):
        connection.execute(
            update(effects)
            .where(effects.c.key.in_(batch), effects.c.state == State.SENDING)
            .values(state=State.PLANNED)
        )


def retry(connection: Connection, keys: Sequence[str] | None) -> int:
    """Plan refused effects again: those named, or all. Returns how many."""
    statement = update(effects).where(effects.c.state == State.REFUSED)
    if keys is not None:
        statement = statement.where(effects.c.key.in_(keys))
    return connection.execute(statement.values(state=State.PLANNED)).rowcount


def list_effects(
    connection: Connection,
    *,
    states: Sequence[str] | None = None,
    name: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Effects, oldest first."""
    query = select(effects).order_by(effects.c.sequence_no).limit(limit)
    if states:
        query = query.where(effects.c.state.in_(states))
    if name:
        query = query.where(effects.c.connection == name)
    return [dict(row) for row in connection.execute(query).mappings()]


def count_states(connection: Connection, name: str | None = None) -> dict[str, int]:
    """Effects by state."""
    query = select(effects.c.state, func.count()).group_by(effects.c.state)
    if name:
        query = query.where(effects.c.connection == name)
    return {row[0]: row[1] for row in connection.execute(query)}


def count_planned(connection: Connection, name: str, kind: str) -> int:
    """Effects of one kind that wait to be sent."""
    query = select(func.count()).where(
        effects.c.connection == name, effects.c.kind == kind, effects.c.state == State.PLANNED
    )
    return connection.execute(query).scalar_one()


def running_sequences(connection: Connection, people: Iterable[str]) -> set[tuple[str, str]]:
    """(record id, sequence) of enrolments that are planned, under way or done."""
    found: set[tuple[str, str]] = set()
    gone = [State.REFUSED, State.SUPERSEDED]
    for batch in batched(people):
        query = select(effects.c.record_id, effects.c.payload).where(
            effects.c.kind == "enrol", effects.c.record_id.in_(batch), effects.c.state.not_in(gone)
        )
        for row in connection.execute(query):
            found.add((row.record_id, orjson.loads(row.payload)["sequence"]))
    return found
