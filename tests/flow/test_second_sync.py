"""A second sync with nothing new does nothing, our own writes are not news, and one edit wakes one cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from tests.edits import heat, user_of
from tests.stage import DAY, NOW, SYSTEMS, Stage, did_nothing, stage

from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.world import World
from leadline.store import tables


@pytest.fixture(scope="module")
def world() -> World:
    return generate(60, seed=9, now=NOW)


@pytest.fixture
def on(world: World, tmp_path: Path) -> Iterator[Stage]:
    """Both CRMs, backfilled; their clocks stand."""
    with stage(tmp_path, dict.fromkeys(SYSTEMS, world)) as made:
        made.backfill()
        yield made


def test_a_second_sync_does_nothing_while_the_clock_stands(on: Stage) -> None:
    did_nothing(on.sync())
    did_nothing(on.sync())


def test_a_second_sync_does_nothing_while_the_clock_runs(world: World, tmp_path: Path) -> None:
    clocks = {system: SandboxClock() for system in SYSTEMS}
    for clock in clocks.values():
        clock.set(world.now, running=True)
    with stage(tmp_path, dict.fromkeys(SYSTEMS, world), clocks=clocks) as on:
        on.backfill()
        for _ in range(2):
            on.now = int(clocks["hubspot"].now())
            did_nothing(on.sync())
        # Once everything that was written has been read back, the CRMs' own stamps say that nothing is new.
        on.advance(DAY // 24)
        on.now = int(clocks["hubspot"].now())
        on.sync()
        assert sum(on.sync().counts["read"].values()) < 100


def test_our_own_writes_are_not_news(on: Stage) -> None:
    """Fields, owners, statuses, tasks and enrolments that a sync wrote come back with the next one and wake nobody."""
    give_a_status(on)
    for system in SYSTEMS:
        heat(system, on, 12)
        stranger = user_of(system, on).inquire("Chief Financial Officer")
        user_of(system, on).visit(stranger, "pricing_page")
        user_of(system, on).visit(stranger, "demo_request")
    on.advance(3_600)
    on.sync()
    for system in SYSTEMS:
        assert written(on, system) >= {"fields", "owner", "status", "task", "enrol"}, system

    seen = on.sync()

    did_nothing(seen)
    assert all(seen.counts["read"][name] > 0 for name in ("salesforce/Account", "salesforce/Task", "hubspot/companies"))
    on.advance(60)
    did_nothing(on.sync())


def give_a_status(on: Stage) -> None:
    """Let the best group's play set a status, which the shipped model leaves alone; HubSpot has a word of its own."""
    model = on.folder / "models" / "b2b.yaml"
    replace_in(model, "  priority:\n    assign: sales\n", "  priority:\n    assign: sales\n    status: Working\n")
    mapping = on.folder / "mappings" / "hubspot.yaml"
    status = "      owner: hubspot_owner_id\n      status: hs_lead_status\n"
    mapped = "      owner: hubspot_owner_id\n      status: {to: hs_lead_status, values: {Working: OPEN}}\n"
    replace_in(mapping, status, mapped)


def replace_in(file: Path, old: str, new: str) -> None:
    """Replace the only place that reads like this."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def written(on: Stage, system: str) -> set[str]:
    """What kinds of things the last sync wrote."""
    found = set()
    words = {"OwnerId": "owner", "hubspot_owner_id": "owner", "Status": "status", "hs_lead_status": "status"}
    for row in on.rows(tables.effects, tables.effects.c.connection == system, tables.effects.c.state == "written"):
        if row["planned_at"] != on.now:
            continue
        if row["kind"] != "update":
            found.add(row["kind"])
            continue
        found |= {words.get(field, "fields") for field in orjson.loads(row["payload"])["values"]}
    return found


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_edit_wakes_one_cluster(on: Stage, system: str) -> None:
    """A human's edit of one field of one record: its account is scored again, and nobody else."""
    rows = on.rows(tables.accounts, tables.accounts.c.connection == system, tables.accounts.c.industry == "logistics")
    account = min(row["uid"] for row in rows)
    user_of(system, on).change(account, industry="Retail")

    ran = on.sync()

    assert ran.clusters == 1
    assert ran.counts["records_changed"] == 1
    (scored,) = on.rows(tables.accounts, tables.accounts.c.uid == account)
    assert scored["industry"] == "retail"
    members = {row["uid"] for row in on.rows(tables.scores, tables.scores.c.cluster == account)}
    assert ran.counts["scored"] == len(members)
    did_nothing(on.sync())


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_edit_that_scoring_does_not_look_at_wakes_nobody(on: Stage, system: str) -> None:
    """A new name is stored, and that is all."""
    account = min(row["uid"] for row in on.rows(tables.accounts, tables.accounts.c.connection == system))
    user_of(system, on).change(account, name="Renamed & Sons")

    did_nothing(on.sync())

    (row,) = on.rows(tables.accounts, tables.accounts.c.uid == account)
    assert row["name"] == "Renamed & Sons"


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_edit_of_what_we_write_is_seen_and_wakes_nobody(on: Stage, system: str) -> None:
    """Somebody sets a score by hand: our copy follows, and the score stands until the next one is due."""
    account = min(row["uid"] for row in on.rows(tables.accounts, tables.accounts.c.connection == system))
    user_of(system, on).change(account, score=99)

    did_nothing(on.sync())

    (row,) = on.rows(tables.accounts, tables.accounts.c.uid == account)
    assert orjson.loads(row["crm"])["score"] == 99
