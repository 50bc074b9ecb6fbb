"""The frame engine and the per-record evaluator beside the reference: everything that they say is compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
from tests.oracle import random_scoring
from tests.oracle.random_scoring import Records
from tests.oracle.reference_scorer import PARTS, Result, Row, World

from leadline.core.entities import Entity
from leadline.core.scoring.compile import score
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.facts import LEDGER, SCORES
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.qualification import qualification_parts
from leadline.core.scoring.subject import Event, Subject
from leadline.frames import local

NOW = random_scoring.NOW


def world_of(records: Records) -> World:
    """The records for the reference."""
    return World(records.accounts, records.people, records.events)


# What the reference says, in the words of the engine


def expected_score(found: Result) -> dict[str, Any]:
    """A result as a row of `Scored.scores`."""
    return {
        "uid": found.uid, "entity": found.entity, "segment": found.segment,
        "score": found.score, "score_min": found.score_min, "score_max": found.score_max,
        **found.parts, "fit_max": found.fit_max,
        "completeness": found.completeness, "missing_fields": ";".join(found.missing),
        "flags": ";".join(found.flags), "disqualified": bool(found.reasons),
        "disqualify_reasons": ";".join(found.reasons), "group": found.group,
    }  # fmt: skip


def expected_rows(found: Result) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """A result's ledger by (uid, part, rule)."""
    return {(found.uid, row.part, row.rule): _cells(row) for row in found.ledger}


def _cells(row: Row) -> tuple[Any, ...]:
    return row.points, row.raw, row.lost_decay, row.lost_cap, row.count, row.last_at, row.value


def by_key(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """Ledger rows (uid, part, rule, cells...) by their first three, each of which is there once."""
    found = {}
    for uid, part, rule, *cells in rows:
        key = (str(uid), str(part), str(rule))
        assert key not in found, f"two rows of {key}"
        found[key] = tuple(cells)
    return found


def same(found: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> None:
    """Both are equal; the message shows what is not."""
    keys = [key for key in {**wanted, **found} if found.get(key, "nothing") != wanted.get(key, "nothing")]
    lines = [f"{key}: {found.get(key, 'nothing')}, should be {wanted.get(key, 'nothing')}" for key in keys]
    assert not keys, "\n".join(lines)


# The engines


def frames_agree(model: Model, records: Records, results: Mapping[str, Result]) -> int:
    """Every column of every score and ledger row is that of the reference. Gives the number of ledger rows."""
    scored = score(model, local.facts(records.accounts, records.people, records.events), NOW)
    scores = {row["uid"]: row for row in scored.scores.to_dicts()}
    ledger = ledger_of(scored.ledger)

    assert set(scored.scores.columns) == set(SCORES)
    assert set(scored.ledger.columns) == set(LEDGER)
    same(scores, {uid: expected_score(found) for uid, found in results.items()})
    same(ledger, {key: row for found in results.values() for key, row in expected_rows(found).items()})
    return len(ledger)


def ledger_of(frame: pl.DataFrame) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """A ledger frame by (uid, part, rule)."""
    cells = ("points", "raw_points", "lost_to_decay", "lost_to_cap", "count", "last_at", "value")
    return by_key(frame.select("uid", "part", "rule", *cells).rows())


def evaluator_agrees(model: Model, records: Records, results: Mapping[str, Result]) -> int:
    """One record at a time comes to the same as the reference. Gives the number of ledger rows."""
    plan, compared = compile_model(model), 0
    for subject in subjects(records):
        found, wanted = evaluate(model, subject, NOW, plan=plan), results[subject.uid]
        said = {
            "uid": subject.uid, "entity": subject.entity.value, "segment": found.segment,
            "score": found.score, "score_min": found.score_min, "score_max": found.score_max,
            **{str(part): points for part, points in found.parts.items()}, "fit_max": found.fit_max,
            "completeness": found.completeness, "missing_fields": ";".join(found.missing),
            "flags": ";".join(found.flags), "disqualified": bool(found.reasons),
            "disqualify_reasons": ";".join(found.reasons), "group": found.group,
        }  # fmt: skip
        rows = (
            (subject.uid, r.part, r.rule, r.points, r.raw_points, r.lost_to_decay, r.lost_to_cap, r.count,
             r.last_at, r.value)
            for r in found.ledger
        )  # fmt: skip
        same(said, expected_score(wanted))
        same(by_key(rows), expected_rows(wanted))
        sums = qualification_parts(plan.of(found.segment).model, found.ledger)
        same({tag.value: points for tag, points in sums.items()}, wanted.qualification)
        compared += len(found.ledger)
    return compared


def subjects(records: Records) -> list[Subject]:
    """Every record with its facts, for the per-record evaluator."""
    events = tuple(Event(e["kind"], e["at"], e["person"], e["account"], e["asset"]) for e in records.events)
    accounts = {row["uid"]: row for row in records.accounts}
    known = {row["uid"] for row in records.people}
    found = []
    for uid, company in accounts.items():
        people = tuple(row for row in records.people if row["account"] == uid)
        names = {row["uid"] for row in people}
        own = tuple(e for e in events if e.person in names or (e.person not in known and e.account == uid))
        standing = company["previous_group"], company["group_since"]
        found.append(Subject(Entity.ACCOUNT, uid, company, people, own, *standing))
    for person in records.people:
        own = tuple(e for e in events if e.person == person["uid"])
        standing = person["previous_group"], person["group_since"]
        account = accounts.get(person["account"])
        found.append(Subject(Entity.PERSON, person["uid"], account, (person,), own, *standing))
    return found


# What must be true of every result


def adds_up(result: Result) -> None:
    """The ledger sums to the score, and without weights to the parts; the score lies in its interval."""
    sums: dict[str, int] = defaultdict(int)
    for row in result.ledger:
        assert row.points == row.raw - row.lost_decay - row.lost_cap
        sums["score"] += row.points
        if row.rule != "weight":
            sums[row.part] += row.points
    assert sums["score"] == result.score
    assert {part: sums[part] for part in PARTS} == result.parts
    assert result.score_min <= result.score <= result.score_max
    assert result.parts["fit"] <= result.fit_max
    assert all(points % 1000 == 0 for points in (result.score, result.score_min, result.score_max, result.fit_max))
    assert 0 <= result.completeness <= 100
    assert (result.completeness == 100) == (not result.missing)
