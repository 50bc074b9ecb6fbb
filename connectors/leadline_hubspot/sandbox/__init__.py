"""A local HubSpot portal that answers like the vendor's API. Needs the extra `leadline[sandbox]`."""

from leadline_hubspot.sandbox.limits import Limits
from leadline_hubspot.sandbox.vendor import HubSpotSandbox

__all__ = ["HubSpotSandbox", "Limits"]
