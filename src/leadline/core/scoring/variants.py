"""What differs between the segments of a model, as expressions: the value of a record's own variant.

Variants mostly agree. Where they do, an expression does not mention the segment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

import narwhals.stable.v2 as nw

from leadline.core.scoring.expressions import Expr, either
from leadline.core.scoring.plan import Plan

SEGMENT = "segment_number"
"""The column of a record's variant: its position in `Plan.every`. Only where there are several."""


class Named(Protocol):
    """An entry of a model."""

    @property
    def id(self) -> str:
        """Its name, which is unique in a model."""
        ...


Entry = TypeVar("Entry", bound=Named)
Value = TypeVar("Value")


class Merged(Generic[Entry]):
    """An entry as each variant has it; None in those that do not. Variants differ in points only."""

    def __init__(self, by_variant: Sequence[Entry | None]) -> None:
        self.by_variant = tuple(by_variant)
        self.any = next(entry for entry in by_variant if entry is not None)


class Variants:
    """The variants of a model."""

    def __init__(self, plan: Plan) -> None:
        self.plans = plan.every()

    def merged(self, entries: Callable[[Plan], Iterable[Entry]]) -> list[Merged[Entry]]:
        """The entries of all variants by id. Those of each variant stay in their order."""
        by_plan = [{entry.id: entry for entry in entries(plan)} for plan in self.plans]
        order: TopologicalSorter[str] = TopologicalSorter()
        for found in by_plan:
            for name in found:
                order.add(name)
            for before, after in pairwise(found):
                order.add(after, before)
        return [Merged([found.get(name) for found in by_plan]) for name in order.static_order()]

    def of_each(self, value: Callable[[Plan], Value], make: Callable[[Value], Expr]) -> Expr:
        """The expression for the value of a record's variant."""
        return self.chosen([value(plan) for plan in self.plans], make)

    def chosen(self, values: Sequence[Value], make: Callable[[Value], Expr]) -> Expr:
        """The expression for the record's value, of these by variant."""
        distinct: list[Value] = []
        for value in values:
            if value not in distinct:
                distinct.append(value)
        usual = max(distinct, key=values.count)
        found = make(usual)
        for value in distinct:
            if value != usual:
                found = either(self._among([mine == value for mine in values]), make(value), found)
        return found

    def where(self, merged: Merged[Entry], condition: Expr) -> Expr:
        """The condition, for records whose variant has the entry."""
        has = [entry is not None for entry in merged.by_variant]
        return condition if all(has) else condition & self._among(has)

    def _among(self, wanted: Sequence[bool]) -> Expr:
        places = [place for place, yes in enumerate(wanted) if yes]
        number = nw.col(SEGMENT)
        among: Expr = number == places[0] if len(places) == 1 else number.is_in(places)
        return among
