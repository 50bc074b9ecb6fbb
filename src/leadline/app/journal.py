"""What happens in a run as log lines of level debug: `--verbose` shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from leadline import log
from leadline.app.events import Event
from leadline.core.scoring.digest import Digest
from leadline.sdk.errors import LeadlineError

_OF_PEOPLE = frozenset({"name", "action"})
"""Fields of events that may hold a person's name."""
_AS_TEXT = (LeadlineError, Digest)


def journal(run_id: str) -> Callable[[Event], None]:
    """A listener that logs every event of this run under the event's own name, from any thread."""
    logger = log.get("leadline.run").bind(run=run_id)

    def noted(event: Event) -> None:
        values = {each.name: getattr(event, each.name) for each in fields(event) if each.name not in _OF_PEOPLE}
        told = {name: str(value) if isinstance(value, _AS_TEXT) else value for name, value in values.items()}
        logger.debug(type(event).__name__, **told)

    return noted
