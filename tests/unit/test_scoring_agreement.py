"""The frame engine and the per-record evaluator against the reference scorer, on random models and facts.

`make fuzz` does the same with thousands of pairs. SCORING_FEATURES=matches,fired leaves all other
features of `random_scoring.FEATURES` out, for whoever looks for a difference.
"""

from __future__ import annotations

import os
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.oracle import agreement, random_scoring
from tests.oracle import reference_scorer as reference
from tests.oracle.random_scoring import Records

from leadline.core.scoring.canonical import of_scored
from leadline.core.scoring.compile import score
from leadline.core.scoring.digest import Digest
from leadline.core.scoring.model import Model
from leadline.frames import local

NOW = random_scoring.NOW
NAMED = os.environ.get("SCORING_FEATURES")
models = random_scoring.models(random_scoring.ALL if NAMED is None else frozenset(filter(None, NAMED.split(","))))

examples = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@settings(examples, max_examples=20)
@given(model=models, records=random_scoring.many_records(4))
def test_frames_agree_with_the_reference(model: Model, records: Records) -> None:
    """Every column of every score and of every ledger row is equal."""
    agreement.frames_agree(model, records, reference.score_all(model, agreement.world_of(records), NOW))


@settings(examples, max_examples=120)
@given(model=models, records=random_scoring.records())
def test_the_evaluator_agrees_with_the_reference(model: Model, records: Records) -> None:
    """One record at a time comes to the same; ledgers sum to scores and parts, and scores lie in their intervals."""
    results = reference.score_all(model, agreement.world_of(records), NOW)

    agreement.evaluator_agrees(model, records, results)
    for result in results.values():
        agreement.adds_up(result)


@pytest.mark.parametrize("heaps", [1, 2, 7])
def test_neither_order_nor_partitions_matter(heaps: int) -> None:
    """Accounts with their people and their events, and people without one, dealt to heaps and shuffled."""

    @settings(examples, max_examples=5)
    @given(model=models, records=random_scoring.many_records(heaps), seed=st.randoms(use_true_random=False))
    def check(model: Model, records: Records, seed: Any) -> None:
        _partitions_come_to_the_same(model, records, heaps, seed)

    check()


def _partitions_come_to_the_same(model: Model, records: Records, heaps: int, seed: Any) -> None:
    whole = score(model, local.facts(records.accounts, records.people, records.events), NOW)
    dealt = [(seed.randrange(heaps), part) for part in random_scoring.partitions(records)]

    parts = []
    for heap in range(heaps):
        mine = [part for number, part in dealt if number == heap]
        rows = [[row for part in mine for row in getattr(part, name)] for name in ("accounts", "people", "events")]
        parts.append(score(model, local.facts(*(seed.sample(some, len(some)) for some in rows)), NOW))

    order = ["uid", "part", "rule"]
    scores, ledger = pl.concat([part.scores for part in parts]), pl.concat([part.ledger for part in parts])
    assert whole.scores.sort("uid").equals(scores.sort("uid"))
    assert whole.ledger.sort(order).equals(ledger.sort(order))
    digests = [of_scored(local.ENGINE, part) for part in parts]
    assert sum(digests, start=Digest()) == of_scored(local.ENGINE, whole)


def test_nothing_is_a_float() -> None:
    """Scores and ledgers hold integers, texts and booleans."""
    model = Model.model_validate({"name": "empty", "groups": [{"group": "poor_fit"}]})

    scored = score(model, local.facts([{"uid": "a"}], [], []), NOW)

    kinds = {*scored.scores.dtypes, *scored.ledger.dtypes}
    assert kinds == {pl.String(), pl.Int64(), pl.Boolean()}
