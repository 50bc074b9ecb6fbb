"""GROUP BY, HAVING and the aggregate functions."""

from __future__ import annotations

from collections.abc import Iterable
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.paths import Resolved, resolve
from leadline_salesforce.sandbox.shapes import comparable
from leadline_salesforce.sandbox.soql import malformed
from leadline_salesforce.sandbox.soqltree import Aggregate, Column, CountAll, Path, Query, SortKey, Total
from leadline_salesforce.sandbox.store import Org, Row

_COMPARE = {"=": eq, "!=": ne, "<": lt, ">": gt, "<=": le, ">=": ge}
_SUMMED = ("int", "double", "currency", "percent")


class Grouping:
    """The groups that a query makes of its rows."""

    def __init__(self, query: Query, definition: ObjectDef, org: Org) -> None:
        self._query = query
        self._definition = definition
        self._org = org
        self._by = [self._resolved(path) for path in query.group]

    def shown(self, rows: Iterable[Row]) -> list[Row]:
        """One row a group, in order, cut to size. ApiError for what cannot be grouped."""
        groups: dict[tuple[Any, ...], list[Row]] = {}
        getters = [resolved.getter(self._org) for resolved in self._by]
        for row in rows:
            groups.setdefault(tuple(get(row) for get in getters), []).append(row)
        if not self._by:
            groups = groups or {(): []}
        kept = [(key, members) for key, members in groups.items() if self._holds(members)]
        for order in reversed(self._query.order):
            kept = self._sorted(order, kept)
        stop = None if self._query.limit is None else self._query.offset + self._query.limit
        return [self._row(key, members) for key, members in kept[self._query.offset : stop]]

    def _holds(self, members: list[Row]) -> bool:
        return all(self._total_holds(total, members) for total in self._query.having)

    def _total_holds(self, total: Total, members: list[Row]) -> bool:
        limit = total.value.value
        if total.value.kind != "number" or not isinstance(limit, int | float):
            raise malformed(self._query.text, total.value.at, "HAVING compares with numbers")
        value = len(members) if total.path is None else self._fold(total.function, total.path, members)
        return value is not None and bool(_COMPARE[total.operator](value, limit))

    def _sorted(
        self, order: SortKey, groups: list[tuple[tuple[Any, ...], list[Row]]]
    ) -> list[tuple[tuple[Any, ...], list[Row]]]:
        def value(group: tuple[tuple[Any, ...], list[Row]]) -> Any:
            if order.function is not None:
                return self._fold(order.function, order.path, group[1])
            return group[0][self._place(order.path)]

        full = [group for group in groups if value(group) is not None]
        empty = [group for group in groups if value(group) is None]
        full.sort(key=lambda group: comparable(value(group)), reverse=order.descending)
        return full + empty if order.nulls_last else empty + full

    def _place(self, path: Path) -> int:
        """Where the field stands in GROUP BY; an alias of a grouped field is as good."""
        for item in self._query.items:
            if isinstance(item, Column) and item.alias is not None and path.text.lower() == item.alias.lower():
                return self._by.index(self._resolved(item.path))
        resolved = self._resolved(path)
        if resolved not in self._by:
            raise malformed(self._query.text, path.at, f"Ordered field must be grouped or aggregated: {path.text}")
        return self._by.index(resolved)

    def _row(self, key: tuple[Any, ...], members: list[Row]) -> Row:
        row: Row = {"attributes": {"type": "AggregateResult"}}
        unnamed = 0
        for item in self._query.items:
            match item:
                case Column(path, alias):
                    resolved = self._resolved(path)
                    if resolved not in self._by:
                        raise malformed(self._query.text, path.at, f"Field must be grouped or aggregated: {path.text}")
                    row[alias or resolved.field.name] = key[self._by.index(resolved)]
                case Aggregate(function, path, alias):
                    row[alias or f"expr{unnamed}"] = self._fold(function, path, members)
                    unnamed += alias is None
                case CountAll():
                    row[f"expr{unnamed}"] = len(members)
                    unnamed += 1
                case _:
                    raise malformed(self._query.text, 0, "FIELDS() and subqueries cannot be used with GROUP BY")
        return row

    def _fold(self, function: str, path: Path, members: list[Row]) -> Any:
        resolved = self._resolved(path)
        get = resolved.getter(self._org)
        values = [value for row in members if (value := get(row)) is not None]
        if function in ("SUM", "AVG") and resolved.field.type not in _SUMMED:
            words = f"field {path.text} does not support aggregate operator {function}"
            raise malformed(self._query.text, path.at, words)
        match function:
            case "COUNT":
                return len(values)
            case "COUNT_DISTINCT":
                return len(set(values))
            case "SUM":
                return sum(values) if values else None
            case "AVG":
                return sum(values) / len(values) if values else None
            case "MIN":
                return min(values, default=None)
            case _:
                return max(values, default=None)

    def _resolved(self, path: Path) -> Resolved:
        return resolve(self._query, self._definition, path, self._org.schema)
