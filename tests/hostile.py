"""A connector that breaks its contract in one way at a time, around an honest one.

Each way is something that a real connector has been seen to do. The suite must catch each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from leadline.sdk.errors import ConfigError, LeadlineError, TransientError, UnknownOutcomeError
from leadline.sdk.records import (
    CreateTask,
    Cursor,
    Effect,
    Estimate,
    Finding,
    Notice,
    Outcome,
    Page,
    PullRequest,
    RawRecord,
    RowOutcome,
    UpdateFields,
    WebhookCall,
)

if TYPE_CHECKING:
    from leadline.sdk.capabilities import Capabilities
    from leadline.sdk.ports import Connection, Connector, Runtime
    from leadline.sdk.sandbox.vendor import VendorFactory


class Way(StrEnum):
    """What it does wrong."""

    NONE = "nothing"
    DROPPED_ROW = "each full page loses its last row"
    EARLY_CURSOR = "a page carries the cursor of the page after it"
    WORKER_CLOCK = "a cursor is made of the worker's time"
    NO_OVERLAP = "a pull begins right behind its cursor"
    NO_LAST_PAGE = "a page without news is not yielded"
    UNTOLD_DELETES = "deleted records are left out"
    LOCAL_TIME = "stamps are read as local time"
    HOARDING = "all pages are collected before the first is given"
    SWALLOWED_ERROR = "an error ends a read as if there were no more"
    BLIND_FETCH = "what fetch does not find is left out"
    RAISING_CHECK = "check raises what goes wrong"
    RESIGNED = "a refused sign-in is called a passing trouble"
    PATIENT = "the deadline is ten times what it was given"
    DISORDER = "outcomes come in another order than effects"
    OPTIMIST = "every row is said to be written"
    HOPEFUL = "a lost answer is said to be written"
    CARELESS = "a lost answer is said not to be applied"
    GUESSING = "find says of everything that it was not applied"
    TWICE = "a task is created under a new key each time"
    TALKATIVE = "errors repeat the token"
    GULLIBLE = "webhooks are believed"


class Hostile:
    """The honest connector, but for one way."""

    name = "hostile"
    title = "Hostile"

    def __init__(self, honest: Connector, way: Way) -> None:
        self._honest = honest
        self._way = way
        self.capabilities: Capabilities = honest.capabilities
        self.options = honest.options

    def connect(self, options: Mapping[str, object], runtime: Runtime) -> Connection:
        lent = replace(runtime, timeout=runtime.timeout * 10) if self._way is Way.PATIENT else runtime
        token = str(options.get("token", ""))
        return _Connection(self._honest.connect(options, lent), self._way, token)

    def webhooks(self, options: Mapping[str, object], runtime: Runtime) -> Any:
        return _Gullible() if self._way is Way.GULLIBLE else self._honest.webhooks(options, runtime)

    def sandbox(self) -> VendorFactory | None:
        return self._honest.sandbox()


class _Gullible:
    def read(self, call: WebhookCall) -> list[Notice]:
        return [Notice("people", "cnt_1", call.received_at)]


class _Connection:
    def __init__(self, honest: Connection, way: Way, token: str) -> None:
        self._honest = honest
        self._way = way
        self._token = token if way is Way.TALKATIVE else ""
        self.schema = honest.schema
        self.close = honest.close
        self._pushes = 0

    # --- reading

    def check(self) -> list[Finding]:
        findings = self._honest.check()
        if self._way is Way.RAISING_CHECK and not all(finding.ok for finding in findings):
            raise TransientError(findings[0].detail)
        return findings

    def count(self, request: PullRequest) -> Estimate:
        try:
            return self._honest.count(request)
        except LeadlineError as error:
            raise self._worded(error) from None

    def _worded(self, error: LeadlineError) -> LeadlineError:
        if self._way is Way.RESIGNED and isinstance(error, ConfigError):
            return TransientError(error.message)
        if self._way is Way.TALKATIVE:
            return type(error)(f"{error.message} (token {self._token})")
        return error

    def pull(self, request: PullRequest) -> Iterator[Page]:
        pages = self._pages(request)
        match self._way:
            case Way.HOARDING:
                yield from list(pages)
            case Way.EARLY_CURSOR:
                yield from _early(pages)
            case Way.NO_LAST_PAGE:
                yield from (page for page in pages if _has_news(page, request.cursor))
            case Way.WORKER_CLOCK:
                # The pages as they come, and the time at which the reading began as where to go on from.
                start = request.cursor or Cursor({"changed": 0, "id": ""})
                yield from (Page(page.records, start) for page in pages)
                yield Page((), Cursor({"changed": request.now, "id": ""}))
            case _:
                yield from map(self._page, pages)

    def _pages(self, request: PullRequest) -> Iterator[Page]:
        if self._way is Way.NO_OVERLAP and request.cursor is not None:
            request = replace(request, cursor=_behind(request.cursor))
        try:
            yield from self._honest.pull(request)
        except LeadlineError as error:
            if self._way is not Way.SWALLOWED_ERROR:
                raise self._worded(error) from None
            yield Page((), request.cursor or Cursor({"changed": 0, "id": ""}))

    def _page(self, page: Page) -> Page:
        records = page.records
        match self._way:
            case Way.DROPPED_ROW:
                records = records[:-1] if len(records) > 20 else records
            case Way.UNTOLD_DELETES:
                records = tuple(record for record in records if not record.deleted)
            case Way.LOCAL_TIME:
                records = tuple(replace(each, modified_at=_local(each.modified_at)) for each in records)
        return Page(records, page.cursor)

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        found = self._honest.fetch(request, ids)
        return [record for record in found if not record.deleted] if self._way is Way.BLIND_FETCH else found

    # --- writing

    def push(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        if self._way is Way.TWICE:
            self._pushes += 1
            made = [replace(e, key=f"{e.key} {id(self)} {self._pushes}") for e in effects if isinstance(e, CreateTask)]
            if made:
                return [replace(o, key=e.key) for o, e in zip(self._honest.push(made), effects, strict=True)]
        try:
            outcomes = self._honest.push(effects)
        except UnknownOutcomeError:
            if self._way is Way.CARELESS:
                raise TransientError("no answer") from None
            if self._way is Way.HOPEFUL:
                return [RowOutcome(effect.key, Outcome.WRITTEN) for effect in effects]
            raise
        match self._way:
            case Way.DISORDER:
                return outcomes[::-1]
            case Way.OPTIMIST:
                return [RowOutcome(each.key, Outcome.WRITTEN, record_id=each.record_id) for each in outcomes]
        return outcomes

    def find(self, effects: Sequence[Effect]) -> list[RowOutcome]:
        found = self._honest.find(effects)
        if self._way is not Way.GUESSING:
            return found
        nowhere = [
            replace(each, key="nowhere") if isinstance(each, CreateTask) else _elsewhere(each) for each in effects
        ]
        absent = self._honest.find(nowhere)
        return [replace(each, key=effect.key) for each, effect in zip(absent, effects, strict=True)]


def _early(pages: Iterator[Page]) -> Iterator[Page]:
    before: Page | None = None
    for page in pages:
        if before is not None:
            yield Page(before.records, page.cursor)
        before = page
    if before is not None:
        yield before


def _has_news(page: Page, cursor: Cursor | None) -> bool:
    seen = int(str(cursor.position["changed"])) if cursor else 0
    return any(record.modified_at > seen for record in page.records)


def _behind(cursor: Cursor) -> Cursor:
    """A cursor that the honest connector's own overlap leads to the second behind this one."""
    return Cursor({**cursor.position, "changed": int(str(cursor.position["changed"])) + 6})


def _local(stamp: int) -> int:
    """What one gets who reads a UTC time as if it were the machine's."""
    return int(time.mktime((*time.gmtime(stamp)[:8], -1)))


def _elsewhere(effect: Effect) -> Effect:
    if not isinstance(effect, UpdateFields):
        return effect
    return replace(effect, values=dict.fromkeys(effect.values, "no such value"))
