"""Salesforce against the suite that every connector is held to."""

from leadline.sdk.testing import ConnectorSuite
from leadline_salesforce import connector


class TestSalesforce(ConnectorSuite):
    connector = connector
