"""Who can be given work, per connection, with the rotation's memory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from leadline.core.decisions.plays import Team
from leadline.core.decisions.routing import Pool
from leadline.store.facts import load_owners
from leadline.store.outbox import running_sequences
from leadline.store.rotation import load_given, save_given

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import Project
    from leadline.app.view import ClusterView
    from leadline.config import RoutingSettings


class TeamBook:
    """The teams of a run. `open` and `close` frame each transaction, so that what is given out is stored with it."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._teams: dict[str, Team] = {}

    def team(self, connection_name: str) -> Team:
        """The team of a connection that `open` has seen."""
        return self._teams[connection_name]

    def open(self, connection: Connection, view: ClusterView) -> None:
        """Load owners, pools and running enrolments for the connections of these clusters."""
        names = {row["connection"] for row in (*view.facts.accounts, *view.facts.people)}
        self._teams = {name: self._load(connection, name, _enrolled(connection, name, view)) for name in sorted(names)}

    def close(self, connection: Connection) -> None:
        """Store how many hand-offs each member has had."""
        for name, team in self._teams.items():
            for pool in team.pools.values():
                save_given(connection, _stored_name(name, pool.name), pool.lineup, pool.given)

    def _load(self, connection: Connection, name: str, enrolled: frozenset[tuple[str, str]]) -> Team:
        owners = {row["uid"]: row for row in load_owners(connection, name)}
        routing = self._project.settings.routing
        nobody = stands_for_nobody(owners.values(), routing)
        pools = {}
        for pool_name in routing.pools:
            pool = Pool(pool_name, active_members(owners.values(), routing, pool_name))
            pool.given = load_given(connection, _stored_name(name, pool_name), pool.lineup)
            pools[pool_name] = pool
        mapping = self._project.mapping_of(name)
        return Team(owners, nobody, pools, mapping.sequences, enrolled, mapping.lists)


def stands_for_nobody(owners: Iterable[dict[str, Any]], routing: RoutingSettings) -> frozenset[str]:
    """Which of these owners are no human, by the settings."""
    return frozenset(row["uid"] for row in owners if _is_one_of(row, routing.unassigned_owners))


def active_members(owners: Iterable[dict[str, Any]], routing: RoutingSettings, pool: str) -> dict[str, int]:
    """Who of these owners can be given work from the pool, with their weights."""
    members = routing.pools[pool]
    return {
        row["uid"]: weight
        for row in owners
        if row["active"] is not False
        and not _is_one_of(row, routing.unassigned_owners)
        and (weight := _weight(row, members))
    }


def _enrolled(connection: Connection, name: str, view: ClusterView) -> frozenset[tuple[str, str]]:
    """(record id, sequence) of these people; one who was enrolled as a lead is so as a contact too."""
    person = {
        record["source_id"]: row["source_id"]
        for row in view.facts.people
        if row["connection"] == name
        for record in view.records(row["uid"])
    }
    return frozenset(
        (person[record], sequence) for record, sequence in running_sequences(connection, name, sorted(person))
    )


def _stored_name(connection_name: str, pool: str) -> str:
    return f"{connection_name}/{pool}"


def _is_one_of(owner: dict[str, Any], names: list[str]) -> bool:
    known = {str(owner["source_id"]).lower(), str(owner["email"] or "").lower()}
    return any(name.lower() in known for name in names)


def _weight(owner: dict[str, Any], members: list[Any]) -> int:
    """An owner's share in a pool: 0 when they are no member; an empty list stands for everybody alike."""
    if not members:
        return 1
    return next((member.weight for member in members if _is_one_of(owner, [member.owner])), 0)
