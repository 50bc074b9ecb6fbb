"""What gives points or takes a record out: the sections of a model file that leave rows in a ledger."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from leadline.core.entities import FUNCTIONS, Entity
from leadline.core.scoring.condition import Condition, Strict
from leadline.core.scoring.vocabulary import (
    ActivityKind,
    AppliesTo,
    BehaviourPart,
    Days,
    Function,
    Id,
    Label,
    Part,
    Pick,
    Points,
    Qualification,
    Seniority,
    WholePoints,
)
from leadline.yamlfile import Mistake, MistakesError


class Limits(Strict):
    """Lowest and highest value, in whole points; empty leaves a side open."""

    min: WholePoints | None = None
    max: WholePoints | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class Item(Strict):
    """What every entry of these sections has."""

    id: Id
    segments: tuple[Id, ...] | None = Field(None, min_length=1, description="Only in these segments")


class Conditional(Item):
    """An entry that holds while facts are so."""

    when: Condition
    applies_to: AppliesTo | None = Field(
        None,
        description="Whose score changes. Left out: both when no fact of a person is read, else person. "
        "An entry for the account that reads facts of a person asks for any person of the account.",
    )

    @property
    def by_any_person(self) -> bool:
        """Whether it reads a person, so that an account has it when any of its people does."""
        return reads_person(self.when)

    def counts_for(self, entity: Entity) -> bool:
        """Whether it belongs to records of `entity`."""
        if self.applies_to is None:
            return entity is Entity.PERSON or not reads_person(self.when)
        return self.applies_to in (AppliesTo.BOTH, entity)

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if self.by_any_person and self.when.named() and self.counts_for(Entity.ACCOUNT):
            fix = "Make two of it: one that reads the person, and one that names it by `fired`."
            raise MistakesError([Mistake(("when",), "reads facts of any person and what fired for the account", fix)])
        return self


class Rule(Conditional):
    """Points for facts of the record and for what else fired, as long as they are so."""

    name: Label = Field(description="What a salesperson reads")
    part: Part = Part.FIT
    points: Points
    qualification: tuple[Qualification, ...] = Field((), description="Parts of BANT or MEDDIC to report it under")


class Persona(Strict):
    """Points of a person by seniority, and by whether the function is one that buys."""

    name: Label = "Role"
    functions: tuple[Function, ...] = Field(FUNCTIONS, min_length=1, description="Functions that buy")
    points: dict[Seniority, Points] = Field(
        default={"c_suite": 30, "vp": 30, "director": 20, "manager": 10, "individual": 5},
        description="Points by seniority in those functions",
    )
    elsewhere: dict[Seniority, Points] = Field(
        default={"c_suite": 20, "vp": 20, "director": 20, "manager": 10, "individual": 5},
        description="Points by seniority in other functions, and where the function is not known",
    )
    qualification: tuple[Qualification, ...] = Field((), description="Parts of BANT or MEDDIC to report it under")


class Signal(Item):
    """Points for something that somebody did, per event, less as it grows old."""

    name: Label = Field(description="What a salesperson reads, as something done: 'Viewed the pricing page'")
    part: BehaviourPart = Part.INTENT
    kinds: tuple[ActivityKind, ...] = Field(min_length=1)
    assets: tuple[str, ...] | None = Field(
        None, min_length=1, description="Only events whose asset contains one of these, in any case"
    )
    points: Points = Field(description="Points of an event on its first day")
    half_life_days: Days | None = Field(None, description="Points halve in this many days")
    steps: tuple[tuple[Days, Points], ...] | None = Field(
        None, min_length=1, description="[[day, points], ...]: points from that day of age on"
    )
    window_days: Days = Field(365, description="An event counts while it is younger than this")
    cap: Points | None = Field(None, description="Most that one person's events can give")
    account_cap: Points | None = Field(None, description="Most that all events of an account can give")
    min_count: int = Field(1, ge=1, le=1000, description="Counts from this many events on")
    min_people: int = Field(1, ge=1, le=1000, description="Counts from this many people with such events on")
    pick: Pick = Field(Pick.ALL, description="Which events of one person give points")
    alone: bool = Field(False, description="Counts only while no signal with positive points does")
    qualification: tuple[Qualification, ...] = Field((), description="Parts of BANT or MEDDIC to report it under")

    @property
    def once(self) -> bool:
        """Whether only the strongest event counts."""
        return self.pick is Pick.STRONGEST

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.points == 0:
            raise MistakesError([Mistake(("points",), "gives no points")])
        if self.half_life_days and self.steps:
            raise MistakesError([Mistake(("steps",), "half_life_days is given too", "Keep one of the two.")])
        previous = 0
        for position, (day, points) in enumerate(self.steps or ()):
            if day <= previous:
                raise MistakesError([Mistake(("steps", position), "days should rise from step to step")])
            if points * self.points < 0:
                raise MistakesError([Mistake(("steps", position), "should have the sign of points")])
            previous = day
        if self.alone and self.points > 0:
            raise MistakesError([Mistake(("alone",), "makes sense for negative points only")])
        return self

    @model_validator(mode="after")
    def _limited(self) -> Self:
        for key, limit in (("cap", self.cap), ("account_cap", self.account_cap)):
            if limit == 0:
                raise MistakesError([Mistake((key,), "should not be 0", "Leave the key out for no cap.")])
            if limit is not None and limit * self.points < 0:
                raise MistakesError([Mistake((key,), "should have the sign of points")])
        if self.assets and "" in self.assets:
            path = ("assets", self.assets.index(""))
            raise MistakesError([Mistake(path, "is empty: every asset contains it", "Leave `assets` out for any.")])
        return self


class Idle(Strict):
    """Points (usually negative) when the last event of any positive signal is this long ago."""

    name: Label = "Gone quiet"
    part: BehaviourPart = Part.NEGATIVE
    after_days: Days = 60
    points: Points = Field(default=-20)


class Committee(Item):
    """Points for an account of which this many people are engaged now."""

    name: Label
    part: BehaviourPart = Part.INTENT
    people: int = Field(ge=1, le=1000)
    functions: tuple[Function, ...] | None = Field(None, min_length=1, description="Count only these functions")
    points: Points
    qualification: tuple[Qualification, ...] = Field((), description="Parts of BANT or MEDDIC to report it under")


class Cap(Item):
    """Limits of what several entries of one part give together."""

    name: Label
    of: tuple[str, ...] = Field(min_length=1, description="Ids of rules, signals and committees, persona or idle")
    min: WholePoints | None = None
    max: WholePoints | None = None

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("has neither min nor max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class Flag(Conditional):
    """Something worth knowing that gives no points: an active project, a deadline, a change of CRM."""

    name: Label

    @model_validator(mode="after")
    def _joinable(self) -> Self:
        if ";" in self.name:
            raise MistakesError([Mistake(("name",), "must not contain ';'")])
        return self


class Disqualification(Conditional):
    """A reason that takes a record out, whatever its points."""

    reason: Label

    @model_validator(mode="after")
    def _joinable(self) -> Self:
        if ";" in self.reason:
            raise MistakesError([Mistake(("reason",), "must not contain ';'")])
        return self


def reads_person(condition: Condition) -> bool:
    """Whether the condition reads a fact of a person."""
    return any(name.startswith("person.") for name in condition.fields())
