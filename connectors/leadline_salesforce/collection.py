"""Collections: up to 200 rows in one call, each with an answer of its own.

A call is answered 200 even when rows failed. Rows that the org was too busy for are sent again, later and
in smaller batches; a call that is refused as a whole, for what one of its rows holds, is halved until
that row stands alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leadline.sdk.errors import LeadlineError, PermanentError, UnknownOutcomeError
from leadline.sdk.ports import Runtime
from leadline_salesforce.client import Client
from leadline_salesforce.errors import busy, first_error, smaller_may_do
from leadline_salesforce.ledger import Ledger, Row, chunks
from leadline_salesforce.locks import Order, Rounds

BATCH = 200
_MAX_OBJECTS = 10  # chunks of one object each, in one collection
_MOST_HALVINGS = 40  # calls spent on finding the rows for which a call is refused: five such rows of 200


class Collections:
    """Writes rows by Collections calls and notes how each ended."""

    def __init__(self, client: Client, runtime: Runtime, order: Order) -> None:
        self._client = client
        self._runtime = runtime
        self._order = order

    def send(self, method: str, path: str, rows: Sequence[Row], ledger: Ledger) -> None:
        """Write the rows in their order. LeadlineError only while nothing of the ledger's push may be applied."""
        waiting = list(rows)
        for turn, (wait, size) in enumerate(Rounds()):
            if turn:
                self._runtime.sleep(wait)
            waiting = self._round(method, path, waiting, size, ledger)
            if not waiting:
                return
            if turn == 0:
                waiting = self._regrouped(waiting)
        # Locks that outlast all tries. What ran into a limit of the org's automation keeps the refusal it got.
        ledger.later(row for row in waiting if self._only_busy(row, ledger))

    def _round(self, method: str, path: str, rows: Sequence[Row], size: int, ledger: Ledger) -> list[Row]:
        """Send all once; the rows to be sent again."""
        again: list[Row] = []
        for batch in batches(rows, size):
            for row, answer in self._call(method, path, batch, ledger):
                ledger.answered(row, answer)
                if not answer.get("success") and smaller_may_do(*first_error(answer)):
                    again.append(row)
        return again

    def _call(self, method: str, path: str, rows: Sequence[Row], ledger: Ledger) -> list[tuple[Row, Mapping[str, Any]]]:
        """The rows that have an answer, with it. The others are in the ledger."""
        answered: list[tuple[Row, Mapping[str, Any]]] = []
        parts, halvings = [list(rows)], 0
        while parts:
            part = parts.pop(0)
            try:
                answers = self._client.write(method, path, {"allOrNone": False, "records": [row.body for row in part]})
            except UnknownOutcomeError:
                ledger.unknown(part)
            except PermanentError as error:
                if len(part) > 1 and halvings < _MOST_HALVINGS and not _same_for_all(part, error):
                    halvings += 2
                    middle = len(part) // 2
                    parts[:0] = [part[:middle], part[middle:]]
                    continue
                for row in part:
                    ledger.refused(row, error.code or "CALL_REFUSED", error.message)
            except LeadlineError:
                if not ledger.maybe_applied and not answered:
                    raise
                # Certainly not applied, but rows before these were.
                ledger.later([*part, *(row for rest in parts for row in rest)])
                parts = []
            else:
                if _answer_each(part, answers):
                    answered += zip(part, answers, strict=True)
                else:
                    ledger.unknown(part)
        return answered

    def _regrouped(self, rows: Sequence[Row]) -> list[Row]:
        """Locked rows with those of one parent together, so that a smaller batch meets fewer locks."""
        try:
            return self._order.by_parent(rows)
        except LeadlineError:
            return list(rows)  # if the org is out of reach, the write that follows will say so

    def _only_busy(self, row: Row, ledger: Ledger) -> bool:
        ended = ledger.ended(row)
        return ended is not None and ended.refusal is not None and busy(ended.refusal.code, ended.refusal.message)


def batches(rows: Sequence[Row], size: int) -> Iterable[list[Row]]:
    """Calls of at most `size` rows in which rows of one object stand together, at most ten objects in each."""
    kinds = list(dict.fromkeys(row.object for row in rows))
    for some in chunks(kinds, _MAX_OBJECTS):
        yield from chunks([row for kind in some for row in rows if row.object == kind], size)


def _answer_each(rows: Sequence[Row], answers: object) -> bool:
    """Whether these are answers to these rows: one for each, and none that names another record."""
    if not isinstance(answers, list) or len(answers) != len(rows):
        return False
    return all(
        isinstance(answer, dict) and not (row.id and answer.get("id") and str(answer["id"])[:15] != row.id[:15])
        for row, answer in zip(rows, answers, strict=True)
    )


def _same_for_all(rows: Sequence[Row], error: PermanentError) -> bool:
    """Whether each of these would be refused alike: the object or a field that all of them name is not there."""
    if error.code not in ("INVALID_FIELD", "INVALID_TYPE", "NOT_FOUND"):
        return False
    return len({(row.object, *sorted(row.body)) for row in rows}) == 1
