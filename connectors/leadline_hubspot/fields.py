"""Writing fields of existing records, and reading them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import Actor, Outcome, Refusal, RowOutcome, Scalar, UpdateFields
from leadline_hubspot.batches import TRACE, Result, read_batch, write_batches
from leadline_hubspot.client import PATHS, Client
from leadline_hubspot.errors import GONE, NOT_APPLIED, refusal_of
from leadline_hubspot.values import as_text, same

STAGE = "lifecyclestage"
LIFECYCLE_BACKWARD = "LIFECYCLE_BACKWARD"


class Fields:
    """Batch updates by record id."""

    def __init__(self, client: Client, *, lifecycle_backward: bool = False) -> None:
        self._client = client
        self._lifecycle_backward = lifecycle_backward

    def push(self, effects: Sequence[UpdateFields]) -> list[RowOutcome]:
        """One outcome per effect; one call for each object and hundred records.

        Two more for lifecycle stages that HubSpot kept, where they may go backward: it does not let go of
        a stage for an earlier one, but it does for none.
        """
        results = self._send([(effect, effect.values) for effect in effects])
        written = {effect.key: self._outcome(effect, effect.values, results[effect.key]) for effect in effects}
        kept = [effect for effect in effects if _kept_stage(written[effect.key])]
        if kept and self._lifecycle_backward:
            stages = {effect.key: row["properties"][STAGE] for effect in kept if (row := results[effect.key].row)}
            written |= self._step_back(kept, stages)
        return [written[effect.key] for effect in effects]

    def _step_back(self, effects: Sequence[UpdateFields], stages: Mapping[str, Scalar]) -> dict[str, RowOutcome]:
        """Clear the stage, then set it; where that is refused, set the one of `stages`, which was there before.

        A process that dies in between leaves the row to be read back.
        """
        try:
            cleared = self._write([(effect, {STAGE: None}) for effect in effects])
            ready = [effect for effect in effects if cleared[effect.key].outcome is Outcome.WRITTEN]
            ended = cleared | self._write([(effect, {STAGE: effect.values[STAGE]}) for effect in ready])
            emptied = [effect for effect in ready if ended[effect.key].outcome is Outcome.REFUSED]
            restored = self._write([(effect, {STAGE: stages[effect.key]}) for effect in emptied])
        except LeadlineError:  # the first write went through: what became of the row is found by reading
            return {effect.key: RowOutcome(effect.key, Outcome.UNKNOWN, None, effect.target.id) for effect in effects}
        lost = {key: _empty(ended[key]) for key, back in restored.items() if back.outcome is not Outcome.WRITTEN}
        return ended | lost

    def _write(self, values: Sequence[tuple[UpdateFields, Mapping[str, Scalar]]]) -> dict[str, RowOutcome]:
        """Outcomes by key of setting these values on the effects' records."""
        results = self._send(values)
        return {effect.key: self._outcome(effect, given, results[effect.key]) for effect, given in values}

    def _send(self, values: Sequence[tuple[UpdateFields, Mapping[str, Scalar]]]) -> Mapping[str, Result]:
        """HubSpot's answer for each key."""
        jobs: dict[str, list[dict[str, Any]]] = {}
        for effect, given in values:
            texts = {name: as_text(value) for name, value in given.items()}
            path = f"{PATHS['objects'].format(object=effect.target.object)}/batch/update"
            jobs.setdefault(path, []).append({"id": effect.target.id, "properties": texts, TRACE: effect.key})
        return write_batches(self._client, list(jobs.items()))

    def _outcome(self, effect: UpdateFields, given: Mapping[str, Scalar], result: Result) -> RowOutcome:
        if result.error is not None:
            return RowOutcome(effect.key, Outcome.REFUSED, refusal_of(result.error), effect.target.id)
        if result.row is None:
            return RowOutcome(effect.key, Outcome.UNKNOWN, None, effect.target.id)
        ignored = _ignored(given, result.row["properties"])
        return RowOutcome(effect.key, Outcome.REFUSED if ignored else Outcome.WRITTEN, ignored, effect.target.id)

    def find(self, effects: Sequence[UpdateFields]) -> list[RowOutcome]:
        """WRITTEN where the portal shows every value, NOT_APPLIED where it does not."""
        shown: dict[tuple[str, str], Mapping[str, Any]] = {}
        for kind in dict.fromkeys(effect.target.object for effect in effects):
            mine = [effect for effect in effects if effect.target.object == kind]
            names = sorted({name for effect in mine for name in effect.values})
            path = PATHS["objects"].format(object=kind)
            rows = read_batch(self._client, path, [effect.target.id for effect in mine], names)
            shown.update(((kind, record_id), dict(row["properties"])) for record_id, row in rows.items())
        return [self._found(effect, shown.get((effect.target.object, effect.target.id))) for effect in effects]

    def _found(self, effect: UpdateFields, shown: Mapping[str, Any] | None) -> RowOutcome:
        if shown is None:
            return RowOutcome(effect.key, Outcome.REFUSED, GONE, effect.target.id)
        if all(same(as_text(value), shown.get(name)) for name, value in effect.values.items()):
            return RowOutcome(effect.key, Outcome.WRITTEN, None, effect.target.id)
        return RowOutcome(effect.key, Outcome.REFUSED, NOT_APPLIED, effect.target.id)


def _kept_stage(outcome: RowOutcome) -> bool:
    return outcome.refusal is not None and outcome.refusal.code == LIFECYCLE_BACKWARD


def _empty(outcome: RowOutcome) -> RowOutcome:
    """The refused row, saying that its stage could not be put back either."""
    if outcome.refusal is None:
        return outcome
    said = f"{outcome.refusal.message}; its lifecycle stage is empty now"
    return replace(outcome, refusal=replace(outcome.refusal, message=said, fix="Set the lifecycle stage in HubSpot."))


def _ignored(given: Mapping[str, Scalar], shown: Mapping[str, Any]) -> Refusal | None:
    """Values that HubSpot passed over without a word, as it does with a lifecycle stage that would go backward."""
    kept = [name for name, value in given.items() if name in shown and not same(as_text(value), shown[name])]
    if not kept:
        return None
    if kept == [STAGE]:
        return Refusal(
            LIFECYCLE_BACKWARD,
            f"the lifecycle stage stays {shown[STAGE]}: it only moves forward; other values were written",
            Actor.LEADLINE_ADMIN,
            "Set `lifecycle_backward` for this connection, or leave the stage to people.",
        )
    return Refusal(
        "VALUE_NOT_TAKEN",
        f"HubSpot kept its own value of {', '.join(kept)}; other values were written",
        Actor.CRM_ADMIN,
        "Look for an automation in HubSpot that sets it.",
    )
