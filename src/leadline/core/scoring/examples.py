"""Worked examples of a model file: facts, and what the model must make of them."""

from __future__ import annotations

from dataclasses import dataclass

from leadline.core.entities import Entity
from leadline.core.scoring.model import CAP, DAY, FLOOR, POINT, ROUNDING, Example, Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.subject import Evaluation, Event, Subject, evaluate

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
    account = None if example.account is None else {"uid": "account", **example.account}
    account_uid = None if account is None else "account"
    people = tuple(
        {"uid": f"person {number}", "account": account_uid, **facts} for number, facts in enumerate(example.people)
    )
    events = tuple(
        Event(
            event.kind,
            EXAMPLE_NOW - event.days_ago * DAY - second,
            None if event.person is None else f"person {event.person}",
            account_uid,
            event.asset,
        )
        for event in example.events
        for second in range(event.times)
    )
    previous = example.previous_group
    if example.expect.of is Entity.ACCOUNT:
        subject = Subject(Entity.ACCOUNT, "account", account, people, events, previous)
    else:
        own = tuple(event for event in events if event.person == "person 0")
        subject = Subject(Entity.PERSON, "person 0", account, people[:1], own, previous)
    return evaluate(plan.model, subject, EXAMPLE_NOW, plan=plan)


def row_name(part: str, rule: str) -> str:
    """How an example names a ledger row."""
    return f"{part}.{rule}" if rule in (CAP, FLOOR, ROUNDING) else rule


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
    return [Failure(example.name, what, wanted, got) for what, wanted, got in pairs if wanted != got]


def _points(thousandths: int) -> str:
    whole, rest = divmod(abs(thousandths), POINT)
    sign = "-" if thousandths < 0 else ""
    return f"{sign}{whole}" + (f".{rest:03}".rstrip("0") if rest else "")
