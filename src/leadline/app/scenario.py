"""The demo's scenario: choose a nurture account, let somebody there act in the CRM, let time pass."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline import config
from leadline.app import backfill as backfilling
from leadline.app import sync as syncing
from leadline.app.bootstrap import LiveConnection, Project, open_project
from leadline.app.doctor import Examined, examine
from leadline.app.explaining import Told, next_change, tell
from leadline.app.lookup import Ranked, ranked
from leadline.app.subjects import subject_from
from leadline.core.decisions.suppression import held_back
from leadline.core.entities import Entity
from leadline.core.scoring.explain import explain
from leadline.core.scoring.groups import every_group
from leadline.core.scoring.subject import Event
from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import CreateTask
from leadline.store.facts import load_facts, load_owners
from leadline.store.outbox import load_effect
from leadline.store.scores import count_groups, count_scores, list_queue, list_subject_effects

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.events import Listener
    from leadline.app.rehearsal import LocalCrm
    from leadline.core.normalize.mapping import Reading

ACTS = ("pricing_page_view", "demo_request")
_ALL = 100_000
_CANDIDATES = 300
_LITTLE = 4_000  # thousandths of a point
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Visit:
    """Who will act, and at which account. `person` is a canonical row."""

    account: str
    account_name: str
    person: Mapping[str, Any]
    person_name: str
    connection: str


class Scenario:
    """A project and its local CRMs, moved through time together."""

    def __init__(self, project: Project, crms: Mapping[str, LocalCrm]) -> None:
        self._project = project
        self._crms = crms
        self._ahead = 0
        project.now = lambda: int(time.time()) + self._ahead

    @classmethod
    @contextmanager
    def open(cls, folder: Path, crms: Mapping[str, LocalCrm]) -> Iterator[Scenario]:
        """Open the project in `folder`."""
        with open_project(config.load(folder)) as project:
            yield cls(project, crms)

    def examine(self) -> list[Examined]:
        """What `doctor` finds."""
        return list(examine(self._project.settings))

    def forecast(self) -> list[backfilling.Forecast]:
        """What `backfill --dry-run` predicts."""
        return backfilling.forecast(self._project)

    def backfill(self, listener: Listener) -> syncing.Report:
        """The backfill."""
        return backfilling.backfill(self._project, listener)

    def sync(self) -> syncing.Report:
        """A sync."""
        return syncing.sync(self._project, lambda _: None)

    def groups(self) -> dict[str, int]:
        """Accounts by group, best first."""
        with self._project.reading().begin() as connection:
            counts = count_groups(connection, Entity.ACCOUNT.value)
        return {name: counts.get(name, 0) for name in every_group(self._project.model)}

    def subjects(self) -> int:
        """How many records have a score."""
        with self._project.reading().begin() as connection:
            return count_scores(connection)

    def queue(self, limit: int) -> list[Ranked]:
        """The top of the queue."""
        return ranked(self._project, limit=limit)

    def tell(self, uid: str) -> Told:
        """One record explained."""
        return tell(self._project, uid)

    def choose(self) -> Visit:
        """A nurture account that a pricing view and a demo request would lift into the best group."""
        names = every_group(self._project.model)
        nurture = {name: 0 for name in names if name == "nurture"}
        with self._project.reading().begin() as connection:
            rows = list_queue(connection, nurture, owners=None, limit=_ALL)
            # Little interest so far: what happens next is then the visitor's doing.
            rows = [row for row in rows if row["intent"] < _LITTLE][:_CANDIDATES]
            away = self._away(connection)
            tried = [found for row in rows if (found := self._try(connection, row, best=names[0], away=away))]
        if not tried:
            raise LeadlineError("no nurture account of this world would cross; choose another --seed")
        return min(tried, key=lambda found: found[0])[1]

    def _away(self, connection: Connection) -> frozenset[str]:
        """Owners who are inactive; their accounts are handed to somebody else."""
        names = self._project.settings.connections
        return frozenset(
            row["uid"] for name in names for row in load_owners(connection, name) if row["active"] is False
        )

    def _try(
        self, connection: Connection, row: Mapping[str, Any], *, best: str, away: frozenset[str]
    ) -> tuple[tuple[bool, int], Visit] | None:
        """A visit that would lift this account into the best group, and how well it suits the story.

        Best is an account that needs a new owner, then one that age takes out of the group soonest.
        """
        facts = load_facts(connection, [row["uid"]])
        if not facts.accounts:
            return None
        account, now = facts.accounts[0], self._project.now()
        rules = self._project.model.suppress
        if held_back(rules, account=account, opportunities=facts.opportunities, events=facts.events, now=now):
            return None
        subject = subject_from(facts, Entity.ACCOUNT, row["uid"])
        for person in facts.people:
            if not person["email"] or person["opted_out"] or not person["name"]:
                continue
            acts = tuple(Event(kind, now, person["uid"], row["uid"]) for kind in ACTS)
            then = explain(self._project.model, replace(subject, events=subject.events + acts), now)
            leaves = next_change(self._project.model, then)
            if then.evaluation.group == best and leaves is not None:
                visit = Visit(row["uid"], account["name"], person, person["name"], account["connection"])
                return (account["owner"] not in away, leaves), visit
        return None

    def happen(self, visit: Visit) -> None:
        """The person acts, in the CRM, as a user's website would record it."""
        crm = self._crms[visit.connection]
        live = self._project.connections[visit.connection]
        for kind in ACTS:
            at = datetime.fromtimestamp(self._project.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            crm.control("records", creation(live, visit.person, kind, at))

    def tasks(self, visit: Visit) -> list[CreateTask]:
        """The tasks that were created for the account."""
        with self._project.reading().begin() as connection:
            rows = list_subject_effects(connection, visit.account)
        effects = [load_effect(row["kind"], row["payload"]) for row in rows if row["kind"] == "task"]
        return [effect for effect in effects if isinstance(effect, CreateTask)]

    def wait(self, visit: Visit) -> Iterator[tuple[int, syncing.Report]]:
        """Move the CRMs and the worker to the moment at which the account's group changes by age alone, and sync."""
        moment = self.tell(visit.account).next_change_at
        if moment is None:
            raise LeadlineError("the account's group does not change by age alone")
        step = moment - self._project.now() + 1
        self._ahead += step
        for crm in self._crms.values():
            crm.control("clock", {"advance_seconds": step})
        yield self._project.now(), self.sync()


def creation(live: LiveConnection, person: Mapping[str, Any], kind: str, at: str) -> dict[str, Any]:
    """What a CRM's user does to record that somebody acted: the mapping of activities, read backwards.

    LeadlineError when the mapping has no object that could hold it.
    """
    for name, of_object in live.mapping.objects.items():
        readings = {reading.field.name: reading for reading in of_object.readings}
        if of_object.entity is not Entity.ACTIVITY or not {"kind", "at", "person"} <= readings.keys():
            continue
        words = [word for word, meant in readings["kind"].values.items() if meant == kind]
        if not words or readings["kind"].joint is not None:
            continue
        who = _person_link(live, name, readings["person"], person)
        if who is not None:
            fields = {readings["kind"].sources[0]: words[0], readings["at"].sources[0]: at}
            return {"action": "create", "object": name, "fields": {**fields, **who[0]}, "links": who[1]}
    raise LeadlineError(f"the mapping of {live.name} has no object that records a {kind}")


def _person_link(
    live: LiveConnection, name: str, reading: Reading, person: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, list[str]]] | None:
    """Fields and links through which an activity names this person."""
    if person["object"] in reading.associations:
        return {}, {person["object"]: [person["source_id"]]}
    fields = live.connection.schema(name).fields
    for source in reading.sources:
        if source in fields and person["object"] in fields[source].references:
            return {source: person["source_id"]}, {}
    return None
