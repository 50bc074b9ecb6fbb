"""When a record must be looked at again if nothing else happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadline.core.scoring.conduct import last_positive
from leadline.core.scoring.course import Course, course_of
from leadline.core.scoring.facts import Facts, Out, Scored
from leadline.core.scoring.glide import Glide, Snapshot
from leadline.core.scoring.holding import holder_of, holding
from leadline.core.scoring.model import CAP, FLOOR, IDLE, POINT, ROUNDING, WEIGHT, Model
from leadline.core.scoring.moments import Counted
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.standings import FEW, Push, Standings, reference_score
from leadline.core.scoring.subject import Evaluation
from leadline.core.scoring.walk import Standing, State, Walk

__all__ = ["Due", "Watch", "due_all", "first_change", "next_due", "reference_score", "standing_of"]

_ANYTHING = 1  # thousandth


@dataclass(frozen=True, slots=True)
class Due:
    """`due_at`: when the group changes, the score has moved far enough from the one last pushed, or a write has grown
    old; at most the end of the walk. `next_change_at`: when the group changes, to `next_group`; None when it does not
    before the end. In seconds.
    """

    due_at: int
    next_change_at: int | None = None
    next_group: str | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What ends a walk: the score `step` (thousandths) off `reference`, or off by anything from `aged` on."""

    reference: int
    step: int
    aged: int | None = None

    def ends(self, state: State) -> bool:
        """Whether the score is far enough off."""
        away = abs(state.score - self.reference)
        return away >= self.step or (away > 0 and self.aged is not None and state.at >= self.aged)


def next_due(plan: Plan, evaluation: Evaluation, now: int, *, pushed: int | None, n: int, horizon: int) -> Due:
    """When the evaluated record next changes group or moves `n` points from `pushed` (thousandths).

    `plan` is that of the whole model. What is found lies after `now`, `due_at` at most `horizon` seconds ahead.
    """
    course = course_of(plan.of(evaluation.segment), evaluation.subject.entity)
    standing = standing_of(course, evaluation, now)
    watch = Watch(reference_score(evaluation.score, pushed, n * POINT), n * POINT)
    return first_change(course, standing, now, watch, end=now + horizon)


def first_change(course: Course, standing: Standing, now: int, watch: Watch, *, end: int) -> Due:
    """Go on until the group changes, and find on the way when the record is due."""
    if course.fades:
        return _gliding(Glide(course, standing, now), standing, watch, end)
    return _walking(Walk(course, standing, now), standing, watch, end)


def _walking(walk: Walk, standing: Standing, watch: Watch, end: int) -> Due:
    """Step by step: of any record."""
    due: int | None = None
    off = standing.score != watch.reference
    for state in walk.states(end):
        if due is None and off and watch.aged is not None and state.at > watch.aged:
            due = watch.aged
        off = state.score != watch.reference
        if due is None and (state.group != standing.group or watch.ends(state)):
            due = state.at
        if state.group != standing.group:
            return Due(due or state.at, state.at, state.group)
    if due is None:
        due = end if watch.aged is None or not off else min(watch.aged, end)
    return Due(due)


def _gliding(glide: Glide, standing: Standing, watch: Watch, end: int) -> Due:
    """By halves: first to where the record is due, then on to where its group changes."""
    due, found, here = _first_due(glide, standing, watch, end)
    if due is None:
        return Due(end)
    if found is None or found.group == standing.group:
        found = glide.first(here, end, reference=watch.reference, step=None)
    return Due(due, found.at, found.group) if found else Due(due)


def _first_due(glide: Glide, standing: Standing, watch: Watch, end: int) -> tuple[int | None, State | None, Snapshot]:
    """When the record is due, the state that makes it so (None: a write has grown old), and what it is then."""
    here, reference = glide.at(glide.now), watch.reference
    aged = watch.aged if watch.aged is not None and watch.aged < end else None
    if aged is not None and aged <= glide.now and standing.score != reference:
        return aged, None, here
    if aged is not None and aged > glide.now:
        found = glide.first(here, aged, reference=reference, step=watch.step)
        found = found or glide.first(glide.at(aged - 1), aged + 1, reference=reference, step=None)
        if found:
            return found.at, found, glide.at(found.at)
        here = glide.at(aged)
        if glide.score(here) != reference:
            return aged, None, here
    found = glide.first(here, end, reference=reference, step=watch.step if aged is None else _ANYTHING)
    return (found.at, found, glide.at(found.at)) if found else (None, None, here)


def standing_of(course: Course, evaluation: Evaluation, now: int) -> Standing:
    """Where an evaluated record stands."""
    subject, model = evaluation.subject, course.plan.model
    moving = {timed.signal.id for timed in course.plan.signals} | {entry.id for entry in model.committee}
    ours = moving | {IDLE, CAP, FLOOR, ROUNDING, WEIGHT} | {cap.id for cap in model.caps}
    holder = holder_of(subject, now)
    return Standing(
        group=evaluation.group,
        since=subject.group_since if evaluation.group == subject.previous_group else now,
        score=evaluation.score,
        completeness=evaluation.completeness,
        fit_max=evaluation.fit_max,
        rows={row.rule: row.points for row in evaluation.ledger if row.rule not in ours},
        events=[Counted(event.at, t.timed.index, t.holder) for t in evaluation.tallies for event in t.events],
        last_positive=last_positive(course.plan, subject.events),
        functions={str(person["uid"]): person.get("function") for person in subject.people},
        flags=evaluation.flags,
        out=any(holding(course.settled_exits, holder, ())),
        holder=holder,
    )


def due_all(
    model: Model,
    facts: Facts[Out],
    scored: Scored[Out],
    now: int,
    *,
    pushed: Mapping[str, int],
    n: int,
    horizon_seconds: int,
    aged: Mapping[str, int] | None = None,
    few: int = FEW,
) -> dict[str, Due]:
    """`next_due` of every scored record, by uid. `scored` must come from these facts at `now`.

    From `few` records on, those to which nothing can happen are found at once. `aged` gives instants after which a
    record is due as soon as its score is off by anything at all.
    """
    end, push = now + horizon_seconds, Push(pushed, aged or {}, n * POINT)
    standings = Standings(compile_model(model), facts, scored, now, push, few=few)
    due = dict.fromkeys(standings.still, Due(end))
    for placed in standings.restless():
        uid = placed.uid
        watch = Watch(push.reference(uid, placed.standing.score), push.step, push.aged.get(uid))
        due[uid] = first_change(placed.course, placed.standing, now, watch, end=end)
    return due
