"""Where a record stands: the first group whose bands hold, with hysteresis on the way down.

A better (earlier) group is entered at once. A record leaves for a worse one only when the bands of
its present group fail even with their lower ends moved down by `hysteresis` points. Disqualified
records stand in the last group, at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadline.core.scoring.model import Band, Model


def group_names(model: Model) -> tuple[str, ...]:
    """The model's groups, best first, each once."""
    return tuple(dict.fromkeys(group.group.value for group in model.groups))


def assign(model: Model, dimensions: Mapping[str, int], previous: str | None, *, disqualified: bool) -> str:
    """The group of a record with these dimensions (whole points; completeness in percent)."""
    last = model.groups[-1].group.value
    if disqualified:
        return last
    names = group_names(model)
    target = next((g.group.value for g in model.groups if _inside(g.when, dimensions, 0)), last)
    if previous is None or previous not in names or names.index(target) <= names.index(previous):
        return target
    own = (group.when for group in model.groups if group.group.value == previous)
    return previous if any(_inside(bands, dimensions, model.hysteresis) for bands in own) else target


def _inside(bands: Mapping[str, Band], dimensions: Mapping[str, int], give: int) -> bool:
    for name, (low, high) in bands.items():
        value = dimensions[name]
        if (low is not None and value < low - give) or (high is not None and value >= high):
            return False
    return True


@dataclass(frozen=True, slots=True)
class Stay:
    """Whether a record of one group stays there, as tests that are quick to repeat."""

    model: Model
    group: str
    disqualified: bool

    def changed(self, dimensions: Mapping[str, int]) -> bool:
        """Whether the dimensions now lead to another group."""
        return assign(self.model, dimensions, self.group, disqualified=self.disqualified) != self.group
