"""Sequences: series of e-mails and tasks that contacts are put into, one at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leadline_hubspot.sandbox.failures import Refused, bad_request

if TYPE_CHECKING:
    from leadline_hubspot.sandbox.portal import Portal

_FIRST_ID = 80_000_000_001


@dataclass(frozen=True, slots=True)
class SalesSequence:
    """A series of e-mails and tasks."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One contact in one sequence. `at` in milliseconds since 1970 UTC."""

    id: int
    sequence: SalesSequence
    contact_id: int
    email: str
    by: int
    by_email: str
    at: int


@dataclass
class Sequences:
    """The sequences of a portal, and who is in them by contact id."""

    all: dict[int, SalesSequence] = field(default_factory=dict)
    enrollments: dict[int, Enrollment] = field(default_factory=dict)

    def enroll(self, portal: Portal, contact_id: str, sequence_id: str, user_id: str, sender: str) -> Enrollment:
        """Put a contact into a sequence, as the user with that login id. Refused while it is in any."""
        contact = portal.must_find(portal.tables["contacts"], contact_id)
        sequence = self.all.get(int(sequence_id)) if sequence_id.isdigit() else None
        if sequence is None:
            raise Refused(404, "OBJECT_NOT_FOUND", f"Sequence {sequence_id} does not exist.")
        user = next((each for each in portal.owners.values() if str(each.user_id) == user_id and each.active), None)
        if user is None:
            raise bad_request(f"User {user_id} does not exist or has no Sales Hub seat.")
        if sender.lower() != user.email.lower():
            raise bad_request(f"{sender} is not a connected inbox of user {user_id}.")
        fault = portal.faults.refusal("enrollments", contact_id)
        if fault is not None:
            raise Refused(400, "VALIDATION_ERROR", fault.message, sub_category=fault.code)
        email = contact.values.get("email")
        if not email:
            raise bad_request("The contact has no email address.", sub_category="SequenceError.CONTACT_HAS_NO_EMAIL")
        if contact.values.get("hs_email_optout") == "true":
            raise bad_request("The contact has unsubscribed.", sub_category="SequenceError.CONTACT_UNSUBSCRIBED")
        if contact.id in self.enrollments:
            raise bad_request(
                f"Contact {contact_id} is already enrolled in a sequence.",
                sub_category="SequenceError.CONTACT_ALREADY_ENROLLED",
            )
        made = Enrollment(
            _FIRST_ID + len(self.enrollments), sequence, contact.id, email, user.user_id, user.email, portal.stamp()
        )
        self.enrollments[contact.id] = made
        return made
