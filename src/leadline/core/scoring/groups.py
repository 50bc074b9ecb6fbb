"""Where a record stands: the first group whose bands hold, with hysteresis and a minimum stay on the way down.

A better (earlier) group is entered at once. A record leaves for a worse one only when the bands of
its present group fail even with their lower ends moved down by `hysteresis` points, and not before
it has stood there for the minimum stay. Disqualified records stand in the last group, at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leadline.core.scoring.bands import Group
from leadline.core.scoring.model import DAY, Model


@dataclass(frozen=True, slots=True)
class Place:
    """What decides where a record stands.

    `dimensions` are whole points (completeness in percent); `fired` the ids of rules, signals and committees that
    count, and of flags that are up.
    """

    dimensions: Mapping[str, int]
    fired: Collection[str] = ()
    disqualified: bool = False


def group_names(model: Model) -> tuple[str, ...]:
    """The model's groups, best first, each once."""
    return tuple(dict.fromkeys(group.group.value for group in model.groups))


def every_group(model: Model) -> tuple[str, ...]:
    """The groups of a model and of its segments, best first, each once.

    A group that only a segment has stands above the one that follows it there.
    """
    names = list(group_names(model))
    for segment in model.segments:
        following = len(names)
        for group in reversed(segment.own_groups or ()):
            name = group.group.value
            if name in names:
                following = names.index(name)
            else:
                names.insert(following, name)
    return tuple(names)


def assign(model: Model, place: Place, previous: str | None, *, since: int | None = None, now: int = 0) -> str:
    """The group of a record that stood in `previous` since `since` (seconds)."""
    last = model.groups[-1].group.value
    if place.disqualified:
        return last
    names = group_names(model)
    target = next((g.group.value for g in model.groups if _holds(g, place, 0)), last)
    if previous is None or previous not in names or names.index(target) <= names.index(previous):
        return target
    if since is not None and model.minimum_stay_days and now < stay_ends(model, since):
        return previous
    own = (group for group in model.groups if group.group.value == previous)
    return previous if any(_holds(group, place, model.hysteresis) for group in own) else target


def stay_ends(model: Model, since: int) -> int:
    """The second from which a record that came at `since` may move to a worse group."""
    return since + model.minimum_stay_days * DAY


def _holds(group: Group, place: Place, give: int) -> bool:
    for name, (low, high) in group.when.items():
        value = place.dimensions[name]
        if (low is not None and value < low - give) or (high is not None and value >= high):
            return False
    return all(name in place.fired for name in group.needs)
