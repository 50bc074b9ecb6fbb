"""Keeping out of the way of row locks.

Salesforce locks a record's parent while it writes the record: two writers with children of one account
in different batches refuse each other, or wait in circles. Rows of one parent therefore stand together, and
everybody who takes parents in the order of their ids takes them in the same order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from leadline.sdk.errors import PermanentError
from leadline_salesforce.client import Client
from leadline_salesforce.ledger import Row, chunks
from leadline_salesforce.lookups import RETRIEVED, retrieve

PARENTS: Mapping[str, str] = {
    "Contact": "AccountId", "Opportunity": "AccountId", "Case": "AccountId", "CampaignMember": "CampaignId",
    "OpportunityContactRole": "OpportunityId",
}  # fmt: skip
"""The lookup whose record is locked when one of these is written."""

_SIZES = (200, 100, 50, 25, 12)
_FIRST_WAIT = 1.0  # seconds; a lock is held for a transaction, seconds at most


class Rounds:
    """Tries of locked rows: how long to wait before each, and how many rows to send in a batch then."""

    def __iter__(self) -> Iterator[tuple[float, int]]:
        """(seconds to wait, rows in a batch): at once with all, then longer and with half as many each time."""
        for turn, size in enumerate(_SIZES):
            wait = 0.0 if turn == 0 else _FIRST_WAIT * 2 ** (turn - 1)
            yield wait * (0.5 + random.random()), size  # noqa: S311 - spreads writers, no secret


class Order:
    """Rows in the order in which to write them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._hidden: set[str] = set()  # objects whose parent this user may not read

    def by_known_parent(self, rows: Sequence[Row]) -> list[Row]:
        """By object, parent as far as the rows themselves name it, and id. Costs no call."""
        return sorted(rows, key=lambda row: (row.object, str(row.body.get(PARENTS.get(row.object, "")) or ""), row.id))

    def by_parent(self, rows: Sequence[Row]) -> list[Row]:
        """By object, parent and id, with the parents read from the org: a call for each 2,000 rows."""
        parents: dict[str, str] = {}
        for kind in dict.fromkeys(row.object for row in rows):
            field = PARENTS.get(kind)
            if field is not None and kind not in self._hidden:
                parents |= self._parents(kind, field, [row.id for row in rows if row.object == kind])
        return sorted(rows, key=lambda row: (row.object, parents.get(row.id, ""), row.id))

    def _parents(self, kind: str, field: str, ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for some in chunks(ids, RETRIEVED):
            try:
                rows = retrieve(self._client, kind, [field], some)
            except PermanentError:
                # The order helps and is not needed: without a view of the parents ids must do.
                self._hidden.add(kind)
                return {}
            found |= {one: str(rows[one[:15]][field] or "") for one in some if one[:15] in rows}
        return found
