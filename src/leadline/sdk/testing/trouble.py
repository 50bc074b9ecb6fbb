"""The kinds of trouble that one HTTP call can be in, as faults of a sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DEADLINE = 0.4
"""Seconds that a call may take where the trouble is one that lasts."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind. `lasts` says that only a deadline ends it."""

    name: str
    rule: dict[str, Any] = field(default_factory=dict)
    lasts: bool = False

    @property
    def attempts(self) -> int:
        """How often to try a call that meets it."""
        return 1 if self.lasts else 2

    @property
    def timeout(self) -> float:
        """The deadline to give a connection that meets it."""
        return DEADLINE if self.lasts else 10.0


PAGE_OF_HTML = "<html><body><h1>Bad Gateway</h1></body></html>"
TROUBLES = (
    Trouble("a status 500", {"status": 500}),
    Trouble("a status 503 with Retry-After", {"status": 503, "headers": {"Retry-After": "1"}}),
    Trouble("a page of HTML with status 502", {"status": 502, "body": PAGE_OF_HTML}),
    Trouble("a body that is no JSON with status 200", {"body": "{", "content_type": "application/json"}),
    Trouble("a page of HTML with status 200", {"body": PAGE_OF_HTML}),
    Trouble("a reply cut off half way", {"truncate": 0.5}),
    Trouble("a lost reply", {"drop_reply": True}),
    Trouble("a lost request", {"drop_request": True}),
    Trouble("a body that drips for longer than the deadline", {"drip": 0.02, "drip_for": 2.0}, lasts=True),
)
