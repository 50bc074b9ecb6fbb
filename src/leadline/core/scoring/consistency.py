"""What can only be wrong about a model file as a whole: ids, what names what, examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.scoring.bands import Group, group_list_mistakes
from leadline.core.scoring.vocabulary import IDLE, PERSONA, RESERVED_IDS, Part
from leadline.yamlfile import Mistake, Path, did_you_mean

if TYPE_CHECKING:
    from leadline.core.scoring.model import Model
    from leadline.core.scoring.segments import Segment

_ITEMS = ("rules", "signals", "committee", "caps", "flags", "disqualify")
_SCORING = ("rules", "signals", "committee")


def mistakes_of(model: Model) -> list[Mistake]:
    """Everything that is wrong between sections, in the order of the file's sections."""
    return [
        *_repeated_ids(model),
        *_unknown_segments(model),
        *_fired_mistakes(model),
        *_cap_mistakes(model),
        *_groups_mistakes(model),
        *_segment_mistakes(model),
        *_example_mistakes(model),
    ]


def _repeated_ids(model: Model) -> Iterator[Mistake]:
    seen = dict.fromkeys(RESERVED_IDS, "reserved")
    for section in _ITEMS:
        for position, item in enumerate(getattr(model, section)):
            if item.id in seen:
                why = "is reserved" if seen[item.id] == "reserved" else "is used twice"
                yield Mistake((section, position, "id"), f"'{item.id}' {why}", "Choose another id.")
            seen[item.id] = "used"
    names: set[str] = set()
    for position, segment in enumerate(model.segments):
        if segment.id in names:
            yield Mistake(("segments", position, "id"), f"'{segment.id}' is used twice", "Choose another id.")
        names.add(segment.id)


def _unknown_segments(model: Model) -> Iterator[Mistake]:
    known = [segment.id for segment in model.segments]
    for section in _ITEMS:
        for position, item in enumerate(getattr(model, section)):
            for place, name in enumerate(item.segments or ()):
                if name not in known:
                    path = (section, position, "segments", place)
                    fix = did_you_mean(name, known) or "The model has no `segments`."
                    yield Mistake(path, f"there is no segment '{name}'", fix)


def _scoring_ids(model: Model) -> dict[str, Part]:
    """Part by the id of everything that gives points."""
    found = {item.id: item.part for section in _SCORING for item in getattr(model, section)}
    if model.persona or any(segment.persona for segment in model.segments):
        found[PERSONA] = Part.PERSONA
    if model.idle:
        found[IDLE] = model.idle.part
    return found


def _fired_mistakes(model: Model) -> Iterator[Mistake]:
    """`fired` of a rule may name what does not ask for `fired` itself, so that nothing goes around in a circle."""
    everything = list(_scoring_ids(model))
    asking = {rule.id for rule in model.rules if rule.when.named()}
    simple = [name for name in everything if name not in asking]
    for section, options in (("rules", simple), ("flags", everything), ("disqualify", everything)):
        for position, item in enumerate(getattr(model, section)):
            for name in item.when.named():
                path = (section, position, "when")
                if name not in everything:
                    yield Mistake(path, f"there is no rule or signal '{name}'", did_you_mean(name, options))
                elif name not in options:
                    fix = "Repeat its condition here."
                    yield Mistake(path, f"'{name}' asks for what fired itself", fix)


def _cap_mistakes(model: Model) -> Iterator[Mistake]:
    parts = _scoring_ids(model)
    capped: set[str] = set()
    for position, cap in enumerate(model.caps):
        first = next((parts[name] for name in cap.of if name in parts), None)
        for place, name in enumerate(cap.of):
            path = ("caps", position, "of", place)
            if name not in parts:
                yield Mistake(path, f"there is no rule or signal '{name}'", did_you_mean(name, list(parts)))
            elif parts[name] is not first:
                fix = "A cap is about one part."
                yield Mistake(path, f"'{name}' gives to {parts[name]}, others here to {first}", fix)
            elif name in capped:
                yield Mistake(path, f"'{name}' has a cap already", "Name it once.")
            capped.add(name)


def _groups_mistakes(model: Model) -> Iterator[Mistake]:
    if model.matrix and model.groups_:
        yield Mistake(("matrix",), "groups are given too", "Keep one of the two.")
    if not model.groups:
        yield Mistake(("groups",), "is missing", "Name the groups in which records land, or give a matrix.")
        return
    yield from _list_mistakes(model, model.groups_ or (), ("groups",))
    reached = chain(model.groups, *(segment.own_groups or () for segment in model.segments))
    yield from _play_mistakes(model.plays, reached, ())


def _list_mistakes(model: Model, groups: tuple[Group, ...], at: Path) -> Iterator[Mistake]:
    if not groups:
        return
    for mistake in group_list_mistakes(groups):
        yield Mistake((*at, *mistake.path), mistake.message, mistake.fix)
    known = [*_scoring_ids(model), *(flag.id for flag in model.flags)]
    for position, group in enumerate(groups):
        for place, name in enumerate(group.needs):
            if name not in known:
                path = (*at, position, "needs", place)
                yield Mistake(path, f"there is no rule, signal or flag '{name}'", did_you_mean(name, known))


def _play_mistakes(plays: Mapping[Any, Any], groups: Iterable[Group], at: Path) -> Iterator[Mistake]:
    names = tuple(dict.fromkeys(group.group for group in groups))
    for name in plays:
        if name not in names:
            yield Mistake((*at, "plays", name), "has a play but is not in `groups`", did_you_mean(name, names))


def _segment_mistakes(model: Model) -> Iterator[Mistake]:
    points = {item.id: item for section in _SCORING for item in getattr(model, section)}
    known = [*points, *([IDLE] if model.idle else [])]
    for number, segment in enumerate(model.segments):
        at = ("segments", number)
        yield from _list_mistakes(model, segment.groups or (), (*at, "groups"))
        yield from _play_mistakes(segment.plays, segment.own_groups or model.groups, at)
        yield from _merged_limits(model, segment, at)
        for name, value in segment.points.items():
            path = (*at, "points", name)
            if name not in known:
                yield Mistake(path, f"there is no rule or signal '{name}'", did_you_mean(name, known))
            elif name in points:
                yield from _override_mistakes(points[name], value, segment.id, path)


def _merged_limits(model: Model, segment: Segment, at: Path) -> Iterator[Mistake]:
    """A segment that changes one end of a part keeps the other."""
    for part, limits in segment.parts.items():
        base = model.limits(part)
        low = limits.min if "min" in limits.model_fields_set else base.min
        high = limits.max if "max" in limits.model_fields_set else base.max
        if low is not None and high is not None and low > high:
            fix = "The segment keeps the end that it does not mention."
            yield Mistake((*at, "parts", part.value), f"min {low} is above max {high}", fix)


def _override_mistakes(item: Any, value: int, segment: str, path: Path) -> Iterator[Mistake]:
    if item.segments is not None and segment not in item.segments:
        yield Mistake(path, f"'{item.id}' does not count in this segment", "Add the segment there, or leave it out.")
    if getattr(item, "kinds", None) is None:
        return
    if value * item.points <= 0:
        fix = "Points of a signal keep their sign; leave a signal out by `segments`."
        yield Mistake(path, "should have the sign of the signal's points", fix)
    if item.steps:
        fix = "Write a signal of its own for the segment."
        yield Mistake(path, f"'{item.id}' has `steps`, which this would not change", fix)


def _example_mistakes(model: Model) -> Iterator[Mistake]:
    segments, flags = [segment.id for segment in model.segments], [flag.id for flag in model.flags]
    for number, example in enumerate(model.examples):
        at = ("examples", number)
        yield from _fact_mistakes(Entity.ACCOUNT, example.account or {}, (*at, "account"))
        for position, person in enumerate(example.people):
            yield from _fact_mistakes(Entity.PERSON, person, (*at, "people", position))
        for position, event in enumerate(example.events):
            if event.person is not None and event.person >= len(example.people):
                path = (*at, "events", position, "person")
                yield Mistake(path, f"there is no person {event.person}", "Positions start at 0; null is the account.")
        if example.account is None and example.expect.of is Entity.ACCOUNT:
            yield Mistake((*at, "account"), "is missing", "Give its facts, or `of: person` under `expect`.")
        if not example.people and example.expect.of is Entity.PERSON:
            yield Mistake((*at, "people"), "is missing", "An example of a person is about the first in `people`.")
        expect = example.expect
        if expect.segment is not None and expect.segment not in segments:
            fix = did_you_mean(expect.segment, segments)
            yield Mistake((*at, "expect", "segment"), f"there is no segment '{expect.segment}'", fix)
        for place, flag in enumerate(expect.flags or ()):
            if flag not in flags:
                yield Mistake((*at, "expect", "flags", place), f"there is no flag '{flag}'", did_you_mean(flag, flags))


def _fact_mistakes(entity: Entity, facts: Mapping[str, Any], path: Path) -> Iterator[Mistake]:
    fields = {field.name: field for field in FIELDS[entity] if field.scored}
    for name, value in facts.items():
        if name not in fields:
            yield Mistake((*path, name), f"unknown fact '{name}'", did_you_mean(name, list(fields)))
        elif fields[name].values and value is not None and value not in fields[name].values:
            fix = did_you_mean(str(value), fields[name].values)
            yield Mistake((*path, name), f"{name} is never '{value}'", fix)
        elif fields[name].kind is Kind.TIME and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            yield Mistake((*path, name), "should be whole days ago", "0 is today.")
