"""What makes a valid model hard to trust: too much of it, too little effect, twice the same, out of reach.

A warning never stops anything. Limits are rules of thumb: nobody can explain a score that comes from
forty rules, and two points of a hundred change no decision.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from leadline.core.scoring.ceilings import most_of, reachable, unlimited_score
from leadline.core.scoring.model import POINT, Committee, Model, Part, Rule, Segment, Signal
from leadline.core.scoring.overlap import Shares, is_impossible, shape_of, shares_of
from leadline.core.scoring.plan import SUBJECTS, Plan, compile_model
from leadline.yamlfile import Path

MANY = 40  # entries that give points
TINY_PERCENT = 2  # of the range of the score

# What somebody does who wants to buy, and what anybody does.
DECISIVE = ("demo_request", "trial_signup", "pricing_page_view", "comparison_page_view", "form_submission")
CASUAL = ("web_session", "generic_content", "email_open", "generic_form")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth a second look. `code` names the check, `path` the place in the file."""

    code: str
    path: Path
    message: str
    fix: str


def warnings_of(model: Model) -> list[Finding]:
    """What the file alone gives away, in the order of the checks."""
    plan = compile_model(model)
    return [
        *_too_many(model),
        *_tiny(model),
        *_worthless(model),
        *_duplicates(model),
        *_impossible(model),
        *_alike(model),
        *_no_negative(model),
        *_idle_groups(model),
        *_out_of_reach(model, plan),
        *_segment_warnings(model),
    ]


def _too_many(model: Model) -> Iterator[Finding]:
    count = len(model.rules) + len(model.signals) + len(model.committee)
    if count > MANY:
        message = f"{count} rules, signals and committees are more than anybody can keep in mind"
        yield Finding("too_many", ("rules",), message, f"Join or drop some: {MANY} are plenty.")


def _tiny(model: Model) -> Iterator[Finding]:
    total = model.total
    if total.min is None or total.max is None:
        return
    small = (total.max - total.min) * POINT * TINY_PERCENT // 100
    for section, position, item, most in _strengths(model):
        if most is not None and 0 < abs(most) < small:
            message = f"'{item.id}' gives at most {abs(most) / POINT:g} of {total.max - total.min} points"
            yield Finding("tiny", (section, position, "points"), message, "Drop it, or make it count.")


def _strengths(model: Model) -> Iterator[tuple[str, int, Any, int | None]]:
    """Everything that gives points, and the most of it; None without a limit."""
    for section in ("rules", "committee"):
        for position, item in enumerate(getattr(model, section)):
            yield section, position, item, item.points
    for position, signal in enumerate(model.signals):
        yield "signals", position, signal, most_of(signal, of_account=True) or most_of(signal, of_account=False)


def _worthless(model: Model) -> Iterator[Finding]:
    """Entries without points that nothing else makes use of either."""
    used = set(_used(model))
    for section in ("rules", "committee"):
        for position, item in enumerate(getattr(model, section)):
            if item.points == 0 and item.id not in used and not item.qualification:
                message = f"'{item.id}' gives no points, and nothing asks for it"
                yield Finding("tiny", (section, position, "points"), message, "Drop it, or give it points.")


def _used(model: Model) -> Iterator[str]:
    """Ids that conditions and groups ask for, and those to which a segment gives points."""
    for item in (*model.rules, *model.flags, *model.disqualify):
        yield from item.when.named()
    for groups in (model.groups, *(segment.own_groups or () for segment in model.segments)):
        for group in groups:
            yield from group.needs
    for segment in model.segments:
        yield from (name for name, points in segment.points.items() if points)


def _impossible(model: Model) -> Iterator[Finding]:
    for section in ("rules", "flags", "disqualify", "segments"):
        for position, item in enumerate(getattr(model, section)):
            if is_impossible(item.when):
                message = f"'{item.id}' asks for what cannot be true of one record"
                yield Finding(
                    "impossible", (section, position, "when"), message, "Join the tests by `any`, or drop it."
                )


def _duplicates(model: Model) -> Iterator[Finding]:
    for section, shape in _SHAPES.items():
        fix = "Keep one, with the points of both." if section in _GIVING else "Keep one."
        first: dict[Hashable, str] = {}
        for position, item in enumerate(getattr(model, section)):
            key = shape(item)
            if key in first:
                message = f"'{item.id}' asks the same as '{first[key]}'"
                yield Finding("duplicate", (section, position), message, fix)
            first.setdefault(key, item.id)


def _rule_shape(rule: Any) -> Hashable:
    return shape_of(rule.when), *(rule.counts_for(entity) for entity in SUBJECTS), _unordered(rule.segments)


def _signal_shape(signal: Signal) -> Hashable:
    assets = _unordered([word.lower() for word in signal.assets or ()])
    return _unordered(signal.kinds), assets, signal.min_count, signal.min_people, _unordered(signal.segments)


def _committee_shape(committee: Committee) -> Hashable:
    return committee.people, _unordered(committee.functions), _unordered(committee.segments)


def _unordered(words: Sequence[str] | None) -> Hashable:
    return None if words is None else frozenset(words)


_GIVING = ("rules", "signals", "committee")
_SHAPES: Mapping[str, Callable[[Any], Hashable]] = {
    "rules": _rule_shape,
    "signals": _signal_shape,
    "committee": _committee_shape,
    "flags": _rule_shape,
    "disqualify": _rule_shape,
}


def _alike(model: Model) -> Iterator[Finding]:
    """Equal points for unlike content."""
    for position, signal in enumerate(model.signals):
        decisive = [kind for kind in signal.kinds if kind in DECISIVE]
        casual = [kind for kind in signal.kinds if kind in CASUAL]
        if decisive and casual:
            message = f"'{signal.id}' gives a {decisive[0]} the points of a {casual[0]}"
            yield Finding("alike", ("signals", position, "kinds"), message, "Make two signals of it.")


def _no_negative(model: Model) -> Iterator[Finding]:
    items: list[Rule | Signal] = [*model.rules, *model.signals]
    if not model.disqualify and not model.idle and all(item.points >= 0 for item in items):
        message = "nothing speaks against a record"
        fix = "Add negative rules, `idle` or `disqualify`: students, free mail, competitors, silence."
        yield Finding("no_negative", (), message, fix)


def _idle_groups(model: Model) -> Iterator[Finding]:
    """Groups in which nothing happens; the last one is where nothing should."""
    variants = [((), model), *((("segments", n), model.variant(s)) for n, s in enumerate(model.segments))]
    told: set[str] = set()
    for at, variant in variants:
        last = variant.groups[-1].group
        for group in dict.fromkeys(entry.group for entry in variant.groups):
            if group not in variant.plays and group is not last and group not in told:
                told.add(group)
                message = f"group '{group}' has no play: a score that triggers nothing is a number in a field"
                yield Finding("no_play", (*at, "plays"), message, "Name what happens, or `{}` when nothing should.")


def _out_of_reach(model: Model, plan: Plan) -> Iterator[Finding]:
    """Each once, and for whom, when that is not everybody whom the place in the file is about."""
    segments = {segment.id: segment for segment in model.segments}
    numbers = {name: number for number, name in enumerate(segments)}
    found: dict[tuple[Finding, str], list[str]] = {}
    for variant in (plan, *(plan for _, plan in plan.variants)):
        for finding in (*_maxima(variant), *_unreached_groups(variant)):
            owner = variant.segment if _owns(segments.get(variant.segment), finding.path) else ""
            found.setdefault((finding, owner), []).append(variant.segment)
    for (finding, owner), where in found.items():
        if owner:
            path = ("segments", numbers[owner], *finding.path)
            yield replace(finding, path=path, message=f"{_whose(where)}: {finding.message}")
        elif len(where) <= sum(not _owns(segment, finding.path) for segment in segments.values()):
            yield replace(finding, message=f"{_whose(where)}: {finding.message}")
        else:
            yield finding


def _owns(segment: Segment | None, path: Path) -> bool:
    """Whether a segment says for itself what stands at that path of the model."""
    if segment is None:
        return False
    if path[0] == "parts":
        limits = segment.parts.get(Part(str(path[1])))
        return limits is not None and path[2] in limits.model_fields_set
    return (segment.total if path[0] == "total" else segment.own_groups) is not None


def _whose(segments: Sequence[str]) -> str:
    return ", ".join(f"in segment '{name}'" if name else "outside of segments" for name in segments)


def _maxima(plan: Plan) -> Iterator[Finding]:
    total = [unlimited_score(plan, entity).high for entity in SUBJECTS]
    yield from _maximum(total, plan.model.total.max, ("total", "max"), "points")
    ranges = [reachable(plan, entity) for entity in SUBJECTS]
    for part in Part:
        most = [found[part.value].high for found in ranges]
        yield from _maximum(most, plan.model.limits(part).max, ("parts", part.value, "max"), f"points of {part.value}")


def _maximum(most: Sequence[int | None], top: int | None, path: Path, points: str) -> Iterator[Finding]:
    """`most` that accounts and people can have, None where there is no end."""
    ends = [high for high in most if high is not None]
    if top is not None and len(ends) == len(most) and max(ends) < top * POINT:
        message = f"no record can have more than {max(ends) / POINT:g} of {top} {points}"
        yield Finding("maximum", path, message, "Lower the maximum, or give more points.")


def _unreached_groups(plan: Plan) -> Iterator[Finding]:
    ranges = {entity: reachable(plan, entity) for entity in SUBJECTS}
    for position, group in enumerate(plan.model.groups):
        shut = [name for name in group.when if all(_misses(group.when[name], ranges[e].get(name)) for e in SUBJECTS)]
        for name in shut:
            message = f"nobody gets into '{group.group}': {name} cannot lie in {list(group.when[name])}"
            yield Finding("unreached", ("groups", position, "when", name), message, "Move the band.")


def _misses(band: tuple[int | None, int | None], found: Any) -> bool:
    if found is None:
        return False
    low, high = band
    above = low is not None and found.high is not None and found.high < low * POINT
    below = high is not None and found.low is not None and found.low >= high * POINT
    return above or below


# Segments


def _segment_warnings(model: Model) -> Iterator[Finding]:
    """Facts that two segments claim, and facts that none does, among the values that the conditions tell apart."""
    if not model.segments:
        return
    shares = shares_of(model.segments)
    numbers = {segment.id: number for number, segment in enumerate(model.segments)}
    for (one, other), example in shares.overlaps.items():
        message = f"takes what '{one}' has taken already: {example}"
        fix = "The first one wins; narrow one of them."
        yield Finding("overlap", ("segments", numbers[other], "when"), message, fix)
    if shares.gap is not None:
        message = f"no segment takes {shares.gap}: scored as the model says without segments"
        yield Finding("gap", ("segments",), message, "Widen a segment, if that is not meant.")
    if shares.gap_open or shares.unchecked:
        message = f"segments ask of too many combinations of facts to try all: {_left_open(shares)}"
        yield Finding("unchecked", ("segments",), message, "Ask of fewer facts, or check this by hand.")


def _left_open(shares: Shares) -> str:
    told = ["there may be gaps"] if shares.gap_open else []
    if shares.unchecked:
        (one, other), *more = shares.unchecked
        rest = f" (and {len(more)} more pair{'s'[: len(more) > 1]})" if more else ""
        told.append(f"'{one}' and '{other}'{rest} may overlap")
    return ", and ".join(told)


# What stored records give away


@dataclass(frozen=True, slots=True)
class Firing:
    """How often things fired among the stored records.

    `records` by segment ("" for none); `by_rule` how many records have the rule in their ledger; `prints` is one
    number by rule that is equal for two rules when they fired for the same records.
    """

    records: Mapping[str, int]
    by_rule: Mapping[str, int]
    prints: Mapping[str, int]


ALWAYS_PERCENT = 95
ENOUGH = 20  # records; fewer prove nothing


def warnings_on(model: Model, firing: Firing) -> list[Finding]:
    """What the stored records give away about a model: rules that never fire or always do, twins, empty segments."""
    total = sum(firing.records.values())
    if total < ENOUGH:
        return []
    return [*_silent(model, firing, total), *_twins(model, firing), *_empty_segments(model.segments, firing)]


def _silent(model: Model, firing: Firing, total: int) -> Iterator[Finding]:
    for section in ("rules", "signals", "committee"):
        for position, item in enumerate(getattr(model, section)):
            count = firing.by_rule.get(item.id, 0)
            if not count:
                message = f"'{item.id}' fires for none of {total} records"
                yield Finding("never", (section, position), message, "Check its words against the data, or drop it.")
            elif count * 100 > total * ALWAYS_PERCENT:
                message = f"'{item.id}' fires for {count} of {total} records: it tells them apart no more"
                yield Finding("always", (section, position), message, "Ask for more, or drop it.")


def _twins(model: Model, firing: Firing) -> Iterator[Finding]:
    places = {
        item.id: (section, position)
        for section in ("rules", "signals", "committee")
        for position, item in enumerate(getattr(model, section))
    }
    first: dict[tuple[int, int], str] = {}
    for name, place in places.items():
        count = firing.by_rule.get(name, 0)
        key = (count, firing.prints.get(name, 0))
        if count >= ENOUGH and key in first:
            message = f"'{name}' fires for the same {count} records as '{first[key]}'"
            yield Finding("twins", place, message, "Keep one, with the points of both.")
        first.setdefault(key, name)


def _empty_segments(segments: Sequence[Segment], firing: Firing) -> Iterator[Finding]:
    for position, segment in enumerate(segments):
        if not firing.records.get(segment.id):
            message = f"no stored record is in segment '{segment.id}'"
            yield Finding("empty_segment", ("segments", position), message, "Check its condition against the data.")
