"""The typed scoring model: what a file in `models/` says.

Points are kept as whole thousandths (`Points`: 2.5 points in the file are 2500 here). Limits, bands
and hysteresis are whole points. What every section means, in which order things are capped and
rounded, is written down in `docs/scoring.md`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from leadline.core.entities import ACTIVITY_KINDS, FIELDS, FUNCTIONS, SENIORITIES, Entity
from leadline.core.scoring.condition import Condition, Strict
from leadline.yamlfile import Mistake, MistakesError, Path, did_you_mean

POINT = 1000  # thousandths in a point
DAY = 86_400  # seconds
MAX_POINTS = 1000  # per rule; keeps every sum far below 2^53


class Part(StrEnum):
    """The parts of a score. Each is limited and rounded on its own."""

    FIT = "fit"
    PERSONA = "persona"
    INTENT = "intent"
    NEGATIVE = "negative"


class GroupName(StrEnum):
    """Where a record can stand, best first. These words are what the CRM's picklist holds."""

    PRIORITY = "priority"
    QUALIFIED_REVIEW = "qualified_review"
    NURTURE = "nurture"
    INVESTIGATE = "investigate"
    RESEARCH = "research"
    POOR_FIT = "poor_fit"


class AppliesTo(StrEnum):
    """Whose score a rule changes."""

    ACCOUNT = "account"
    PERSON = "person"
    BOTH = "both"


# Behaviour changes these parts only, so fit and persona stand still while time passes.
BehaviourPart = Literal[Part.INTENT, Part.NEGATIVE]

# Names of ledger rows that no rule of a file makes.
CAP, FLOOR, ROUNDING, PERSONA, IDLE = "cap", "floor", "rounding", "persona", "idle"
RESERVED_IDS = (CAP, FLOOR, ROUNDING, PERSONA, IDLE)
# What a group may look at: every part, and these.
DIMENSIONS = ("score", *Part, "fit_max", "completeness")


def _thousandths(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("should be a number")  # noqa: TRY004 - pydantic reports ValueError only
    try:
        exact = Decimal(str(value)) * POINT
    except InvalidOperation:
        raise ValueError("should be a number") from None
    if not exact.is_finite() or exact != exact.to_integral_value():
        raise ValueError("has more than three decimals")
    if abs(exact) > MAX_POINTS * POINT:
        raise ValueError(f"is more than {MAX_POINTS} points")
    return int(exact)


def _one_of(options: tuple[str, ...], what: str) -> AfterValidator:
    def check(value: str) -> str:
        if value not in options:
            raise MistakesError([Mistake((), f"unknown {what} '{value}'", did_you_mean(value, options))])
        return value

    return AfterValidator(check)


def _word_schema(options: tuple[str, ...]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(options)})


Points = Annotated[int, BeforeValidator(_thousandths), WithJsonSchema({"type": "number", "multipleOf": 0.001})]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Label = Annotated[str, Field(min_length=1, max_length=120)]
Days = Annotated[int, Field(ge=1, le=3660)]
Seniority = Annotated[str, _one_of(SENIORITIES, "seniority"), _word_schema(SENIORITIES)]
Function = Annotated[str, _one_of(FUNCTIONS, "function"), _word_schema(FUNCTIONS)]
ActivityKind = Annotated[str, _one_of(ACTIVITY_KINDS, "activity kind"), _word_schema(ACTIVITY_KINDS)]
Dimension = Annotated[str, _one_of(DIMENSIONS, "dimension"), _word_schema(DIMENSIONS)]
WholePoints = Annotated[int, Field(ge=-100_000, le=100_000)]
Band = tuple[WholePoints | None, WholePoints | None]


class Limits(Strict):
    """Lowest and highest value, in whole points; empty leaves a side open."""

    min: WholePoints | None = None
    max: WholePoints | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


class Rule(Strict):
    """Points for facts of the record, as long as they are so."""

    id: Id
    name: Label = Field(description="What a salesperson reads")
    part: Part = Part.FIT
    when: Condition
    points: Points
    applies_to: AppliesTo | None = Field(
        None,
        description="Whose score changes. Left out: both when only account facts are read, else person. "
        "A rule on the account that reads person facts asks for any person of the account.",
    )

    @property
    def by_any_person(self) -> bool:
        """Whether the rule reads a person, so that an account has it when any of its people does."""
        return reads_person(self.when)

    def counts_for(self, entity: Entity) -> bool:
        """Whether the rule belongs to scores of `entity`."""
        return _applies(self.applies_to, self.when, entity)


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


class Signal(Strict):
    """Points for something that somebody did, once per event, less as it grows old."""

    id: Id
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
    once: bool = Field(False, description="Only the strongest event counts")
    alone: bool = Field(False, description="Counts only while no signal with positive points does")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.points == 0:
            raise MistakesError([Mistake(("points",), "gives no points")])
        if self.half_life_days and self.steps:
            raise MistakesError([Mistake(("steps",), "half_life_days is given too", "Keep one of the two.")])
        for key, limit in (("cap", self.cap), ("account_cap", self.account_cap)):
            if limit is not None and limit * self.points <= 0:
                raise MistakesError([Mistake((key,), "should have the sign of points")])
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


class Idle(Strict):
    """Points (usually negative) when the last event of any positive signal is this long ago."""

    name: Label = "Gone quiet"
    part: BehaviourPart = Part.NEGATIVE
    after_days: Days = 60
    points: Points = Field(default=-20)


class Committee(Strict):
    """Points for an account of which this many people are engaged now."""

    id: Id
    name: Label
    part: BehaviourPart = Part.INTENT
    people: int = Field(ge=1, le=1000)
    functions: tuple[Function, ...] | None = Field(None, min_length=1, description="Count only these functions")
    points: Points


class Disqualification(Strict):
    """A reason that takes a record out, whatever its points."""

    id: Id
    reason: Label
    when: Condition
    applies_to: AppliesTo | None = None

    @model_validator(mode="after")
    def _joinable(self) -> Self:
        if ";" in self.reason:
            raise MistakesError([Mistake(("reason",), "must not contain ';'")])
        return self

    @property
    def by_any_person(self) -> bool:
        """Whether an account has it when any of its people does."""
        return reads_person(self.when)

    def counts_for(self, entity: Entity) -> bool:
        """Whether records of `entity` can be disqualified by it."""
        return _applies(self.applies_to, self.when, entity)


class Group(Strict):
    """A place where records land whose dimensions lie in all of the bands [low, high)."""

    group: GroupName
    label: str = ""
    when: dict[Dimension, Band] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _bands(self) -> Self:
        for name, (low, high) in self.when.items():
            if low is not None and high is not None and low >= high:
                raise MistakesError([Mistake(("when", name), f"is empty: {low} is not below {high}")])
        return self


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


class ExampleEvent(Strict):
    """One event of a worked example. `person` is the position in `people`; empty: the account's own."""

    kind: ActivityKind
    days_ago: int = Field(0, ge=0)
    person: int | None = 0
    asset: str | None = None
    times: int = Field(1, ge=1, le=50)


class Expectation(Strict):
    """What an example must come to. `points` are all ledger rows: rule, or part.cap, part.floor, part.rounding."""

    of: Entity = Entity.ACCOUNT
    score: WholePoints
    group: GroupName
    points: dict[str, Points] = Field(default_factory=dict)
    disqualified: bool = False


class Example(Strict):
    """A worked example: facts, and what the model must make of them. Run as a test."""

    name: str
    account: dict[str, Any] | None = None
    people: tuple[dict[str, Any], ...] = ()
    events: tuple[ExampleEvent, ...] = ()
    previous_group: GroupName | None = None
    expect: Expectation


class Model(Strict):
    """A scoring model."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)
    description: str = ""
    parts: dict[Part, Limits] = Field(default_factory=dict)
    total: Limits = Limits(min=0, max=100)
    rules: tuple[Rule, ...] = ()
    persona: Persona | None = None
    signals: tuple[Signal, ...] = ()
    idle: Idle | None = None
    committee: tuple[Committee, ...] = ()
    disqualify: tuple[Disqualification, ...] = ()
    groups: tuple[Group, ...] = Field(min_length=1, description="The first that fits; the last takes what is left")
    hysteresis: int = Field(3, ge=0, le=100, description="Whole points by which bands give before a record moves down")
    plays: dict[GroupName, Play] = Field(default_factory=dict)
    suppress: Suppress = Suppress()
    examples: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        mistakes = [*_repeated_ids(self), *_group_mistakes(self), *_example_mistakes(self)]
        if mistakes:
            raise MistakesError(mistakes)
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of the model's canonical JSON: the version by content."""
        content = self.model_dump(mode="json", by_alias=True)
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def limits(self, part: Part) -> Limits:
        """The limits of a part; open when the file gives none."""
        return self.parts.get(part, Limits())

    def rules_for(self, entity: Entity) -> Iterator[Rule]:
        """The rules that belong to scores of `entity`, in the file's order."""
        return (rule for rule in self.rules if rule.counts_for(entity))


def reads_person(condition: Condition) -> bool:
    """Whether the condition reads a fact of a person."""
    return any(name.startswith("person.") for name in condition.fields())


def _applies(applies_to: AppliesTo | None, when: Condition, entity: Entity) -> bool:
    if applies_to is None:
        return entity is Entity.PERSON or not reads_person(when)
    return applies_to in (AppliesTo.BOTH, entity)


def _repeated_ids(model: Model) -> Iterator[Mistake]:
    seen = dict.fromkeys(RESERVED_IDS, "reserved")
    for section in ("rules", "signals", "committee", "disqualify"):
        for position, item in enumerate(getattr(model, section)):
            if item.id in seen:
                why = "is reserved" if seen[item.id] == "reserved" else "is used twice"
                yield Mistake((section, position, "id"), f"'{item.id}' {why}", "Choose another id.")
            seen[item.id] = "used"


def _group_mistakes(model: Model) -> Iterator[Mistake]:
    last = len(model.groups) - 1
    if model.groups[last].when:
        fix = "End the list with a group that has no `when`."
        yield Mistake(("groups", last, "when"), "the last group must take what is left", fix)
    for position, group in enumerate(model.groups[:-1]):
        if not group.when:
            yield Mistake(("groups", position), "takes everything, so the groups below it are never reached")
    names = tuple(group.group for group in model.groups)
    for name in model.plays:
        if name not in names:
            yield Mistake(("plays", name), "has a play but is not in `groups`", did_you_mean(name, names))


def _example_mistakes(model: Model) -> Iterator[Mistake]:
    for number, example in enumerate(model.examples):
        at = ("examples", number)
        yield from _fact_mistakes(Entity.ACCOUNT, example.account or {}, (*at, "account"))
        for position, person in enumerate(example.people):
            yield from _fact_mistakes(Entity.PERSON, person, (*at, "people", position))
        for position, event in enumerate(example.events):
            if event.person is not None and event.person >= len(example.people):
                path = (*at, "events", position, "person")
                yield Mistake(path, f"there is no person {event.person}", "Positions start at 0; null is the account.")
        if example.account is None and example.expect.of is Entity.ACCOUNT:
            yield Mistake((*at, "account"), "is missing", "Give its facts, or `of: person` under `expect`.")


def _fact_mistakes(entity: Entity, facts: Mapping[str, Any], path: Path) -> Iterator[Mistake]:
    fields = {field.name: field for field in FIELDS[entity] if field.scored}
    for name, value in facts.items():
        if name not in fields:
            yield Mistake((*path, name), f"unknown fact '{name}'", did_you_mean(name, list(fields)))
        elif fields[name].values and value is not None and value not in fields[name].values:
            fix = did_you_mean(str(value), fields[name].values)
            yield Mistake((*path, name), f"{name} is never '{value}'", fix)
