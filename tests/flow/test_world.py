"""Any bundle of the generator through both CRMs: every id arrives, and every score is right, at every moment.

What is stored and what the CRM shows is compared with a recomputation from the CRM's own state, by
the reference scorer. A record whose group changed or whose score moved by the policy's points
without being looked at would be a missed wake-up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from tests.checker import Checker, assert_same
from tests.edits import User, user_of
from tests.recompute import Truth
from tests.stage import DAY, NOW, SYSTEMS, Stage, did_nothing, stage, write_bundle

from leadline.core.entities import Entity
from leadline.core.normalize.mapping import Mapping as FieldMapping
from leadline.sdk.sandbox.bundle import generate, load_bundle
from leadline.store import tables

BUNDLES = [
    pytest.param({"seed": 7, "leads": 120, "mode": "student_public", "difficulty": "intro"}, id="7-intro"),
    pytest.param({"seed": 11, "leads": 200, "mode": "research_instructor", "difficulty": "advanced"}, id="11-advanced"),
    pytest.param({"seed": 7, "leads": 160, "mode": "research_instructor", "difficulty": "intro"}, id="7-instructor"),
    pytest.param({"seed": 11, "leads": 120, "mode": "student_public", "difficulty": "advanced"}, id="11-public"),
]
# A HubSpot portal gives a lead whom nobody knew a contact of its own; no bundle has such leads.
ID_COLUMNS = {
    Entity.ACCOUNT: {"accounts": "account_id"},
    Entity.PERSON: {"contacts": "contact_id", "leads": "lead_id"},
    Entity.ACTIVITY: {"touches": "touch_id", "sessions": "session_id", "sales_activities": "activity_id"},
    Entity.OPPORTUNITY: {"opportunities": "opportunity_id"},
}


@pytest.fixture(scope="module", params=BUNDLES)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"), **request.param)


def test_a_bundles_ids_arrive_and_its_scores_are_right_day_after_day(bundle: Path, tmp_path: Path) -> None:
    world = load_bundle(bundle, now=NOW)
    with stage(tmp_path, dict.fromkeys(SYSTEMS, world)) as on:
        checker = Checker(on)
        on.backfill()
        ids_are_the_bundles(bundle, on)
        checker.check("backfill")
        on.sync()
        checker.check("sync")
        for days in (1, 3, 9):
            on.advance(days * DAY)
            on.sync()
            checker.check(f"{days} days later")
        ids_are_the_bundles(bundle, on)

    assert checker.looked_at > 5 * 2 * world.counts()["contacts"]


def ids_are_the_bundles(bundle: Path, on: Stage) -> None:
    """Each entity of each connection holds the ids of the Parquet, none missing, none extra, none twice."""
    for entity, sources in ID_COLUMNS.items():
        wanted = {
            one
            for table, column in sources.items()
            for one in pl.read_parquet(bundle / "tables" / f"{table}.parquet")[column]
        }
        rows = on.rows(tables.ENTITY_TABLES[entity])
        for system in on.crms:
            found = [row["external_id"] for row in rows if row["connection"] == system and not row["deleted"]]
            assert_same("ids", f"{system} {entity}", wanted, set(found))
            assert len(found) == len(wanted)


class Cast:
    """Records of one CRM for edits to happen to: contacts of different accounts, the busiest first."""

    def __init__(self, on: Stage, system: str, mapping: FieldMapping) -> None:
        truth = Truth.of(system, on.crms[system].vendor.state(), mapping)
        people = truth.rows[Entity.PERSON]
        busy = Counter(truth.root(row["person"]) for row in truth.rows[Entity.ACTIVITY].values() if row["person"])
        leads = {row["contact"] for row in people.values() if row["kind"] == "lead"}
        by_account: dict[str, str] = {}
        for uid, _ in sorted(busy.items(), key=lambda one: (-one[1], one[0])):
            if people[uid]["account"] and people[uid]["kind"] == "contact" and uid in leads:
                by_account.setdefault(people[uid]["account"], uid)
        self.accounts = list(by_account)
        self.contacts = list(by_account.values())


def edits(user: User, cast: Cast, now: int) -> Iterator[tuple[str, int]]:
    """Edits one after another, each with its name and the seconds that pass before the sync that follows."""
    contacts, accounts = cast.contacts, cast.accounts
    visit = user.visit(contacts[0], "pricing_page")
    user.visit(contacts[0], "demo_request")
    user.visit(contacts[1], "demo_request", now - 20 * DAY)
    yield "visits while the clock stands", 0
    user.change(accounts[2], industry="Retail")
    user.change(accounts[3], employees=5)
    user.change(accounts[4], lifecycle="Competitor")
    user.change(accounts[5], industry=None)
    yield "facts of accounts", 3_600
    user.change(contacts[6], title="Student")
    user.hire(accounts[7], "Chief Financial Officer")
    yield "people", 0
    user.delete(contacts[8])
    user.delete(visit)
    yield "a contact with leads and a visit are deleted", 3_600
    user.delete(accounts[9])
    yield "an account is deleted", 0
    user.move(contacts[10], accounts[11])
    user.move(contacts[12], accounts[13])
    yield "contacts move to other accounts", 60
    contact, _ = user.meet("Chief Operating Officer")
    user.visit(contact, "pricing_page")
    yield "somebody without an account, and their lead", 0
    user.delete(contact)
    yield "whose contact is deleted", 0
    user.merge(contacts[1], contacts[2])
    user.merge(accounts[3], accounts[6])
    yield "contacts and accounts are merged", 60
    visit = user.visit(contacts[14], "trial_signup")
    yield "another visit", 0
    user.backdate(visit, now - 70 * DAY)
    yield "which turns out to be old", 0
    yield "and time passes", 9 * DAY


def test_whatever_people_edit_the_scores_follow(tmp_path: Path) -> None:
    world = generate(160, seed=5, now=NOW)
    with stage(tmp_path, dict.fromkeys(SYSTEMS, world)) as on:
        checker = Checker(on)
        on.backfill()
        checker.check("backfill")
        casts = {system: Cast(on, system, checker.mappings[system]) for system in SYSTEMS}
        steps = [edits(user_of(system, on), casts[system], on.now) for system in SYSTEMS]
        subjects = len(on.rows(tables.scores))
        for found in zip(*steps, strict=True):
            name, seconds = found[0]
            on.advance(seconds)
            ran = on.sync()
            checker.check(name)
            # Never everything: nine days touch many records, an edit a handful.
            assert 0 < ran.counts["scored"] < (subjects if seconds > DAY else 80), name
        did_nothing(on.sync())
