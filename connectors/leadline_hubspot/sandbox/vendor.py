"""The portal as a local server: its paths, its error bodies, and what a user does in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from leadline_hubspot.sandbox import (
    account_api,
    conformance,
    enrollment_api,
    keyboard,
    legacy_api,
    lists_api,
    routing,
    signals_api,
)
from leadline_hubspot.sandbox import objects_api as objects
from leadline_hubspot.sandbox.failures import Refused
from leadline_hubspot.sandbox.gate import Gate, html_response, is_page, rate_limited
from leadline_hubspot.sandbox.limits import Limits
from leadline_hubspot.sandbox.oauth import AUTHORIZATION_CODE, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, TOKEN, Tokens
from leadline_hubspot.sandbox.paths import Paths
from leadline_hubspot.sandbox.populate import fill
from leadline_hubspot.sandbox.portal import Portal
from leadline_hubspot.sandbox.settings import Settings
from leadline_hubspot.sandbox.webhooks import Webhooks

if TYPE_CHECKING:
    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline.sdk.sandbox.faults import Faults
    from leadline.sdk.sandbox.world import World

__all__ = ["AUTHORIZATION_CODE", "CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN", "TOKEN", "HubSpotSandbox"]

_FAULT_WORDS = {
    400: ("VALIDATION_ERROR", "Invalid input (details will vary based on the error)"),
    401: ("INVALID_AUTHENTICATION", "Authentication credentials not found."),
    403: ("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
    404: ("OBJECT_NOT_FOUND", "resource not found"),
    409: ("CONFLICT", "The record was changed by somebody else at the same time."),
    415: ("VALIDATION_ERROR", "Unsupported Media Type"),
    423: ("LOCKED", "The record is locked because of a high volume of changes. Try again in 2 seconds."),
    477: ("MIGRATION_IN_PROGRESS", "This account is being migrated."),
    503: ("SERVICE_UNAVAILABLE", "The service is temporarily unavailable."),
}


class HubSpotSandbox:
    """One portal behind its API."""

    name = "hubspot"

    def __init__(self, world: World, clock: SandboxClock, faults: Faults, *, limits: Limits | None = None) -> None:
        self.portal = Portal(clock, faults, limits or Limits())
        self.tokens = Tokens(self.portal)
        self.webhooks = Webhooks(self.portal, clock)
        paths = self._paths()
        self.gate = Gate(self.portal, self.tokens, paths)
        self.settings = Settings(self.portal, self.gate, self.tokens)
        routing.add_account(paths, account_api.Usage(self.gate))
        fill(self.portal, world)

    def routes(self) -> Sequence[BaseRoute]:
        """One route: the portal finds its way by itself, in a time that does not grow with the number of paths."""
        return [Route("/{path:path}", self.gate.answer, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]

    def _paths(self) -> Paths:
        paths = Paths()
        self.tokens.routes(paths)
        routing.add_objects(paths)
        routing.add_associations(paths)
        routing.add_sequences(paths)
        lists_api.add_lists(paths)
        signals_api.add_signals(paths)
        legacy_api.add_legacy(paths)
        self.webhooks.routes(paths)
        return paths

    def fault_response(self, status: int, code: str | None) -> Response:
        """The vendor's body for a status that a fault asks for; `code` is a rate policy or a category."""
        if is_page(status):
            return html_response(status)
        if status == 429:
            body = rate_limited(code or "TEN_SECONDLY_ROLLING").as_json()
        else:
            category, message = _FAULT_WORDS.get(status, ("INTERNAL_ERROR", "internal error"))
            body = {"status": "error", "message": message, "category": code or category}
        return Response(orjson.dumps(self.gate.error_body(body)), status, media_type="application/json;charset=utf-8")

    def credentials(self, base_url: str) -> dict[str, str]:
        """Options for a connection to this sandbox: search trails behind writes, and links move no stamp, only when
        it is told so."""
        return {"base_url": base_url, "access_token": TOKEN, "overlap_seconds": "5", "links_reread_hours": "0"}

    def sign_ins(self, base_url: str) -> dict[str, dict[str, str]]:
        """Options for signing in as an OAuth app. `code` is no option: it buys the first refresh token."""
        app = {"base_url": base_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return {"oauth": {**app, "refresh_token": REFRESH_TOKEN}, "install": {**app, "code": AUTHORIZATION_CODE}}

    def unassigned_owners(self) -> tuple[str, ...]:
        """Nobody: records here may have no owner at all."""
        return ()

    def state(self) -> Mapping[str, list[dict[str, Any]]]:
        """Everything in the portal, archived records included."""
        state = objects.portal_state(self.portal)
        state["owners"] = [account_api.owner_state(each) for each in self.portal.owners.values()]
        state["sequences"] = [{"id": str(each.id), "name": each.name} for each in self.portal.sequences.all.values()]
        state["enrollments"] = [
            {**enrollment_api.enrollment_json(each), "contactId": str(each.contact_id)}
            for each in self.portal.sequences.enrollments.values()
        ]
        state["lists"] = [
            {"id": str(each.id), "name": each.name, "processingType": each.kind, "recordIds": members}
            for each in self.portal.lists.all()
            for members in [[str(one) for one, _ in self.portal.lists.members(str(each.id), 0, 1 << 31)[0]]]
        ]
        return state

    def edit(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """A user creates, updates, deletes, merges or links in the CRM.

        `keyboard.py` has the commands.
        """
        try:
            return keyboard.edit(self.portal, command)
        except Refused as refusal:
            raise ValueError(refusal.message) from refusal

    def controls(self) -> Mapping[str, Callable[[str, Any], Any]]:
        """Calls of its own on the control surface."""
        return {**self.settings.controls(), "webhooks": self._webhook_control}

    def _webhook_control(self, method: str, body: Any) -> Any:
        try:
            return self.webhooks.control(method, body)
        except Refused as refusal:
            raise ValueError(refusal.message) from refusal

    def conformance(self) -> Mapping[str, Any]:
        """Lift the limits, and tell the conformance suite what it cannot find out by itself."""
        self.settings.settings("POST", {"unlimited": True})
        return conformance.told(self.portal)

    @property
    def search_lag(self) -> float:
        """How many seconds of the sandbox's clock search trails behind writes."""
        return self.portal.limits.index_lag

    @search_lag.setter
    def search_lag(self, seconds: float) -> None:
        self.portal.limits = replace(self.portal.limits, index_lag=seconds)
