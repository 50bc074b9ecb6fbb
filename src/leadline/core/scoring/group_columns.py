"""The group of every record, as one expression; `groups` is the same for one record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import narwhals.stable.v2 as nw

from leadline.core.scoring import expressions as ex
from leadline.core.scoring.bands import Group
from leadline.core.scoring.expressions import Expr, either, number
from leadline.core.scoring.groups import group_names
from leadline.core.scoring.model import DAY, POINT, Model

Fired = Callable[[str], Expr]


def group_number(model: Model, every: Sequence[str], fired: Fired, now: int) -> Expr:
    """The group's place in `every`, from the dimensions, `previous_group`, `group_since` and `disqualified`.

    `fired` tells whether a rule counts or a flag is up.
    """
    names = group_names(model)
    last = model.groups[-1].group.value
    target: Expr = number(names.index(last))
    for entry in reversed(model.groups[:-1]):
        target = either(_inside(entry, 0, fired), number(names.index(entry.group.value)), target)
    previous: Expr = number(len(names))
    stays = nw.lit(value=False)
    for name in names:
        previous = either(nw.col("previous_group") == name, number(names.index(name)), previous)
    for entry in model.groups:
        here = (nw.col("previous_group") == entry.group.value).fill_null(value=False)
        stays = stays | (here & _inside(entry, model.hysteresis, fired))
    if model.minimum_stay_days:
        early = nw.col("group_since") > now - model.minimum_stay_days * DAY
        stays = stays | early.fill_null(value=False)
    rank = either((target > previous) & stays, previous, target)
    rank = either(nw.col("disqualified"), number(names.index(last)), rank)
    if list(names) == list(every):
        return rank
    found: Expr = number(every.index(names[-1]))
    for name in names[:-1]:
        found = either(rank == names.index(name), number(every.index(name)), found)
    return found


def _inside(entry: Group, give: int, fired: Fired) -> Expr:
    tests = []
    for name, (low, high) in entry.when.items():
        unit = 1 if name == "completeness" else POINT
        if low is not None:
            tests.append(nw.col(name) >= (low - give) * unit)
        if high is not None:
            tests.append(nw.col(name) < high * unit)
    return ex.every([*tests, *(fired(name) for name in entry.needs)])
