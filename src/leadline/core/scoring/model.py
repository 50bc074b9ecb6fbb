"""The typed scoring model: what a file in `models/` says.

What every section means, in which order things are capped and rounded, is written down in
`docs/scoring.md`. The sections themselves are in `rules`, `bands`, `segments` and `worked`, their
words in `vocabulary`; what this module names is all that a reader of models needs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import Field, model_validator

from leadline.core.entities import Entity
from leadline.core.scoring.bands import Group, Matrix, Play, Suppress, TaskPlay
from leadline.core.scoring.condition import Strict
from leadline.core.scoring.consistency import mistakes_of
from leadline.core.scoring.rules import (
    Cap,
    Committee,
    Disqualification,
    Flag,
    Idle,
    Item,
    Limits,
    Persona,
    Rule,
    Signal,
)
from leadline.core.scoring.segments import PartLimits, Segment
from leadline.core.scoring.vocabulary import (
    CAP,
    DAY,
    FLOOR,
    IDLE,
    PERSONA,
    POINT,
    ROUNDING,
    TOTAL,
    WEIGHT,
    Band,
    GroupName,
    Part,
    Pick,
)
from leadline.core.scoring.worked import Example
from leadline.yamlfile import MistakesError, Path

__all__ = [
    "CAP", "DAY", "FLOOR", "IDLE", "PERSONA", "POINT", "ROUNDING", "TOTAL", "WEIGHT", "Band", "Cap", "Committee",
    "Disqualification", "Example", "Flag", "Group", "GroupName", "Idle", "Limits", "Model", "Part", "PartLimits",
    "Persona", "Pick", "Play", "Rule", "Segment", "Signal", "Suppress", "TaskPlay",
]  # fmt: skip

_FULL = 100  # percent


class Model(Strict):
    """A scoring model."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)
    description: str = ""
    parts: dict[Part, PartLimits] = Field(default_factory=dict)
    total: Limits = Limits(min=0, max=100)
    rules: tuple[Rule, ...] = ()
    persona: Persona | None = None
    signals: tuple[Signal, ...] = ()
    idle: Idle | None = None
    committee: tuple[Committee, ...] = ()
    caps: tuple[Cap, ...] = ()
    flags: tuple[Flag, ...] = ()
    disqualify: tuple[Disqualification, ...] = ()
    groups_: tuple[Group, ...] | None = Field(
        default=None, alias="groups", min_length=1, description="The first that fits; the last takes what is left"
    )
    matrix: Matrix | None = Field(None, description="Groups by two dimensions, in place of `groups`")
    hysteresis: int = Field(3, ge=0, le=100, description="Whole points by which bands give before a record moves down")
    minimum_stay_days: int = Field(0, ge=0, le=365, description="Days in a group before a record moves down")
    plays: dict[GroupName, Play] = Field(default_factory=dict)
    segments: tuple[Segment, ...] = Field((), description="The first that fits; others are scored as the model says")
    suppress: Suppress = Suppress()
    examples: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        mistakes = mistakes_of(self)
        if mistakes:
            raise MistakesError(mistakes)
        return self

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Where records land, in the order in which they are tried; those of the matrix where there is one."""
        return self.matrix.groups() if self.matrix else self.groups_ or ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model's canonical JSON: the version by content."""
        content = self.model_dump(mode="json", by_alias=True)
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def limits(self, part: Part) -> PartLimits:
        """The limits of a part; open when the file gives none."""
        return self.parts.get(part, PartLimits())

    def weight(self, part: Part) -> int:
        """The percentage of a part that enters the score."""
        given = self.limits(part).weight
        if given is not None:
            return given
        return 0 if part is Part.READINESS else _FULL

    def rules_for(self, entity: Entity) -> Iterator[Rule]:
        """The rules that belong to scores of `entity`, in the file's order."""
        return (rule for rule in self.rules if rule.counts_for(entity))

    def flags_for(self, entity: Entity) -> Iterator[Flag]:
        """The flags that records of `entity` can have, in the file's order."""
        return (flag for flag in self.flags if flag.counts_for(entity))

    def play_of(self, group: str, segment: str | None) -> Play | None:
        """What happens to a record of a segment (None or "": of none) that enters a group."""
        name = GroupName(group)
        own = next((entry.plays for entry in self.segments if entry.id == segment), {})
        return own.get(name, self.plays.get(name))

    def every_play(self) -> Iterator[tuple[Path, GroupName, Play]]:
        """All plays, those of segments included, each with its path in the file."""
        for group, play in self.plays.items():
            yield ("plays", group), group, play
        for number, segment in enumerate(self.segments):
            for group, play in segment.plays.items():
                yield ("segments", number, "plays", group), group, play

    def variant(self, segment: Segment | None) -> Model:
        """The model as it is for a segment, or for records of none: without segments, everything in its place."""
        own: dict[str, Any] = {
            name: _within(getattr(self, name), segment)
            for name in ("rules", "signals", "committee", "caps", "flags", "disqualify")
        }
        own |= {"segments": (), "examples": ()}
        if segment is not None:
            own |= _changes(self, segment)
            for name in ("rules", "signals", "committee"):
                own[name] = tuple(_valued(item, segment.points) for item in own[name])
            if self.idle and IDLE in segment.points:
                own["idle"] = self.idle.model_copy(update={"points": segment.points[IDLE]})
        return self.model_copy(update=own)


def _within(items: tuple[Any, ...], segment: Segment | None) -> tuple[Any, ...]:
    """The entries that count in a segment, or (None) outside of all."""
    found = []
    for item in items:
        if item.segments is None:
            found.append(item)
        elif segment is not None and segment.id in item.segments:
            found.append(item.model_copy(update={"segments": None}))
    return tuple(found)


def _valued(item: Item, points: Mapping[str, int]) -> Item:
    return item.model_copy(update={"points": points[item.id]}) if item.id in points else item


def _changes(model: Model, segment: Segment) -> dict[str, Any]:
    own: dict[str, Any] = {
        "parts": {**model.parts, **_merged(model, segment)},
        "plays": {**model.plays, **segment.plays},
    }
    if segment.own_groups is not None:
        own |= {"groups_": segment.own_groups, "matrix": None, "groups": segment.own_groups}
    for name in ("total", "persona", "hysteresis", "minimum_stay_days"):
        if getattr(segment, name) is not None:
            own[name] = getattr(segment, name)
    return own


def _merged(model: Model, segment: Segment) -> dict[Part, PartLimits]:
    """Limits of the parts that a segment mentions; what it leaves out of one stays as it is."""
    return {
        part: model.limits(part).model_copy(update=limits.model_dump(exclude_unset=True))
        for part, limits in segment.parts.items()
    }
