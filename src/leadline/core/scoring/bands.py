"""Where records land and what happens there: groups by bands, the matrix that stands for them, plays."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Self

from pydantic import Field, model_validator

from leadline.core.scoring.condition import Strict
from leadline.core.scoring.vocabulary import Band, Dimension, GroupName, Label
from leadline.yamlfile import Mistake, MistakesError, did_you_mean


class Group(Strict):
    """A place where records land whose dimensions lie in all of the bands [low, high) and for whom all `needs` fire."""

    group: GroupName
    label: str = ""
    when: dict[Dimension, Band] = Field(default_factory=dict)
    needs: tuple[str, ...] = Field(default=(), description="Ids of rules, signals, committees and flags that must fire")

    @model_validator(mode="after")
    def _bands(self) -> Self:
        for name, (low, high) in self.when.items():
            if low is not None and high is not None and low >= high:
                raise MistakesError([Mistake(("when", name), f"is empty: {low} is not below {high}")])
        return self

    @property
    def takes_all(self) -> bool:
        """Whether every record that comes by stays."""
        return not self.when and not self.needs


class Axis(Strict):
    """One side of a matrix: a dimension, and names for its bands from low to high or from high to low."""

    dimension: Dimension
    bands: dict[Label, Band] = Field(min_length=2)

    @model_validator(mode="after")
    def _touching(self) -> Self:
        edges = sorted(self.bands.items(), key=lambda band: (band[1][0] is not None, band[1][0] or 0))
        for (name, (_, high)), (following, (low, _)) in pairwise(edges):
            if high is None or low is None or high != low:
                message = f"'{name}' and '{following}' overlap or leave a gap"
                raise MistakesError([Mistake(("bands", following), message, "Begin each band where another ends.")])
        if edges[0][1][0] is not None or edges[-1][1][1] is not None:
            fix = "Leave the lowest and the highest band open with null."
            raise MistakesError([Mistake(("bands",), "do not cover everything", fix)])
        return self


class Matrix(Strict):
    """Groups by two dimensions, such as fit and intent. It stands for the list of `groups` that it comes to."""

    rows: Axis
    columns: Axis
    cells: dict[Label, dict[Label, GroupName]] = Field(description="row: {column: group}; every cell has one")

    @model_validator(mode="after")
    def _every_cell(self) -> Self:
        mistakes = []
        if self.rows.dimension == self.columns.dimension:
            mistakes.append(Mistake(("columns", "dimension"), "is that of the rows", "Use another one."))
        for row, line in self.cells.items():
            if row not in self.rows.bands:
                fix = did_you_mean(row, list(self.rows.bands))
                mistakes.append(Mistake(("cells", row), f"there is no row '{row}'", fix))
            for column in line.keys() - self.columns.bands.keys():
                fix = did_you_mean(column, list(self.columns.bands))
                mistakes.append(Mistake(("cells", row, column), f"there is no column '{column}'", fix))
        for row, column in product(self.rows.bands, self.columns.bands):
            if column not in self.cells.get(row, {}):
                fix = "Name a group for every cell."
                mistakes.append(Mistake(("cells",), f"row '{row}', column '{column}' has no group", fix))
        if mistakes:
            raise MistakesError(mistakes)
        return self

    def groups(self) -> tuple[Group, ...]:
        """The groups that it stands for, best first; the last takes what is left, which is nothing."""
        rank = list(GroupName)
        found = [
            Group(
                group=self.cells[row][column],
                label=f"{row} / {column}",
                when={self.rows.dimension: rows, self.columns.dimension: columns},
            )
            for row, rows in self.rows.bands.items()
            for column, columns in self.columns.bands.items()
        ]
        found.sort(key=lambda group: rank.index(group.group))
        return (*found, Group(group=found[-1].group))


class TaskPlay(Strict):
    """A task for the owner."""

    subject: Label
    due_hours: int = Field(2, ge=1, le=24 * 90)


class Play(Strict):
    """What happens when a record enters a group."""

    assign: str | None = Field(None, description="Pool of owners to choose from")
    task: TaskPlay | None = None
    sequence: str | None = Field(None, description="Name of the sequence to enrol in")
    list_: str | None = Field(default=None, alias="list", description="Name of the list to put the person on")
    status: str | None = Field(None, description="Status to set on a lead")


class Suppress(Strict):
    """When no sequence is started and no task is made."""

    customer: bool = True
    competitor: bool = True
    opted_out: bool = True
    open_opportunity: bool = True
    recent_contact_days: int | None = Field(default=14, ge=1, le=365)
    already_enrolled: bool = True


def group_list_mistakes(groups: tuple[Group, ...]) -> list[Mistake]:
    """What is wrong with a list of groups as a whole, by path from the list."""
    last = len(groups) - 1
    mistakes = []
    if not groups[last].takes_all:
        fix = "End the list with a group that has neither `when` nor `needs`."
        mistakes.append(Mistake((last,), "the last group must take what is left", fix))
    for position, group in enumerate(groups[:-1]):
        if group.takes_all:
            mistakes.append(Mistake((position,), "takes everything, so the groups below it are never reached"))
    return mistakes
