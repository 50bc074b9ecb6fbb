"""Segments: which one a record is in, and what the model's sections come to there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from tests.oracle.reference_facts import Record, World, facts_of, facts_read, holds

from leadline.core.scoring.bands import Matrix
from leadline.core.scoring.model import Model
from leadline.core.scoring.rules import Cap, Committee, Conditional, Disqualification, Flag, Idle, Persona, Rule, Signal
from leadline.core.scoring.segments import Segment

PARTS = ("fit", "persona", "intent", "readiness", "negative")
GROUP_ORDER = ("priority", "qualified_review", "nurture", "investigate", "research", "poor_fit")
Band = tuple[int | None, int | None]


@dataclass(frozen=True)
class Limited:
    """Limits in whole points, and the percentage that enters the score."""

    low: int | None = None
    high: int | None = None
    weight: int = 100


@dataclass(frozen=True)
class Place:
    """An entry of the list of groups."""

    group: str
    bands: Mapping[str, Band]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variant:
    """A model without segments. `points` are thousandths by id; `segment` is empty outside of all."""

    segment: str
    points: Mapping[str, int]
    rules: tuple[Rule, ...]
    persona: Persona | None
    signals: tuple[Signal, ...]
    idle: Idle | None
    committee: tuple[Committee, ...]
    caps: tuple[Cap, ...]
    flags: tuple[Flag, ...]
    disqualify: tuple[Disqualification, ...]
    parts: Mapping[str, Limited]
    total: Limited
    groups: tuple[Place, ...]
    hysteresis: int
    stay_days: int

    def giving(self) -> tuple[Rule | Signal | Committee, ...]:
        """The entries that have an id and points of their own."""
        return (*self.rules, *self.signals, *self.committee)

    def part_of(self, name: str) -> str | None:
        """The part to which an id gives; None when it does not count here."""
        for item in self.giving():
            if item.id == name:
                return str(item.part)
        if name == "persona" and self.persona:
            return "persona"
        return str(self.idle.part) if name == "idle" and self.idle else None


def segment_of(model: Model, world: World, record: Record) -> Segment | None:
    """The first segment that takes the account, or the person by their account or by themselves."""
    if record["uid"] in world.account:
        facts = facts_of(None, record)
    else:
        account = world.employer(record)
        facts = facts_of(None, account) if account is not None else facts_of(record, None)
    for segment in model.segments:
        if holds(segment.when, facts, 0) is True:
            return segment
    return None


def variant_of(model: Model, segment: Segment | None) -> Variant:
    """What the model comes to in this segment, or outside of all."""
    own = segment.id if segment else None

    def here(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(item for item in items if item.segments is None or own in item.segments)

    rules, signals, committee = here(model.rules), here(model.signals), here(model.committee)
    points = {item.id: item.points for item in (*rules, *signals, *committee)}
    if model.idle:
        points["idle"] = model.idle.points
    parts = {part: limited_of(part, model.parts) for part in PARTS}
    if segment:
        points |= {name: value for name, value in segment.points.items() if name in points}
        for part, given in segment.parts.items():
            parts[str(part)] = _changed(str(part), parts[str(part)], given)
    total = segment.total if segment and segment.total else model.total
    days = segment.minimum_stay_days if segment else None
    give = segment.hysteresis if segment else None
    return Variant(
        segment=own or "",
        points=points,
        rules=rules,
        persona=segment.persona if segment and segment.persona else model.persona,
        signals=signals,
        idle=model.idle,
        committee=committee,
        caps=here(model.caps),
        flags=here(model.flags),
        disqualify=here(model.disqualify),
        parts=parts,
        total=Limited(total.min, total.max),
        groups=places(segment) or places(model) if segment else places(model),
        hysteresis=model.hysteresis if give is None else give,
        stay_days=model.minimum_stay_days if days is None else days,
    )


def limited_of(part: str, parts: Mapping[Any, Any]) -> Limited:
    """The model's limits of a part."""
    given = {str(name): limits for name, limits in parts.items()}.get(part)
    usual = 0 if part == "readiness" else 100
    if given is None:
        return Limited(weight=usual)
    return Limited(given.min, given.max, usual if given.weight is None else given.weight)


def _changed(part: str, before: Limited, given: Any) -> Limited:
    """Limits with those that a segment mentions in their place."""
    mentioned = given.model_fields_set
    weight = limited_of(part, {part: given}).weight
    return Limited(
        given.min if "min" in mentioned else before.low,
        given.max if "max" in mentioned else before.high,
        weight if "weight" in mentioned else before.weight,
    )


def places(section: Model | Segment) -> tuple[Place, ...]:
    """The groups of a model or segment, those of its matrix spelt out."""
    if section.matrix:
        return _cells(section.matrix)
    listed = section.groups_ if isinstance(section, Model) else section.groups
    return tuple(Place(group.group.value, dict(group.when), group.needs) for group in listed or ())


def _cells(matrix: Matrix) -> tuple[Place, ...]:
    rows, columns = matrix.rows, matrix.columns
    cells = [
        Place(matrix.cells[row][column].value, {rows.dimension: high, columns.dimension: wide})
        for (row, high), (column, wide) in product(rows.bands.items(), columns.bands.items())
    ]
    found = [cell for name in GROUP_ORDER for cell in cells if cell.group == name]
    return (*found, Place(found[-1].group, {}))


# Whose entries they are


def asks_people(entry: Conditional) -> bool:
    """Whether a person's fact is read."""
    return any(name.startswith("person.") for name in facts_read(entry.when))


def belongs(entry: Conditional, entity: str) -> bool:
    """Whether the entry is about records of this entity."""
    if entry.applies_to is None:
        return entity == "person" or not asks_people(entry)
    return entry.applies_to.value in ("both", entity)


def can_count(variant: Variant, name: str, entity: str) -> bool:
    """Whether records of this entity can have a row of this id."""
    rule = next((rule for rule in variant.rules if rule.id == name), None)
    if rule is not None:
        return belongs(rule, entity)
    if any(entry.id == name for entry in variant.committee):
        return entity == "account"
    return variant.part_of(name) is not None
