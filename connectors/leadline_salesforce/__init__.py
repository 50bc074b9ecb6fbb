"""Salesforce: reads and writes over the REST API."""
