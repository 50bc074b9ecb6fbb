"""The walk through time against the reference scorer asked at every instant that could matter."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.oracle import random_scoring
from tests.oracle import reference_scorer as reference

from leadline.core.entities import Entity
from leadline.core.scoring.compile import score
from leadline.core.scoring.due import due_all, next_due, reference_score
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.subject import Event, Subject
from leadline.frames import local

NOW, DAY = random_scoring.NOW, random_scoring.DAY


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    model=random_scoring.models(frozenset()),
    records=random_scoring.records(),
    n=st.sampled_from([1, 3, 5, 200]),
    days=st.sampled_from([1, 7, 40]),
    drift=st.sampled_from([None, 0, 2000, -4000, 90_000]),
)
def test_due_is_the_first_change(model: Model, records: Any, n: int, days: int, drift: int | None) -> None:
    """No change happens before, and there is one at the instant named."""
    world = reference.World(records.accounts, records.people, records.events)
    results = reference.score_all(model, world, NOW)
    pushed = {} if drift is None else {uid: found.score + drift for uid, found in results.items()}
    facts = local.facts(records.accounts, records.people, records.events)
    end = NOW + days * DAY

    due = due_all(model, facts, score(model, facts, NOW), NOW, pushed=pushed, n=n, horizon_seconds=days * DAY)

    assert results.keys() == due.keys()
    for uid in results:
        record = reference.case(model, world, uid)
        moments = reference.instants(record, NOW, end)
        wanted = reference.simulate(record, NOW, moments, pushed=pushed.get(uid), step=n * 1000).due_at
        assert (uid, wanted or end) == (uid, due[uid])


B2B = """
name: walk
total: {min: 0, max: 100}
rules: [{id: industry, name: Industry, when: {field: account.industry, in: [software]}, points: 30}]
signals:
  - {id: pricing, name: Pricing, kinds: [pricing_page_view], points: 20, half_life_days: 5, cap: 35}
  - {id: careers, name: Careers, kinds: [careers_page_view], points: -15, part: negative, window_days: 3}
idle: {after_days: 4, points: -10}
groups:
  - {group: priority, when: {score: [50, null]}}
  - {group: nurture, when: {score: [40, null]}}
  - {group: poor_fit}
hysteresis: 2
"""


def _walk_subject() -> tuple[Model, Subject, dict[str, Any]]:
    from leadline.core.scoring.load import load_model

    account, person = {"uid": "a0", "industry": "software"}, {"uid": "p0", "account": "a0"}
    times = {"pricing_page_view": (NOW - 2 * DAY - 77, NOW - 3600), "careers_page_view": (NOW - DAY + 61,)}
    events = tuple(Event(kind, at, "p0", None) for kind, found in times.items() for at in found)
    subject = Subject(Entity.ACCOUNT, "a0", account, (person,), events)
    rows = [{"person": e.person, "account": None, "kind": e.kind, "asset": None, "at": e.at} for e in events]
    return load_model(B2B, place="walk.yaml"), subject, {"accounts": [account], "people": [person], "events": rows}


def test_minute_by_minute() -> None:
    """Over eight days, asking every minute finds the same chain of changes as jumping from due to due."""
    model, subject, rows = _walk_subject()
    plan, world = compile_model(model), reference.World(**rows)
    end = NOW + 8 * DAY

    jumps, now, evaluation = [], NOW, evaluate(model, subject, NOW)
    while (now := next_due(plan, evaluation, now, pushed=None, n=4, horizon=end - now)) < end:
        following = Subject(
            subject.entity, subject.uid, subject.account, subject.people, subject.events, evaluation.group
        )
        evaluation = evaluate(model, following, now)
        jumps.append((now, evaluation.score, evaluation.group))

    minutes, last = [], reference.score_one(model, world, "a0", NOW, None)
    for second in range(NOW, end, 60):
        found = reference.score_one(model, world, "a0", second, last.group)
        if found.group != last.group or abs(found.score - last.score) >= 4000:
            minutes.append((second, found.score, found.group))
            last = found
    assert len(jumps) >= 3
    assert [jump[1:] for jump in jumps] == [minute[1:] for minute in minutes]
    assert all(jump[0] <= minute[0] < jump[0] + 60 for jump, minute in zip(jumps, minutes, strict=True))


def test_a_score_that_is_already_off_is_measured_from_today() -> None:
    """A refused push must not make the record due every second."""
    assert reference_score(50_000, 48_000, 5000) == 48_000
    assert reference_score(50_000, 44_000, 5000) == 50_000
    assert reference_score(50_000, None, 5000) == 50_000
