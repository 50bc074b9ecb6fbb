"""The walk through time against the reference scorer asked at every instant that could matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.oracle import agreement, random_scoring
from tests.oracle import reference_scorer as reference
from tests.oracle.random_scoring import Records

from leadline.core.entities import Entity
from leadline.core.scoring.course import course_of
from leadline.core.scoring.due import Due, Watch, due_all, first_change, next_due, reference_score, standing_of
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.facts import Scored
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.subject import Evaluation, Event, Subject
from leadline.frames import local

NOW, DAY = random_scoring.NOW, random_scoring.DAY


examples = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
ns = st.sampled_from([1, 3, 5, 200])
spans = st.sampled_from([1, 7, 40])
FADING = random_scoring.ALL - {"days_since", "fired", "pick", "interval"}  # what mostly moves one way for good
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
        ledger += [
            {"uid": subject.uid, "rule": row.rule, "part": str(row.part), "points": row.points} for row in found.ledger
        ]
    kinds = {"score": pl.Int64(), "fit_max": pl.Int64(), "completeness": pl.Int64(), "disqualified": pl.Boolean()}
    texts = dict.fromkeys(("uid", "entity", "segment", "flags", "group"), pl.String())
    return Scored(
        pl.DataFrame(scores, schema={**texts, **kinds}),
        pl.DataFrame(ledger, schema={**dict.fromkeys(("uid", "rule", "part"), pl.String()), "points": pl.Int64()}),
    )


@settings(examples, max_examples=40)
@given(model=random_scoring.models(), records=random_scoring.records(), n=ns, days=spans, drift=drifts)
def test_next_due_is_the_first_change(model: Model, records: Any, n: int, days: int, drift: int | None) -> None:
    """Whatever the language says, no change happens before, and there is one at the instant named."""
    world, plan, end = agreement.world_of(records), compile_model(model), NOW + days * DAY
    for subject in agreement.subjects(records):
        found = evaluate(model, subject, NOW, plan=plan)
        pushed = None if drift is None else found.score + drift

        due = next_due(plan, found, NOW, pushed=pushed, n=n, horizon=days * DAY)

        assert due == wanted(model, world, subject.uid, end, pushed=pushed, step=n * 1000)


@settings(examples, max_examples=40)
@given(
    model=st.one_of(random_scoring.models(), random_scoring.models(FADING)),
    records=random_scoring.records(),
    n=ns,
    days=spans,
    drift=drifts,
    old=st.sampled_from([None, 1, 2 * DAY + 5]),
    few=st.sampled_from([0, 1_000]),
)
def test_due_all_is_the_first_change(
    model: Model, records: Any, n: int, days: int, drift: int | None, old: int | None, few: int
) -> None:
    """Whole tables come to the same, also where a write that has grown old makes a record due."""
    world, end = agreement.world_of(records), NOW + days * DAY
    facts = local.facts(records.accounts, records.people, records.events)
    scored = scored_frames(model, records)
    scores = dict(scored.scores.select("uid", "score").rows())
    pushed = {} if drift is None else {uid: points + drift for uid, points in scores.items()}
    aged = {} if old is None else dict.fromkeys(scores, NOW + old)

    due = due_all(model, facts, scored, NOW, pushed=pushed, n=n, horizon_seconds=days * DAY, aged=aged, few=few)

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


@settings(examples, max_examples=50)
@given(
    model=random_scoring.models(FADING),
    records=random_scoring.records(),
    n=ns,
    drift=drifts,
    old=st.sampled_from([None, -5, 0, 1, 2 * DAY + 5, 20 * DAY]),
)
def test_passing_over_stretches_finds_what_steps_find(
    model: Model, records: Records, n: int, drift: int | None, old: int | None
) -> None:
    """Where everything only fades, stretches that can change nothing are passed over: nothing is lost by that."""
    plan, end = compile_model(model), NOW + 400 * DAY
    for subject in agreement.subjects(records):
        found = evaluate(model, subject, NOW, plan=plan)
        course = course_of(plan.of(found.segment), subject.entity)
        pushed = None if drift is None else found.score + drift
        watch = Watch(reference_score(found.score, pushed, n * 1000), n * 1000, None if old is None else NOW + old)
        standing = standing_of(course, found, NOW)

        due = first_change(course, standing, NOW, watch, end=end)

        assert due == first_change(replace(course, fades=False), standing, NOW, watch, end=end)


def signal(**options: Any) -> dict[str, Any]:
    """A signal of meetings."""
    return {"id": "met", "name": "Met", "kinds": ["meeting"], "points": 20, **options}


def rule(when: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A rule of 20 points."""
    return {"id": "so", "name": "So", "when": when, "points": 20, **options}


FRESH = {"field": "account.created_at", "days_since": [2, 5]}
PRIORITY, POOR = {"group": "priority", "when": {"score": [20, None]}}, {"group": "poor_fit"}
# What is in the model, when two meetings were (days ago), and in how many seconds the group changes.
STEPS: dict[str, tuple[dict[str, Any], tuple[int, ...], int]] = {
    "window": ({"signals": [signal(window_days=5)]}, (3,), 2 * DAY),
    "half-life": ({"signals": [signal(half_life_days=10)]}, (0,), 1 * DAY),
    "steps": ({"signals": [signal(steps=[[4, 5]])]}, (1,), 3 * DAY),
    "count": ({"signals": [signal(points=30, window_days=9, min_count=2)]}, (2, 6), 3 * DAY),
    "people": ({"signals": [signal(points=30, window_days=9, min_people=2)]}, (2, 6), 3 * DAY),
    "first": ({"signals": [signal(pick="first", steps=[[4, 5]], window_days=9)],
               "groups": [{"group": "priority", "when": {"intent": [None, 10]}}, POOR]}, (3, 1), 1 * DAY),
    "last": ({"signals": [signal(pick="last", steps=[[4, 5]])]}, (1, 9), 3 * DAY),
    "strongest": ({"signals": [signal(pick="strongest", steps=[[4, 5]])]}, (1, 9), 3 * DAY),
    "account cap": ({"signals": [signal(account_cap=20, window_days=9)]}, (2, 6), 7 * DAY),
    "alone": ({"signals": [signal(points=30, window_days=9),
                           {**signal(points=-5, alone=True, part="negative"), "id": "left", "kinds": ["call"]}],
               "groups": [{"group": "priority", "when": {"negative": [0, None]}}, POOR]}, (2,), 7 * DAY),
    "committee": ({"signals": [signal(points=1, window_days=9)],
                   "committee": [{"id": "team", "name": "Team", "people": 2, "points": 20}]}, (2, 6), 3 * DAY),
    "idle": ({"signals": [signal(points=1, window_days=5)], "idle": {"after_days": 9, "points": -30},
              "rules": [rule({"field": "account.created_at", "known": True}, points=40)]}, (6,), 3 * DAY),
    "days enough": ({"rules": [rule(FRESH)]}, (), 1 * DAY),
    "days too many": ({"rules": [rule({"field": "account.created_at", "days_since": [0, 5]})]}, (), 4 * DAY),
    "days of somebody": ({"rules": [rule({"field": "person.created_at", "days_since": [0, 9]},
                                         applies_to="account")]}, (), 6 * DAY),
    "what fired": ({"signals": [signal(points=1, window_days=9)], "rules": [rule({"fired": "met"})]}, (2,), 7 * DAY),
    "what fired not": ({"signals": [signal(points=1, window_days=9)],
                        "rules": [rule({"not": {"fired": "met"}})]}, (2,), 7 * DAY),
    "cap over several": ({"signals": [signal(points=15, window_days=9)], "rules": [rule(FRESH, part="intent")],
                          "caps": [{"id": "both", "name": "Both", "of": ["met", "so"], "max": 25}],
                          "groups": [{"group": "priority", "when": {"intent": [20, 30]}}, POOR]}, (2,), 1 * DAY),
    "flag to come": ({"flags": [{"id": "ripe", "name": "Ripe", "when": FRESH}],
                      "groups": [{"group": "priority", "needs": ["ripe"]}, POOR]}, (), 1 * DAY),
    "flag": ({"flags": [{"id": "young", "name": "Young",
                         "when": {"field": "account.created_at", "days_since": [0, 3]}}],
              "groups": [{"group": "priority", "needs": ["young"]}, POOR]}, (), 2 * DAY),
    "needs": ({"signals": [signal(points=0.001, window_days=9)],
               "groups": [{"group": "priority", "needs": ["met"]}, POOR]}, (2,), 7 * DAY),
    "disqualified no more": ({"rules": [rule({"field": "account.created_at", "known": True})], "disqualify": [
        {"id": "new", "reason": "New", "when": {"field": "account.created_at", "days_since": [0, 4]}}]}, (), 3 * DAY),
    "disqualified by what fires": ({"signals": [signal(points=30)], "idle": {"after_days": 9, "points": 0.5},
                                    "disqualify": [{"id": "gone", "reason": "Gone", "when": {"fired": "idle"}}]},
                                   (2,), 7 * DAY),
    "readiness": ({"signals": [signal(part="readiness", window_days=9)],
                   "groups": [{"group": "priority", "when": {"readiness": [20, None]}}, POOR]},
                  (2,), 7 * DAY),
    "weight": ({"signals": [signal(points=50, window_days=9)], "parts": {"intent": {"weight": 40}}}, (2,), 7 * DAY),
    "segment": ({"signals": [signal(points=1, window_days=9)], "segments": [
        {"id": "all", "name": "All", "when": {"field": "account.created_at", "known": True}, "points": {"met": 20}}]},
                (2,), 7 * DAY),
    "interval": ({"signals": [signal(window_days=9)],
                  "rules": [rule({"field": "account.employees", "range": [9, None]})],
                  "groups": [{"group": "priority", "when": {"score_max": [40, None]}}, POOR]},
                 (2,), 7 * DAY),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_every_operator_has_its_step(name: str) -> None:
    """Each on its own, so that the test of an operator fails when its step is taken away; both ways of going on."""
    content, ages, wanted = STEPS[name]
    model = Model.model_validate({"name": "steps", "groups": [PRIORITY, POOR], "hysteresis": 0, **content})
    people = tuple({"uid": f"p{n}", "account": "a0", "created_at": NOW - 3 * DAY} for n in range(2))
    one = name in ("first", "last", "strongest")
    events = [Event("meeting", NOW - age * DAY, "p0" if one else f"p{n}", "a0") for n, age in enumerate(ages)]
    events += [Event("call", NOW - 3, "p0", "a0")] if name == "alone" else []
    subject = Subject(Entity.ACCOUNT, "a0", {"uid": "a0", "created_at": NOW - DAY}, people, tuple(events))

    found, dues = both_ways(model, subject)

    assert dues == {Due(NOW + wanted, NOW + wanted, "poor_fit" if found.group == "priority" else "priority")}


def both_ways(model: Model, subject: Subject) -> tuple[Evaluation, set[Due]]:
    """The record, and what comes: by halves where everything fades, and step by step."""
    plan = compile_model(model)
    found = evaluate(model, subject, NOW, plan=plan)
    course = course_of(plan.of(found.segment), subject.entity)
    standing, watch = standing_of(course, found, NOW), Watch(found.score, 1_000_000)
    courses = [course, replace(course, fades=False)]
    return found, {first_change(each, standing, NOW, watch, end=NOW + 300 * DAY) for each in courses}


def test_a_minimum_stay_ends() -> None:
    """A record that may not leave yet leaves when its stay ends."""
    groups = [PRIORITY, POOR]
    model = Model.model_validate({"name": "stay", "groups": groups, "minimum_stay_days": 5})
    subject = Subject(Entity.ACCOUNT, "a0", {"uid": "a0"}, (), (), "priority", NOW - 2 * DAY)

    assert both_ways(model, subject)[1] == {Due(NOW + 3 * DAY, NOW + 3 * DAY, "poor_fit")}
