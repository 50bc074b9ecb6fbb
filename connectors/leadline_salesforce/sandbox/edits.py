"""What people do in the CRM while Leadline is not looking: the control surface's record commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline.sdk.sandbox.clock import SandboxClock
from leadline_salesforce.sandbox import ids, moments
from leadline_salesforce.sandbox.bulk_ingest import Breakdown, BulkIngest
from leadline_salesforce.sandbox.faults import RowError
from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.loading import record_id
from leadline_salesforce.sandbox.objects import ACCOUNT, CONTACT, OBJECTS, named
from leadline_salesforce.sandbox.store import Org
from leadline_salesforce.sandbox.writes import By, Writes

ACTIONS = ("create", "update", "delete", "merge", "convert")


class Edits:
    """A user's edits. They obey the org's rules, but no assignment rule runs."""

    def __init__(self, org: Org, writes: Writes, clock: SandboxClock, ingest: BulkIngest, user: str) -> None:
        self._ingest = ingest
        self._org = org
        self._writes = writes
        self._clock = clock
        self._by = By(user, auto_assign=False)

    def edit(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Perform one command and return {"id"}. ValueError with a plain message when it makes no sense.

        Records may be named by their id or by the world's (`lead_000001`), in `id` and in lookups.
        merge: `fields` {"loser": id}; convert: a Lead, `fields` {"account": id, "contact": id}.
        """
        if command.get("action") == "break_job":
            return self._break_job(command.get("fields") or {})
        action, definition = command.get("action"), named(str(command.get("object", "")))
        if definition is None:
            raise ValueError(f"there is no object {command.get('object')!r} in this org")
        fields = command.get("fields") or {}
        if not isinstance(fields, Mapping):
            raise ValueError("'fields' must be an object of field names and values")  # noqa: TRY004 - answered as a 400
        try:
            match action:
                case "create":
                    planned = self._writes.create(definition, self._linked(definition, fields), self._by)
                case "update":
                    found = self._id(definition, command)
                    planned = self._writes.update(definition, found, self._linked(definition, fields), self._by)
                case "delete":
                    planned = self._writes.delete(definition, self._id(definition, command), self._by)
                case "merge":
                    return self._merge(definition, self._id(definition, command), str(fields.get("loser", "")))
                case "convert":
                    return self._convert(definition, self._id(definition, command), fields)
                case _:
                    raise ValueError(f"'action' must be one of {', '.join(ACTIONS)}, not {action!r}")
        except RowError as error:
            raise ValueError(str(error)) from error
        self._writes.put(planned)
        return {"id": planned.record_id}

    def _break_job(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The next ingest job that is closed ends early: `after` so many rows, as `state`."""
        after, state = fields.get("after"), fields.get("state", "Failed")
        if not isinstance(after, int) or state not in ("Failed", "Aborted"):
            raise ValueError("break_job needs fields 'after' (a number of rows) and 'state' (Failed or Aborted)")
        breakdown = Breakdown(after, state)
        if "message" in fields:
            breakdown.message = str(fields["message"])
        self._ingest.breakdowns.append(breakdown)
        return {"id": None}

    def _merge(self, definition: ObjectDef, winner: str, loser: str) -> dict[str, Any]:
        """The loser goes to the recycle bin and points at the winner, whose stamp moves and who gets its records."""
        if not definition.mergeable:
            raise ValueError(f"{definition.name} records cannot be merged")
        lost = self._known(definition, loser)
        kept = self._writes.living(definition, winner)
        self._writes.put(self._writes.delete(definition, lost, self._by, MasterRecordId=kept["Id"]))
        self._writes.put(self._writes.mark(kept, self._by))
        for child in OBJECTS.values():
            lookups = [name for name, field in child.fields.items() if definition.name in field.reference_to]
            for row in list(self._org.table(child).rows.values()):
                moved = {name: kept["Id"] for name in lookups if name != "MasterRecordId" and row.get(name) == lost}
                if moved and not row["IsDeleted"]:
                    self._writes.put(self._writes.mark(row, self._by, **moved))
        return {"id": kept["Id"]}

    def _convert(self, definition: ObjectDef, lead: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        if definition.name != "Lead":
            raise ValueError("only a Lead can be converted")
        marks: dict[str, Any] = {
            "IsConverted": True,
            "Status": "Qualified",
            "ConvertedDate": moments.day(self._clock.now()),
        }
        for key, target in (("account", ACCOUNT), ("contact", CONTACT)):
            if key in fields:
                marks[f"Converted{target.name}Id"] = self._known(target, str(fields[key]))
        planned = self._writes.mark(self._writes.living(definition, lead), self._by, **marks)
        self._writes.put(planned)
        return {"id": planned.record_id}

    def _id(self, definition: ObjectDef, command: Mapping[str, Any]) -> str:
        return self._known(definition, str(command.get("id", "")))

    def _known(self, definition: ObjectDef, name: str) -> str:
        """The id of a record named by id or by world id."""
        table = self._org.table(definition)
        for candidate in (ids.normal(name), record_id(definition.name, name) if name else None):
            if candidate is not None and candidate in table.rows:
                return candidate
        raise ValueError(f"there is no {definition.name} {name!r}")

    def _linked(self, definition: ObjectDef, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields with world ids in lookups replaced by this org's ids."""
        linked = dict(fields)
        for name, value in fields.items():
            field = definition.field(name)
            if field is None or field.type != "reference" or not isinstance(value, str) or ids.normal(value):
                continue
            for target in field.reference_to:
                candidate = record_id(target, value)
                if self._org.row(candidate) is not None:
                    linked[name] = candidate
        return linked
