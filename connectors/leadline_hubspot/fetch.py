"""Named records as they are now, by id and never by search, which trails behind.

live records                batch read, 100 a call
those not among them        the same call over archived records
those that were merged      the answer has the survivor in place of the id that was asked for, or a
                            search finds the survivor that remembers the id
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from leadline.sdk.records import PullRequest, RawRecord
from leadline_hubspot import search
from leadline_hubspot.answers import results_of
from leadline_hubspot.client import PATHS, Client
from leadline_hubspot.links import with_links
from leadline_hubspot.values import MERGEABLE, MERGED, millis, record_of, wanted_properties

Row: TypeAlias = Mapping[str, Any]
BATCH = 100  # records in one batch read
_SOUGHT = 50  # ids whose survivor is searched for: ten calls. More are told by the next incremental read.


def fetch(client: Client, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
    """One record per id, in the order asked for; what is not there any more is deleted.

    `modified_at` of a record that the portal knows nothing of is the request's `now`.
    """
    wanted = list(dict.fromkeys(ids))
    askable = [each for each in wanted if each.isascii() and each.isdigit()]
    names = wanted_properties(request.object, request.fields)
    live = _read(client, request.object, askable, names, archived=False)
    survivors = _survivors(live)
    missing = [each for each in askable if each not in live]
    binned = _read(client, request.object, missing, (), archived=True)
    if request.object in MERGEABLE:
        survivors |= _sought(client, request.object, [each for each in missing if each not in survivors][:_SOUGHT])
    rows = [live[each] for each in askable if each in live]
    links = with_links(client, request.object, request.links, rows)
    found = {row["id"]: record_of(request.object, row, request.fields, links[row["id"]]) for row in rows}
    return [found.get(each) or _gone(request, each, binned.get(each), survivors.get(each)) for each in wanted]


def _read(client: Client, object: str, ids: Sequence[str], names: Sequence[str], *, archived: bool) -> dict[str, Row]:
    path = f"{PATHS['objects'].format(object=object)}/batch/read"
    query = [("archived", "true")] if archived else []
    found: dict[str, Row] = {}
    for start in range(0, len(ids), BATCH):
        body = {
            "inputs": [{"id": each} for each in ids[start : start + BATCH]],
            "properties": list(names),
            "propertiesWithHistory": [],
        }
        read = results_of(client.read(path, body, query=query).body)
        found.update((row["id"], row) for row in read if bool(row.get("archived")) is archived)
    return found


def _survivors(rows: Mapping[str, Row]) -> dict[str, str]:
    """Survivors by the ids that were merged into them."""
    return {
        loser: record_id
        for record_id, row in rows.items()
        for loser in (row["properties"].get(MERGED) or "").split(";")
        if loser and loser != record_id
    }


def _sought(client: Client, object: str, ids: Sequence[str]) -> dict[str, str]:
    """Survivors that search knows to remember one of these ids."""
    path = f"{PATHS['objects'].format(object=object)}/search"
    found: dict[str, str] = {}
    for start in range(0, len(ids), search.MAX_GROUPS):
        request = search.merged_from(ids[start : start + search.MAX_GROUPS])
        read = results_of(client.read(path, request, bucket="search").body)
        found |= _survivors({row["id"]: row for row in read})
    return found


def _gone(request: PullRequest, record_id: str, row: Row | None, survivor: str | None) -> RawRecord:
    at = millis(row["archivedAt"]) // 1000 if row and row.get("archivedAt") else request.now
    return RawRecord(id=record_id, fields={}, modified_at=at, deleted=True, merged_into=survivor)
