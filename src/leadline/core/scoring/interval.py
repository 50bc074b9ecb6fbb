"""What missing facts leave open, as frame expressions: how much each part of a record could gain and lose.

The same as `reaching`, which is about one record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import SENIORITIES, Entity
from leadline.core.scoring import expressions as ex
from leadline.core.scoring.expressions import Asked, Expr, either, number
from leadline.core.scoring.model import PERSONA, Committee, Part, Persona, Rule
from leadline.core.scoring.plan import Plan
from leadline.core.scoring.variants import Merged, Variants

Changes = dict[Part, list[Expr]]
Pick = Callable[[Iterable[int]], int]


@dataclass(frozen=True, slots=True)
class _Span:
    """What something gains and loses, in thousandths, and where it is open."""

    rule: str
    part: Part
    open: Expr
    gain: Expr
    loss: Expr


# Of people, for themselves and for their account


def person_reach(variants: Variants, asked: Asked) -> dict[str, Expr]:
    """Columns of people: `loose_` and `sure_` of rules about any person, `persona_low` and `persona_high`."""
    found: dict[str, Expr] = {}
    for rule in _people_rules(variants):
        when = rule.any.when
        open_ = ex.unsettled(when, asked, {})
        found[f"loose_{rule.any.id}"] = open_
        if _can_be_unsure(rule):
            found[f"sure_{rule.any.id}"] = ex.holds(when, asked) & ~open_
    if _has_persona(variants):
        for name, pick in (("persona_low", min), ("persona_high", max)):
            found[name] = variants.of_each(lambda plan: plan.model.persona, partial(_reach, pick))
    return found


def staff_reach(variants: Variants) -> dict[str, Expr]:
    """The same of an account's people together."""
    found: dict[str, Expr] = {}
    for rule in _people_rules(variants):
        names = [f"loose_{rule.any.id}", *([f"sure_{rule.any.id}"] if _can_be_unsure(rule) else [])]
        found |= {name: ex.how_many(nw.col(name)) for name in names}
    if _has_persona(variants):
        found |= {name: nw.col(name).max() for name in ("persona_low", "persona_high")}
    return found


def _can_be_unsure(rule: Merged[Rule]) -> bool:
    """Whether the rule can fire and be unsettled at once: one that is open does not fire, `known` may."""
    return any(leaf.known is not None for leaf in rule.any.when.leaves())


def _people_rules(variants: Variants) -> list[Merged[Rule]]:
    return variants.merged(lambda plan: plan.subjects[Entity.ACCOUNT].people_rules)


def _has_persona(variants: Variants) -> bool:
    return any(plan.model.persona for plan in variants.plans)


def _reach(pick: Pick, persona: Persona | None) -> Expr:
    """The least or the most that persona could come to for a person, who has `persona_points` now."""
    if persona is None:
        return ex.small(0)
    seniority, function = nw.col("person_seniority"), nw.col("person_function")
    words = [*SENIORITIES, ""]
    of_both = {w: pick([persona.points.get(w, 0), persona.elsewhere.get(w, 0)]) for w in words}
    some, other = (pick([table.get(w, 0) for w in words]) for table in (persona.points, persona.elsewhere))
    unknown = either(ex.one_of(function, persona.functions), ex.small(some), ex.small(other))
    found = either(seniority.is_null(), unknown, nw.col("persona_points"))
    neither = either(seniority.is_null(), ex.small(pick([some, other])), ex.by_seniority(of_both))
    return either(function.is_null(), neither, found)


# Of records


class Reaching:
    """One kind of record. `asked` knows the columns of all rows."""

    def __init__(self, variants: Variants, entity: Entity, asked: Asked) -> None:
        self._variants, self._entity, self._asked = variants, entity, asked

    def alone(self) -> tuple[Changes, Changes]:
        """Thousandths that rules, persona and committees, each for itself, could gain and lose, by part."""
        spans = list(self._spans())
        open_ = {span.rule: span.open for span in spans}
        combined = self._merged(lambda plan: plan.subjects[self._entity].combined)
        named = {name for rule in combined for name in rule.any.when.named()}
        for rule in self._merged(lambda plan: plan.subjects[self._entity].own_rules):
            if rule.any.id in named:
                open_[rule.any.id] = self._variants.where(rule, ex.unsettled(rule.any.when, self._asked, {}))
        spans += [self._either_way(rule, ex.unsettled(rule.any.when, self._asked, open_)) for rule in combined]
        gains: Changes = {}
        losses: Changes = {}
        for span in spans:
            gains.setdefault(span.part, []).append(span.gain)
            losses.setdefault(span.part, []).append(span.loss)
        return gains, losses

    def _merged(self, rules: Callable[[Plan], Iterable[Rule]]) -> list[Merged[Rule]]:
        return self._variants.merged(rules)

    def _spans(self) -> Iterator[_Span]:
        for rule in self._merged(lambda plan: plan.subjects[self._entity].reach.alone):
            yield self._either_way(rule, ex.unsettled(rule.any.when, self._asked, {}))
        of_account = self._entity is Entity.ACCOUNT
        for rule in self._merged(lambda plan: plan.subjects[self._entity].people_rules):
            names = ("loose", "sure" if _can_be_unsure(rule) else "hit")
            loose, sure = (nw.col(f"staff_{name}_{rule.any.id}").fill_null(0) for name in names)
            yield self._either_way(rule, (loose > 0) & (sure == 0))
        if _has_persona(self._variants):
            prefix = "staff_" if of_account else ""
            low, high = (nw.col(f"{prefix}persona_{name}").fill_null(0) for name in ("low", "high"))
            now = nw.col(self._asked.fired[PERSONA]).fill_null(0)
            gain, loss = either(high > now, high - now, number(0)), either(low < now, low - now, number(0))
            yield _Span(PERSONA, Part.PERSONA, low != high, gain, loss)
        for entry in self._variants.merged(lambda plan: plan.model.committee) if of_account else ():
            if entry.any.functions is not None:
                name = entry.any.id
                seats, chairs = (nw.col(f"staff_{what}_{name}").fill_null(0) for what in ("seat", "chair"))
                yield self._either_way(entry, (seats < entry.any.people) & (seats + chairs >= entry.any.people))

    def _either_way(self, entry: Merged[Any], open_: Expr) -> _Span:
        """What comes to give its points or nothing where it is open."""
        one: Rule | Committee = entry.any
        open_ = self._variants.where(entry, open_)
        fired = ex.has_row(one.id, self._asked)
        points = [one.points if mine is None else mine.points for mine in entry.by_variant]

        def change(sign: int) -> Callable[[int], Expr]:
            def make(value: int) -> Expr:
                if not value:
                    return number(0)
                comes = value * sign > 0
                now = ~fired if comes else fired
                return either(open_ & now, number(abs(value) * sign), number(0))

            return make

        gain, loss = (self._variants.chosen(points, change(sign)) for sign in (1, -1))
        return _Span(one.id, one.part, open_, gain, loss)
