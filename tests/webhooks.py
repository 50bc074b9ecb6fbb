"""Webhooks as the two vendors send them, and a door to send them to.

HubSpot's are signed by the vendor's own helper, so that ours is not its own judge; Salesforce's by what the
connector's README tells an org to do.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from hubspot.utils.signature import Signature
from tests.stage import Stage

from leadline.app.bootstrap import Project
from leadline.app.schedule import Health
from leadline.app.sync import Report, follow_notices
from leadline.app.webhooks import Receiver
from leadline.web.app import worker_app
from leadline.web.serving import serving

SECRETS = {"salesforce": "a secret of the org's Flow", "hubspot": "client secret of the app"}
PUBLIC = "https://leadline.acme.example/crm"
"""What a proxy before the worker is called; the signatures are over this, not over the worker's own address."""

_TYPE_IDS = {"contacts": "0-1", "companies": "0-2", "deals": "0-3", "leads": "0-136", "web_events": "2-1000001"}


def with_webhooks(on: Stage, *, public_url: str | None = PUBLIC) -> None:
    """Give each connection the secret that proves its webhooks, and the worker its public address."""
    for system, connection in on.settings["connections"].items():
        connection["options"]["webhook_secret"] = SECRETS[system]
    on.settings["web"] = {**on.settings.get("web", {}), "public_url": public_url}
    (on.folder / "leadline.yaml").write_text(json.dumps(on.settings), encoding="utf-8")


def body_of(system: str, uids: Sequence[str], *, at: int, verb: str = "propertyChange") -> bytes:
    """One request that names these records."""
    parts = [uid.split("/") for uid in uids]
    if system == "salesforce":
        return json.dumps({"records": [{"object": kind, "id": record_id} for _, kind, record_id in parts]}).encode()
    events = [
        {
            "eventId": number, "subscriptionId": 7, "portalId": 62515, "appId": 9, "occurredAt": at * 1000,
            "subscriptionType": f"object.{verb}", "objectTypeId": _TYPE_IDS[kind], "objectId": int(record_id),
            "attemptNumber": 0,
        }
        for number, (_, kind, record_id) in enumerate(parts)
    ]  # fmt: skip
    return json.dumps(events).encode()


def signed(system: str, body: bytes, *, at: int, secret: str | None = None) -> dict[str, str]:
    """The headers that prove a request of this moment."""
    secret = SECRETS[system] if secret is None else secret
    if system == "hubspot":
        stamp = str(at * 1000)
        made = Signature.get_signature(secret, body.decode(), "v3", f"{PUBLIC}/webhooks/hubspot", "POST", stamp)
        return {"X-HubSpot-Signature-v3": made, "X-HubSpot-Request-Timestamp": stamp}
    made = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Leadline-Timestamp": str(at), "X-Leadline-Signature": f"sha256={made}"}


def post(base: str, system: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    """Send a request as the vendor does."""
    return httpx.post(f"{base}/webhooks/{system}", content=body, headers=headers)


@dataclass(frozen=True, slots=True)
class Door:
    """A worker that takes webhooks and follows them when told to."""

    stage: Stage
    project: Project
    base: str

    def send(self, *uids: str, **how: Any) -> httpx.Response:
        """The system of these records sends a webhook for them."""
        system = uids[0].split("/")[0]
        body = body_of(system, uids, at=self.stage.now, **how)
        return post(self.base, system, body, signed(system, body, at=self.stage.now))

    def follow(self) -> Report:
        """The run that the worker makes for webhooks."""
        report = follow_notices(self.project, lambda _: None)
        assert report.failures == {}
        return report


@contextmanager
def door(on: Stage) -> Iterator[Door]:
    """The project's door, open."""
    with (
        on.open() as project,
        closing(Receiver(project, wake=lambda: None)) as receiver,
        serving(worker_app(project, Health(), receiver), host="127.0.0.1", port=0) as port,
    ):
        yield Door(on, project, f"http://127.0.0.1:{port}")
