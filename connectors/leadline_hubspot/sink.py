"""Writing to a portal: each kind of effect to the part that knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import CreateTask, Effect, Enrol, JoinList, Outcome, RowOutcome, UpdateFields
from leadline_hubspot.client import Client
from leadline_hubspot.enrolments import Enrolments
from leadline_hubspot.fields import Fields
from leadline_hubspot.memberships import Memberships
from leadline_hubspot.options import Options
from leadline_hubspot.tasks import Tasks


class HubSpotSink:
    """The writing half of a connection."""

    def __init__(self, client: Client, options: Options) -> None:
        self._fields = Fields(client, lifecycle_backward=options.lifecycle_backward)
        self._tasks = Tasks(client)
        self._enrolments = Enrolments(client)
        self._memberships = Memberships(client)

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Apply effects of one kind; see `ports.Sink`."""
        by_kind = _by_kind(effects)
        if by_kind.updates:
            return self._fields.push(by_kind.updates)
        if by_kind.tasks:
            return self._tasks.push(by_kind.tasks)
        if by_kind.joins:
            return self._memberships.push(by_kind.joins)
        outcomes: list[RowOutcome] = []
        for effect in by_kind.enrolments:
            try:
                outcomes.append(self._enrolments.push(effect))
            except LeadlineError:
                if not outcomes:
                    raise
                outcomes.append(RowOutcome(effect.key, Outcome.UNKNOWN))
        return outcomes

    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        """Read back effects of one kind; see `ports.Sink`."""
        by_kind = _by_kind(effects)
        if by_kind.updates:
            return self._fields.find(by_kind.updates)
        if by_kind.tasks:
            return self._tasks.find(by_kind.tasks)
        if by_kind.joins:
            return self._memberships.find(by_kind.joins)
        return [self._enrolments.find(effect) for effect in by_kind.enrolments]


@dataclass(frozen=True, slots=True)
class _ByKind:
    updates: list[UpdateFields]
    tasks: list[CreateTask]
    enrolments: list[Enrol]
    joins: list[JoinList]


def _by_kind(effects: Sequence[Effect]) -> _ByKind:
    found = _ByKind(
        [each for each in effects if isinstance(each, UpdateFields)],
        [each for each in effects if isinstance(each, CreateTask)],
        [each for each in effects if isinstance(each, Enrol)],
        [each for each in effects if isinstance(each, JoinList)],
    )
    if effects and len(effects) not in {len(found.updates), len(found.tasks), len(found.enrolments), len(found.joins)}:
        raise RuntimeError("effects of one push are of one kind")
    return found
