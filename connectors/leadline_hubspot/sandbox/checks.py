"""What is looked at before a record is written: values, rules, locks, unique values, links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadline_hubspot.sandbox import validation
from leadline_hubspot.sandbox.failures import Refused, bad_request, invalid_properties
from leadline_hubspot.sandbox.objects import association_type
from leadline_hubspot.sandbox.records import Record
from leadline_hubspot.sandbox.values import plain, problems, stored

if TYPE_CHECKING:
    from leadline_hubspot.sandbox.portal import Portal, Table


def checked(
    portal: Portal, table: Table, values: Mapping[str, Any], before: Record | None, version: str
) -> dict[str, str]:
    """The values as text. Refused (400) when one is not valid, or breaks a rule that this version enforces."""
    texts = {name: plain(value) for name, value in values.items()}
    found = problems(table.properties, texts, active_owner=portal.active_owner, creating=before is None)
    if found:
        raise invalid_properties(found)
    if portal.rules and version == validation.SINCE:
        mine = [rule for rule in portal.rules if rule.object == table.kind.name]
        validation.check(mine, table.properties, before.values if before else None, texts)
    return texts


def refuse_if_locked(portal: Portal, table: Table, record_id: int) -> None:
    """Refused (423) while a record is locked."""
    until = portal.locks.get((table.kind.name, record_id)) if portal.locks else None
    if until is not None and portal.clock.now() < until:
        raise Refused(
            423, "LOCKED", f"The {table.kind.singular} {record_id} is locked. Wait for 2 seconds and try again."
        )


def refuse_if_told(portal: Portal, table: Table, key: str) -> None:
    """Refused when a fault of the control surface says so. `key` is the record's id, or its unique value."""
    fault = portal.faults.refusal(table.kind.name, key)
    if fault is not None:
        raise Refused(
            400,
            "VALIDATION_ERROR",
            fault.message,
            errors=[{"message": fault.message, "code": fault.code, "context": {}}],
        )


def check_unique(table: Table, texts: Mapping[str, str], own_id: int | None) -> None:
    """Refused (409 for an address, 400 else) when another record has a value that must be unique."""
    for name in table.unique_names():
        value = stored(table.properties[name], texts.get(name, ""))
        holder = table.unique.get(name, {}).get(value) if value is not None else None
        if holder is None or holder == own_id:
            continue
        if name == "email":
            raise Refused(409, "CONFLICT", f"Contact already exists. Existing ID: {holder}")
        raise Refused(
            400,
            "VALIDATION_ERROR",
            f'A {table.kind.singular} with the {name} value "{value}" already exists. Existing ID: {holder}',
            errors=[
                {
                    "message": f"Cannot set {name}={value}: {holder} already has that value.",
                    "code": "CONFLICTING_UNIQUE_VALUE",
                    "context": {"propertyName": [name]},
                }
            ],
        )


def targets(portal: Portal, table: Table, associations: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """What a create's `associations` point at, found by the type ids that they name."""
    found = []
    for each in associations:
        wanted = {int(kind["associationTypeId"]) for kind in each.get("types", ())}
        to_id = str((each.get("to") or {}).get("id", ""))
        to_type = next((name for name in portal.tables if _names_type(table.kind.name, name, wanted)), None)
        if to_type is None:
            raise bad_request(f"No association type {sorted(wanted)} from {table.kind.name} exists.")
        found.append((to_type, portal.must_find(portal.tables[to_type], to_id).id))
    return found


def _names_type(from_type: str, to_type: str, wanted: set[int]) -> bool:
    kind = association_type(from_type, to_type)
    return kind is not None and bool(wanted & {kind.default, kind.primary})
