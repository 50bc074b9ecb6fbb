"""What scoring needs to know about some clusters.

A *cluster* is what is scored together: an account with its people, or a person without an account.
It goes by the uid of the account or of that person. A contact and the leads linked to it are one
person, known by the contact's uid (the *root*).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, and_, select

from leadline.core.entities import Entity
from leadline.store.bulk import among, fetch_all
from leadline.store.rows import batched
from leadline.store.scores import load_scores
from leadline.store.tables import ENTITY_TABLES, accounts, activities, opportunities, owners, people, scores

_contacts = people.alias("contacts")
_employers = accounts.alias("employers")


@dataclass(slots=True)
class ClusterFacts:
    """Rows of some clusters. `people` holds roots only; `records` maps a root to all its CRM records."""

    accounts: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    records: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    opportunities: list[dict[str, Any]] = field(default_factory=list)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)

    def subjects(self) -> list[str]:
        """Every uid that gets a score, accounts first."""
        return [row["uid"] for row in (*self.accounts, *self.people)]


def _people_with_root(*columns: Any) -> Select[Any]:
    """People with `root` (the contact behind a lead) and `employer` (their account, if it is live).

    A contact that is itself linked to another is nobody's root: links are followed one step only.
    """
    behind = and_(_contacts.c.uid == people.c.contact, _contacts.c.deleted.is_(False), _contacts.c.contact.is_(None))
    return (
        select(*(columns or people.c), _contacts.c.uid.label("root"), _employers.c.uid.label("employer"))
        .outerjoin(_contacts, behind)
        .outerjoin(_employers, and_(_employers.c.uid == people.c.account, _employers.c.deleted.is_(False)))
    )


def clusters_of(connection: Connection, uids: Iterable[str]) -> dict[str, str]:
    """The cluster of each account or person; a uid that is no stored record maps to itself."""
    wanted = list(dict.fromkeys(uids))
    found: dict[str, str] = {}
    roots: dict[str, str] = {}
    for batch in batched(wanted):
        for row in connection.execute(_people_with_root().where(people.c.uid.in_(batch))):
            if row.root is not None:
                roots[row.uid] = row.root
            else:
                found[row.uid] = row.employer or row.uid
    missing = sorted(set(roots.values()) - found.keys())
    employers: dict[str, str] = {}
    for batch in batched(missing):
        for row in connection.execute(_people_with_root().where(people.c.uid.in_(batch))):
            employers[row.uid] = row.employer or row.uid
    for uid, root in roots.items():
        found[uid] = found.get(root) or employers.get(root, root)
    return {uid: found.get(uid, uid) for uid in wanted}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record of a person counts: as whom, and in which cluster."""

    root: str
    cluster: str


def places_of(connection: Connection, uids: Iterable[str]) -> dict[str, Place]:
    """The places of those of these uids that are people, by uid."""
    wanted = list(uids)
    found: dict[str, Place] = {}
    roots: dict[str, str] = {}
    for uid, root, employer in fetch_all(connection, _people_with_root(people.c.uid).where(_those(connection, wanted))):
        if root is None:
            found[uid] = Place(uid, employer or uid)
        else:
            roots[uid] = root
    missing = set(roots.values()) - found.keys()
    if missing:
        query = _people_with_root(people.c.uid).where(_those(connection, missing))
        found.update((uid, Place(uid, employer or uid)) for uid, _, employer in fetch_all(connection, query))
    # Most of what is asked for are accounts, when everybody is.
    asked = set(wanted)
    places = {uid: place for uid, place in found.items() if uid in asked}
    places.update((uid, found[root]) for uid, root in roots.items() if root in found)
    return places


def _those(connection: Connection, uids: Collection[str]) -> ColumnElement[bool]:
    return among(connection, people.c.uid, uids)


def root_of(connection: Connection, uid: str) -> str:
    """The person that a record stands for: the live contact behind a lead, else itself."""
    row = connection.execute(_people_with_root().where(people.c.uid == uid)).first()
    return str(row.root) if row is not None and row.root is not None else uid


def scored_in(connection: Connection, clusters: Iterable[str]) -> dict[str, str]:
    """Every scored uid of these clusters with its entity, present or past members."""
    found: dict[str, str] = {}
    for batch in batched(clusters):
        query = select(scores.c.uid, scores.c.entity).where(scores.c.cluster.in_(batch))
        found.update({row.uid: row.entity for row in connection.execute(query)})
    return found


def load_facts(connection: Connection, clusters: Sequence[str]) -> ClusterFacts:
    """Everything that scoring and deciding look at, for these clusters."""
    facts = ClusterFacts()
    for batch in batched(sorted(clusters)):
        query = select(accounts).where(accounts.c.uid.in_(batch), accounts.c.deleted.is_(False))
        facts.accounts += [
            {**row, "technologies": orjson.loads(row["technologies"] or "null")}
            for row in _rows(connection, query.order_by(accounts.c.uid))
        ]
    live = {row["uid"] for row in facts.accounts}
    _load_people(connection, facts, set(clusters), live)
    root_of = {record["uid"]: root for root, records in facts.records.items() for record in records}
    employer_of = {row["uid"]: row["account"] for row in facts.people}
    facts.events = _load_events(connection, root_of, employer_of, live)
    facts.opportunities = _load_opportunities(connection, root_of, live)
    facts.scores = load_scores(connection, facts.subjects())
    return facts


def _load_people(connection: Connection, facts: ClusterFacts, clusters: set[str], live: set[str]) -> None:
    found: dict[str, dict[str, Any]] = {}
    for column, uids in ((people.c.account, sorted(live)), (people.c.uid, sorted(clusters - live))):
        for batch in batched(uids):
            query = _people_with_root().where(people.c.deleted.is_(False), column.in_(batch))
            found.update((row["uid"], row) for row in _rows(connection, query))
    for uid, row in sorted(found.items()):
        belongs = row["employer"] in live or (row["employer"] is None and uid in clusters)
        if row["root"] is None and belongs:
            row["account"] = row["employer"]
            facts.people.append(row)
            facts.records[uid] = [row]
    for batch in batched(list(facts.records)):
        members = select(people).where(people.c.contact.in_(batch), people.c.deleted.is_(False))
        for row in _rows(connection, members.order_by(people.c.uid)):
            if row["uid"] not in facts.records:
                facts.records[row["contact"]].append(row)


def _load_events(
    connection: Connection,
    root_of: Mapping[str, str],
    employer_of: Mapping[str, str | None],
    live: set[str],
) -> list[dict[str, Any]]:
    """Activities with `person` set to the root and `account` to the root's account."""
    columns = (
        activities.c.uid, activities.c.kind, activities.c.person, activities.c.account,
        activities.c.at, activities.c.asset,
    )  # fmt: skip
    alive = and_(activities.c.deleted.is_(False), activities.c.kind.is_not(None), activities.c.at.is_not(None))
    found: dict[str, dict[str, Any]] = {}
    for column, uids in ((activities.c.person, sorted(root_of)), (activities.c.account, sorted(live))):
        for batch in batched(uids):
            for row in _rows(connection, select(*columns).where(column.in_(batch), alive)):
                found[row["uid"]] = row
    strangers = _strangers(connection, found.values(), root_of)
    events = []
    for row in found.values():
        root = root_of.get(row["person"]) if row["person"] else None
        if root is not None:
            events.append({**row, "person": root, "account": employer_of[root]})
        elif row["account"] in live and row["person"] not in strangers:
            events.append({**row, "person": None})
    events.sort(key=lambda row: (row["at"], row["uid"]))
    return events


def _strangers(connection: Connection, rows: Iterable[Mapping[str, Any]], root_of: Mapping[str, str]) -> set[str]:
    """People of other clusters whose activities name an account of these; the person decides."""
    named = {row["person"] for row in rows if row["person"] and row["person"] not in root_of}
    found: set[str] = set()
    for batch in batched(sorted(named)):
        query = select(people.c.uid).where(people.c.uid.in_(batch), people.c.deleted.is_(False))
        found.update(connection.scalars(query))
    return found


def _load_opportunities(connection: Connection, root_of: Mapping[str, str], live: set[str]) -> list[dict[str, Any]]:
    """Opportunities, `person` set to the root where it is one of these people."""
    found: dict[str, dict[str, Any]] = {}
    for column, uids in (
        (opportunities.c.account, sorted(live)),
        (opportunities.c.person, sorted(root_of)),
    ):
        for batch in batched(uids):
            query = select(opportunities).where(column.in_(batch), opportunities.c.deleted.is_(False))
            for row in _rows(connection, query):
                found[row["uid"]] = {**row, "person": root_of.get(row["person"] or "", row["person"])}
    return sorted(found.values(), key=lambda row: str(row["uid"]))


def owner_of(connection: Connection, entity: Entity, uid: str) -> str | None:
    """Who owns an account or a person, by uid."""
    table = ENTITY_TABLES[entity]
    return connection.execute(select(table.c.owner).where(table.c.uid == uid)).scalar()


def load_owners(connection: Connection, name: str) -> list[dict[str, Any]]:
    """The owners of one connection, by uid."""
    query = select(owners).where(owners.c.connection == name, owners.c.deleted.is_(False))
    return _rows(connection, query.order_by(owners.c.uid))


def _rows(connection: Connection, query: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]
