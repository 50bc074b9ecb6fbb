"""Missing facts: what is asked and not there, and how far the parts could move if it were known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from tests.oracle.reference_facts import Facts, facts_read, holds, ids_named, walk
from tests.oracle.reference_variants import PARTS, Variant, asks_people, belongs

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.scoring.model import Persona, Rule

OTHER = "\0"  # a text that no model mentions
Span = dict[str, list[int]]  # by part: gain and loss, in thousandths


def own_rules(variant: Variant, entity: str) -> list[Rule]:
    """The rules that look at the record itself."""
    mine = [rule for rule in variant.rules if belongs(rule, entity)]
    return [rule for rule in mine if entity == "person" or not asks_people(rule)]


def asked_facts(variant: Variant, entity: str) -> list[str]:
    """Facts that completeness is measured over."""
    fit = [rule for rule in own_rules(variant, entity) if rule.part == "fit" and not ids_named(rule.when)]
    names = [leaf.field or "" for rule in fit for leaf in walk(rule.when) if leaf.known is None]
    if entity == "person" and variant.persona:
        names += ["person.seniority", "person.function"]
    return list(dict.fromkeys(names))


class Interval:
    """How far the parts of one record could move. `theirs` are the facts of an account's people."""

    def __init__(self, variant: Variant, entity: str, own: Facts, theirs: Sequence[Facts]) -> None:
        self.variant, self.entity, self.own, self.theirs = variant, entity, own, theirs
        self.mine = own_rules(variant, entity)
        self.people_rules = [rule for rule in variant.rules if belongs(rule, entity) and rule not in self.mine]
        self.together = self._together()
        self.grouped = {rule.id for rules in self.together.values() for rule in rules}

    def spans(self, now: int, fired: Collection[str], open_committees: Collection[str]) -> Span:
        """Gain and loss of each part."""
        span: Span = {part: [0, 0] for part in PARTS}
        for name, rules in self.together.items():
            if name not in self.own:
                self._fact(span, name, rules)
        unsettled = self._unsettled(now, fired, open_committees)
        by_id = {item.id: item for item in self.variant.giving() if item.id not in self.grouped}
        for name in unsettled & by_id.keys():
            points = self.variant.points[name]
            given = points if name in fired else 0
            self._add(span, str(by_id[name].part), max(points, 0) - given, min(points, 0) - given)
        low, present, high = self._persona()
        self._add(span, "persona", high - present, low - present)
        return span

    def _add(self, span: Span, part: str, gain: int, loss: int) -> None:
        span[part][0] += max(gain, 0)
        span[part][1] += min(loss, 0)

    def _unsettled(self, now: int, fired: Collection[str], open_committees: Collection[str]) -> set[str]:
        found = set(open_committees)
        low, _, high = self._persona()
        if low != high:
            found.add("persona")
        found |= {rule.id for rule in self.mine if not ids_named(rule.when) and is_open(rule, self.own, now)}
        for rule in self.people_rules:
            opens = [is_open(rule, facts, now) for facts in self.theirs]
            sure = any(
                holds(rule.when, facts, now) is True and not opened
                for facts, opened in zip(self.theirs, opens, strict=True)
            )
            if any(opens) and not sure:
                found.add(rule.id)
        asking = [rule for rule in self.mine if ids_named(rule.when)]
        named = {r.id for r in asking if is_open(r, self.own, now, fired) or found & set(ids_named(r.when))}
        return found | named

    # Rules of one fact

    def _together(self) -> dict[str, list[Rule]]:
        by_fact: dict[str, list[Rule]] = {}
        for rule in self.mine:
            names = facts_read(rule.when)
            if len(names) == 1 and not ids_named(rule.when):
                by_fact.setdefault(names[0], []).append(rule)
        capped = {name for cap in self.variant.caps for name in cap.of}
        return {
            name: rules
            for name, rules in by_fact.items()
            if countable(name, rules) and not any(rule.id in capped for rule in rules)
        }

    def _fact(self, span: Span, name: str, rules: Sequence[Rule]) -> None:
        for part in PARTS:
            given = [rule for rule in rules if rule.part == part]
            worths = [self._worth(given, {name: value}) for value in candidates(name, rules)]
            present = self._worth(given, {})
            self._add(span, part, max(worths) - present, min(worths) - present)

    def _worth(self, rules: Sequence[Rule], facts: Facts) -> int:
        return sum(self.variant.points[rule.id] for rule in rules if holds(rule.when, facts, 0) is True)

    # Persona

    def _persona(self) -> tuple[int, int, int]:
        """The least, today's and the most points."""
        persona = self.variant.persona
        people = [self.own] if self.entity == "person" else self.theirs
        if persona is None or not people:
            return 0, 0, 0
        reach = [persona_reach(persona, facts) for facts in people]
        best: Callable[[int], int] = lambda place: max(each[place] for each in reach)  # noqa: E731
        return best(0), best(1), best(2)


def is_open(rule: Rule, facts: Facts, now: int, fired: Collection[str] = ()) -> bool:
    """Whether missing facts could change the answer."""
    asks_presence = any(leaf.known is not None and leaf.field not in facts for leaf in walk(rule.when))
    return asks_presence or holds(rule.when, facts, now, fired) is None


def persona_points(persona: Persona, facts: Facts) -> int:
    """Seniority by function."""
    table = persona.points if facts.get("person.function") in persona.functions else persona.elsewhere
    return table.get(facts.get("person.seniority", ""), 0)


def persona_reach(persona: Persona, facts: Facts) -> tuple[int, int, int]:
    """The least, today's and the most points of a person."""
    present = persona_points(persona, facts)
    function, seniority = facts.get("person.function"), facts.get("person.seniority")
    tables: list[Mapping[str, int]] = [persona.points, persona.elsewhere]
    if function is not None:
        tables = tables[:1] if function in persona.functions else tables[1:]
    if seniority is not None:
        reach = [table.get(seniority, 0) for table in tables]
    else:
        reach = [0, *(points for table in tables for points in table.values())]
    return min(reach), present, max(reach)


def countable(name: str, rules: Sequence[Rule]) -> bool:
    """Whether the values that rules of this fact tell apart can be listed."""
    kind = kind_of(name)
    if kind is Kind.TEXT:
        leaves = [leaf for rule in rules for leaf in walk(rule.when)]
        return all(leaf.in_ is not None or leaf.equals is not None or leaf.known is not None for leaf in leaves)
    return kind in (Kind.ENUM, Kind.INTEGER, Kind.BOOLEAN)


def candidates(name: str, rules: Sequence[Rule]) -> list[Any]:
    """One value of each sort that the rules of one fact tell apart."""
    leaves = [leaf for rule in rules for leaf in walk(rule.when)]
    kind = kind_of(name)
    if kind is Kind.ENUM:
        return list(spec_of(name).values)
    if kind is Kind.BOOLEAN:
        return [True, False]
    if kind is Kind.INTEGER:
        edges = [edge for leaf in leaves for edge in (leaf.range or ()) if edge is not None]
        edges += [leaf.equals for leaf in leaves if isinstance(leaf.equals, int)]
        return [edge + step for edge in edges for step in (-1, 0, 1)] or [0]
    words = [word for leaf in leaves for word in leaf.in_ or ()]
    return [*words, *(leaf.equals for leaf in leaves if isinstance(leaf.equals, str)), OTHER]


def kind_of(name: str) -> Kind:
    """How a fact is stored."""
    return Kind(spec_of(name).kind)


def spec_of(name: str) -> Any:
    """The field of a fact."""
    entity, _, short = name.partition(".")
    return next(spec for spec in FIELDS[Entity(entity)] if spec.name == short)
