"""Reading what webhooks point at: the records by their ids, as they are now.

A webhook is a hint and no data: whatever it says, the record is read from the CRM and goes the way of
every record that a pull reads. Webhooks may come twice, late, in any order or not at all.

Rows, marks and the end of the notices are one transaction. Fetched records are thrown away, and fetched
again, when somebody else has read the object meanwhile: they could be older than what is stored by now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from leadline.app.events import NoticesHandled, NoticesIgnored, StageStarted
from leadline.app.pull import make_request, report_failures, save_records
from leadline.sdk.errors import LeadlineError, PermanentError
from leadline.sdk.records import Notice, RawRecord
from leadline.store import notices
from leadline.store.records import load_cursor

if TYPE_CHECKING:
    from leadline.app.bootstrap import LiveConnection, Project
    from leadline.app.events import Listener
    from leadline.store.records import StoredCursor

_BATCH = 500
"""Records fetched and stored in one transaction."""

_ROUNDS = 2
"""A second round fetches the survivors of merges that the first has met, and what another worker came across."""


def fetch_noticed(project: Project, emit: Listener, *, of: Collection[str] | None = None) -> None:
    """Read the records that webhooks have named, all connections at once, or those in `of`.

    A connection that fails stops nobody else; its notices stay. An object that has not been read to its
    end with the present mapping is left to the next pull.
    """
    names = [name for name in project.connections if of is None or name in of]
    with project.reading().begin() as connection:
        named = [name for name in names if notices.noticed_objects(connection, name)]
    if not named:
        return
    with ThreadPoolExecutor(max_workers=len(named), thread_name_prefix="fetch") as threads:
        for future in [threads.submit(_fetch_connection, project, name, emit) for name in named]:
            future.result()


def _fetch_connection(project: Project, name: str, emit: Listener) -> None:
    live = project.connections[name]
    emit(StageStarted("fetch", name))
    with project.writing() as connection:
        ignored = notices.forget_others(connection, name, keep=live.mapping.objects)
    if ignored:
        emit(NoticesIgnored(name, ignored))
    failures: dict[str, LeadlineError] = {}
    for _ in range(_ROUNDS):
        _fetch_objects(project, live, failures, emit)
    if failures:
        report_failures(project, name, "fetch", list(failures.values()), emit=emit)


def _fetch_objects(project: Project, live: LiveConnection, failures: dict[str, LeadlineError], emit: Listener) -> None:
    """One round. An object that the CRM refuses stops no other; after any other failure nothing more is asked."""
    with project.reading().begin() as connection:
        objects = notices.noticed_objects(connection, live.name)
    for kind in objects:
        if not all(isinstance(failure, PermanentError) for failure in failures.values()):
            return
        if kind in failures:
            continue
        try:
            _fetch_object(project, live, kind, emit)
        except LeadlineError as error:
            failures[kind] = error


def _fetch_object(project: Project, live: LiveConnection, object: str, emit: Listener) -> None:
    """One walk over the object's notices, in the order of ids: it ends, however many come meanwhile."""
    after = ""
    asked, digest = make_request(project, live, object)
    while True:
        with project.reading().begin() as connection:
            cursor = load_cursor(connection, live.name, object)
            batch = notices.pending(connection, live.name, object, after=after, limit=_BATCH)
        if not batch or cursor is None or not cursor.complete or cursor.request_digest != digest:
            return
        records = live.connection.fetch(asked, list(batch))
        with suppress(_ReadMeanwhileError):  # then the notices are still there, for the next round
            _store(project, live, batch, records, before=cursor, object=object, emit=emit)
        after = next(reversed(batch))


class _ReadMeanwhileError(Exception):
    """Another worker has read the object since the records were asked for."""


def _store(
    project: Project,
    live: LiveConnection,
    batch: Mapping[str, str],
    records: Sequence[RawRecord],
    *,
    before: StoredCursor,
    object: str,
    emit: Listener,
) -> None:
    with project.writing() as connection:
        settled = notices.settle(connection, live.name, object, batch)
        fresh = [record for record in records if record.id in settled or record.id not in batch]
        told = save_records(project, live, object, fresh, connection=connection)
        notices.note(connection, live.name, _survivors(object, fresh), now=project.now())
        # Last: whoever stored a row of ours before has moved the cursor by now.
        if load_cursor(connection, live.name, object) != before:
            raise _ReadMeanwhileError
    emit(NoticesHandled(live.name, object, len(settled)))
    emit(told)


def _survivors(object: str, records: Sequence[RawRecord]) -> list[Notice]:
    """The records that others were merged into, unless they are here."""
    here = {record.id for record in records}
    into = {record.merged_into for record in records if record.merged_into}
    return [Notice(object, record_id) for record_id in sorted(into - here)]
