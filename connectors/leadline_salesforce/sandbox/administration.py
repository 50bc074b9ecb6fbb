"""What an administrator changes while clients are at work: fields, access, rules, locks, the fate of bulk jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from leadline.sdk.sandbox.clock import SandboxClock
from leadline_salesforce.sandbox.bulk_ingest import BulkIngest
from leadline_salesforce.sandbox.bulk_jobs import Breakdown
from leadline_salesforce.sandbox.bulk_query import BulkQueries
from leadline_salesforce.sandbox.faults import ApiError
from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.guards import MODES, DuplicateRule, Guards
from leadline_salesforce.sandbox.store import Org

_Fields: TypeAlias = Mapping[str, Any]
_Act: TypeAlias = Callable[[ObjectDef, _Fields], None]
TYPES = (
    "string", "textarea", "picklist", "multipicklist", "email", "url", "phone", "boolean", "int", "double", "currency",
    "percent", "date", "datetime",
)  # fmt: skip


class Administration:
    """Commands of the control surface. ValueError with a plain message when one makes no sense."""

    def __init__(self, org: Org, guards: Guards, clock: SandboxClock, queries: BulkQueries, ingest: BulkIngest) -> None:
        self._org = org
        self._guards = guards
        self._clock = clock
        self._queries = queries
        self._ingest = ingest
        self._of_objects: dict[str, _Act] = {
            "add_field": self._add_field,
            "drop_field": self._drop_field,
            "hide_field": lambda definition, fields: self._allow(definition, {**fields, "access": "hidden"}),
            "allow_field": self._allow,
            "validation_rule": self._validation_rule,
            "duplicate_rule": self._duplicate_rule,
        }
        self.actions = (*self._of_objects, "drop_rule", "lock", "unlock", "break_job", "expire_jobs")

    def knows(self, action: object) -> bool:
        return action in self.actions

    def act(self, action: str, record_id: str | None, command: Mapping[str, Any], fields: _Fields) -> dict[str, Any]:
        """Perform one command. `record_id` is the record that it names, where it names one."""
        if action in self._of_objects:
            definition = self._org.schema.full(str(command.get("object", "")))
            if definition is None:
                raise ValueError(f"there is no object {command.get('object')!r} in this org")
            self._of_objects[action](definition, fields)
        elif action == "drop_rule":
            if not self._guards.drop(_text(fields, "name")):
                raise ValueError(f"there is no rule {fields['name']!r}")
        elif action in ("lock", "unlock"):
            self._lock(action, record_id, fields)
        elif action == "break_job":
            self._break_job(fields)
        else:
            self._queries.jobs.forget()
            self._ingest.jobs.forget()
        return {"id": record_id}

    def _add_field(self, definition: ObjectDef, fields: _Fields) -> None:
        """`name` (ending in __c) and `type`; `label`, `length`, `picklist`, `restricted`, `unique` as wanted."""
        name, kind = _text(fields, "name"), fields.get("type", "string")
        if not name.endswith("__c") or kind not in TYPES:
            raise ValueError(f"a custom field's name ends in __c and its 'type' is one of {', '.join(TYPES)}")
        unique = bool(fields.get("unique", False))
        field = FieldDef(
            name,
            str(fields.get("label", name.removesuffix("__c").replace("_", " "))),
            kind,
            int(fields.get("length", 255 if kind in TYPES[:7] else 0)),
            unique=unique,
            external_id=unique,
            picklist=tuple(fields.get("picklist", ())),
            restricted=bool(fields.get("restricted", False)),
            precision=int(fields.get("precision", 18 if kind in ("double", "currency", "percent") else 8)),
            scale=int(fields.get("scale", 0)),
            default=False if kind == "boolean" else None,
        )
        self._org.schema.add_field(definition.name, field, self._clock.now())
        if unique:
            self._org.table(definition).index(name)

    def _drop_field(self, definition: ObjectDef, fields: _Fields) -> None:
        self._org.schema.drop_field(definition.name, _text(fields, "name"), self._clock.now())

    def _allow(self, definition: ObjectDef, fields: _Fields) -> None:
        access = str(fields.get("access", ""))
        self._org.schema.allow(definition.name, _text(fields, "name"), access, self._clock.now())

    def _validation_rule(self, definition: ObjectDef, fields: _Fields) -> None:
        """`name`, `where` (the condition in SOQL under which a record is wrong), `message`, `field`."""
        field = fields.get("field")
        message = str(fields.get("message", "The record is not valid."))
        try:
            self._guards.validation(
                _text(fields, "name"), definition, _text(fields, "where"), message, str(field) if field else None
            )
        except ApiError as error:
            raise ValueError(str(error)) from error

    def _duplicate_rule(self, definition: ObjectDef, fields: _Fields) -> None:
        """`name`, `field` and `mode`: alert or block."""
        field, mode = definition.field(_text(fields, "field")), str(fields.get("mode", "alert"))
        if field is None or mode not in MODES:
            raise ValueError(f"a duplicate rule needs a field of {definition.name} and a 'mode' of {', '.join(MODES)}")
        self._guards.duplicates(_text(fields, "name"), DuplicateRule(definition.name, field.name, mode))

    def _lock(self, action: str, record_id: str | None, fields: _Fields) -> None:
        """`seconds` of the sandbox's clock or `times`; for ever without either."""
        if record_id is None:
            raise ValueError(f"{action} needs an 'object' and the 'id' of a record")
        if action == "unlock":
            self._guards.unlock(record_id)
        else:
            self._guards.lock(record_id, seconds=fields.get("seconds"), times=fields.get("times"))

    def _break_job(self, fields: _Fields) -> None:
        """The next ingest job that is closed (or the next query job, `kind` query) ends early."""
        after, state = fields.get("after", 0), fields.get("state", "Failed")
        if not isinstance(after, int) or state not in ("Failed", "Aborted"):
            raise ValueError("break_job takes 'after' (a number of rows) and 'state' (Failed or Aborted)")
        breakdown = Breakdown(after, state)
        if "message" in fields:
            breakdown.message = str(fields["message"])
        target = self._queries.breakdowns if fields.get("kind") == "query" else self._ingest.breakdowns
        target.append(breakdown)


def _text(fields: _Fields, key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"'fields' needs {key!r}")
    return value
