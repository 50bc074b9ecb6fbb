"""Which records nothing can happen to, told for whole tables at once.

Where everything only fades (`Course.fades`), rows of behaviour lie between what they are now and nothing from now on. A
record whose group and score stay where they are in all of that box is passed over without looking at its events.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring.bands import Group
from leadline.core.scoring.course import Course
from leadline.core.scoring.expressions import Expr, clamped, either, every, number, share, some, text, total, whole
from leadline.core.scoring.facts import Lazy
from leadline.core.scoring.groups import group_names
from leadline.core.scoring.model import CAP, FLOOR, IDLE, POINT, ROUNDING, WEIGHT, Part
from leadline.core.scoring.plan import Plan

SUMS = tuple(f"{kind}_{part}" for part in Part for kind in ("plain", "apart", "up", "down"))
_DIMENSIONS = (*(part.value for part in Part), "score", "fit_max", "completeness")
_BOX = tuple(f"{end}_{name}" for end in ("low", "high") for name in _DIMENSIONS)


def with_sums(frame: Lazy, plan: Plan, ledger: Lazy, apart: Collection[str]) -> Lazy:
    """Adds `SUMS`, thousandths of a ledger by part: `plain` and `apart` (ids that somebody asks about, and caps) of
    what does not fade, `up` and `down` of what behaviour gives and takes.
    """
    rows = ledger.filter(~nw.col("rule").is_in([CAP, FLOOR, ROUNDING, WEIGHT]))
    moving, asked = nw.col("rule").is_in(sorted(behaviour(plan))), nw.col("rule").is_in(sorted(apart))
    points = nw.col("points")
    kinds = {
        "plain": ~moving & ~asked,
        "apart": ~moving & asked,
        "up": moving & (points > 0),
        "down": moving & (points < 0),
    }
    split = rows.select("uid", "part", **{kind: either(test, points, number(0)) for kind, test in kinds.items()})
    by_part = split.group_by("uid", "part").agg(*[nw.col(kind).sum() for kind in kinds])
    for part in Part:
        mine = by_part.filter(nw.col("part") == text(part.value)).drop("part")
        frame = frame.join(mine.rename({kind: f"{kind}_{part}" for kind in kinds}), on="uid", how="left")
    return frame.with_columns(*[nw.col(name).fill_null(0) for name in SUMS])


def behaviour(plan: Plan) -> set[str]:
    """The ids of signals, committees and idleness of all variants."""
    committees = (entry.id for each in plan.every() for entry in each.model.committee)
    return {timed.signal.id for timed in plan.all_signals()} | {*committees} | {IDLE}


def all_restless(frame: Lazy) -> Lazy:
    """As `with_stillness` says it of records that it cannot tell anything about."""
    return frame.with_columns(still=nw.lit(value=False))


def with_stillness(frame: Lazy, courses: Mapping[tuple[str, Entity], Course], step: int) -> Lazy:
    """Adds `still`: whether nothing can happen to a record. It has the columns of scores, `SUMS`, reference and aged.

    In stages, so that no expression is repeated for each band that looks at it.
    """
    found = []
    for (segment, entity), course in courses.items():
        mine = frame.filter((nw.col("segment") == text(segment)) & (nw.col("entity") == text(entity.value)))
        if course.fades and not _caps_fade(course):
            mine = _boxed(mine, course).with_columns(still=_still(course, step)).drop(*_BOX)
        else:
            mine = all_restless(mine)
        found.append(mine)
    return nw.concat(found)


def _caps_fade(course: Course) -> bool:
    """Whether a cap over several limits what fades."""
    names = behaviour(course.plan)
    return any(name in names for cap in course.caps for name in cap.of)


def _boxed(frame: Lazy, course: Course) -> Lazy:
    """Adds the lowest and highest of each dimension, in thousandths: `low_<dimension>`, `high_<dimension>`."""
    model = course.plan.model
    idle: dict[str, int] = {model.idle.part: model.idle.points} if model.idle else {}
    box: dict[str, Expr] = {}
    for part in Part:
        fixed, coming = nw.col(f"plain_{part}") + nw.col(f"apart_{part}"), idle.get(part.value, 0)
        ends = {"low": nw.col(f"down_{part}") + min(coming, 0), "high": nw.col(f"up_{part}") + max(coming, 0)}
        for end, moving in ends.items():
            box[f"{end}_{part}"] = whole(clamped(fixed + moving, model.limits(part)))
    frame, box = frame.with_columns(**box), {}
    weights = [(part, model.weight(part)) for part in Part if model.weight(part)]
    for end in ("low", "high"):
        entering = total(share(nw.col(f"{end}_{part}"), weight) for part, weight in weights)
        box[f"{end}_score"] = whole(clamped(entering, model.total))
        box[f"{end}_fit_max"] = nw.col("fit_max")
        box[f"{end}_completeness"] = nw.col("completeness") * POINT
    return frame.with_columns(**box)


def _still(course: Course, step: int) -> Expr:
    reference, low, high = nw.col("reference"), nw.col("low_score"), nw.col("high_score")
    near = (high - reference < step) & (reference - low < step)
    same = (high == reference) & (low == reference)
    quiet = (nw.col("aged").is_null() & near) | same
    return quiet & (nw.col("disqualified") | _stays(course))


def _stays(course: Course) -> Expr:
    model, found = course.plan.model, nw.lit(value=False)
    names = group_names(model)
    for rank, name in enumerate(names):
        mine = [group for group in model.groups if group.group.value == name]
        better = [group for group in model.groups if names.index(group.group.value) < rank]
        held = some([_holds(group, model.hysteresis) for group in mine])
        stays = held & every([_fails(group) for group in better])
        found = nw.when(nw.col("group") == text(name)).then(stays).otherwise(found)
    return found


def _holds(group: Group, give: int) -> Expr:
    if group.needs:  # may be gone by then
        return nw.lit(value=False)
    tests = []
    for name, (least, most) in group.when.items():
        if least is not None:
            tests.append(nw.col(f"low_{name}") >= (least - give) * POINT)
        if most is not None:
            tests.append(nw.col(f"high_{name}") < most * POINT)
    return every(tests)


def _fails(group: Group) -> Expr:
    tests = []
    for name, (least, most) in group.when.items():
        if least is not None:
            tests.append(nw.col(f"high_{name}") < least * POINT)
        if most is not None:
            tests.append(nw.col(f"low_{name}") >= most * POINT)
    return some(tests)
