"""Writing: one outcome per effect, in the order given, whatever happens on the way.

UpdateFields  Collections PATCH, up to 200 rows of at most 10 objects in one call
CreateTask    Collections upsert by Task.Leadline_Key__c, so that a repeat finds the first
Enrol         the cadence trackers are read first, then the people who are not in yet are assigned
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from leadline.sdk.errors import LeadlineError, PermanentError, UnknownOutcomeError
from leadline.sdk.ports import Runtime
from leadline.sdk.records import Actor, CreateTask, Effect, Enrol, Outcome, Refusal, RowOutcome, UpdateFields
from leadline_salesforce import query
from leadline_salesforce.client import Client
from leadline_salesforce.errors import ROW_RETRIES, not_applied, refusal
from leadline_salesforce.payloads import same, task_body, update_body

UPDATE_BATCH = 200
TASK_BATCH = 200
_MAX_OBJECTS = 10  # chunks of one object each, in one collection
_ROW_ATTEMPTS = 3
_ASSIGN = "actions/standard/assignTargetToSalesCadence"
# A tracker in one of these states keeps the person in the cadence.
_ACTIVE = frozenset({"Initializing", "Running", "Paused", "Processing"})

T = TypeVar("T")
# Where the row stands in the effects, its effect's key, and its body.
Rows: TypeAlias = Sequence[tuple[int, str, Mapping[str, Any]]]


class SalesforceSink:
    """The writing half of a connection."""

    def __init__(self, client: Client, runtime: Runtime) -> None:
        self._client = client
        self._runtime = runtime
        self._cadences: dict[str, str] = {}  # ids by name, as far as asked

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Apply effects of one kind; see `Sink.push`."""
        updates, tasks, enrolments = _by_kind(effects)
        outcomes: dict[int, RowOutcome] = {}
        if updates:
            for call in _update_calls(updates):
                self._collection("PATCH", "composite/sobjects", [(i, e.key, update_body(e)) for i, e in call], outcomes)
        elif tasks:
            rows = [(i, e.key, task_body(e)) for i, e in tasks]
            for wave in _waves(rows, key=lambda row: row[1]):
                self._collection("PATCH", "composite/sobjects/Task/Leadline_Key__c", wave, outcomes)
        else:
            self._enrol(enrolments, outcomes)
        return [outcomes[index] for index in range(len(effects))]

    def _collection(
        self,
        method: str,
        path: str,
        rows: Rows,
        outcomes: dict[int, RowOutcome],
    ) -> None:
        """One call, and up to two more for the rows that were locked by somebody else."""
        for attempt in range(1, _ROW_ATTEMPTS + 1):
            body = {"allOrNone": False, "records": [record for _, _, record in rows]}
            answers = self._answers(method, path, body, rows, outcomes)
            if answers is None:
                return
            locked = []
            for row, answer in zip(rows, answers, strict=True):
                outcomes[row[0]] = _row_outcome(row[1], answer)
                if _codes(answer) & ROW_RETRIES:
                    locked.append(row)
            if not locked or attempt == _ROW_ATTEMPTS:
                return
            rows = locked
            self._runtime.sleep(attempt + random.random())  # noqa: S311 - spreads retries

    def _answers(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        rows: Rows,
        outcomes: dict[int, RowOutcome],
    ) -> list[Mapping[str, Any]] | None:
        """The answer per row, or None when the rows' outcomes are decided already by how the call failed.

        An error is raised only as long as nothing of this push has been applied.
        """
        try:
            answers = self._client.write(method, path, body)
        except UnknownOutcomeError:
            outcomes.update({index: RowOutcome(key, Outcome.UNKNOWN) for index, key, _ in rows})
            return None
        except PermanentError as error:
            # The call as a whole was refused, for what one of its rows holds.
            outcomes.update({index: _refused(key, error.code, error.message) for index, key, _ in rows})
            return None
        except LeadlineError:
            if not outcomes:
                raise
            # Certainly not applied, but rows before these were: reading back will say so. Rows that
            # came back locked keep that answer.
            outcomes.update({i: RowOutcome(key, Outcome.UNKNOWN) for i, key, _ in rows if i not in outcomes})
            return None
        if not isinstance(answers, list) or len(answers) != len(rows):
            outcomes.update({index: RowOutcome(key, Outcome.UNKNOWN) for index, key, _ in rows})
            return None
        return answers

    def _enrol(self, enrolments: Sequence[tuple[int, Enrol]], outcomes: dict[int, RowOutcome]) -> None:
        active = self._trackers([e for _, e in enrolments], _ACTIVE)
        known = self._cadence_ids([e.sequence for _, e in enrolments])
        todo: list[tuple[int, str, Mapping[str, Any]]] = []
        taken: set[tuple[str, str]] = set()
        for index, effect in enrolments:
            if effect.sequence not in known:
                outcomes[index] = RowOutcome(effect.key, Outcome.REFUSED, _no_cadence(effect.sequence))
                continue
            pair = (effect.person.id, effect.sequence)
            if pair in active or pair in taken:
                outcomes[index] = RowOutcome(effect.key, Outcome.UNCHANGED, record_id=active.get(pair))
                continue
            taken.add(pair)
            owner = {"userId": effect.owner_id} if effect.owner_id else {}
            target = {"salesCadenceNameOrId": known[effect.sequence], "targetId": effect.person.id}
            todo.append((index, effect.key, target | owner))
        if not todo:
            return
        answers = self._answers("POST", _ASSIGN, {"inputs": [body for _, _, body in todo]}, todo, outcomes)
        for (index, key, _), answer in zip(todo, answers or (), strict=False):
            outcomes[index] = _action_outcome(key, answer)

    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Read back effects of unknown outcome; see `Sink.find`."""
        updates, tasks, enrolments = _by_kind(effects)
        outcomes: dict[int, RowOutcome] = {}
        self._find_updates(updates, outcomes)
        self._find_tasks(tasks, outcomes)
        self._find_enrolments(enrolments, outcomes)
        return [outcomes[index] for index in range(len(effects))]

    def _find_updates(self, updates: Sequence[tuple[int, UpdateFields]], outcomes: dict[int, RowOutcome]) -> None:
        for kind in dict.fromkeys(effect.target.object for _, effect in updates):
            of_object = [(index, effect) for index, effect in updates if effect.target.object == kind]
            for some in _chunks(of_object, UPDATE_BATCH):
                fields = sorted({name for _, effect in some for name in effect.values})
                ids = list(dict.fromkeys(effect.target.id for _, effect in some))
                rows = self._rows(query.by_id(kind, fields, ids))
                held = {row["Id"][:15]: row for row in rows}
                for index, effect in some:
                    row = held.get(effect.target.id[:15])
                    there = row is not None and all(same(row[n], value) for n, value in effect.values.items())
                    outcomes[index] = _found(effect, effect.target.id if there else None)

    def _find_tasks(self, tasks: Sequence[tuple[int, CreateTask]], outcomes: dict[int, RowOutcome]) -> None:
        for some in _chunks(tasks, TASK_BATCH):
            # Deleted ones count: a task that somebody threw away was written.
            rows = self._rows(query.tasks_by_key([effect.key for _, effect in some]), include_deleted=True)
            held = {str(row["Leadline_Key__c"]).casefold(): str(row["Id"]) for row in rows}
            for index, effect in some:
                outcomes[index] = _found(effect, held.get(effect.key.casefold()))

    def _find_enrolments(self, enrolments: Sequence[tuple[int, Enrol]], outcomes: dict[int, RowOutcome]) -> None:
        for some in _chunks(enrolments, UPDATE_BATCH):
            # A finished tracker counts as well: the person was enrolled.
            held = self._trackers([effect for _, effect in some], _ACTIVE | {"Complete"})
            for index, effect in some:
                outcomes[index] = _found(effect, held.get((effect.person.id, effect.sequence)))

    def _trackers(self, enrolments: Sequence[Enrol], states: frozenset[str]) -> dict[tuple[str, str], str]:
        """Tracker ids by (person, cadence), as the effects write them."""
        if not enrolments:
            return {}
        people = list(dict.fromkeys(effect.person.id for effect in enrolments))
        ids = self._cadence_ids([effect.sequence for effect in enrolments])
        if not ids:
            return {}
        rows = self._rows(query.trackers(people, sorted(set(ids.values()))))
        held = {
            (row["TargetId"][:15], row["ActionCadenceId"][:15]): str(row["Id"])
            for row in rows
            if row["State"] in states
        }
        pairs = {(effect.person.id, effect.sequence) for effect in enrolments if effect.sequence in ids}
        return {pair: held[key] for pair in pairs if (key := (pair[0][:15], ids[pair[1]][:15])) in held}

    def _cadence_ids(self, sequences: Sequence[str]) -> dict[str, str]:
        """The id of each cadence that is named by name or id; one that does not exist is missing."""
        asked = [name for name in dict.fromkeys(sequences) if name not in self._cadences and not query.is_id(name)]
        if asked:
            for row in self._rows(query.cadences_by_name(asked)):
                self._cadences.setdefault(str(row["Name"]), str(row["Id"]))
        return {
            name: name if query.is_id(name) else self._cadences[name]
            for name in sequences
            if query.is_id(name) or name in self._cadences
        }

    def _rows(self, soql: str, *, include_deleted: bool = False) -> list[Mapping[str, Any]]:
        page = self._client.query(soql, include_deleted=include_deleted)
        rows: list[Mapping[str, Any]] = list(page["records"])
        while not page["done"]:
            page = self._client.more(page["nextRecordsUrl"])
            rows += page["records"]
        return rows


def _no_cadence(name: str) -> Refusal:
    return Refusal(
        "CADENCE_NOT_FOUND",
        f"no sales cadence is called {name!r}, or it cannot be seen",
        Actor.LEADLINE_ADMIN,
        "Name an existing cadence under `sequences` in the mapping, or share it with the integration user.",
    )


def _by_kind(
    effects: Sequence[Effect],
) -> tuple[list[tuple[int, UpdateFields]], list[tuple[int, CreateTask]], list[tuple[int, Enrol]]]:
    numbered = list(enumerate(effects))
    return (
        [(index, effect) for index, effect in numbered if isinstance(effect, UpdateFields)],
        [(index, effect) for index, effect in numbered if isinstance(effect, CreateTask)],
        [(index, effect) for index, effect in numbered if isinstance(effect, Enrol)],
    )


def _update_calls(updates: Sequence[tuple[int, UpdateFields]]) -> Iterable[list[tuple[int, UpdateFields]]]:
    """Calls in which no record stands twice and rows of one object stand together, at most ten objects."""
    for wave in _waves(updates, key=lambda row: row[1].target.id[:15]):
        kinds = list(dict.fromkeys(effect.target.object for _, effect in wave))
        for some in _chunks(kinds, _MAX_OBJECTS):
            rows = [row for kind in some for row in wave if row[1].target.object == kind]
            yield from _chunks(rows, UPDATE_BATCH)


def _waves(rows: Sequence[T], *, key: Any) -> list[list[T]]:
    """The rows in as few lists as keep equal keys apart, in order."""
    waves: list[list[T]] = []
    seen: dict[Any, int] = {}
    for row in rows:
        turn = seen.get(key(row), 0)
        seen[key(row)] = turn + 1
        if turn == len(waves):
            waves.append([])
        waves[turn].append(row)
    return waves


def _chunks(rows: Sequence[T], size: int) -> Iterable[list[T]]:
    return (list(rows[start : start + size]) for start in range(0, len(rows), size))


def _codes(answer: Mapping[str, Any]) -> set[str]:
    return {str(error.get("statusCode", "")) for error in answer.get("errors") or ()}


def _row_outcome(key: str, answer: Mapping[str, Any]) -> RowOutcome:
    if answer.get("success"):
        return RowOutcome(key, Outcome.WRITTEN, record_id=answer.get("id"))
    return _refused(key, *_first_error(answer))


def _action_outcome(key: str, answer: Mapping[str, Any]) -> RowOutcome:
    if answer.get("isSuccess"):
        made = answer.get("outputValues") or {}
        return RowOutcome(key, Outcome.WRITTEN, record_id=made.get("trackerId"))
    return _refused(key, *_first_error(answer))


def _first_error(answer: Mapping[str, Any]) -> tuple[str, str]:
    errors: Sequence[Mapping[str, Any]] = answer.get("errors") or ({},)
    error = errors[0]
    return str(error.get("statusCode", "UNKNOWN_EXCEPTION")), str(error.get("message", "no reason was given"))


def _refused(key: str, code: str, message: str) -> RowOutcome:
    return RowOutcome(key, Outcome.REFUSED, refusal(code, message))


def _found(effect: Effect, record_id: str | None) -> RowOutcome:
    if record_id is not None:
        return RowOutcome(effect.key, Outcome.WRITTEN, record_id=record_id)
    return RowOutcome(effect.key, Outcome.REFUSED, not_applied())
