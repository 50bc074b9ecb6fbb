"""Conditions, persona and groups as frame expressions.

Only constructs that every engine has: explicit nulls, nested when, integers below 2^53. A fact
`account.x` is column `account_x`, a fact `person.x` column `person_x`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import and_, or_
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import Kind
from leadline.core.scoring.condition import FIRED, JOINS, SCORED_FIELDS, Condition
from leadline.core.scoring.model import DAY, POINT, Cap, Limits, Persona
from leadline.core.scoring.operators import pattern

Expr = nw.Expr
Lazy = nw.LazyFrame[Any]
# Added before a floor division so that it never sees a negative number; a multiple of POINT.
_LIFT = 2**40 * POINT
_FEW = 16


@dataclass(frozen=True, slots=True)
class Asked:
    """What conditions are asked of.

    `fired`: columns of rows by id, null where there is none, or (`zeros`) 0. Worked out before: `answers`, columns with
    the answers of conditions, and `absent`, columns that tell whether a fact is missing.
    """

    now: int
    fired: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[Condition, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    zeros: frozenset[str] = frozenset()

    def with_rows(self, columns: Mapping[str, str], zeros: frozenset[str]) -> Asked:
        """The same, with these columns of rows."""
        return replace(self, fired=dict(columns), zeros=zeros)


def column(fact: str) -> str:
    """The column of a fact."""
    return fact.replace(".", "_", 1)


def number(value: int | None) -> Expr:
    """A 64-bit integer."""
    return nw.lit(value, dtype=nw.Int64())


def small(value: int) -> Expr:
    """Thousandths of one rule. 32 bits hold `MAX_POINTS`, and those of two thousand rules together."""
    return nw.lit(value, dtype=nw.Int32())


def text(value: str | None) -> Expr:
    """A text."""
    return nw.lit(value, dtype=nw.String())


def either(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """`yes` where the condition is true, `no` where it is false or open."""
    return nw.when(condition).then(yes).otherwise(no)


def missing(fact: str, asked: Asked) -> Expr:
    """Whether the fact has no value."""
    known = asked.absent.get(fact)
    return _missing(fact) if known is None else nw.col(known)


def _missing(fact: str) -> Expr:
    found = nw.col(column(fact))
    empty = found.is_null()
    if SCORED_FIELDS[fact].kind is Kind.LIST:
        return empty | (found.list.len() == 0)
    return empty


def holds(condition: Condition, asked: Asked) -> Expr:
    """The condition's three answers: true, false, null."""
    known = asked.answers.get(condition)
    if known is not None:
        return nw.col(known)
    key, operand = condition.test
    if key == FIRED:
        return has_row(operand, asked)
    if key == "not":
        opposite: Expr = ~holds(operand, asked)
        return opposite
    if key in JOINS:
        answers = [holds(child, asked) for child in operand]
        return every(answers) if key == "all" else some(answers)
    fact = str(condition.field)
    if key == "known":
        absent = missing(fact, asked)
        return ~absent if operand else absent
    return _test(key, operand, fact, asked.now)


def has_row(name: str, asked: Asked) -> Expr:
    """Whether there is a row of that rule."""
    found = asked.fired.get(name)
    if found is None:
        return nw.lit(value=False)
    return nw.col(found) != 0 if found in asked.zeros else ~nw.col(found).is_null()


def fires(condition: Condition, asked: Asked) -> Expr:
    """Whether the condition is certainly true."""
    certain: Expr = holds(condition, asked).fill_null(value=False)
    return certain


def unsettled(condition: Condition, asked: Asked, open_: Mapping[str, Expr]) -> Expr:
    """Whether missing facts could change the answer. `open_` are ids that can be unsettled themselves."""
    tests = [holds(condition, asked).is_null()]
    tests += [missing(str(leaf.field), asked) for leaf in condition.leaves() if leaf.known is not None]
    return some([*tests, *(open_[name] for name in condition.named() if name in open_)])


def _test(key: str, operand: Any, fact: str, now: int) -> Expr:
    value = nw.col(column(fact))
    if key in ("contains_any", "contains_all"):
        found = [value.list.contains(word) for word in operand]
        together = every(found) if key == "contains_all" else some(found)
        answer: Expr = nw.when(~_missing(fact)).then(together)
        return answer
    if key == "in":
        return one_of(value, operand)
    if key == "equals":
        if isinstance(operand, bool):
            return value if operand else ~value
        same: Expr = value == operand
        return same
    if key == "matches":
        return value.str.contains(rf"\A(?:{pattern(operand)})\z")
    if key == "days_since":
        value = age(value, now) // DAY
    low, high = operand
    above = [value >= low] if low is not None else []
    below = [value < high] if high is not None else []
    return every(above + below)


def one_of(value: Expr, words: Collection[Any]) -> Expr:
    """Whether the value is one of these; open where it is missing. A few are compared faster than looked up."""
    if 0 < len(words) <= _FEW:
        return some([value == word for word in words])
    found: Expr = value.is_in(list(words))
    return found


def age(at: Expr, now: int) -> Expr:
    """Seconds since then; 0 of what lies ahead, null of null."""
    return nw.when(at >= now).then(number(0)).otherwise(number(now) - at)


def added(frame: Lazy, columns: Mapping[str, Expr]) -> Lazy:
    """The frame with these columns."""
    return frame.with_columns(**columns) if columns else frame


def how_many(test: Expr) -> Expr:
    """In a grouping: the number of rows for which the test is true."""
    return nw.when(test).then(number(1)).count().cast(nw.Int64())


def every(tests: Sequence[Expr]) -> Expr:
    """Whether all of them; true of none."""
    return reduce(and_, tests) if tests else nw.lit(value=True)


def some(tests: Sequence[Expr]) -> Expr:
    """Whether any of them; false of none."""
    return reduce(or_, tests) if tests else nw.lit(value=False)


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
        found = [nw.when(~_missing(fact) & value.list.contains(word)).then(text(word)) for word in words]
        return joined(found, ", ") if found else text(None)
    if kind is Kind.BOOLEAN:
        return nw.when(~_missing(fact)).then(either(value, text("true"), text("false")))
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
    buys = one_of(nw.col("person_function"), persona.functions).fill_null(value=False)
    return either(buys, by_seniority(persona.points), by_seniority(persona.elsewhere))


def by_seniority(points: Mapping[str, int]) -> Expr:
    """What a table gives; 0 where seniority is missing or not in it."""
    value = nw.col("person_seniority")
    return reduce(lambda rest, pair: either(value == pair[0], small(pair[1]), rest), points.items(), small(0))


def persona_text() -> Expr:
    """The seniority and function that were read."""
    return joined([nw.col("person_seniority"), nw.col("person_function")], ", ")


def whole(value: Expr) -> Expr:
    """Down to a whole point."""
    return ((value + _LIFT) // POINT * POINT - _LIFT).cast(nw.Int64())


def share(value: Expr, percent: int) -> Expr:
    """That many percent of a value in whole points."""
    return (((value + _LIFT) // POINT).cast(nw.Int64()) - _LIFT // POINT) * (POINT // 100 * percent)


def clamped(value: Expr, limits: Limits | Cap) -> Expr:
    """Into the limits."""
    low, high = (None if bound is None else bound * POINT for bound in (limits.min, limits.max))
    return value if low is None and high is None else value.clip(low, high)


def limited_sign(value: Expr, cap: int | None) -> Expr:
    """`value`, no further from zero than `cap`, which has its sign."""
    if cap is None:
        return value
    return value.clip(None, cap) if cap > 0 else value.clip(cap, None)
