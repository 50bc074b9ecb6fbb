"""Whatever happens in a CRM while it is read: in the end the store holds what the CRM holds, by id and by content.

Records are edited, created, deleted, brought back, merged and converted, and associations changed, after every
call of the reader; search trails behind, transactions commit late, stamps are equal, the vendor's clock is
off, and the reader dies again and again. How many pulls are needed once the storm is over:

    Salesforce   one, begun `overlap_seconds` after the last edit
    HubSpot      one, begun `overlap_seconds` after the last edit, for all that moves a stamp. What a
                 deletion or a change of associations does to the *other* end may move none: that is known once
                 the daily reading again is through, one pull for each 10,000 records

The small worlds take 15 seconds, the large ones a minute.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from tests.completeness import Weather, mixed, weather

SALESFORCE: dict[str, dict[str, Any]] = {
    "pages": {"options": {"bulk_above_rows": 10**6}, "page": 300},
    "bulk": {"options": {"bulk_above_rows": 2_000}},
}
HUBSPOT: dict[str, dict[str, Any]] = {
    "listing": {"options": {"search_above_rows": 10**6}},
    "search": {"options": {"search_above_rows": 0}},
}
LAG = 30
SKEWS = (0, -100, 300)
LARGE = 50_000


def prove_salesforce(on: Weather) -> None:
    on.calm()
    on.reader.pull()
    assert on.differences() == {}


def prove_hubspot(on: Weather) -> None:
    on.calm()
    on.reader.pull()
    assert on.differences(links=False) == {}
    on.read_again()
    assert on.differences() == {}


def lively(on: Weather) -> None:
    """It was a storm, and the reader died in it."""
    print(f"{on.reader.calls} calls, {on.reader.pages} pages, {on.reader.deaths} deaths", on.storm.done, sep="\n")
    assert on.storm.done.total() > 150
    assert on.reader.deaths > 0
    kinds = {what.partition(" ")[0] for what in on.storm.done}
    assert {"update", "create", "delete", "merge"} <= kinds


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("way", SALESFORCE)
def test_salesforce_is_read_completely_in_a_storm(way: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"{way} {seed}")
    more: dict[str, Any] = SALESFORCE[way]
    world = mixed(6_000 if way == "bulk" else 3_500, seed=seed)
    with weather(tmp_path, "salesforce", world, seed=seed, skew=chance.choice(SKEWS), **more) as on:
        on.live_through(3)
        lively(on)
        prove_salesforce(on)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("way", HUBSPOT)
def test_hubspot_is_read_completely_in_a_storm(way: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"{way} {seed}")
    more: dict[str, Any] = {**HUBSPOT[way], "silent": seed % 2 == 0, "lag": LAG, "skew": chance.choice(SKEWS)}
    with weather(tmp_path, "hubspot", mixed(3_500, seed=seed), seed=seed, **more) as on:
        on.live_through(3)
        lively(on)
        prove_hubspot(on)


@pytest.mark.heavy
@pytest.mark.parametrize("way", ["bulk"])
def test_salesforce_at_50000_records(way: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {**SALESFORCE[way], "edits": 40}
    with weather(tmp_path, "salesforce", mixed(LARGE, seed=9), seed=9, **more) as on:
        on.live_through(2)
        lively(on)
        prove_salesforce(on)
        assert sum(map(len, on.reader.stored().values())) > LARGE * 0.9


@pytest.mark.heavy
@pytest.mark.parametrize("way", ["search"])
def test_hubspot_at_50000_records(way: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {**HUBSPOT[way], "silent": True, "lag": LAG, "edits": 10}
    with weather(tmp_path, "hubspot", mixed(LARGE, seed=9), seed=9, **more) as on:
        on.live_through(2)
        lively(on)
        prove_hubspot(on)
        assert sum(map(len, on.reader.stored().values())) > LARGE * 0.9
