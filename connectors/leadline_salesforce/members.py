"""Campaign membership: the static list of Salesforce.

The vendor keeps one membership per person and campaign, which makes a repeat harmless: it is refused as a
duplicate, and the membership is looked up and told as unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import JoinList, Outcome
from leadline_salesforce import query
from leadline_salesforce.client import Client
from leadline_salesforce.collection import Collections
from leadline_salesforce.ledger import Ledger, Row
from leadline_salesforce.lookups import rows_where

BATCH = 200
_LOOKUPS: Mapping[str, str] = {"Lead": "LeadId", "Contact": "ContactId"}
_DUPLICATE = "DUPLICATE_VALUE"

Pair = tuple[str, str]  # 15 characters of the person's id, and of the campaign's


class Members:
    """Writes `JoinList`, and finds those of unknown outcome."""

    def __init__(self, client: Client, collections: Collections) -> None:
        self._client = client
        self._collections = collections
        self._statuses: dict[str, str] = {}  # the status of a new member, by 15 characters of the campaign's id

    def push(self, joins: Sequence[tuple[int, JoinList]], ledger: Ledger) -> None:
        """Make everybody a member who is not one yet, with the campaign's own default status."""
        self._learn([effect.list_id for _, effect in joins])
        held = self._held([effect for _, effect in joins])
        todo: list[tuple[Row, JoinList]] = []
        taken: dict[Pair, int] = {}
        again: list[tuple[Row, int]] = []
        for place, effect in joins:
            row = _row(place, effect, self._statuses.get(effect.list_id[:15]))
            if effect.target.object not in _LOOKUPS:
                words = f"a campaign takes leads and contacts, not a record of {effect.target.object}"
                ledger.refused(row, "LIST_TAKES_PEOPLE", words)
            elif effect.list_id[:15] not in self._statuses:
                words = f"there is no campaign {effect.list_id!r}, or it cannot be seen"
                ledger.refused(row, "CAMPAIGN_NOT_FOUND", words)
            elif (pair := _pair(effect)) in held:
                ledger.unchanged(row, held[pair])
            elif pair in taken:
                again.append((row, taken[pair]))
            else:
                taken[pair] = place
                todo.append((row, effect))
        if todo:
            self._collections.send("POST", "composite/sobjects", [row for row, _ in todo], ledger)
            self._already(todo, ledger)
        for row, first in again:
            ledger.like(row, first)

    def _already(self, sent: Sequence[tuple[Row, JoinList]], ledger: Ledger) -> None:
        """Whoever became a member since we looked is told as unchanged."""
        doubled = [(row, effect) for row, effect in sent if _duplicate(ledger, row)]
        if not doubled:
            return
        try:
            held = self._held([effect for _, effect in doubled])
        except LeadlineError:
            ledger.unknown(row for row, _ in doubled)
            return
        for row, effect in doubled:
            if member := held.get(_pair(effect)):
                ledger.unchanged(row, member)

    def find(self, joins: Sequence[tuple[int, JoinList]], ledger: Ledger) -> None:
        """Look for each membership."""
        held = self._held([effect for _, effect in joins])
        for place, effect in joins:
            ledger.found(_row(place, effect, None), held.get(_pair(effect)))

    def _learn(self, campaigns: Sequence[str]) -> None:
        """What status a new member of these campaigns gets. A campaign has at least one status, or is not there."""
        asked = [one for one in dict.fromkeys(campaigns) if one[:15] not in self._statuses and query.is_id(one)]
        wanted = {"CampaignId": asked}
        for row in rows_where(self._client, "CampaignMemberStatus", ("CampaignId", "Label", "IsDefault"), wanted):
            if row["IsDefault"] or row["CampaignId"][:15] not in self._statuses:
                self._statuses[row["CampaignId"][:15]] = str(row["Label"])

    def _held(self, joins: Sequence[JoinList]) -> dict[Pair, str]:
        """Membership ids of those people who are on one of these campaigns."""
        held: dict[Pair, str] = {}
        campaigns = sorted({join.list_id for join in joins if query.is_id(join.list_id)})
        for kind, lookup in _LOOKUPS.items():
            people = list(dict.fromkeys(join.target.id for join in joins if join.target.object == kind))
            wanted = {lookup: people, "CampaignId": campaigns}
            for row in rows_where(self._client, "CampaignMember", ("Id", lookup, "CampaignId"), wanted):
                held[row[lookup][:15], row["CampaignId"][:15]] = str(row["Id"])
        return held


def _pair(effect: JoinList) -> Pair:
    return effect.target.id[:15], effect.list_id[:15]


def _row(place: int, effect: JoinList, status: str | None) -> Row:
    body: dict[str, Any] = {"attributes": {"type": "CampaignMember"}, "CampaignId": effect.list_id}
    if lookup := _LOOKUPS.get(effect.target.object):
        body[lookup] = effect.target.id
    if status:
        body["Status"] = status
    return Row(place, effect.key, body, "CampaignMember")


def _duplicate(ledger: Ledger, row: Row) -> bool:
    ended = ledger.ended(row)
    return bool(ended and ended.outcome is Outcome.REFUSED and ended.refusal and ended.refusal.code == _DUPLICATE)
