"""Writing to a portal: each kind of effect to the part that knows it."""

from __future__ import annotations

from collections.abc import Sequence

from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import CreateTask, Effect, Enrol, Outcome, RowOutcome, UpdateFields
from leadline_hubspot.client import Client
from leadline_hubspot.enrolments import Enrolments
from leadline_hubspot.fields import Fields
from leadline_hubspot.tasks import Tasks


class HubSpotSink:
    """The writing half of a connection."""

    def __init__(self, client: Client) -> None:
        self._fields = Fields(client)
        self._tasks = Tasks(client)
        self._enrolments = Enrolments(client)

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Apply effects of one kind; see `ports.Sink`."""
        updates, tasks, enrolments = _by_kind(effects)
        if updates:
            return self._fields.push(updates)
        if tasks:
            return self._tasks.push(tasks)
        outcomes: list[RowOutcome] = []
        for effect in enrolments:
            try:
                outcomes.append(self._enrolments.push(effect))
            except LeadlineError:
                if not outcomes:
                    raise
                outcomes.append(RowOutcome(effect.key, Outcome.UNKNOWN))
        return outcomes

    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Read back effects of one kind; see `ports.Sink`."""
        updates, tasks, enrolments = _by_kind(effects)
        if updates:
            return self._fields.find(updates)
        if tasks:
            return self._tasks.find(tasks)
        return [self._enrolments.find(effect) for effect in enrolments]


def _by_kind(effects: Sequence[Effect]) -> tuple[list[UpdateFields], list[CreateTask], list[Enrol]]:
    updates = [each for each in effects if isinstance(each, UpdateFields)]
    tasks = [each for each in effects if isinstance(each, CreateTask)]
    enrolments = [each for each in effects if isinstance(each, Enrol)]
    if effects and len(effects) not in {len(updates), len(tasks), len(enrolments)}:
        raise ValueError("effects of one push are of one kind")
    return updates, tasks, enrolments
