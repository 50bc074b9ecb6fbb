"""Putting records on static lists.

HubSpot ignores records that are on the list already, so a repeat does nothing; its answer names those
that joined and those that do not exist, and whoever is in neither was on the list before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from leadline.sdk.errors import LeadlineError, UnknownOutcomeError
from leadline.sdk.records import Actor, JoinList, Outcome, Refusal, RowOutcome
from leadline_hubspot.answers import results_of
from leadline_hubspot.client import PATHS, Client
from leadline_hubspot.errors import GONE, NOT_APPLIED, refusal_of
from leadline_hubspot.object_types import TYPE_IDS

BATCH = 100  # records in one call; reading memberships back takes no more
_ROOT = PATHS["lists"]
_REFUSALS = frozenset({400, 404})
_LIST_FIX = "Correct the mapping's `lists`, or make the list in HubSpot."


class Memberships:
    """Static lists by id or, where the id is no number, by name."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lists: dict[tuple[str, str], Mapping[str, Any]] = {}

    def push(self, effects: Sequence[JoinList]) -> list[RowOutcome]:
        """One outcome per effect; one call for each list, and one to look at a list that is new here."""
        outcomes: dict[str, RowOutcome] = {}
        for (kind, named), mine in _by_list(effects).items():
            try:
                outcomes |= self._join(kind, named, mine)
            except LeadlineError as error:
                # Of a call that may have gone through, and of those behind one that did, nothing is known.
                if not outcomes and not isinstance(error, UnknownOutcomeError):
                    raise
                outcomes |= {effect.key: RowOutcome(effect.key, Outcome.UNKNOWN) for effect in mine}
        return [outcomes[effect.key] for effect in effects]

    def _join(self, object: str, named: str, effects: Sequence[JoinList]) -> dict[str, RowOutcome]:
        found = self._look_up(object, named)
        refusal = _unfit(found, object, named)
        if refusal is not None:
            return {effect.key: _refused(effect, refusal) for effect in effects}
        ids = list(dict.fromkeys(effect.target.id for effect in effects))
        answer = self._client.put(f"{_ROOT}/{found['listId']}/memberships/add", ids, accept=_REFUSALS)
        if answer.status in _REFUSALS:
            self._lists.pop((object, named), None)  # deleted or made dynamic since it was looked up
            return {effect.key: _refused(effect, refusal_of(answer.body or {})) for effect in effects}
        body = answer.body or {}
        # HubSpot documents both spellings.
        joined = {str(each) for name in ("recordIdsAdded", "recordsIdsAdded") for each in body.get(name) or ()}
        missing = {str(each) for each in body.get("recordIdsMissing") or ()}
        return {effect.key: _outcome(effect, joined, missing) for effect in effects}

    def _look_up(self, object: str, named: str) -> Mapping[str, Any]:
        """What HubSpot tells of a list; empty when there is none."""
        if (object, named) not in self._lists:
            type_id = TYPE_IDS.get(object, object)
            path = named if named.isdigit() else f"object-type-id/{type_id}/name/{quote(named, safe='')}"
            answer = self._client.get(f"{_ROOT}/{path}", accept=_REFUSALS)
            if answer.status in _REFUSALS:
                return {}
            self._lists[object, named] = answer.body["list"]
        return self._lists[object, named]

    def find(self, effects: Sequence[JoinList]) -> list[RowOutcome]:
        """WRITTEN where the record is on the list, NOT_APPLIED where not. One call for a hundred records."""
        on: dict[tuple[str, str], set[str]] = {}
        targets = list(dict.fromkeys((TYPE_IDS.get(e.target.object, e.target.object), e.target.id) for e in effects))
        for start in range(0, len(targets), BATCH):
            inputs = [{"objectTypeId": kind, "recordId": each} for kind, each in targets[start : start + BATCH]]
            answer = self._client.read(f"{_ROOT}/records/memberships/batch/read", {"inputs": inputs})
            for row in results_of(answer.body):
                lists = {str(each["listId"]) for each in row.get("recordListMemberships") or ()}
                on[str(row["objectTypeId"]), str(row["recordId"])] = lists
        outcomes = []
        for effect in effects:
            list_id = str(self._look_up(effect.target.object, effect.list_id).get("listId", effect.list_id))
            target = (TYPE_IDS.get(effect.target.object, effect.target.object), effect.target.id)
            there = list_id in on.get(target, ())
            outcomes.append(_written(effect, Outcome.WRITTEN) if there else _refused(effect, NOT_APPLIED))
        return outcomes


def _by_list(effects: Sequence[JoinList]) -> dict[tuple[str, str], list[JoinList]]:
    found: dict[tuple[str, str], list[JoinList]] = {}
    for effect in effects:
        found.setdefault((effect.target.object, effect.list_id), []).append(effect)
    return found


def _unfit(found: Mapping[str, Any], object: str, named: str) -> Refusal | None:
    """Why records of that object cannot be put on the list."""
    if not found:
        return Refusal("LIST_NOT_FOUND", f"there is no list {named!r}", Actor.LEADLINE_ADMIN, _LIST_FIX)
    name = found.get("name") or named
    if found.get("processingType") == "DYNAMIC":
        return Refusal(
            "LIST_IS_DYNAMIC", f"the list {name!r} fills itself by its filters", Actor.CRM_ADMIN,
            "Use a static list, or turn this one into a static list in HubSpot.",
        )  # fmt: skip
    type_id = TYPE_IDS.get(object)
    if type_id is not None and str(found.get("objectTypeId") or type_id) != type_id:
        return Refusal(
            "LIST_OF_OTHER_OBJECTS", f"the list {name!r} is not of {object}", Actor.LEADLINE_ADMIN, _LIST_FIX
        )
    return None


def _outcome(effect: JoinList, joined: set[str], missing: set[str]) -> RowOutcome:
    if effect.target.id in missing:
        return _refused(effect, GONE)
    return _written(effect, Outcome.WRITTEN if effect.target.id in joined else Outcome.UNCHANGED)


def _written(effect: JoinList, outcome: Outcome) -> RowOutcome:
    return RowOutcome(effect.key, outcome, None, effect.target.id)


def _refused(effect: JoinList, refusal: Refusal) -> RowOutcome:
    return RowOutcome(effect.key, Outcome.REFUSED, refusal, effect.target.id)
