"""What missing facts of one record leave open: how much each part could gain and lose."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from leadline.core.entities import SENIORITIES
from leadline.core.scoring.condition import Condition
from leadline.core.scoring.conduct import open_committees
from leadline.core.scoring.holding import Holder
from leadline.core.scoring.model import PERSONA, Part, Persona, Rule
from leadline.core.scoring.operators import is_missing
from leadline.core.scoring.plan import Plan, SubjectPlan
from leadline.core.scoring.reading import Read


@dataclass(frozen=True, slots=True)
class Span:
    """What something that is unsettled could come to, in thousandths."""

    rule: str
    part: Part
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Reaching:
    """One record at one moment, asked what its missing facts could change. `engaged`: functions of who is engaged."""

    plan: Plan
    holder: Holder
    engaged: Sequence[str | None]

    def spans(self, worth: Mapping[str, int]) -> tuple[dict[Part, int], dict[Part, int]]:
        """Thousandths by part that could be gained, and (negative) lost. `worth`: points by id before caps."""
        concerns = self.plan.subjects[self.holder.entity]
        gains, losses = dict.fromkeys(Part, 0), dict.fromkeys(Part, 0)
        for fact, by_part in concerns.reach.joint.items():
            if is_missing(self.holder.own(fact)):
                for part, (gain, loss) in by_part.items():
                    gains[part] += gain
                    losses[part] += loss
        alone = [*self._alone(concerns)]
        open_ = {span.rule for span in alone} | {rule.id for rule in concerns.own_rules if self._open(rule, worth, ())}
        alone += [_either_way(rule) for rule in concerns.combined if self._open(rule, worth, open_)]
        for span in alone:
            now = worth.get(span.rule, 0)
            gains[span.part] += max(span.high - now, 0)
            losses[span.part] += min(span.low - now, 0)
        return gains, losses

    def _alone(self, concerns: SubjectPlan) -> Iterator[Span]:
        for rule in concerns.reach.alone:
            if self._open(rule, (), ()):
                yield _either_way(rule)
        for rule in open_people_rules(concerns, self.holder):
            yield _either_way(rule)
        if self.plan.model.persona:
            low, high = persona_reach(self.plan.model.persona, self.holder.reads)
            if low != high:
                yield Span(PERSONA, Part.PERSONA, low, high)
        for entry in open_committees(self.plan, self.holder.entity, self.engaged):
            yield Span(entry.id, entry.part, min(entry.points, 0), max(entry.points, 0))

    def _open(self, rule: Rule, fired: Collection[str], open_: Collection[str]) -> bool:
        return is_unsettled(rule.when, self.holder, self.holder.own, fired, open_)


def _either_way(rule: Rule) -> Span:
    return Span(rule.id, rule.part, min(rule.points, 0), max(rule.points, 0))


def is_unsettled(
    condition: Condition, holder: Holder, read: Read, fired: Collection[str], open_: Collection[str]
) -> bool:
    """Whether missing facts could change the answer. `open_` are the ids that are unsettled themselves."""
    if condition.holds(read, holder.now, fired) is None or any(name in open_ for name in condition.named()):
        return True
    return any(leaf.known is not None and is_missing(read(str(leaf.field))) for leaf in condition.leaves())


def open_people_rules(concerns: SubjectPlan, holder: Holder) -> Iterator[Rule]:
    """Rules about any person that are open for somebody and settled as true for nobody."""
    for rule in concerns.people_rules:
        loose = [is_unsettled(rule.when, holder, read, (), ()) for read in holder.reads]
        sure = any(
            rule.when.holds(read, holder.now) and not open_ for read, open_ in zip(holder.reads, loose, strict=True)
        )
        if any(loose) and not sure:
            yield rule


def persona_reach(persona: Persona, reads: Sequence[Read]) -> tuple[int, int]:
    """The least and the most that persona could come to."""
    spans = [_persona_span(persona, read) for read in reads]
    return max((low for low, _ in spans), default=0), max((high for _, high in spans), default=0)


def _persona_span(persona: Persona, read: Read) -> tuple[int, int]:
    function, seniority = read("person.function"), read("person.seniority")
    if is_missing(function):
        tables = [persona.points, persona.elsewhere]
    else:
        tables = [persona.points if function in persona.functions else persona.elsewhere]
    words = [*SENIORITIES, ""] if is_missing(seniority) else [seniority]
    worth = [table.get(word, 0) for table in tables for word in words]
    return min(worth), max(worth)
