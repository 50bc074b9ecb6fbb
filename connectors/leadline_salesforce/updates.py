"""Fields of existing records: by Collections, or by a bulk job when there are many; and reading them back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from leadline.sdk.errors import PermanentError
from leadline.sdk.records import UpdateFields
from leadline_salesforce.bulk_ingest import BulkIngest
from leadline_salesforce.client import Client
from leadline_salesforce.collection import BATCH, Collections
from leadline_salesforce.ledger import Ledger, Row, chunks
from leadline_salesforce.locks import Order
from leadline_salesforce.lookups import RETRIEVED, retrieve
from leadline_salesforce.owners import check_owners
from leadline_salesforce.payloads import same, update_body

BULK_ABOVE = 2_000
"""More rows of one object than this go by one bulk job (Salesforce's own advice)."""

T = TypeVar("T")


class Updates:
    """Writes `UpdateFields`, and reads back those of unknown outcome."""

    def __init__(self, client: Client, collections: Collections, bulk: BulkIngest, order: Order) -> None:
        self._client = client
        self._collections = collections
        self._bulk = bulk
        self._order = order

    def push(self, updates: Sequence[tuple[int, UpdateFields]], ledger: Ledger) -> None:
        """Write all; a record that stands twice is written twice, in order."""
        rows = [Row(place, e.key, update_body(e), e.target.object, e.target.id) for place, e in updates]
        for wave in waves(rows, key=lambda row: row.id[:15]):
            self._wave(wave, ledger)
        check_owners(self._client, rows, ledger)

    def _wave(self, rows: Sequence[Row], ledger: Ledger) -> None:
        # One call is one transaction, and takes its locks in the order of its rows: what they say of
        # their parents must do. Several calls are worth reading the parents.
        ordered = self._order.by_known_parent(rows) if len(rows) <= BATCH else self._order.by_parent(rows)
        single: list[Row] = []
        for kind in dict.fromkeys(row.object for row in ordered):
            of_kind = [row for row in ordered if row.object == kind]
            single += self._bulk.update(kind, of_kind, ledger) if len(of_kind) > BULK_ABOVE else of_kind
        if single:
            self._collections.send("PATCH", "composite/sobjects", single, ledger)

    def find(self, updates: Sequence[tuple[int, UpdateFields]], ledger: Ledger) -> None:
        """Read all back, 2,000 records a call. Rows that a running job may still change stay unknown."""
        objects = list(dict.fromkeys(effect.target.object for _, effect in updates))
        busy = self._bulk.unsettled(objects)
        for kind in objects:
            of_kind = [(place, effect) for place, effect in updates if effect.target.object == kind]
            if kind in busy:
                ledger.unknown(Row(place, effect.key, {}) for place, effect in of_kind)
                continue
            for some in chunks(of_kind, RETRIEVED):
                self._find(kind, some, ledger)

    def _find(self, kind: str, some: Sequence[tuple[int, UpdateFields]], ledger: Ledger) -> None:
        fields = sorted({name for _, effect in some for name in effect.values})
        ids = list(dict.fromkeys(effect.target.id for _, effect in some))
        try:
            rows = retrieve(self._client, kind, fields, ids)
        except PermanentError:
            # A field or object that cannot be seen has not taken a value: the next push is refused and says why.
            rows = {}
        for place, effect in some:
            # In the org's spelling, which a write need not have.
            row = rows.get(effect.target.id[:15])
            held = {name.lower(): value for name, value in row.items()} if row is not None else None
            there = held is not None and all(same(held.get(name.lower()), v) for name, v in effect.values.items())
            ledger.found(Row(place, effect.key, {}), effect.target.id if there else None)


def waves(rows: Sequence[T], *, key: Callable[[T], Hashable]) -> list[list[T]]:
    """The rows in as few lists as keep equal keys apart, in order."""
    if len({key(row) for row in rows}) == len(rows):
        return [list(rows)] if rows else []
    lists: list[list[T]] = []
    seen: dict[Hashable, int] = {}
    for row in rows:
        turn = seen.get(key(row), 0)
        seen[key(row)] = turn + 1
        if turn == len(lists):
            lists.append([])
        lists[turn].append(row)
    return lists
