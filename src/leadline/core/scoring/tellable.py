"""The values of a fact that a model tells apart: one for each answer that it could give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from leadline.core.entities import FUNCTIONS, SENIORITIES, Kind
from leadline.core.scoring.condition import SCORED_FIELDS, Condition
from leadline.core.scoring.model import DAY, Model

_ELSE = "\0"  # a word that no CRM holds
_Range = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Option:
    """A value that stands for all that a model treats alike, and how to say them."""

    value: Any
    said: str


def options(name: str, model: Model, now: int) -> tuple[Option, ...]:
    """What a fact can come to, by the model's conditions, its persona and its committees."""
    leaves = [leaf for condition in _conditions(model) for leaf in condition.leaves() if leaf.field == name]
    match SCORED_FIELDS[name].kind:
        case Kind.INTEGER:
            return tuple(_numbers(leaves))
        case Kind.TIME:
            return tuple(_times(leaves, now))
        case Kind.BOOLEAN:
            return Option(value=True, said="if so"), Option(value=False, said="if not")
        case Kind.LIST:
            return tuple(_lists(leaves))
        case Kind.LINK:
            return ()
        case _:
            return tuple(_words(name, leaves, model))


def _conditions(model: Model) -> Iterator[Condition]:
    yield from (entry.when for entry in (*model.rules, *model.flags, *model.disqualify))
    yield from (segment.when for segment in model.segments)


def _numbers(leaves: Iterable[Condition]) -> Iterator[Option]:
    edges: set[int] = set()
    for leaf in leaves:
        edges.update(edge for edge in leaf.range or () if edge is not None)
        if leaf.equals is not None:
            edges |= {int(leaf.equals), int(leaf.equals) + 1}
    for low, high in _cells(edge for edge in edges if edge > 0):
        if high is None:
            yield Option(low or 0, "once known" if low is None else f"from {low} on")
        elif low is None:
            yield Option(high - 1, f"below {high}")
        else:
            yield Option(low, f"at {low}" if high == low + 1 else f"from {low} to {high - 1}")


def _times(leaves: Iterable[Condition], now: int) -> Iterator[Option]:
    edges = {day for leaf in leaves for day in leaf.days_since or () if day is not None and day > 0}
    for low, high in _cells(edges):
        if high is None:
            yield Option(now - (low or 0) * DAY, "once known" if low is None else f"if {low} days ago or more")
        elif low is None:
            yield Option(now, f"if less than {high} days ago")
        else:
            yield Option(now - low * DAY, f"if {low} to {high - 1} days ago")


def _cells(edges: Iterable[int]) -> Iterator[_Range]:
    """Everything below the first edge, between two edges, and from the last one on."""
    yield from pairwise((None, *sorted(set(edges)), None))


def _lists(leaves: Iterable[Condition]) -> Iterator[Option]:
    groups = [leaf.contains_all or leaf.contains_any or () for leaf in leaves]
    words = list(dict.fromkeys(word for group in groups for word in group))
    together = [leaf.contains_all for leaf in leaves if leaf.contains_all and len(leaf.contains_all) > 1]
    found = dict.fromkeys([*((word,) for word in words), *together, tuple(words)])
    for group in found:
        if group:
            yield Option(sorted(group), f"with {_spoken(' and '.join(group))}")
    yield Option([_ELSE], "with others" if words else "once known")


def _words(name: str, leaves: Sequence[Condition], model: Model) -> Iterator[Option]:
    found = [word for leaf in leaves for word in (*(leaf.in_ or ()), leaf.equals) if isinstance(word, str)]
    found += _of_tables(name, model)
    for word in dict.fromkeys(found):
        yield Option(word, f"with {_spoken(word)}")
    for glob in dict.fromkeys(glob for leaf in leaves for glob in leaf.matches or ()):
        yield Option(glob.replace("*", "") or _ELSE, f"with {glob}")
    others = [word for word in SCORED_FIELDS[name].values if word not in found] or [_ELSE]
    yield Option(others[0], "with anything else" if found else "once known")


def _of_tables(name: str, model: Model) -> Iterator[str]:
    personas = [model.persona, *(segment.persona for segment in model.segments)]
    if name == "person.seniority" and any(personas):
        yield from SENIORITIES
    if name == "person.function":
        wanted = {word for persona in personas if persona for word in persona.functions}
        wanted |= {word for entry in model.committee for word in entry.functions or ()}
        yield from (word for word in FUNCTIONS if word in wanted)


def _spoken(word: str) -> str:
    return word.replace("_", " ")
