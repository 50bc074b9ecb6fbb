"""Conditions, persona and groups as frame expressions.

Only constructs that every engine has: explicit nulls, nested when, integers below 2^53. A fact
`account.x` is column `account_x`, a fact `person.x` column `person_x`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import Kind
from leadline.core.scoring.condition import JOINS, SCORED_FIELDS, Condition
from leadline.core.scoring.groups import group_names
from leadline.core.scoring.model import POINT, Band, Model, Part, Persona, Rule
from leadline.core.scoring.plan import Reach

Expr = nw.Expr
# Added before a floor division so that it never sees a negative number; a multiple of POINT.
_LIFT = 2**40 * POINT


def column(fact: str) -> str:
    """The column of a fact."""
    return fact.replace(".", "_", 1)


def number(value: int | None) -> Expr:
    """A 64-bit integer."""
    return nw.lit(value, dtype=nw.Int64())


def text(value: str | None) -> Expr:
    """A text."""
    return nw.lit(value, dtype=nw.String())


def either(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """`yes` where the condition is true, `no` where it is false or open."""
    return nw.when(condition).then(yes).otherwise(no)


def missing(fact: str) -> Expr:
    """Whether the fact has no value."""
    found = nw.col(column(fact))
    empty = found.is_null()
    if SCORED_FIELDS[fact].kind is Kind.LIST:
        return empty | (found.list.len() == 0)
    return empty


def holds(condition: Condition) -> Expr:
    """The condition's three answers: true, false, null."""
    key, operand = condition.test
    if key == "not":
        opposite: Expr = ~holds(operand)
        return opposite
    if key in JOINS:
        answers = [holds(child) for child in operand]
        return _every(answers) if key == "all" else _some(answers)
    fact = str(condition.field)
    if key == "known":
        absent = missing(fact)
        return ~absent if operand else absent
    answer: Expr = nw.when(~missing(fact)).then(_test(key, operand, nw.col(column(fact))))
    return answer


def fires(condition: Condition) -> Expr:
    """Whether the condition is certainly true."""
    certain: Expr = holds(condition).fill_null(value=False)
    return certain


def _test(key: str, operand: Any, value: Expr) -> Expr:
    if key == "in":
        return value.is_in(list(operand))
    if key == "equals":
        same: Expr = value == operand
        return same
    if key == "range":
        low, high = operand
        above = [value >= low] if low is not None else []
        below = [value < high] if high is not None else []
        return _every(above + below)
    found = [value.list.contains(word) for word in operand]
    return _every(found) if key == "contains_all" else _some(found)


def _every(tests: Sequence[Expr]) -> Expr:
    return reduce(and_, tests) if tests else nw.lit(value=True)


def _some(tests: Sequence[Expr]) -> Expr:
    return reduce(or_, tests)


def shown(condition: Condition) -> Expr:
    """The values that a condition looked at, as text; null when there are none."""
    texts: dict[str, Expr] = {}
    for leaf in condition.leaves():
        fact = str(leaf.field)
        if fact not in texts:
            texts[fact] = _value_text(fact, leaf)
    return joined(list(texts.values()), ", ")


def _value_text(fact: str, leaf: Condition) -> Expr:
    kind, value = SCORED_FIELDS[fact].kind, nw.col(column(fact))
    if kind is Kind.LIST:
        words = leaf.contains_any or leaf.contains_all or ()
        found = [nw.when(~missing(fact) & value.list.contains(word)).then(text(word)) for word in words]
        return joined(found, ", ") if found else text(None)
    if kind is Kind.BOOLEAN:
        return nw.when(~missing(fact)).then(either(value, text("true"), text("false")))
    return value.cast(nw.String())


def joined(parts: Sequence[Expr], separator: str) -> Expr:
    """The parts that are there, joined; null when there are none."""
    if not parts:
        return text(None)
    together = nw.concat_str(parts, separator=separator, ignore_nulls=True)
    return nw.when(together != "").then(together)


def total(parts: Iterable[Expr]) -> Expr:
    """Their sum; 0 of nothing."""
    return reduce(lambda left, right: left + right, parts, number(0))


def persona_points(persona: Persona) -> Expr:
    """Thousandths for seniority and function."""
    buys = nw.col("person_function").is_in(list(persona.functions)).fill_null(value=False)
    return either(buys, _by_seniority(persona.points), _by_seniority(persona.elsewhere))


def _by_seniority(points: Mapping[str, int]) -> Expr:
    value = nw.col("person_seniority")
    return reduce(lambda rest, pair: either(value == pair[0], number(pair[1]), rest), points.items(), number(0))


def persona_text() -> Expr:
    """The seniority and function that were read."""
    return joined([nw.col("person_seniority"), nw.col("person_function")], ", ")


def best_gain(reach: Reach) -> Expr:
    """Thousandths by which fit could rise if missing facts turned out best."""
    by_fact = {fact: gains[Part.FIT][0] for fact, gains in reach.joint.items() if Part.FIT in gains}
    gains = [either(missing(fact), number(points), number(0)) for fact, points in by_fact.items()]
    return total([*gains, *(_open_gain(rule) for rule in reach.alone if rule.part is Part.FIT)])


def _open_gain(rule: Rule) -> Expr:
    return either(holds(rule.when).is_null(), number(max(rule.points, 0)), number(0))


def smaller(value: Expr, bound: Expr) -> Expr:
    """The lower of two; `value` where the bound is null."""
    return either(value > bound, bound, value)


def larger(value: Expr, bound: Expr) -> Expr:
    """The higher of two; `value` where the bound is null."""
    return either(value < bound, bound, value)


def towards_zero(value: Expr, cap: Expr) -> Expr:
    """`value`, no further from zero than `cap`, which has its sign or is null."""
    return either(cap > 0, smaller(value, cap), larger(value, cap))


def whole(value: Expr) -> Expr:
    """Down to a whole point."""
    return ((value + _LIFT) // POINT * POINT - _LIFT).cast(nw.Int64())


def group(model: Model) -> Expr:
    """The group, from columns score, the parts, fit_max, completeness, previous_group, disqualified."""
    names = group_names(model)
    last = model.groups[-1].group.value
    target: Expr = text(last)
    target_rank: Expr = number(names.index(last))
    for entry in reversed(model.groups[:-1]):
        inside = _inside(entry.when, 0)
        target = either(inside, text(entry.group.value), target)
        target_rank = either(inside, number(names.index(entry.group.value)), target_rank)
    previous = nw.col("previous_group")
    previous_rank, stays = number(len(names)), nw.lit(value=False)
    for name in names:
        previous_rank = either(previous == name, number(names.index(name)), previous_rank)
    for entry in model.groups:
        relaxed = _inside(entry.when, model.hysteresis) if entry.when else nw.lit(value=True)
        stays = stays | ((previous == entry.group.value) & relaxed).fill_null(value=False)
    kept = either((target_rank > previous_rank) & stays, previous, target)
    return either(nw.col("disqualified"), text(last), kept)


def _inside(bands: Mapping[str, Band], give: int) -> Expr:
    tests = []
    for name, (low, high) in bands.items():
        unit = 1 if name == "completeness" else POINT
        if low is not None:
            tests.append(nw.col(name) >= (low - give) * unit)
        if high is not None:
            tests.append(nw.col(name) < high * unit)
    return _every(tests)
