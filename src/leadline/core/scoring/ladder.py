"""Groups asked about whole ranges of scores at once: does everything in a box stay where it is?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from leadline.core.scoring.bands import Group
from leadline.core.scoring.groups import group_names
from leadline.core.scoring.model import Model, Part

# Where the lowest and highest value of each dimension stand in a box.
PLACES: Mapping[str, int] = {
    name: place for place, name in enumerate((*(part.value for part in Part), "score", "fit_max", "completeness"))
}


@dataclass(frozen=True, slots=True)
class Box:
    """The lowest and the highest of every dimension (`PLACES`, whole points) and of the score (thousandths).

    `fired` is the same in all of it.
    """

    low: Sequence[int]
    high: Sequence[int]
    lowest: int
    highest: int
    fired: Set[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the list of groups: its bands by the place of their dimension."""

    bands: tuple[tuple[int, int | None, int | None], ...]
    needs: frozenset[str]

    def fails(self, box: Box) -> bool:
        """Whether it takes nothing of the box."""
        for place, low, high in self.bands:
            if (low is not None and box.high[place] < low) or (high is not None and box.low[place] >= high):
                return True
        return not self.needs <= box.fired

    def holds(self, box: Box, give: int) -> bool:
        """Whether it takes all of the box, with lower ends moved down by `give`."""
        for place, low, high in self.bands:
            if (low is not None and box.low[place] < low - give) or (high is not None and box.high[place] >= high):
                return False
        return self.needs <= box.fired


@dataclass(frozen=True, slots=True)
class Ladder:
    """The entries of one group, and those of better groups."""

    mine: tuple[Entry, ...]
    better: tuple[Entry, ...]


def ladders(model: Model) -> dict[str, Ladder]:
    """By group. Groups may only look at dimensions that a box has."""
    names, entries = group_names(model), [(group.group.value, _entry(group)) for group in model.groups]
    return {
        name: Ladder(
            tuple(entry for other, entry in entries if other == name),
            tuple(entry for other, entry in entries if names.index(other) < rank),
        )
        for rank, name in enumerate(names)
    }


def _entry(group: Group) -> Entry:
    return Entry(tuple((PLACES[name], *band) for name, band in group.when.items()), frozenset(group.needs))
