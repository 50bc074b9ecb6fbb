"""The rows that a bulk query found, kept as they were, and shown page by page as text cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from leadline_salesforce.sandbox.bulk_csv import cell
from leadline_salesforce.sandbox.fields import FieldDef
from leadline_salesforce.sandbox.paths import Resolved, target_of
from leadline_salesforce.sandbox.store import Org, Row

_PLAIN = {"datetime", "boolean", "int", "double", "currency", "percent"}  # the other types are texts already
_Shower: TypeAlias = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class _Column:
    """Where a cell comes from: the row itself, or the row that a lookup led to (`through`, by number)."""

    name: str
    through: int | None
    show: _Shower | None


class Snapshot:
    """Rows are never changed in place, so keeping them is keeping the moment: one reference a row and lookup."""

    def __init__(self, columns: Sequence[Resolved], rows: Sequence[Row], org: Org) -> None:
        self.rows = rows
        self.header = [".".join([*(str(hop.relationship) for hop in c.hops), c.field.name]) for c in columns]
        ways = list(dict.fromkeys(column.hops for column in columns if column.hops))
        self._targets = [_targets(way, rows, org) for way in ways]
        self._columns = [
            _Column(c.field.name, ways.index(c.hops) if c.hops else None, _shower(c.field)) for c in columns
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def page(self, start: int, stop: int) -> Iterator[list[str | None]]:
        """The cells of rows start to stop."""
        for at in range(start, min(stop, len(self.rows))):
            row = self.rows[at]
            yield [self._cell(column, row, at) for column in self._columns]

    def _cell(self, column: _Column, row: Row, at: int) -> str | None:
        held: Row | None = row if column.through is None else self._targets[column.through][at]
        value = None if held is None else held.get(column.name)
        return value if value is None or column.show is None else column.show(value)


def _targets(way: tuple[FieldDef, ...], rows: Sequence[Row], org: Org) -> list[Row | None]:
    return [target_of(row, way, org) for row in rows]


def _shower(field: FieldDef) -> _Shower | None:
    return partial(cell, field.type) if field.type in _PLAIN else None
