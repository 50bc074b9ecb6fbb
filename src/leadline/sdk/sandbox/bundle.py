"""Reads a world from a bundle that the `leadforge` package wrote, or generates one with it.

A bundle is a folder of Parquet tables with dates of early 2024 and no names. Ids, counts and
attributes are taken as they are; times are moved so that the latest event happens at `now`; names,
domains, e-mails and other facts that a CRM has and the bundle has not are derived from the ids.
`docs/sandbox.md` describes all of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from leadline.sdk.errors import ConfigError, MissingExtraError
from leadline.sdk.sandbox.derive import Tables, build
from leadline.sdk.sandbox.layer import BASE_SHARE, add_layer
from leadline.sdk.sandbox.names import Namer
from leadline.sdk.sandbox.world import ACTIVITY_KINDS

if TYPE_CHECKING:
    from leadline.sdk.sandbox.world import World

# What is read of each table. Other tables and columns are ignored.
COLUMNS: dict[str, tuple[str, ...]] = {
    "accounts": (
        "account_id", "company_name", "industry", "region", "employee_band", "estimated_revenue_band",
        "process_maturity_band", "created_at",
    ),
    "contacts": ("contact_id", "account_id", "job_title", "email_domain_type", "created_at"),
    "leads": ("lead_id", "contact_id", "account_id", "lead_created_at", "lead_source", "owner_rep_id"),
    "touches": ("touch_id", "lead_id", "touch_timestamp", "touch_type", "touch_direction"),
    "sessions": (
        "session_id", "lead_id", "session_timestamp", "session_type", "page_views", "session_duration_seconds",
    ),
    "sales_activities": (
        "activity_id", "lead_id", "rep_id", "activity_timestamp", "activity_type", "activity_outcome",
    ),
    "opportunities": ("opportunity_id", "lead_id", "created_at", "stage", "estimated_acv"),
}  # fmt: skip
# Full-horizon bundles say when a deal was decided.
OPTIONAL: dict[str, tuple[str, ...]] = {"opportunities": ("closed_at",)}
_DATES = frozenset({"created_at", "lead_created_at", "touch_timestamp", "session_timestamp",
                    "activity_timestamp", "closed_at"})  # fmt: skip

_KINDS = frozenset({"touch_type", "session_type", "activity_type"})

# Proportions of the generator's own default world: 1,500 accounts and 4,200 contacts for 5,000 leads.
_RECIPE = "b2b_saas_procurement_v1"
_ACCOUNTS_PER_LEAD = 0.3
_CONTACTS_PER_LEAD = 0.84


def load_bundle(directory: Path, *, now: int) -> World:
    """The bundle in `directory` (or its `tables` folder), its latest event at `now`. Nothing is added.

    ConfigError, naming the file, when a table or a column is missing or cannot be read.
    """
    root = directory / "tables" if (directory / "tables").is_dir() else directory
    if not root.is_dir():
        raise ConfigError("There is no such folder.", fix="Give the folder of a leadforge bundle.", place=str(root))
    tables = {name: _columns(name, _read(root / f"{name}.parquet"), root / f"{name}.parquet") for name in COLUMNS}
    return build(tables, now=now, namer=Namer())


def generate(leads: int, *, seed: int, now: int) -> World:
    """A world with exactly `leads` leads: a generated bundle and the layer that widens it.

    The same arguments give the same world, in any process. MissingExtraError without `leadforge`.
    """
    if leads < 1:
        raise ConfigError("A world needs at least one lead.", fix="Ask for 1 lead or more.", place="leads")
    if seed < 0:
        raise ConfigError("A seed is a whole number of 0 or more.", fix="Choose another seed.", place="seed")
    namer = Namer()
    world = build(_generated_tables(max(1, round(leads * BASE_SHARE)), seed), now=now, namer=namer)
    add_layer(world, leads - len(world.leads), seed=seed, namer=namer)
    return world


def _generated_tables(leads: int, seed: int) -> Tables:
    try:
        from leadforge.api import Generator
        from leadforge.render.relational import to_dataframes
        from leadforge.render.relational_snapshot_safe import to_dataframes_snapshot_safe
    except ImportError as error:
        raise MissingExtraError(
            "Generating a world needs the package leadforge.", fix='Install it with: pip install "leadline[sandbox]"'
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the generator's own, about its data frames
        generator = Generator.from_recipe(
            _RECIPE,
            seed=seed,
            n_leads=leads,
            n_accounts=max(1, round(leads * _ACCOUNTS_PER_LEAD)),
            n_contacts=max(1, round(leads * _CONTACTS_PER_LEAD)),
        )
        bundle = generator.generate()
        # In memory: the frames that the bundle writer would put into tables/, without writing them.
        frames = to_dataframes_snapshot_safe(
            to_dataframes(bundle.simulation_result, bundle.population), snapshot_day=bundle.spec.config.snapshot_day
        )
    return {name: _columns(name, _from_pandas(frames[name], COLUMNS[name]), Path(name)) for name in COLUMNS}


def _from_pandas(frame: Any, columns: Sequence[str]) -> pl.DataFrame:
    plain = frame[list(columns)].astype(object)
    return pl.DataFrame(plain.where(frame[list(columns)].notna(), None).to_dict("list"))


def _read(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise ConfigError(
            "This table of the bundle is missing.",
            fix="Write the bundle again with `leadforge generate`.",
            place=str(path),
        )
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ConfigError(f"This is not a Parquet file that can be read: {error}", place=str(path)) from error


def _columns(table: str, frame: pl.DataFrame, path: Path) -> Mapping[str, list[Any]]:
    """The wanted columns as lists; dates as days since 1970."""
    missing = [name for name in COLUMNS[table] if name not in frame.columns]
    if missing:
        raise ConfigError(
            f"The table has no column {', '.join(missing)}; it has {', '.join(frame.columns)}.",
            fix="Write the bundle again with `leadforge generate`.",
            place=str(path),
        )
    for name in _KINDS & set(COLUMNS[table]):
        unknown = sorted(set(frame[name].drop_nulls().cast(pl.String)) - ACTIVITY_KINDS)
        if unknown or frame[name].null_count():
            raise ConfigError(
                f"The column {name} holds a kind of activity that no sandbox knows: {', '.join(unknown) or 'null'}.",
                fix=f"Known are {', '.join(sorted(ACTIVITY_KINDS))}.",
                place=str(path),
            )
    wanted = [*COLUMNS[table], *(name for name in OPTIONAL.get(table, ()) if name in frame.columns)]
    try:
        return {name: (_days(frame[name]) if name in _DATES else frame[name]).to_list() for name in wanted}
    except pl.exceptions.PolarsError as error:
        raise ConfigError(f"A date in this table cannot be read: {error}", place=str(path)) from error


def _days(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Null:
        return column
    if column.dtype == pl.String:
        column = column.str.slice(0, 10).str.to_date("%Y-%m-%d")
    return column.cast(pl.Date).cast(pl.Int32)
