"""Leadline's own connectors, as the worker calls them: pull a page at a time, push a batch at a time.

Rows whose end is unknown are read back, and sent again when they were not applied, as the outbox does.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import measured

from leadline import registry
from leadline.app.bootstrap import load_mapping_file
from leadline.cli.heap import settle
from leadline.core.normalize.apply import normalize, request
from leadline.core.normalize.mapping import ObjectMapping
from leadline.sdk.errors import LeadlineError
from leadline.sdk.ports import Connection, Runtime
from leadline.sdk.records import NOT_APPLIED, Outcome, PullRequest, RecordRef, RowOutcome, UpdateFields

ROOT = Path(__file__).parent.parent.parent
PASSES = 3


def prepare(order: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """A connection that has signed in and knows the object's fields."""
    system, name = order["system"], order["object"]
    mapping = load_mapping_file(ROOT / "mappings" / f"{system}.yaml").objects[name]
    runtime = Runtime(name=system, now=lambda: int(time.time()), sleep=time.sleep)
    connection = registry.connect(system, {**order["credentials"], **order.get("options", {})}, runtime)
    connection.schema(name)
    settle()  # as the worker's commands do
    if order["job"] in {"read", "normalize"}:
        return partial(read, connection, system, name, mapping, order["job"] == "normalize")
    if order["job"] == "pace":
        return partial(keep_busy, connection, order, mapping)
    able = registry.load(system).capabilities
    size = able.bulk_batch if order["job"] == "bulk" else able.update_batch
    effects = [UpdateFields(f"bench-{row['id']}", RecordRef(name, row["id"]), row["fields"]) for row in order["rows"]]
    return partial(write, connection, effects, size)


def read(connection: Connection, system: str, name: str, mapping: ObjectMapping, normalizing: bool) -> dict[str, Any]:
    """Read an object from its beginning, and make canonical rows of it when asked to."""
    fields, links = request(mapping)
    seen, now = set[str](), int(time.time())
    for page in connection.pull(PullRequest(object=name, fields=fields, links=links, now=now)):
        # A record may come twice: what changed a moment ago is looked at again.
        seen.update([record.id for record in page.records])
        if normalizing:
            normalize(mapping, system, name, page.records, now)
    return {"rows": len(seen)}


def write(connection: Connection, effects: Sequence[UpdateFields], size: int) -> dict[str, Any]:
    """Push everything, in batches."""
    ends: dict[str, RowOutcome] = {}
    left = list(effects)
    for _ in range(PASSES):
        for batch in (left[start : start + size] for start in range(0, len(left), size)):
            ends.update((each.key, each) for each in _pushed(connection, batch))
        unknown = [each for each in left if ends[each.key].outcome is Outcome.UNKNOWN]
        ends.update((each.key, each) for each in (connection.find(unknown) if unknown else ()))
        left = [each for each in unknown if _is_open(ends[each.key])]
        if not left:
            break
    written = sum(end.outcome in {Outcome.WRITTEN, Outcome.UNCHANGED} for end in ends.values())
    return {"rows": len(effects), "written": written, "failed": len(effects) - written}


def keep_busy(connection: Connection, order: dict[str, Any], mapping: ObjectMapping) -> dict[str, Any]:
    """As many calls as the connection's pace lets through in so many seconds: readers and writers side by side.

    No associations are read: reading by search makes searches only, and the other calls are the writers'.
    """
    fields, _ = request(mapping)
    asked = PullRequest(object=order["object"], fields=fields, links=(), now=int(time.time()))
    values = order["rows"][0]["fields"]
    targets = [RecordRef(order["object"], row["id"]) for row in order["rows"]]
    end, turns = time.monotonic() + order["seconds"], itertools.count()

    def reading() -> None:
        while time.monotonic() < end:
            for _ in connection.pull(asked):
                if time.monotonic() > end:
                    return

    def writing() -> None:
        while time.monotonic() < end:
            turn = next(turns)
            connection.push([UpdateFields(f"{turn}-{target.id}", target, values) for target in targets])

    threads = [threading.Thread(target=reading) for _ in range(order["readers"])]
    threads += [threading.Thread(target=writing) for _ in range(order["writers"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"rows": 0}


def _pushed(connection: Connection, batch: Sequence[UpdateFields]) -> list[RowOutcome]:
    try:
        return connection.push(batch)
    except LeadlineError:
        return [RowOutcome(each.key, Outcome.UNKNOWN) for each in batch]


def _is_open(end: RowOutcome) -> bool:
    return end.outcome is Outcome.UNKNOWN or (end.refusal is not None and end.refusal.code == NOT_APPLIED)


if __name__ == "__main__":
    measured.main(prepare)
