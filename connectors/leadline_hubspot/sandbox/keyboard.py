"""What a user does in the CRM, and a visitor on the web site, with no API between.

{"action": "create", "object": "web_events", "fields": {...}, "links": {"contacts": ["2000..."]}}
{"action": "update" | "delete" | "restore", "object": "contacts", "id": "2000...", "fields": {...}}
{"action": "merge", "object": "contacts", "id": loser, "into": winner, "new_id": false}
{"action": "link" | "unlink", "object": "contacts", "id": ..., "links": {...}, "primary": false, "silent": false}
{"action": "lock", "object": "contacts", "id": ..., "seconds": 2}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline_hubspot.sandbox.merging import merge
from leadline_hubspot.sandbox.objects import association_type
from leadline_hubspot.sandbox.populate_signals import CAMPAIGN, VISIT
from leadline_hubspot.sandbox.portal import Portal, Table
from leadline_hubspot.sandbox.records import Record
from leadline_hubspot.sandbox.signals import Occurrence, fixed_uuid
from leadline_hubspot.sandbox.values import millis

_SIGNALS = frozenset({"form_submissions", "email_events", "event_occurrences"})
_ACTIONS = "create, update, delete, restore, merge, link, unlink or lock"


def edit(portal: Portal, command: Mapping[str, Any]) -> dict[str, Any]:
    """Do it; returns the id of the record that it was done to. ValueError or Refused when it cannot be done."""
    if command.get("object") in _SIGNALS:
        return {"id": _signal(portal, command)}
    before, portal.source = portal.source, "CRM_UI"
    try:
        return {"id": str(_edit(portal, command))}
    finally:
        portal.source = before


def _edit(portal: Portal, command: Mapping[str, Any]) -> int:
    table = portal.table(str(command.get("object", "")))
    stamp, key, fields = portal.stamp(), str(command.get("id", "")), command.get("fields") or {}
    pairs = [(portal.table(name), str(to)) for name, ids in (command.get("links") or {}).items() for to in ids]
    match command.get("action"):
        case "create":
            types = [{"to": {"id": to}, "types": [_default_type(table, other)]} for other, to in pairs]
            return portal.prepare_create(table, fields, types, stamp)().id
        case "restore":
            return portal.restore(table, int(key), stamp).id
        case "update":
            return portal.prepare_update(table, key, fields, stamp)().id
        case "merge":
            winner, loser = portal.must_find(table, str(command.get("into", ""))), portal.must_find(table, key)
            return merge(
                portal, table, winner, loser, stamp, new_id=bool(command.get("new_id", portal.merge_new_id))
            ).id
        case "delete" | "link" | "unlink" | "lock":
            return _to_one(portal, table, portal.must_find(table, key), pairs, command)
        case other:
            raise ValueError(f"{other!r} is not something a user can do: {_ACTIONS}")


def _signal(portal: Portal, command: Mapping[str, Any]) -> str:
    """Somebody fills in a form, or an e-mail is opened, or something happens to a contact."""
    if command.get("action") != "create":
        raise ValueError("a submission or an event can be created and nothing else")
    fields = {name: str(value) for name, value in (command.get("fields") or {}).items()}
    text = fields.pop("at", "")
    at = millis(text) if text else portal.now()
    if at is None:
        raise ValueError(f"'at' must be an ISO 8601 time, not {text!r}")
    signals = portal.signals
    if command["object"] == "form_submissions":
        wanted = fields.pop("form", "")
        form = next((each for each in signals.forms.values() if wanted in {each.guid, each.name, each.kind}), None)
        if form is None:
            raise ValueError(f"there is no form {wanted!r}: {', '.join(each.name for each in signals.forms.values())}")
        return signals.submit(form.guid, at, fields).id
    if command["object"] == "email_events":
        return signals.mail(fields.get("type", "OPEN"), at, fields.get("recipient", "").lower(), CAMPAIGN).id
    kind, contact = fields.pop("eventType", VISIT), fields.pop("objectId", "")
    record = portal.must_find(portal.tables["contacts"], contact)
    made = Occurrence(fixed_uuid(f"occurrence {kind} {contact} {at} {fields}"), at, kind, "contacts", record.id, fields)
    signals.occur(made)
    return made.id


def _to_one(
    portal: Portal, table: Table, record: Record, pairs: list[tuple[Table, str]], command: Mapping[str, Any]
) -> int:
    stamp, silent = portal.stamp(), bool(command.get("silent", False))
    match command["action"]:
        case "delete":
            portal.archive(table, record, stamp)
        case "lock":
            until = portal.clock.now() + float(command.get("seconds", 2))
            portal.locks[table.kind.name, record.id] = until
        case "link":
            for other, to in pairs:
                other_id = portal.must_find(other, to).id
                primary = bool(command.get("primary", False))
                portal.link(table, record.id, other, other_id, stamp, primary=primary, silent=silent)
        case _:
            for other, to in pairs:
                portal.unlink(table, record.id, other, int(to), stamp, silent=silent)
    return record.id


def _default_type(table: Table, other: Table) -> dict[str, Any]:
    kind = association_type(table.kind.name, other.kind.name)
    if kind is None:
        raise ValueError(f"{table.kind.name} cannot be associated with {other.kind.name}")
    return {"associationCategory": kind.category, "associationTypeId": kind.default}
