"""What a query shows of a row: its own fields, those of records that it points at, and lists of its children."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeAlias

from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.paths import Resolved, invalid_field, kind_of, resolve
from leadline_salesforce.sandbox.predicates import Predicate, compile_where
from leadline_salesforce.sandbox.soql import malformed, pointed
from leadline_salesforce.sandbox.soqltree import AllFields, Children, Column, Query, SortKey
from leadline_salesforce.sandbox.store import Org, Row

Render: TypeAlias = Callable[[Row], dict[str, Any]]
Keys: TypeAlias = list[tuple[Callable[[Row], Any], SortKey]]


@dataclass(frozen=True, slots=True)
class Context:
    """What all parts of one query share. `base` begins the URLs of records, `/services/data/v66.0`."""

    org: Org
    now: float
    base: str
    include_deleted: bool


@dataclass(frozen=True, slots=True)
class _Down:
    """A list of children: rows of `definition` whose `lookup` is the row's id."""

    name: str
    definition: ObjectDef
    lookup: FieldDef
    check: Predicate | None
    keys: Keys
    query: Query
    render: Render


@dataclass(slots=True)
class Shape:
    """One row's part of the answer, with those of the rows that its lookups point at."""

    own: list[str] = field(default_factory=list)
    through: dict[str, tuple[str, Shape]] = field(default_factory=dict)  # relationship -> (lookup, shape)
    down: list[_Down] = field(default_factory=list)

    def add(self, resolved: Resolved) -> None:
        shape = self
        for hop in resolved.hops:
            _, shape = shape.through.setdefault(str(hop.relationship), (hop.name, Shape()))
        if resolved.field.name not in shape.own:
            shape.own.append(resolved.field.name)

    def render(self, context: Context) -> Render:
        """A function from a row to what is shown of it."""
        org, base, names = context.org, context.base, tuple(self.own)
        through = [(name, lookup, shape.render(context)) for name, (lookup, shape) in self.through.items()]

        def plain(row: Row) -> dict[str, Any]:
            kind = kind_of(row)
            shown: dict[str, Any] = {"attributes": {"type": kind, "url": f"{base}/sobjects/{kind}/{row['Id']}"}}
            for name in names:
                shown[name] = row.get(name)
            if "Type" in names and "Type" not in row and kind in ("Lead", "Contact", "User"):
                shown["Type"] = kind
            return shown

        if not through and not self.down:
            return plain

        def nested(row: Row) -> dict[str, Any]:
            shown = plain(row)
            for name, lookup, show in through:
                target = org.row(row.get(lookup))
                shown[name] = None if target is None else show(target)
            for down in self.down:
                shown[down.name] = _listed(down, row, context)
            return shown

        return nested


def _listed(down: _Down, row: Row, context: Context) -> dict[str, Any] | None:
    """Children in the form of a query's answer; null when there are none."""
    rows = [
        child
        for child in context.org.table(down.definition).having(down.lookup.name, row["Id"])
        if (context.include_deleted or not child.get("IsDeleted")) and (down.check is None or down.check(child))
    ]
    stop = None if down.query.limit is None else down.query.offset + down.query.limit
    shown = [down.render(child) for child in ordered(rows, down.keys)[down.query.offset : stop]]
    return {"totalSize": len(shown), "done": True, "records": shown} if shown else None


def shape_of(query: Query, definition: ObjectDef, context: Context) -> Shape:
    """The shape that a query without aggregates asks for. ApiError for what the schema does not have."""
    shape = Shape()
    for item in query.items:
        match item:
            case Column(path, alias):
                if alias is not None:
                    raise malformed(query.text, path.at, "only aggregate expressions use field aliasing")
                shape.add(resolve(query, definition, path, context.org.schema))
            case AllFields(which):
                for name in _all_fields(query, definition, which):
                    shape.add(Resolved((), definition.fields[name]))
            case Children(inner):
                shape.down.append(_down(query, definition, inner, context))
            case _:
                continue
    return shape


def _down(query: Query, parent: ObjectDef, inner: Query, context: Context) -> _Down:
    inner = replace(inner, text=query.text)
    for definition in context.org.schema:
        for lookup in definition.fields.values():
            if (lookup.children or "").lower() == inner.object.lower() and parent.name in lookup.reference_to:
                return _Down(
                    str(lookup.children), definition, lookup,
                    compile_where(inner, definition, context.org, context.now),
                    sort_keys(inner, definition, context.org), inner,
                    shape_of(inner, definition, context).render(context),
                )  # fmt: skip
    raise ApiError(
        "INVALID_TYPE",
        pointed(
            query.text,
            inner.object_at,
            f"Didn't understand relationship '{inner.object}' in FROM part of query call. If you are attempting to "
            "use a custom relationship, be sure to append the '__r' after the custom relationship name. Please "
            "reference your WSDL or the describe call for the appropriate names.",
        ),
    )


def sort_keys(query: Query, definition: ObjectDef, org: Org) -> Keys:
    """How to read and compare the fields of ORDER BY. ApiError for fields that have no order."""
    keys: Keys = []
    for key in query.order:
        resolved = resolve(query, definition, key.path, org.schema)
        if key.function is not None:
            raise malformed(query.text, key.path.at, "aggregates in ORDER BY need GROUP BY")
        if not resolved.field.filterable or resolved.field.type == "multipicklist":
            raise invalid_field(query, key.path, f"field '{resolved.field.name}' can not be sorted in a query call")
        keys.append((resolved.getter(org), key))
    return keys


def ordered(rows: Iterable[Row], keys: Keys) -> Sequence[Row]:
    """Rows by several keys; empty values first unless told otherwise, whatever the direction."""
    found = list(rows)
    for get, key in reversed(keys):
        empty = [row for row in found if get(row) is None]
        full = [row for row in found if get(row) is not None]
        full.sort(key=lambda row, get=get: comparable(get(row)), reverse=key.descending)  # type: ignore[misc] # bound now
        found = full + empty if key.nulls_last else empty + full
    return found


def comparable(value: Any) -> Any:
    """A value as it is compared with others: the case of texts does not count."""
    return value.casefold() if isinstance(value, str) else value


def living(rows: Iterable[Row], check: Predicate | None, *, include_deleted: bool) -> Iterator[Row]:
    """The rows that a query may show and that its WHERE clause lets pass."""
    for row in rows:
        if (include_deleted or not row.get("IsDeleted")) and (check is None or check(row)):
            yield row


def cut(rows: Iterator[Row], query: Query) -> list[Row]:
    """OFFSET and LIMIT of rows that come in order already."""
    stop = None if query.limit is None else query.offset + query.limit
    return list(islice(rows, query.offset, stop))


def _all_fields(query: Query, definition: ObjectDef, which: str) -> list[str]:
    if which not in ("ALL", "STANDARD", "CUSTOM"):
        raise malformed(query.text, 0, f"FIELDS({which}) is not ALL, STANDARD or CUSTOM")
    if which != "STANDARD" and (query.limit is None or query.limit > 200):
        raise malformed(query.text, 0, f"The SOQL FIELDS function must have a LIMIT of at most 200 for FIELDS({which})")
    return [f.name for f in definition.fields.values() if which in ("ALL", "CUSTOM" if f.custom else "STANDARD")]
