"""A human's edit wins: a hand-over that waits to be sent gives way to an owner whom somebody set meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leadline.app.team import stands_for_nobody
from leadline.core.decisions.routing import stays
from leadline.core.entities import Entity
from leadline.store.facts import load_owners, owner_of
from leadline.store.unfinished import amend, waiting_updates

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import Project


def give_way(project: Project, connection: Connection) -> None:
    """Take the owner out of planned writes to records that belong to a human by now.

    Writes wait when a CRM could not be reached, so this finds something after an outage only.
    """
    for name in project.connections:
        waiting = waiting_updates(connection, name)
        if not waiting:
            continue
        owners = {row["uid"]: row for row in load_owners(connection, name)}
        nobody = stands_for_nobody(owners.values(), project.settings.routing)
        for effect, echo in waiting:
            if not stays(owner_of(connection, Entity(echo["entity"]), echo["uid"]), owners, nobody):
                continue
            field = project.mapping_of(name).objects[effect.target.object].write["owner"].field
            changes = {key: value for key, value in echo["changes"].items() if key != "owner"}
            changes["crm"] = {key: value for key, value in changes["crm"].items() if key != "owner"}
            values = {key: value for key, value in effect.values.items() if key != field}
            amend(connection, replace(effect, values=values), {**echo, "changes": changes})
