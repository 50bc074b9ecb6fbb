"""What describes the account: properties, schemas, pipelines, owners, limits."""

from __future__ import annotations

from typing import Any

from leadline_hubspot.sandbox.batch_api import finished, inputs_of
from leadline_hubspot.sandbox.failures import Refused, bad_request, not_found
from leadline_hubspot.sandbox.gate import Answer, Call, Gate
from leadline_hubspot.sandbox.objects import (
    DEAL_STAGES,
    LEAD_STAGES,
    TICKET_STAGES,
    Property,
    association_type,
    type_id,
)
from leadline_hubspot.sandbox.objects_api import table_of
from leadline_hubspot.sandbox.portal import Owner, Table
from leadline_hubspot.sandbox.values import iso

PORTAL_ID = 62_515
_SINCE = "2020-01-01T00:00:00Z"
_OWNER_PAGE = 500
_RECORD_LIMIT = 15_000_000  # of one type in a Professional or Enterprise account


# --- properties and schemas


def list_properties(call: Call) -> Answer:
    """All properties of a type."""
    table = table_of(call)
    call.count(len(table.properties))
    return {"results": [each.as_json() for each in table.properties.values()]}


def read_property(call: Call) -> Answer:
    """One property. Refused (404) when there is none of that name."""
    table, name = table_of(call), call.path["name"]
    if name not in table.properties:
        raise Refused(404, "OBJECT_NOT_FOUND", f"Property {name} does not exist.", context={"name": [name]})
    return table.properties[name].as_json()


def create_property(call: Call) -> Answer:
    """A new custom property."""
    table, body = table_of(call), call.json()
    definition = _defined(body)
    call.portal.add_property(table, definition)
    return 201, definition.as_json()


def create_properties(call: Call) -> Answer:
    """Several new custom properties."""
    table = table_of(call)
    definitions = [_defined(each) for each in inputs_of(call, 100)]
    for definition in definitions:
        call.portal.add_property(table, definition)
    return finished(call, [each.as_json() for each in definitions], (), 201)


def read_properties(call: Call) -> Answer:
    """Several properties by name; those that do not exist are left out and told in a 207."""
    table = table_of(call)
    names = [str(each.get("name", "")) for each in inputs_of(call, 100)]
    found = [table.properties[name].as_json() for name in names if name in table.properties]
    missing = [name for name in names if name not in table.properties]
    errors = [
        {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": f"Unable to find properties {missing}",
            "context": {"name": missing},
        }
    ]
    return finished(call, found, errors if missing else (), 200)


_FIELD_TYPES = {
    "string": {"text", "textarea", "html", "phonenumber", "file"},
    "number": {"number"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "datetime": {"date"},
    "date": {"date"},
    "bool": {"booleancheckbox"},
}


def _defined(body: Any) -> Property:
    missing = [name for name in ("name", "label", "groupName", "type", "fieldType") if not body.get(name)]
    if missing:
        raise bad_request(f"Invalid input JSON: required fields were not set: {missing}")
    if body["fieldType"] not in _FIELD_TYPES.get(body["type"], ()):
        raise bad_request(f"fieldType {body['fieldType']} does not go with type {body['type']}.")
    return Property(
        body["name"],
        body["label"],
        body["type"],
        body["fieldType"],
        body["groupName"],
        tuple(str(each["value"]) for each in body.get("options") or ()),
        unique=bool(body.get("hasUniqueValue")),
        custom=True,
    )


def list_groups(call: Call) -> Answer:
    """The groups that properties are shown in."""
    groups = sorted({each.group for each in table_of(call).properties.values()})
    return {"results": [_group(name) for name in groups]}


def create_group(call: Call) -> Answer:
    """A group of properties; it exists once a property is in it."""
    table_of(call)
    return 201, _group(str(call.json().get("name", "")))


def _group(name: str) -> dict[str, Any]:
    return {"name": name, "label": name, "displayOrder": -1, "archived": False}


def list_schemas(call: Call) -> Answer:
    """Custom object types."""
    if call.flag("archived"):
        return {"results": []}
    return {"results": [_schema(each) for each in call.portal.tables.values() if each.kind.custom]}


def read_schema(call: Call) -> Answer:
    """One object type."""
    return _schema(table_of(call))


def _schema(table: Table) -> dict[str, Any]:
    kind = table.kind
    full_name = f"p_{kind.name}" if kind.custom else kind.singular.upper()
    return {
        "id": kind.type_id.split("-")[1],
        "objectTypeId": kind.type_id,
        "name": kind.name,
        "fullyQualifiedName": full_name,
        "labels": {"singular": kind.singular, "plural": kind.name},
        "primaryDisplayProperty": kind.shown[0],
        "requiredProperties": [each.name for each in table.properties.values() if each.required],
        "searchableProperties": list(kind.shown),
        "secondaryDisplayProperties": list(kind.shown[1:]),
        "properties": [each.as_json() for each in table.properties.values()],
        "associations": _links_of(kind.name),
        "allowsSensitiveProperties": False,
        "archived": False,
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
    }


def _links_of(name: str) -> list[dict[str, Any]]:
    """Associations of a type with contacts and companies, in both directions."""
    pairs = [pair for other in ("contacts", "companies") for pair in ((name, other), (other, name))]
    return [
        {
            "id": str(kind.default),
            "fromObjectTypeId": type_id(start),
            "toObjectTypeId": type_id(end),
            "name": f"{start}_to_{end}",
            "createdAt": _SINCE,
            "updatedAt": _SINCE,
        }
        for start, end in pairs
        if (kind := association_type(start, end)) is not None
    ]


_PIPELINES: dict[str, tuple[str, tuple[str, ...]]] = {
    "deals": ("default", DEAL_STAGES),
    "leads": ("lead-pipeline-id", LEAD_STAGES),
    "tickets": ("0", TICKET_STAGES),
}
_CLOSED = {"closedwon": "1.0", "closedlost": "0.0"}


def _pipelines(call: Call) -> list[dict[str, Any]]:
    name = table_of(call).kind.name
    if name not in _PIPELINES:
        return []
    pipeline_id, stages = _PIPELINES[name]
    common = {"archived": False, "createdAt": _SINCE, "updatedAt": _SINCE}
    return [
        {
            "id": pipeline_id,
            "label": f"{name} pipeline",
            "displayOrder": 0,
            **common,
            "stages": [
                {
                    "id": stage,
                    "label": stage,
                    "displayOrder": order,
                    **common,
                    "metadata": {
                        "isClosed": "true" if stage in _CLOSED else "false",
                        "probability": _CLOSED.get(stage, "0.5"),
                    },
                    "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
                }
                for order, stage in enumerate(stages)
            ],
        }
    ]


def list_pipelines(call: Call) -> Answer:
    """The pipeline of deals, leads or tickets."""
    return {"results": _pipelines(call)}


def read_pipeline(call: Call) -> Answer:
    """One pipeline. Refused (404) when there is none of that id."""
    key = call.path["id"]
    found = next((each for each in _pipelines(call) if each["id"] == key), None)
    if found is None:
        raise not_found("pipeline", key)
    return found


def list_stages(call: Call) -> Answer:
    """The stages of one pipeline."""
    return {"results": read_pipeline(call)["stages"]}


def record_limits(call: Call) -> Answer:
    """How many records of each type there are, against a limit that the sandbox does not enforce."""
    usage: list[dict[str, Any]] = [
        {
            "objectTypeId": table.kind.type_id,
            "singularLabel": table.kind.singular,
            "pluralLabel": table.kind.name,
            "limit": _RECORD_LIMIT,
            "usage": len(table.store),
            "percentage": round(100 * len(table.store) / _RECORD_LIMIT, 2),
        }
        for table in call.portal.tables.values()
    ]
    custom = [each for each in usage if each["objectTypeId"].startswith("2-")]
    return {
        "hubspotDefinedObjectTypes": [each for each in usage if each not in custom],
        "customObjectTypes": {"byObjectType": custom, "overallLimit": _RECORD_LIMIT},
    }


# --- people and the account


def list_owners(call: Call) -> Answer:
    """Active owners, or the archived ones, in order of id."""
    archived, email = call.flag("archived"), call.text("email")
    limit, after = call.whole("limit", 100, 1, _OWNER_PAGE), call.whole("after", 0, 0, 1 << 62)
    owners = [
        each
        for each in sorted(call.portal.owners.values(), key=lambda owner: owner.id)
        if each.active is not archived and (email is None or each.email == email)
    ]
    found = [each for each in owners if each.id > after]
    call.count(len(found[:limit]))
    body: dict[str, Any] = {"results": [_owner(each) for each in found[:limit]]}
    if len(found) > limit:
        last = str(found[limit - 1].id)
        body["paging"] = {"next": {"after": last, "link": call.link(after=last)}}
    return body


def read_owner(call: Call) -> Answer:
    """One owner, by owner id or by user id."""
    key, by_user = call.path["id"], call.text("idProperty") == "userId"
    for each in call.portal.owners.values():
        if str(each.user_id if by_user else each.id) == key:
            return _owner(each)
    raise not_found("owner", key)


def _owner(owner: Owner) -> dict[str, Any]:
    return {
        "id": str(owner.id),
        "email": owner.email,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "userId": owner.user_id if owner.active else None,
        "userIdIncludingInactive": owner.user_id,
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "archived": not owner.active,
        "teams": [],
    }


def owner_state(owner: Owner) -> dict[str, Any]:
    """An owner with the id of the world's row, for the control surface."""
    return {**_owner(owner), "source_id": owner.source_id}


def account_details(_: Call) -> Answer:
    """Whose account it is."""
    return {
        "portalId": PORTAL_ID,
        "accountType": "STANDARD",
        "timeZone": "UTC",
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": "+00:00",
        "utcOffsetMilliseconds": 0,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "na1",
    }


class Usage:
    """How many of the day's calls are spent."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def read(self, call: Call) -> Answer:
        """The daily limit and what is used of it."""
        now = call.portal.now()
        midnight = (now // 86_400_000 + 1) * 86_400_000
        return {
            "results": [
                {
                    "name": "private-apps-api-calls-daily",
                    "usageLimit": call.portal.limits.daily,
                    "currentUsage": self._gate.calls_today,
                    "collectedAt": iso(now),
                    "fetchStatus": "SUCCESS",
                    "resetsAt": iso(midnight),
                }
            ]
        }
