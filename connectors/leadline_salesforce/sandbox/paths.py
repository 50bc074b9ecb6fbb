"""Field paths of a query against the schema: what they name, and how to read them off a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.objects import kind
from leadline_salesforce.sandbox.schema import Schema
from leadline_salesforce.sandbox.soql import pointed
from leadline_salesforce.sandbox.soqltree import Path, Query
from leadline_salesforce.sandbox.store import Org, Row


@dataclass(frozen=True, slots=True)
class Resolved:
    """A path that exists: the lookups on the way (canonical names) and the field at the end."""

    hops: tuple[FieldDef, ...]
    field: FieldDef

    @property
    def local(self) -> bool:
        return not self.hops

    def getter(self, org: Org) -> Callable[[Row], Any]:
        """A function from a row to the value, None when empty or when a lookup on the way is."""
        name = self.field.name
        if not self.hops:
            return lambda row: row.get(name)

        def through(row: Row) -> Any:
            target = target_of(row, self.hops, org)
            if target is None:
                return None
            return kind_of(target) if self.field is _TYPE else target.get(name)

        return through


def target_of(row: Row, hops: tuple[FieldDef, ...], org: Org) -> Row | None:
    """The row that a chain of lookups leads to, None when one of them is empty."""
    current: Row | None = row
    for hop in hops:
        current = org.row(current.get(hop.name)) if current is not None else None
    return current


_TYPE = FieldDef("Type", "Type", "string", 40, read_only=True)


def kind_of(row: Row) -> str | None:
    """The object that a row belongs to."""
    return kind(row["Id"])


def resolve(query: Query, definition: ObjectDef, path: Path, schema: Schema) -> Resolved:
    """The field that a path means. ApiError INVALID_FIELD, pointing at it, when there is none."""
    parts = path.parts
    if len(parts) > 1 and parts[0].lower() in {(query.alias or "").lower(), definition.name.lower()}:
        parts = parts[1:]
    targets: tuple[ObjectDef, ...] = (definition,)
    hops: list[FieldDef] = []
    for part in parts[:-1]:
        hop = next((d.relationships[part.lower()] for d in targets if part.lower() in d.relationships), None)
        if hop is None:
            raise invalid_field(
                query,
                path,
                f"Didn't understand relationship '{part}' in field path. If you are attempting to use a custom "
                "relationship, be sure to append the '__r' after the custom relationship name. Please reference "
                "your WSDL or the describe call for the appropriate names.",
            )
        hops.append(hop)
        targets = tuple(found for name in hop.reference_to if (found := schema.named(name)) is not None)
    field = next((named for d in targets if (named := d.field(parts[-1])) is not None), None)
    if field is None and len(targets) > 1 and parts[-1].lower() == "type":
        field = _TYPE
    if field is None:
        raise invalid_field(query, path, no_such_column(parts[-1], targets[0].name if len(targets) == 1 else "Name"))
    return Resolved(tuple(hops), field)


def invalid_field(query: Query, path: Path, message: str) -> ApiError:
    return ApiError("INVALID_FIELD", pointed(query.text, path.at, message))


def no_such_column(name: str, entity: str) -> str:
    """The vendor's words for an unknown field in a query."""
    return (
        f"No such column '{name}' on entity '{entity}'. If you are attempting to use a custom field, be sure to "
        "append the '__c' after the custom field name. Please reference your WSDL or the describe call for the "
        "appropriate names."
    )
