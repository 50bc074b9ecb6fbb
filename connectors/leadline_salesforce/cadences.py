"""Sales cadences: the trackers are read first, then the people who are not in yet are assigned.

A tracker's State: Initializing, Running, Processing and Paused keep the person in; Complete and Error do not,
so they may enter again. Assigning has no key of its own; the vendor keeps one active tracker per person and cadence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadline.sdk.errors import LeadlineError, PermanentError, UnknownOutcomeError
from leadline.sdk.records import Enrol
from leadline_salesforce import ids as record_ids
from leadline_salesforce import query
from leadline_salesforce.client import Client
from leadline_salesforce.errors import first_error
from leadline_salesforce.ledger import Ledger, Row
from leadline_salesforce.lookups import rows_where

BATCH = 50
_ASSIGN = "actions/standard/assignTargetToSalesCadence"
_ACTIVE = frozenset({"Initializing", "Running", "Processing", "Paused"})
# Who has been through the cadence was enrolled.
_WAS_IN = _ACTIVE | {"Complete"}
# What a user without Sales Engagement is told: the objects and the action are not there.
_NO_ACCESS = frozenset({"INVALID_TYPE", "NOT_FOUND", "INSUFFICIENT_ACCESS", "FUNCTIONALITY_NOT_ENABLED"})

Pair = tuple[str, str]  # 15 characters of the person's id, and of the cadence's


class Cadences:
    """Writes `Enrol`, and finds those of unknown outcome."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids: dict[str, str] = {}  # by name, as far as asked

    def push(self, enrolments: Sequence[tuple[int, Enrol]], ledger: Ledger) -> None:
        """Assign each who is not in already. LeadlineError only while nothing may be applied."""
        rows = [_row(place, effect) for place, effect in enrolments]
        try:
            ids = self._cadence_ids([effect.sequence for _, effect in enrolments])
            held = self._trackers([effect for _, effect in enrolments], ids, _ACTIVE)
        except PermanentError as error:
            if error.code not in _NO_ACCESS:
                raise
            for row in rows:
                ledger.refused(row, "CADENCE_NO_ACCESS", f"sales cadences cannot be seen: {error.message}")
            return
        todo: list[Row] = []
        pairs: dict[int, Pair] = {}
        again: list[tuple[Row, int]] = []
        for (place, effect), row in zip(enrolments, rows, strict=True):
            cadence = ids.get(effect.sequence)
            if cadence is None:
                words = f"no sales cadence is called {effect.sequence!r}, or it cannot be seen"
                ledger.refused(row, "CADENCE_NOT_FOUND", words)
                continue
            pair = (effect.person.id[:15], cadence[:15])
            if pair in held:
                ledger.unchanged(row, held[pair])
                continue
            if pair in pairs.values():
                again.append((row, next(first for first, taken in pairs.items() if taken == pair)))
                continue
            pairs[place] = pair
            todo.append(_row(place, effect, cadence))
        if todo:
            self._assign(todo, pairs, ids, ledger)
        for row, first in again:
            ledger.like(row, first)

    def _assign(self, rows: Sequence[Row], pairs: Mapping[int, Pair], ids: Mapping[str, str], ledger: Ledger) -> None:
        try:
            answers = self._client.write("POST", _ASSIGN, {"inputs": [row.body for row in rows]})
        except UnknownOutcomeError:
            ledger.unknown(rows)
            return
        except PermanentError as error:
            code = "CADENCE_NO_ACCESS" if error.code in _NO_ACCESS else error.code or "CALL_REFUSED"
            for row in rows:
                ledger.refused(row, code, error.message)
            return
        if not isinstance(answers, list) or len(answers) != len(rows) or not all(isinstance(a, dict) for a in answers):
            ledger.unknown(rows)
            return
        refused = []
        for row, answer in zip(rows, answers, strict=True):
            if answer.get("isSuccess"):
                ledger.written(row, (answer.get("outputValues") or {}).get("trackerId"))
            else:
                ledger.refused(row, *first_error(answer))
                refused.append(row)
        self._already_in(refused, pairs, ids, ledger)

    def _already_in(
        self, refused: Sequence[Row], pairs: Mapping[int, Pair], ids: Mapping[str, str], ledger: Ledger
    ) -> None:
        """Whoever was refused and is in by now was enrolled by somebody else since the trackers were read."""
        if not refused:
            return
        people = [str(row.body["targetId"]) for row in refused]
        try:
            held = self._held(people, sorted(set(ids.values())), _ACTIVE)
        except LeadlineError:
            return  # the refusals stand as they were given
        for row in refused:
            if tracker := held.get(pairs[row.place]):
                ledger.unchanged(row, tracker)

    def find(self, enrolments: Sequence[tuple[int, Enrol]], ledger: Ledger) -> None:
        """Look for each person's tracker. Unknown when trackers cannot be seen."""
        try:
            ids = self._cadence_ids([effect.sequence for _, effect in enrolments])
            held = self._trackers([effect for _, effect in enrolments], ids, _WAS_IN)
        except PermanentError:
            ledger.unknown(_row(place, effect) for place, effect in enrolments)
            return
        for place, effect in enrolments:
            cadence = ids.get(effect.sequence, "")
            ledger.found(_row(place, effect), held.get((effect.person.id[:15], cadence[:15])))

    def _trackers(self, enrolments: Sequence[Enrol], ids: Mapping[str, str], states: frozenset[str]) -> dict[Pair, str]:
        people = list(dict.fromkeys(effect.person.id for effect in enrolments))
        return self._held(people, sorted(set(ids.values())), states)

    def _held(self, people: Sequence[str], cadences: Sequence[str], states: frozenset[str]) -> dict[Pair, str]:
        """Tracker ids of those people who are in one of these states in one of these cadences."""
        fields = ("Id", "TargetId", "ActionCadenceId", "State")
        wanted = {"TargetId": people, "ActionCadenceId": cadences}
        return {
            (row["TargetId"][:15], row["ActionCadenceId"][:15]): str(row["Id"])
            for row in rows_where(self._client, "ActionCadenceTracker", fields, wanted)
            if row["State"] in states
        }

    def _cadence_ids(self, sequences: Sequence[str]) -> dict[str, str]:
        """The id of each cadence that is named by name or id; one that does not exist is missing."""
        # Check characters prove an id. Any text of 15 letters looks like one: a cadence of that name comes first.
        self._ids |= {name: name for name in sequences if len(name) == 18 and record_ids.normal(name)}
        asked = [name for name in dict.fromkeys(sequences) if name not in self._ids]
        # Names need not be unique: an active cadence is meant rather than a draft, and the older of two.
        found = list(rows_where(self._client, "ActionCadence", ("Id", "Name", "State"), {"Name": asked}, order="Id"))
        for row in sorted(found, key=lambda row: row["State"] != "Active"):
            self._ids.setdefault(str(row["Name"]), str(row["Id"]))
        for name in asked:
            if query.is_id(name) and any(char.isdigit() for char in name):
                self._ids.setdefault(name, name)
        return {name: self._ids[name] for name in sequences if name in self._ids}


def _row(place: int, effect: Enrol, cadence: str = "") -> Row:
    body: dict[str, Any] = {"salesCadenceNameOrId": cadence, "targetId": effect.person.id}
    if effect.owner_id:
        body["userId"] = effect.owner_id
    return Row(place, effect.key, body, effect.person.object, effect.person.id)
