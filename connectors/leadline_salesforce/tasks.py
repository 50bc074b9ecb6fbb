"""To-dos, made once for one key: upserted by the unique `Task.Leadline_Key__c`, found by it afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import CreateTask, Outcome
from leadline_salesforce.client import Client
from leadline_salesforce.collection import Collections
from leadline_salesforce.ledger import Ledger, Row
from leadline_salesforce.lookups import rows_where
from leadline_salesforce.payloads import TASK_KEY, task_body
from leadline_salesforce.updates import waves

_BY_KEY = f"composite/sobjects/Task/{TASK_KEY}"
_DUPLICATE = "DUPLICATE_VALUE"


class Tasks:
    """Writes `CreateTask`, and finds those of unknown outcome."""

    def __init__(self, client: Client, collections: Collections) -> None:
        self._client = client
        self._collections = collections

    def push(self, tasks: Sequence[tuple[int, CreateTask]], ledger: Ledger) -> None:
        """Make each, or find that it is there."""
        rows = [Row(place, effect.key, task_body(effect), "Task") for place, effect in tasks]
        # The vendor compares keys without regard to case, and refuses one that stands twice in a call.
        for wave in waves(rows, key=lambda row: row.key.casefold()):
            self._collections.send("PATCH", _BY_KEY, wave, ledger)
        self._own_duplicates(rows, ledger)

    def _own_duplicates(self, rows: Iterable[Row], ledger: Ledger) -> None:
        """A duplicate whose holder carries our own key is the task itself: somebody was faster with the same call."""
        doubled = [row for row in rows if _refused_with(ledger, row) == _DUPLICATE]
        if not doubled:
            return
        try:
            held = self._by_key([row.key for row in doubled])
        except LeadlineError:
            ledger.unknown(doubled)
            return
        for row in doubled:
            if record_id := held.get(row.key.casefold()):
                ledger.written(row, record_id)

    def find(self, tasks: Sequence[tuple[int, CreateTask]], ledger: Ledger) -> None:
        """Look for each by its key, deleted ones too: a task that somebody threw away was written."""
        held = self._by_key([effect.key for _, effect in tasks])
        for place, effect in tasks:
            ledger.found(Row(place, effect.key, {}), held.get(effect.key.casefold()))

    def _by_key(self, keys: Sequence[str]) -> dict[str, str]:
        held: dict[str, str] = {}
        for row in rows_where(self._client, "Task", ("Id", TASK_KEY), {TASK_KEY: keys}, include_deleted=True):
            held[str(row[TASK_KEY]).casefold()] = str(row["Id"])
        return held


def _refused_with(ledger: Ledger, row: Row) -> str:
    ended = ledger.ended(row)
    return ended.refusal.code if ended and ended.outcome is Outcome.REFUSED and ended.refusal else ""
