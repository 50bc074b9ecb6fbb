"""Conditions of a model file: facts of a record against wanted values, joined by all, any and not.

A condition has three answers. A fact that is missing makes it None ("cannot be told"), so neither a
rule nor its opposite fires on missing facts; only `known` speaks about them. `fired` asks whether
another rule or signal of the model counts for the record, and is never open.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.entities import Field as EntityField
from leadline.core.scoring.operators import OPERATORS, answer
from leadline.yamlfile import Mistake, MistakesError, did_you_mean

# Facts that an account and a person both carry: a person's own value stands in when the linked
# account has none (or when there is no account).
SHARED = ("industry", "employees", "annual_revenue", "country")


JOINS = ("all", "any", "not")
FIRED = "fired"


def _scored_fields() -> dict[str, EntityField]:
    entities = (Entity.ACCOUNT, Entity.PERSON)
    return {f"{entity}.{field.name}": field for entity in entities for field in FIELDS[entity] if field.scored}


SCORED_FIELDS: Mapping[str, EntityField] = _scored_fields()


class Strict(BaseModel):
    """Base of every section of a model file: frozen, unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Condition(Strict):
    """One test of one fact, whether something else fired, or conditions joined by `all`, `any` or `not`."""

    field: str | None = Field(None, description="account.<field> or person.<field>")
    in_: tuple[str, ...] | None = Field(None, alias="in", min_length=1, description=OPERATORS["in"].meaning)
    equals: bool | int | str | None = Field(None, description=OPERATORS["equals"].meaning)
    range: tuple[int | None, int | None] | None = Field(None, description=OPERATORS["range"].meaning)
    matches: tuple[str, ...] | None = Field(None, min_length=1, description=OPERATORS["matches"].meaning)
    days_since: tuple[int | None, int | None] | None = Field(None, description=OPERATORS["days_since"].meaning)
    contains_any: tuple[str, ...] | None = Field(None, min_length=1, description=OPERATORS["contains_any"].meaning)
    contains_all: tuple[str, ...] | None = Field(None, min_length=1, description=OPERATORS["contains_all"].meaning)
    known: bool | None = Field(None, description=OPERATORS["known"].meaning)
    fired: str | None = Field(None, description="id of a rule, signal or committee that counts for the record")
    all_: tuple[Condition, ...] | None = Field(None, alias="all", min_length=1, description="every one of these")
    any_: tuple[Condition, ...] | None = Field(None, alias="any", min_length=1, description="at least one of these")
    not_: Condition | None = Field(None, alias="not", description="the opposite of this")

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        given = self._given()
        joins = [key for key in given if key in (*JOINS, FIRED)]
        tests = [key for key in given if key in OPERATORS]
        if self.field is None and tests:
            raise MistakesError([Mistake((tests[0],), "has no field to test", "Add `field: account.<name>`.")])
        if len(joins) + (self.field is not None) != 1:
            fix = "Write either `field:` with one test, or one of fired, all, any, not."
            raise MistakesError([Mistake((), "must be exactly one condition", fix)])
        if self.field is not None:
            _check_test(self.field, tests, self)
        return self

    def _given(self) -> dict[str, Any]:
        """What was written, by its key in the file."""
        pairs = {
            "in": self.in_, "equals": self.equals, "range": self.range, "matches": self.matches,
            "days_since": self.days_since, "contains_any": self.contains_any, "contains_all": self.contains_all,
            "known": self.known, FIRED: self.fired,
            "all": self.all_, "any": self.any_, "not": self.not_,
        }  # fmt: skip
        return {key: value for key, value in pairs.items() if value is not None}

    @property
    def test(self) -> tuple[str, Any]:
        """(operator or join, its operand)."""
        ((key, operand),) = self._given().items()
        return key, operand

    def leaves(self) -> Iterator[Condition]:
        """The tests of single facts, from left to right."""
        return (leaf for leaf in self._tips() if leaf.field is not None)

    def _tips(self) -> Iterator[Condition]:
        key, operand = self.test
        if key not in JOINS:
            yield self
            return
        for child in operand if isinstance(operand, tuple) else (operand,):
            yield from child._tips()

    def fields(self) -> tuple[str, ...]:
        """The facts that are read, in order of mention, each once."""
        return tuple(dict.fromkeys(leaf.field for leaf in self.leaves() if leaf.field))

    def facts_asked(self) -> tuple[str, ...]:
        """The facts whose values matter, in order of mention; `known` alone asks for no value."""
        return tuple(dict.fromkeys(leaf.field for leaf in self.leaves() if leaf.field and leaf.known is None))

    def named(self) -> tuple[str, ...]:
        """The ids that `fired` asks about, in order of mention, each once."""
        return tuple(dict.fromkeys(tip.fired for tip in self._tips() if tip.fired))

    @property
    def moves(self) -> bool:
        """Whether the answer can change while no fact does: by time, or with what else fires."""
        return any(tip.fired is not None or tip.days_since is not None for tip in self._tips())

    def holds(self, read: Callable[[str], Any], now: int, fired: Collection[str] = ()) -> bool | None:
        """True, False, or None when a missing fact leaves it open.

        `read` gives the value of a fact, None when it is missing. `now` is in seconds. `fired` are
        the ids that count for the record.
        """
        key, operand = self.test
        if key == FIRED:
            return operand in fired
        if key == "not":
            inner = operand.holds(read, now, fired)
            return None if inner is None else not inner
        if key in JOINS:
            answers = [child.holds(read, now, fired) for child in operand]
            decisive = key == "any"
            if decisive in answers:
                return decisive
            return None if None in answers else not decisive
        return answer(key, operand, read(str(self.field)), now)


def _check_test(name: str, tests: list[str], condition: Condition) -> None:
    field = SCORED_FIELDS.get(name)
    if field is None:
        raise MistakesError([Mistake(("field",), f"unknown fact '{name}'", did_you_mean(name, list(SCORED_FIELDS)))])
    if len(tests) != 1:
        fix = f"Write one of {', '.join(OPERATORS)}."
        raise MistakesError([Mistake((), f"must test '{name}' in exactly one way", fix)])
    (key,) = tests
    if field.kind not in OPERATORS[key].kinds:
        usable = ", ".join(word for word, operator in OPERATORS.items() if field.kind in operator.kinds)
        raise MistakesError([Mistake((key,), f"'{key}' cannot test {name}, which is {field.kind}", f"Use {usable}.")])
    _check_operand(field, key, condition.test[1])


def _check_operand(field: EntityField, key: str, operand: Any) -> None:
    if key == "matches" and not all(operand):
        raise MistakesError([Mistake((key,), "has an empty pattern", "Use `known: false` for a missing fact.")])
    if key in ("range", "days_since"):
        low, high = operand
        if low is None and high is None:
            raise MistakesError([Mistake((key,), "leaves both sides open", "Use `known: true`.")])
        if low is not None and high is not None and low >= high:
            raise MistakesError([Mistake((key,), f"is empty: {low} is not below {high}")])
    if key == "equals":
        wanted = {Kind.INTEGER: int, Kind.BOOLEAN: bool}.get(field.kind, str)
        if type(operand) is not wanted:
            raise MistakesError([Mistake((key,), f"should be {wanted.__name__}, as {field.name} is {field.kind}")])
    if field.kind is Kind.ENUM and key in ("in", "equals"):
        for position, word in enumerate(operand if key == "in" else (operand,)):
            if word not in field.values:
                path = (key, position) if key == "in" else (key,)
                fix = did_you_mean(word, field.values)
                raise MistakesError([Mistake(path, f"{field.name} is never '{word}'", fix)])
