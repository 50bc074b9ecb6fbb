"""Segments: records that are scored by weights and thresholds of their own (small companies, enterprises, a vertical).

A segment changes parts of the model for the accounts that its condition takes, and for their people.
What it does not mention stays as it is in the model.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from leadline.core.scoring.bands import Group, Matrix, Play
from leadline.core.scoring.condition import Condition, Strict
from leadline.core.scoring.rules import Limits, Persona, reads_person
from leadline.core.scoring.vocabulary import MAX_WEIGHT, GroupName, Id, Label, Part, Points
from leadline.yamlfile import Mistake, MistakesError


class PartLimits(Limits):
    """Limits of a part in whole points, and what share of it enters the score."""

    weight: int | None = Field(
        default=None, ge=0, le=MAX_WEIGHT, description="Percent of the part that enters the score: 100; readiness 0"
    )


class Segment(Strict):
    """What differs for the accounts of a segment. The first segment whose condition is true takes an account."""

    id: Id
    name: Label
    when: Condition = Field(description="Facts of the account; neither `fired` nor `days_since`")
    points: dict[str, Points] = Field(default_factory=dict, description="Points by id, in place of those in the model")
    parts: dict[Part, PartLimits] = Field(default_factory=dict)
    total: Limits | None = None
    persona: Persona | None = None
    groups: tuple[Group, ...] | None = Field(None, min_length=1)
    matrix: Matrix | None = None
    hysteresis: int | None = Field(None, ge=0, le=100)
    minimum_stay_days: int | None = Field(None, ge=0, le=365)
    plays: dict[GroupName, Play] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _stable(self) -> Self:
        if reads_person(self.when):
            fix = "An account and all of its people are in one segment."
            raise MistakesError([Mistake(("when",), "reads facts of a person", fix)])
        if self.when.moves:
            raise MistakesError([Mistake(("when",), "would change with time", "Use facts of the account only.")])
        if self.groups and self.matrix:
            raise MistakesError([Mistake(("matrix",), "groups are given too", "Keep one of the two.")])
        return self

    @property
    def own_groups(self) -> tuple[Group, ...] | None:
        """The groups of this segment; None when it has those of the model."""
        return self.matrix.groups() if self.matrix else self.groups
