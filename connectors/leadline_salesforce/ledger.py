"""Effects on their way as rows, and how each of one push ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leadline.sdk.records import Outcome, RowOutcome
from leadline_salesforce.errors import not_applied, refusal, vendor_refusal


@dataclass(frozen=True, slots=True)
class Row:
    """One effect on its way: its place among the effects, its key, what is sent, and the record it is about.

    `object` and `id` are of the record to be changed; a row that creates one has no id.
    """

    place: int
    key: str
    body: Mapping[str, Any]
    object: str = ""
    id: str = ""


class Ledger:
    """How the effects of one push ended, by their places."""

    def __init__(self) -> None:
        self._ended: dict[int, RowOutcome] = {}
        self.maybe_applied = False
        """Whether the org has, or may have, taken anything of this push. Until then an error may be raised."""

    def written(self, row: Row, record_id: str | None) -> None:
        self.maybe_applied = True
        self._ended[row.place] = RowOutcome(row.key, Outcome.WRITTEN, record_id=record_id)

    def unchanged(self, row: Row, record_id: str | None) -> None:
        self._ended[row.place] = RowOutcome(row.key, Outcome.UNCHANGED, record_id=record_id)

    def unknown(self, rows: Iterable[Row]) -> None:
        """What became of these must be read back."""
        for row in rows:
            self.maybe_applied = True
            self._ended[row.place] = RowOutcome(row.key, Outcome.UNKNOWN)

    def later(self, rows: Iterable[Row]) -> None:
        """These were certainly not applied, and are to be sent again: reading back says so and plans them again."""
        self.unknown(rows)

    def refused(self, row: Row, code: str, message: str) -> None:
        self._ended[row.place] = RowOutcome(row.key, Outcome.REFUSED, refusal(code, message))

    def answered(self, row: Row, answer: Mapping[str, Any]) -> None:
        """The vendor's answer to one row of a collection."""
        if answer.get("success"):
            self.written(row, answer.get("id"))
        else:
            self._ended[row.place] = RowOutcome(row.key, Outcome.REFUSED, vendor_refusal(answer))

    def found(self, row: Row, record_id: str | None) -> None:
        """What reading back showed: the record, or None when the effect certainly is not there."""
        if record_id is not None:
            self.written(row, record_id)
        else:
            self._ended[row.place] = RowOutcome(row.key, Outcome.REFUSED, not_applied())

    def like(self, row: Row, first: int) -> None:
        """The row asks for what the effect at the place `first` asked for already, and ends like that."""
        ended = self._ended[first]
        if ended.outcome is Outcome.WRITTEN:
            self.unchanged(row, ended.record_id)
        else:
            self._ended[row.place] = replace(ended, key=row.key)

    def ended(self, row: Row) -> RowOutcome | None:
        return self._ended.get(row.place)

    def in_order(self, count: int) -> list[RowOutcome]:
        """One outcome per effect. KeyError when one was forgotten, which is a defect."""
        return [self._ended[place] for place in range(count)]


def chunks(rows: Sequence[Any], size: int) -> Iterable[list[Any]]:
    """The rows in lists of at most `size`."""
    return (list(rows[start : start + size]) for start in range(0, len(rows), size))
