"""One record from stored facts: its score now or at an earlier time, line by line, how it came to that, and what has
been done about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadline.app.history import History, history_of
from leadline.app.lookback import Asked, chosen_model, forgotten_before, looking_back
from leadline.app.lookup import identify, subject_of
from leadline.app.subjects import subject_from
from leadline.core.scoring.cause import Scoring
from leadline.core.scoring.due import Due, next_due
from leadline.core.scoring.explain import Explanation, explain
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.qualification import qualification_parts
from leadline.core.scoring.questions import Question, approached, questions
from leadline.sdk.errors import ConfigError
from leadline.store.facts import load_facts
from leadline.store.past import facts_at, home_at
from leadline.store.scores import list_subject_effects

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import Project
    from leadline.core.entities import Entity
    from leadline.core.scoring.model import Model
    from leadline.store.facts import ClusterFacts
    from leadline.store.versions import Moment

_HORIZON = 400 * 86_400
"""How far ahead the next change of group is looked for; longer than any signal's usual window."""


@dataclass(frozen=True, slots=True)
class Told:
    """Everything about one record. `next_change_at` and `next_group` are None when nothing changes its group by age
    alone; `questions` are the missing facts that would.

    `assumed`: the record was read only after that time; `forgotten_before`: the time lies before what is kept.
    """

    uid: str
    entity: Entity
    row: Mapping[str, Any]
    names: Mapping[str, str]
    stored: Mapping[str, Any] | None
    model: Model
    explanation: Explanation
    next_change_at: int | None
    next_group: str | None
    questions: tuple[Question, ...]
    history: History
    effects: list[dict[str, Any]]
    assumed: bool = False
    forgotten_before: int | None = None

    @property
    def flags(self) -> list[str]:
        """What the model calls the flags that are up."""
        names = {flag.id: flag.name for flag in self.model.flags}
        return [names[flag] for flag in self.explanation.evaluation.flags]

    @property
    def qualification(self) -> dict[str, int]:
        """Thousandths by part of a qualification framework, as `bant.need`."""
        evaluation = self.explanation.evaluation
        variant = compile_model(self.model).of(evaluation.segment).model
        return {str(part): points for part, points in qualification_parts(variant, evaluation.ledger).items()}


def tell(project: Project, text: str, asked: Asked | None = None) -> Told:
    """Explain the account or person that `text` names, as of the project's time or the one that is asked for.

    ConfigError when there is none, or when it was not there then.
    """
    asked = asked or Asked()
    model, moment = chosen_model(project, asked), looking_back(project, asked)
    now = project.now() if asked.at is None else asked.at
    with project.reading().begin() as connection:
        entity, named = identify(connection, text, gone_too=moment is not None)
        if moment is None:
            uid, cluster = subject_of(connection, entity, named)
            facts, assumed = load_facts(connection, [cluster]), False
        else:
            uid, facts, assumed = _then(connection, entity, named, moment)
        subject = subject_from(facts, entity, uid)
        present = Scoring(model, subject, now) if moment is None else None
        history = history_of(project, connection, entity, uid, until=now, present=present)
        done = [row for row in list_subject_effects(connection, uid) if moment is None or row["planned_at"] <= now]
    explanation = explain(model, subject, now)
    following = outlook(model, explanation)
    rows = {row["uid"]: row for row in (*facts.accounts, *facts.people)}
    return Told(
        uid=uid,
        entity=entity,
        row=rows[uid],
        names={key: str(row["name"] or key) for key, row in rows.items()},
        stored=facts.scores.get(uid),
        model=model,
        explanation=explanation,
        next_change_at=following.next_change_at,
        next_group=following.next_group,
        questions=_questions(model, explanation),
        history=history,
        effects=done,
        assumed=assumed,
        forgotten_before=forgotten_before(project, moment),
    )


def _then(connection: Connection, entity: Entity, named: str, moment: Moment) -> tuple[str, ClusterFacts, bool]:
    """The subject that a record stood for at the moment, its facts, and whether it was read later only."""
    home = home_at(connection, entity, named, moment)
    if home is None:
        known = "known" if moment.as_known else "there"
        raise ConfigError(f"{named} was not {known} at that time", fix="Name a later time with --at.")
    past = facts_at(connection, [home[1]], moment)
    return home[0], past.facts, home[0] in past.assumed


def next_change(model: Model, explanation: Explanation) -> int | None:
    """When the record's group changes if nothing else happens."""
    return outlook(model, explanation).next_change_at


def outlook(model: Model, explanation: Explanation) -> Due:
    """When the record's group changes, and to which, if nothing else happens."""
    never = 1_000_000  # points: only a change of group ends the walk
    plan, found = compile_model(model), explanation.evaluation
    return next_due(plan, found, explanation.now, pushed=None, n=never, horizon=_HORIZON)


def _questions(model: Model, explanation: Explanation) -> tuple[Question, ...]:
    evaluation, now = explanation.evaluation, explanation.now
    who = approached(compile_model(model), evaluation.subject, now)
    return tuple(questions(model, evaluation, now, approach=who))
