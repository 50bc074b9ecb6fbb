"""Invocable actions: assigning a person to a sales cadence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline.sdk.sandbox.clock import SandboxClock
from leadline_salesforce.sandbox import ids, moments
from leadline_salesforce.sandbox.calls import Answer, Call
from leadline_salesforce.sandbox.faults import ApiError, RowError
from leadline_salesforce.sandbox.objects import OBJECTS
from leadline_salesforce.sandbox.store import Org, Row
from leadline_salesforce.sandbox.writes import Writes

ASSIGN = "assignTargetToSalesCadence"
_RUNNING = ("Initializing", "Running", "Paused", "Processing")
_MOST_INPUTS = 200


class Actions:
    """Handlers of `/actions/standard`."""

    def __init__(self, org: Org, writes: Writes, clock: SandboxClock) -> None:
        self._org = org
        self._writes = writes
        self._clock = clock

    def list(self, call: Call) -> Answer:
        url = f"{call.base}/actions/standard/{ASSIGN}"
        action = {"label": "Assign Target to Sales Cadence", "name": ASSIGN, "type": ASSIGN.upper(), "url": url}
        return Answer({"actions": [action]})

    def assign(self, call: Call) -> Answer:
        """One result per input, in order; 400 when any input failed, as invocable actions answer."""
        inputs = call.body.get("inputs") if isinstance(call.body, Mapping) else None
        if not isinstance(inputs, list) or not inputs or not all(isinstance(item, Mapping) for item in inputs):
            raise ApiError("INVALID_INPUT", "inputs must be a list of at least one input")
        if len(inputs) > _MOST_INPUTS:
            raise ApiError("LIMIT_EXCEEDED", f"cannot submit more than {_MOST_INPUTS} inputs in this call")
        results = [self._result(item, call) for item in inputs]
        failed = any(not result["isSuccess"] for result in results)
        return Answer(results, 400 if failed else 200, records=sum(result["isSuccess"] for result in results))

    def _result(self, item: Mapping[str, Any], call: Call) -> dict[str, Any]:
        try:
            tracker = self._enrol(item, call)
        except RowError as error:
            errors = error.result()["errors"]
            return {"actionName": ASSIGN, "errors": errors, "isSuccess": False, "outputValues": None}
        return {"actionName": ASSIGN, "errors": None, "isSuccess": True, "outputValues": {"trackerId": tracker["Id"]}}

    def _enrol(self, item: Mapping[str, Any], call: Call) -> Row:
        cadence = self._cadence(item.get("salesCadenceNameOrId"))
        target = self._target(item.get("targetId"))
        self._writes.check_fault("ActionCadenceTracker", target["Id"])
        for row in self._org.tables["ActionCadenceTracker"].rows.values():
            same = row["TargetId"] == target["Id"] and row["ActionCadenceId"] == cadence["Id"]
            if same and row["State"] in _RUNNING:
                raise RowError("DUPLICATE_VALUE", "The target is already assigned to this sales cadence.", ["targetId"])
        definition = OBJECTS["ActionCadenceTracker"]
        now = moments.instant(self._clock.now())
        tracker: Row = {
            "Id": self._org.next_id(definition), "IsDeleted": False, "OwnerId": item.get("userId") or call.by.user,
            "ActionCadenceId": cadence["Id"], "TargetId": target["Id"], "State": "Running",
            "CreatedDate": now, "CreatedById": call.by.user, "LastModifiedDate": now,
            "LastModifiedById": call.by.user, "SystemModstamp": now,
        }  # fmt: skip
        self._org.table(definition).put(tracker)
        return tracker

    def _cadence(self, name_or_id: object) -> Row:
        table = self._org.tables["ActionCadence"]
        wanted = str(name_or_id or "")
        row = table.rows.get(ids.normal(wanted) or "")
        row = row or next((r for r in table.rows.values() if r["Name"] == wanted), None)
        if row is None:
            raise RowError("INVALID_CROSS_REFERENCE_KEY", "invalid sales cadence", ["salesCadenceNameOrId"])
        if row["State"] != "Active":
            raise RowError("INVALID_STATUS", "The sales cadence is not active.", ["salesCadenceNameOrId"])
        return row

    def _target(self, target_id: object) -> Row:
        normal = ids.normal(str(target_id or ""))
        definition = self._org.schema.of_id(normal) if normal else None
        if normal is None or definition is None or definition.name not in ("Lead", "Contact"):
            raise RowError("MALFORMED_ID", f"id value of incorrect type: {target_id}", ["targetId"])
        row = self._writes.living(definition, normal)
        if row.get("IsConverted"):
            raise RowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", ["targetId"])
        return row
