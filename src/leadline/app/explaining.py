"""One record from stored facts: its score now, line by line, and what has been done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadline.app.lookup import identify, subject_of
from leadline.core.entities import Entity
from leadline.core.scoring.due import next_due
from leadline.core.scoring.explain import Explanation, explain
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.subject import Event, Subject
from leadline.store.facts import ClusterFacts, load_facts
from leadline.store.scores import list_subject_effects

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project

_HORIZON = 400 * 86_400
"""How far ahead the next change of group is looked for; longer than any signal's usual window."""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything about one record. `next_change_at` is None when nothing changes its group by age alone."""

    uid: str
    entity: Entity
    row: Mapping[str, Any]
    names: Mapping[str, str]
    stored: Mapping[str, Any] | None
    explanation: Explanation
    next_change_at: int | None
    effects: list[dict[str, Any]]


def tell(project: Project, text: str) -> Told:
    """Explain the account or person that `text` names, as of the project's time. ConfigError when there is none."""
    with project.reading().begin() as connection:
        entity, named = identify(connection, text)
        uid, cluster = subject_of(connection, entity, named)
        facts = load_facts(connection, [cluster])
        done = list_subject_effects(connection, uid)
    subject = subject_from(facts, entity, uid)
    explanation = explain(project.model, subject, project.now())
    rows = {row["uid"]: row for row in (*facts.accounts, *facts.people)}
    return Told(
        uid=uid,
        entity=entity,
        row=rows[uid],
        names={key: str(row["name"] or key) for key, row in rows.items()},
        stored=facts.scores.get(uid),
        explanation=explanation,
        next_change_at=next_change(project, explanation),
        effects=done,
    )


def next_change(project: Project, explanation: Explanation) -> int | None:
    """When the record's group changes if nothing else happens."""
    now = explanation.now
    never = 1_000_000  # points: only a change of group ends the walk
    due = next_due(compile_model(project.model), explanation.evaluation, now, pushed=None, n=never, horizon=_HORIZON)
    return due if due < now + _HORIZON else None


def subject_from(facts: ClusterFacts, entity: Entity, uid: str) -> Subject:
    """One subject's facts in the form that is scored record by record."""
    accounts = {row["uid"]: row for row in facts.accounts}
    people = {row["uid"]: row for row in facts.people}
    before = facts.scores.get(uid)
    account = accounts.get(uid) if entity is Entity.ACCOUNT else accounts.get(people[uid]["account"] or "")
    members = tuple(people.values()) if entity is Entity.ACCOUNT else (people[uid],)
    events = tuple(
        Event(row["kind"], row["at"], row["person"], row["account"], row["asset"], row["uid"])
        for row in facts.events
        if entity is Entity.ACCOUNT or row["person"] == uid
    )
    return Subject(entity, uid, account, members, events, before["group"] if before else None)
