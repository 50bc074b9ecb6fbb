"""The writer against a CRM that fails and a power that is cut: every effect takes effect exactly once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, select, update
from tests.fakes import DEADLINE, JOB, FakeCRM, Fault, PowerCut
from tests.projects import FakeConnector, fake_project
from tests.rows import person, uid_of

from leadline.app.bootstrap import Project
from leadline.app.events import BatchPushed, ConnectionFailed, Event, Waiting
from leadline.app.writer import push_all, push_connection
from leadline.core.entities import Entity
from leadline.sdk.errors import TransientError
from leadline.sdk.records import Actor, CreateTask, Effect, Enrol, JoinList, RecordRef, Refusal, UpdateFields
from leadline.store import outbox, tables
from leadline.store.leases import holder_name
from leadline.store.outbox import Planned
from leadline.store.records import save_rows

if TYPE_CHECKING:
    from tests.databases import NewDatabase

UPDATES, TASKS, ENROLMENTS, LISTED = 5, 3, 2, 2
BY_CALLS, BY_JOBS = (0, 0, 0), (4, 2, 8)  # rows in a job, above how many, calls of a job
KEYS = [
    f"{kind}{number}"
    for kind, count in {"u": UPDATES, "t": TASKS, "e": ENROLMENTS, "l": LISTED}.items()
    for number in range(count)
]


def plan() -> list[Planned]:
    """Some of each kind, more than a batch of the fake takes."""
    planned = []
    for key in KEYS:
        target = RecordRef("Contact", f"p{key[1:]}")
        echo: dict[str, Any] = {}
        effect: Effect
        match key[0]:
            case "u":
                effect = UpdateFields(key, target, {"Score": 10 + int(key[1:])})
                changes = {"crm": {"score": 10 + int(key[1:])}}
                echo = {"entity": "person", "uid": uid_of(Entity.PERSON, target.id), "changes": changes}
            case "t":
                effect = CreateTask(key, "Call", "Why now", 7_200, "u1", target, None)
            case "e":
                effect = Enrol(key, target, "seq-fast", "u1")
            case _:
                effect = JoinList(key, target, "list-7")
        planned.append(Planned(effect, "crm", "s", target, echo))
    return planned


def crm_with_people() -> FakeCRM:
    crm = FakeCRM()
    for number in range(UPDATES):
        crm.put("Contact", f"p{number}", Name=f"Person {number}")
    return crm


@contextmanager
def planned_project(folder: Path, url: str, crm: FakeCRM, bulk: tuple[int, int, int] = BY_CALLS) -> Iterator[Project]:
    """A project whose outbox is full."""
    with fake_project(folder, crm, url, bulk=bulk) as project:
        with project.engine.begin() as connection:
            save_rows(connection, Entity.PERSON, [person(f"p{number}") for number in range(UPDATES)])
            outbox.plan(connection, plan(), now=1)
        yield project


def push(project: Project, emit: Callable[[Event], None] = lambda _: None) -> None:
    push_connection(project, project.connections["crm"], emit)


def lines(project: Project) -> dict[str, dict[str, Any]]:
    with project.reading().begin() as connection:
        return {line["key"]: line for line in outbox.list_effects(connection)}


def states(project: Project) -> Counter[str]:
    return Counter(line["state"] for line in lines(project).values())


def assert_all_done_once(project: Project, crm: FakeCRM) -> None:
    assert crm.applied == Counter(KEYS)
    assert states(project) == Counter(written=len(KEYS))
    with project.reading().begin() as connection:
        copies = connection.execute(select(tables.people.c.uid, tables.people.c.crm)).all()
    assert {copy.uid: copy.crm for copy in copies} == {
        uid_of(Entity.PERSON, f"p{number}"): f'{{"score":{10 + number}}}' for number in range(UPDATES)
    }


class Power:
    """Goes off at the n-th boundary: at a commit, which is lost, or before or after a call takes effect.

    From then on nothing of the process reaches the database, until it is `on` again.
    """

    def __init__(self, engine: Engine, crm: FakeCRM, lasts: int) -> None:
        self._engine = engine
        self._left = lasts
        self.on = True
        event.listen(engine, "commit", self._boundary)
        event.listen(engine, "begin", self._gone, insert=True)
        crm.boundary = self._boundary

    def _boundary(self, _: object) -> None:
        self._left -= self.on
        self.on = self.on and self._left >= 0
        self._gone(None)

    def _gone(self, _: object) -> None:
        if not self.on:
            raise PowerCut

    def cut_after_call(self, where: str) -> None:
        """A boundary: off as soon as a call has left."""
        self.on = not where.startswith("after")
        self._gone(None)

    def restore(self, crm: FakeCRM) -> None:
        """A new process: what the old one held is a dead process's."""
        event.remove(self._engine, "commit", self._boundary)
        event.remove(self._engine, "begin", self._gone)
        crm.boundary = lambda _: None
        self._engine.dispose()
        bury(self._engine)


def dead_holder() -> str:
    """A holder whose process has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    machine, _, began, mark = holder_name().split(":")
    return f"{machine}:{ended.pid}:{began}:{mark}"


DEAD = dead_holder()


def bury(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(update(tables.leases).where(tables.leases.c.holder != "").values(holder=DEAD))


def push_until_cut(project: Project, crm: FakeCRM, lasts: int) -> bool:
    """Push with power for `lasts` boundaries; whether it was enough. Other errors end a run as they would."""
    power = Power(project.engine, crm, lasts)
    with suppress(PowerCut, TransientError, RuntimeError):
        push(project)
    power.restore(crm)
    return power.on


@pytest.mark.parametrize("bulk", [BY_CALLS, BY_JOBS], ids=["calls", "jobs"])
def test_the_power_may_go_at_any_moment(new_database: NewDatabase, tmp_path: Path, bulk: tuple[int, int, int]) -> None:
    """Once for each commit and each call of a run: what was cut off is finished by the next."""
    step = 1 if new_database().startswith("sqlite") else 4
    lasts, enough = 0, False
    while not enough:
        crm = crm_with_people()
        with planned_project(tmp_path, new_database(), crm, bulk) as project:
            (tmp_path / "leadline.yaml").unlink()
            enough = push_until_cut(project, crm, lasts)
            push(project)
            assert_all_done_once(project, crm)
            push(project)
            assert_all_done_once(project, crm)
        lasts += step
    assert lasts > 3 * (len(KEYS) - (2 if bulk[0] else 0)) / 2  # at least intent, call and outcome of each batch


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cuts=st.lists(st.integers(0, 40), max_size=4),
    faults=st.lists(st.sampled_from(Fault), max_size=8),
    blind=st.integers(0, 3),
    bulk=st.sampled_from([BY_CALLS, BY_JOBS]),
)
def test_whatever_happens_nothing_is_done_twice_or_lost(
    tmp_path_factory: pytest.TempPathFactory,
    cuts: list[int],
    faults: list[Fault],
    blind: int,
    bulk: tuple[int, int, int],
) -> None:
    folder = tmp_path_factory.mktemp("project")
    crm = crm_with_people()
    crm.faults.extend(faults)
    crm.blind = blind
    with planned_project(folder, "sqlite:///x.db", crm, bulk) as project:
        for lasts in cuts:
            push_until_cut(project, crm, lasts)
        while crm.faults or crm.blind or states(project).keys() - {"written", "unchanged", "refused"}:
            before = len(crm.calls)
            push_until_cut(project, crm, 10**6)
            if len(crm.calls) == before:
                break  # the faults left need a call, and there is nothing to call for
            crm.sleep(DEADLINE)
        crm.sleep(JOB + DEADLINE)
        ended = lines(project)
    assert max(crm.applied.values(), default=0) <= 1
    done = {key for key, line in ended.items() if line["state"] in {"written", "unchanged"}}
    assert {line["state"] for line in ended.values()} <= {"written", "unchanged", "refused"}
    assert done == crm.applied.keys()
    assert all(line["reason_code"] == "INVALID_TYPE" for line in ended.values() if line["state"] == "refused")


@pytest.fixture
def crm() -> FakeCRM:
    return crm_with_people()


@pytest.fixture
def project(tmp_path: Path, crm: FakeCRM) -> Iterator[Project]:
    with planned_project(tmp_path, "sqlite:///x.db", crm) as opened:
        yield opened


def pushes(crm: FakeCRM) -> list[int]:
    return [rows for verb, rows in crm.calls if verb == "push"]


def test_effects_go_in_full_batches_updates_first(project: Project, crm: FakeCRM) -> None:
    heard: list[Event] = []
    push(project, heard.append)
    assert_all_done_once(project, crm)
    assert pushes(crm) == [2, 2, 1, 2, 1, 1, 1, 2]
    batches = [(line.kind, dict(line.outcomes)) for line in heard if isinstance(line, BatchPushed)]
    assert batches[0] == ("update", {"written": 2})
    assert [kind for kind, _ in batches] == ["update"] * 3 + ["task"] * 2 + ["enrol"] * 2 + ["list"]
    assert not any(isinstance(line, Waiting) for line in heard)


def test_nothing_planned_is_no_call(project: Project, crm: FakeCRM) -> None:
    push(project)
    calls = len(crm.calls)
    push(project)
    assert len(crm.calls) == calls


@pytest.mark.parametrize("fault", [Fault.LOST_REQUEST, Fault.LOST_REPLY, Fault.HALF])
def test_a_lost_answer_is_looked_up_and_ends_within_the_run(project: Project, crm: FakeCRM, fault: Fault) -> None:
    crm.faults.extend([fault] * 8)
    push(project)
    assert_all_done_once(project, crm)
    assert any(verb == "find" for verb, _ in crm.calls)


def test_an_enrolment_is_looked_up_only_when_its_call_cannot_take_effect_any_more(
    project: Project, crm: FakeCRM
) -> None:
    crm.faults.extend([Fault.LATE] * 7)
    push(project)
    crm.sleep(2 * DEADLINE)
    assert {key: count for key, count in crm.applied.items() if count > 1} == {}
    assert len(crm.enrolments) == ENROLMENTS
    assert len(crm.tasks) == TASKS


def test_what_cannot_be_told_stays_unknown_until_it_can(project: Project, crm: FakeCRM) -> None:
    crm.faults.append(Fault.LOST_REPLY)
    crm.blind = 1
    push(project)
    assert states(project) == Counter(unknown=2, written=len(KEYS) - 2)
    push(project)
    assert_all_done_once(project, crm)


def test_a_busy_system_gets_its_effects_later(project: Project, crm: FakeCRM) -> None:
    crm.faults.append(Fault.TRANSIENT)
    with pytest.raises(TransientError, match="too many requests"):
        push(project)
    assert states(project) == Counter(planned=len(KEYS))
    assert [line["attempts"] for line in lines(project).values()][:3] == [1, 1, 0]
    push(project)
    assert_all_done_once(project, crm)


def test_a_call_that_is_refused_as_a_whole_refuses_each_of_its_rows(project: Project, crm: FakeCRM) -> None:
    crm.faults.append(Fault.PERMANENT)
    push(project)
    ended = lines(project)
    assert states(project) == Counter(refused=2, written=len(KEYS) - 2)
    for key in ("u0", "u1"):
        line = ended[key]
        assert (line["reason_code"], line["reason"]) == ("INVALID_TYPE", "no such object")
        assert line["actor"] == "leadline_admin"
    push(project)
    assert states(project) == Counter(refused=2, written=len(KEYS) - 2)
    with project.engine.begin() as connection:
        assert outbox.retry(connection, None) == 2
    push(project)
    assert_all_done_once(project, crm)


def test_a_refused_row_keeps_nobody_else_back(project: Project, crm: FakeCRM) -> None:
    crm.refusals["p1"] = Refusal("LOCKED", "somebody edits it", Actor.RECORD_OWNER, "Close the record.")
    push(project)
    ended = lines(project)
    assert {key for key, line in ended.items() if line["state"] == "refused"} == {"u1", "t1", "e1", "l1"}
    told = [ended["u1"][name] for name in ("reason_code", "reason", "actor", "fix")]
    assert told == ["LOCKED", "somebody edits it", "record_owner", "Close the record."]
    with project.reading().begin() as connection:
        [copy] = connection.scalars(select(tables.people.c.crm).where(tables.people.c.source_id == "p1"))
    assert copy == "{}"  # our copy does not show what the CRM refused


@pytest.mark.parametrize("fault", [Fault.DISORDER, Fault.SHORT])
def test_a_connector_that_breaks_the_order_is_stopped_and_believed_in_nothing(
    project: Project, crm: FakeCRM, fault: Fault
) -> None:
    crm.faults.append(fault)
    with pytest.raises(RuntimeError, match="one outcome per effect, in order"):
        push(project)
    assert states(project) == Counter(sending=2, planned=len(KEYS) - 2)
    push(project)
    assert_all_done_once(project, crm)


def test_a_dead_senders_effects_are_looked_up_after_its_last_call_has_ended(project: Project, crm: FakeCRM) -> None:
    """The request left before the power went and is still on its way; the CRM takes its time with it."""
    crm.faults.append(Fault.LATE)
    power = Power(project.engine, crm, 10**6)
    crm.boundary = power.cut_after_call
    with pytest.raises(PowerCut):
        push(project)
    power.restore(crm)
    assert states(project)["sending"] == 2
    assert crm.applied == Counter()
    heard: list[Event] = []
    push(project, heard.append)
    waited = sum(line.seconds for line in heard if isinstance(line, Waiting))
    assert DEADLINE - 5 < waited <= DEADLINE + 1
    first = [verb for verb, _ in crm.calls if verb != "pull"][1]
    assert first == "find"
    assert_all_done_once(project, crm)
    assert pushes(crm).count(2) == 4  # the late call's two rows were not sent again


def test_a_system_without_an_ability_keeps_those_effects(tmp_path: Path, crm: FakeCRM) -> None:
    with planned_project(tmp_path, "sqlite:///x.db", crm) as project:
        live = project.connections["crm"]
        project.connections["crm"] = replace(live, connector=FakeConnector(crm, (2, 2, 0)))
        push(project)
        assert states(project) == Counter(written=len(KEYS) - ENROLMENTS, planned=ENROLMENTS)


def test_two_workers_at_once_send_everything_once(new_database: NewDatabase, tmp_path: Path) -> None:
    crm, url = crm_with_people(), new_database()
    gate = threading.Barrier(2)

    def work(project: Project) -> str:
        gate.wait()
        try:
            push(project)
        except TransientError as error:
            return error.message
        return "done"

    with planned_project(tmp_path, url, crm) as one, fake_project(tmp_path, crm, url) as other:
        with ThreadPoolExecutor(2) as threads:
            said = list(threads.map(work, [one, other]))
        assert "done" in said
        assert set(said) <= {"done", "another worker is writing to this connection"}
        assert_all_done_once(one, crm)


def test_a_worker_is_not_disturbed_while_its_lease_lasts(project: Project, tmp_path: Path, crm: FakeCRM) -> None:
    refused: list[str] = []

    def meanwhile(_: str) -> None:
        crm.boundary = lambda _: None
        with (
            fake_project(tmp_path, crm, "sqlite:///x.db") as other,
            pytest.raises(TransientError, match="another worker") as caught,
        ):
            push(other)
        refused.append(caught.value.place)

    crm.boundary = meanwhile
    push(project)
    assert refused == ["crm"]
    assert_all_done_once(project, crm)


def test_a_call_that_takes_long_keeps_the_lease(project: Project, crm: FakeCRM) -> None:
    """Its retries may last longer than the lease; a heartbeat renews it, so that nobody else takes over."""
    write = project.settings.write.model_copy(update={"lease_seconds": 0.03})  # shorter than a setting may be
    project.settings = project.settings.model_copy(update={"write": write})
    beaten = threading.Event()
    caller = threading.current_thread()

    def heard(_: object) -> None:
        if threading.current_thread() is not caller:
            beaten.set()

    def meanwhile(_: str) -> None:
        crm.boundary = lambda _: None
        event.listen(project.engine, "commit", heard)
        assert beaten.wait(30)

    crm.boundary = meanwhile
    push(project)
    assert_all_done_once(project, crm)


def test_a_worker_that_was_slow_finds_its_lease_lost_and_stops(project: Project, tmp_path: Path, crm: FakeCRM) -> None:
    """Its call hangs while the lease runs out; another takes over, waits until the call has ended, and goes on."""

    def meanwhile(_: str) -> None:
        crm.boundary = lambda _: None
        with project.engine.begin() as connection:
            connection.execute(update(tables.leases).values(expires_at=0))
        with fake_project(tmp_path, crm, "sqlite:///x.db") as other:
            push(other)

    calls = iter(range(10))

    def boundary(where: str) -> None:
        if where.startswith("after") and next(calls) == 5:  # an enrolment took effect, nobody has heard of it yet
            meanwhile(where)

    crm.boundary = boundary
    with pytest.raises(TransientError, match="took over"):
        push(project)
    assert_all_done_once(project, crm)


def test_a_connection_that_fails_is_reported_and_stops_nobody_else(project: Project, crm: FakeCRM) -> None:
    broken = crm_with_people()
    broken.faults.append(Fault.TRANSIENT)
    live = project.connections["crm"]
    with project.engine.begin() as connection:
        target = RecordRef("Contact", "p0")
        effect = UpdateFields("elsewhere", target, {"Score": 1})
        outbox.plan(connection, [Planned(effect, "broken", "s", target, {})], now=1)
    project.connections["broken"] = replace(live, name="broken", connection=broken)
    heard: list[Event] = []
    push_all(project, heard.append)
    [failed] = [line for line in heard if isinstance(line, ConnectionFailed)]
    assert (failed.connection, failed.stage) == ("broken", "write")
    assert "too many requests" in failed.message
    assert states(project) == Counter(written=len(KEYS), planned=1)
