"""A human's edit wins: what waits to be sent gives way to an owner whom somebody set meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leadline.app.team import stands_for_nobody
from leadline.core.decisions.brief import rerouted
from leadline.core.decisions.routing import keep, stays
from leadline.core.entities import Entity
from leadline.sdk.records import CreateTask, Effect, Enrol
from leadline.store.facts import load_owners, owner_of
from leadline.store.unfinished import amend, waiting_hand_overs, waiting_work

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import Project


@dataclass(frozen=True, slots=True)
class _Humans:
    """The owners of one connection by uid, and which of them stand for nobody."""

    owners: Mapping[str, Mapping[str, Any]]
    nobody: frozenset[str]

    def has(self, present: str | None) -> bool:
        """Whether a record with this owner belongs to somebody who can act."""
        return stays(present, self.owners, self.nobody)


def give_way(project: Project, connection: Connection) -> None:
    """Let planned writes leave the owner of records that belong to a human by now, and their work go to that human.

    Effects wait when a CRM could not be reached, so this finds something after an outage only.
    """
    for name in project.connections:
        owners = {row["uid"]: row for row in load_owners(connection, name)}
        humans = _Humans(owners, stands_for_nobody(owners.values(), project.settings.routing))
        for effect, echo in waiting_hand_overs(connection, name):
            if humans.has(owner_of(connection, Entity(echo["entity"]), echo["uid"])):
                field = project.mapping_of(name).objects[effect.target.object].write["owner"].field
                changes = {key: value for key, value in echo["changes"].items() if key != "owner"}
                changes["crm"] = {key: value for key, value in changes["crm"].items() if key != "owner"}
                values = {key: value for key, value in effect.values.items() if key != field}
                amend(connection, replace(effect, values=values), {**echo, "changes": changes}, drop=not values)
        for subject, work in waiting_work(connection, name):
            present = owner_of(connection, Entity.ACCOUNT, subject) or owner_of(connection, Entity.PERSON, subject)
            if present and present in owners and humans.has(present) and owners[present]["source_id"] != work.owner_id:
                amend(connection, _for(work, present, humans), {})


def _for(work: CreateTask | Enrol, present: str, humans: _Humans) -> Effect:
    """The same work for the record's present owner."""
    owner = humans.owners[present]
    if isinstance(work, Enrol):
        return replace(work, owner_id=owner["source_id"], sender_email=owner["email"])
    why = keep(present, humans.owners, humans.nobody).why
    return replace(work, owner_id=owner["source_id"], body=rerouted(work.body, why))
