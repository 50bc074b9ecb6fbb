"""Generated worlds: exactly as many leads as asked for, repeatable, and with everything the layer promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leadline.sdk.errors import ConfigError
from leadline.sdk.sandbox import spellings
from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.groups import DUPLICATES, GROUPS, NAMED_ASSETS
from leadline.sdk.sandbox.layer import allot
from leadline.sdk.sandbox.names import FREE_MAIL, TECHNOLOGIES
from leadline.sdk.sandbox.world import ACTIVITY_KINDS, World

NOW = 1_760_000_000
DAY = 86_400


@pytest.fixture(scope="module")
def world() -> World:
    return generate(1000, seed=42, now=NOW)


def test_equal_seeds_give_equal_worlds_in_any_process(world: World) -> None:
    program = f"from leadline.sdk.sandbox.bundle import generate; print(generate(1000, seed=42, now={NOW}).digest())"
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert elsewhere.stdout.strip() == world.digest()
    assert generate(1000, seed=43, now=NOW).digest() != world.digest()


@pytest.mark.parametrize("leads", [1, 2, 7, 50])
def test_a_world_has_exactly_the_leads_asked_for(leads: int) -> None:
    assert len(generate(leads, seed=5, now=NOW).leads) == leads


@pytest.mark.parametrize(("leads", "seed"), [(0, 1), (5, -1)])
def test_senseless_arguments_are_refused(leads: int, seed: int) -> None:
    with pytest.raises(ConfigError):
        generate(leads, seed=seed, now=NOW)


def test_every_id_is_unique_and_every_link_leads_somewhere(world: World) -> None:
    companies = {one.id for one in world.companies}
    contacts = {one.id for one in world.contacts}
    leads = {one.id for one in world.leads}
    reps = {one.id for one in world.reps}

    ids = [
        *(one.id for one in world.companies), *(one.id for one in world.contacts), *(one.id for one in world.leads),
        *(one.id for one in world.deals), *(one.id for one in world.activities), *(one.id for one in world.reps),
    ]  # fmt: skip
    assert len(set(ids)) == len(ids)
    for contact in world.contacts:
        assert contact.company_id in companies
        assert contact.owner in reps
    for lead in world.leads:
        assert lead.company_id in companies | {None}
        assert lead.contact_id in contacts | {None}
        assert lead.owner in reps
    for deal in world.deals:
        assert (deal.lead_id in leads, deal.contact_id in contacts, deal.company_id in companies) == (True, True, True)
    for activity in world.activities:
        assert activity.lead_id in leads
        assert activity.company_id in companies | {None}
        assert activity.contact_id in contacts | {None}
        assert activity.rep in reps | {None}
    assert {one.owner for one in world.companies} <= reps


def test_addresses_are_unique_among_people(world: World) -> None:
    people = [one.email for one in world.contacts] + [one.email for one in world.leads if one.contact_id is None]
    addresses = [email.lower() for email in people if email]

    assert len(set(addresses)) == len(addresses)


def test_nothing_happens_after_now_or_before_its_lead(world: World) -> None:
    leads = {one.id: one for one in world.leads}

    assert max(one.at for one in world.activities) == NOW
    assert all(leads[one.lead_id].created_at <= one.at <= NOW for one in world.activities if one.lead_id)
    assert {one.kind for one in world.activities} <= ACTIVITY_KINDS


def test_the_layer_adds_what_the_generator_lacks(world: World) -> None:
    """One line per promise of docs/sandbox.md."""
    added = [one for one in world.companies if one.id.startswith("x_")]
    staff = [int(one.employees) for one in added if one.employees and one.employees.isdigit()]
    kinds = {one.kind for one in world.activities}
    titles = " ".join(one.title.lower() for one in world.leads if one.title)
    domains = {one.email.partition("@")[2] for one in world.leads if one.email and one.contact_id is None}
    with_deals = {one.company_id for one in world.deals}

    assert min(staff) < 10
    assert max(staff) > 10_000
    assert {"competitor", "partner", "customer", "prospect"} == {one.lifecycle for one in world.companies}
    assert kinds >= {"demo_request", "comparison_page", "careers_page", "trial_signup", "generic_form", "unsubscribe"}
    assert {one.asset for one in world.activities} >= set(NAMED_ASSETS)
    assert all(word in titles for word in ("student", "intern", "freelance"))
    assert domains & set(FREE_MAIL)
    assert not with_deals & {one.id for one in added}
    assert any(one.timeline for one in world.leads)
    assert any(one.opted_out for one in world.leads)
    assert {name for one in world.companies for name in one.technologies} <= set(TECHNOLOGIES)
    assert sum(one.tier is not None for one in added) > 5


def test_values_are_written_as_people_write_them(world: World) -> None:
    industries = {one.industry for one in world.companies}
    employees = {one.employees or "" for one in world.companies}
    revenues = {one.revenue or "" for one in world.companies}
    countries = {one.country for one in world.companies}

    assert {"Mfg", "Logistics", "Prof Serv"} <= industries
    assert industries & set(spellings.PLACEHOLDERS)
    assert None in industries
    for pattern in (r"\d+-\d+", r"~\d+", r"\d+k\+", r"\d+ - \d+ employees"):
        assert any(re.fullmatch(pattern, one) for one in employees)
    for sign in ("$", "USD", "£", "EUR"):
        assert any(sign in one for one in revenues)
    assert {"U.S.A.", "UK", "Deutschland"} & countries
    assert sum(one.isdigit() for one in employees) > len(employees) / 2


def test_base_rows_keep_their_ids_times_and_links(world: World) -> None:
    base = [one for one in world.leads if not one.id.startswith("x_")]

    assert len(base) == 600
    assert [one.id for one in base] == [f"lead_{number:06d}" for number in range(1, 601)]
    assert all(one.contact_id and one.company_id for one in base)


def test_companies_and_people_are_there_twice(world: World) -> None:
    names = [re.sub(r"( Ltd|, Inc\.| LLC| plc| \(UK\)| Group)$", "", one.name, flags=re.IGNORECASE).lower()
             for one in world.companies]  # fmt: skip
    contacts = {(one.first_name, one.last_name) for one in world.contacts if not one.id.startswith("x_")}
    twins = [one for one in world.leads if one.source == "list_upload" and one.contact_id is None]

    assert len(names) - len(set(names)) >= 400 * DUPLICATES // 1000 // 2 - 2
    assert sum((one.first_name, one.last_name) in contacts for one in twins) >= 400 * DUPLICATES // 1000 // 2


def test_a_rep_who_left_still_owns_some_of_the_added_accounts(world: World) -> None:
    (gone,) = [one for one in world.reps if not one.active]
    owned = [one.id for one in world.companies if one.owner == gone.id]

    assert owned
    assert all(one.startswith("x_") for one in owned)


def test_fit_without_interest_exists_for_the_story(world: World) -> None:
    """Companies of the right size and market, with a decider, no deal and nothing recent but a website visit."""
    recent = {
        one.company_id for one in world.activities
        if one.kind not in {"website", "email", "generic_form"} and one.at > NOW - 39 * DAY
    }  # fmt: skip
    with_deals = {one.company_id for one in world.deals}
    fitting = {
        one.id for one in world.companies
        if one.employees and one.employees.isdigit() and 200 <= int(one.employees) <= 2000
        and one.industry in {s for word in ("manufacturing", "logistics", "professional_services") for s in
                             spellings.INDUSTRIES[word]}
    }  # fmt: skip

    assert len(fitting - recent - with_deals) >= 15


def test_shares_are_split_exactly() -> None:
    assert allot(10, [1, 1, 1]) == [4, 3, 3]
    assert allot(0, [5, 5]) == [0, 0]
    assert sum(allot(384, [group.share for group in GROUPS])) == 384


def test_the_groups_are_documented() -> None:
    document = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| ([a-z][a-z ,]+?) \| (\d+\.\d) % \|", document, re.MULTILINE)

    shares = [(group.name, group.share) for group in GROUPS] + [("duplicates", DUPLICATES)]
    assert documented == [(name, f"{share / 10:.1f}") for name, share in shares]
    assert sum(share for _, share in shares) == 1000
