"""Crowds: exact, repeatable, spread, and kept by nobody. Takes about 2 seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections import Counter

import pytest

from leadline.sdk.errors import ConfigError
from leadline.sdk.sandbox.crowd import crowd
from leadline.sdk.sandbox.world import ACTIVITY_KINDS, World

NOW = 1_780_000_000


def small(seed: int = 7) -> World:
    return crowd(300, 2_000, seed=seed, now=NOW, activities_per_contact=2)


def test_a_crowd_has_exactly_what_was_asked_for() -> None:
    world = small()

    assert world.counts() == {
        "companies": 300, "contacts": 2_000, "leads": 0, "deals": 0, "activities": 4_000, "reps": 40,
    }  # fmt: skip
    assert [len(list(table)) for table in (world.companies, world.contacts, world.activities)] == [300, 2_000, 4_000]
    assert world.contacts[-1] == list(world.contacts)[-1]
    assert world.contacts[10:20] == list(world.contacts)[10:20]
    with pytest.raises(IndexError):
        world.companies[300]


def test_equal_seeds_give_equal_crowds_and_others_do_not() -> None:
    script = (
        "from leadline.sdk.sandbox.crowd import crowd;"
        f"print(crowd(300, 2_000, seed=7, now={NOW}, activities_per_contact=2).digest())"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "9"},
    ).stdout.strip()

    assert small().digest() == elsewhere != small(seed=8).digest()


def test_everything_is_unique_that_must_be_and_every_link_leads_somewhere() -> None:
    world = small()
    companies = {company.id for company in world.companies}
    contacts = {contact.id for contact in world.contacts}
    reps = {rep.id for rep in world.reps}

    assert len(companies) == len({c.website for c in world.companies if c.website}) + sum(
        c.website is None for c in world.companies
    )
    emails = [contact.email for contact in world.contacts if contact.email]
    assert len(emails) == len(set(emails))
    assert {contact.company_id for contact in world.contacts} - {None} <= companies
    assert {c.owner for c in world.companies} | {c.owner for c in world.contacts} <= reps
    assert {activity.contact_id for activity in world.activities} == contacts
    assert {activity.kind for activity in world.activities} <= ACTIVITY_KINDS
    assert len({activity.id for activity in world.activities}) == 4_000
    created = [c.created_at for c in world.companies] + [c.created_at for c in world.contacts]
    assert NOW - 4 * 365 * 86_400 < min(created) < max(created) < NOW
    assert all(activity.at <= NOW for activity in world.activities)


def test_a_crowd_is_spread_as_people_are() -> None:
    world = crowd(2_000, 20_000, seed=7, now=NOW)
    titles = Counter(contact.title for contact in world.contacts)
    at_one_second = Counter(contact.created_at for contact in world.contacts).most_common(1)[0][1]
    free = sum(bool(c.email and c.email.endswith(("gmail.com", "outlook.com"))) for c in world.contacts)

    assert len(titles) > 100
    assert max(titles.values()) < 20_000 * 0.09
    assert len({company.industry for company in world.companies}) > 40
    assert at_one_second == 400
    assert 0.03 < sum(contact.company_id is None for contact in world.contacts) / 20_000 < 0.05
    assert 0.01 < free / 20_000 < 0.1
    sizes = Counter(contact.company_id for contact in world.contacts if contact.company_id)
    assert max(sizes.values()) > 4 * sorted(sizes.values())[len(sizes) // 2]


def test_reading_a_crowd_keeps_nothing_of_it() -> None:
    tracemalloc.start()
    try:
        for table in (crowd(5_000, 0, seed=1, now=NOW).companies, crowd(0, 10_000, seed=1, now=NOW).contacts):
            for _ in table:
                pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1_500_000  # the records themselves would be more than ten times that


@pytest.mark.parametrize(("accounts", "contacts"), [(-1, 5), (5, -1), (0, 0)])
def test_a_crowd_of_nobody_is_refused(accounts: int, contacts: int) -> None:
    with pytest.raises(ConfigError):
        crowd(accounts, contacts, seed=1, now=NOW)


def test_contacts_without_accounts_belong_to_nobody() -> None:
    assert {contact.company_id for contact in crowd(0, 100, seed=1, now=NOW).contacts} == {None}


def test_a_bundle_and_a_crowd_do_not_go_together() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "leadline", "sandbox", "hubspot", "--world", ".", "--contacts", "5", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (said.returncode, json.loads(said.stdout)["error"]["place"]) == (2, "--world")
