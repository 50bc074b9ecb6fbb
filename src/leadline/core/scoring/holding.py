"""Rules, persona, flags and disqualification of one record: what its facts come to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from leadline.core.entities import Entity
from leadline.core.scoring.model import PERSONA, Part, Persona, Rule
from leadline.core.scoring.plan import Plan, SubjectPlan
from leadline.core.scoring.reading import Read, account_read, person_read, shown
from leadline.core.scoring.rules import Conditional
from leadline.core.scoring.subject import LedgerRow, Subject

Entry = TypeVar("Entry", bound=Conditional)


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose facts are asked: one record at one moment. `reads` are those of an account's people, or of the person."""

    entity: Entity
    own: Read
    reads: Sequence[Read]
    now: int

    def asked(self, entry: Conditional) -> Sequence[Read]:
        """Whose facts an entry reads: any person's, or the record's own."""
        return self.reads if self.entity is Entity.ACCOUNT and entry.by_any_person else [self.own]


def holder_of(subject: Subject, now: int) -> Holder:
    """Whose facts are asked when the record is scored at `now`."""
    reads = [person_read(person, subject.account) for person in subject.people]
    own = reads[0] if subject.entity is Entity.PERSON else account_read(subject.account)
    return Holder(subject.entity, own, reads, now)


# What is so


def plain_rows(plan: Plan, holder: Holder) -> Iterator[LedgerRow]:
    """Rows of rules that do not ask what fired, and of persona."""
    concerns = plan.subjects[holder.entity]
    for rule in (*concerns.own_rules, *concerns.people_rules):
        hits = [read for read in holder.asked(rule) if rule.when.holds(read, holder.now)]
        if hits:
            texts = [text for read in hits if (text := shown(rule.when, read)) is not None]
            yield _rule_row(rule, len(hits), min(texts, default=None))
    if plan.model.persona:
        yield from _persona_rows(plan.model.persona, holder.reads)


def combined_rows(concerns: SubjectPlan, holder: Holder, fired: Collection[str]) -> Iterator[LedgerRow]:
    """Rows of rules that ask what fired."""
    for rule in concerns.combined:
        if rule.when.holds(holder.own, holder.now, fired):
            yield _rule_row(rule, 1, shown(rule.when, holder.own))


def _rule_row(rule: Rule, count: int, value: str | None) -> LedgerRow:
    return LedgerRow(rule.id, rule.part, rule.points, rule.points, count=count, value=value)


def _persona_rows(persona: Persona, reads: Sequence[Read]) -> Iterator[LedgerRow]:
    scored = [(persona_points(persona, read), persona_text(read)) for read in reads]
    best = max((points for points, _ in scored), default=0)
    if best:
        texts = [text for points, text in scored if points == best]
        yield LedgerRow(PERSONA, Part.PERSONA, best, best, count=len(texts), value=min(texts))


def persona_points(persona: Persona, read: Read) -> int:
    """Thousandths for a person's seniority and function."""
    table = persona.points if read("person.function") in persona.functions else persona.elsewhere
    return table.get(read("person.seniority") or "", 0)


def persona_text(read: Read) -> str:
    """The seniority and function that were read."""
    return ", ".join(value for name in ("person.seniority", "person.function") if (value := read(name)))


def holding(entries: Sequence[Entry], holder: Holder, fired: Collection[str]) -> Iterator[Entry]:
    """The flags or disqualifications that are so for the record, in their order."""
    for entry in entries:
        if entry.counts_for(holder.entity) and any(
            entry.when.holds(read, holder.now, fired) for read in holder.asked(entry)
        ):
            yield entry
