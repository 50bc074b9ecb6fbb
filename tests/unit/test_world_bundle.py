"""Bundles become worlds: ids as they are, times moved, the rest derived; and clear errors."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from leadline.sdk.errors import ConfigError
from leadline.sdk.sandbox.bundle import COLUMNS, load_bundle
from leadline.sdk.sandbox.world import ACTIVITY_KINDS, DEAL_STAGES, World

NOW = 1_760_000_000
DAY = 86_400


def write_bundle(folder: Path, *, seed: int, mode: str, difficulty: str) -> Path:
    from leadforge.api import Generator

    generator = Generator.from_recipe(
        "b2b_saas_procurement_v1",
        seed=seed,
        exposure_mode=mode,
        difficulty=difficulty,
        n_leads=120,
        n_accounts=40,
        n_contacts=100,
    )
    generator.generate().save(str(folder))
    return folder


@pytest.fixture(
    scope="module",
    params=[
        (3, "student_public", "intermediate"),
        (7, "research_instructor", "advanced"),
        (11, "student_public", "intro"),
    ],
    ids=["seed3", "seed7-instructor-advanced", "seed11-intro"],
)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    seed, mode, difficulty = request.param
    return write_bundle(tmp_path_factory.mktemp("bundle"), seed=seed, mode=mode, difficulty=difficulty)


@pytest.fixture(scope="module")
def world(bundle: Path) -> World:
    return load_bundle(bundle, now=NOW)


def table(bundle: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(bundle / "tables" / f"{name}.parquet")


def test_ids_equal_the_bundles_none_missing_none_extra(bundle: Path, world: World) -> None:
    activities = {
        name: [one.id for one in world.activities if one.table == name]
        for name in ("touches", "sessions", "sales_activities")
    }

    assert [one.id for one in world.companies] == table(bundle, "accounts")["account_id"].to_list()
    assert [one.id for one in world.contacts] == table(bundle, "contacts")["contact_id"].to_list()
    assert [one.id for one in world.leads] == table(bundle, "leads")["lead_id"].to_list()
    assert [one.id for one in world.deals] == table(bundle, "opportunities")["opportunity_id"].to_list()
    assert activities == {
        "touches": table(bundle, "touches")["touch_id"].to_list(),
        "sessions": table(bundle, "sessions")["session_id"].to_list(),
        "sales_activities": table(bundle, "sales_activities")["activity_id"].to_list(),
    }
    assert {one.id for one in world.reps} >= set(table(bundle, "leads")["owner_rep_id"].to_list())
    assert all(rep.active for rep in world.reps)


def test_links_and_values_are_the_bundles(bundle: Path, world: World) -> None:
    leads = {one.id: one for one in world.leads}

    assert [(one.contact_id, one.company_id, one.source, one.owner) for one in world.leads] == table(
        bundle, "leads"
    ).select("contact_id", "account_id", "lead_source", "owner_rep_id").rows()
    assert [one.industry for one in world.companies] == table(bundle, "accounts")["industry"].to_list()
    assert [one.title for one in world.contacts] == table(bundle, "contacts")["job_title"].to_list()
    assert [(one.lead_id, one.stage, one.amount) for one in world.deals] == [
        (lead_id, "demo_scheduled" if stage == "sql" else stage, amount)
        for lead_id, stage, amount in table(bundle, "opportunities")
        .select("lead_id", "stage", "estimated_acv")
        .iter_rows()
    ]
    assert all(
        (one.contact_id, one.company_id) == (leads[one.lead_id].contact_id, leads[one.lead_id].company_id)
        for one in world.activities
        if one.lead_id
    )
    assert {one.kind for one in world.activities} <= ACTIVITY_KINDS
    assert {one.stage for one in world.deals} <= set(DEAL_STAGES)


def test_the_latest_event_is_now_and_days_stay_apart_as_they_were(bundle: Path, world: World) -> None:
    at = {one.id: one.at for one in world.activities}
    touches = table(bundle, "touches").sort("touch_timestamp", "touch_id")
    days = touches["touch_timestamp"].str.slice(0, 10).str.to_date().cast(pl.Int32).to_list()
    moved = [at[one] for one in touches["touch_id"].to_list()]

    everything = [*at.values(), *(one.created_at for one in world.leads), *(one.created_at for one in world.deals)]
    everything += [one.closed_at for one in world.deals if one.closed_at is not None]
    assert max(everything) == NOW
    shifts = [time // DAY - day for time, day in zip(moved, days, strict=True)]
    assert max(shifts) - min(shifts) <= 1
    assert len({time % DAY for time in moved}) > len(moved) * 0.9


def test_things_happen_in_order(world: World) -> None:
    companies = {one.id: one for one in world.companies}
    leads = {one.id: one for one in world.leads}

    assert all(one.at >= leads[one.lead_id].created_at for one in world.activities if one.lead_id)
    assert all(one.created_at >= leads[one.lead_id].created_at for one in world.deals if one.lead_id)
    assert all((one.closed_at is not None) == one.closed for one in world.deals)
    assert all(one.closed_at is None or one.created_at <= one.closed_at <= NOW for one in world.deals)
    assert all(one.created_at <= NOW for one in companies.values())


def test_names_domains_and_addresses_are_unique(world: World) -> None:
    addresses = [one.email for one in world.contacts if one.email]

    assert len({one.name for one in world.companies}) == len(world.companies)
    assert len({one.website for one in world.companies}) == len(world.companies)
    assert len(set(addresses)) == len(addresses)
    assert len({one.email for one in world.reps}) == len(world.reps)


def test_addresses_follow_the_kind_of_domain(bundle: Path, world: World) -> None:
    companies = {one.id: one for one in world.companies}
    for contact, kind in zip(world.contacts, table(bundle, "contacts")["email_domain_type"].to_list(), strict=True):
        domain = contact.email.partition("@")[2] if contact.email else None
        own = (companies[contact.company_id or ""].website or "").removeprefix("https://www.")
        assert (domain is None) == (kind == "unknown")
        assert (domain == own) == (kind == "corporate")


def test_employees_are_in_their_band_and_mostly_plain_numbers(bundle: Path, world: World) -> None:
    bands = table(bundle, "accounts")["employee_band"].to_list()
    plain = 0
    for company, band in zip(world.companies, bands, strict=True):
        assert company.employees is not None
        if company.employees.isdigit():
            low, _, high = band.rstrip("+").partition("-")
            assert int(low) <= int(company.employees) <= int(high or 10**9)
            plain += 1
        else:
            assert company.employees == band
    assert len(bands) > plain > len(bands) / 2


def test_a_bundle_is_the_same_world_each_time_and_its_time_moves_it_only(bundle: Path, world: World) -> None:
    later = load_bundle(bundle, now=NOW + 1000)

    assert load_bundle(bundle, now=NOW).digest() == world.digest()
    assert [one.at - 1000 for one in later.activities] == [one.at for one in world.activities]
    assert [one.name for one in later.companies] == [one.name for one in world.companies]


def test_the_tables_folder_itself_will_do_and_what_is_unknown_is_ignored(
    bundle: Path, world: World, tmp_path: Path
) -> None:
    for name in COLUMNS:
        table(bundle, name).with_columns(pl.lit(1).alias("novelty")).write_parquet(tmp_path / f"{name}.parquet")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "weather.parquet")

    assert load_bundle(tmp_path, now=NOW).digest() == world.digest()


def test_names_that_the_bundle_gives_are_kept(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path, dirs_exist_ok=True)
    accounts = tmp_path / "tables" / "accounts.parquet"
    pl.read_parquet(accounts).with_columns(pl.lit("Acme AG").alias("company_name")).write_parquet(accounts)

    world = load_bundle(tmp_path, now=NOW)

    assert {one.name for one in world.companies} == {"Acme AG"}
    assert len({one.website for one in world.companies}) == len(world.companies)


def test_dates_may_be_dates_instead_of_text(bundle: Path, world: World, tmp_path: Path) -> None:
    for name in COLUMNS:
        frame = table(bundle, name)
        dates = [column for column in frame.columns if column in {"created_at", "lead_created_at", "touch_timestamp"}]
        frame.with_columns(pl.col(dates).str.slice(0, 10).str.to_date()).write_parquet(tmp_path / f"{name}.parquet")

    assert load_bundle(tmp_path, now=NOW).digest() == world.digest()


def _unlink(path: Path) -> None:
    path.unlink()


def _garble(path: Path) -> None:
    path.write_text("not parquet")


def _without(column: str) -> Callable[[Path], Any]:
    return lambda path: pl.read_parquet(path).drop(column).write_parquet(path)


def _misdate(path: Path) -> None:
    frame = pl.read_parquet(path)
    frame.with_columns(pl.lit("soon").alias("lead_created_at")).write_parquet(path)


def test_a_kind_of_activity_that_nobody_knows_is_named(bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(bundle, tmp_path, dirs_exist_ok=True)
    touches = tmp_path / "tables" / "touches.parquet"
    pl.read_parquet(touches).with_columns(pl.lit("telepathy").alias("touch_type")).write_parquet(touches)

    with pytest.raises(ConfigError, match="telepathy"):
        load_bundle(tmp_path, now=NOW)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_unlink, "missing"),
        (_garble, "not a Parquet file"),
        (_without("owner_rep_id"), "no column owner_rep_id"),
        (_misdate, "date"),
    ],
)
def test_a_damaged_table_is_named(bundle: Path, tmp_path: Path, damage: Callable[[Path], Any], says: str) -> None:
    shutil.copytree(bundle, tmp_path, dirs_exist_ok=True)
    leads = tmp_path / "tables" / "leads.parquet"
    damage(leads)

    with pytest.raises(ConfigError, match=says) as caught:
        load_bundle(tmp_path, now=NOW)

    assert caught.value.place == str(leads)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        load_bundle(tmp_path / "nowhere", now=NOW)
