"""What scoring looks at, as it was at a moment: `load_facts` of then.

A record's links are part of what is looked at, so who belonged to a cluster is found anew: by the rows
of today and by kept versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from leadline.core.entities import Entity
from leadline.store.facts import ClusterFacts
from leadline.store.past_scores import standings
from leadline.store.rows import batched
from leadline.store.tables import ENTITY_TABLES, accounts, activities, people
from leadline.store.versions import Moment, Then, linked_then, rows_then


@dataclass(frozen=True, slots=True)
class PastFacts:
    """Facts of then. `assumed`: accounts and people who were read later only; their first known values stand there."""

    facts: ClusterFacts
    assumed: frozenset[str]


def facts_at(connection: Connection, clusters: Sequence[str], moment: Moment) -> PastFacts:
    """What scoring looked at for these clusters at the moment. Opportunities, which give no points, are left out."""
    reader = _Reader(connection, moment)
    facts = ClusterFacts()
    live = reader.by_uid(Entity.ACCOUNT, clusters)
    facts.accounts = [
        {**row, "technologies": orjson.loads(row["technologies"] or "null")} for _, row in sorted(live.items())
    ]
    _people(reader, facts, set(clusters), set(live))
    roots = {record["uid"]: root for root, records in facts.records.items() for record in records}
    employers = {row["uid"]: row["account"] for row in facts.people}
    facts.events = _events(reader, roots, employers, set(live))
    facts.scores = standings(connection, facts.subjects(), at=moment.at)
    return PastFacts(facts, frozenset(reader.assumed & set(facts.subjects())))


def home_at(connection: Connection, entity: Entity, uid: str, moment: Moment) -> tuple[str, str] | None:
    """The subject that a record stood for at the moment and its cluster; None when it was not there."""
    reader = _Reader(connection, moment)
    row = reader.by_uid(entity, [uid]).get(uid)
    if row is None:
        return None
    if entity is Entity.ACCOUNT:
        return uid, uid
    contact = reader.by_uid(Entity.PERSON, [row["contact"]]).get(row["contact"]) if row["contact"] else None
    root = contact if contact is not None and contact["contact"] is None else row
    employer = reader.by_uid(Entity.ACCOUNT, [root["account"]]) if root["account"] else {}
    return root["uid"], next(iter(employer), root["uid"])


def all_clusters(connection: Connection, *, size: int) -> Iterator[list[str]]:
    """Every account, then every person, deleted ones included: clusters of any moment, with so many people at a time.

    A person who belongs to an account at that moment is found there, and is no cluster of their own. An account with
    more people than that comes alone.
    """
    for table in (accounts, people):
        last = ""
        while True:
            query = select(table.c.uid).where(table.c.uid > last).order_by(table.c.uid).limit(size)
            page = list(connection.scalars(query))
            if not page:
                break
            yield from _split(connection, page, size=size) if table is accounts else (page,)
            last = page[-1]


def _split(connection: Connection, page: Sequence[str], *, size: int) -> Iterator[list[str]]:
    """The accounts of a page in lists that have about so many people, by the links of today."""
    staff: dict[str, int] = {}
    for batch in batched(page):
        query = select(people.c.account, func.count()).where(people.c.account.in_(batch)).group_by(people.c.account)
        staff.update((row[0], row[1]) for row in connection.execute(query))
    taken: list[str] = []
    held = 0
    for uid in page:
        weight = 1 + staff.get(uid, 0)
        if taken and held + weight > size:
            yield taken
            taken, held = [], 0
        taken.append(uid)
        held += weight
    yield taken


def count_clusters(connection: Connection) -> int:
    """How many uids `all_clusters` gives."""
    counts = (connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (accounts, people))
    return sum(counts)


class _Reader:
    """Rows of then, and which of them stand there on trust."""

    def __init__(self, connection: Connection, moment: Moment) -> None:
        self.connection = connection
        self.moment = moment
        self.assumed: set[str] = set()

    def by_uid(self, entity: Entity, uids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Rows of these uids that were living."""
        column = ENTITY_TABLES[entity].c.uid
        return self._batches(entity, column, uids)

    def linked(self, entity: Entity, column: str, link: str, uids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Rows that linked to these then. `column` holds the link in the entity's table, `link` in that of versions."""
        table = ENTITY_TABLES[entity]
        found = self._batches(entity, table.c[column], uids)
        moved = linked_then(self.connection, entity, link, uids, at=self.moment.at) - found.keys()
        found |= self.by_uid(entity, sorted(moved))
        wanted = set(uids)
        return {uid: row for uid, row in found.items() if row[column] in wanted}

    def _batches(self, entity: Entity, column: Any, values: Iterable[str]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for batch in batched(sorted(values)):
            then: Then = rows_then(self.connection, entity, [column.in_(batch)], self.moment)
            found |= then.rows
            self.assumed |= then.assumed
        return found


def _people(reader: _Reader, facts: ClusterFacts, clusters: set[str], live: set[str]) -> None:
    found = reader.linked(Entity.PERSON, "account", "account", sorted(live))
    found |= reader.by_uid(Entity.PERSON, clusters - live)
    elsewhere = {row["account"] for row in found.values()} - live - {None}
    employers = live | reader.by_uid(Entity.ACCOUNT, elsewhere).keys()
    contacts = reader.by_uid(Entity.PERSON, {row["contact"] for row in found.values()} - {None})
    for uid, row in sorted(found.items()):
        contact = contacts.get(row["contact"] or "")
        if contact is not None and contact["contact"] is None:
            continue  # a lead of that contact, and no person of its own
        employer = row["account"] if row["account"] in employers else None
        if employer in live or (employer is None and uid in clusters):
            row["account"] = employer
            facts.people.append(row)
            facts.records[uid] = [row]
    leads = reader.linked(Entity.PERSON, "contact", "person", sorted(facts.records))
    for uid, row in sorted(leads.items()):
        if uid not in facts.records:
            facts.records[row["contact"]].append(row)


def _events(
    reader: _Reader, roots: Mapping[str, str], employers: Mapping[str, str | None], live: set[str]
) -> list[dict[str, Any]]:
    """Activities with `person` set to the root and `account` to the root's account, as `load_facts` gives them."""
    found = _activities(reader, "person", sorted(roots)) | _activities(reader, "account", sorted(live))
    named = {row["person"] for row in found.values() if row["person"] and row["person"] not in roots}
    strangers = reader.by_uid(Entity.PERSON, named).keys()
    events = []
    for row in found.values():
        event = {name: row[name] for name in ("uid", "kind", "person", "account", "at", "asset")}
        root = roots.get(row["person"]) if row["person"] else None
        if root is not None:
            events.append({**event, "person": root, "account": employers[root]})
        elif row["account"] in live and row["person"] not in strangers:
            events.append({**event, "person": None})
    events.sort(key=lambda event: (event["at"], event["uid"]))
    return events


def _activities(reader: _Reader, column: str, uids: Sequence[str]) -> dict[str, dict[str, Any]]:
    if reader.moment.as_known:
        found = reader.linked(Entity.ACTIVITY, column, column, uids)
        return {uid: row for uid, row in found.items() if row["kind"] is not None and row["at"] is not None}
    happened = (activities.c.deleted.is_(False), activities.c.kind.is_not(None), activities.c.at <= reader.moment.at)
    rows: dict[str, dict[str, Any]] = {}
    for batch in batched(uids):
        query = select(activities).where(activities.c[column].in_(batch), *happened)
        rows.update((row["uid"], dict(row)) for row in reader.connection.execute(query).mappings())
    return rows
