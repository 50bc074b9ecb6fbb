"""What two histories of the same days leave behind, as comparable text: in the CRMs and in the store.

Generated ids, times of change and the traces of attempts are left out: a disturbed history may differ in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from tests.stage import Stage

from leadline.store import tables

Snapshot = Mapping[str, Mapping[str, Sequence[bytes]]]
"""By place (a CRM, or the store) and table: its rows as texts, in order."""

# And of a score the block that its ledger is in: runs that were cut short store other blocks.
TIMES = frozenset({"modified_at", "read_at", "known_since", "breakdown"})
STAMPS = frozenset(
    {
        "SystemModstamp", "LastModifiedDate", "CreatedDate", "hs_lastmodifieddate", "lastmodifieddate", "hs_createdate",
        "updatedAt", "createdAt",
    }
)  # fmt: skip
# Of an effect: what was planned. How often it was tried, and when, differs; so does the key of an update.
PLANNED = ("connection", "kind", "object", "record_id", "subject", "echo", "planned_at")


def crm_state(on: Stage, system: str) -> dict[str, list[bytes]]:
    """Every record of a CRM as comparable text, without generated ids and times."""
    return {name: sorted(map(_plain, rows)) for name, rows in on.crms[system].vendor.state().items()}


def _plain(row: Mapping[str, Any]) -> bytes:
    kept = {name: value for name, value in row.items() if name not in STAMPS}
    if "properties" in row:
        kept["properties"] = {name: value for name, value in row["properties"].items() if name not in STAMPS}
        # Tasks stand beside the records that they are about; there they go by number.
        kept["associations"] = {to: len(ids) if to == "tasks" else ids for to, ids in row["associations"].items()}
    if kept.get("Leadline_Key__c") or kept.get("TargetId") or kept.get("sequenceId"):
        kept = {name: value for name, value in kept.items() if name not in {"Id", "id", "Name", "enrolledAt"}}
    elif "leadline_key" in kept.get("properties", ()):
        del kept["id"], kept["properties"]["hs_object_id"]
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def store_state(on: Stage) -> dict[str, list[bytes]]:
    """What the store holds, as comparable text, without times of reading and the traces of attempts."""
    found = {}
    for table in (*tables.ENTITY_TABLES.values(), tables.scores, tables.pushes, tables.rotation, tables.dirty):
        rows = [{name: value for name, value in row.items() if name not in TIMES} for row in on.rows(table)]
        found[table.name] = sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows)
    lines = [line for ledger in on.ledgers().values() for line in ledger]
    found["ledger"] = sorted(orjson.dumps(line, option=orjson.OPT_SORT_KEYS) for line in lines)
    done = {"unchanged": "written"}
    effects = [
        {name: row[name] for name in PLANNED}
        | {"state": done.get(row["state"], row["state"]), "payload": _without_key(row)}
        for row in on.rows(tables.effects)
    ]
    found["effects"] = sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in effects)
    found["cursors"] = sorted(
        orjson.dumps((r["connection"], r["object"], r["complete"])) for r in on.rows(tables.cursors)
    )
    return found


def _without_key(effect: Mapping[str, Any]) -> dict[str, Any]:
    payload = orjson.loads(effect["payload"])
    return {name: value for name, value in payload.items() if name != "key" or effect["kind"] != "update"}


def same(disturbed: Snapshot, calm: Snapshot) -> None:
    """The same rows everywhere; the message shows the first that differ."""
    for where, tables_of in calm.items():
        for name, rows in tables_of.items():
            here, there = Counter(disturbed[where][name]), Counter(rows)
            differing = {"only here": list(here - there)[:2], "only there": list(there - here)[:2]}
            assert here == there, (where, name, differing)


def nothing_twice(on: Stage, *, at_least: int = 5) -> None:
    """No two tasks of one key, nobody twice in one sequence."""
    tasks = Counter(
        row["Leadline_Key__c"] for row in on.records("salesforce", "Task").values() if row["Leadline_Key__c"]
    )
    tasks += Counter(row["leadline_key"] for row in on.records("hubspot", "tasks").values() if row["leadline_key"])
    trackers = on.records("salesforce", "ActionCadenceTracker").values()
    enrolled = Counter((row["TargetId"], row["ActionCadenceId"]) for row in trackers)
    enrolled += Counter((row["contactId"], row["sequenceId"]) for row in on.records("hubspot", "enrollments").values())
    assert len(tasks) > at_least
    assert len(enrolled) > at_least
    assert {*tasks.values(), *enrolled.values()} == {1}
