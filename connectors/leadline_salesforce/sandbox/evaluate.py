"""Parsed queries over the tables: which rows, in which order, shown how.

The common queries are served from an index: rows beyond a (SystemModstamp, Id) or an Id, rows by id,
by unique external id, by e-mail address and by the record that they point at. Everything else scans one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from leadline_salesforce.sandbox import ids
from leadline_salesforce.sandbox.aggregates import Grouping
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.paths import Resolved, resolve
from leadline_salesforce.sandbox.predicates import compile_where, lowest_id, lowest_key, wanted_values
from leadline_salesforce.sandbox.shapes import Context, Render, cut, living, ordered, shape_of, sort_keys
from leadline_salesforce.sandbox.soql import pointed
from leadline_salesforce.sandbox.soqltree import Aggregate, Children, Column, CountAll, Query
from leadline_salesforce.sandbox.store import Org, Row, Table

MAX_OFFSET = 2000
_BY_STAMP = (["systemmodstamp", "id"], ["systemmodstamp"])


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a query before paging: `rows` are shown by `render`; a bare COUNT() has a total and no rows."""

    total: int
    rows: Sequence[Row]
    render: Render


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
        context = Context(self._org, self._now, self._base, include_deleted)
        render = None if aggregated else shape_of(query, definition, context).render(context)
        keys = [] if aggregated else sort_keys(query, definition, self._org)
        candidates = self._candidates(query, definition, include_deleted=include_deleted)
        rows = living(candidates, check, include_deleted=include_deleted)
        if render is None:
            if len(query.items) == 1 and isinstance(query.items[0], CountAll) and not query.group:
                total = sum(1 for _ in rows)
                return Found(total if query.limit is None else min(total, query.limit), (), _as_is)
            shown = Grouping(query, definition, self._org).shown(rows)
            return Found(len(shown), shown, _as_is)
        in_order = not keys or self._by_stamp(query) or self._by_id(query)
        found = cut(rows if in_order else iter(ordered(rows, keys)), query)
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
        sort_keys(query, definition, self._org)

    def object_of(self, query: Query) -> ObjectDef:
        """The object that is asked for. ApiError INVALID_TYPE when there is none of that name."""
        definition = self._org.schema.named(query.object)
        if definition is None:
            raise ApiError("INVALID_TYPE", pointed(query.text, query.object_at, _unknown_object(query.object)))
        return definition

    def _candidates(self, query: Query, definition: ObjectDef, *, include_deleted: bool) -> Iterable[Row]:
        """As few rows as an index allows, all that may match."""
        table = self._org.table(definition)
        wanted = wanted_values(query.where, "Id")
        if wanted is not None:
            normal = dict.fromkeys(ids.normal(text) or "" for text in wanted)
            return [table.rows[record_id] for record_id in normal if record_id in table.rows]
        key = lowest_key(query.where)
        if key is not None or self._by_stamp(query):
            return table.since(key)
        if self._by_id(query):
            return table.beyond(lowest_id(query.where))
        unique = None if include_deleted else _by_unique(table, definition, query)  # deleted rows leave that index
        found = _by_value(table, definition, query) if unique is None else unique
        return table.rows.values() if found is None else found

    @staticmethod
    def _by_stamp(query: Query) -> bool:
        """Whether the index by (SystemModstamp, Id) gives the order asked for (ids are unique, so no third key)."""
        if wanted_values(query.where, "Id") is not None or any(key.descending for key in query.order):
            return False
        return [key.path.text.lower() for key in query.order] in _BY_STAMP

    @staticmethod
    def _by_id(query: Query) -> bool:
        if wanted_values(query.where, "Id") is not None or lowest_key(query.where) is not None:
            return False
        return [(key.path.text.lower(), key.descending) for key in query.order] == [("id", False)]


def with_children(query: Query) -> bool:
    """Whether the query has another one in its SELECT."""
    return any(isinstance(item, Children) for item in query.items)


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


def _by_value(table: Table, definition: ObjectDef, query: Query) -> list[Row] | None:
    """Rows by what they point at, or by e-mail address; None when the clause names neither."""
    for field in definition.fields.values():
        if field.type != "email" and not (field.type == "reference" and "User" not in field.reference_to):
            continue
        wanted = wanted_values(query.where, field.name)
        if wanted is not None:
            values = dict.fromkeys((ids.normal(text) or "") if field.type == "reference" else text for text in wanted)
            return [row for value in values for row in table.having(field.name, value)]
    return None
