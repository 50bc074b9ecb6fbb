"""Looking at what is stored: the queue, the outbox, one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadline.app.view import reasons
from leadline.core.entities import Entity
from leadline.core.scoring.groups import every_group
from leadline.sdk.errors import ConfigError
from leadline.store import contests, outbox
from leadline.store.breakdowns import load_ledgers
from leadline.store.contests import list_frozen
from leadline.store.facts import clusters_of, load_owners, root_of
from leadline.store.outbox import State
from leadline.store.records import find_record, list_unmapped, mark_dirty
from leadline.store.scores import list_queue

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import Project
    from leadline.core.scoring.model import Model

WAITING = (State.REFUSED, State.UNKNOWN, State.SENDING, State.PLANNED)


@dataclass(frozen=True, slots=True)
class Ranked:
    """One line of the queue. Points are whole."""

    uid: str
    connection: str
    name: str
    group: str
    score: int
    fit: int
    intent: int
    owner: str | None
    why: str


def ranked(project: Project, *, owner: str | None = None, limit: int = 20, all_groups: bool = False) -> list[Ranked]:
    """The records to work on next. ConfigError when nobody goes by `owner`."""
    names = every_group(project.model)
    shown = names if all_groups else names[:-1]
    with project.reading().begin() as connection:
        owners = {row["uid"]: row for name in project.settings.connections for row in load_owners(connection, name)}
        chosen = _owner(owners, owner) if owner else None
        rows = list_queue(
            connection,
            {name: rank for rank, name in enumerate(shown)},
            owners=chosen,
            limit=limit,
            connections=list(project.settings.connections),
        )
        ledgers = load_ledgers(connection, [row["uid"] for row in rows])
        return [
            Ranked(
                uid=row["uid"],
                connection=row["connection"],
                name=row["name"] or row["uid"],
                group=row["group"],
                score=row["score"] // 1_000,
                fit=row["fit"] // 1_000,
                intent=row["intent"] // 1_000,
                owner=(owners.get(row["owner"]) or {}).get("name"),
                why=shortly(project.model, row["segment"], ledgers[row["uid"]]),
            )
            for row in rows
        ]


def shortly(model: Model, segment: str | None, lines: Sequence[dict[str, Any]]) -> str:
    """The two strongest reasons on one line, of a record of this segment."""
    return "; ".join(reasons(model, segment, lines).splitlines()[:2])


def _owner(owners: dict[str, dict[str, Any]], words: str) -> list[str]:
    found = [
        uid
        for uid, row in owners.items()
        if words.lower() in {str(row[key] or "").lower() for key in ("uid", "source_id", "email", "name")}
    ]
    if not found:
        known = ", ".join(sorted(str(row["email"] or row["name"]) for row in owners.values())[:10])
        raise ConfigError(f"no owner goes by {words!r}", fix=f"Known: {known or 'none yet'}.")
    return found


def effects(
    project: Project, *, states: Sequence[str] | None, connection: str | None, limit: int
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Effects in the given states (those that wait or were refused unless given), and counts of all states."""
    wanted = [str(state) for state in states or WAITING]
    known = [str(state) for state in State]
    for state in wanted:
        if state not in known:
            raise ConfigError(f"no state is called {state!r}", fix=f"States: {', '.join(known)}.")
    if connection:
        project.settings.connection(connection)
    with project.reading().begin() as reading:
        rows = outbox.list_effects(reading, states=wanted, name=connection, limit=limit)
        return rows, outbox.count_states(reading, connection)


def frozen(project: Project, *, connection: str | None, limit: int) -> list[dict[str, Any]]:
    """Fields that are left alone because something else keeps changing them back, by the CRM's names."""
    with project.reading().begin() as reading:
        rows = list_frozen(reading, name=connection, limit=limit)
    found = []
    for row in rows:
        parts = dict(zip(("connection", "object", "record_id"), row["uid"].split("/", 2), strict=True))
        found.append({**row, **parts})
    return found


def unfreeze(project: Project, uids: Sequence[str] | None) -> int:
    """Write the frozen fields of these records, or of all, again from their next write on. Returns how many records.

    They are looked at by the next run.
    """
    with project.writing() as connection:
        found = contests.unfreeze(connection, uids)
        mark_dirty(connection, found, "unfrozen")
        return len(found)


def unmapped(project: Project, *, connection: str | None, limit: int) -> list[dict[str, Any]]:
    """Values of the CRMs that no transform or value map could place, the most frequent first."""
    if connection:
        project.settings.connection(connection)
    with project.reading().begin() as reading:
        return list_unmapped(reading, name=connection, limit=limit)


def retry(project: Project, keys: Sequence[str] | None) -> int:
    """Plan refused effects again. ConfigError when a named one is not refused."""
    with project.writing() as connection:
        count = outbox.retry(connection, keys)
        if keys is not None and count != len(set(keys)):
            raise ConfigError(
                "not every key named is a refused effect", fix="See `leadline outbox list --state refused`."
            )
        return count


def identify(connection: Connection, text: str, *, gone_too: bool = False) -> tuple[Entity, str]:
    """The one account or person that `text` means. ConfigError when there is none, or more than one.

    `gone_too`: one that was deleted since, when no living one is meant.
    """
    found = find_record(connection, text)
    if not found and gone_too:
        found = find_record(connection, text, deleted=True)
    if not found:
        raise ConfigError(
            f"no account or person goes by {text!r}",
            fix="Name it by CRM id, e-mail address, web domain or full name.",
        )
    if len(found) > 1:
        some = ", ".join(uid for _, uid in found[:5])
        raise ConfigError(f"{text!r} could be {len(found)} records", fix=f"Name one by its uid: {some}.")
    return found[0]


def subject_of(connection: Connection, entity: Entity, uid: str) -> tuple[str, str]:
    """The subject that a record is scored as (a lead's contact, where it has one) and its cluster."""
    root = root_of(connection, uid) if entity is Entity.PERSON else uid
    return root, clusters_of(connection, [root])[root]
