"""Writing: one outcome per effect, in the order given, whatever happens on the way.

UpdateFields  Collections, 200 rows a call; more than 2,000 of one object as one Bulk 2.0 job
CreateTask    Collections upsert by Task.Leadline_Key__c, so that a repeat finds the first
Enrol         the cadence trackers are read first, then the people who are not in yet are assigned
JoinList      campaign members are read first, then created with the campaign's default status
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from leadline.sdk.ports import Runtime
from leadline.sdk.records import CreateTask, Effect, Enrol, JoinList, RowOutcome, UpdateFields
from leadline_salesforce.bulk_ingest import BulkIngest
from leadline_salesforce.cadences import Cadences
from leadline_salesforce.client import Client
from leadline_salesforce.collection import Collections
from leadline_salesforce.ledger import Ledger
from leadline_salesforce.locks import Order
from leadline_salesforce.members import Members
from leadline_salesforce.tasks import Tasks
from leadline_salesforce.updates import Updates

E = TypeVar("E")


class SalesforceSink:
    """The writing half of a connection."""

    def __init__(self, client: Client, runtime: Runtime) -> None:
        order = Order(client)
        collections = Collections(client, runtime, order)
        self._updates = Updates(client, collections, BulkIngest(client, runtime), order)
        self._tasks = Tasks(client, collections)
        self._cadences = Cadences(client)
        self._members = Members(client, collections)

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Apply effects of one kind; see `Sink.push`."""
        ledger = Ledger()
        if updates := _of(UpdateFields, effects):
            self._updates.push(updates, ledger)
        if tasks := _of(CreateTask, effects):
            self._tasks.push(tasks, ledger)
        if enrolments := _of(Enrol, effects):
            self._cadences.push(enrolments, ledger)
        if joins := _of(JoinList, effects):
            self._members.push(joins, ledger)
        return ledger.in_order(len(effects))

    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Read back effects of unknown outcome; see `Sink.find`."""
        ledger = Ledger()
        if updates := _of(UpdateFields, effects):
            self._updates.find(updates, ledger)
        if tasks := _of(CreateTask, effects):
            self._tasks.find(tasks, ledger)
        if enrolments := _of(Enrol, effects):
            self._cadences.find(enrolments, ledger)
        if joins := _of(JoinList, effects):
            self._members.find(joins, ledger)
        return ledger.in_order(len(effects))


def _of(kind: type[E], effects: Sequence[Effect]) -> list[tuple[int, E]]:
    """The effects of one kind with their places."""
    return [(place, effect) for place, effect in enumerate(effects) if isinstance(effect, kind)]
