"""A Flow's HTTP callouts: every created or changed record of some objects is told to an address, signed.

The org is set up as the connector's README says: a timestamp, and an HMAC-SHA256 of it and the body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from leadline.sdk.sandbox.clock import SandboxClock
from leadline.sdk.sandbox.webhooks_out import Event, WebhooksOut

OBJECTS = ("Account", "Contact", "Lead", "Opportunity", "Task", "Event", "CampaignMember", "Web_Event__c")


class Callouts:
    """What tells of changes, and the command of the control surface that says where to."""

    def __init__(self, clock: SandboxClock) -> None:
        self.out = WebhooksOut(clock, _encode, _sign)

    def changed(self, object: str, record_id: str) -> None:
        """A record was created or changed."""
        if self.out.wanted and object in OBJECTS:
            self.out.tell({"object": object, "id": record_id})

    def control(self, method: str, body: Any) -> dict[str, Any]:
        """As `WebhooksOut.control`."""
        return self.out.control(method, body)


def _encode(events: Sequence[Event], _: int) -> bytes:
    return orjson.dumps({"records": list(events)})


def _sign(_method: str, _url: str, body: bytes, secret: str, now: float) -> Mapping[str, str]:
    stamp = str(int(now))
    proof = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Leadline-Timestamp": stamp, "X-Leadline-Signature": f"sha256={proof}"}
