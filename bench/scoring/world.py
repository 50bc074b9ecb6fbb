"""Canonical Parquet of any size, the same for the same seed: accounts, people, activities of a year.

    python -m bench.scoring.world FOLDER [--accounts N]

Five people per account on average and ten activities per person, both unevenly spread: a few accounts
have hundreds of people, many people did nothing at all. Ids look like a CRM's: their numbers are
dealt at random, so neither does the order of rows follow them, nor do the people of an account stand
together. Activities are in the order of their time, as a log is.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from leadline.core.entities import INDUSTRIES, SENIORITIES
from leadline.core.scoring.facts import Facts
from leadline.frames import local

NOW = 1_700_000_000
DAY = 86_400
YEAR = 365 * DAY
SEED = 7
PEOPLE, ACTIVITIES = 5, 50  # per account, on average

Words = Mapping[str | None, float]
Rng = np.random.Generator

COUNTRIES: Words = {
    "US": 40, "GB": 10, "DE": 8, "CA": 6, "FR": 5, "NL": 3, "AU": 3, "SE": 2, "BR": 4, "IN": 5, "ES": 2, "JP": 2,
    None: 10,
}  # fmt: skip
GROUPS: Words = {
    "priority": 2, "qualified_review": 4, "nurture": 20, "research": 10, "poor_fit": 50, None: 14,
}  # fmt: skip
TECHNOLOGIES = ("excel", "hubspot", "netsuite", "oracle", "salesforce", "sap", "slack", "snowflake", "workday")
ROLES: Words = {
    "finance": 12, "procurement": 6, "operations": 12, "it": 10, "general_management": 5, "sales": 12,
    "marketing": 12, "engineering": 8, "hr": 4, "product": 3, "other": 4, None: 12,
}  # fmt: skip
TITLES: Words = {
    "Chief Financial Officer": 4, "VP Operations": 5, "Head of Procurement": 6, "Accounts Payable Manager": 9,
    "Buyer": 10, "Software Engineer": 8, "Marketing Manager": 9, "Consultant": 6, None: 43,
}  # fmt: skip
KINDS: Words = {
    "email_open": 14, "email_sent": 9, "web_session": 11, "email_click": 14, "pricing_page_view": 14,
    "demo_page_view": 8, "comparison_page_view": 6, "content_download": 11, "webinar": 5, "event_attendance": 2,
    "demo_request": 2, "trial_signup": 2, "unsubscribe": 1, "product_usage": 1,
}  # fmt: skip
ASSETS: Words = {
    "ROI calculator 2023": 3,
    "Case study: a bakery": 3,
    "Security overview": 2,
    "Newsletter": 5,
    "E-book": 4,
    None: 3,
}


@dataclass(frozen=True)
class World:
    """Where the three tables of one size lie."""

    folder: Path
    accounts: Path
    people: Path
    events: Path


def read(folder: Path) -> Facts[pl.DataFrame]:
    """The facts of a world; nothing is read yet."""
    accounts, people, events = (
        pl.scan_parquet(folder / f"{name}.parquet") for name in ("accounts", "people", "events")
    )
    return Facts(accounts, people, events, local.ENGINE)


def world(folder: Path, accounts: int, seed: int = SEED) -> World:
    """The world of that many accounts under `folder`, made when it is not there yet."""
    place = folder / f"world-{accounts}-{seed}-{_version()}"
    made = World(place, place / "accounts.parquet", place / "people.parquet", place / "events.parquet")
    if not made.events.exists():
        place.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        companies = _accounts(rng, accounts)
        people = _people(rng, companies["uid"], accounts * PEOPLE)
        companies.write_parquet(made.accounts)
        people.write_parquet(made.people)
        activities = _events(rng, companies["uid"], people["uid"], accounts * ACTIVITIES)
        unfinished = made.events.with_suffix(".part")
        activities.write_parquet(unfinished)
        unfinished.rename(made.events)
    return made


def _version() -> str:
    """Changes with the columns of facts and with this file, so that no old world is taken for a new one."""
    columns = [*local.account_schema(), *local.person_schema(), *local.event_schema()]
    return f"{zlib.crc32(Path(__file__).read_bytes() + repr(columns).encode()):08x}"


def _accounts(rng: Rng, count: int) -> pl.DataFrame:
    sizes = np.exp(rng.normal(4.6, 1.9, count)).astype(np.int64) + 1
    revenue = sizes * rng.integers(40_000, 300_000, count)
    columns: dict[str, Any] = {
        "uid": _ids(rng, "crm/companies/", count),
        "industry": _choice(rng, {**dict.fromkeys(INDUSTRIES, 4.0), None: 12}, count),
        "employees": _with_gaps(rng, sizes, 0.15),
        "annual_revenue": _with_gaps(rng, revenue, 0.35),
        "country": _choice(rng, COUNTRIES, count),
        "business_model": _choice(rng, {"b2b": 50, "b2c": 15, "marketplace": 5, None: 30}, count),
        "technologies": _technologies(rng, count),
        "maturity": _choice(rng, {"low": 20, "medium": 15, "high": 8, None: 57}, count),
        "lifecycle": _choice(
            rng, {"prospect": 70, "customer": 6, "partner": 2, "competitor": 1, "former_customer": 3, None: 18}, count
        ),
        "target_tier": _choice(rng, {"A": 2, "B": 4, None: 94}, count),
        "previous_group": _choice(rng, GROUPS, count),
    }
    return _complete(columns, local.account_schema())


def _people(rng: Rng, accounts: pl.Series, count: int) -> pl.DataFrame:
    home = accounts.gather(_uneven(rng, len(accounts), count, spread=1.0))
    lost, alone = rng.random(count) < 0.005, rng.random(count) < 0.06
    columns: dict[str, Any] = {
        "uid": _ids(rng, "crm/contacts/", count),
        "account": pl.select(
            pl.when(pl.lit(pl.Series(alone)))
            .then(None)
            .when(pl.lit(pl.Series(lost)))
            .then(pl.lit("crm/companies/1"))
            .otherwise(pl.lit(home))
        ).to_series(),
        "kind": _choice(rng, {"lead": 4, "contact": 6}, count),
        "email_class": _choice(
            rng, {"corporate": 70, "free": 16, "education": 3, "disposable": 1, "competitor": 0.3, None: 9.7}, count
        ),
        "seniority": _choice(rng, dict(zip(SENIORITIES, (4, 8, 12, 22, 30, 2, 2, 2), strict=True)) | {None: 18}, count),
        "function": _choice(rng, ROLES, count),
        "title": _choice(rng, TITLES, count),
        "opted_out": _choice(rng, {"true": 8, "false": 72, None: 20}, count) == "true",
        "lead_source": _choice(rng, {"web": 40, "event": 15, "referral": 8, "partner": 5, "list": 20, None: 12}, count),
        "industry": _choice(rng, {**dict.fromkeys(INDUSTRIES, 2.0), None: 60}, count),
        "employees": _with_gaps(rng, rng.integers(1, 5_000, count), 0.7),
        "annual_revenue": _with_gaps(rng, rng.integers(100_000, 2_000_000_000, count), 0.85),
        "country": _choice(rng, {**COUNTRIES, None: 60}, count),
        "buying_stage": _choice(rng, {"awareness": 12, "evaluation": 6, "decision": 3, None: 79}, count),
        "budget": _choice(rng, {"10-50k": 5, "50-100k": 2, None: 93}, count),
        "urgency": _choice(rng, {"low": 8, "high": 4, None: 88}, count),
        "previous_group": _choice(rng, GROUPS, count),
    }
    return _complete(columns, local.person_schema())


def _events(rng: Rng, accounts: pl.Series, people: pl.Series, count: int) -> pl.DataFrame:
    """Of a hundred activities 95 are of known people, 2 of an account alone, 3 of people who are gone."""
    who = _uneven(rng, len(people), count, spread=1.6)
    gone = _ids(rng, "crm/contacts/9", max(len(people) // 50, 1))
    by = rng.random(count)
    anybody = people.gather(who)
    stranger = gone.gather(rng.integers(0, len(gone), count))
    company = accounts.gather(rng.integers(0, len(accounts), count))
    located = pl.DataFrame({"by": by, "known": anybody, "gone": stranger, "company": company}).select(
        person=pl.when(pl.col("by") < 0.95).then("known").when(pl.col("by") < 0.98).then("gone"),
        account=pl.when(pl.col("by") >= 0.965).then("company"),
    )
    kind = _choice(rng, KINDS, count)
    named = (kind == "content_download") | (kind == "webinar")
    columns: dict[str, Any] = {
        "person": located["person"],
        "account": located["account"],
        "kind": kind,
        "asset": pl.select(pl.when(named).then(_choice(rng, ASSETS, count))).to_series(),
        "at": np.sort(NOW - rng.integers(-2 * 3600, YEAR, count)),
    }
    return _complete(columns, local.event_schema())


def _ids(rng: Rng, prefix: str, count: int) -> pl.Series:
    """That many ids, each once, in no order."""
    numbers = 10_000_000_000 + rng.permutation(count) * 7_919 + rng.integers(0, 7_919, count)
    return pl.select(pl.concat_str(pl.lit(prefix), pl.lit(pl.Series(numbers)))).to_series()


def _choice(rng: Rng, words: Words, count: int) -> pl.Series:
    weights = np.cumsum(list(words.values()))
    picked = np.searchsorted(weights / weights[-1], rng.random(count), side="right")
    return pl.Series(list(words), dtype=pl.String).gather(np.minimum(picked, len(words) - 1))


def _uneven(rng: Rng, holders: int, count: int, spread: float) -> Any:
    """A holder for each of `count` things; how many each gets is log-normal."""
    weights = np.cumsum(np.exp(rng.normal(0, spread, holders)))
    return np.minimum(np.searchsorted(weights, rng.random(count) * weights[-1]), holders - 1)


def _with_gaps(rng: Rng, values: Any, share: float) -> pl.Series:
    return pl.select(pl.when(pl.lit(pl.Series(rng.random(len(values)) >= share))).then(pl.Series(values))).to_series()


def _technologies(rng: Rng, count: int) -> pl.Series:
    """None to three words each; four in ten accounts have no value, one in twenty an empty list."""
    combinations: list[Sequence[str] | None] = [None, []]
    combinations += [sorted(rng.choice(TECHNOLOGIES, size, replace=False).tolist()) for size in (1, 2, 3) * 40]
    weights = np.cumsum([40, 5, *[55 / 120] * 120])
    picked = np.searchsorted(weights / weights[-1], rng.random(count), side="right")
    return pl.Series(combinations, dtype=pl.List(pl.String)).gather(np.minimum(picked, len(combinations) - 1))


def _complete(columns: Mapping[str, Any], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    frame = pl.DataFrame({name: values for name, values in columns.items() if name in schema})
    absent = [pl.lit(None).alias(name) for name in schema if name not in columns]
    return frame.with_columns(absent).select(list(schema)).cast(dict(schema.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--accounts", type=int, default=200_000)
    options = parser.parse_args()
    print(json.dumps({"folder": str(world(options.folder, options.accounts).folder)}))
