"""Why a score is another one than before: time, what happened, the segment, the model. Exact, in thousandths.

The record is scored again with one thing changed after the other, in this order: the clock, the facts, the
segment, the model. What each step adds is its part, so the parts sum to the difference, and a part is zero
when its cause is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from leadline.core.entities import FIELDS, Entity
from leadline.core.scoring.evaluate import segment_of
from leadline.core.scoring.explain import Explanation, Line, explain
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.subject import Subject


class Cause(StrEnum):
    """What moves a score, in the order in which it is looked for."""

    DECAY = "decay"
    DATA = "data"
    SEGMENT = "segment"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Scoring:
    """What one scoring was made of: the model, the record's facts as they were known, and the time."""

    model: Model
    subject: Subject
    now: int


@dataclass(frozen=True, slots=True)
class SourceMove:
    """What one source (an activity, a person, an account) gave to a rule before and after, in thousandths."""

    source: str | None
    people: tuple[str, ...]
    at: int | None
    value: str | None
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class RuleMove:
    """What a row of the ledger was before and after a step, in thousandths, and the sources that moved it."""

    rule: str
    name: str
    part: str
    before: int
    after: int
    sources: tuple[SourceMove, ...]

    @property
    def points(self) -> int:
        """By how many thousandths it moved."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Step:
    """The part of one cause: thousandths, the rules behind them, and the group that the record had then."""

    cause: Cause
    points: int
    rules: tuple[RuleMove, ...]
    group: str


@dataclass(frozen=True, slots=True)
class FactMove:
    """A fact of a record that is another one now; `field` is empty for a person who came or went."""

    uid: str
    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """Two scorings of one record. The points of the four steps sum to `points`, exactly.

    `segments` are those before and after, "" for none.
    """

    before: Explanation
    after: Explanation
    steps: tuple[Step, ...]
    facts: tuple[FactMove, ...]
    segments: tuple[str, str]

    @property
    def points(self) -> int:
        """By how many thousandths the score moved."""
        return self.after.evaluation.score - self.before.evaluation.score

    def part(self, cause: Cause) -> int:
        """Thousandths of one cause."""
        return next(step.points for step in self.steps if step.cause is cause)


def change(before: Scoring, after: Scoring) -> Change:
    """Take the way from one scoring of a record to another apart."""
    first = explain(before.model, before.subject, before.now)
    old = first.evaluation.segment
    new = segment_of(compile_model(before.model), after.subject)
    group = first.evaluation.group
    # On the way the record stands where it stood, so that a step shows where it leads on its own.
    since = before.subject.group_since if group == before.subject.previous_group else before.now
    then = replace(before.subject, previous_group=group, group_since=since)
    facts = replace(after.subject, previous_group=group, group_since=since)
    stages = (
        (Cause.DECAY, explain(before.model, then, after.now, segment=old)),
        (Cause.DATA, explain(before.model, facts, after.now, segment=old)),
        (Cause.SEGMENT, explain(before.model, facts, after.now, segment=new)),
        (Cause.MODEL, explain(after.model, after.subject, after.now)),
    )
    steps, present = [], first
    for cause, following in stages:
        moves = tuple(_rule_moves(present.lines, following.lines))
        points = following.evaluation.score - present.evaluation.score
        steps.append(Step(cause, points, moves, following.evaluation.group))
        present = following
    segments = (old, present.evaluation.segment)
    return Change(first, present, tuple(steps), tuple(_fact_moves(before.subject, after.subject)), segments)


# What differs


@dataclass(slots=True)
class _Row:
    """The lines of one row of the ledger, by source."""

    name: str
    lines: dict[tuple[str, str, int], list[Line]]

    @property
    def points(self) -> int:
        return sum(line.points for lines in self.lines.values() for line in lines)


def _rows(lines: Iterable[Line]) -> dict[tuple[str, str], _Row]:
    rows: dict[tuple[str, str], _Row] = {}
    for line in lines:
        row = rows.setdefault((line.rule, line.part), _Row(line.name, {}))
        key = (line.source or "", ",".join(line.people), line.at or 0)
        row.lines.setdefault(key, []).append(line)
    return rows


def _rule_moves(before: Iterable[Line], after: Iterable[Line]) -> Iterator[RuleMove]:
    """Rows of the ledger that give something else now, the strongest move first."""
    old, new = _rows(before), _rows(after)
    empty = _Row("", {})
    moves = []
    for key in old.keys() | new.keys():
        was, now = old.get(key, empty), new.get(key, empty)
        if was.points != now.points:
            sources = tuple(_source_moves(was, now))
            moves.append(RuleMove(key[0], now.name or was.name, key[1], was.points, now.points, sources))
    moves.sort(key=lambda move: (-abs(move.points), move.part, move.rule))
    yield from moves


def _source_moves(was: _Row, now: _Row) -> Iterator[SourceMove]:
    moves = []
    for key in was.lines.keys() | now.lines.keys():
        before, after = was.lines.get(key, []), now.lines.get(key, [])
        old, new = (sum(line.points for line in lines) for lines in (before, after))
        if old != new:
            shown = (after or before)[0]
            moves.append(SourceMove(shown.source, shown.people, shown.at, shown.value, old, new))
    moves.sort(key=lambda move: (-abs(move.after - move.before), -(move.at or 0), move.source or ""))
    yield from moves


def _fact_moves(before: Subject, after: Subject) -> Iterator[FactMove]:
    yield from _field_moves(Entity.ACCOUNT, before.account, after.account)
    old = {str(person["uid"]): person for person in before.people}
    new = {str(person["uid"]): person for person in after.people}
    for uid in sorted(old.keys() | new.keys()):
        if uid in old and uid in new:
            yield from _field_moves(Entity.PERSON, old[uid], new[uid])
        else:
            yield FactMove(uid, "", uid in old, uid in new)


def _field_moves(
    entity: Entity, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[FactMove]:
    old, new = before or {}, after or {}
    uid = str((after or before or {}).get("uid", ""))
    for field in FIELDS[entity]:
        if field.scored and old.get(field.name) != new.get(field.name):
            yield FactMove(uid, f"{entity}.{field.name}", old.get(field.name), new.get(field.name))
