"""The most and the least that a model can give: what bands and limits are measured against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from leadline.core.entities import Entity
from leadline.core.scoring.model import POINT, Cap, Limits, Model, Part, Pick, Signal
from leadline.core.scoring.plan import Plan, best_together


@dataclass(frozen=True, slots=True)
class Range:
    """Thousandths that can be reached; None where there is no end."""

    low: int | None
    high: int | None


def reachable(plan: Plan, entity: Entity) -> dict[str, Range]:
    """What each part and the score of a record of `entity` can reach, by the name of the dimension.

    An upper bound: rules that read different facts count as if they could all fire at once.
    """
    model = plan.model
    ranges = {part.value: _part(plan, entity, part) for part in Part}
    limited = {name: _limited(found, model.limits(Part(name))) for name, found in ranges.items()}
    score = _total(model, limited)
    return {**limited, "score": _limited(score, model.total)}


def unlimited_score(plan: Plan, entity: Entity) -> Range:
    """What the parts of a record can add up to before `total` limits them."""
    model = plan.model
    parts = {part.value: _limited(_part(plan, entity, part), model.limits(part)) for part in Part}
    return _total(model, parts)


def most_of(signal: Signal, *, of_account: bool) -> int | None:
    """The furthest from zero that a signal can give a record, in thousandths; None when nothing limits it."""
    if of_account and signal.account_cap is not None:
        return signal.account_cap
    single = max((signal.points, *(points for _, points in signal.steps or ())), key=abs)
    of_one = single if signal.pick is not Pick.ALL else None
    if signal.cap is not None:
        of_one = signal.cap if of_one is None else min(of_one, signal.cap, key=abs)
    return None if of_account else of_one


def _part(plan: Plan, entity: Entity, part: Part) -> Range:
    model, concerns = plan.model, plan.subjects[entity]
    capped = {name: cap for cap in concerns.caps for name in cap.of}
    plain = [rule for rule in (*concerns.own_rules, *concerns.people_rules, *concerns.combined) if rule.part is part]
    free = [rule for rule in plain if rule.id not in capped]
    contributions: list[tuple[str | None, int | None, int | None]] = []
    contributions += [(None, *span) for span in best_together(free)]
    contributions += [(rule.id, min(rule.points, 0), max(rule.points, 0)) for rule in plain if rule.id in capped]
    for signal in model.signals:
        if signal.part is part:
            most = most_of(signal, of_account=entity is Entity.ACCOUNT)
            positive = signal.points > 0
            contributions.append((signal.id, 0 if positive else most, most if positive else 0))
    if entity is Entity.ACCOUNT:
        contributions += [(c.id, min(c.points, 0), max(c.points, 0)) for c in model.committee if c.part is part]
    if part is Part.PERSONA and model.persona:
        points = [0, *model.persona.points.values(), *model.persona.elsewhere.values()]
        contributions.append(("persona", min(points), max(points)))
    if model.idle and model.idle.part is part:
        contributions.append(("idle", min(model.idle.points, 0), max(model.idle.points, 0)))
    sums: dict[str | None, Range] = {}
    for name, low, high in contributions:
        key = capped[name].cap.id if name in capped else None
        before = sums.get(key, Range(0, 0))
        sums[key] = Range(_plus(before.low, low), _plus(before.high, high))
    limits = {entry.cap.id: entry.cap for entry in concerns.caps}
    return _sum(_limited(found, limits[key]) if key in limits else found for key, found in sums.items())


def _total(model: Model, parts: Mapping[str, Range]) -> Range:
    weighted = []
    for part in Part:
        found, weight = parts[part.value], model.weight(part)
        low = 0 if not weight else None if found.low is None else found.low * weight // 100
        high = 0 if not weight else None if found.high is None else found.high * weight // 100
        weighted.append(Range(low, high))
    return _sum(weighted)


def _sum(ranges: Iterable[Range]) -> Range:
    total = Range(0, 0)
    for found in ranges:
        total = Range(_plus(total.low, found.low), _plus(total.high, found.high))
    return total


def _plus(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


def _limited(found: Range, limits: Limits | Cap) -> Range:
    low, high = limits.min, limits.max
    bottom, top = found.low, found.high
    if high is not None:
        top = high * POINT if top is None else min(top, high * POINT)
        bottom = None if bottom is None else min(bottom, high * POINT)
    if low is not None:
        bottom = low * POINT if bottom is None else max(bottom, low * POINT)
        top = None if top is None else max(top, low * POINT)
    return Range(bottom, top)
