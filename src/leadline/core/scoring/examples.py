"""Worked examples of a model file: facts, and what the model must make of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.model import DAY, POINT, Example, Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.qualification import qualification_parts
from leadline.core.scoring.subject import Evaluation, Event, Subject
from leadline.core.scoring.vocabulary import ADJUSTMENTS
from leadline.core.scoring.worked import Expectation

# The instant at which examples are scored; they speak of days ago, so any will do.
EXAMPLE_NOW = 1_700_000_000


@dataclass(frozen=True, slots=True)
class Failure:
    """What an example says, and what the model makes of it."""

    example: str
    what: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.example}: {self.what} should be {self.expected}, is {self.found}"


def check_examples(model: Model) -> list[Failure]:
    """Run the model's examples; empty when all hold."""
    plan = compile_model(model)
    return [failure for example in model.examples for failure in _check(plan, example)]


def run_example(plan: Plan, example: Example) -> Evaluation:
    """Score the example's facts. An example of a person is about the first in `people`."""
    account = None
    if example.account is not None:
        account = {"uid": "account", **_facts(Entity.ACCOUNT, example.account)}
    uid = None if account is None else "account"
    people = tuple(
        {"uid": f"person {number}", "account": uid, **_facts(Entity.PERSON, facts)}
        for number, facts in enumerate(example.people)
    )
    events = tuple(
        Event(
            event.kind,
            EXAMPLE_NOW - event.days_ago * DAY - second,
            None if event.person is None else f"person {event.person}",
            uid,
            event.asset,
        )
        for event in example.events
        for second in range(event.times)
    )
    since = None if example.days_in_group is None else EXAMPLE_NOW - example.days_in_group * DAY
    if example.expect.of is Entity.ACCOUNT:
        subject = Subject(Entity.ACCOUNT, "account", account, people, events, example.previous_group, since)
    else:
        own = tuple(event for event in events if event.person == "person 0")
        subject = Subject(Entity.PERSON, "person 0", account, people[:1], own, example.previous_group, since)
    return evaluate(plan.model, subject, EXAMPLE_NOW, plan=plan)


def _facts(entity: Entity, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts with days ago turned into times."""
    times = {field.name for field in FIELDS[entity] if field.kind is Kind.TIME}
    return {
        name: EXAMPLE_NOW - value * DAY if name in times and value is not None else value
        for name, value in facts.items()
    }


def row_name(part: str, rule: str) -> str:
    """How an example names a ledger row."""
    return f"{part}.{rule}" if rule in ADJUSTMENTS else rule


def _check(plan: Plan, example: Example) -> list[Failure]:
    found, expect = run_example(plan, example), example.expect
    points = {row_name(row.part, row.rule): row.points for row in found.ledger if row.points}
    pairs = [
        ("score", str(expect.score), _points(found.score)),
        ("group", expect.group.value, found.group),
        ("disqualified", str(expect.disqualified).lower(), str(bool(found.reasons)).lower()),
    ]
    for name in sorted(points.keys() | expect.points.keys()):
        pairs.append((name, _points(expect.points.get(name, 0)), _points(points.get(name, 0))))
    pairs += _told(plan, expect, found)
    return [Failure(example.name, what, wanted, got) for what, wanted, got in pairs if wanted != got]


def _told(plan: Plan, expect: Expectation, found: Evaluation) -> Iterator[tuple[str, str, str]]:
    """What an example may tell besides, where it does."""
    for part, points in expect.parts.items():
        yield part.value, str(points), _points(found.parts[part.value])
    if expect.qualification:
        parts = qualification_parts(plan.of(found.segment).model, found.ledger)
        for name, wanted in expect.qualification.items():
            yield name.value, _points(wanted), _points(parts.get(name, 0))
    if expect.flags is not None:
        yield "flags", ", ".join(sorted(expect.flags)), ", ".join(sorted(found.flags))
    if expect.segment is not None:
        yield "segment", expect.segment, found.segment or "none"
    if expect.interval is not None:
        low, high = expect.interval
        yield "interval", f"{low} to {high}", f"{_points(found.score_min)} to {_points(found.score_max)}"


def _points(thousandths: int) -> str:
    whole, rest = divmod(abs(thousandths), POINT)
    sign = "-" if thousandths < 0 else ""
    return f"{sign}{whole}" + (f".{rest:03}".rstrip("0") if rest else "")
