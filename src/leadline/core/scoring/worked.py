"""Worked examples as a model file states them: facts, and what the model must make of them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from leadline.core.entities import Entity
from leadline.core.scoring.condition import Strict
from leadline.core.scoring.vocabulary import ActivityKind, GroupName, Part, Points, Qualification, WholePoints


class ExampleEvent(Strict):
    """One event of a worked example. `person` is the position in `people`; empty: the account's own."""

    kind: ActivityKind
    days_ago: int = Field(0, ge=0)
    person: int | None = 0
    asset: str | None = None
    times: int = Field(1, ge=1, le=50)


class Expectation(Strict):
    """What an example must come to. `points` are all ledger rows: rule, or part.cap, part.floor, part.rounding,
    part.weight; the rest is compared where it is given."""

    of: Entity = Entity.ACCOUNT
    score: WholePoints
    group: GroupName
    points: dict[str, Points] = Field(default_factory=dict)
    disqualified: bool = False
    parts: dict[Part, WholePoints] = Field(default_factory=dict)
    qualification: dict[Qualification, Points] = Field(default_factory=dict)
    flags: tuple[str, ...] | None = Field(None, description="Ids of the flags that are up")
    segment: str | None = None
    interval: tuple[WholePoints, WholePoints] | None = Field(None, description="Lowest and highest score in reach")


class Example(Strict):
    """A worked example. Times among its facts are given as whole days ago. Run as a test."""

    name: str
    account: dict[str, Any] | None = None
    people: tuple[dict[str, Any], ...] = ()
    events: tuple[ExampleEvent, ...] = ()
    previous_group: GroupName | None = None
    days_in_group: int | None = Field(None, ge=0, description="For how long it has been in `previous_group`")
    expect: Expectation
