"""HubSpot: reads and writes over the CRM API.

Importing this package loads neither the vendor's client nor the sandbox.
"""

from leadline_hubspot.connector import connector

__all__ = ["connector"]
