"""Reading: every object of every connection, page by page, each page and its cursor in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from leadline.app.events import ConnectionFailed, ObjectRead, PageStored, StageStarted
from leadline.app.failures import most_urgent
from leadline.core.normalize.apply import normalize, request
from leadline.sdk.errors import LeadlineError, PermanentError, TransientError
from leadline.sdk.records import Cursor, Page, PullRequest, RawRecord
from leadline.store.checks import forget_check
from leadline.store.records import (
    StoredCursor,
    forget_objects,
    load_cursor,
    save_cursor,
    save_rows,
    save_unmapped,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.app.bootstrap import LiveConnection, Project
    from leadline.app.events import Listener

_ANY_ORDER = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def pull_all(project: Project, emit: Listener) -> list[str]:
    """Read everything that is new, all connections at once. Returns those that could be read to the end.

    A connection that fails stops nobody else.
    """
    names = list(project.connections)
    if not names:
        return []
    with ThreadPoolExecutor(max_workers=len(names), thread_name_prefix="read") as threads:
        futures = {name: threads.submit(_pull_connection, project, name, emit) for name in names}
        return [name for name, future in futures.items() if future.result()]


def _pull_connection(project: Project, name: str, emit: Listener) -> bool:
    live = project.connections[name]
    emit(StageStarted("read", name))
    with project.writing() as connection:
        forget_objects(connection, name, keep=live.mapping.objects)
    with ThreadPoolExecutor(
        max_workers=project.settings.sync.read_workers, thread_name_prefix=f"read-{name}"
    ) as threads:
        # Mappings list activities last and those are the long reads: begun first, they end with the others.
        longest_first = reversed(list(live.mapping.objects))
        failures = _failures([threads.submit(pull_object, project, live, name, emit) for name in longest_first])
    if failures:
        report_failures(project, name, "read", failures, emit=emit)
    return not failures


def report_failures(
    project: Project, name: str, stage: str, failures: Sequence[LeadlineError], *, emit: Listener
) -> None:
    """Tell why objects of a connection could not be read."""
    if any(isinstance(failed, PermanentError) for failed in failures):
        # The CRM refused a query that it took before: the next run compares the mapping again, and names the line.
        with project.writing() as connection:
            forget_check(connection, name)
    emit(ConnectionFailed(name, stage, most_urgent(failures)))


def _failures(pulls: Sequence[Future[None]]) -> list[LeadlineError]:
    """Why objects could not be read. Where the others would fail alike they are not begun.

    An object that the CRM refuses, or that it cannot give just now, stops no other; refused
    credentials, a spent budget and a CRM of which nothing could be read do.
    """
    failures: list[LeadlineError] = []
    some_read = False
    for pull in as_completed(pulls):
        failed = None if pull.cancelled() else pull.exception()
        some_read |= failed is None and not pull.cancelled()
        if failed is None:
            continue
        its_own = isinstance(failed, PermanentError) or (some_read and type(failed) is TransientError)
        if not its_own:
            for other in pulls:
                other.cancel()
        if not isinstance(failed, LeadlineError):
            raise failed
        failures.append(failed)
    return failures


def make_request(project: Project, live: LiveConnection, object: str) -> tuple[PullRequest, str]:
    """What to ask for from the start of an object, and the hash that tells when a mapping means something else.

    It is made from all that decides what becomes of a record: stored rows hold what the mapping made of
    them, so another value map asks for the same fields and still has to read them again.
    """
    fields, links = request(live.mapping.objects[object])
    told = live.mapping.document.data
    means = [told["objects"][object], told.get("currency"), told.get("competitor_domains")]
    digest = hashlib.blake2b(orjson.dumps(means, default=str, option=_ANY_ORDER), digest_size=12).hexdigest()
    return PullRequest(object=object, fields=fields, links=links, now=project.now()), digest


def pull_object(project: Project, live: LiveConnection, object: str, emit: Listener) -> None:
    """Read one object from where its cursor stands to the end."""
    asked, digest = make_request(project, live, object)
    with project.reading().begin() as connection:
        stored = load_cursor(connection, live.name, object)
    if stored is None or stored.request_digest != digest:
        stored = StoredCursor({}, digest, complete=False, records=0)
    else:
        asked = replace(asked, cursor=Cursor(stored.position))
    for page in live.connection.pull(asked):
        stored = _store_page(project, live, object, page, stored, emit=emit)
    if not stored.complete:
        with project.writing() as connection:
            save_cursor(connection, live.name, object, replace(stored, complete=True), now=project.now())
    emit(ObjectRead(live.name, object))


def _store_page(
    project: Project,
    live: LiveConnection,
    object: str,
    page: Page,
    stored: StoredCursor,
    *,
    emit: Callable[[PageStored], None],
) -> StoredCursor:
    moved = replace(stored, position=page.cursor.position, records=stored.records + len(page.records))
    with project.writing() as connection:
        told = save_records(project, live, object, page.records, connection=connection)
        if moved != stored:
            save_cursor(connection, live.name, object, moved, now=project.now())
    emit(told)
    return moved


def save_records(
    project: Project, live: LiveConnection, object: str, records: Sequence[RawRecord], *, connection: Connection
) -> PageStored:
    """Normalize records of one object and store their rows, marks and unplaced values in the caller's transaction."""
    mapping = live.mapping.objects[object]
    normalized = normalize(mapping, live.name, object, records, project.now())
    saved = save_rows(connection, mapping.entity, normalized.rows)
    if saved.news:
        save_unmapped(connection, live.name, object, normalized.unmapped)
    unplaced = normalized.unmapped.total() if saved.news else 0  # records that are read again say nothing new
    return PageStored(live.name, object, len(records), saved.stored, saved.news, unplaced)
