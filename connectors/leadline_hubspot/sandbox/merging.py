"""Merging two records, and finding the one that is left under the ids of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadline_hubspot.sandbox.failures import bad_request
from leadline_hubspot.sandbox.records import Record, make

if TYPE_CHECKING:
    from leadline_hubspot.sandbox.portal import Portal, Table

MERGED = "hs_merged_object_ids"


def merge(portal: Portal, table: Table, winner: Record, loser: Record, stamp: int, *, new_id: bool = False) -> Record:
    """The record that is left of two. It has the winner's values, and the loser's where the winner had none.

    Links move over. With `new_id` the record that is left is a third one, as the vendor's newer merges make
    it, and both old ids are gone. Ids that are gone are in `hs_merged_object_ids`; they are not in the
    recycle bin, and reading one of them gives the record that is left.
    """
    if winner.id == loser.id:
        raise bad_request("A record cannot be merged into itself.")
    gone = [winner, loser] if new_id else [loser]
    ids = [str(each.id) for each in gone]
    before = [each for record in (winner, loser) for each in (record.values.get(MERGED) or "").split(";") if each]
    values = _values(table, winner, loser)
    values[MERGED] = ";".join(dict.fromkeys([*before, *ids]))
    links = [link for record in gone for link in portal.links.all_of(table.kind.name, record.id)]
    emails = [record.values["email"] for record in gone if record.values.get("email")]
    survivor_id = table.store.take_id() if new_id else winner.id
    for record in gone:
        portal.remove(table, record, stamp, merged_into=survivor_id)
    made = make(table.kind, survivor_id, values, created=winner.created, modified=stamp)
    portal.keep(table, None if new_id else winner, made, stamp)
    for other_type, other_id, _ in links:
        if portal.tables[other_type].store.get(other_id) is not None:
            portal.links.add(table.kind.name, survivor_id, other_type, other_id)
    for email in emails:  # the addresses of both go on leading to the one
        table.unique.setdefault("email", {}).setdefault(str(email), survivor_id)
    portal.touch(table, survivor_id, portal.computed(table, survivor_id), stamp)
    portal.tell("merge", table, survivor_id, stamp, merged=tuple(each.id for each in gone))
    return portal.must_find(table, str(survivor_id))


def _values(table: Table, winner: Record, loser: Record) -> dict[str, str | None]:
    """The winner's values, empty ones filled from the loser; unique ones stay whose they are."""
    fixed = {name for name, each in table.properties.items() if each.read_only or each.unique}
    filled = {name: value for name, value in loser.values.items() if name not in fixed and value is not None}
    return {**filled, **{name: value for name, value in winner.values.items() if value is not None}}
