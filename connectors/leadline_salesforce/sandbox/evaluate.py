"""Parsed queries over the tables: which rows, in which order, shown how.

The common queries are served from an index: rows beyond a (SystemModstamp, Id), and rows by id or
by unique external id. Everything else scans one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

from leadline_salesforce.sandbox import ids
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.paths import Resolved, invalid_field, kind_of, resolve
from leadline_salesforce.sandbox.predicates import Predicate, compile_where, lowest_key, wanted_values
from leadline_salesforce.sandbox.soql import (
    Aggregate,
    AllFields,
    Column,
    CountAll,
    Path,
    Query,
    SortKey,
    malformed,
    pointed,
)
from leadline_salesforce.sandbox.store import Org, Row, Table

Render: TypeAlias = Callable[[Row], dict[str, Any]]
MAX_OFFSET = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a query before paging: `rows` are shown by `render`; a bare COUNT() has a total and no rows."""

    total: int
    rows: Sequence[Row]
    render: Render


@dataclass(slots=True)
class _Shape:
    """What to show of one row: its own fields, and those of the rows that its lookups point at."""

    own: list[str] = field(default_factory=list)
    through: dict[str, tuple[str, _Shape]] = field(default_factory=dict)  # relationship -> (lookup, shape)

    def add(self, resolved: Resolved) -> None:
        shape = self
        for hop in resolved.hops:
            _, shape = shape.through.setdefault(str(hop.relationship), (hop.name, _Shape()))
        if resolved.field.name not in shape.own:
            shape.own.append(resolved.field.name)

    def render(self, org: Org, base: str) -> Render:
        names = tuple(self.own)
        through = [(name, lookup, shape.render(org, base)) for name, (lookup, shape) in self.through.items()]

        def plain(row: Row) -> dict[str, Any]:
            kind = kind_of(row)
            shown: dict[str, Any] = {"attributes": {"type": kind, "url": f"{base}/sobjects/{kind}/{row['Id']}"}}
            for name in names:
                shown[name] = row.get(name)
            if "Type" in names and "Type" not in row and kind in ("Lead", "Contact", "User"):
                shown["Type"] = kind
            return shown

        if not through:
            return plain

        def nested(row: Row) -> dict[str, Any]:
            shown = plain(row)
            for name, lookup, show in through:
                target = org.row(row.get(lookup))
                shown[name] = None if target is None else show(target)
            return shown

        return nested


class Evaluator:
    """Queries of one call. `base` is the path that record URLs begin with, `/services/data/v66.0`."""

    def __init__(self, org: Org, now: float, base: str) -> None:
        self._org = org
        self._now = now
        self._base = base

    def run(self, query: Query, *, include_deleted: bool) -> Found:
        """Rows and how to show them. ApiError in the vendor's words for what the schema does not have."""
        definition = self.object_of(query)
        if query.offset > MAX_OFFSET:
            raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        check = compile_where(query, definition, self._org, self._now)
        aggregated = bool(query.group) or any(isinstance(item, Aggregate | CountAll) for item in query.items)
        render = None if aggregated else self._shape(query, definition).render(self._org, self._base)
        keys = self._sort_keys(query, definition, aggregated=aggregated)
        rows = self._rows(query, definition, check, include_deleted=include_deleted)
        if render is None:
            return self._aggregate(query, definition, rows)
        start, stop = query.offset, None if query.limit is None else query.offset + query.limit
        ordered = not keys or self._indexed(query)
        found = list(islice(rows, start, stop)) if ordered else _sorted(rows, keys)[start:stop]
        return Found(len(found), found, render)

    def columns(self, query: Query) -> list[Resolved]:
        """The fields that a query without aggregates shows, in its order. ApiError when one does not exist."""
        definition = self.object_of(query)
        return [
            resolve(query, definition, item.path, self._org.schema) for item in query.items if isinstance(item, Column)
        ]

    def check(self, query: Query) -> None:
        """ApiError, as `run` would raise it, when the query names something that the schema does not have."""
        definition = self.object_of(query)
        self.columns(query)
        compile_where(query, definition, self._org, self._now)
        self._sort_keys(query, definition, aggregated=False)

    def object_of(self, query: Query) -> ObjectDef:
        """The object that is asked for. ApiError INVALID_TYPE when there is none of that name."""
        definition = self._org.schema.named(query.object)
        if definition is None:
            raise ApiError("INVALID_TYPE", pointed(query.text, query.object_at, _unknown_object(query.object)))
        return definition

    def _rows(
        self, query: Query, definition: ObjectDef, check: Predicate | None, *, include_deleted: bool
    ) -> Iterator[Row]:
        for row in self._candidates(query, definition, include_deleted=include_deleted):
            if (include_deleted or not row.get("IsDeleted")) and (check is None or check(row)):
                yield row

    def _candidates(self, query: Query, definition: ObjectDef, *, include_deleted: bool) -> Iterable[Row]:
        """As few rows as an index allows, all that may match."""
        table = self._org.table(definition)
        wanted = wanted_values(query.where, "Id")
        if wanted is not None:
            normal = dict.fromkeys(ids.normal(text) or "" for text in wanted)
            return [table.rows[record_id] for record_id in normal if record_id in table.rows]
        key = lowest_key(query.where)
        if key is not None or self._indexed(query):
            return table.since(key)
        unique = None if include_deleted else _by_unique(table, definition, query)  # deleted rows leave that index
        return table.rows.values() if unique is None else unique

    @staticmethod
    def _indexed(query: Query) -> bool:
        """Whether the index by (SystemModstamp, Id) gives the order asked for (ids are unique, so no third key)."""
        if wanted_values(query.where, "Id") is not None:
            return False
        order = [(key.path.text.lower(), key.descending) for key in query.order]
        return order == [("systemmodstamp", False), ("id", False)]

    def _shape(self, query: Query, definition: ObjectDef) -> _Shape:
        shape = _Shape()
        for item in query.items:
            match item:
                case Column(path, alias):
                    if alias is not None:
                        raise malformed(query.text, path.at, "only aggregate expressions use field aliasing")
                    shape.add(resolve(query, definition, path, self._org.schema))
                case AllFields(which):
                    for name in _all_fields(query, definition, which):
                        shape.add(Resolved((), definition.fields[name]))
                case _:
                    continue
        return shape

    def _sort_keys(
        self, query: Query, definition: ObjectDef, *, aggregated: bool
    ) -> list[tuple[Callable[[Row], Any], SortKey]]:
        if aggregated:
            return []
        keys = []
        for key in query.order:
            resolved = resolve(query, definition, key.path, self._org.schema)
            if not resolved.field.filterable or resolved.field.type == "multipicklist":
                raise invalid_field(query, key.path, f"field '{resolved.field.name}' can not be sorted in a query call")
            keys.append((resolved.getter(self._org), key))
        return keys

    def _aggregate(self, query: Query, definition: ObjectDef, rows: Iterator[Row]) -> Found:
        if len(query.items) == 1 and isinstance(query.items[0], CountAll):
            total = sum(1 for _ in rows)
            return Found(total if query.limit is None else min(total, query.limit), (), _as_is)
        groups: dict[tuple[Any, ...], list[Row]] = {}
        by = [resolve(query, definition, path, self._org.schema) for path in query.group]
        getters = [resolved.getter(self._org) for resolved in by]
        for row in rows:
            groups.setdefault(tuple(get(row) for get in getters), []).append(row)
        if not query.group:
            groups = groups or {(): []}
        shown = [self._group(query, definition, by, key, members) for key, members in groups.items()]
        shown = _order_groups(query, shown)[query.offset :]
        shown = shown if query.limit is None else shown[: query.limit]
        return Found(len(shown), shown, _as_is)

    def _group(
        self, query: Query, definition: ObjectDef, by: list[Resolved], key: tuple[Any, ...], members: list[Row]
    ) -> Row:
        row: Row = {"attributes": {"type": "AggregateResult"}}
        unnamed = 0
        for item in query.items:
            match item:
                case Column(path, alias):
                    resolved = resolve(query, definition, path, self._org.schema)
                    if resolved not in by:
                        raise malformed(query.text, path.at, f"Field must be grouped or aggregated: {path.text}")
                    row[alias or resolved.field.name] = key[by.index(resolved)]
                case Aggregate(function, path, alias):
                    row[alias or f"expr{unnamed}"] = self._fold(query, definition, function, path, members)
                    unnamed += alias is None
                case CountAll():
                    row[f"expr{unnamed}"] = len(members)
                    unnamed += 1
                case _:
                    raise malformed(query.text, 0, "FIELDS() cannot be used with GROUP BY")
        return row

    def _fold(self, query: Query, definition: ObjectDef, function: str, path: Path, members: list[Row]) -> Any:
        resolved = resolve(query, definition, path, self._org.schema)
        get = resolved.getter(self._org)
        values = [value for row in members if (value := get(row)) is not None]
        if function in ("SUM", "AVG") and resolved.field.type not in ("int", "double", "currency", "percent"):
            raise malformed(query.text, path.at, f"field {path.text} does not support aggregate operator {function}")
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


def _as_is(row: Row) -> dict[str, Any]:
    return row


def _unknown_object(name: str) -> str:
    return (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to append "
        "the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names."
    )


def _by_unique(table: Table, definition: ObjectDef, query: Query) -> list[Row] | None:
    """Living rows by the values of a unique field; None when the clause names none."""
    for unique in definition.unique:
        wanted = wanted_values(query.where, unique.name)
        if wanted is not None:
            return [row for text in dict.fromkeys(wanted) if (row := table.by_unique(unique.name, text)) is not None]
    return None


def _all_fields(query: Query, definition: ObjectDef, which: str) -> list[str]:
    if which not in ("ALL", "STANDARD", "CUSTOM"):
        raise malformed(query.text, 0, f"FIELDS({which}) is not ALL, STANDARD or CUSTOM")
    if which != "STANDARD" and (query.limit is None or query.limit > 200):
        raise malformed(query.text, 0, f"The SOQL FIELDS function must have a LIMIT of at most 200 for FIELDS({which})")
    return [f.name for f in definition.fields.values() if which in ("ALL", _side(f.custom))]


def _side(custom: bool) -> str:
    return "CUSTOM" if custom else "STANDARD"


def _sorted(rows: Iterable[Row], keys: list[tuple[Callable[[Row], Any], SortKey]]) -> list[Row]:
    """Rows by several keys; empty values first unless told otherwise, whatever the direction."""
    found = list(rows)
    for get, key in reversed(keys):
        empty = [row for row in found if get(row) is None]
        full = [row for row in found if get(row) is not None]
        full.sort(key=lambda row, get=get: _comparable(get(row)), reverse=key.descending)  # type: ignore[misc] # bound now
        found = full + empty if key.nulls_last else empty + full
    return found


def _comparable(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _order_groups(query: Query, shown: list[Row]) -> list[Row]:
    """Grouped rows by the fields and aliases of ORDER BY that they show."""
    for key in reversed(query.order):
        name = key.path.parts[-1]
        if not all(name in row for row in shown):
            raise malformed(query.text, key.path.at, f"Ordered field must be grouped or aggregated: {key.path.text}")
        shown = sorted(
            shown, key=lambda row: (row[name] is not None, _comparable(row[name]) or 0), reverse=key.descending
        )
    return shown
