"""What HubSpot can do, its options, and how a connection is made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from leadline.sdk.capabilities import Capabilities

if TYPE_CHECKING:
    from pydantic import BaseModel

    from leadline.sdk.ports import Connection, Runtime, Webhooks
    from leadline.sdk.sandbox.vendor import VendorFactory

_CAPABILITIES = Capabilities(
    reads=(
        "contacts", "companies", "deals", "leads", "calls", "emails", "communications", "meetings", "notes", "tasks",
        "owners", "form_submissions", "email_events", "event_occurrences",
    ),
    page_size=100,
    update_batch=100,
    task_batch=100,
    enrol_batch=1,
    list_batch=100,
    partial_success=True,
    # Eighteen batches, six at a time: one by one they would wait for answers, not for the limit.
    bulk_batch=1_800,
    bulk_above=100,
    bulk_calls=18,
    brings_sandbox=True,
    notes="Custom objects are read by their name or type id. A contact is in one sequence at a time.",
)  # fmt: skip


class HubSpot:
    """The connector that the registry finds."""

    name = "hubspot"
    title = "HubSpot"
    capabilities = _CAPABILITIES

    @property
    def options(self) -> type[BaseModel]:
        """The model of a connection's options."""
        from leadline_hubspot.options import Options

        return Options

    def connect(self, options: Mapping[str, object], runtime: Runtime) -> Connection:
        """A connection that has not spoken to the portal yet.

        Raises ConfigError for options that cannot work.
        """
        from leadline_hubspot.connection import HubSpotConnection
        from leadline_hubspot.options import parse

        return HubSpotConnection(parse(options, place=runtime.name), runtime)

    def webhooks(self, options: Mapping[str, object], runtime: Runtime) -> Webhooks | None:
        """The reader of the app's webhooks; None without `webhook_secret` or `client_secret`.

        Raises ConfigError for options that cannot work. It talks to the portal only to learn the name of a
        custom object that it has not met before.
        """
        from leadline_hubspot.client import Client
        from leadline_hubspot.object_types import CustomObjects
        from leadline_hubspot.options import parse
        from leadline_hubspot.webhooks import HubSpotWebhooks

        parsed = parse(options, place=runtime.name)
        if parsed.webhook_key is None:
            return None
        custom = CustomObjects(Client(parsed, runtime), runtime.now)
        return HubSpotWebhooks(parsed.webhook_key, runtime.name, custom.name)

    def sandbox(self) -> VendorFactory | None:
        """The factory of a local portal."""
        from leadline_hubspot.sandbox import HubSpotSandbox

        return HubSpotSandbox


connector = HubSpot()

__all__ = ["HubSpot", "connector"]
