"""HubSpot against the suite that every connector is held to."""

from leadline.sdk.testing import ConnectorSuite
from leadline_hubspot import connector


class TestHubSpot(ConnectorSuite):
    connector = connector
