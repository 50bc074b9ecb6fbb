"""A model worked out for scoring: which rule concerns whom, decay tables, what missing facts could add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.core.entities import Entity, Kind
from leadline.core.scoring.condition import SCORED_FIELDS, Condition
from leadline.core.scoring.decay import Curve, curve
from leadline.core.scoring.model import Model, Part, Rule, Signal

SUBJECTS = (Entity.ACCOUNT, Entity.PERSON)
# A word that no CRM holds: stands for "some other value" when looking for the best one.
_OTHER = "\0"


@dataclass(frozen=True, slots=True)
class TimedSignal:
    """A signal with its decay table. Row `offset + day` of the table of slots is that day of age."""

    index: int
    signal: Signal
    curve: Curve
    offset: int

    @property
    def positive(self) -> bool:
        """Whether its events speak for the record."""
        return self.signal.points > 0

    def matches(self, kind: str, asset: str | None) -> bool:
        """Whether events of that kind and asset are of this signal."""
        if kind not in self.signal.kinds:
            return False
        low = (asset or "").lower()
        return self.signal.assets is None or any(word.lower() in low for word in self.signal.assets)


@dataclass(frozen=True, slots=True)
class Interval:
    """What missing facts could add to fit.

    `by_fact`: a fact's name and the thousandths that its best value would add. `several`: rules that
    read more than one fact; each counts for itself while it is open.
    """

    by_fact: Mapping[str, int]
    several: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class SubjectPlan:
    """What concerns one kind of record. An account's `people_rules` ask for any of its people."""

    own_rules: tuple[Rule, ...]
    people_rules: tuple[Rule, ...]
    asked: tuple[str, ...]  # facts that completeness is measured over
    interval: Interval


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled model."""

    model: Model
    signals: tuple[TimedSignal, ...]
    subjects: Mapping[Entity, SubjectPlan]

    def matching(self, kind: str, asset: str | None) -> tuple[TimedSignal, ...]:
        """The signals that an event of that kind and asset belongs to."""
        return tuple(timed for timed in self.signals if timed.matches(kind, asset))


def compile_model(model: Model) -> Plan:
    """Work a model out. Cheap: decay tables are kept between calls."""
    signals, offset = [], 0
    for index, signal in enumerate(model.signals):
        signals.append(TimedSignal(index, signal, curve(signal), offset))
        offset += signal.window_days + 1
    return Plan(model, tuple(signals), {entity: _subject_plan(model, entity) for entity in SUBJECTS})


def _subject_plan(model: Model, entity: Entity) -> SubjectPlan:
    rules = tuple(model.rules_for(entity))
    own = tuple(rule for rule in rules if entity is Entity.PERSON or not rule.by_any_person)
    people = tuple(rule for rule in rules if rule not in own)
    fit = [rule for rule in own if rule.part is Part.FIT]
    asked = [name for rule in fit for name in rule.when.facts_asked()]
    if entity is Entity.PERSON and model.persona:
        asked += ["person.seniority", "person.function"]
    return SubjectPlan(own, people, tuple(dict.fromkeys(asked)), _interval(fit))


def _interval(fit: Sequence[Rule]) -> Interval:
    alone: dict[str, list[Rule]] = {}
    several = []
    for rule in fit:
        names = rule.when.fields()
        if len(names) == 1:
            alone.setdefault(names[0], []).append(rule)
        else:
            several.append(rule)
    asked = {name for rule in fit for name in rule.when.facts_asked()}
    gains = {name: _best(name, rules) - _worth(rules, None) for name, rules in alone.items() if name in asked}
    return Interval({name: gain for name, gain in gains.items() if gain}, tuple(several))


def _best(name: str, rules: Sequence[Rule]) -> int:
    """The most that rules of one fact give together, over the values that they tell apart."""
    return max(_worth(rules, value) for value in (None, *_candidates(name, rules)))


def _worth(rules: Iterable[Rule], value: Any) -> int:
    return sum(rule.points for rule in rules if rule.when.holds(lambda _: value, 0) is True)


def _candidates(name: str, rules: Sequence[Rule]) -> list[Any]:
    field = SCORED_FIELDS[name]
    operands = [_operands(leaf) for rule in rules for leaf in rule.when.leaves()]
    mentioned = list(dict.fromkeys(operand for group in operands for operand in group))
    words = [word for word in mentioned if isinstance(word, str)]
    if field.kind is Kind.ENUM:
        return list(field.values)
    if field.kind is Kind.BOOLEAN:
        return [True, False]
    if field.kind is Kind.LIST:
        return [[_OTHER], *([word] for word in words), words or [_OTHER]]
    if field.kind in (Kind.INTEGER, Kind.TIME):
        edges = [edge for edge in mentioned if isinstance(edge, int)]
        return [edge + step for edge in edges for step in (-1, 0, 1)] or [0]
    return [*words, _OTHER]


def _operands(leaf: Condition) -> tuple[Any, ...]:
    key, operand = leaf.test
    if key == "known":
        return ()
    values = operand if isinstance(operand, tuple) else (operand,)
    return tuple(value for value in values if value is not None)
