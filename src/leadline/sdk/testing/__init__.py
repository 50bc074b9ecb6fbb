"""The suite that shows whether a connector keeps its contract. For tests only: it imports pytest.

    from leadline.sdk.testing import ConnectorSuite
    from acme_leadline import connector

    class TestAcme(ConnectorSuite):
        connector = connector

`docs/connectors.md` walks through it.
"""

from leadline.sdk.testing.lab import Lab
from leadline.sdk.testing.subjects import Subject
from leadline.sdk.testing.suite import ConnectorSuite

__all__ = ["ConnectorSuite", "Lab", "Subject"]
