"""Accounts and people as scoring reads them: people with their account's facts, everybody in a segment.

What conditions ask of an account alone is answered once per account, and its people are told the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring import expressions as ex
from leadline.core.scoring.condition import JOINS, SHARED, Condition
from leadline.core.scoring.expressions import Asked, Expr, either, number
from leadline.core.scoring.facts import Facts, Lazy, subject_schema
from leadline.core.scoring.plan import Plan
from leadline.core.scoring.variants import SEGMENT

_STANDING = ("uid", "previous_group", "group_since")


@dataclass(frozen=True, slots=True)
class Records:
    """Facts as columns `account_<name>` and `person_<name>`, with `key`, what `_STANDING` names, and
    `SEGMENT` where there are variants.

    People also have `account_key`, null where there is no such account. Both have the answers that `asked` knows.
    """

    accounts: Lazy
    people: Lazy
    asked: Asked


def subjects_of(facts: Facts[Any]) -> Records:
    """Accounts, and people with the facts of their existing accounts."""
    people = _prefixed(facts.people, Entity.PERSON)
    accounts = facts.engine.number(_prefixed(facts.accounts, Entity.ACCOUNT))
    return Records(accounts, _with_account(people, accounts, {}), Asked(0))


def records_of(plan: Plan, facts: Facts[Any], now: int) -> Records:
    """The records that a plan scores."""
    people = _prefixed(facts.people, Entity.PERSON)
    accounts = facts.engine.number(_prefixed(facts.accounts, Entity.ACCOUNT))
    plain, answers = Asked(now), _answers(plan)
    absent = {fact: f"absent_{ex.column(fact)}" for fact in _asked(plan) if _of_account_alone(fact)}
    told = {name: ex.holds(condition, plain) for condition, name in answers.items()}
    told |= {name: ex.missing(fact, plain) for fact, name in absent.items()}
    fallback = {name: condition.holds(_nothing, now) for condition, name in answers.items()}
    accounts = ex.added(accounts, told)
    asked = Asked(now, {}, answers, absent)
    if plan.variants:
        accounts = accounts.with_columns(**{SEGMENT: _segment(plan, asked)})
    people = _with_account(people, accounts, fallback | dict.fromkeys(absent.values(), True))
    if plan.variants:
        alone = nw.col("account_key").is_null()
        people = people.with_columns(**{SEGMENT: either(alone, _segment(plan, asked), nw.col(SEGMENT))})
    return Records(accounts, people, asked)


def _prefixed(native: Any, entity: Entity) -> Lazy:
    frame: Lazy = nw.from_native(native).lazy()
    names = [name for name in subject_schema(entity) if name not in _STANDING]
    return frame.select(*_STANDING, **{f"{entity}_{name}": nw.col(name) for name in names})


def _with_account(people: Lazy, accounts: Lazy, fallback: Mapping[str, bool | None]) -> Lazy:
    """`fallback`: answers for people without an account, where they are not open."""
    theirs = accounts.drop("previous_group", "group_since").with_columns(nw.col("uid").alias("exists"))
    theirs = theirs.rename({"key": "account_key"})
    people = people.join(theirs, left_on="person_account", right_on="uid", how="left")
    found: dict[str, Expr] = {"person_account": nw.col("exists")}
    for name in SHARED:
        own, of_account = nw.col(f"person_{name}"), nw.col(f"account_{name}")
        found[f"account_{name}"] = either(of_account.is_null(), own, of_account)
    for name, value in fallback.items():
        if value is not None:
            found[name] = either(nw.col("account_key").is_null(), nw.lit(value=value), nw.col(name))
    return people.with_columns(**found).drop("exists")


# Segments


def _segment(plan: Plan, asked: Asked) -> Expr:
    found = number(len(plan.variants))
    for place, (segment, _) in reversed(list(enumerate(plan.variants))):
        found = either(ex.holds(segment.when, asked), number(place), found)
    return found


# Answers of accounts


def _answers(plan: Plan) -> dict[Condition, str]:
    """The largest conditions about facts that a person never has, each with a column."""
    found: dict[Condition, str] = {}
    for condition in _conditions(plan):
        for part in _of_accounts(condition):
            found.setdefault(part, f"answer_{len(found)}")
    return found


def _conditions(plan: Plan) -> Iterator[Condition]:
    for segment, _ in plan.variants:
        yield segment.when
    for variant in plan.every():
        model = variant.model
        yield from (entry.when for entry in (*model.rules, *model.flags, *model.disqualify))


def _of_accounts(condition: Condition) -> Iterator[Condition]:
    key, operand = condition.test
    fields = condition.fields()
    if fields and not condition.named() and all(_of_account_alone(name) for name in fields):
        yield condition
    elif key in JOINS:
        for child in operand if isinstance(operand, tuple) else (operand,):
            yield from _of_accounts(child)


def _of_account_alone(fact: str) -> bool:
    entity, _, name = fact.partition(".")
    return entity == Entity.ACCOUNT and name not in SHARED


def _nothing(_: str) -> None:
    return None


def _asked(plan: Plan) -> dict[str, None]:
    """Facts of which it matters whether they are missing."""
    found = []
    for variant in plan.every():
        for concerns in variant.subjects.values():
            found += [*concerns.asked, *concerns.reach.joint]
        rules = (*variant.model.rules, *variant.model.flags, *variant.model.disqualify)
        found += [str(leaf.field) for rule in rules for leaf in rule.when.leaves() if leaf.known is not None]
    return dict.fromkeys(found)
