"""Putting contacts into sequences.

There is no batch and no idempotency key, and a contact is in one sequence at a time: so the contact
is looked up first, and a call without an answer is settled by looking again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadline.sdk.errors import UnknownOutcomeError
from leadline.sdk.records import Actor, Enrol, Outcome, Refusal, RowOutcome
from leadline_hubspot.answers import next_after, results_of
from leadline_hubspot.client import PATHS, Client
from leadline_hubspot.errors import NOT_APPLIED, refusal_of

_PATH = f"{PATHS['sequences']}/enrollments"
_OWNER_PAGE = "500"
_REFUSALS = frozenset({400, 404, 409})


class Enrolments:
    """One enrolment at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._owners: dict[str, Mapping[str, Any]] = {}
        self._sequences: dict[str, str] = {}

    def push(self, effect: Enrol) -> RowOutcome:
        """Enrol unless the contact is in the sequence already. Two calls."""
        if effect.person.object != "contacts":
            return _refused(
                effect,
                Refusal(
                    "NOT_A_CONTACT", f"only contacts can be enrolled, not {effect.person.object}",
                    Actor.LEADLINE_ADMIN, "Map the person's contact in the mapping.",
                ),
            )  # fmt: skip
        owner = self._owner(effect.owner_id)
        if owner is None:
            return _refused(
                effect,
                Refusal(
                    "OWNER_NOT_FOUND", f"owner {effect.owner_id} does not exist or is not active in HubSpot",
                    Actor.CRM_ADMIN, "Reactivate the user, or take them out of the routing.",
                ),
            )  # fmt: skip
        user_id = str(owner["userId"])
        sequence = self._sequence(effect.sequence, user_id)
        current = self._current(effect.person.id)
        if current is not None:
            return self._enrolled_already(effect, sequence, current)
        return self._enrol(effect, sequence, user_id, effect.sender_email or str(owner["email"]))

    def _enrolled_already(self, effect: Enrol, sequence: str, current: Mapping[str, Any]) -> RowOutcome:
        if str(current.get("sequenceId", sequence)) == sequence:
            return RowOutcome(effect.key, Outcome.UNCHANGED, None, str(current["id"]))
        name = current.get("sequenceName") or current.get("sequenceId")
        return _refused(
            effect,
            Refusal(
                "IN_ANOTHER_SEQUENCE", f"the contact is in the sequence {name!r}, and HubSpot allows one at a time",
                Actor.RECORD_OWNER, "Take the contact out of that sequence, or leave it there.",
            ),
        )  # fmt: skip

    def _enrol(self, effect: Enrol, sequence: str, user_id: str, sender: str) -> RowOutcome:
        body = {"contactId": effect.person.id, "sequenceId": sequence, "senderEmail": sender}
        try:
            answer = self._client.write(_PATH, body, query=[("userId", user_id)], accept=_REFUSALS)
        except UnknownOutcomeError:
            return RowOutcome(effect.key, Outcome.UNKNOWN)
        if answer.status in _REFUSALS:
            return _refused(effect, refusal_of(answer.body or {}))
        return RowOutcome(effect.key, Outcome.WRITTEN, None, str(answer.body["id"]))

    def find(self, effect: Enrol) -> RowOutcome:
        """WRITTEN when the contact is in the sequence, NOT_APPLIED when not."""
        current = self._current(effect.person.id)
        if current is not None:
            owner = self._owner(effect.owner_id)
            sequence = self._sequence(effect.sequence, str(owner["userId"]) if owner else "")
            if str(current.get("sequenceId", sequence)) == sequence:
                return RowOutcome(effect.key, Outcome.WRITTEN, None, str(current["id"]))
        return RowOutcome(effect.key, Outcome.REFUSED, NOT_APPLIED)

    def _current(self, contact_id: str) -> Mapping[str, Any] | None:
        answer = self._client.get(f"{_PATH}/contact/{contact_id}", accept=frozenset({404}))
        body: Mapping[str, Any] | None = answer.body if answer.status < 300 else None
        return body or None

    def _owner(self, owner_id: str | None) -> Mapping[str, Any] | None:
        """An active owner; all are read once, and again when one is not among them."""
        if owner_id is None:
            return None
        if owner_id not in self._owners:
            after: str | None = None
            while True:
                query = [("limit", _OWNER_PAGE), ("archived", "false"), *([("after", after)] if after else [])]
                body = self._client.get(PATHS["owners"], query).body
                self._owners.update((str(each["id"]), each) for each in results_of(body))
                after = next_after(body)
                if not after:
                    break
        return self._owners.get(owner_id)

    def _sequence(self, named: str, user_id: str) -> str:
        """The id of a sequence that is given by id or by name."""
        if named.isdigit():
            return named
        if named not in self._sequences:
            after: str | None = None
            while True:
                query = [("userId", user_id), ("limit", "100"), *([("after", after)] if after else [])]
                body = self._client.get(PATHS["sequences"], query).body
                self._sequences.update((str(each["name"]), str(each["id"])) for each in results_of(body))
                after = next_after(body)
                if not after:
                    break
        return self._sequences.get(named, named)


def _refused(effect: Enrol, refusal: Refusal) -> RowOutcome:
    return RowOutcome(effect.key, Outcome.REFUSED, refusal)
