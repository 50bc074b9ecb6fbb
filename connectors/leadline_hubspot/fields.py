"""Writing fields of existing records, and reading them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadline.sdk.records import Actor, Outcome, Refusal, RowOutcome, UpdateFields
from leadline_hubspot.batches import TRACE, Result, read_batch, write_batches
from leadline_hubspot.client import PATHS, Client
from leadline_hubspot.errors import NOT_APPLIED, refusal_of
from leadline_hubspot.values import as_text, same

_GONE = Refusal(
    "OBJECT_NOT_FOUND",
    "the record does not exist any more",
    Actor.NOBODY,
    "The record was deleted in HubSpot; there is nothing to do.",
)


class Fields:
    """Batch updates by record id."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def push(self, effects: Sequence[UpdateFields]) -> list[RowOutcome]:
        """One outcome per effect; one call for each object and hundred records."""
        jobs: dict[str, list[dict[str, Any]]] = {}
        for effect in effects:
            values = {name: as_text(value) for name, value in effect.values.items()}
            path = f"{PATHS['objects'].format(object=effect.target.object)}/batch/update"
            jobs.setdefault(path, []).append({"id": effect.target.id, "properties": values, TRACE: effect.key})
        results = write_batches(self._client, list(jobs.items()))
        return [self._outcome(effect, results[effect.key]) for effect in effects]

    def _outcome(self, effect: UpdateFields, result: Result) -> RowOutcome:
        if result.error is not None:
            return RowOutcome(effect.key, Outcome.REFUSED, refusal_of(result.error), effect.target.id)
        if result.row is None:
            return RowOutcome(effect.key, Outcome.UNKNOWN, None, effect.target.id)
        ignored = _ignored(effect, result.row["properties"])
        return RowOutcome(effect.key, Outcome.REFUSED if ignored else Outcome.WRITTEN, ignored, effect.target.id)

    def find(self, effects: Sequence[UpdateFields]) -> list[RowOutcome]:
        """WRITTEN where the portal shows every value, NOT_APPLIED where it does not."""
        shown: dict[tuple[str, str], Mapping[str, Any]] = {}
        for kind in dict.fromkeys(effect.target.object for effect in effects):
            mine = [effect for effect in effects if effect.target.object == kind]
            names = sorted({name for effect in mine for name in effect.values})
            path = PATHS["objects"].format(object=kind)
            rows = read_batch(self._client, path, [effect.target.id for effect in mine], names)
            shown.update(((kind, record_id), row["properties"]) for record_id, row in rows.items())
        return [self._found(effect, shown.get((effect.target.object, effect.target.id))) for effect in effects]

    def _found(self, effect: UpdateFields, shown: Mapping[str, Any] | None) -> RowOutcome:
        if shown is None:
            return RowOutcome(effect.key, Outcome.REFUSED, _GONE, effect.target.id)
        if all(same(as_text(value), shown.get(name)) for name, value in effect.values.items()):
            return RowOutcome(effect.key, Outcome.WRITTEN, None, effect.target.id)
        return RowOutcome(effect.key, Outcome.REFUSED, NOT_APPLIED, effect.target.id)


def _ignored(effect: UpdateFields, shown: Mapping[str, Any]) -> Refusal | None:
    """Values that HubSpot passed over without a word, as it does with a lifecycle stage that would go backward."""
    kept = [name for name, value in effect.values.items() if name in shown and not same(as_text(value), shown[name])]
    if not kept:
        return None
    if kept == ["lifecyclestage"]:
        return Refusal(
            "LIFECYCLE_BACKWARD",
            f"the lifecycle stage stays {shown['lifecyclestage']}: it only moves forward; other values were written",
            Actor.CRM_ADMIN,
            "Clear the stage in HubSpot first, or leave it to people.",
        )
    return Refusal(
        "VALUE_NOT_TAKEN",
        f"HubSpot kept its own value of {', '.join(kept)}; other values were written",
        Actor.CRM_ADMIN,
        "Look for an automation in HubSpot that sets it.",
    )
