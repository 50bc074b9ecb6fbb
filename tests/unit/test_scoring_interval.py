"""The interval of a score holds what it becomes when missing facts become known: the reference put to the test."""

from __future__ import annotations

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.oracle import agreement, random_scoring
from tests.oracle import reference_scorer as reference
from tests.oracle.random_scoring import Records

from leadline.core.scoring.model import Model

NOW = random_scoring.NOW


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
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


CAPPED = {
    "name": "capped",
    "total": {"min": -100, "max": 100},
    "rules": [
        {"id": "good", "name": "Good", "points": 10, "when": {"field": "account.industry", "in": ["software"]}},
        {"id": "bad", "name": "Bad", "points": -10, "when": {"field": "account.industry", "in": ["software", "media"]}},
    ],
    "caps": [{"id": "most", "name": "Most", "of": ["good"], "max": 2}],
    "groups": [{"group": "poor_fit"}],
}


def test_rules_that_a_cap_names_are_taken_one_by_one() -> None:
    """What the same fact gives and takes does not make up for each other where a cap takes most of what it gives."""
    model = Model.model_validate(CAPPED)
    missing, software = ({"uid": "a", "industry": industry} for industry in (None, "software"))

    before = reference.score_all(model, reference.World([missing], [], []), NOW)["a"]
    after = reference.score_all(model, reference.World([software], [], []), NOW)["a"]

    assert after.score == -8_000
    assert (before.score_min, before.score_max) == (-10_000, 10_000)
    free = reference.score_all(model.model_copy(update={"caps": ()}), reference.World([missing], [], []), NOW)["a"]
    assert (free.score_min, free.score_max) == (-10_000, 0)
