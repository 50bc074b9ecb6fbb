"""Some clusters as deciding looks at them: facts, scores and ledgers by subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import orjson

from leadline.core.decisions.plays import Situation, ref
from leadline.core.entities import Entity
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.explain import sentences
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.questions import questions
from leadline.core.scoring.subject import Event, LedgerRow, Subject
from leadline.sdk.records import RecordRef
from leadline.store.facts import ClusterFacts

_LINE = tuple(field.name for field in fields(LedgerRow))


def reasons(model: Model, segment: str | None, lines: Sequence[Mapping[str, Any]], *, max_length: int = 1_000) -> str:
    """The ledger of a record of this segment in sales language, a line per reason, strongest first."""
    rows = [LedgerRow(**{name: line[name] for name in _LINE}) for line in lines]
    return sentences(model, rows, segment=segment, max_length=max_length)


def never_written(record: Mapping[str, Any]) -> bool:
    """Whether the CRM holds no score of ours on this record yet."""
    return orjson.loads(record["crm"]).get("score") in {None, ""}


def addressed(record: Mapping[str, Any]) -> tuple[str, RecordRef]:
    """Where a write to this record goes: connection and CRM record."""
    return record["connection"], ref(record)


class ClusterView:
    """Indexes over the facts of some clusters. `scored` and `lines` go by subject uid."""

    def __init__(
        self,
        model: Model,
        facts: ClusterFacts,
        scored: Mapping[str, dict[str, Any]],
        lines: Mapping[str, list[dict[str, Any]]],
    ) -> None:
        self._model = model
        self._plan = compile_model(model)
        self.facts = facts
        self.scored = scored
        self.lines = lines
        self.account_uids = {row["uid"] for row in facts.accounts}
        self._rows = {row["uid"]: row for row in (*facts.accounts, *facts.people)}
        self._people: dict[str, list[dict[str, Any]]] = {}
        for row in facts.people:
            self._people.setdefault(row["account"] or row["uid"], []).append(row)
        self._events: dict[str, list[dict[str, Any]]] = {}
        for event in facts.events:
            cluster = event["account"] if event["account"] in self.account_uids else event["person"]
            self._events.setdefault(cluster, []).append(event)
        self._opportunities: dict[str, list[dict[str, Any]]] = {}
        for row in facts.opportunities:
            for cluster in {row["account"], self._home(row["person"])} - {None}:
                self._opportunities.setdefault(str(cluster), []).append(row)

    def _home(self, person: str | None) -> str | None:
        row = self._rows.get(person or "")
        return self.cluster(row["uid"]) if row else None

    def cluster(self, uid: str) -> str:
        """The cluster of a subject: the account of a person, else itself."""
        if uid in self.account_uids:
            return uid
        return str(self._rows[uid]["account"] or uid)

    def is_converted(self, uid: str) -> bool:
        """Whether a subject is a lead that was converted into somebody who cannot be read."""
        return bool(self._rows[uid].get("converted"))

    def records(self, uid: str) -> list[dict[str, Any]]:
        """The CRM records that show a subject's score: the account, or the contact and its leads."""
        if uid in self.account_uids:
            return [self._rows[uid]]
        return self.facts.records[uid]

    def record_uids(self) -> list[str]:
        """Every CRM record that shows one of these scores."""
        people = [record["uid"] for records in self.facts.records.values() for record in records]
        return sorted({*self.account_uids, *people})

    def targets(self, *, linked_only: bool = False) -> list[tuple[str, RecordRef]]:
        """Where writes for these subjects can go; `linked_only` leaves out the subjects' own records."""
        own = [] if linked_only else [addressed(row) for row in self._rows.values()]
        linked = [record for root, records in self.facts.records.items() for record in records if record["uid"] != root]
        return own + [addressed(record) for record in linked]

    def situation(self, uid: str, scored: Mapping[str, Any], before: Mapping[str, Any] | None, now: int) -> Situation:
        """Everything that a play looks at, for a decided record."""
        row = self._rows[uid]
        people = self._people.get(uid, [])
        return Situation(
            uid=uid,
            connection=row["connection"],
            row=row,
            scored=scored,
            was=before["group"] if before else None,
            crossing=scored["crossing"],
            account=row if uid in self.account_uids else None,
            person=self._approach(uid, people),
            people=people,
            opportunities=self._opportunities.get(uid, []),
            events=self._events.get(uid, []),
            reasons=reasons(self._model, scored["segment"], self.lines.get(uid, [])).splitlines(),
            missing=[name for name in scored["missing_fields"].split(";") if name],
            now=now,
            asks=partial(self._asks, uid, now),
        )

    def _asks(self, uid: str, now: int) -> list[str]:
        """The missing facts of a record that would change its group, in words."""
        is_account, people = uid in self.account_uids, self._people.get(uid, [])
        events = tuple(
            Event(row["kind"], row["at"], row["person"], row["account"], row["asset"], row["uid"])
            for row in self._events.get(uid, [])
        )
        entity = Entity.ACCOUNT if is_account else Entity.PERSON
        before = self.facts.scores.get(uid)
        stood = (before["group"], before["group_since"]) if before else (None, None)
        subject = Subject(entity, uid, self._rows[uid] if is_account else None, tuple(people), events, *stood)
        who = self._approach(uid, people) if is_account else None
        evaluation = evaluate(self._model, subject, now, plan=self._plan)
        found = questions(self._model, evaluation, now, approach=who["uid"] if who else None)
        return [question.said({row["uid"]: row["name"] or row["uid"] for row in people}) for question in found]

    def _approach(self, uid: str, people: list[dict[str, Any]]) -> Mapping[str, Any] | None:
        """Whom to approach: of those not disqualified, the highest score, the uid deciding ties.

        A converted lead whose contact cannot be read takes no task.
        """
        able = [row for row in people if not self.scored[row["uid"]]["disqualified"] and not row["converted"]]
        if not able:
            return None
        return min(able, key=lambda row: (-self.scored[row["uid"]]["score"], row["uid"]))
