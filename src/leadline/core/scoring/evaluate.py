"""One record at a time, in plain Python: what `explain`, worked examples and the walk start from.

The frame engine does the same for whole tables; tests hold the two and the reference scorer equal.
"""

from __future__ import annotations

from leadline.core.entities import Entity
from leadline.core.scoring.amounts import add_up, cap_rows, whole, within
from leadline.core.scoring.conduct import committee_rows, engaged_functions, idle_rows, signal_rows, tally
from leadline.core.scoring.groups import Place, assign
from leadline.core.scoring.holding import (
    combined_rows,
    holder_of,
    holding,
    plain_rows,
)
from leadline.core.scoring.model import POINT, Model, Part
from leadline.core.scoring.operators import is_missing
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.reaching import Reaching
from leadline.core.scoring.reading import account_read, person_read
from leadline.core.scoring.subject import Evaluation, LedgerRow, Subject, Tally


def segment_of(plan: Plan, subject: Subject) -> str:
    """The id of the record's segment, "" for none: the account's; of a person without one, by their own facts."""
    read = account_read(subject.account)
    if subject.account is None and subject.entity is Entity.PERSON:
        read = person_read(subject.people[0], None)
    return next((segment.id for segment, _ in plan.variants if segment.when.holds(read, 0)), "")


def evaluate(
    model: Model, subject: Subject, now: int, *, plan: Plan | None = None, segment: str | None = None
) -> Evaluation:
    """Score one record at `now`. `segment`: score as if in that one ("" for none), wherever the facts lead."""
    whole_plan = plan or compile_model(model)
    name = segment_of(whole_plan, subject) if segment is None else segment
    return _Scoring(whole_plan.of(name), subject, now).evaluation()


class _Scoring:
    """One record on its way through the steps of `docs/scoring.md`."""

    def __init__(self, plan: Plan, subject: Subject, now: int) -> None:
        self._plan, self._subject, self._now = plan, subject, now
        self._concerns = plan.subjects[subject.entity]
        self._holder = holder_of(subject, now)
        self._tallies: tuple[Tally, ...] = tally(plan, subject, now)

    def evaluation(self) -> Evaluation:
        subject, model = self._subject, self._plan.model
        rows = self._rows()
        fired = frozenset(row.rule for row in rows)
        rows += cap_rows(self._concerns.caps, {row.rule: row.points for row in rows})
        before = {part: sum(row.points for row in rows if row.part == part) for part in Part}
        sums = add_up(model, before)
        engaged = engaged_functions(subject, self._tallies)
        gains, losses = Reaching(self._plan, self._holder, engaged).spans({row.rule: row.points for row in rows})
        highest = {part: before[part] + gains[part] for part in Part}
        fit_max = whole(within(highest[Part.FIT], model.limits(Part.FIT)))
        score_min = add_up(model, {part: before[part] + losses[part] for part in Part}).score
        score_max = add_up(model, highest).score
        asked = self._concerns.asked
        missing = tuple(name for name in asked if is_missing(self._holder.own(name)))
        completeness = 100 * (len(asked) - len(missing)) // len(asked) if asked else 100
        reasons = tuple(entry.reason for entry in holding(model.disqualify, self._holder, fired))
        flags = tuple(entry.id for entry in holding(model.flags, self._holder, fired))
        dimensions = {name: points // POINT for name, points in sums.parts.items()}
        dimensions |= {"score": sums.score // POINT, "fit_max": fit_max // POINT, "completeness": completeness}
        dimensions |= {"score_min": score_min // POINT, "score_max": score_max // POINT}
        place = Place(dimensions, fired | frozenset(flags), disqualified=bool(reasons))
        group = assign(model, place, subject.previous_group, since=subject.group_since, now=self._now)
        return Evaluation(
            subject,
            self._plan.segment,
            sums.score,
            score_min,
            score_max,
            sums.parts,
            fit_max,
            completeness,
            missing,
            reasons,
            flags,
            fired,
            group,
            (*rows, *sums.rows),
            self._tallies,
        )

    def _rows(self) -> list[LedgerRow]:
        """What gives points, before caps."""
        subject, plan = self._subject, self._plan
        rows = [
            *plain_rows(plan, self._holder),
            *signal_rows(plan, self._tallies, of_account=subject.entity is Entity.ACCOUNT),
            *idle_rows(plan, subject, self._now),
            *committee_rows(plan, subject, self._tallies),
        ]
        return [*rows, *combined_rows(self._concerns, self._holder, {row.rule for row in rows})]
