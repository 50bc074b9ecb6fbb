"""What of a model can change a record's score or group while no fact does, worked out once per kind of record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from leadline.core.entities import Entity
from leadline.core.scoring.book import parts_of
from leadline.core.scoring.condition import Condition
from leadline.core.scoring.decay import age_step
from leadline.core.scoring.ladder import Ladder, ladders
from leadline.core.scoring.model import POINT, Disqualification, Model, Part, PartLimits, Pick, Rule
from leadline.core.scoring.operators import is_missing
from leadline.core.scoring.plan import CapPlan, Plan, TimedSignal
from leadline.core.scoring.reading import Read
from leadline.core.scoring.rules import Flag

_BEYOND = 2**62  # thousandths: more than any sum
_INTERVAL = frozenset({"score_min", "score_max"})


@dataclass(frozen=True, slots=True)
class Course:
    """The moving side of a plan, for one kind of record.

    `dated`: rules that ask how long ago something was; `combined`: rules that ask what fired. `exits` and `flags` are
    those that move (flags only where a group needs them), `settled_exits` do not. `watched`: the ids whose coming and
    going others ask about. `interval`: groups look at a reach of missing facts that can move.

    `fades`: whatever moves, moves one way for good. For such: `slots` is by the id of what gives points the place of
    its part and the number of its cap; `bounds` are of each part the least, the most (thousandths) and the weight.
    """

    plan: Plan
    entity: Entity
    dated: tuple[Rule, ...]
    combined: tuple[Rule, ...]
    exits: tuple[Disqualification, ...]
    settled_exits: tuple[Disqualification, ...]
    flags: tuple[Flag, ...]
    watched: frozenset[str]
    limits: tuple[tuple[Part, PartLimits, int], ...]
    interval: bool
    fades: bool
    caps: tuple[CapPlan, ...]
    slots: Mapping[str, tuple[int, int | None]]
    bounds: tuple[tuple[int, int, int], ...]
    ladders: Mapping[str, Ladder]

    @property
    def of_account(self) -> bool:
        """Whether it is about accounts."""
        return self.entity is Entity.ACCOUNT

    @property
    def reads_facts(self) -> bool:
        """Whether walking takes the facts of the record, not only what they came to."""
        return self.interval or bool(self.dated or self.combined or self.exits or self.flags)


def course_of(plan: Plan, entity: Entity) -> Course:
    """What moves for records of `entity` in the segment of the plan."""
    model, concerns = plan.model, plan.subjects[entity]
    needs = {name for group in model.groups for name in group.needs}
    dated = tuple(rule for rule in (*concerns.own_rules, *concerns.people_rules) if rule.when.moves)
    mine = [entry for entry in model.disqualify if entry.counts_for(entity)]
    exits = tuple(entry for entry in mine if entry.when.moves)
    flags = tuple(flag for flag in model.flags_for(entity) if flag.when.moves and flag.id in needs)
    interval = _interval_moves(plan, (*dated, *concerns.combined))
    asking = (*concerns.combined, *exits, *flags)
    fades = not interval and not any((dated, concerns.combined, exits, flags)) and all(map(_only_fades, plan.signals))
    parts, places = parts_of(plan), {part: place for place, part in enumerate(Part)}
    capped = {name: number for number, cap in enumerate(concerns.caps) for name in cap.of}
    watched = needs | {name for entry in asking for name in entry.when.named()}
    return Course(
        plan,
        entity,
        dated,
        concerns.combined,
        exits,
        tuple(entry for entry in mine if not entry.when.moves),
        flags,
        frozenset(parts) if interval else frozenset(watched),
        tuple((part, model.limits(part), model.weight(part)) for part in Part),
        interval,
        fades,
        concerns.caps,
        {name: (places[part], capped.get(name)) for name, part in parts.items()},
        tuple(_bounds(model)),
        ladders(model) if fades else {},
    )


def _only_fades(timed: TimedSignal) -> bool:
    """Whether what the signal gives moves one way for good."""
    points = timed.curve.points
    falling = all(abs(after) <= abs(before) for before, after in pairwise(points))
    return falling and timed.signal.pick is not Pick.FIRST and not timed.signal.alone


def _bounds(model: Model) -> Iterator[tuple[int, int, int]]:
    for part in Part:
        limits = model.limits(part)
        low = -_BEYOND if limits.min is None else limits.min * POINT
        high = _BEYOND if limits.max is None else limits.max * POINT
        yield low, high, model.weight(part)


def _interval_moves(plan: Plan, moving: tuple[Rule, ...]) -> bool:
    dimensions = {name for group in plan.model.groups for name in group.when}
    return bool(dimensions & _INTERVAL) or ("fit_max" in dimensions and any(rule.part is Part.FIT for rule in moving))


def edges(condition: Condition, read: Read, now: int) -> Iterator[int]:
    """When each question after days that have gone by is next answered otherwise."""
    for leaf in condition.leaves():
        if leaf.days_since is not None:
            value = read(str(leaf.field))
            edge = None if is_missing(value) else age_step(leaf.days_since, value, now)
            if edge is not None:
                yield edge
