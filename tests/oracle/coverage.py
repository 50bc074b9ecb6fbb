"""What decided something: features of the language without which a record would have come to something else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.oracle.reference_facts import Record, World, facts_of, holds, walk
from tests.oracle.reference_scorer import Case, Result
from tests.oracle.reference_variants import Limited, Place, Variant, segment_of, variant_of

from leadline.core.scoring.condition import Condition
from leadline.core.scoring.model import Model, Pick
from leadline.core.scoring.vocabulary import AppliesTo

Change = Callable[[Variant], Variant]
LONGEST = 3660


def _without(section: str) -> Change:
    nothing: Any = {section: None if section in ("persona", "idle") else ()}
    return lambda variant: replace(variant, **nothing)


def _signals(**update: Any) -> Change:
    return lambda variant: replace(
        variant, signals=tuple(signal.model_copy(update=update) for signal in variant.signals)
    )


def _rules_without(test: Callable[[Condition], bool]) -> Change:
    """All rules that have no such leaf."""
    return lambda variant: replace(
        variant, rules=tuple(rule for rule in variant.rules if not any(map(test, walk(rule.when))))
    )


def _places(place: Callable[[Place], Place]) -> Change:
    return lambda variant: replace(variant, groups=tuple(map(place, variant.groups)))


def _without_dimension(name: str) -> Change:
    return _places(lambda place: replace(place, bands={n: band for n, band in place.bands.items() if n != name}))


def _limits(**update: Any) -> Change:
    return lambda variant: replace(
        variant, parts={part: replace(limits, **update) for part, limits in variant.parts.items()}
    )


def _picking_all(pick: Pick) -> Change:
    """All events of the signals that pick so."""
    everything = {"pick": Pick.ALL}
    return lambda variant: replace(
        variant, signals=tuple(s.model_copy(update=everything) if s.pick is pick else s for s in variant.signals)
    )


def _usual_applies(variant: Variant) -> Variant:
    rules = (r if r.applies_to is None else r.model_copy(update={"applies_to": None}) for r in variant.rules)
    return replace(variant, rules=tuple(rules))


def _about_anybody(variant: Variant) -> Variant:
    """Without rules by which an account asks for any of its people."""
    shared = (AppliesTo.BOTH, AppliesTo.ACCOUNT)
    return replace(variant, rules=tuple(r for r in variant.rules if not (r.by_any_person and r.applies_to in shared)))


ABLATIONS: Mapping[str, Change] = {
    "rule": _without("rules"),
    "signal": _without("signals"),
    "persona": _without("persona"),
    "idle": _without("idle"),
    "committee": _without("committee"),
    "cap over several": _without("caps"),
    "disqualify": _without("disqualify"),
    "flag": _without("flags"),
    "any person": _about_anybody,
    "applies_to": _usual_applies,
    "cap": _signals(cap=None),
    "account_cap": _signals(account_cap=None),
    "min_count": _signals(min_count=1),
    "min_people": _signals(min_people=1),
    "alone": _signals(alone=False),
    "assets": _signals(assets=None),
    "half_life_days": _signals(half_life_days=None),
    "steps": _signals(steps=None),
    "window_days": _signals(window_days=LONGEST),
    **{f"pick: {pick}": _picking_all(pick) for pick in Pick if pick is not Pick.ALL},
    **{
        key: _rules_without(lambda leaf, key=key: getattr(leaf, key) is not None)  # type: ignore[misc]
        for key in ("in_", "equals", "range", "matches", "days_since", "contains_any", "contains_all", "known", "fired")
    },
    "weight": _limits(weight=100),
    "limits of a part": _limits(low=None, high=None),
    "total": lambda variant: replace(variant, total=Limited()),
    "needs": _places(lambda place: replace(place, needs=())),
    "hysteresis": lambda variant: replace(variant, hysteresis=0),
    "minimum stay": lambda variant: replace(variant, stay_days=0),
    **{
        f"band of {name}": _without_dimension(name)
        for name in (
            "score", "score_min", "score_max", "fit", "fit_max", "persona", "intent", "readiness", "negative",
            "completeness",
        )
    },
}  # fmt: skip


def decisive(
    model: Model, world: World, results: Mapping[str, Result], now: int, known: Collection[str] = ()
) -> set[str]:
    """The features without which some record would be another one; those that are `known` are not asked about."""
    found = set(_said(model, world, results))
    for uid, result in results.items():
        record = world.account.get(uid) or world.person[uid]
        variant = variant_of(model, segment_of(model, world, record))
        for name, change in ABLATIONS.items():
            other = change(variant)
            if (
                name not in found
                and name not in known
                and other != variant
                and Case(other, world, record).result(now) != result
            ):
                found.add(name)
    return found


def _said(model: Model, world: World, results: Mapping[str, Result]) -> Iterator[str]:
    """What the results tell by themselves."""
    for uid, result in results.items():
        record = world.account.get(uid) or world.person[uid]
        yield from _said_of_segments(model, world, record, result)
        for row in result.ledger:
            if row.rule in ("cap", "floor", "rounding", "weight"):
                yield f"row {row.rule} of {'total' if row.part == 'total' else 'a part'}"
            elif row.points == 0:
                yield "row of 0"
        if any(result.qualification.values()):
            yield "qualification"
        if result.score_min < result.score < result.score_max:
            yield "interval to both sides"
        if result.reasons and result.group != record.get("previous_group"):
            yield "disqualified at once"
        if model.matrix and result.segment == "":
            yield "matrix"


def _said_of_segments(model: Model, world: World, record: Record, result: Result) -> Iterator[str]:
    if result.segment:
        yield "segment" if result.segment == model.segments[0].id else "segment after the first"
        if result.entity == "person" and world.employer(record) is None:
            yield "segment of a person alone"
    if result.entity == "account" and model.segments:
        takes = sum(holds(segment.when, facts_of(None, record), 0) is True for segment in model.segments)
        yield "segments overlap" if takes > 1 else "segment of none" if takes == 0 else "segment alone"
