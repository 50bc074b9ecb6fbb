"""Explanations: what every line is called, and sentences of whole tables against those of one record."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.oracle import agreement, random_scoring

from leadline.core.entities import Entity
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.explain import explain, sentences
from leadline.core.scoring.load import load_model
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.rowcolumns import COUNT, LAST, VALUE, adjustment, row
from leadline.core.scoring.subject import Evaluation, Event, Subject
from leadline.core.scoring.vocabulary import ADJUSTMENTS
from leadline.frames.sentences import sentences_of

NOW, DAY = random_scoring.NOW, random_scoring.DAY


def wide(found: list[Evaluation], caps: set[str]) -> pl.DataFrame:
    """Ledgers in wide form: a row per record, columns per ledger row."""
    rows: list[dict[str, Any]] = []
    for evaluation in found:
        cells: dict[str, Any] = {"uid": evaluation.subject.uid, "segment": evaluation.segment}
        for line in evaluation.ledger:
            if line.rule in ADJUSTMENTS or line.rule in caps:
                cells[adjustment(line.part, line.rule)] = line.points
                continue
            name = row(line.part, line.rule)
            cells |= {name: line.points, name + COUNT: line.count}
            cells |= {name + LAST: line.last_at} if line.last_at is not None else {}
            cells |= {name + VALUE: line.value} if line.value is not None else {}
        rows.append(cells)
    names = dict.fromkeys(name for cells in rows for name in cells)
    texts = ("uid", "segment")
    schema = {name: pl.String() if name in texts or name.endswith(VALUE) else pl.Int64() for name in names}
    return pl.DataFrame(rows, schema=schema or {"uid": pl.String()})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    model=random_scoring.models(),
    records=random_scoring.many_records(3),
    longest=st.sampled_from([0, 20, 60, 100, 1_000]),
)
def test_sentences_of_a_table_are_those_of_each_record(model: Model, records: Any, longest: int) -> None:
    """The same text, letter by letter, for every record."""
    plan = compile_model(model)
    found = [evaluate(model, subject, NOW, plan=plan) for subject in agreement.subjects(records)]

    told = sentences_of(model, wide(found, {cap.id for cap in model.caps}), max_length=longest)

    alone = [sentences(plan.of(each.segment).model, each.ledger, max_length=longest) for each in found]
    assert told.rows() == list(zip([each.subject.uid for each in found], alone, strict=True))


def test_sentences_stay_in_order_when_points_are_huge() -> None:
    """Beyond what one sort key can hold, the order is the same."""
    model = load_model(
        "name: huge\ngroups: [{group: poor_fit}]\n"
        "rules: [{id: b, name: B, when: {field: account.name, known: true}, points: 1}]\n".replace(
            "account.name", "account.industry"
        )
        + "signals: [{id: a, name: A, kinds: [meeting], points: 1}, {id: c, name: C, kinds: [call], points: 1}]\n",
        place="huge.yaml",
    )
    cells = {"fit:b": 2**59, "intent:a": 2**60, "intent:c": -(2**60)}

    told = sentences_of(model, pl.DataFrame([{"uid": "x", **cells}, {"uid": "y", **cells, "fit:b": None}]))

    names = [[line.split(" ")[0] for line in text.splitlines()] for text in told["sentences"]]
    assert names == [["A", "C", "B"], ["A", "C"]]


MODEL = """
name: lines
parts: {intent: {max: 20, weight: 50}, readiness: {weight: 0}}
total: {min: 0, max: 12}
rules:
  - {id: soft, name: Sells software, when: {field: account.industry, in: [software]}, points: 9.5}
  - {id: large, name: Large, when: {field: account.employees, range: [100, null]}, points: 8}
signals:
  - {id: pricing, name: Viewed prices, kinds: [pricing_page_view], points: 15}
  - {id: meets, name: Met us, kinds: [meeting], points: 10, part: readiness}
caps: [{id: firm, name: Company facts, of: [soft, large], max: 12}]
groups: [{group: poor_fit}]
"""


@pytest.fixture(scope="module")
def subject() -> Subject:
    """A company that looked at prices twice and met us."""
    people = ({"uid": "p0", "account": "a0"},)
    times = (("pricing_page_view", NOW - DAY), ("pricing_page_view", NOW - 5), ("meeting", NOW - 9))
    events = tuple(Event(kind, at, "p0", "a0", None, f"e{at}") for kind, at in times)
    return Subject(Entity.ACCOUNT, "a0", {"uid": "a0", "industry": "software", "employees": 400}, people, events)


def test_every_line_says_what_it_is(subject: Subject) -> None:
    """Caps over several rules, limits, weights and the score's own limit have names, and the lines sum up."""
    found = explain(load_model(MODEL, place="lines.yaml"), subject, NOW)

    names = {line.name: line.points for line in found.lines if line.source in (None, "a0")}
    assert names == {
        "Sells software": 9_500,
        "Large": 8_000,
        "Company facts": -5_500,
        "Limit of intent reached": -10_000,
        "intent: 50 percent of it count": -10_000,
        "readiness: 0 percent of it count": -10_000,
        "Limit of the score reached": -10_000,
    }
    assert sum(line.points for line in found.lines) == found.evaluation.score == 12_000


def test_sentences_name_what_counts_only(subject: Subject) -> None:
    """No line about caps, limits, weights or rounding reaches the CRM."""
    model = load_model(MODEL, place="lines.yaml")

    text = sentences(model, evaluate(model, subject, NOW).ledger)

    assert [line.split(" (")[0] for line in text.splitlines()] == [
        "Viewed prices 2 times, last on 14 Nov", "Met us on 14 Nov", "Sells software: software", "Large: 400",
    ]  # fmt: skip
