"""What people do in the CRM while Leadline is not looking: the control surface's record commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline_salesforce.sandbox import ids
from leadline_salesforce.sandbox.administration import Administration
from leadline_salesforce.sandbox.cascades import Cascades
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.fields import ObjectDef
from leadline_salesforce.sandbox.latecommits import LateCommits
from leadline_salesforce.sandbox.loading import record_id
from leadline_salesforce.sandbox.store import Org
from leadline_salesforce.sandbox.writes import By, Planned, Writes

ACTIONS = ("create", "update", "delete", "undelete", "merge", "convert")


class Edits:
    """A user's edits. They obey the org's rules and see all fields, but no assignment rule runs."""

    def __init__(self, org: Org, writes: Writes, late: LateCommits, administration: Administration, user: str) -> None:
        self._org = org
        self._writes = writes
        self._clock = writes.clock
        self._late = late
        self._administration = administration
        self._cascades = Cascades(org, writes)
        self._by = By(user, auto_assign=False, allow_duplicates=True)

    def edit(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Perform one command and return {"id"}. ValueError with a plain message when it makes no sense.

        Records may be named by their id or by the world's (`lead_000001`), in `id` and in lookups.
        merge: `fields` {"loser": id}; convert: a Lead, `fields` {"account": id, "contact": id, "opportunity": name},
        all optional. `late_seconds` with create or update: stamped now, to be seen that much later.
        Further actions are the administrator's: see `Administration`.
        """
        self._late.settle(self._clock.now())
        action, fields = command.get("action"), command.get("fields") or {}
        if not isinstance(fields, Mapping):
            raise ValueError("'fields' must be an object of field names and values")  # noqa: TRY004 - answered as a 400
        if self._administration.knows(action):
            return self._administration.act(str(action), self._named(command), command, fields)
        definition = self._org.schema.full(str(command.get("object", "")))
        if definition is None:
            raise ValueError(f"there is no object {command.get('object')!r} in this org")
        try:
            return self._do(str(action), definition, command, fields)
        except ApiError as error:
            raise ValueError(str(error)) from error

    def _do(
        self, action: str, definition: ObjectDef, command: Mapping[str, Any], fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        if action == "create":
            planned = self._writes.create(definition, self._linked(definition, fields), self._by)
            return self._save(planned, command)
        if action not in ACTIONS:
            raise ValueError(f"'action' must be one of {', '.join((*ACTIONS, *self._administration.actions))}")
        found = self._known(definition, str(command.get("id", "")))
        match action:
            case "update":
                planned = self._writes.update(definition, found, self._linked(definition, fields), self._by)
                return self._save(planned, command)
            case "delete":
                self._writes.put(self._writes.delete(definition, found, self._by))
            case "undelete":
                self._cascades.undelete(definition, found, self._by)
            case "merge":
                if not definition.mergeable:
                    raise ValueError(f"{definition.name} records cannot be merged")
                self._cascades.merge(definition, found, self._known(definition, str(fields.get("loser", ""))), self._by)
            case _:
                return self._convert(definition, found, fields)
        return {"id": found}

    def _save(self, planned: Planned, command: Mapping[str, Any]) -> dict[str, Any]:
        late = command.get("late_seconds", 0)
        if not isinstance(late, int | float) or isinstance(late, bool) or late < 0:
            raise ValueError(f"'late_seconds' must be a number of seconds, not {late!r}")
        if late:
            self._late.hold(self._clock.now() + late, self._org.row(planned.record_id), planned.row)
        else:
            self._writes.put(planned)
        return {"id": planned.record_id}

    def _convert(self, definition: ObjectDef, lead: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        if definition.name != "Lead":
            raise ValueError("only a Lead can be converted")
        chosen: dict[str, str | None] = {"opportunity": fields.get("opportunity")}
        for key, name in (("account", "Account"), ("contact", "Contact")):
            target = self._org.schema.full(name)
            if key in fields and target is not None:
                chosen[key] = self._known(target, str(fields[key]))
        row = self._writes.living(definition, lead)
        if row.get("IsConverted"):
            raise ValueError(f"Lead {lead} has been converted already")
        return dict(self._cascades.convert(row, chosen, self._clock.now(), self._by))

    def _named(self, command: Mapping[str, Any]) -> str | None:
        """The id of the record that an administrator's command names, if it names one."""
        definition = self._org.schema.full(str(command.get("object", "")))
        if definition is None or "id" not in command:
            return None
        return self._known(definition, str(command["id"]))

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
