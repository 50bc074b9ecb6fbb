"""What every score should be, worked out from a sandbox's state alone.

The way around everything between CRM and score: no connector, no store, no scoring engine. A
vendor's state becomes raw records here, the mapping's normalizer reads them, leads are joined to
their contacts here, and the reference scorer of `tests/oracle` scores them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.oracle import reference_scorer as reference
from tests.stage import NOW

from leadline.core.entities import Entity
from leadline.core.normalize.apply import normalize
from leadline.core.normalize.mapping import Mapping as FieldMapping
from leadline.core.scoring.model import Model
from leadline.sdk.records import RawRecord

State = Mapping[str, Sequence[Mapping[str, Any]]]


def salesforce_records(state: State) -> Iterator[tuple[str, RawRecord]]:
    """Rows of an org: fields lie flat, the recycle bin is a flag."""
    for name, rows in state.items():
        for row in rows:
            yield name, RawRecord(row["Id"], row, 0, deleted=bool(row.get("IsDeleted")))


def hubspot_records(state: State) -> Iterator[tuple[str, RawRecord]]:
    """Rows of a portal: fields lie in `properties`, links beside them, owners are flat."""
    for name, rows in state.items():
        for row in rows:
            if "properties" not in row:
                yield name, RawRecord(row["id"], row, 0)
                continue
            links = {to: tuple(ids) for to, ids in row["associations"].items()}
            yield name, RawRecord(row["id"], row["properties"], 0, links=links, deleted=row["archived"])


READERS = {"salesforce": salesforce_records, "hubspot": hubspot_records}


@dataclass
class Truth:
    """Canonical rows of one CRM as it is now, by entity and uid; nothing deleted."""

    rows: dict[Entity, dict[str, dict[str, Any]]] = field(default_factory=dict)

    @classmethod
    def of(cls, system: str, state: State, mapping: FieldMapping) -> Truth:
        """The rows of this state. The connection goes by the system's name."""
        truth = cls({entity: {} for entity in Entity})
        records: dict[str, list[RawRecord]] = {}
        for name, record in READERS[system](state):
            if name in mapping.objects and not record.deleted:
                records.setdefault(name, []).append(record)
        for name, found in records.items():
            of_object = mapping.objects[name]
            rows = normalize(of_object, system, name, found, NOW).rows
            truth.rows[of_object.entity].update((row["uid"], row) for row in rows if not row["deleted"])
        return truth

    def root(self, uid: str) -> str:
        """The person behind a record: the live contact of a lead, unless that contact has one itself."""
        people = self.rows[Entity.PERSON]
        contact = people.get(people[uid]["contact"] or "")
        return contact["uid"] if contact is not None and contact["contact"] is None else uid

    def records_of(self) -> dict[str, list[str]]:
        """Each subject with the records that show its score."""
        found: dict[str, list[str]] = {uid: [uid] for uid in self.rows[Entity.ACCOUNT]}
        for uid in self.rows[Entity.PERSON]:
            found.setdefault(self.root(uid), []).append(uid)
        return found

    def facts(self) -> Any:
        """What the reference scores."""
        accounts, people = self.rows[Entity.ACCOUNT], self.rows[Entity.PERSON]

        def employer(uid: str | None) -> str | None:
            return uid if uid in accounts else None

        roots = [row for uid, row in people.items() if self.root(uid) == uid]
        events = [
            {**row, "person": self.root(row["person"]) if row["person"] in people else None}
            for row in self.rows[Entity.ACTIVITY].values()
            if row["kind"] is not None and row["at"] is not None
        ]
        return reference.World(
            list(accounts.values()),
            [{**row, "account": employer(row["account"])} for row in roots],
            events,
        )

    def scores(self, model: Model, now: int, previous: Mapping[str, str], only: Iterable[str]) -> dict[str, Any]:
        """The reference's result for these subjects, by uid. `previous` has the groups that they come from."""
        facts = self.facts()
        return {uid: reference.score_one(model, facts, uid, now, previous.get(uid)) for uid in only}
