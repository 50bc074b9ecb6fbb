"""Which people of an account are behind a row of its ledger."""

from __future__ import annotations

from collections.abc import Iterator

from leadline.core.entities import Entity
from leadline.core.scoring.conduct import engaged
from leadline.core.scoring.holding import persona_points
from leadline.core.scoring.model import IDLE, PERSONA
from leadline.core.scoring.plan import Plan
from leadline.core.scoring.reading import person_read
from leadline.core.scoring.subject import Evaluation, LedgerRow


def people_behind(plan: Plan, evaluation: Evaluation, row: LedgerRow, now: int) -> tuple[str, ...]:
    """The uids of the people who make a row of an account's ledger so, in order; none for a fact of the account.

    Of a rule on people those of whom it is true, of the persona those with the best role, of a committee those who
    are engaged, of idleness those who were the last to do something. `plan` is that of the record's segment.
    """
    if evaluation.subject.entity is not Entity.ACCOUNT:
        return ()
    return tuple(sorted(_people(plan, evaluation, row, now)))


def _people(plan: Plan, evaluation: Evaluation, row: LedgerRow, now: int) -> Iterator[str]:
    subject = evaluation.subject
    reads = {str(person["uid"]): person_read(person, subject.account) for person in subject.people}
    if row.rule == PERSONA and plan.model.persona:
        persona = plan.model.persona
        yield from (uid for uid, read in reads.items() if persona_points(persona, read) == row.points)
    if row.rule == IDLE:
        last = (event for event in subject.events if event.at == row.last_at and event.person in reads)
        yield from {
            str(event.person) for event in last if any(t.positive for t in plan.matching(event.kind, event.asset))
        }
    for rule in plan.subjects[subject.entity].people_rules:
        if rule.id == row.rule:
            yield from (uid for uid, read in reads.items() if rule.when.holds(read, now))
    for entry in plan.model.committee:
        if entry.id == row.rule:
            wanted = entry.functions
            yield from (
                str(person["uid"])
                for person in engaged(subject, evaluation.tallies)
                if wanted is None or person.get("function") in wanted
            )
