"""How one record's score came to be what it is: what it was before, and what moved it from there.

Each scoring is made again from what was known then, by the model that was in use, so that the parts of a change
are exact. Where that is impossible (the model or the facts of then are not kept), it is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from leadline.app.models import kept_model
from leadline.app.subjects import subject_from
from leadline.core.entities import Entity
from leadline.core.scoring.cause import Change, Scoring, change
from leadline.store.models import digest_at
from leadline.store.past import facts_at, home_at
from leadline.store.past_scores import former_of_group, list_former, standings, state_after
from leadline.store.versions import Moment

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import Project

_SHOWN = 10


class Span(StrEnum):
    """Which two scorings are compared."""

    SINCE_LAST_SCORING = "since_last_scoring"
    LAST_CHANGE = "last_change"
    LAST_CHANGE_OF_GROUP = "last_change_of_group"


@dataclass(frozen=True, slots=True)
class Compared:
    """One change of a record's score, from the scoring at `before` to the one at `after` (seconds).

    `exact`: both scorings, made again, came to what is stored. `change` is None when one of them cannot be made
    again; `why_not` says why.
    """

    span: Span
    before: int
    after: int
    change: Change | None
    exact: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """States of a record's score, newest first (the present one leads), and what is behind the changes."""

    states: list[dict[str, Any]]
    changes: list[Compared]


def history_of(
    project: Project, connection: Connection, entity: Entity, uid: str, *, until: int, present: Scoring | None = None
) -> History:
    """The history of one record up to a time. `present` is a scoring of now, to be compared with the stored one."""
    standing = standings(connection, [uid], at=until).get(uid)
    if standing is None:
        return History([], [])
    replayer = _Replayer(project, connection, entity, uid)
    former = list_former(connection, uid, limit=_SHOWN, before=until)
    changes: list[Compared] = []
    if present is not None:
        changes += replayer.since(standing, present)
    if former:
        changes.append(replayer.between(Span.LAST_CHANGE, former[0], standing))
    crossed = former_of_group(connection, uid, standing["group"], before=until)
    if crossed is not None and crossed["replaced_at"] != former[0]["replaced_at"]:
        following = state_after(connection, uid, crossed["replaced_at"]) or standing
        changes.append(replayer.between(Span.LAST_CHANGE_OF_GROUP, crossed, following))
    return History([standing, *former], changes)


class _Replayer:
    """Makes former scorings of one record again."""

    def __init__(self, project: Project, connection: Connection, entity: Entity, uid: str) -> None:
        self._project, self._connection = project, connection
        self._entity, self._uid = entity, uid

    def since(self, stored: Mapping[str, Any], present: Scoring) -> Iterator[Compared]:
        """What a scoring of now would change in the stored one; nothing when it would change nothing."""
        before = self._scoring(stored["model"], stored["scored_at"])
        at = (stored["scored_at"], present.now)
        if isinstance(before, str):
            yield Compared(Span.SINCE_LAST_SCORING, *at, None, why_not=before)
            return
        made = change(before, present)
        new = made.after.evaluation
        if new.score != stored["score"] or new.group != stored["group"]:
            exact = made.before.evaluation.score == stored["score"]
            yield Compared(Span.SINCE_LAST_SCORING, *at, made, exact)

    def between(self, span: Span, old: Mapping[str, Any], new: Mapping[str, Any]) -> Compared:
        """What is behind the change from one stored state to the next."""
        at = (old["scored_at"], old["replaced_at"])
        before, after = self._scoring(old["model"], at[0]), self._scoring(self._made_by(new, at[1]), at[1])
        if isinstance(before, str) or isinstance(after, str):
            return Compared(span, *at, None, why_not=before if isinstance(before, str) else str(after))
        made = change(before, after)
        scores = (made.before.evaluation.score, made.after.evaluation.score)
        return Compared(span, *at, made, exact=scores == (old["score"], new["score"]))

    def _made_by(self, state: Mapping[str, Any], at: int) -> str:
        """The model that first came to this state, at that time: a later one may have confirmed it since."""
        if state["scored_at"] <= at:
            return str(state["model"])
        return digest_at(self._connection, at) or str(state["model"])

    def _scoring(self, version: str, at: int) -> Scoring | str:
        """The scoring at that time, or why it cannot be made again."""
        digest = version.partition("/")[0]
        model = kept_model(self._project, self._connection, digest)
        if model is None:
            return f"the model {digest[:12]} of then is not kept, or says nothing to this version of Leadline"
        moment = Moment(at, as_known=True)
        home = home_at(self._connection, self._entity, self._uid, moment)
        if home is None or home[0] != self._uid:
            return "the record of then is not kept"
        facts = facts_at(self._connection, [home[1]], moment).facts
        return Scoring(model, subject_from(facts, self._entity, self._uid), at)
