"""Making tasks, at most once for one key.

A task is created with its associations in one row, so there is never a task without them, and its
key is a unique property, so a repeat is refused by HubSpot itself. An upsert would instead set a task
that somebody has completed back to not started.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import CreateTask, Outcome, RecordRef, RowOutcome
from leadline_hubspot.batches import TRACE, Result, read_batch, write_batches
from leadline_hubspot.client import PATHS, Client
from leadline_hubspot.errors import NOT_APPLIED, names_a_duplicate, refusal_of
from leadline_hubspot.links import read_links
from leadline_hubspot.values import instant

KEY = "leadline_key"
# Association types from a task, HubSpot's own.
_TYPES = {"contacts": 204, "companies": 192, "deals": 216}
_PATH = PATHS["objects"].format(object="tasks")


class Tasks:
    """Batch creation by key."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def push(self, effects: Sequence[CreateTask]) -> list[RowOutcome]:
        """One outcome per effect; one call for a hundred new tasks."""
        inputs = [_input(effect) for effect in effects]
        results = write_batches(self._client, [(f"{_PATH}/batch/create", inputs)])
        outcomes = {effect.key: _outcome(effect, results[effect.key]) for effect in effects}
        repeats = [effect for effect in effects if names_a_duplicate(results[effect.key].error or {})]
        if repeats:
            outcomes |= self._adopt(repeats)
        return [outcomes[effect.key] for effect in effects]

    def _adopt(self, effects: Sequence[CreateTask]) -> dict[str, RowOutcome]:
        """Tasks that exist already under their key: see to their associations, leave the rest as it is."""
        try:
            found = read_batch(self._client, _PATH, [effect.key for effect in effects], (), KEY)
            missing = self._missing_links(effects, found)
            for to, pairs in missing.items():
                inputs = [{"from": {"id": task}, "to": {"id": record_id}} for task, record_id in pairs]
                path = PATHS["associations"].format(object="tasks", to=to)
                self._client.write(f"{path}/batch/associate/default", {"inputs": inputs})
        except LeadlineError:
            # They may or may not be complete; reading back later tells.
            return {effect.key: RowOutcome(effect.key, Outcome.UNKNOWN) for effect in effects}
        return {
            effect.key: RowOutcome(effect.key, Outcome.WRITTEN, None, found[effect.key]["id"])
            for effect in effects
            if effect.key in found
        }

    def find(self, effects: Sequence[CreateTask]) -> list[RowOutcome]:
        """WRITTEN where the task and its associations exist. Read by key, because search trails behind."""
        found = read_batch(self._client, _PATH, [effect.key for effect in effects], (), KEY)
        incomplete = {task for pairs in self._missing_links(effects, found).values() for task, _ in pairs}
        outcomes = []
        for effect in effects:
            task = found.get(effect.key)
            if task is None or task["id"] in incomplete:
                outcomes.append(RowOutcome(effect.key, Outcome.REFUSED, NOT_APPLIED))
            else:
                outcomes.append(RowOutcome(effect.key, Outcome.WRITTEN, None, task["id"]))
        return outcomes

    def _missing_links(
        self, effects: Sequence[CreateTask], found: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, list[tuple[str, str]]]:
        """Associations that existing tasks lack, as (task, record) by the associated object."""
        wanted: dict[str, list[tuple[str, str]]] = {}
        for effect in effects:
            for target in _targets(effect):
                if effect.key in found:
                    wanted.setdefault(target.object, []).append((found[effect.key]["id"], target.id))
        missing: dict[str, list[tuple[str, str]]] = {}
        for to, pairs in wanted.items():
            have = read_links(self._client, "tasks", to, [task for task, _ in pairs])
            lacking = [(task, record_id) for task, record_id in pairs if record_id not in have.get(task, ())]
            if lacking:
                missing[to] = lacking
        return missing


def _targets(effect: CreateTask) -> list[RecordRef]:
    """Whom the task is shown with. Objects that HubSpot cannot put beside a task are left out."""
    return [each for each in (effect.person, effect.account) if each is not None and each.object in _TYPES]


def _input(effect: CreateTask) -> dict[str, Any]:
    properties = {
        KEY: effect.key,
        "hs_timestamp": instant(effect.due_at),
        "hs_task_subject": effect.subject,
        # The body is shown as HTML, where line ends would run together.
        "hs_task_body": html.escape(effect.body, quote=False).replace("\n", "<br>\n"),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "HIGH" if effect.high_priority else "MEDIUM",
        "hs_task_type": "TODO",
    }
    if effect.owner_id:
        properties["hubspot_owner_id"] = effect.owner_id
    return {
        "properties": properties,
        "associations": [
            {
                "to": {"id": target.id},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": _TYPES[target.object]}],
            }
            for target in _targets(effect)
        ],
        TRACE: effect.key,
    }


def _outcome(effect: CreateTask, result: Result) -> RowOutcome:
    if result.error is not None:
        return RowOutcome(effect.key, Outcome.REFUSED, refusal_of(result.error))
    if result.row is None:
        return RowOutcome(effect.key, Outcome.UNKNOWN)
    return RowOutcome(effect.key, Outcome.WRITTEN, None, result.row["id"])
