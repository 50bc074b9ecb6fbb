"""Rows of all records in wide form: what facts, persona, signals, idleness and committees give.

People come first; accounts have what their people have together. Every rule is one expression over a record's columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring import expressions as ex
from leadline.core.scoring.conduct_columns import Conduct
from leadline.core.scoring.expressions import Asked, Expr
from leadline.core.scoring.facts import Lazy
from leadline.core.scoring.interval import person_reach, staff_reach
from leadline.core.scoring.model import PERSONA, Part, Persona, Rule
from leadline.core.scoring.plan import Plan
from leadline.core.scoring.rowcolumns import COUNT, VALUE, row, told
from leadline.core.scoring.rules import Conditional
from leadline.core.scoring.variants import Merged, Variants

Columns = dict[str, Expr]


@dataclass(frozen=True, slots=True)
class Rows:
    """Records with their rows before caps. `points` are columns of points by id, `columns` all that tell of rows.

    `narrow` columns have 32 bits.
    """

    entity: Entity
    frame: Lazy
    asked: Asked
    points: Mapping[str, str]
    parts: Mapping[str, Part]
    columns: tuple[str, ...]
    narrow: frozenset[str]

    def over(self, frame: Lazy) -> Rows:
        """The same of a frame with the same columns."""
        return replace(self, frame=frame)


class RowWork:
    """Makes the rows of a plan. `detail`: with everything that a ledger tells, not points alone."""

    def __init__(self, variants: Variants, conduct: Conduct, asked: Asked, *, detail: bool) -> None:
        self._variants, self._conduct, self._asked, self._detail = variants, conduct, asked, detail
        self._people_rules = variants.merged(lambda plan: plan.subjects[Entity.ACCOUNT].people_rules)
        self._any_person = variants.merged(_any_person)
        self._zeros = conduct.zeros
        self._has_persona = any(plan.model.persona for plan in variants.plans)

    # People

    def people(self, frame: Lazy) -> Rows:
        """People, with the columns that `staff` needs of them."""
        found: Columns = {}
        for rule in self._variants.merged(lambda plan: plan.subjects[Entity.PERSON].own_rules):
            found |= self._rule(rule, self._asked)
        if self._has_persona:
            found["persona_points"] = self._variants.of_each(lambda plan: plan.model.persona, _persona_points)
        found |= self._conduct.of_holder()
        found |= dict(self._hits())
        asked, answers = self._settled_facts(Entity.PERSON)
        frame = ex.added(frame, {**found, **answers})
        more = self._conduct.of_person() | person_reach(self._variants, self._asked)
        if self._has_persona:
            more |= self._persona(nw.col("persona_points"), None, ex.persona_text())
        return self._combined(ex.added(frame, more), {**found, **more}, Entity.PERSON, asked)

    def _rule(self, rule: Merged[Rule], asked: Asked) -> Columns:
        one = rule.any
        name = row(one.part, one.id)
        fires = self._variants.where(rule, ex.holds(one.when, asked))
        found: Columns = {name: self._conduct.given(name, fires, _points(rule))}
        if self._detail:
            found[name + VALUE] = nw.when(fires).then(ex.shown(one.when))
        return found

    def _hits(self) -> Iterator[tuple[str, Expr]]:
        """What any person of an account is asked for."""
        for rule in self._people_rules:
            fires = ex.holds(rule.any.when, self._asked)
            yield f"hit_{rule.any.id}", fires
            if self._detail:
                yield f"seen_{rule.any.id}", nw.when(fires).then(ex.shown(rule.any.when))
        for entry in self._any_person:
            yield f"hit_{entry.any.id}", ex.holds(entry.any.when, self._asked)

    # Accounts

    def staff(self, people: Lazy) -> Lazy:
        """What an account's people have together: account_key and columns `staff_`."""
        names = [f"hit_{rule.any.id}" for rule in self._people_rules]
        names += [f"hit_{entry.any.id}" for entry in self._any_person]
        found: Columns = {name: ex.how_many(nw.col(name)) for name in names}
        if self._detail:
            found |= {f"seen_{rule.any.id}": nw.col(f"seen_{rule.any.id}").min() for rule in self._people_rules}
        if self._has_persona:
            found["persona_points"] = nw.col("persona_points").max()
        found |= self._conduct.of_staff() | staff_reach(self._variants)
        if not found:
            found = {"people": nw.col("account_key").max()}
        grouped = people.filter(~nw.col("account_key").is_null()).group_by("account_key")
        return grouped.agg(*[value.alias(f"staff_{name}") for name, value in found.items()])

    def best_of_staff(self, people: Lazy, staff: Lazy) -> Lazy | None:
        """For each account how many of its people have the best persona, and the first of their texts."""
        if not (self._has_persona and self._detail):
            return None
        best = staff.select("account_key", nw.col("staff_persona_points").alias("best"))
        texts = people.select("account_key", "persona_points", seen=ex.persona_text())
        top = texts.join(best, on="account_key", how="inner").filter(nw.col("persona_points") == nw.col("best"))
        return top.group_by("account_key").agg(
            ex.how_many(~nw.col("persona_points").is_null()).alias("best_count"),
            nw.col("seen").min().alias("best_seen"),
        )

    def accounts(self, frame: Lazy, staff: Lazy, best: Lazy | None) -> Rows:
        """Accounts. `best` is what `best_of_staff` gave."""
        frame = frame.join(staff, left_on="key", right_on="account_key", how="left")
        if best is not None:
            frame = frame.join(best, left_on="key", right_on="account_key", how="left")
        frame = ex.added(frame, self._conduct.of_all_holders())
        found: Columns = {}
        for rule in self._variants.merged(lambda plan: plan.subjects[Entity.ACCOUNT].own_rules):
            found |= self._rule(rule, self._asked)
        for rule in self._people_rules:
            found |= self._people_rule(rule)
        found |= self._conduct.of_account()
        if self._has_persona:
            points = nw.col("staff_persona_points").fill_null(0)
            found |= self._persona(points, nw.col("best_count"), nw.col("best_seen"))
        asked, answers = self._settled_facts(Entity.ACCOUNT)
        return self._combined(ex.added(frame, {**found, **answers}), found, Entity.ACCOUNT, asked)

    def _people_rule(self, rule: Merged[Rule]) -> Columns:
        one = rule.any
        name, hits = row(one.part, one.id), nw.col(f"staff_hit_{one.id}")
        some = self._variants.where(rule, hits > 0)
        found: Columns = {name: self._conduct.given(name, some, _points(rule))}
        if self._detail:
            found[name + COUNT] = hits
            found[name + VALUE] = nw.col(f"staff_seen_{one.id}")
        return found

    # Both

    def _persona(self, points: Expr, count: Expr | None, seen: Expr) -> Columns:
        name = row(Part.PERSONA, PERSONA)
        found: Columns = {name: points}
        self._zeros.add(name)
        self._conduct.narrow.add(name)
        if self._detail:
            found[name + VALUE] = nw.when(points != 0).then(seen)
            if count is not None:
                found[name + COUNT] = count
        return found

    def _settled_facts(self, entity: Entity) -> tuple[Asked, Columns]:
        """What is asked of facts after the rows, answered with them: so that the facts need not be kept."""
        asked, absent, answers = self._asked, dict(self._asked.absent), dict(self._asked.answers)
        found: Columns = {}
        for plan in self._variants.plans:
            concerns, model = plan.subjects[entity], plan.model
            for fact in (*concerns.asked, *concerns.reach.joint):
                if fact not in absent:
                    absent[fact] = f"absent_{ex.column(fact)}"
                    found[absent[fact]] = ex.missing(fact, asked)
            for entry in (*model.disqualify, *model.flags):
                own = entity is Entity.PERSON or not entry.by_any_person
                if own and entry.counts_for(entity) and not entry.when.named() and entry.when not in answers:
                    answers[entry.when] = f"so_{entry.id}"
                    found[answers[entry.when]] = ex.holds(entry.when, asked)
        return replace(asked, answers=answers, absent=absent), found

    def _combined(self, frame: Lazy, found: Columns, entity: Entity, asked: Asked) -> Rows:
        """With the rules that ask what fired. `asked` is what is asked after the rows."""
        columns = [name for name in found if ":" in name]
        more: Columns = {}
        before = self._asked.with_rows(_points_of(columns), frozenset(self._zeros))
        for rule in self._variants.merged(lambda plan: plan.subjects[entity].combined):
            more |= self._rule(rule, before)
        columns += more
        points = _points_of(columns)
        parts = {rule: Part(name.partition(":")[0]) for rule, name in points.items()}
        asked = asked.with_rows(points, frozenset(self._zeros))
        return Rows(
            entity, ex.added(frame, more), asked, points, parts, tuple(columns), frozenset(self._conduct.narrow)
        )


def _points_of(columns: Sequence[str]) -> dict[str, str]:
    """By rule its column of points."""
    tales = ((told(name), name) for name in columns)
    return {about.rule: name for about, name in tales if about is not None}


def _points(rule: Merged[Rule]) -> list[int]:
    return [rule.any.points if mine is None else mine.points for mine in rule.by_variant]


def _any_person(plan: Plan) -> list[Conditional]:
    every: Sequence[Conditional] = (*plan.model.disqualify, *plan.model.flags)
    return [entry for entry in every if entry.by_any_person and entry.counts_for(Entity.ACCOUNT)]


def _persona_points(persona: Persona | None) -> Expr:
    return ex.small(0) if persona is None else ex.persona_points(persona)
