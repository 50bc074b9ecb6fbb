"""The first look at a whole CRM: predicted, resumable, and without starting a single play."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from leadline.app.events import Listener
from leadline.app.fitting import require_fitting
from leadline.app.pull import make_request
from leadline.app.sync import Report, perform
from leadline.core.entities import Entity
from leadline.store.records import load_cursor

if TYPE_CHECKING:
    from leadline.app.bootstrap import LiveConnection, Project
    from leadline.sdk.capabilities import Capabilities


@dataclass(frozen=True, slots=True)
class Forecast:
    """What reading and writing one object will cost. `records` are in the CRM, `read` of them are here already."""

    connection: str
    object: str
    records: int
    read: int
    read_calls: int
    writes: int
    write_calls: int


def forecast(project: Project) -> list[Forecast]:
    """Predict a backfill by counting in the CRMs; nothing is read or written.

    Writes are the most that can happen: a record whose fields hold the right values already is
    left alone. A mapping that is new or changed is compared with its CRM first: ConfigError.
    """
    require_fitting(project)
    with ThreadPoolExecutor(max_workers=max(len(project.connections), 1)) as threads:
        parts = threads.map(lambda live: _of_connection(project, live), project.connections.values())
        return [line for part in parts for line in part]


def _of_connection(project: Project, live: LiveConnection) -> list[Forecast]:
    lines = []
    for name, mapping in live.mapping.objects.items():
        request, digest = make_request(project, live, name)
        with project.reading().begin() as connection:
            stored = load_cursor(connection, live.name, name)
        going_on = stored is not None and stored.request_digest == digest
        estimate = live.connection.count(request)
        read = min(stored.records, estimate.records) if stored and going_on else 0
        left = estimate.records - read
        calls = ceil(estimate.calls * left / estimate.records) if estimate.records else estimate.calls
        scored = mapping.entity in {Entity.ACCOUNT, Entity.PERSON} and bool(mapping.write)
        writes = estimate.records if scored else 0
        write_calls = _write_calls(live.connector.capabilities, writes)
        lines.append(Forecast(live.name, name, estimate.records, read, calls, writes, write_calls))
    return lines


def _write_calls(able: Capabilities, writes: int) -> int:
    """The calls that so many updates of one object take at most: by jobs while more than `bulk_above` are left."""
    jobs = 0
    if able.bulk_batch and writes > able.bulk_above:
        jobs = ceil((writes - able.bulk_above) / able.bulk_batch)
        writes = max(writes - jobs * able.bulk_batch, 0)
    return jobs * able.bulk_calls + ceil(writes / able.update_batch)


def backfill(project: Project, listener: Listener) -> Report:
    """Read everything, score everything, write the fields. Plays are withheld and counted.

    Killed and begun again, it goes on where it stood: read cursors, scored chunks and the outbox
    are all in the store.
    """
    return perform(project, listener, kind="backfill", plays=False)
