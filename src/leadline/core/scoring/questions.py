"""Which missing facts of a record are worth asking for: those that would change its group most cheaply.

Each missing fact is tried with every value that the model tells apart, and the record is scored again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

from leadline.core.entities import Entity
from leadline.core.scoring.condition import SHARED, Condition
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.groups import every_group
from leadline.core.scoring.model import POINT, Model
from leadline.core.scoring.operators import is_missing
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.reading import account_read, person_read
from leadline.core.scoring.subject import Evaluation, Subject
from leadline.core.scoring.tellable import Option, options

_TRIED_TOGETHER = 2  # values of each of two facts, the best ones


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing fact, as `account.<field>` or `person.<field>` of a person (uid)."""

    fact: str
    person: str | None = None

    def said(self, names: Mapping[str, str]) -> str:
        """What is missing, in words."""
        words = self.fact.partition(".")[2].replace("_", " ")
        return f"{words} of {names.get(self.person, self.person)}" if self.person else words


@dataclass(frozen=True, slots=True)
class Answer:
    """Values of a gap that lead to the same group."""

    gap: Gap
    options: tuple[Option, ...]

    def said(self) -> str:
        """The values in words: "from 200 on", "with manufacturing or software"."""
        first, *rest = (option.said for option in self.options)
        opening = first.split(" ")[0] + " "
        return " or ".join([first, *(said.removeprefix(opening) if opening == "with " else said for said in rest)])


@dataclass(frozen=True, slots=True)
class Question:
    """A missing fact that could change the group, and what it takes.

    With the answers it is `group`: one answer, or two that do so only together. `low` to `high` are the scores
    (thousandths) that the first fact alone can lead to.
    """

    answers: tuple[Answer, ...]
    group: str
    low: int
    high: int

    def said(self, names: Mapping[str, str]) -> str:
        """One line: "employees unknown: 58 to 73; from 200 on it is priority". `names` by uid."""
        first, *others = self.answers
        span = str(self.low // POINT) if self.low == self.high else f"{self.low // POINT} to {self.high // POINT}"
        more = "".join(f", and {answer.gap.said(names)} {answer.said()}," for answer in others)
        group = self.group.replace("_", " ")
        return f"{first.gap.said(names)} unknown: {span}; {first.said()}{more} it is {group}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    option: Option
    group: str
    score: int


def questions(
    model: Model, evaluation: Evaluation, now: int, *, approach: str | None = None, limit: int = 3
) -> list[Question]:
    """The missing facts worth asking for, best first: facts that alone lead to another group (the best group first)
    before those that do so only together with another one; then those that are worth more points.

    For an account, also facts of the person `approach` (uid) are asked for.
    """
    asking = _Asking(model, evaluation, now)
    outcomes = {gap: asking.outcomes(gap) for gap in asking.gaps(approach)}
    found = [asking.alone(gap, tried) for gap, tried in outcomes.items() if asking.leads_elsewhere(tried)]
    if len(found) < limit:
        silent = {gap: tried for gap, tried in outcomes.items() if tried and not asking.leads_elsewhere(tried)}
        found += asking.together(silent)
    found.sort(key=asking.order)
    return found[:limit]


class _Asking:
    """One record, scored again and again with more facts."""

    def __init__(self, model: Model, evaluation: Evaluation, now: int) -> None:
        subject = evaluation.subject
        self._model, self._now, self._plan = model, now, compile_model(model)
        self._score, self._group = evaluation.score, evaluation.group
        since = subject.group_since if subject.previous_group == evaluation.group else now
        self._subject = replace(subject, previous_group=evaluation.group, group_since=since)
        self._concerns = self._plan.of(evaluation.segment)
        names = every_group(model)
        self._ranks = {name: rank for rank, name in enumerate(names)}

    # What is missing

    def gaps(self, approach: str | None) -> Iterator[Gap]:
        """The missing facts that rules, persona, committees and segments ask about."""
        subject = self._subject
        uid = subject.uid if subject.entity is Entity.PERSON else approach
        person = next((row for row in subject.people if row["uid"] == uid), None)
        theirs = person_read(person, subject.account) if person else None
        own = account_read(subject.account) if subject.entity is Entity.ACCOUNT else theirs
        for name in dict.fromkeys(self._asked()):
            if name.startswith("person."):
                if theirs and is_missing(theirs(name)):
                    yield Gap(name, uid)
            elif own and is_missing(own(name)) and (subject.account or name.removeprefix("account.") in SHARED):
                yield Gap(name)

    def _asked(self) -> Iterator[str]:
        model, plan = self._concerns.model, self._concerns
        conditions: Iterable[Condition] = (rule.when for rule in model.rules_for(self._subject.entity))
        for condition in (*conditions, *(segment.when for segment in self._model.segments)):
            yield from condition.fields()
        if model.persona:
            yield from ("person.seniority", "person.function")
        if any(entry.functions for entry in plan.model.committee):
            yield "person.function"

    # What it could be

    def outcomes(self, gap: Gap) -> list[_Outcome]:
        """What each value of the fact leads to."""
        found = []
        for option in options(gap.fact, self._model, self._now):
            tried = self._evaluate([(gap, option)])
            found.append(_Outcome(option, tried.group, tried.score))
        return found

    def _evaluate(self, known: Sequence[tuple[Gap, Option]]) -> Evaluation:
        subject = self._subject
        for gap, option in known:
            subject = with_fact(subject, gap, option.value)
        return evaluate(self._model, subject, self._now, plan=self._plan)

    def leads_elsewhere(self, tried: Iterable[_Outcome]) -> bool:
        """Whether one of the values changes the group."""
        return any(outcome.group != self._group for outcome in tried)

    def alone(self, gap: Gap, tried: Sequence[_Outcome]) -> Question:
        """The best other group that the fact leads to by itself."""
        best = min((o.group for o in tried if o.group != self._group), key=self._rank)
        leading = tuple(outcome.option for outcome in tried if outcome.group == best)
        return Question((Answer(gap, leading),), best, *self._span(tried))

    def together(self, silent: Mapping[Gap, Sequence[_Outcome]]) -> Iterator[Question]:
        """The best group that two facts lead to, neither of which does so alone."""
        strong = {gap: sorted(tried, key=lambda o: -o.score)[:_TRIED_TOGETHER] for gap, tried in silent.items()}
        for pair in combinations(strong, 2):
            best: tuple[int, tuple[_Outcome, ...], str] | None = None
            for values in product(*(strong[gap] for gap in pair)):
                group = self._evaluate(list(zip(pair, (o.option for o in values), strict=True))).group
                if group != self._group and (best is None or self._rank(group) < best[0]):
                    best = self._rank(group), values, group
            if best is not None:
                answers = tuple(Answer(gap, (o.option,)) for gap, o in zip(pair, best[1], strict=True))
                yield Question(answers, best[2], *self._span(silent[pair[0]]))

    def _span(self, tried: Iterable[_Outcome]) -> tuple[int, int]:
        scores = [outcome.score for outcome in tried]
        return min(scores), max(scores)

    # Which first

    def _rank(self, group: str) -> int:
        return self._ranks.get(group, len(self._ranks))

    def order(self, question: Question) -> tuple[Any, ...]:
        """Alone before together, better groups first, then by points."""
        gain = max(question.high - self._score, self._score - question.low)
        facts = tuple((answer.gap.fact, answer.gap.person or "") for answer in question.answers)
        return len(question.answers), self._rank(question.group), -gain, facts


def with_fact(subject: Subject, gap: Gap, value: Any) -> Subject:
    """The record as it is once a missing fact is known."""
    name = gap.fact.partition(".")[2]
    if gap.person is None and subject.account is not None:
        return replace(subject, account={**subject.account, name: value})
    uid = gap.person or subject.uid
    people = tuple({**row, name: value} if row["uid"] == uid else row for row in subject.people)
    return replace(subject, people=people)


def approached(plan: Plan, subject: Subject, now: int) -> str | None:
    """Whom to approach at an account: of those not disqualified the highest score, the uid deciding ties."""
    found = []
    for person in subject.people:
        uid = str(person["uid"])
        own = tuple(event for event in subject.events if event.person == uid)
        alone = Subject(Entity.PERSON, uid, subject.account, (person,), own)
        evaluation = evaluate(plan.model, alone, now, plan=plan)
        if not evaluation.reasons and not person.get("converted"):
            found.append((-evaluation.score, uid))
    return min(found)[1] if found else None
