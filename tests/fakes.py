"""A CRM in memory behind the ports, that can fail in every way that a CRM can.

It promises what the ports promise and no more: a task's key is unique, an update that changes nothing
is none, but a second enrolment is a second enrolment, so that doing it twice shows. `applied` counts how
often each effect took effect.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Self

from leadline.sdk.errors import PermanentError, TransientError, UnknownOutcomeError
from leadline.sdk.records import (
    NOT_APPLIED,
    Actor,
    CreateTask,
    Cursor,
    Effect,
    Enrol,
    Estimate,
    FieldSchema,
    FieldType,
    Finding,
    JoinList,
    Json,
    ObjectSchema,
    Outcome,
    Page,
    PullRequest,
    RawRecord,
    Refusal,
    RowOutcome,
    UpdateFields,
)

DEADLINE = 30.0
"""Seconds after which a call can no longer take effect; the setting `http.timeout_seconds` of the tests."""

JOB = 600.0
"""Seconds that a queued job waits before it is worked off."""


class PowerCut(BaseException):
    """The process is gone: nothing of it runs any more."""


class Fault(StrEnum):
    """What goes wrong with one call of `push`."""

    TRANSIENT = "nothing applied, and it says so"
    PERMANENT = "refused as a whole"
    LOST_REQUEST = "nothing applied, no answer"
    LOST_REPLY = "applied, no answer"
    LATE = "no answer, applied when the deadline has nearly passed"
    HALF = "the first half applied, the second unknown"
    DISORDER = "applied, answered in another order"
    SHORT = "applied, answered with a row too few"
    QUEUED = "taken on as a job, no answer, worked off long after the deadline"


# How many halves of a call take effect.
_REACHED: dict[Fault | None, int] = {Fault.HALF: 1, Fault.LATE: 0, Fault.LOST_REQUEST: 0, Fault.QUEUED: 0}


@dataclass(slots=True)
class Stored:
    """One record of the CRM. `number` is the number of its last change."""

    fields: dict[str, Json]
    links: dict[str, tuple[str, ...]]
    number: int
    deleted: bool = False


@dataclass(slots=True)
class FakeCRM:
    """One system, signed in. `boundary` is called before and after each push takes effect."""

    page_size: int = 3
    records: dict[str, dict[str, Stored]] = field(default_factory=dict)
    tasks: list[CreateTask] = field(default_factory=list)
    enrolments: list[Enrol] = field(default_factory=list)
    lists: dict[str, list[str]] = field(default_factory=dict)
    applied: Counter[str] = field(default_factory=Counter)
    faults: deque[Fault] = field(default_factory=deque)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    blind: int = 0  # so many calls of `find` cannot tell
    calls: list[tuple[str, int]] = field(default_factory=list)
    boundary: Callable[[str], None] = lambda _: None
    jobs: set[str] = field(default_factory=set)  # keys of the rows in jobs that wait
    _slept: float = 0.0
    _under_way: list[tuple[float, Sequence[Effect]]] = field(default_factory=list)
    _changes: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def copied(self) -> Self:
        """Another one in the same state."""
        locks = (threading.Lock, threading.RLock)
        state = {each.name: getattr(self, each.name) for each in fields(self) if each.default_factory not in locks}
        return type(self)(**deepcopy(state))

    # What a test does
    def put(
        self, object: str, record_id: str, *, links: Mapping[str, tuple[str, ...]] | None = None, **fields: Json
    ) -> None:
        """A user creates, edits or restores a record. Fields that are not named stay."""
        with self._lock:
            old = self.records.setdefault(object, {}).get(record_id)
            kept = dict(old.fields) if old else {}
            shown = dict(links) if links is not None else dict(old.links) if old else {}
            self.records[object][record_id] = Stored({**kept, **fields}, shown, self._next())

    def delete(self, object: str, record_id: str) -> None:
        """A user deletes a record."""
        with self._lock:
            record = self.records[object][record_id]
            record.deleted, record.number = True, self._next()

    def value(self, object: str, record_id: str, name: str) -> Json:
        """What a field holds."""
        return self.records[object][record_id].fields.get(name)

    def sleep(self, seconds: float) -> None:
        """Time passes for this CRM, and calls that are still under way take effect."""
        with self._lock:
            self._slept += seconds
            for due, effects in list(self._under_way):
                if due < self.clock():
                    self._under_way.remove((due, effects))
                    self.jobs.difference_update(effect.key for effect in effects)
                    self._apply_all(effects)

    def clock(self) -> float:
        """The engine's wall clock, with the time that was slept."""
        return time.time() + self._slept

    def _next(self) -> int:
        self._changes += 1
        return self._changes

    # Source

    def check(self) -> list[Finding]:
        """Always well."""
        return [Finding(True, "fake", "is here")]

    def schema(self, object: str) -> ObjectSchema:
        """Every field that any record has, as text."""
        names = {name for record in self.records.get(object, {}).values() for name in record.fields}
        return ObjectSchema(object, object, {name: FieldSchema(name, name, FieldType.TEXT) for name in sorted(names)})

    def count(self, request: PullRequest) -> Estimate:
        """One call for a page of records."""
        live = sum(not record.deleted for record in self.records.get(request.object, {}).values())
        return Estimate(request.object, live, -(-live // self.page_size))

    def pull(self, request: PullRequest) -> Iterator[Page]:
        """Pages in the order of change; the last record of the page before comes once more."""
        seen = int(str(request.cursor.position["number"])) - 1 if request.cursor else 0
        while True:
            with self._lock:
                self.calls.append(("pull", 1))
                news = sorted(
                    (record.number, record_id)
                    for record_id, record in self.records.get(request.object, {}).items()
                    if record.number > seen
                )
                batch = news[: self.page_size]
                page = tuple(self._raw(request, record_id) for _, record_id in batch)
                seen = batch[-1][0] if batch else max(seen, 0)
            yield Page(page, Cursor({"number": seen}))
            if len(batch) < self.page_size:
                return

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        """The records as they are now; one that never was is a deleted one."""
        with self._lock:
            self.calls.append(("fetch", len(ids)))
            known = self.records.get(request.object, {})
            return [self._raw(request, each) if each in known else RawRecord(each, {}, 0, deleted=True) for each in ids]

    def _raw(self, request: PullRequest, record_id: str) -> RawRecord:
        record = self.records[request.object][record_id]
        if record.deleted:
            return RawRecord(record_id, {}, record.number, deleted=True)
        fields = {name: record.fields.get(name) for name in request.fields}
        return RawRecord(record_id, fields, record.number, {name: record.links.get(name, ()) for name in request.links})

    # Sink

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Apply the effects, or fail as the next fault says."""
        with self._lock:
            self.calls.append(("push", len(effects)))
            fault = self.faults.popleft() if self.faults else None
        self._refuse_call(fault)
        self.boundary("before the call takes effect")
        with self._lock:
            if fault in {Fault.LATE, Fault.QUEUED}:
                self._under_way.append((self.clock() + (JOB if fault is Fault.QUEUED else DEADLINE), effects))
            if fault is Fault.QUEUED:
                self.jobs.update(effect.key for effect in effects)
            half = _REACHED.get(fault, 2) * len(effects) // 2
            outcomes = self._apply_all(effects[:half])
        self.boundary("after the call took effect")
        if fault in {Fault.LOST_REPLY, Fault.LOST_REQUEST, Fault.LATE, Fault.QUEUED}:
            raise UnknownOutcomeError("no answer")
        outcomes += [RowOutcome(effect.key, Outcome.UNKNOWN) for effect in effects[half:]]
        if fault is Fault.DISORDER:
            return outcomes[::-1]
        return outcomes[:-1] if fault is Fault.SHORT else outcomes

    def _refuse_call(self, fault: Fault | None) -> None:
        match fault:
            case Fault.TRANSIENT:
                raise TransientError("too many requests", retry_after=10)
            case Fault.PERMANENT:
                raise PermanentError("no such object", code="INVALID_TYPE")

    def _apply_all(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        return [self._apply(effect) for effect in effects]

    def _apply(self, effect: Effect) -> RowOutcome:
        target = effect.target if isinstance(effect, UpdateFields | JoinList) else effect.person
        refusal = self.refusals.get(target.id) if target else None
        if refusal is not None:
            return RowOutcome(effect.key, Outcome.REFUSED, refusal)
        match effect:
            case UpdateFields():
                record = self.records.get(effect.target.object, {}).get(effect.target.id)
                if record is None or record.deleted:
                    gone = Refusal("ENTITY_IS_DELETED", "the record is deleted", Actor.NOBODY)
                    return RowOutcome(effect.key, Outcome.REFUSED, gone)
                if self._shows(effect):
                    return RowOutcome(effect.key, Outcome.UNCHANGED)
                record.fields.update(effect.values)
                record.number = self._next()
            case CreateTask():
                if self._shows(effect):
                    return RowOutcome(effect.key, Outcome.WRITTEN, record_id=f"id-of-{effect.key}")
                self.tasks.append(effect)
            case Enrol():
                self.enrolments.append(effect)
            case JoinList():
                if self._shows(effect):
                    return RowOutcome(effect.key, Outcome.UNCHANGED)
                self.lists.setdefault(effect.list_id, []).append(effect.target.id)
        self.applied[effect.key] += 1
        return RowOutcome(effect.key, Outcome.WRITTEN, record_id=f"id-of-{effect.key}")

    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """What the CRM shows of these effects."""
        with self._lock:
            self.calls.append(("find", len(effects)))
            if self.blind:
                self.blind -= 1
                return [RowOutcome(effect.key, Outcome.UNKNOWN) for effect in effects]
            return [self._found(effect) for effect in effects]

    def _found(self, effect: Effect) -> RowOutcome:
        if effect.key in self.jobs:
            return RowOutcome(effect.key, Outcome.UNKNOWN)
        if self._shows(effect):
            return RowOutcome(effect.key, Outcome.WRITTEN)
        return RowOutcome(effect.key, Outcome.REFUSED, Refusal(NOT_APPLIED, "it is not there", Actor.NOBODY))

    def _shows(self, effect: Effect) -> bool:
        if isinstance(effect, UpdateFields):
            record = self.records.get(effect.target.object, {}).get(effect.target.id, Stored({}, {}, 0))
            return all(record.fields.get(name) == value for name, value in effect.values.items())
        if isinstance(effect, JoinList):
            return effect.target.id in self.lists.get(effect.list_id, ())
        made: Sequence[CreateTask | Enrol] = self.tasks if isinstance(effect, CreateTask) else self.enrolments
        return effect.key in {done.key for done in made}

    def close(self) -> None:
        """Nothing to close."""
