"""The interval of a score holds what it becomes when missing facts become known: the reference put to the test."""

from __future__ import annotations

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.oracle import agreement, random_scoring
from tests.oracle import reference_scorer as reference
from tests.oracle.random_scoring import Records

from leadline.core.scoring.model import Model

NOW = random_scoring.NOW


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(model=random_scoring.models(), records=random_scoring.records(), data=st.data())
def test_no_missing_fact_takes_a_score_out_of_its_interval(model: Model, records: Records, data: st.DataObject) -> None:
    """Whatever missing facts turn out to be, the score stays inside, and fit at or below `fit_max`."""
    before = reference.score_all(model, agreement.world_of(records), NOW)

    later = data.draw(random_scoring.known_after_all(records))

    for uid, found in reference.score_all(model, agreement.world_of(later), NOW).items():
        was = before[uid]
        if found.segment == was.segment:
            event(f"moved: {found.score != was.score}")
            assert was.score_min <= found.score <= was.score_max
            assert found.parts["fit"] <= was.fit_max
