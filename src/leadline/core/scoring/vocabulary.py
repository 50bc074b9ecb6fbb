"""The words and numbers that a model file is made of, with the checks of each.

Points are kept as whole thousandths (`Points`: 2.5 points in the file are 2500 here). Limits, bands
and hysteresis are whole points.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from leadline.core.entities import ACTIVITY_KINDS, FUNCTIONS, SENIORITIES
from leadline.yamlfile import Mistake, MistakesError, did_you_mean

POINT = 1000  # thousandths in a point
DAY = 86_400  # seconds
MAX_POINTS = 1000  # per rule; keeps every sum far below 2^53
MAX_WEIGHT = 1000  # percent


class Part(StrEnum):
    """The parts of a score. Each is limited, rounded and weighted on its own."""

    FIT = "fit"
    PERSONA = "persona"
    INTENT = "intent"
    READINESS = "readiness"
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


class Pick(StrEnum):
    """Which of one holder's counting events give points."""

    ALL = "all"
    STRONGEST = "strongest"
    FIRST = "first"
    LAST = "last"


class Qualification(StrEnum):
    """The parts of the qualification frameworks that points can be reported under."""

    BANT_BUDGET = "bant.budget"
    BANT_AUTHORITY = "bant.authority"
    BANT_NEED = "bant.need"
    BANT_TIMING = "bant.timing"
    MEDDIC_METRICS = "meddic.metrics"
    MEDDIC_ECONOMIC_BUYER = "meddic.economic_buyer"
    MEDDIC_DECISION_CRITERIA = "meddic.decision_criteria"
    MEDDIC_DECISION_PROCESS = "meddic.decision_process"
    MEDDIC_IDENTIFIED_PAIN = "meddic.identified_pain"
    MEDDIC_CHAMPION = "meddic.champion"


# What people do is worth points in these parts only.
BehaviourPart = Literal[Part.INTENT, Part.READINESS, Part.NEGATIVE]
BEHAVIOUR_PARTS = (Part.INTENT, Part.READINESS, Part.NEGATIVE)

# Names of ledger rows that no rule of a file makes.
CAP, FLOOR, ROUNDING, WEIGHT, PERSONA, IDLE = "cap", "floor", "rounding", "weight", "persona", "idle"
ADJUSTMENTS = (CAP, FLOOR, ROUNDING, WEIGHT)
RESERVED_IDS = (*ADJUSTMENTS, PERSONA, IDLE)
TOTAL = "total"  # the part of ledger rows that limit and round the score itself
# What a group may look at: every part, and these.
DIMENSIONS = ("score", *Part, "fit_max", "score_min", "score_max", "completeness")


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
