"""The frame engine and the per-record evaluator against the reference scorer, on random models and facts."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.oracle import random_scoring
from tests.oracle import reference_scorer as reference

from leadline.core.entities import Entity
from leadline.core.scoring.compile import score
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.model import Model
from leadline.core.scoring.subject import Event, Subject
from leadline.frames import local

NOW = random_scoring.NOW

examples = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def expected_scores(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Reference results as rows of `Scored.scores`, by uid."""
    return [
        {
            "uid": uid,
            "entity": found.entity,
            "score": found.score,
            "fit": found.parts["fit"],
            "fit_max": found.fit_max,
            "persona": found.parts["persona"],
            "intent": found.parts["intent"],
            "negative": found.parts["negative"],
            "completeness": found.completeness,
            "missing_fields": ";".join(found.missing),
            "disqualified": bool(found.reasons),
            "disqualify_reasons": ";".join(found.reasons),
            "group": found.group,
        }
        for uid, found in sorted(results.items())
    ]


def expected_ledger(results: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Reference ledgers as sorted tuples."""
    return sorted(
        (
            (uid, str(r.part), r.rule, r.points, r.raw, r.lost_decay, r.lost_cap, r.count, r.last_at, r.value)
            for uid, found in results.items()
            for r in found.ledger
        ),
        key=lambda row: row[:3],
    )


def ledger_tuples(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """A ledger frame as sorted tuples."""
    columns = (
        "uid", "part", "rule", "points", "raw_points", "lost_to_decay", "lost_to_cap", "count", "last_at", "value",
    )  # fmt: skip
    return sorted(frame.select(columns).rows(), key=lambda row: row[:3])


def subjects(records: Any) -> list[Subject]:
    """Every record with its facts, for the per-record evaluator."""
    events = tuple(Event(e["kind"], e["at"], e["person"], e["account"], e["asset"]) for e in records.events)
    accounts = {row["uid"]: row for row in records.accounts}
    known = {row["uid"] for row in records.people}
    found = []
    for uid, account in accounts.items():
        people = tuple(row for row in records.people if row["account"] == uid)
        names = {row["uid"] for row in people}
        own = tuple(e for e in events if e.person in names or (e.person not in known and e.account == uid))
        found.append(Subject(Entity.ACCOUNT, uid, account, people, own, account["previous_group"]))
    for person in records.people:
        own = tuple(e for e in events if e.person == person["uid"])
        account = accounts.get(person["account"])
        found.append(Subject(Entity.PERSON, person["uid"], account, (person,), own, person["previous_group"]))
    return found


@settings(examples, max_examples=60)
@given(model=random_scoring.models(), records=random_scoring.records())
def test_engine_and_evaluator_agree_with_the_reference(model: Model, records: Any) -> None:
    """Every column of every score and of every ledger row is equal, and ledgers sum to scores."""
    world = reference.World(records.accounts, records.people, records.events)
    results = reference.score_all(model, world, NOW)

    scored = score(model, local.facts(records.accounts, records.people, records.events), NOW)

    assert scored.scores.sort("uid").to_dicts() == expected_scores(results)
    assert ledger_tuples(scored.ledger) == expected_ledger(results)
    ledgers_sum(scored)
    for subject in subjects(records):
        evaluator_agrees(model, subject, results[subject.uid])


def evaluator_agrees(model: Model, subject: Subject, wanted: Any) -> None:
    """One record at a time comes to the same."""
    found = evaluate(model, subject, NOW)

    names = ("score", "parts", "fit_max", "completeness", "missing", "reasons", "group")
    assert {name: getattr(found, name) for name in names} == {name: getattr(wanted, name) for name in names}
    rows = [
        (subject.uid, str(r.part), r.rule, r.points, r.raw_points, r.lost_to_decay, r.lost_to_cap, r.count,
         r.last_at, r.value)
        for r in found.ledger
    ]  # fmt: skip
    assert sorted(rows, key=lambda row: row[:3]) == expected_ledger({subject.uid: wanted})


def ledgers_sum(scored: Any) -> None:
    """Points of a ledger sum to the score, by part to the part, and rows split into their causes."""
    sums = dict(scored.ledger.group_by("uid").agg(pl.col("points").sum()).rows())
    assert all(sums.get(uid, 0) == points for uid, points in scored.scores.select("uid", "score").rows())
    for part in ("fit", "persona", "intent", "negative"):
        rows = scored.ledger.filter(part=part)
        by_uid = dict(rows.group_by("uid").agg(pl.col("points").sum()).rows())
        assert all(by_uid.get(uid, 0) == points for uid, points in scored.scores.select("uid", part).rows())
    causes = pl.col("raw_points") - pl.col("lost_to_decay") - pl.col("lost_to_cap")
    assert scored.ledger.filter(causes != pl.col("points")).is_empty()
    assert not scored.ledger.select("uid", "part", "rule").is_duplicated().any()


@settings(examples, max_examples=20)
@given(model=random_scoring.models(), records=random_scoring.records(), seed=st.randoms(use_true_random=False))
def test_order_of_input_does_not_matter(model: Model, records: Any, seed: Any) -> None:
    """Shuffled rows come to the same scores and ledger."""
    first = score(model, local.facts(records.accounts, records.people, records.events), NOW)
    shuffled = [seed.sample(rows, len(rows)) for rows in (records.accounts, records.people, records.events)]

    second = score(model, local.facts(*shuffled), NOW)

    order = ["uid", "part", "rule"]
    assert first.scores.sort("uid").equals(second.scores.sort("uid"))
    assert first.ledger.sort(order).equals(second.ledger.sort(order))


def test_nothing_is_a_float() -> None:
    """Scores and ledgers hold integers, texts and booleans."""
    model = Model.model_validate({"name": "empty", "groups": [{"group": "poor_fit"}]})

    scored = score(model, local.facts([{"uid": "a"}], [], []), NOW)

    kinds = {*scored.scores.dtypes, *scored.ledger.dtypes}
    assert kinds == {pl.String(), pl.Int64(), pl.Boolean()}
