"""Reading a portal: health, schemas, counts, and records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from leadline.sdk.errors import CredentialsError, LeadlineError, PermanentError
from leadline.sdk.records import (
    Cursor,
    Estimate,
    FieldSchema,
    FieldType,
    Finding,
    ObjectSchema,
    Page,
    PullRequest,
    RawRecord,
)
from leadline_hubspot import changes, events, fetch, relinks, search, snapshot
from leadline_hubspot.answers import next_after, reading, results_of
from leadline_hubspot.client import PATHS, Client
from leadline_hubspot.options import Options
from leadline_hubspot.tasks import KEY
from leadline_hubspot.values import millis

OWNERS = "owners"
_OWNER_PAGE = 500
# What every deployment reads and writes; the mapping check looks at the rest.
_READ = ("contacts", "companies")
_WRITTEN = ("contacts", "companies", "tasks")
_TEXT_LENGTH = 65_536
_TYPES = {
    "number": FieldType.NUMBER,
    "bool": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "string": FieldType.TEXT,
    "phone_number": FieldType.TEXT,
    "json": FieldType.OTHER,
    "object_coordinates": FieldType.OTHER,
}
_OWNER_FIELDS = {
    "id": FieldType.ID,
    "userId": FieldType.NUMBER,
    "email": FieldType.TEXT,
    "firstName": FieldType.TEXT,
    "lastName": FieldType.TEXT,
    "type": FieldType.TEXT,
    "archived": FieldType.BOOLEAN,
    "createdAt": FieldType.DATETIME,
    "updatedAt": FieldType.DATETIME,
}


class HubSpotSource:
    """The reading half of a connection."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._options = options
        self._overlap = options.overlap_seconds * 1000
        self._logs: dict[str, events.Log] = {
            "form_submissions": events.FormSubmissions(),
            "email_events": events.EmailEvents(options.email_event_types),
            "event_occurrences": events.EventOccurrences(options.event_types),
        }

    # --- health

    def check(self) -> list[Finding]:
        """Token, quota, permissions, and the property that keeps tasks from doubling.

        12 calls; nothing is written. What a deployment may do without, sequences and lists, is told and not
        held against it. Other objects of the mapping are looked at through `schema`.
        """
        first = self._look("sign-in", self._sign_in, "Put a valid token into `access_token`.")
        if not first.ok:
            return [first]
        scope = "Give the app this scope in HubSpot, then make a new token if HubSpot asks for it."
        found = [first, self._look("daily quota", self._quota, "")]
        found += [self._look(f"read {name}", partial(self._can_read, name), scope) for name in _READ]
        found.append(self._look("read owners", self._can_read_owners, scope))
        found += [self._look(f"write {name}", partial(self._can_write, name), scope) for name in _WRITTEN]
        found.append(self._look("task key", self._task_key, _KEY_FIX))
        found += [self._lists(), self._sequences()]
        return found

    def _look(self, what: str, look: Callable[[], str], fix: str) -> Finding:
        try:
            with reading(what):
                return Finding(True, what, look())
        except LeadlineError as error:
            return Finding(False, what, error.message, fix or error.fix)

    def _sign_in(self) -> str:
        account = self._client.get(f"{PATHS['account']}/details").body
        return f"portal {account.get('portalId')}, {account.get('accountType', 'account of unknown type')}"

    def _quota(self) -> str:
        try:
            body = self._client.get(f"{PATHS['account']}/api-usage/daily/private-apps").body
        except CredentialsError:
            return "told to private apps only"
        for each in body.get("results") or ():
            limit, used = each.get("usageLimit"), each.get("currentUsage")
            if limit and used is not None:
                if used > limit * 0.9:
                    raise PermanentError(
                        f"{used} of {limit} calls of the day are used",
                        fix="Wait for midnight of the account's time zone, or raise the limit in HubSpot.",
                    )
                return f"{used} of {limit} calls of the day are used"
        return "not told by HubSpot"

    def _can_read(self, object: str) -> str:
        self._client.get(PATHS["objects"].format(object=object), [("limit", "1")])
        return "allowed"

    def _can_read_owners(self) -> str:
        self._client.get(PATHS[OWNERS], [("limit", "1")])
        return "allowed"

    def _can_write(self, object: str) -> str:
        """An empty batch writes nothing: it is refused as empty with the scope, as forbidden without."""
        self._client.write(
            f"{PATHS['objects'].format(object=object)}/batch/update", {"inputs": []}, accept=frozenset({400})
        )
        return "allowed"

    def _task_key(self) -> str:
        path = f"{PATHS['properties'].format(object='tasks')}/{KEY}"
        definition = self._client.get(path, accept=frozenset({404})).body
        if not definition.get("hasUniqueValue"):
            raise PermanentError(f"tasks have no unique property `{KEY}`", fix=_KEY_FIX)
        return f"tasks have the unique property `{KEY}`"

    def _lists(self) -> Finding:
        try:
            self._client.get(PATHS["lists"], [("listIds", "1")], accept=frozenset({400, 404}))
        except LeadlineError as error:
            return Finding(True, "lists", f"not available, joining one would be refused: {error.message}")
        return Finding(True, "lists", "allowed")

    def _sequences(self) -> Finding:
        try:
            with reading("sequences"):
                owners = results_of(self._client.get(PATHS[OWNERS], [("limit", "1")]).body)
                user_id = str(owners[0]["userId"]) if owners else "0"
                body = self._client.get(PATHS["sequences"], [("userId", user_id)], accept=frozenset({400, 404})).body
                names = ", ".join(str(each["name"]) for each in body.get("results") or ()) or "none"
        except LeadlineError as error:
            return Finding(True, "sequences", f"not available, enrolments would be refused: {error.message}")
        return Finding(True, "sequences", names)

    # --- schemas and counts

    def schema(self, object: str) -> ObjectSchema:
        """The object's properties. PermanentError when it does not exist."""
        if object == OWNERS:
            fields = {name: FieldSchema(name, name, kind, writable=False) for name, kind in _OWNER_FIELDS.items()}
            return ObjectSchema(OWNERS, "Owners", fields, creatable=False, updatable=False)
        if object in self._logs:
            return events.schema(self._logs[object], self._client, object)
        body = self._client.get(PATHS["properties"].format(object=object)).body
        fields = {each["name"]: _field(each) for each in results_of(body) if not each.get("archived")}
        return ObjectSchema(object, object, fields)

    def count(self, request: PullRequest) -> Estimate:
        """Rows of the object and the calls that a full read takes. One call; owners are counted by reading them.

        Logs of events tell no totals: none of their rows and one call are counted.
        """
        if request.object in self._logs:
            return Estimate(request.object, 0, 1)
        if request.object == OWNERS:
            pages = [page for archived in (False, True) for page in self._owner_pages(archived=archived)]
            rows = sum(map(len, pages))
            return Estimate(OWNERS, rows, len(pages), living=rows)
        rows, _ = self._size(request)
        _, calls = snapshot.plan(request, rows, self._options.search_above_rows)
        # One call to learn the size. Beyond what a search gives out, its total is not promised to be exact.
        return Estimate(request.object, rows, calls + 1, living=rows, exact=rows <= search.MAX_RESULTS)

    def _size(self, request: PullRequest) -> tuple[int, int]:
        """Rows of the object, and the vendor's time in milliseconds."""
        path = f"{PATHS['objects'].format(object=request.object)}/search"
        answer = self._client.read(path, search.counting(), bucket="search")
        return int(answer.body["total"]), answer.at if answer.at is not None else request.now * 1000

    # --- records

    def pull(self, request: PullRequest) -> Iterator[Page]:
        """Pages of records; see `snapshot` for a first read, `changes` and `relinks` for the following ones."""
        if request.object == OWNERS:
            yield self._owners(request)
            return
        if request.object in self._logs:
            yield from events.pull(self._logs[request.object], self._client, request, self._overlap)
            return
        position: Mapping[str, Any] = request.cursor.position if request.cursor else {}
        if position.get("mode") == "changes":
            news = changes.Changes(self._client, request, self._overlap).pages()
            every = self._options.links_reread_hours * 3_600_000
            yield from relinks.after_changes(self._client, request, news, self._plan, every)
            return
        if not position:
            mode, began = self._plan(request)
            position = {"mode": mode, "began": began, "after": None}
        read = snapshot.way(str(position["mode"]))
        yield from read(self._client, request, position, changes.start(int(position["began"]), self._overlap))

    def _plan(self, request: PullRequest) -> tuple[str, int]:
        """How to read the whole object, and the vendor's time in milliseconds. One call."""
        rows, now = self._size(request)
        mode, _ = snapshot.plan(request, rows, self._options.search_above_rows)
        return mode, now

    def fetch(self, request: PullRequest, ids: Sequence[str]) -> list[RawRecord]:
        """The named records as they are now; see `fetch`. PermanentError for logs of events, which have no ids."""
        if request.object in self._logs:
            raise events.refuse_ids(request.object)
        if request.object != OWNERS:
            return fetch.fetch(self._client, request, ids)
        found = {record.id: record for record in self._owners(request).records}
        return [found.get(each) or RawRecord(each, {}, request.now, deleted=True) for each in dict.fromkeys(ids)]

    def _owners(self, request: PullRequest) -> Page:
        """All owners, archived ones with `archived` true. They are few, so there is nothing to go on from."""
        rows = [row for archived in (False, True) for page in self._owner_pages(archived=archived) for row in page]
        records = tuple(
            RawRecord(
                id=str(row["id"]),
                fields={name: row.get(name) for name in request.fields},
                modified_at=millis(row["updatedAt"]) // 1000,
            )
            for row in rows
        )
        return Page(records, Cursor({"mode": "all"}))

    def _owner_pages(self, *, archived: bool) -> Iterator[list[dict[str, Any]]]:
        after: str | None = None
        while True:
            query = [("limit", str(_OWNER_PAGE)), ("archived", str(archived).lower())]
            body = self._client.get(PATHS[OWNERS], [*query, ("after", after)] if after else query).body
            yield results_of(body)
            after = next_after(body)
            if not after:
                return


_KEY_FIX = (
    f"Create the property `{KEY}` on tasks: single-line text, requires unique values. "
    "Without it a task could be made twice."
)


def _field(given: Mapping[str, Any]) -> FieldSchema:
    kind, options = _kind(given)
    return FieldSchema(
        name=given["name"],
        label=given.get("label") or given["name"],
        type=kind,
        length=_TEXT_LENGTH if kind is FieldType.TEXT else None,
        writable=not (given.get("modificationMetadata") or {}).get("readOnlyValue", False)
        and not given.get("calculated", False),
        unique=bool(given.get("hasUniqueValue")),
        options=options,
        restricted=options is not None,
        references=(OWNERS,) if kind is FieldType.REFERENCE else (),
    )


def _kind(given: Mapping[str, Any]) -> tuple[FieldType, tuple[str, ...] | None]:
    if given["name"] == "hs_object_id":
        return FieldType.ID, None
    if given.get("type") != "enumeration":
        return _TYPES.get(str(given.get("type")), FieldType.OTHER), None
    if given.get("referencedObjectType") == "OWNER":
        return FieldType.REFERENCE, None
    if given.get("fieldType") == "booleancheckbox":
        return FieldType.BOOLEAN, None
    options = tuple(str(each["value"]) for each in given.get("options") or ())
    multiple = given.get("fieldType") == "checkbox"
    return FieldType.MULTIPICKLIST if multiple else FieldType.PICKLIST, options
