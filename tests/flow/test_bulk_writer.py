"""Many updates at once: jobs above the capability's line, in whose shadow nothing is lost, doubled or overtaken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from tests.fakes import JOB, FakeCRM, Fault, PowerCut
from tests.projects import fake_project

from leadline.app.backfill import forecast
from leadline.app.bootstrap import Project
from leadline.app.events import BatchPushed, Event, Waiting
from leadline.app.writer import push_connection
from leadline.sdk.records import Actor, RecordRef, Refusal, UpdateFields
from leadline.store import outbox, tables
from leadline.store.outbox import Planned

BULK = (6, 4, 8)  # six rows in a job, above four waiting, at eight calls


@pytest.fixture
def crm() -> FakeCRM:
    filled = FakeCRM()
    for number in range(20):
        filled.put("Contact", f"p{number}", Name=f"Person {number}")
        filled.put("Account", f"a{number}", Name=f"Account {number}")
    return filled


@pytest.fixture
def project(tmp_path: Path, crm: FakeCRM) -> Iterator[Project]:
    with fake_project(tmp_path, crm, bulk=BULK) as opened:
        yield opened


def plan(project: Project, ids: range, *, object: str = "Contact", score: int = 1, name: str = "first") -> None:
    planned = []
    for number in ids:
        target = RecordRef(object, f"{'p' if object == 'Contact' else 'a'}{number}")
        effect = UpdateFields(f"{name}-{target.id}", target, {"Score": score})
        planned.append(Planned(effect, "crm", "s", target, {}))
    with project.engine.begin() as connection:
        outbox.plan(connection, planned, now=1)


def push(project: Project) -> list[Event]:
    heard: list[Event] = []
    push_connection(project, project.connections["crm"], heard.append)
    return heard


def calls(crm: FakeCRM, verb: str = "push") -> list[int]:
    return [rows for said, rows in crm.calls if said == verb]


def lines(project: Project) -> dict[str, dict[str, Any]]:
    with project.reading().begin() as connection:
        return {line["key"]: line for line in outbox.list_effects(connection, limit=1_000)}


def states(project: Project) -> Counter[str]:
    return Counter(line["state"] for line in lines(project).values())


def test_many_updates_go_in_jobs_and_the_rest_in_calls(project: Project, crm: FakeCRM) -> None:
    plan(project, range(15))
    heard = push(project)
    assert calls(crm) == [6, 6, 2, 1]
    assert states(project) == Counter(written=15)
    assert [line.rows for line in heard if isinstance(line, BatchPushed)] == [6, 6, 2, 1]
    assert crm.applied == Counter({f"first-p{number}": 1 for number in range(15)})


def test_as_many_as_the_line_are_no_job(project: Project, crm: FakeCRM) -> None:
    plan(project, range(4))
    push(project)
    assert calls(crm) == [2, 2]


def test_a_job_holds_one_object_and_its_own_number_decides(project: Project, crm: FakeCRM) -> None:
    """Three accounts among seven contacts: the contacts are many, the accounts few."""
    plan(project, range(3), object="Account")
    plan(project, range(7))
    push(project)
    assert calls(crm) == [2, 1, 6, 1]
    assert states(project) == Counter(written=10)


def test_refused_and_unprocessed_rows_of_a_job_are_told_apart(project: Project, crm: FakeCRM) -> None:
    crm.refusals["p1"] = Refusal("VALIDATION", "not now", Actor.CRM_ADMIN, "Mend the rule.")
    crm.faults.append(Fault.HALF)
    plan(project, range(6))
    push(project)
    ended = lines(project)
    assert (ended["first-p1"]["state"], ended["first-p1"]["reason_code"]) == ("refused", "VALIDATION")
    assert states(project) == Counter(written=5, refused=1)
    assert max(crm.applied.values()) == 1
    assert calls(crm) == [6, 2, 1]  # the three rows that were not worked off, once more


def test_a_job_that_outlives_its_process_is_waited_for(project: Project, crm: FakeCRM) -> None:
    """Its rows stay unknown while it may still take effect, are not sent again, and end as it ended."""
    crm.faults.append(Fault.QUEUED)
    plan(project, range(6))

    def cut(where: str) -> None:
        if where.startswith("after"):
            crm.boundary = lambda _: None
            raise PowerCut

    crm.boundary = cut
    with pytest.raises(PowerCut):
        push(project)
    with project.engine.begin() as connection:
        connection.execute(update(tables.leases).values(holder="elsewhere:1:1:x", expires_at=0))
    heard = push(project)
    assert any(isinstance(line, Waiting) for line in heard)  # the last call of the dead process first
    assert states(project) == Counter(unknown=6)
    assert calls(crm) == [6]
    assert calls(crm, "find") == [6]  # looked up in the size in which it was sent
    crm.sleep(JOB)
    push(project)
    assert states(project) == Counter(written=6)
    assert (calls(crm), max(crm.applied.values())) == ([6], 1)


def test_a_newer_value_waits_for_the_job_that_may_still_write_the_older(project: Project, crm: FakeCRM) -> None:
    crm.faults.append(Fault.QUEUED)
    plan(project, range(6), score=1)
    push(project)
    assert states(project) == Counter(unknown=6)
    plan(project, range(8), score=2, name="second")
    push(project)
    assert {key for key, line in lines(project).items() if line["state"] == "written"} == {"second-p6", "second-p7"}
    crm.sleep(JOB)
    push(project)
    assert [crm.value("Contact", f"p{number}", "Score") for number in range(8)] == [2] * 8
    assert states(project) == Counter(written=14)


def test_a_forecast_reckons_with_jobs(project: Project, crm: FakeCRM) -> None:
    """Twenty of each: three jobs of six, and the last two in one call."""
    plan(project, range(20))
    plan(project, range(20), object="Account")
    by_object = {line.object: line for line in forecast(project)}
    assert {name: by_object[name].write_calls for name in ("Contact", "Account")} == {
        "Contact": 3 * 8 + 1,
        "Account": 3 * 8 + 1,
    }
    push(project)
    assert calls(crm) == [6, 6, 6, 2] * 2
