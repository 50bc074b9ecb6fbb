"""The walk through time beside the reference, which is asked again and again instead of jumping ahead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tests.oracle.agreement import subjects
from tests.oracle.random_scoring import Records
from tests.oracle.reference_scorer import POINT, Case, Moment, World, case, instants, simulate

from leadline.core.scoring.due import Due, next_due
from leadline.core.scoring.evaluate import evaluate
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.subject import Subject

MINUTE = 60


@dataclass(frozen=True)
class Outing:
    """How a walk is asked: from `now` to `end` in seconds; `n` points from `pushed` (thousandths by uid).

    `minutely`: the reference is asked every minute too, not only on the days on which something may step.
    """

    now: int
    end: int
    n: int
    pushed: Mapping[str, int]
    minutely: bool = False

    def moments(self, record: Case) -> list[int]:
        """When the reference is asked."""
        found = instants(record, self.now, self.end)
        if not self.minutely:
            return found
        return sorted({*found, *range(self.now + MINUTE, self.end, MINUTE)})


def expected(record: Case, outing: Outing) -> tuple[Due, int]:
    """What the reference sees coming, in the words of the walk; and how often it was asked."""
    moments = outing.moments(record)
    pushed = outing.pushed.get(record.uid)
    found = simulate(record, outing.now, moments, pushed=pushed, step=outing.n * POINT)
    due_at = outing.end if found.due_at is None else found.due_at
    return Due(due_at, found.next_change_at, found.next_group), len(moments)


def walk_agrees(model: Model, records: Records, outing: Outing) -> Counter[str]:
    """Every record's next due instant, change and group are those of the reference. Gives what was counted."""
    world, plan, counts = World(records.accounts, records.people, records.events), compile_model(model), Counter[str]()
    for subject in subjects(records):
        evaluation = evaluate(model, subject, outing.now, plan=plan)
        pushed, horizon = outing.pushed.get(subject.uid), outing.end - outing.now
        found = next_due(plan, evaluation, outing.now, pushed=pushed, n=outing.n, horizon=horizon)
        wanted, asked = expected(case(model, world, subject.uid), outing)
        assert (subject.uid, found) == (subject.uid, wanted)
        counts["records"] += 1
        counts["instants"] += asked
        counts["due"] += wanted.due_at < outing.end
        counts["changes"] += wanted.next_change_at is not None
        counts["due before the change"] += wanted.next_change_at is not None and wanted.due_at < wanted.next_change_at
    return counts


@dataclass(frozen=True)
class Seen:
    """A record at an instant at which its group had changed or its score had moved far enough."""

    at: int
    score: int
    group: str


def woken(plan: Plan, subject: Subject, outing: Outing) -> tuple[list[Seen], int]:
    """What a worker sees that wakes when a record is due, and how often it woke."""
    now, step = outing.now, outing.n * POINT
    evaluation = evaluate(plan.model, subject, now, plan=plan)
    pushed, wakings = evaluation.score, 0
    seen: list[Seen] = []
    while True:
        since = subject.group_since if evaluation.group == subject.previous_group else now
        subject = replace(subject, previous_group=evaluation.group, group_since=since)
        now = next_due(plan, evaluation, now, pushed=pushed, n=outing.n, horizon=outing.end - now).due_at
        if now >= outing.end:
            return seen, wakings
        wakings += 1
        evaluation = evaluate(plan.model, subject, now, plan=plan)
        if evaluation.group != subject.previous_group or abs(evaluation.score - pushed) >= step:
            seen.append(Seen(now, evaluation.score, evaluation.group))
            pushed = evaluation.score


def watched(record: Case, moments: Iterable[int], outing: Outing) -> list[Seen]:
    """What somebody sees who looks at every one of these moments."""
    start = Moment(record, outing.now)
    previous, since = record.record.get("previous_group"), record.record.get("group_since")
    group = start.group(previous, since)
    since = since if group == previous else outing.now
    pushed = start.sums.score
    seen: list[Seen] = []
    for now in moments:
        moment = Moment(record, now)
        following, score = moment.group(group, since), moment.sums.score
        if following != group or abs(score - pushed) >= outing.n * POINT:
            seen.append(Seen(now, score, following))
            since = since if following == group else now
            group, pushed = following, score
    return seen


def nothing_is_missed(model: Model, records: Records, outing: Outing) -> Counter[str]:
    """A worker that sleeps until a record is due sees what somebody sees who never looks away."""
    world, plan, counts = World(records.accounts, records.people, records.events), compile_model(model), Counter[str]()
    for subject in subjects(records):
        record = case(model, world, subject.uid)
        moments = outing.moments(record)
        seen, wakings = woken(plan, subject, outing)
        assert (subject.uid, seen) == (subject.uid, watched(record, moments, outing))
        counts.update({"records": 1, "instants": len(moments), "wake-ups": wakings, "due": len(seen)})
    return counts
