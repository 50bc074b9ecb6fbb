"""Scores whole tables: a model and frames of facts to scores and ledger.

The ledger is made first and the scores are sums of it, so the two cannot disagree. Written once
against narwhals. What several outputs use (tallies, rows, totals) is shared through the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring import behaviour
from leadline.core.scoring import expressions as ex
from leadline.core.scoring.behaviour import plain_rows
from leadline.core.scoring.condition import SHARED
from leadline.core.scoring.expressions import Expr, either, number, text
from leadline.core.scoring.facts import SCORES, Facts, Lazy, Out, Scored, subject_schema
from leadline.core.scoring.model import CAP, FLOOR, PERSONA, POINT, ROUNDING, Limits, Model, Part
from leadline.core.scoring.plan import Plan, SubjectPlan, compile_model

TOTAL = "total"


def score(model: Model, facts: Facts[Out], now: int, *, plan: Plan | None = None) -> Scored[Out]:
    """Score every account and person at `now` (seconds)."""
    plan = plan or compile_model(model)
    scores, ledger = score_plans(plan, facts, now)
    first, second = facts.engine.collect([scores, ledger])
    return Scored(first, second)


def score_plans(plan: Plan, facts: Facts[Any], now: int) -> tuple[Lazy, Lazy]:
    """Scores and ledger; what they share has been worked out, they themselves have not."""
    share = facts.engine.share
    subjects = subjects_of(facts)
    tally = behaviour.tallies(plan, facts, subjects.people, subjects.accounts, now)
    rows = share(
        nw.concat(
            [
                *_fact_rows(plan, subjects),
                *behaviour.signal_rows(plan, tally, now),
                *behaviour.committee_rows(plan, tally, subjects.people),
            ]
        )
    )
    totals = share(_totals(plan.model, _statics(plan, subjects), rows))
    ledger = nw.concat([rows, *_adjustments(plan.model, totals)])
    return totals.select(*SCORES), ledger


@dataclass(frozen=True, slots=True)
class Subjects:
    """Facts under the names of expressions; people carry their account's."""

    accounts: Lazy
    people: Lazy


def subjects_of(facts: Facts[Any]) -> Subjects:
    """Accounts, and people with the facts of their existing accounts."""
    accounts = _prefixed(facts.accounts, Entity.ACCOUNT)
    people = _prefixed(facts.people, Entity.PERSON)
    theirs = accounts.drop("previous_group").with_columns(nw.col("uid").alias("exists"))
    people = people.join(theirs, left_on="person_account", right_on="uid", how="left")
    shared = []
    for name in SHARED:
        own, of_account = nw.col(f"person_{name}"), nw.col(f"account_{name}")
        shared.append(either(of_account.is_null(), own, of_account).alias(f"account_{name}"))
    people = people.with_columns(*shared, nw.col("exists").alias("person_account"))
    return Subjects(accounts, people.drop("exists"))


def _prefixed(native: Any, entity: Entity) -> Lazy:
    frame: Lazy = nw.from_native(native).lazy()
    names = [name for name in subject_schema(entity) if name not in ("uid", "previous_group")]
    return frame.select("uid", "previous_group", **{f"{entity}_{name}": nw.col(name) for name in names})


# Rows that do not depend on time


def _fact_rows(plan: Plan, subjects: Subjects) -> list[Lazy]:
    rows = []
    for entity, frame in ((Entity.ACCOUNT, subjects.accounts), (Entity.PERSON, subjects.people)):
        for rule in plan.subjects[entity].own_rules:
            hit = frame.filter(ex.fires(rule.when))
            rows.append(plain_rows(hit, rule.id, rule.part.value, number(rule.points), value=ex.shown(rule.when)))
    staff = subjects.people.filter(~nw.col("person_account").is_null())
    for rule in plan.subjects[Entity.ACCOUNT].people_rules:
        hit = staff.filter(ex.fires(rule.when)).select(
            uid=nw.col("person_account"), person=nw.col("uid"), shown=ex.shown(rule.when)
        )
        rows.append(_by_account(hit, rule.id, rule.part.value, number(rule.points)))
    return [*rows, *_persona_rows(plan.model, subjects.people, staff)]


def _by_account(hits: Lazy, rule: str, part: str, points: Expr) -> Lazy:
    found = hits.group_by("uid").agg(nw.col("person").count().alias("count"), nw.col("shown").min())
    return plain_rows(found, rule, part, points, count=nw.col("count"), value=nw.col("shown"))


def _persona_rows(model: Model, people: Lazy, staff: Lazy) -> list[Lazy]:
    if model.persona is None:
        return []
    points, part = ex.persona_points(model.persona).alias("points"), Part.PERSONA.value
    own = people.select("uid", points, shown=ex.persona_text()).filter(nw.col("points") != 0)
    theirs = staff.select("person_account", points, uid=nw.col("uid"), shown=ex.persona_text())
    best = theirs.group_by("person_account").agg(nw.col("points").max().alias("best"))
    top = theirs.join(best, on="person_account", how="inner").filter(
        (nw.col("points") == nw.col("best")) & (nw.col("best") != 0)
    )
    account = top.group_by("person_account", "best").agg(nw.col("uid").count().alias("count"), nw.col("shown").min())
    account = account.with_columns(nw.col("person_account").alias("uid"))
    shown = nw.col("shown")
    return [
        plain_rows(own, PERSONA, part, nw.col("points"), value=shown),
        plain_rows(account, PERSONA, part, nw.col("best"), count=nw.col("count"), value=shown),
    ]


def _statics(plan: Plan, subjects: Subjects) -> Lazy:
    """Per record: entity, previous_group, gain (of missing facts), completeness, missing_fields, reasons."""
    accounts, people = subjects.accounts, subjects.people
    flags: dict[str, Expr] = {}
    for entry in plan.model.disqualify:
        if entry.counts_for(Entity.ACCOUNT) and entry.by_any_person:
            hit = people.filter(ex.fires(entry.when) & ~nw.col("person_account").is_null())
            hit = hit.select(uid=nw.col("person_account"), flag=nw.col("person_account")).unique()
            accounts = accounts.join(hit.rename({"flag": f"hit_{entry.id}"}), on="uid", how="left")
            flags[entry.id] = ~nw.col(f"hit_{entry.id}").is_null()
    both = []
    for entity, frame, given in ((Entity.ACCOUNT, accounts, flags), (Entity.PERSON, people, {})):
        entries = [entry for entry in plan.model.disqualify if entry.counts_for(entity)]
        tests = [(entry.reason, given.get(entry.id, ex.fires(entry.when))) for entry in entries]
        both.append(_static(plan.subjects[entity], frame, entity, tests))
    return nw.concat(both)


def _static(plan: SubjectPlan, frame: Lazy, entity: Entity, tests: Sequence[tuple[str, Expr]]) -> Lazy:
    absent = [either(ex.missing(fact), number(1), number(0)) for fact in plan.asked]
    known = number(len(absent)) - ex.total(absent)
    missing = ex.joined([nw.when(ex.missing(fact)).then(text(fact)) for fact in plan.asked], ";")
    reasons = ex.joined([nw.when(test).then(text(reason)) for reason, test in tests], ";")
    return frame.select(
        "uid",
        "previous_group",
        entity=text(entity.value),
        gain=ex.best_gain(plan.reach),
        completeness=((known * 100) // max(len(absent), 1)).cast(nw.Int64()) if absent else number(100),
        missing_fields=missing.fill_null(""),
        disqualify_reasons=reasons.fill_null(""),
        disqualified=~reasons.is_null(),
    )


# Sums, limits, groups


def _totals(model: Model, statics: Lazy, rows: Lazy) -> Lazy:
    """Statics with every part, the score and the group; sums before limits as sum_<part>."""
    of_part = [either(nw.col("part") == part.value, nw.col("points"), number(0)).alias(f"sum_{part}") for part in Part]
    split = rows.select("uid", *of_part)
    sums = split.group_by("uid").agg(*[nw.col(f"sum_{part}").sum() for part in Part])
    frame = statics.join(sums, on="uid", how="left").with_columns(
        *[nw.col(f"sum_{part}").fill_null(0) for part in Part]
    )
    parts = {part.value: ex.whole(_clamped(nw.col(f"sum_{part}"), model.limits(part))) for part in Part}
    best = _clamped(nw.col(f"sum_{Part.FIT}") + nw.col("gain"), model.limits(Part.FIT))
    frame = frame.with_columns(**parts, fit_max=ex.whole(best))
    frame = frame.with_columns(sum_total=ex.total(nw.col(part.value) for part in Part))
    frame = frame.with_columns(score=_clamped(nw.col("sum_total"), model.total))
    return frame.with_columns(group=ex.group(model))


def _clamped(value: Expr, limits: Limits) -> Expr:
    if limits.max is not None:
        value = ex.smaller(value, number(limits.max * POINT))
    if limits.min is not None:
        value = ex.larger(value, number(limits.min * POINT))
    return value


def _adjustments(model: Model, totals: Lazy) -> list[Lazy]:
    """Ledger rows for caps, floors and rounding of each part, and of the total."""
    rows = []
    for name, limits in [*((part.value, model.limits(part)) for part in Part), (TOTAL, model.total)]:
        before = nw.col(f"sum_{name}")
        limited = _clamped(before, limits)
        if limits.max is not None:
            over = totals.filter(before > limits.max * POINT)
            rows.append(plain_rows(over, CAP, name, limited - before, count=number(0)))
        if limits.min is not None:
            under = totals.filter(before < limits.min * POINT)
            rows.append(plain_rows(under, FLOOR, name, limited - before, count=number(0)))
        if name != TOTAL:
            odd = totals.filter(nw.col(name) != limited)
            rows.append(plain_rows(odd, ROUNDING, name, nw.col(name) - limited, count=number(0)))
    return rows
