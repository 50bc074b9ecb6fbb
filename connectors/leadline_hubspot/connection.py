"""One signed-in portal: the reading and the writing half over one client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leadline.sdk.ports import Runtime
from leadline.sdk.records import Effect, Estimate, ObjectSchema, Page, PullRequest, RawRecord, RowOutcome
from leadline_hubspot.answers import reading, writing
from leadline_hubspot.client import Client
from leadline_hubspot.options import Options
from leadline_hubspot.sink import HubSpotSink
from leadline_hubspot.source import HubSpotSource


class HubSpotConnection(HubSpotSource, HubSpotSink):
    """What the engine talks to. Reading may go on in several threads, writing in one."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        client = Client(options, runtime)
        self._place = runtime.name
        HubSpotSource.__init__(self, client, options)
        HubSpotSink.__init__(self, client, options)

    # Every verb answers for what it makes of HubSpot's answers.

    def schema(self, object: str) -> ObjectSchema:
        """As `HubSpotSource`."""
        with reading(self._place):
            return super().schema(object)

    def count(self, request: PullRequest) -> Estimate:
        """As `HubSpotSource`."""
        with reading(self._place):
            return super().count(request)

    def pull(self, request: PullRequest) -> Iterator[Page]:
        """As `HubSpotSource`."""
        with reading(self._place):
            yield from super().pull(request)

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        """As `HubSpotSource`."""
        with reading(self._place):
            return super().fetch(request, ids)

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """As `HubSpotSink`."""
        with writing(self._place):
            return super().push(effects)

    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """As `HubSpotSink`."""
        with reading(self._place):
            return super().find(effects)

    def close(self) -> None:
        """Close the connections to the portal."""
        self._client.close()
