"""Calls for 1,000 records, beside the least that the vendors' page and batch sizes allow. About 4 seconds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.stage import NOW

from leadline import registry
from leadline.app.bootstrap import load_mapping_file
from leadline.app.writer import BatchSizes
from leadline.core.normalize.apply import request
from leadline.sdk.ports import CallMade, Connection, Runtime
from leadline.sdk.records import Outcome, PullRequest, RecordRef, UpdateFields
from leadline.sdk.sandbox.crowd import crowd
from leadline.sdk.sandbox.server import running
from leadline.sdk.sandbox.vendor import VendorFactory
from leadline.store.outbox import UPDATE
from leadline_hubspot.sandbox import HubSpotSandbox, Limits
from leadline_salesforce.sandbox.vendor import SalesforceSandbox

ROWS = 1_000
OBJECTS = {"salesforce": "Contact", "hubspot": "contacts"}
SCORES = {"salesforce": "Leadline_Score__c", "hubspot": "leadline_score"}
WRITES = {"salesforce": 5, "hubspot": 10}
READS = {"salesforce": 1, "hubspot": 10}
UNPACED = {"rates": {"calls_per_10_seconds": 10**6, "searches_per_second": 10**6}}
FACTORIES: dict[str, VendorFactory] = {
    "salesforce": SalesforceSandbox,
    "hubspot": partial(HubSpotSandbox, limits=Limits(burst=10**6, search_per_second=10**6)),
}


class Meter:
    """A connection whose calls are counted."""

    def __init__(self, system: str, base_options: dict[str, object]) -> None:
        self.calls: list[CallMade] = []
        runtime = Runtime(name=system, now=lambda: NOW, sleep=lambda _: None, on_call=self.calls.append)
        self.connection: Connection = registry.connect(system, base_options, runtime)

    def spent(self) -> int:
        """Calls since the last time, sign-in left out."""
        made = sum("oauth" not in call.path for call in self.calls)
        self.calls.clear()
        return made


@pytest.fixture(scope="module", params=list(OBJECTS))
def meter(request: pytest.FixtureRequest) -> Iterator[tuple[str, Meter]]:
    system = request.param
    options = UNPACED if system == "hubspot" else {}
    with running(FACTORIES[system], crowd(20, ROWS, seed=3, now=NOW)) as sandbox:
        measured = Meter(system, {**sandbox.credentials, **options})
        measured.connection.schema(OBJECTS[system])
        yield system, measured
        measured.connection.close()


def test_reading_takes_the_pages_and_one_call_to_plan(meter: tuple[str, Meter], root: Path) -> None:
    system, measured = meter
    fields, links = request(load_mapping_file(root / f"mappings/{system}.yaml").objects[OBJECTS[system]])
    measured.spent()
    asked = PullRequest(object=OBJECTS[system], fields=fields, links=links, now=NOW)
    records = [record.id for page in measured.connection.pull(asked) for record in page.records]

    assert len(set(records)) == ROWS
    assert measured.spent() <= READS[system] + 2


def test_writing_takes_full_batches_and_nothing_else(meter: tuple[str, Meter]) -> None:
    system, measured = meter
    name = OBJECTS[system]
    asked = PullRequest(object=name, fields=(SCORES[system],), links=(), now=NOW)
    ids = sorted({record.id for page in measured.connection.pull(asked) for record in page.records})
    effects = [UpdateFields(uid, RecordRef(name, uid), {SCORES[system]: 50}) for uid in ids]
    measured.spent()
    sizes, left = BatchSizes(registry.load(system).capabilities), list(effects)
    while left:  # as the engine cuts them
        size = sizes.of(UPDATE, len(left))
        outcomes = measured.connection.push(left[:size])
        assert {each.outcome for each in outcomes} == {Outcome.WRITTEN}
        left = left[size:]

    assert measured.spent() == WRITES[system]
