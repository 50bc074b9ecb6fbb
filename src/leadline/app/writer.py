"""Writing: intent committed before each call, outcome after it, one writer per connection.

A process may die between any two statements here. What it leaves behind is an effect in `sending`;
the next writer waits until no call of its predecessor can still be under way, reads the CRM, and
notes what really happened.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from leadline.app.events import BatchPushed, ConnectionFailed, StageStarted, Waiting
from leadline.core.entities import Entity
from leadline.sdk.errors import LeadlineError, PermanentError, TransientError, UnknownOutcomeError
from leadline.sdk.records import Actor, Effect, Outcome, Refusal, RowOutcome, UpdateFields
from leadline.store import leases, outbox
from leadline.store.records import apply_echoes
from leadline.store.rows import batched

if TYPE_CHECKING:
    from leadline.app.bootstrap import LiveConnection, Project
    from leadline.app.events import Listener
    from leadline.sdk.capabilities import Capabilities
    from leadline.store.leases import Lease
    from leadline.store.outbox import Claimed

_PASSES = 2
"""An effect that was read back as not applied is sent once more in the same run, then waits for the next."""

_DONE = frozenset({Outcome.WRITTEN, Outcome.UNCHANGED})

_NOTED_AT_ONCE = 1_000


def push_all(project: Project, emit: Listener) -> None:
    """Send everything that is planned, all connections at once. A connection that fails stops nobody else."""
    names = list(project.connections)
    if not names:
        return
    with ThreadPoolExecutor(max_workers=len(names), thread_name_prefix="write") as threads:
        for future in [threads.submit(_push_guarded, project, name, emit) for name in names]:
            future.result()


def _push_guarded(project: Project, name: str, emit: Listener) -> None:
    try:
        push_connection(project, project.connections[name], emit)
    except LeadlineError as error:
        emit(ConnectionFailed(name, "write", error))


def push_connection(project: Project, live: LiveConnection, emit: Listener) -> None:
    """Send one connection's outbox. Raises TransientError when the system cannot take more now."""
    seconds = project.settings.write.lease_seconds
    with project.writing() as connection:
        lease = leases.acquire(connection, f"write:{live.name}", seconds=seconds)
    if lease is None:
        raise TransientError(
            "another worker is writing to this connection",
            place=live.name,
            fix="Its outbox is in good hands; nothing needs to be done.",
        )
    try:
        writer = _Writer(project, live, lease, emit)
        writer.reconcile(everything=True)
        for _ in range(_PASSES):
            for kind in outbox.KINDS:
                writer.send(kind)
            lost = writer.reconcile(everything=False)
            if not lost:
                break
        else:
            raise TransientError(
                f"{lost} writes never arrived, although they were sent {_PASSES} times",
                place=live.name,
                fix="They wait in the outbox; the next run sends them again.",
            )
    finally:
        with project.writing() as connection:
            leases.release(connection, lease)


class BatchSizes:
    """How many effects of a kind one push takes, by what waits."""

    def __init__(self, able: Capabilities) -> None:
        self._able = able
        self._fixed = {
            outbox.UPDATE: able.update_batch,
            "task": able.task_batch,
            "enrol": able.enrol_batch,
            "list": able.list_batch,
        }

    def of(self, kind: str, waiting: int) -> int:
        """Rows in the next push when so many of the kind wait; 0 when the system cannot do it."""
        able = self._able
        if kind == outbox.UPDATE and able.bulk_batch and waiting > able.bulk_above:
            return able.bulk_batch
        return self._fixed[kind]


class _Writer:
    """One holder of a write lease at work."""

    def __init__(self, project: Project, live: LiveConnection, lease: Lease, emit: Listener) -> None:
        self._project = project
        self._live = live
        self._lease = lease
        self._emit = emit
        self._sizes = BatchSizes(live.connector.capabilities)
        self._untold: set[str] = set()

    def send(self, kind: str) -> None:
        """Push every planned effect of one kind, a batch at a time, in the order of planning."""
        waiting = self._planned(kind)
        if waiting:
            self._emit(StageStarted(f"write:{kind}", self._live.name, sum(waiting.values())))
        while claimed := self._claim(kind, waiting):
            effects = [item.effect for item in claimed]
            if kind == outbox.UPDATE:
                waiting[claimed[0].object] -= len(claimed)
            self._finish(kind, claimed, _matched(effects, self._push(effects)))

    def _push(self, effects: Sequence[Effect]) -> Sequence[RowOutcome]:
        """One call's outcomes. A refusal of the call as a whole is a refusal of each of its rows."""
        try:
            with self._kept():
                return self._live.connection.push(effects)
        except UnknownOutcomeError:
            return [RowOutcome(effect.key, Outcome.UNKNOWN) for effect in effects]
        except PermanentError as error:
            refusal = Refusal(error.code or "CALL_REFUSED", error.message, Actor.LEADLINE_ADMIN, error.fix)
            return [RowOutcome(effect.key, Outcome.REFUSED, refusal) for effect in effects]
        except LeadlineError:
            # The port says that nothing was applied: the intent is taken back.
            with self._project.writing() as connection:
                outbox.hand_back(connection, self._lease, [effect.key for effect in effects])
            raise

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Keep the lease during a call: with its pacing and retries it may last longer than the lease does."""
        ended = threading.Event()

        def renew() -> None:
            while not ended.wait(self._project.settings.write.lease_seconds / 3):
                try:
                    self._renew()
                except (LeadlineError, SQLAlchemyError):
                    return  # the statement after the call finds out, and says it

        thread = threading.Thread(target=renew, name=f"lease-{self._live.name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def reconcile(self, *, everything: bool) -> int:
        """Read back effects whose outcome is not known; how many of them must be sent again.

        `everything`: those of an earlier writer too, after its last call's deadline has passed.
        """
        with self._project.writing() as connection:
            found = outbox.left_behind(connection, self._lease, self._live.name)
        # What could not be told a moment ago is the next run's to ask: to look for a job may take minutes.
        left = [item for item in found if item.effect.key not in self._untold]
        if not left:
            return 0
        self._emit(StageStarted("reconcile", self._live.name, len(left)))
        # A late call may do harm twice: an enrolment is made again, a job of many updates runs into newer ones.
        many = sum(item.kind == outbox.UPDATE for item in left) > self._sizes.of(outbox.UPDATE, 0)
        if everything or many or any(item.kind == "enrol" for item in left):
            self._outwait(left)
        again = 0
        groups: dict[tuple[str, str], list[Claimed]] = {}
        for item in sorted(left, key=lambda item: list(outbox.KINDS).index(item.kind)):
            groups.setdefault((item.kind, item.object), []).append(item)
        for (kind, _), alike in groups.items():
            for batch in batched(alike, max(self._sizes.of(kind, len(alike)), 1)):
                self._renew()
                effects = [item.effect for item in batch]
                with self._kept():
                    outcomes = _matched(effects, self._live.connection.find(effects))
                self._untold.update(outcome.key for outcome in outcomes if outcome.outcome is Outcome.UNKNOWN)
                again += self._finish(kind, batch, outcomes).get(outbox.State.PLANNED, 0)
        return again

    def _outwait(self, left: Sequence[Claimed]) -> None:
        """Wait until the last call of these has passed its hard deadline: only then is a read-back final."""
        latest = max(self._lease.former_until, *(item.sent_at or 0 for item in left))
        # One second more than the deadline, because times are whole seconds.
        wait = latest + self._project.settings.http.timeout_seconds + 1 - time.time()
        while wait > 0:
            step = min(wait, self._project.settings.write.lease_seconds / 3)
            self._emit(Waiting(self._live.name, step, "a call of an earlier run may still be under way"))
            self._project.sleep(step)
            self._renew()
            wait -= step

    def _planned(self, kind: str) -> dict[str, int]:
        with self._project.reading().begin() as connection:
            return outbox.count_planned(connection, self._live.name, kind)

    def _renew(self) -> None:
        with self._project.writing() as connection:
            seconds = self._project.settings.write.lease_seconds
            if not leases.renew(connection, self._lease, seconds=seconds):
                raise TransientError("another worker took over the writing", place=self._live.name)

    def _claim(self, kind: str, waiting: Mapping[str, int]) -> list[Claimed]:
        if self._sizes.of(kind, 0) < 1:
            return []
        self._renew()
        with self._project.writing() as connection:
            return outbox.claim(
                connection,
                self._lease,
                self._live.name,
                kind,
                limit=lambda name: self._sizes.of(kind, waiting.get(name, 0)),
                wall_clock=int(time.time()),
            )

    def _finish(self, kind: str, claimed: Sequence[Claimed], outcomes: Sequence[RowOutcome]) -> dict[str, int]:
        """Note how these ended, some thousand in a transaction, so that a job's rows keep nobody waiting."""
        counts: Counter[str] = Counter()
        for part in batched(zip(claimed, outcomes, strict=True), _NOTED_AT_ONCE):
            with self._project.writing() as connection:
                ended = [_ended(*each) for each in part]
                counts.update(outbox.finish(connection, self._lease, ended, now=self._project.now()))
                for entity, changes in _echoes(part).items():
                    apply_echoes(connection, entity, changes, now=self._project.now())
        self._emit(BatchPushed(self._live.name, kind, len(claimed), counts))
        return counts


def _ended(item: Claimed, outcome: RowOutcome) -> RowOutcome:
    """The outcome to note: of an update the record is known, and rows that ended alike are noted at once."""
    known = isinstance(item.effect, UpdateFields) and outcome.record_id == item.effect.target.id
    return replace(outcome, record_id=None) if known else outcome


def _echoes(part: Iterable[tuple[Claimed, RowOutcome]]) -> dict[Entity, dict[str, dict[str, object]]]:
    """What our copy shows after these: canonical columns by entity and uid."""
    echoes: dict[Entity, dict[str, dict[str, object]]] = {}
    for item, outcome in part:
        if outcome.outcome in _DONE and item.echo:
            echoes.setdefault(Entity(item.echo["entity"]), {})[item.echo["uid"]] = item.echo["changes"]
    return echoes


def _matched(effects: Sequence[Effect], outcomes: Sequence[RowOutcome]) -> Sequence[RowOutcome]:
    """The outcomes, once it is sure that they are one per effect and in order."""
    if [effect.key for effect in effects] != [outcome.key for outcome in outcomes]:
        raise RuntimeError("the connector did not answer with one outcome per effect, in order")
    return outcomes
