"""What makes a valid model hard to trust: too much of it, too little effect, twice the same, out of reach.

A warning never stops anything. Limits are rules of thumb: nobody can explain a score that comes from
forty rules, and two points of a hundred change no decision.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from leadline.core.scoring.ceilings import most_of, reachable, unlimited_score
from leadline.core.scoring.condition import Condition
from leadline.core.scoring.model import POINT, Model, Rule, Segment, Signal
from leadline.core.scoring.plan import SUBJECTS, Plan, compile_model, values_apart
from leadline.yamlfile import Path

MANY = 40  # entries that give points
TINY_PERCENT = 2  # of the range of the score
_COMBINATIONS = 5_000  # of facts that segments are tried on

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
        *_duplicates(model),
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


def _duplicates(model: Model) -> Iterator[Finding]:
    for section, shape in (("rules", _rule_shape), ("signals", _signal_shape), ("disqualify", _rule_shape)):
        first: dict[str, str] = {}
        for position, item in enumerate(getattr(model, section)):
            key = shape(item)
            if key in first:
                message = f"'{item.id}' asks the same as '{first[key]}'"
                yield Finding("duplicate", (section, position), message, "Keep one, with the points of both.")
            first.setdefault(key, item.id)


def _rule_shape(rule: Any) -> str:
    content = {"when": rule.when.model_dump(mode="json", by_alias=True, exclude_none=True)}
    content["applies_to"] = rule.applies_to
    content["segments"] = rule.segments
    return json.dumps(content, sort_keys=True)


def _signal_shape(signal: Signal) -> str:
    assets = sorted(word.lower() for word in signal.assets or ())
    content = [sorted(signal.kinds), assets, signal.min_count, signal.min_people, signal.segments]
    return json.dumps(content)


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
    paths: dict[str, Path] = {segment.id: ("segments", n) for n, segment in enumerate(model.segments)}
    for variant in plan.every():
        at = paths.get(variant.segment, ())
        yield from _maximum(variant, at)
        yield from _unreached_groups(variant, at)


def _maximum(plan: Plan, at: Path) -> Iterator[Finding]:
    top = plan.model.total.max
    most = [unlimited_score(plan, entity).high for entity in SUBJECTS]
    if top is not None and all(high is not None and high < top * POINT for high in most):
        found = max(high for high in most if high is not None)
        message = f"no record can have more than {found / POINT:g} of {top} points"
        yield Finding("maximum", (*at, "total", "max"), message, "Lower the maximum, or give more points.")


def _unreached_groups(plan: Plan, at: Path) -> Iterator[Finding]:
    ranges = {entity: reachable(plan, entity) for entity in SUBJECTS}
    for position, group in enumerate(plan.model.groups):
        shut = [name for name in group.when if all(_misses(group.when[name], ranges[e].get(name)) for e in SUBJECTS)]
        for name in shut:
            message = f"nobody gets into '{group.group}': {name} cannot lie in {list(group.when[name])}"
            yield Finding("unreached", (*at, "groups", position, "when", name), message, "Move the band.")


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
    overlaps: dict[tuple[str, str], str] = {}
    gap: str | None = None
    for facts in _corners([segment.when for segment in model.segments]):
        takers = [segment for segment in model.segments if segment.when.holds(facts.get, 0)]
        for pair in combinations([segment.id for segment in takers], 2):
            overlaps.setdefault(pair, _told(facts))
        if not takers and gap is None and None not in facts.values():
            gap = _told(facts)
    numbers = {segment.id: number for number, segment in enumerate(model.segments)}
    for (one, other), example in overlaps.items():
        message = f"takes what '{one}' has taken already: {example}"
        yield Finding(
            "overlap", ("segments", numbers[other], "when"), message, "The first one wins; narrow one of them."
        )
    if gap is not None:
        message = f"no segment takes {gap}: scored as the model says without segments"
        yield Finding("gap", ("segments",), message, "Widen a segment, if that is not meant.")


def _corners(conditions: Sequence[Condition]) -> Iterator[Mapping[str, Any]]:
    """Combinations of the values that the conditions tell apart; none when there are too many."""
    names = list(dict.fromkeys(name for condition in conditions for name in condition.fields()))
    choices = [values_apart(name, conditions) for name in names]
    size = 1
    for values in choices:
        size *= len(values)
    if size > _COMBINATIONS:
        return
    for corner in product(*choices):
        yield dict(zip(names, corner, strict=True))


def _told(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'unknown' if value is None else value}" for name, value in facts.items())


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
