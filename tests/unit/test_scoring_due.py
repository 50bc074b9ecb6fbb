"""The walk through time against the reference scorer asked at every instant that could matter."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.oracle import agreement, random_scoring
from tests.oracle import reference_scorer as reference
from tests.oracle.random_scoring import Records

from leadline.core.entities import Entity
from leadline.core.scoring.due import Due, due_all, next_due, reference_score
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.facts import Scored
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.subject import Event, Subject
from leadline.frames import local

NOW, DAY = random_scoring.NOW, random_scoring.DAY


examples = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
ns = st.sampled_from([1, 3, 5, 200])
spans = st.sampled_from([1, 7, 40])
drifts = st.sampled_from([None, 0, 2000, -4000, 90_000])


def wanted(model: Model, world: reference.World, uid: str, end: int, **pushing: Any) -> Due:
    """What the reference finds by asking at every instant that could matter."""
    record, aged = reference.case(model, world, uid), pushing.get("aged")
    moments = sorted({*reference.instants(record, NOW, end), *([aged] if aged and aged < end else [])})
    found = reference.simulate(record, NOW, moments, **pushing)
    return Due(found.due_at or end, found.next_change_at, found.next_group)


def scored_frames(model: Model, records: Records) -> Scored[pl.DataFrame]:
    """What the evaluator makes of the records, as frames: here it is the walk that is under test."""
    plan, scores, ledger = compile_model(model), [], []
    for subject in agreement.subjects(records):
        found = evaluate(model, subject, NOW, plan=plan)
        scores.append(
            {
                "uid": subject.uid, "entity": subject.entity.value, "segment": found.segment, "score": found.score,
                "fit_max": found.fit_max, "completeness": found.completeness, "flags": ";".join(found.flags),
                "disqualified": bool(found.reasons), "group": found.group,
            }
        )  # fmt: skip
        ledger += [{"uid": subject.uid, "rule": row.rule, "points": row.points} for row in found.ledger]
    texts = dict.fromkeys(("uid", "entity", "segment", "flags", "group", "rule"), pl.String())
    return Scored(
        pl.DataFrame(scores, schema_overrides={k: v for k, v in texts.items() if scores and k in scores[0]}),
        pl.DataFrame(ledger, schema={"uid": pl.String(), "rule": pl.String(), "points": pl.Int64()}),
    )


@settings(examples, max_examples=60)
@given(model=random_scoring.models(), records=random_scoring.records(), n=ns, days=spans, drift=drifts)
def test_next_due_is_the_first_change(model: Model, records: Any, n: int, days: int, drift: int | None) -> None:
    """Whatever the language says, no change happens before, and there is one at the instant named."""
    world, plan, end = agreement.world_of(records), compile_model(model), NOW + days * DAY
    for subject in agreement.subjects(records):
        found = evaluate(model, subject, NOW, plan=plan)
        pushed = None if drift is None else found.score + drift

        due = next_due(plan, found, NOW, pushed=pushed, n=n, horizon=days * DAY)

        assert due == wanted(model, world, subject.uid, end, pushed=pushed, step=n * 1000)


@settings(examples, max_examples=60)
@given(
    model=random_scoring.models(),
    records=random_scoring.records(),
    n=ns,
    days=spans,
    drift=drifts,
    old=st.sampled_from([None, 1, 2 * DAY + 5]),
)
def test_due_all_is_the_first_change(
    model: Model, records: Any, n: int, days: int, drift: int | None, old: int | None
) -> None:
    """Whole tables come to the same, also where a write that has grown old makes a record due."""
    world, end = agreement.world_of(records), NOW + days * DAY
    facts = local.facts(records.accounts, records.people, records.events)
    scored = scored_frames(model, records)
    scores = dict(scored.scores.select("uid", "score").rows()) if scored.scores.width else {}
    pushed = {} if drift is None else {uid: points + drift for uid, points in scores.items()}
    aged = {} if old is None else dict.fromkeys(scores, NOW + old)

    due = due_all(model, facts, scored, NOW, pushed=pushed, n=n, horizon_seconds=days * DAY, aged=aged)

    assert due.keys() == scores.keys()
    for uid in scores:
        pushing = {"pushed": pushed.get(uid), "step": n * 1000, "aged": aged.get(uid)}
        assert (uid, due[uid]) == (uid, wanted(model, world, uid, end, **pushing))


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
    while (now := next_due(plan, evaluation, now, pushed=None, n=4, horizon=end - now).due_at) < end:
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
