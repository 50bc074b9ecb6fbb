"""A parsed query, typed. Positions are offsets in its text, kept to point at a word that is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps through lookups: `Account.Owner.Name`. `at` is its offset in the text."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class DateRange:
    """A date literal such as TODAY or LAST_N_DAYS:30, in upper case."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written. `kind` is text, number, instant, day, boolean, null or range."""

    kind: str
    value: str | float | int | bool | DateRange | None
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path operator values`; the operator in lower case, `in`/`not in`/`includes`/`excludes` with several values."""

    path: Path
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition


@dataclass(frozen=True, slots=True)
class Every:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Within:
    """`path IN (SELECT ...)`: the values of the one field that `query` selects."""

    path: Path
    negated: bool
    query: Query


Condition: TypeAlias = Comparison | Within | Not | Every | Some


@dataclass(frozen=True, slots=True)
class Column:
    path: Path
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    function: str
    path: Path
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class AllFields:
    which: str


@dataclass(frozen=True, slots=True)
class CountAll:
    pass


@dataclass(frozen=True, slots=True)
class Children:
    """`(SELECT ... FROM Contacts)`: rows that point here. The object of `query` is the relationship's name."""

    query: Query


@dataclass(frozen=True, slots=True)
class Total:
    """A condition of HAVING; no path for COUNT()."""

    function: str
    path: Path | None
    operator: str
    value: Literal


Item: TypeAlias = Column | Aggregate | AllFields | CountAll | Children


@dataclass(frozen=True, slots=True)
class SortKey:
    """By a field, or by an aggregate `function` of it."""

    path: Path
    descending: bool
    nulls_last: bool
    function: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """One parsed query. `alias` is the name given to the object in FROM, if any."""

    text: str
    items: tuple[Item, ...]
    object: str
    object_at: int
    alias: str | None
    where: Condition | None
    group: tuple[Path, ...]
    order: tuple[SortKey, ...]
    limit: int | None
    offset: int
    having: tuple[Total, ...] = ()
