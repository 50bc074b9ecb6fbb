"""The outbox: every effect on a CRM from plan to outcome.

State of an effect, with each way in and out:

    planned     in:  deciding planned it; `outbox retry` of a refused one; a read-back that shows
                     that it was never applied; a call that certainly changed nothing
                out: sending (claimed by the holder of the write lease), superseded
    sending     in:  claimed, committed before the call is made
                out: written, unchanged, refused, unknown (the call's answer, or that there was none);
                     planned or superseded (the call certainly changed nothing);
                     unknown when a new holder of the lease finds it left behind
    unknown     in:  the call may or may not have taken effect
                out: written, refused, planned, superseded (never applied, and overtaken), or unknown
                     still (reading back)
    written     in:  the CRM confirmed it, or reading back shows it. Final.
    unchanged   in:  the CRM held it already. Final.
    refused     in:  the CRM said no, with a reason and who must act
                out: planned (`outbox retry`), superseded
    superseded  in:  a newer plan for the fields of the same record, or the record holds what it should. Final.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, and_, exists, func, select, update

from leadline.sdk.records import (
    NOT_APPLIED,
    CreateTask,
    Effect,
    Enrol,
    JoinList,
    RecordRef,
    Refusal,
    RowOutcome,
    UpdateFields,
)
from leadline.store.leases import Lease
from leadline.store.rows import batched
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


UPDATE = "update"

_SUCCESS = (State.WRITTEN, State.UNCHANGED)
UNDER_WAY = (State.SENDING, State.UNKNOWN)
"""States in which nobody knows whether the CRM has taken the effect."""

KINDS: dict[str, type[UpdateFields] | type[CreateTask] | type[Enrol] | type[JoinList]] = {
    UPDATE: UpdateFields,
    "task": CreateTask,
    "enrol": Enrol,
    "list": JoinList,
}
"""Kinds in the order in which they are sent: an owner stands before the task that names it."""


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
    object: str
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
    return orjson.dumps(effect, option=orjson.OPT_SORT_KEYS).decode()


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
    """Store effects to be done; one whose key is known already is left as it is. Returns how many were new.

    Call while holding the decide lease: numbers are given out here.
    """
    known = _known(connection, [item.effect.key for item in planned])
    fresh = list({item.effect.key: item for item in planned if item.effect.key not in known}.values())
    if not fresh:
        return 0
    supersede(connection, [(item.connection, item.target) for item in fresh if isinstance(item.effect, UpdateFields)])
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
        for number, item in enumerate(fresh, start=1)
    ]
    connection.execute(effects.insert(), rows)
    return len(fresh)


def _known(connection: Connection, keys: Iterable[str]) -> set[str]:
    return {
        key
        for batch in batched(keys)
        for key in connection.scalars(select(effects.c.key).where(effects.c.key.in_(batch)))
    }


def supersede(connection: Connection, targets: Iterable[tuple[str, RecordRef]]) -> None:
    """Drop writes of these records' fields (connection, record) that have not been sent or were refused."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, target in targets:
        groups.setdefault((name, target.object), []).append(target.id)
    for (name, kind), ids in groups.items():
        for batch in batched(ids):
            connection.execute(
                update(effects)
                .where(
                    effects.c.connection == name,
                    effects.c.object == kind,
                    effects.c.record_id.in_(batch),
                    effects.c.kind == UPDATE,
                    effects.c.state.in_([State.PLANNED, State.REFUSED]),
                )
                .values(state=State.SUPERSEDED)
            )


def claim(
    connection: Connection, lease: Lease, name: str, kind: str, *, limit: Callable[[str], int], wall_clock: int
) -> list[Claimed]:
    """Move the next planned effects of one kind to `sending`, if the lease is still held.

    `limit` says how many of an object. Updates come of one object at a time, and not of records of which an
    update's outcome is unknown: what the CRM may still apply must not overwrite a newer value. Commit before the
    call is made. Empty: nothing to do, or the lease was lost.
    """
    # Locked until the commit: whoever takes the lease over afterwards finds these effects in `sending`.
    held = select(leases).where(
        leases.c.name == lease.name, leases.c.epoch == lease.epoch, leases.c.holder == lease.holder
    )
    if connection.execute(held.with_for_update()).first() is None:
        return []
    waiting = (
        select(effects)
        .where(effects.c.connection == name, effects.c.kind == kind, effects.c.state == State.PLANNED)
        .order_by(effects.c.sequence_no)
    )
    if kind == UPDATE and _any_under_way(connection, name):
        waiting = waiting.where(~_held_back())
    first = connection.execute(waiting.limit(1)).first()
    if first is None:
        return []
    if kind == UPDATE:
        # Systems update one object a call: a batch of two objects would be two calls.
        waiting = waiting.where(effects.c.object == first.object)
    following = waiting.limit(limit(first.object)).with_for_update(of=effects)
    claimed = [_claimed(row) for row in connection.execute(following)]  # the rows of a bulk job are not held twice
    for batch in batched([item.effect.key for item in claimed]):
        connection.execute(
            update(effects)
            .where(effects.c.key.in_(batch))
            .values(state=State.SENDING, epoch=lease.epoch, sent_at=wall_clock, attempts=effects.c.attempts + 1)
        )
    return claimed


def _any_under_way(connection: Connection, name: str) -> bool:
    query = select(effects.c.key).where(effects.c.connection == name, effects.c.state.in_(UNDER_WAY)).limit(1)
    return connection.execute(query).first() is not None


def _held_back() -> ColumnElement[bool]:
    """Whether an earlier update of the same record may still be taking effect."""
    earlier = effects.alias("earlier")
    return exists().where(
        earlier.c.connection == effects.c.connection,
        earlier.c.object == effects.c.object,
        earlier.c.record_id == effects.c.record_id,
        earlier.c.kind == UPDATE,
        earlier.c.state.in_(UNDER_WAY),
    )


def _claimed(row: Any) -> Claimed:
    effect = load_effect(row.kind, row.payload)
    return Claimed(effect, row.kind, row.object, row.subject, orjson.loads(row.echo), row.sent_at)


def left_behind(connection: Connection, lease: Lease, name: str) -> list[Claimed]:
    """Effects whose outcome nobody noted, now `unknown` and this holder's to find out.

    `sending` under an older epoch means that its sender is gone, or has lost the lease and will not be heard.
    """
    query = (
        select(effects)
        .where(effects.c.connection == name, effects.c.state.in_([State.SENDING, State.UNKNOWN]))
        .order_by(effects.c.sequence_no)
        .with_for_update()
    )
    rows = list(connection.execute(query))
    for batch in batched([row.key for row in rows]):
        connection.execute(
            update(effects).where(effects.c.key.in_(batch)).values(state=State.UNKNOWN, epoch=lease.epoch)
        )
    return [_claimed(row) for row in rows]


def finish(connection: Connection, lease: Lease, outcomes: Iterable[RowOutcome], *, now: int) -> dict[str, int]:
    """Note outcomes. A read-back that shows an effect was never applied plans it again. Returns counts by state.

    A sender that lost its lease is believed where it brings news of a success; what else it has to
    say is the new holder's to find out.
    """
    counts: dict[str, int] = {}
    again: list[str] = []
    alike: dict[tuple[State, Refusal | None, str | None], list[str]] = {}
    for outcome in outcomes:
        refusal = outcome.refusal
        if refusal is not None and refusal.code == NOT_APPLIED:
            again.append(outcome.key)
        else:
            alike.setdefault((State(outcome.outcome.value), refusal, outcome.record_id), []).append(outcome.key)
    for (state, refusal, record_id), keys in alike.items():
        ended = {
            "state": state,
            "reason_code": refusal.code if refusal else None,
            "reason": refusal.message if refusal else None,
            "actor": refusal.actor.value if refusal else None,
            "fix": refusal.fix if refusal else None,
            "result_id": record_id,
            "finished_at": None if state is State.UNKNOWN else now,
        }
        for batch in batched(keys):
            which = and_(effects.c.key.in_(batch), _may_become(state, lease))
            done = connection.execute(update(effects).where(which).values(ended))
            if done.rowcount:
                counts[state.value] = counts.get(state.value, 0) + done.rowcount
    for planned, count in _plan_again(connection, lease, again).items():
        counts[planned] = counts.get(planned, 0) + count
    return counts


def _may_become(state: State, lease: Lease) -> ColumnElement[bool]:
    if state in _SUCCESS:
        return effects.c.state.not_in(_SUCCESS)
    return and_(effects.c.state.in_(UNDER_WAY), effects.c.epoch == lease.epoch)


def hand_back(connection: Connection, lease: Lease, keys: Iterable[str]) -> None:
    """The call certainly changed nothing: `sending` becomes `planned` again."""
    _plan_again(connection, lease, keys)


def _plan_again(connection: Connection, lease: Lease, keys: Iterable[str]) -> dict[str, int]:
    """Back to `planned`; but a write of fields that a newer plan has overtaken is `superseded`."""
    newer = effects.alias("newer")
    overtaken = exists().where(
        effects.c.kind == UPDATE,
        newer.c.kind == "update",
        newer.c.connection == effects.c.connection,
        newer.c.object == effects.c.object,
        newer.c.record_id == effects.c.record_id,
        newer.c.sequence_no > effects.c.sequence_no,
    )
    counts: dict[str, int] = {}
    for batch in batched(keys):
        mine = and_(effects.c.key.in_(batch), effects.c.state.in_(UNDER_WAY), effects.c.epoch == lease.epoch)
        for state, which in ((State.SUPERSEDED, overtaken), (State.PLANNED, ~overtaken)):
            done = connection.execute(update(effects).where(mine, which).values(state=state))
            if done.rowcount:
                counts[state.value] = counts.get(state.value, 0) + done.rowcount
    return counts


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


def count_unknown(connection: Connection, names: Iterable[str]) -> int:
    """Effects of these connections whose outcome nobody knows."""
    query = select(func.count()).where(effects.c.connection.in_(sorted(names)), effects.c.state == State.UNKNOWN)
    return connection.execute(query).scalar_one()


def count_planned(connection: Connection, name: str, kind: str) -> dict[str, int]:
    """Effects of one kind that wait to be sent, by object."""
    of_object = effects.c.object + ""  # an expression, or SQLite would walk the whole index that is sorted by object
    query = (
        select(of_object, func.count())
        .where(effects.c.connection == name, effects.c.kind == kind, effects.c.state == State.PLANNED)
        .group_by(of_object)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def running_sequences(connection: Connection, name: str, people: Iterable[str]) -> set[tuple[str, str]]:
    """(record id, sequence) of one connection's enrolments that are planned, under way or done."""
    found: set[tuple[str, str]] = set()
    gone = [State.REFUSED, State.SUPERSEDED]
    for batch in batched(people):
        query = select(effects.c.record_id, effects.c.payload).where(
            effects.c.connection == name,
            effects.c.kind == "enrol",
            effects.c.record_id.in_(batch),
            effects.c.state.not_in(gone),
        )
        for row in connection.execute(query):
            found.add((row.record_id, orjson.loads(row.payload)["sequence"]))
    return found
