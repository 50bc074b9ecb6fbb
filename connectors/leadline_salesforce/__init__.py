"""Salesforce: reads and writes over the REST API."""

from leadline_salesforce.connector import SalesforceConnector, connector

__all__ = ["SalesforceConnector", "connector"]
