"""What describes the account: properties, schemas, pipelines, owners, limits; and sequences."""

from __future__ import annotations

from typing import Any

from leadline_hubspot.sandbox.batch_api import finished, inputs_of
from leadline_hubspot.sandbox.failures import Refused, bad_request, not_found
from leadline_hubspot.sandbox.gate import Answer, Call, Gate
from leadline_hubspot.sandbox.objects import DEAL_STAGES, LEAD_STAGES, Property
from leadline_hubspot.sandbox.objects_api import table_of
from leadline_hubspot.sandbox.portal import Enrollment, Owner, SalesSequence, Table
from leadline_hubspot.sandbox.values import iso

PORTAL_ID = 62_515
_SINCE = "2020-01-01T00:00:00Z"
_OWNER_PAGE = 500


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
        "associations": [],
        "archived": False,
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
    }


def list_pipelines(call: Call) -> Answer:
    """The pipeline of deals or leads."""
    name = table_of(call).kind.name
    stages = {"deals": ("default", DEAL_STAGES), "leads": ("lead-pipeline-id", LEAD_STAGES)}.get(name)
    if stages is None:
        return {"results": []}
    pipeline_id, ids = stages
    closed = {"closedwon": "1.0", "closedlost": "0.0"}
    return {
        "results": [
            {
                "id": pipeline_id,
                "label": f"{name} pipeline",
                "displayOrder": 0,
                "archived": False,
                "createdAt": _SINCE,
                "updatedAt": _SINCE,
                "stages": [
                    {
                        "id": stage,
                        "label": stage,
                        "displayOrder": order,
                        "archived": False,
                        "createdAt": _SINCE,
                        "updatedAt": _SINCE,
                        "metadata": {
                            "isClosed": "true" if stage in closed else "false",
                            "probability": closed.get(stage, "0.5"),
                        },
                        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
                    }
                    for order, stage in enumerate(ids)
                ],
            }
        ]
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


# --- sequences


def list_sequences(call: Call) -> Answer:
    """The sequences that a user may enrol into."""
    if not call.text("userId"):
        raise bad_request("userId is required.")
    found = list(call.portal.sequences.values())
    return {"total": len(found), "results": [_sequence(each) for each in found]}


def read_sequence(call: Call) -> Answer:
    """One sequence."""
    key = call.path["id"]
    sequence = call.portal.sequences.get(int(key)) if key.isdigit() else None
    if sequence is None:
        raise not_found("sequence", key)
    return {**_sequence(sequence), "steps": [], "dependencies": [], "settings": None}


def _sequence(sequence: SalesSequence) -> dict[str, Any]:
    return {
        "id": str(sequence.id),
        "name": sequence.name,
        "folderId": None,
        "userId": "900001",
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
    }


def create_enrollment(call: Call) -> Answer:
    """Put a contact into a sequence in the name of the user in the query."""
    user_id, body = call.text("userId"), call.json()
    if not user_id:
        raise bad_request("userId is required.")
    missing = [name for name in ("contactId", "sequenceId", "senderEmail") if not body.get(name)]
    if missing:
        raise bad_request(f"Invalid input JSON: required fields were not set: {missing}")
    enrollment = call.portal.enroll(str(body["contactId"]), str(body["sequenceId"]), user_id, str(body["senderEmail"]))
    call.count(1)
    return {name: enrollment_json(enrollment)[name] for name in ("id", "toEmail", "enrolledAt", "updatedAt")}


def read_enrollment(call: Call) -> Answer:
    """The enrolment of a contact. Refused (404) when there is none."""
    contact_id = call.path["contact"]
    enrollment = call.portal.enrollments.get(int(contact_id)) if contact_id.isdigit() else None
    if enrollment is None:
        raise Refused(
            404, "OBJECT_NOT_FOUND", f"No enrollment found for contact {contact_id}.", context={"id": [contact_id]}
        )
    return enrollment_json(enrollment)


def enrollment_json(enrollment: Enrollment) -> dict[str, Any]:
    """An enrolment as the API gives it."""
    return {
        "id": str(enrollment.id),
        "toEmail": enrollment.email,
        "enrolledAt": iso(enrollment.at),
        "updatedAt": iso(enrollment.at),
        "sequenceId": str(enrollment.sequence.id),
        "sequenceName": enrollment.sequence.name,
        "enrolledBy": str(enrollment.by),
        "enrolledByEmail": enrollment.by_email,
    }
