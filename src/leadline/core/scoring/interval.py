"""What missing facts leave open, as frame expressions: how much each part of a record could gain and lose.

The same as `reaching`, which is about one record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import narwhals.stable.v2 as nw

from leadline.core.entities import SENIORITIES, Entity
from leadline.core.scoring import expressions as ex
from leadline.core.scoring.expressions import Asked, Expr, either, number
from leadline.core.scoring.model import PERSONA, Part, Persona, Rule
from leadline.core.scoring.plan import Plan

Changes = dict[Part, list[Expr]]


@dataclass(frozen=True, slots=True)
class _Span:
    """What something could come to where it is open, in thousandths; `now` is what it gives."""

    rule: str
    part: Part
    open: Expr
    low: Expr
    high: Expr


# Of people, for themselves and for their account


def person_reach(plan: Plan, asked: Asked) -> dict[str, Expr]:
    """Columns of people: `loose_` and `sure_` of rules about any person, `persona_low` and `persona_high`."""
    found: dict[str, Expr] = {}
    for rule in plan.subjects[Entity.ACCOUNT].people_rules:
        open_ = ex.unsettled(rule.when, asked, {})
        found[f"loose_{rule.id}"] = nw.when(open_).then(number(1))
        found[f"sure_{rule.id}"] = nw.when(ex.holds(rule.when, asked) & ~open_).then(number(1))
    if plan.model.persona:
        found |= _persona_span(plan.model.persona)
    return found


def staff_reach(plan: Plan) -> dict[str, Expr]:
    """The same of an account's people together."""
    found: dict[str, Expr] = {}
    for rule in plan.subjects[Entity.ACCOUNT].people_rules:
        found |= {name: ex.how_many(nw.col(name)) for name in (f"loose_{rule.id}", f"sure_{rule.id}")}
    if plan.model.persona:
        found |= {name: nw.col(name).max() for name in ("persona_low", "persona_high")}
    return found


def _persona_span(persona: Persona) -> dict[str, Expr]:
    tables = (persona.points, persona.elsewhere)
    function = nw.col("person_function")
    buys = function.is_in(list(persona.functions))
    found = {}
    for name, pick in (("persona_low", min), ("persona_high", max)):
        own, other = [_of_seniority(table, pick) for table in tables]
        both = [{word: table.get(word, 0) for word in SENIORITIES} for table in tables]
        either_ = {word: pick(table[word] for table in both) for word in SENIORITIES}
        unknown = _of_seniority(either_, pick)
        found[name] = nw.when(function.is_null()).then(unknown).otherwise(either(buys, own, other))
    return found


def _of_seniority(table: Mapping[str, int], pick: object) -> Expr:
    value = nw.col("person_seniority")
    open_ = pick([0, *(table.get(word, 0) for word in SENIORITIES)])  # type: ignore[operator]
    known = ex.by_seniority(table)
    return nw.when(value.is_null()).then(number(open_)).otherwise(known)


# Of records


class Reaching:
    """One kind of record of one variant. `asked` knows the columns of all rows, `points` those columns."""

    def __init__(self, plan: Plan, entity: Entity, asked: Asked) -> None:
        self._plan, self._entity, self._asked = plan, entity, asked
        self._concerns = plan.subjects[entity]

    def alone(self) -> tuple[Changes, Changes]:
        """Thousandths that rules, persona and committees, each for itself, could gain and lose, by part."""
        spans = [*self._spans()]
        named = {name for rule in self._concerns.combined for name in rule.when.named()}
        open_ = {span.rule: span.open for span in spans}
        for rule in self._concerns.own_rules:
            if rule.id in named and rule.id not in open_:
                open_[rule.id] = ex.unsettled(rule.when, self._asked, {})
        for rule in self._concerns.combined:
            spans.append(_either_way(rule, ex.unsettled(rule.when, self._asked, open_)))
        gains: Changes = {}
        losses: Changes = {}
        for span in spans:
            now = nw.col(self._asked.fired[span.rule]).fill_null(0)
            gain, loss = span.high - now, span.low - now
            gains.setdefault(span.part, []).append(either(span.open & (gain > 0), gain, number(0)))
            losses.setdefault(span.part, []).append(either(span.open & (loss < 0), loss, number(0)))
        return gains, losses

    def _spans(self) -> Iterator[_Span]:
        for rule in self._concerns.reach.alone:
            yield _either_way(rule, ex.unsettled(rule.when, self._asked, {}))
        of_account = self._entity is Entity.ACCOUNT
        for rule in self._concerns.people_rules:
            loose, sure = (nw.col(f"staff_{name}_{rule.id}").fill_null(0) for name in ("loose", "sure"))
            yield _either_way(rule, (loose > 0) & (sure == 0))
        if self._plan.model.persona:
            prefix = "staff_" if of_account else ""
            low, high = (nw.col(f"{prefix}persona_{name}").fill_null(0) for name in ("low", "high"))
            yield _Span(PERSONA, Part.PERSONA, low != high, low, high)
        for entry in self._plan.model.committee if of_account else ():
            if entry.functions is not None:
                seats, chairs = (nw.col(f"staff_{name}_{entry.id}").fill_null(0) for name in ("seat", "chair"))
                open_ = (seats < entry.people) & (seats + chairs >= entry.people)
                yield _Span(entry.id, entry.part, open_, number(min(entry.points, 0)), number(max(entry.points, 0)))


def _either_way(rule: Rule, open_: Expr) -> _Span:
    return _Span(rule.id, rule.part, open_, number(min(rule.points, 0)), number(max(rule.points, 0)))
