"""Owners that do not stay.

An org may answer "success" and keep the old owner: a trigger or flow gave the record back. Rows that wrote an
owner are read once more, and one that belongs to somebody else is told as refused, with who must act.
"""

from __future__ import annotations

from collections.abc import Sequence

from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import Outcome
from leadline_salesforce.client import Client
from leadline_salesforce.ledger import Ledger, Row, chunks
from leadline_salesforce.lookups import RETRIEVED, retrieve
from leadline_salesforce.payloads import same

OWNER = "OwnerId"
NOT_KEPT = "OWNER_NOT_KEPT"


def check_owners(client: Client, rows: Sequence[Row], ledger: Ledger) -> None:
    """Correct the outcome of written rows whose owner is another now: one call for each 2,000 of an object."""
    moved = [row for row in rows if row.body.get(OWNER) and _written(row, ledger)]
    for kind in dict.fromkeys(row.object for row in moved):
        for some in chunks([row for row in moved if row.object == kind], RETRIEVED):
            _check(client, kind, some, ledger)


def _check(client: Client, kind: str, rows: Sequence[Row], ledger: Ledger) -> None:
    try:
        held = retrieve(client, kind, [OWNER], [row.id for row in rows])
    except LeadlineError:
        ledger.unknown(rows)  # written, but not seen: reading back later tells
        return
    for row in rows:
        record = held.get(row.id[:15])
        if record is not None and not same(record[OWNER], row.body[OWNER]):
            ledger.refused(
                row, NOT_KEPT, f"the owner was set to {row.body[OWNER]}, and the record belongs to {record[OWNER]}"
            )


def _written(row: Row, ledger: Ledger) -> bool:
    ended = ledger.ended(row)
    return ended is not None and ended.outcome is Outcome.WRITTEN
