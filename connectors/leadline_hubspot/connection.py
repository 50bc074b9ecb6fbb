"""One signed-in portal: the reading and the writing half over one client."""

from __future__ import annotations

from leadline.sdk.ports import Runtime
from leadline_hubspot.client import Client
from leadline_hubspot.options import Options
from leadline_hubspot.sink import HubSpotSink
from leadline_hubspot.source import HubSpotSource


class HubSpotConnection(HubSpotSource, HubSpotSink):
    """What the engine talks to. Reading may go on in several threads, writing in one."""

    def __init__(self, options: Options, runtime: Runtime) -> None:
        client = Client(options, runtime)
        HubSpotSource.__init__(self, client, options)
        HubSpotSink.__init__(self, client, options)

    def close(self) -> None:
        """Close the connections to the portal."""
        self._client.close()
