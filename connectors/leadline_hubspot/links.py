"""Ids of associated records: as listings carry them, and in batches of a thousand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from leadline_hubspot.answers import next_after, results_of
from leadline_hubspot.client import PATHS, Client

BATCH = 1_000  # records in one batch read
Ids: TypeAlias = tuple[str, ...]
# A listing names an association "contact_to_company" for the primary one and this for the rest.
_UNLABELED = "_unlabeled"


def read_links(client: Client, object: str, to: str, record_ids: Sequence[str]) -> dict[str, Ids]:
    """Ids of `to` by record id, the primary one first; records without any are left out."""
    found: dict[str, Ids] = {}
    path = f"{PATHS['associations'].format(object=object, to=to)}/batch/read"
    waiting: list[dict[str, str]] = [{"id": each} for each in record_ids]
    while waiting:
        now, waiting = waiting[:BATCH], waiting[BATCH:]
        for row in results_of(client.read(path, {"inputs": now}).body):
            record_id, targets = str(row["from"]["id"]), row["to"]
            if len(targets) == 1 and record_id not in found:  # nearly all; worth it at a million records
                found[record_id] = (str(targets[0]["toObjectId"]),)
            else:
                found[record_id] = tuple(dict.fromkeys([*found.get(record_id, ()), *primary_first(targets)]))
            after = next_after(row)
            if after:
                waiting.append({"id": record_id, "after": after})
    return found


def primary_first(targets: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Ids of a batch read's targets, those labelled primary before the others."""

    def is_other(target: Mapping[str, Any]) -> bool:
        return not any(kind.get("label") == "Primary" for kind in target.get("associationTypes") or ())

    return (str(target["toObjectId"]) for target in sorted(targets, key=is_other))


def inlined(row: Mapping[str, Any], to: str) -> tuple[Ids, bool]:
    """Ids of `to` that a listed row carries, the primary one first, and whether there are more than it carries."""
    associations = row.get("associations") or {}
    found = associations.get(to) or next((each for name, each in associations.items() if name.endswith(f"_{to}")), None)
    if not found:
        return (), False
    results = found["results"]
    ids = dict.fromkeys([str(each["id"]) for each in results])
    if len(ids) > 1:
        # Nearly all have one, named twice when it is the primary one: not worth sorting.
        ordered = sorted(results, key=lambda each: str(each.get("type", "")).endswith(_UNLABELED))
        ids = dict.fromkeys([str(each["id"]) for each in ordered])
    return tuple(ids), "paging" in found


def with_links(
    client: Client, object: str, links: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, Ids]]:
    """Links by record id for rows that carry none, one batch read for each kind of link."""
    found: dict[str, dict[str, Ids]] = {row["id"]: dict.fromkeys(links, ()) for row in rows}
    for to in links if rows else ():
        for record_id, ids in read_links(client, object, to, list(found)).items():
            found[record_id][to] = ids
    return found


def is_type_id(name: str) -> bool:
    """Whether an object is named by its type id, such as 2-1000001."""
    return name[:1].isdigit()


def listed_links(
    client: Client, object: str, links: Sequence[str], rows: Sequence[Mapping[str, Any]], carried: Sequence[str]
) -> dict[str, dict[str, Ids]]:
    """Links by record id for rows of a listing.

    Those that a row carries only in part, and those that are not `carried`, are read in full.
    """
    found: dict[str, dict[str, Ids]] = {}
    partial: dict[str, list[str]] = {to: [row["id"] for row in rows] for to in links if to not in carried and rows}
    for row in rows:
        mine = found[row["id"]] = dict.fromkeys(links, ())
        for to in carried if row.get("associations") else ():
            mine[to], more = inlined(row, to)
            if more:
                partial.setdefault(to, []).append(row["id"])
    for to, record_ids in partial.items():
        for record_id, ids in read_links(client, object, to, record_ids).items():
            found[record_id][to] = ids
    return found
