"""Sequences, and putting contacts into them."""

from __future__ import annotations

from typing import Any

from leadline_hubspot.sandbox.failures import Refused, bad_request, not_found
from leadline_hubspot.sandbox.gate import Answer, Call
from leadline_hubspot.sandbox.sequences import Enrollment, SalesSequence
from leadline_hubspot.sandbox.values import iso

_SINCE = "2020-01-01T00:00:00Z"


def list_sequences(call: Call) -> Answer:
    """The sequences that a user may enrol into."""
    if not call.text("userId"):
        raise bad_request("userId is required.")
    found = list(call.portal.sequences.all.values())
    return {"total": len(found), "results": [_sequence(each) for each in found]}


def read_sequence(call: Call) -> Answer:
    """One sequence."""
    key = call.path["id"]
    sequence = call.portal.sequences.all.get(int(key)) if key.isdigit() else None
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
    enrollment = call.portal.sequences.enroll(
        call.portal, str(body["contactId"]), str(body["sequenceId"]), user_id, str(body["senderEmail"])
    )
    call.count(1)
    return {name: enrollment_json(enrollment)[name] for name in ("id", "toEmail", "enrolledAt", "updatedAt")}


def read_enrollment(call: Call) -> Answer:
    """The enrolment of a contact. Refused (404) when there is none."""
    contact_id = call.path["contact"]
    enrollment = call.portal.sequences.enrollments.get(int(contact_id)) if contact_id.isdigit() else None
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
