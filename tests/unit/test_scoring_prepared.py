"""Plans that are laid out once score batch after batch as everything at once is scored. About 5 s."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from tests.oracle import random_scoring
from tests.oracle.random_scoring import Records

from leadline.core.scoring.compile import score
from leadline.core.scoring.load import load_model
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model
from leadline.frames import local
from leadline.frames.prepared import Prepared

NOW = random_scoring.NOW
ASSETS = """
name: assets
signals:
  - {id: case, name: Case study, kinds: [content_download], assets: [case], points: 7, window_days: 30}
groups: [{group: poor_fit, label: Everybody}]
"""


def owned(records: Records) -> list[dict[str, Any]]:
    """Events as they are kept: each is of somebody known, or else of an account."""
    people, accounts = ({row["uid"] for row in rows} for rows in (records.people, records.accounts))
    found = []
    for event in records.events:
        if event["person"] in people:
            found.append({**event, "account": None})
        elif event["account"] in accounts:
            found.append({**event, "person": None})
    return found


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(model=random_scoring.models(), records=random_scoring.many_records(4))
def test_batches_come_to_the_same_as_everything(model: Model, records: Records) -> None:
    """Scores and ledgers, whatever came before a batch."""
    whole = score(model, local.facts(records.accounts, records.people, records.events), NOW)
    scoring = Prepared(compile_model(model), NOW)

    parts = [
        scoring.score(local.facts(part.accounts, part.people, owned(part))).scored()
        for part in random_scoring.partitions(records)
    ]

    order = ["uid", "part", "rule"]
    scores = pl.concat([whole.scores.clear(), *(part.scores for part in parts)])
    ledger = pl.concat([whole.ledger.clear(), *(part.ledger for part in parts)])
    assert whole.scores.sort("uid").equals(scores.sort("uid"))
    assert whole.ledger.sort(order).equals(ledger.sort(order))


def downloads(asset: str) -> Any:
    """Somebody who has downloaded that."""
    event = {"person": "c1", "kind": "content_download", "asset": asset, "at": NOW - 60}
    return local.facts([], [{"uid": "c1"}], [event])


def test_assets_that_nobody_has_met_before_count() -> None:
    """However many there have been."""
    scoring = Prepared(compile_model(load_model(ASSETS, place="model")), NOW, assets=2)

    found = {
        asset: scoring.score(downloads(asset)).scores["score"].to_list()
        for asset in ("price list", "case 1", "case 2", "case 3", "case 1", "price list")
    }

    assert found == {"price list": [0], "case 1": [7_000], "case 2": [7_000], "case 3": [7_000]}


def test_not_more_assets_are_remembered_than_asked_for() -> None:
    """A worker that runs for months meets ever new ones."""
    scoring = Prepared(compile_model(load_model(ASSETS, place="model")), NOW, assets=2)

    for number in range(5):
        scoring.score(downloads(f"case {number}"))
        assert 1 <= len(scoring._met) <= 2


def test_an_empty_batch_has_no_scores() -> None:
    """Nor has the batch after a full one anything of it."""
    scoring = Prepared(compile_model(load_model(ASSETS, place="model")), NOW)

    assert len(scoring.score(downloads("case 1"))) == 1
    assert len(scoring.score(local.facts([], [], []))) == 0
