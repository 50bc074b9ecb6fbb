"""The door: what the engine finds by the entry point. Imports no vendor client until it connects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from leadline.sdk.capabilities import Capabilities
from leadline.sdk.ports import Runtime
from leadline.sdk.records import Effect, Estimate, Finding, ObjectSchema, Page, PullRequest, RawRecord, RowOutcome

if TYPE_CHECKING:
    from pydantic import BaseModel

    from leadline.sdk.sandbox.vendor import VendorFactory
    from leadline_salesforce.client import Client
    from leadline_salesforce.sink import SalesforceSink
    from leadline_salesforce.source import SalesforceSource
    from leadline_salesforce.webhooks import SalesforceWebhooks

CAPABILITIES = Capabilities(
    reads=(
        "Account", "Contact", "Lead", "Opportunity", "OpportunityContactRole", "Task", "Event", "CampaignMember",
        "User", "ActionCadence", "ActionCadenceTracker", "custom objects",
    ),
    page_size=2000,
    update_batch=200,
    task_batch=200,
    enrol_batch=50,
    list_batch=200,
    bulk_batch=10_000,
    bulk_above=2_000,
    bulk_calls=12,
    partial_success=True,
    brings_sandbox=True,
    notes="Deletes, merges and conversions are read; many rows by bulk query; writes never run assignment rules.",
)  # fmt: skip


class SalesforceConnection:
    """One signed-in org: the source and the sink over one client."""

    def __init__(self, client: Client, source: SalesforceSource, sink: SalesforceSink) -> None:
        self._client = client
        self._source = source
        self._sink = sink

    def check(self) -> list[Finding]:
        return self._source.check()

    def schema(self, object: str) -> ObjectSchema:
        return self._source.schema(object)

    def count(self, request: PullRequest) -> Estimate:
        return self._source.count(request)

    def pull(self, request: PullRequest) -> Iterator[Page]:
        return self._source.pull(request)

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        return self._source.fetch(request, ids)

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        return self._sink.push(effects)

    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        return self._sink.find(effects)

    def close(self) -> None:
        self._client.close()


class SalesforceConnector:
    """Salesforce as a kind of system."""

    name = "salesforce"
    title = "Salesforce"
    capabilities = CAPABILITIES

    @property
    def options(self) -> type[BaseModel]:
        from leadline_salesforce.options import SalesforceOptions

        return SalesforceOptions

    def connect(self, options: Mapping[str, object], runtime: Runtime) -> SalesforceConnection:
        """A connection that signs in with its first call. ConfigError for options that cannot work."""
        from leadline_salesforce.client import Client
        from leadline_salesforce.options import read_options
        from leadline_salesforce.sink import SalesforceSink
        from leadline_salesforce.source import SalesforceSource

        read = read_options(options, runtime.name)
        client = Client(read, runtime)
        return SalesforceConnection(client, SalesforceSource(client, read, runtime), SalesforceSink(client, runtime))

    def webhooks(self, options: Mapping[str, object], runtime: Runtime) -> SalesforceWebhooks | None:
        """The reader of callouts, None when the options hold neither webhook_secret nor webhook_token."""
        from leadline_salesforce.options import read_options
        from leadline_salesforce.webhooks import SalesforceWebhooks

        read = read_options(options, runtime.name)
        if read.webhook_secret is None and read.webhook_token is None:
            return None
        return SalesforceWebhooks(read.webhook_secret, read.webhook_token)

    def sandbox(self) -> VendorFactory:
        """The factory of the local org."""
        from leadline_salesforce.sandbox.vendor import SalesforceSandbox

        return SalesforceSandbox


connector = SalesforceConnector()
