"""The shipped mappings against the sandboxes, over the connectors: nothing is missing, refused or unplaced."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from leadline import registry
from leadline.app.mappings import check_mapping
from leadline.core.entities import Entity
from leadline.core.normalize.apply import normalize, request
from leadline.core.normalize.mapping import load
from leadline.sdk.ports import Runtime
from leadline.sdk.records import PullRequest
from leadline.sdk.sandbox.bundle import generate
from leadline.sdk.sandbox.server import running
from leadline.sdk.sandbox.world import World

NOW = 1_780_000_000
OPTIONS: dict[str, dict[str, Any]] = {
    "hubspot": {"rates": {"calls_per_10_seconds": 10**6, "searches_per_second": 10**6}}
}


@pytest.fixture(scope="module")
def world() -> World:
    return generate(60, seed=7, now=NOW)


def factory(system: str) -> Any:
    if system == "hubspot":
        from leadline_hubspot.sandbox import HubSpotSandbox, Limits

        return partial(HubSpotSandbox, limits=Limits(burst=10**6, search_per_second=10**6))
    return registry.load(system).sandbox()


@pytest.mark.parametrize("system", ["salesforce", "hubspot"])
def test_the_shipped_mapping_fits_the_sandbox_and_places_every_value(system: str, world: World) -> None:
    file = Path(__file__).parents[2] / "mappings" / f"{system}.yaml"
    mapping = load(file.read_text(encoding="utf-8"), str(file))
    with running(factory(system), world) as sandbox:
        options = {**sandbox.credentials, **OPTIONS.get(system, {})}
        connection = registry.load(system).connect(options, Runtime(system, lambda: NOW, time.sleep))
        try:
            assert check_mapping(mapping, str(file), connection) == []
            external: dict[Entity, set[Any]] = {entity: set() for entity in Entity}
            for name, each in mapping.objects.items():
                fields, links = request(each)
                pages = connection.pull(PullRequest(name, fields, links, now=NOW))
                records = [record for page in pages for record in page.records]
                result = normalize(each, system, name, records, NOW)

                assert not result.unmapped, (name, result.unmapped)
                assert result.rows, name
                external[each.entity] |= {row.get("external_id") for row in result.rows}
                if each.entity is Entity.ACTIVITY:
                    assert all(row["kind"] and row["at"] and (row["person"] or row["account"]) for row in result.rows)
        finally:
            connection.close()

    assert {company.id for company in world.companies} <= external[Entity.ACCOUNT]
    assert {lead.id for lead in world.leads} <= external[Entity.PERSON]
    assert {activity.id for activity in world.activities} <= external[Entity.ACTIVITY]
    assert {deal.id for deal in world.deals} <= external[Entity.OPPORTUNITY]
