"""A model worked out for scoring: which rule concerns whom, decay tables, what missing facts could add."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadline.core.entities import Entity, Kind
from leadline.core.scoring.condition import SCORED_FIELDS, Condition
from leadline.core.scoring.decay import Curve, curve
from leadline.core.scoring.model import IDLE, PERSONA, Cap, Model, Part, Rule, Segment, Signal

SUBJECTS = (Entity.ACCOUNT, Entity.PERSON)
# A word that no CRM holds: stands for "some other value" when looking for the best one.
_OTHER = "\0"
# Kinds of field whose values can be gone through; of texts, those that are only compared with words.
_COUNTABLE = (Kind.ENUM, Kind.INTEGER, Kind.BOOLEAN, Kind.TEXT)
_COMPARED = ("in", "equals", "range", "known")


@dataclass(frozen=True, slots=True)
class TimedSignal:
    """A signal with its decay table. Row `offset + day` of the table of slots is that day of age.

    `index` is unique over all variants of a model; variants that agree on a signal share it.
    """

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
class Reach:
    """What missing facts could change, in thousandths.

    `joint`: by fact and part, the most that its rules could gain and lose together (gain >= 0 >= loss) while it
    is missing. `alone`: rules that each count for themselves while they are unsettled.
    """

    joint: Mapping[str, Mapping[Part, tuple[int, int]]]
    alone: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class CapPlan:
    """A cap with the part that it is about and those of its ids that can count for a kind of record."""

    cap: Cap
    part: Part
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SubjectPlan:
    """What concerns one kind of record.

    `own_rules` read facts of the record, `people_rules` ask for any of an account's people, `combined` are
    the rules that ask what fired.
    """

    own_rules: tuple[Rule, ...]
    people_rules: tuple[Rule, ...]
    combined: tuple[Rule, ...]
    caps: tuple[CapPlan, ...]
    asked: tuple[str, ...]  # facts that completeness is measured over
    reach: Reach


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled model, as it is for one segment or for records of none.

    The plan of a whole model is that of records in no segment, and has those of its segments in `variants`,
    in the order in which they are tried.
    """

    model: Model
    signals: tuple[TimedSignal, ...]
    subjects: Mapping[Entity, SubjectPlan]
    segment: str = ""
    variants: tuple[tuple[Segment, Plan], ...] = ()

    def matching(self, kind: str, asset: str | None) -> tuple[TimedSignal, ...]:
        """The signals that an event of that kind and asset belongs to."""
        return tuple(timed for timed in self.signals if timed.matches(kind, asset))

    def every(self) -> tuple[Plan, ...]:
        """The plans of all segments and, last, of records in none."""
        return (*(plan for _, plan in self.variants), self)

    def all_signals(self) -> tuple[TimedSignal, ...]:
        """The signals of all variants, by index."""
        found = {timed.index: timed for plan in self.every() for timed in plan.signals}
        return tuple(found[index] for index in sorted(found))

    def of(self, segment: str) -> Plan:
        """The plan of a segment; of records in none for "" and for a name that the model does not have."""
        return next((plan for entry, plan in self.variants if entry.id == segment), self)


def compile_model(model: Model) -> Plan:
    """Work a model out. Cheap: decay tables are kept between calls."""
    clock = _Signals()
    variants = tuple((segment, _plan(model.variant(segment), clock, segment.id)) for segment in model.segments)
    base = _plan(model.variant(None) if model.segments else model, clock, "")
    return Plan(base.model, base.signals, base.subjects, "", variants)


class _Signals:
    """Numbers the signals of all variants; equal ones get one number."""

    def __init__(self) -> None:
        self._known: dict[Signal, TimedSignal] = {}
        self._offset = 0

    def timed(self, signal: Signal) -> TimedSignal:
        if signal not in self._known:
            self._known[signal] = TimedSignal(len(self._known), signal, curve(signal), self._offset)
            self._offset += signal.window_days + 1
        return self._known[signal]


def _plan(model: Model, signals: _Signals, segment: str) -> Plan:
    subjects = {entity: _subject_plan(model, entity) for entity in SUBJECTS}
    return Plan(model, tuple(signals.timed(signal) for signal in model.signals), subjects, segment)


def _subject_plan(model: Model, entity: Entity) -> SubjectPlan:
    rules = tuple(model.rules_for(entity))
    combined = tuple(rule for rule in rules if rule.when.named())
    plain = [rule for rule in rules if not rule.when.named()]
    own = tuple(rule for rule in plain if entity is Entity.PERSON or not rule.by_any_person)
    people = tuple(rule for rule in plain if rule not in own)
    asked = [name for rule in own if rule.part is Part.FIT for name in rule.when.facts_asked()]
    if entity is Entity.PERSON and model.persona:
        asked += ["person.seniority", "person.function"]
    caps = tuple(_caps(model, entity, rules))
    reach = _reach(own, {name for cap in model.caps for name in cap.of})
    return SubjectPlan(own, people, combined, caps, tuple(dict.fromkeys(asked)), reach)


def _caps(model: Model, entity: Entity, rules: Sequence[Rule]) -> Iterator[CapPlan]:
    parts = {rule.id: rule.part for rule in rules} | {signal.id: Part(signal.part) for signal in model.signals}
    if entity is Entity.ACCOUNT:
        parts |= {entry.id: Part(entry.part) for entry in model.committee}
    if model.persona:
        parts[PERSONA] = Part.PERSONA
    if model.idle:
        parts[IDLE] = Part(model.idle.part)
    for cap in model.caps:
        of = tuple(name for name in cap.of if name in parts)
        if of:
            yield CapPlan(cap, parts[of[0]], of)


# What missing facts could change


def _reach(rules: Sequence[Rule], capped: set[str]) -> Reach:
    by_fact: dict[str, list[Rule]] = {}
    for rule in rules:
        names = rule.when.fields()
        if len(names) == 1:
            by_fact.setdefault(names[0], []).append(rule)
    joint = {name: mine for name, mine in by_fact.items() if _countable(name, mine, capped)}
    alone = tuple(rule for rule in rules if not any(rule in mine for mine in joint.values()))
    reach = {name: _gains(name, mine) for name, mine in joint.items()}
    return Reach({name: gains for name, gains in reach.items() if gains}, alone)


def best_together(rules: Sequence[Rule]) -> list[tuple[int, int]]:
    """The least and the most thousandths that rules can give: those of one fact together, others each alone.

    Rules of one fact often exclude each other, such as ranges of staff.
    """
    by_fact: dict[str, list[Rule]] = {}
    alone = []
    for rule in rules:
        names = () if rule.when.named() else rule.when.fields()
        if len(names) == 1:
            by_fact.setdefault(names[0], []).append(rule)
        else:
            alone.append(rule)
    spans = [(min(rule.points, 0), max(rule.points, 0)) for rule in alone]
    for name, mine in by_fact.items():
        if _countable(name, mine, set()):
            values = [_worth(mine, value) for value in (None, *_candidates(name, mine))]
            spans.append((min(values), max(values)))
        else:
            spans += [(min(rule.points, 0), max(rule.points, 0)) for rule in mine]
    return spans


def _countable(name: str, rules: Sequence[Rule], capped: set[str]) -> bool:
    if SCORED_FIELDS[name].kind not in _COUNTABLE:
        return False
    return all(
        rule.id not in capped and all(leaf.test[0] in _COMPARED for leaf in rule.when.leaves()) for rule in rules
    )


def _gains(name: str, rules: Sequence[Rule]) -> dict[Part, tuple[int, int]]:
    """By part: how much rules of one missing fact could gain and lose over the values that they tell apart."""
    gains = {}
    for part in dict.fromkeys(rule.part for rule in rules):
        mine = [rule for rule in rules if rule.part is part]
        now = _worth(mine, None)
        values = [_worth(mine, value) - now for value in (None, *_candidates(name, rules))]
        if any(values):
            gains[part] = (max(values), min(values))
    return gains


def _worth(rules: Iterable[Rule], value: Any) -> int:
    return sum(rule.points for rule in rules if rule.when.holds(lambda _: value, 0))


def values_apart(name: str, conditions: Iterable[Condition]) -> list[Any]:
    """Values of a fact that conditions tell apart, None for a missing one among them."""
    return [None, *_values(name, conditions)]


def _candidates(name: str, rules: Sequence[Rule]) -> list[Any]:
    return _values(name, [rule.when for rule in rules])


def _values(name: str, conditions: Iterable[Condition]) -> list[Any]:
    field = SCORED_FIELDS[name]
    leaves = [leaf for condition in conditions for leaf in condition.leaves() if leaf.field == name]
    operands = [_operands(leaf) for leaf in leaves]
    mentioned = list(dict.fromkeys(operand for group in operands for operand in group))
    if field.kind is Kind.ENUM:
        return list(field.values)
    if field.kind is Kind.BOOLEAN:
        return [True, False]
    if field.kind is Kind.LIST:
        words = [word for word in mentioned if isinstance(word, str)]
        return [[_OTHER], *([word] for word in words), words or [_OTHER]]
    if field.kind is Kind.INTEGER:
        edges = [edge for edge in mentioned if isinstance(edge, int)]
        return [edge + step for edge in edges for step in (-1, 0, 1)] or [0]
    return [*(word for word in mentioned if isinstance(word, str)), _OTHER]


def _operands(leaf: Condition) -> tuple[Any, ...]:
    key, operand = leaf.test
    if key == "known":
        return ()
    values = operand if isinstance(operand, tuple) else (operand,)
    return tuple(value for value in values if value is not None)
