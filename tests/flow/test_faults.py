"""What goes wrong between Leadline and a CRM, and how it ends: nothing lost, nothing twice, every refusal readable."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.checker import Checker
from tests.edits import heat, user_of
from tests.stage import DAY, NOW, SYSTEMS, Stage, did_nothing, stage, worker_environment

from leadline.app.events import BatchPushed, Event, StageStarted
from leadline.sdk.errors import BudgetError, CredentialsError, TransientError
from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.world import World
from leadline.store import tables

# Calls that write, by system and kind of effect.
WRITES = {
    "salesforce": {
        "update": "*/composite/sobjects",
        "task": "*/composite/sobjects/Task/Leadline_Key__c",
        "enrol": "*/assignTargetToSalesCadence",
    },
    "hubspot": {"update": "*/companies/batch/update", "task": "*/tasks/batch/create", "enrol": "*/enrollments"},
}
KINDS = ("update", "task", "enrol")
both = pytest.mark.parametrize("system", SYSTEMS)


@pytest.fixture(scope="module")
def world() -> World:
    return generate(30, seed=4, now=NOW)


@pytest.fixture
def on(world: World, tmp_path: Path) -> Iterator[Stage]:
    """Both CRMs, backfilled. Then accounts became hot, so that a sync writes fields, tasks and enrolments."""
    with stage(tmp_path, dict.fromkeys(SYSTEMS, world)) as made:
        made.backfill()
        made.advance(DAY)
        for system in SYSTEMS:
            assert len(heat(system, made, 8)) > 2
        yield made


def fault(on: Stage, system: str, **rule: Any) -> None:
    """Tell a sandbox to misbehave."""
    on.crms[system].faults.add(rule)


def states(on: Stage, system: str) -> Counter[str]:
    """Effects of one connection by state."""
    return Counter(row["state"] for row in on.rows(tables.effects, tables.effects.c.connection == system))


def sent(on: Stage, system: str, kind: str) -> Counter[int]:
    """How often the effects of a kind that the last sync planned were sent: number of attempts by number of effects."""
    rows = on.rows(tables.effects, tables.effects.c.connection == system, tables.effects.c.kind == kind)
    return Counter(row["attempts"] for row in rows if row["planned_at"] == on.now)


def ends_well(on: Stage) -> None:
    """All that was planned is done, once; store and CRMs say the truth; the next sync finds nothing to do."""
    for system in SYSTEMS:
        assert states(on, system).keys() <= {"written", "unchanged", "superseded"}, states(on, system)
        nothing_twice(on, system)
    checker = Checker(on)
    checker.before = {row["uid"]: row["group"] for row in on.rows(tables.scores)}
    checker.check("in the end")
    did_nothing(on.sync())


def nothing_twice(on: Stage, system: str) -> None:
    """Each planned task exists once, each planned enrolment once."""
    if system == "salesforce":
        tasks = [row["Leadline_Key__c"] for row in on.records(system, "Task").values()]
        enrolled = [row["TargetId"] for row in on.records(system, "ActionCadenceTracker").values()]
    else:
        tasks = [row["leadline_key"] for row in on.records(system, "tasks").values()]
        enrolled = [row["contactId"] for row in on.records(system, "enrollments").values()]
    planned = on.rows(tables.effects, tables.effects.c.connection == system)
    assert Counter(filter(None, tasks)) == Counter(row["key"] for row in planned if row["kind"] == "task")
    assert Counter(enrolled) == Counter(row["record_id"] for row in planned if row["kind"] == "enrol")
    assert tasks
    assert enrolled


# Replies that never come


def test_a_lost_reply_of_something_that_was_applied(on: Stage) -> None:
    """It is looked up and counted as written; it is not sent again."""
    for system, kind in product(SYSTEMS, KINDS):
        fault(on, system, path=WRITES[system][kind], drop_reply=True)

    ran = on.sync()

    for system, kind in product(SYSTEMS, KINDS):
        assert faults_hit(on, system) == ["drop_reply"] * 3
        assert sent(on, system, kind).keys() == {1}
    assert all(ran.counts["effects"][kind]["unknown"] > 1 for kind in KINDS)
    assert ran.report.failures == {}
    ends_well(on)


def test_a_write_that_never_arrived(on: Stage) -> None:
    """To the client that is the same. It is looked up, not found, and sent once more."""
    for system, kind in product(SYSTEMS, KINDS):
        fault(on, system, path=WRITES[system][kind], drop_request=True)

    ran = on.sync()

    for system, kind in product(SYSTEMS, KINDS):
        assert faults_hit(on, system) == ["drop_request"] * 3
        assert sent(on, system, kind)[2] > 0
    assert ran.report.failures == {}
    ends_well(on)


@both
def test_a_lost_enrolment_is_looked_up_only_when_the_call_cannot_be_under_way(on: Stage, system: str) -> None:
    """There is no key that a second enrolment would run into, so the deadline of the lost call is waited for."""
    fault(on, system, path=WRITES[system]["enrol"], drop_reply=True)

    ran = on.sync()

    assert sum(ran.naps) > 25  # of the 30 seconds of http.timeout_seconds some have passed already


def faults_hit(on: Stage, system: str) -> list[str]:
    """The faults that were met, in order."""
    return [entry.fault for entry in on.crms[system].requests.since() if entry.fault]


# The CRM is busy


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_crm_is_asked_again_when_it_says(on: Stage, status: int) -> None:
    """After the time that it names, when reading and when writing; the run ends as if nothing had been."""
    busy = {"status": status, "headers": {"Retry-After": "7"}}
    for system in SYSTEMS:
        fault(on, system, **busy, path="*", times=2, skip=4)
        for kind in KINDS:
            fault(on, system, **busy, path=WRITES[system][kind], times=1 if is_open(system, status) else 2)

    ran = on.sync()

    for system in SYSTEMS:
        writes = 3 if is_open(system, status) else 6
        assert faults_hit(on, system) == [f"status {status}"] * (2 + writes)
    assert ran.naps.count(7) == sum(2 if is_open(system, status) else 8 for system in SYSTEMS)
    assert ran.report.failures == {}
    ends_well(on)


def is_open(system: str, status: int) -> bool:
    """Whether a status leaves open if a write was applied. HubSpot's 503 does: such a write is looked up."""
    return system == "hubspot" and status == 503


@both
@pytest.mark.parametrize("status", [429, 503])
def test_a_crm_that_stays_busy_costs_its_own_writes_only_until_the_next_run(
    on: Stage, system: str, status: int
) -> None:
    """The run says so with the exit code for trying again; the other CRM is served; nothing is lost."""
    fault(on, system, path=WRITES[system]["update"], status=status, times=None)

    ran = on.sync()

    other = next(name for name in SYSTEMS if name != system)
    assert ran.report.failures.keys() == {system}
    assert isinstance(ran.report.failure, TransientError)
    assert states(on, other).keys() <= {"written", "unchanged", "superseded"}
    assert states(on, system)["planned"] > 0
    assert not states(on, system).keys() & {"sending", "unknown", "refused"}
    on.crms[system].faults.clear()
    assert on.sync().report.failures == {}
    ends_well(on)


@both
def test_a_crm_that_cannot_be_read_loses_nothing(on: Stage, system: str) -> None:
    """What could be read is kept, what could not is read by the next run."""
    fault(on, system, path="*", method="GET", status=503, times=None)
    first = on.sync()
    assert first.report.failures.keys() == {system}
    assert isinstance(first.report.failure, TransientError)

    on.crms[system].faults.clear()
    on.sync()

    ends_well(on)


def test_a_spent_daily_quota_ends_the_run_for_that_crm(on: Stage) -> None:
    """It is no use to ask again today: one call finds out, and the writes wait."""
    fault(on, "hubspot", path=WRITES["hubspot"]["update"], status=429, code="DAILY", times=None)

    ran = on.sync()

    assert faults_hit(on, "hubspot") == ["status 429"]
    assert isinstance(ran.report.failure, BudgetError)
    assert states(on, "hubspot")["planned"] > 0
    on.crms["hubspot"].faults.clear()
    on.sync()
    ends_well(on)


# Sessions


def test_an_expired_session_is_renewed_and_the_call_repeated(on: Stage) -> None:
    """With all that the call said: without `Sforce-Auto-Assign` the org's rules would take accounts away."""
    owners = {key: row["OwnerId"] for key, row in on.records("salesforce", "Account").items()}
    fault(on, "salesforce", path="*/query*", skip=2, **EXPIRED)
    for kind in KINDS:
        fault(on, "salesforce", path=WRITES["salesforce"][kind], **EXPIRED)

    ran = on.sync()

    assert faults_hit(on, "salesforce") == ["status 401"] * 4
    assert ran.calls["salesforce"].count("POST /services/oauth2/token") == 5
    assert all(sent(on, "salesforce", kind).keys() == {1} for kind in KINDS)
    assert ran.report.failures == {}
    given = {key: owner for key, owner in given_owners(on).items() if key in owners}
    assert {key: row["OwnerId"] for key, row in on.records("salesforce", "Account").items()} == owners | given
    ends_well(on)


EXPIRED = {"status": 401, "code": "INVALID_SESSION_ID"}


def given_owners(on: Stage) -> dict[str, str]:
    """Owners that Leadline gave to records of the org."""
    rows = on.rows(tables.effects, tables.effects.c.connection == "salesforce", tables.effects.c.kind == "update")
    values = {row["record_id"]: orjson.loads(row["payload"])["values"] for row in rows}
    return {key: fields["OwnerId"] for key, fields in values.items() if "OwnerId" in fields}


def test_sessions_that_are_all_revoked_at_once(on: Stage) -> None:
    """Every call of every thread is refused at once: one sign-in serves them all."""
    vendor = on.vendor("salesforce")
    revoked: list[None] = []

    def revoke(event: Event) -> None:
        if isinstance(event, StageStarted) and event.stage == "write:update" and not revoked:
            revoked.append(vendor.auth.sessions.expire_all())

    ran = on.sync(revoke)

    assert revoked
    assert ran.report.failures == {}
    ends_well(on)


def test_a_token_that_is_not_accepted_any_more_stops_that_crm_and_says_so(on: Stage) -> None:
    """HubSpot's token cannot be renewed: nothing is tried again, the other CRM is served, the writes wait."""
    fault(on, "hubspot", path=WRITES["hubspot"]["update"], status=401, times=None)

    ran = on.sync()

    assert faults_hit(on, "hubspot") == ["status 401"]
    assert isinstance(ran.report.failure, CredentialsError)
    assert states(on, "hubspot")["planned"] > 0
    assert states(on, "salesforce").keys() <= {"written", "unchanged", "superseded"}
    on.crms["hubspot"].faults.clear()
    on.sync()
    ends_well(on)


# Refused rows


BATCHES = {"salesforce": ("Lead", 200), "hubspot": ("contacts", 100)}


@both
def test_one_row_of_a_batch_is_refused(system: str, tmp_path: Path) -> None:
    """The others are written; the list tells why, who must act and what to do; mended, it can be tried again."""
    world = generate(210, seed=6, now=NOW)
    kind, size = BATCHES[system]
    with stage(tmp_path, {system: world}) as on:
        record = min(on.records(system, kind))
        says = {"code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Region is missing"}
        fault(on, system, object=kind, ids=[record], **says)

        ran = on.backfill()

        full = [event for event in ran.events if isinstance(event, BatchPushed) and event.rows >= size]
        assert {"written": full[0].rows - 1, "refused": 1} in [event.outcomes for event in full]
        assert states(on, system)["refused"] == 1
        assert on.records(system, kind)[record].get(field_of(system, "group")) is None
        (listed,) = told(on, "outbox", "list")["effects"]
        assert (listed["object"], listed["record_id"], listed["state"]) == (kind, record, "refused")
        assert (listed["reason_code"], listed["reason"]) == tuple(says.values())
        assert listed["actor"] == "crm_admin"
        assert listed["fix"]

        on.advance(60)
        did_nothing(on.sync())  # a refused row is not tried again by itself
        on.crms[system].faults.clear()
        assert told(on, "outbox", "retry", listed["key"]) == {"planned": 1}
        written = on.sync()

        assert written.counts["effects"] == {"update": {"written": 1}}
        (score,) = on.rows(tables.scores, tables.scores.c.uid == listed["subject"])
        assert on.records(system, kind)[record][field_of(system, "group")] == score["group"]
        assert told(on, "outbox", "list")["effects"] == []
        did_nothing(on.sync())


def field_of(system: str, output: str) -> str:
    """The CRM's field for one of our outputs."""
    return {"salesforce": f"Leadline_{output.title()}__c", "hubspot": f"leadline_{output}"}[system]


def told(on: Stage, *words: str) -> Any:
    """What a command says with `--json`."""
    done = subprocess.run(
        on.command(*words, "--json"), env=worker_environment(), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


# Deleted records


@both
def test_the_score_of_a_deleted_record_goes(on: Stage, system: str) -> None:
    """With its ledger; and what had been planned for the record and not been sent is not sent any more."""
    contact = hot_contact(on, system)
    fault(on, system, path=WRITES[system]["update"], status=429, times=None)
    on.sync()
    assert contact in {row["uid"] for row in on.rows(tables.scores)}
    assert waiting(on, contact)
    user_of(system, on).delete(contact)
    on.crms[system].faults.clear()

    ran = on.sync()

    assert ran.report.failures == {}
    assert contact not in {row["uid"] for row in on.rows(tables.scores)}
    assert contact not in on.ledgers()
    readable(on, contact)
    did_nothing(on.sync())


@both
def test_a_record_that_is_deleted_while_it_is_written(on: Stage, system: str) -> None:
    """The CRM refuses its row, readably, and the rows beside it are written; the next sync forgets its score."""
    contact = hot_contact(on, system)
    deleted: list[str] = []

    def delete(event: Event) -> None:
        ours = isinstance(event, StageStarted) and (event.stage, event.connection) == ("write:update", system)
        if ours and not deleted:
            deleted.append(contact)
            user_of(system, on).delete(contact)

    ran = on.sync(delete)

    assert deleted
    assert ran.report.failures == {}
    refused = readable(on, contact)
    assert "update" in {row["kind"] for row in refused}
    assert states(on, system)["written"] > len(refused)
    on.sync()
    assert contact not in {row["uid"] for row in on.rows(tables.scores)}
    did_nothing(on.sync())


def hot_contact(on: Stage, system: str) -> str:
    """A contact that has just asked for a demo, so that the next sync writes to them."""
    if system == "salesforce":
        visits = on.records(system, "Web_Event__c").values()
        asked = [row["Contact__c"] for row in visits if row["Type__c"] == "demo_request" and row["Contact__c"]]
        return f"salesforce/Contact/{asked[-1]}"
    rows = on.crms[system].vendor.state()["web_events"]
    asked = [row["associations"]["contacts"][0] for row in rows if row["properties"]["event_type"] == "demo_request"]
    return f"hubspot/contacts/{asked[-1]}"


def waiting(on: Stage, uid: str) -> list[dict[str, Any]]:
    """What has been planned for a record and not been sent."""
    return on.rows(tables.effects, tables.effects.c.record_id == uid.split("/")[2], tables.effects.c.state == "planned")


def readable(on: Stage, uid: str) -> list[dict[str, Any]]:
    """The refused effects of a record: each with a reason and what to do, and with nobody who must act."""
    rows = on.rows(tables.effects, tables.effects.c.record_id == uid.split("/")[2])
    refused = [row for row in rows if row["state"] == "refused"]
    assert {row["state"] for row in rows} <= {"written", "superseded", "refused"}
    for row in refused:
        assert row["reason_code"] in {"ENTITY_IS_DELETED", "OBJECT_NOT_FOUND"}
        assert "deleted" in f"{row['reason']} {row['fix']}"
        assert row["actor"] == "nobody"
    return refused
