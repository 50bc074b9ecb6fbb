"""What people did, as HubSpot logs it: form submissions, e-mail events, occurrences of web events.

    object              where from                                    one part for each
    form_submissions    the submissions of every form, newest first   form
    email_events        the log of marketing e-mails                  event type
    event_occurrences   occurrences of the event types asked for      event type

These are not CRM objects: they have no stamp of change, no properties to choose, and never change. So
a read goes from the end of the last one, a little earlier because the logs trail behind, to now. Each
page says where to go on: the part, and the page within it.

    {"mode": "events", "since": ms}                                           where a read starts
    {"mode": "events", "since": ms, "began": ms, "part": name, "after": ...}  where an unfinished one stands
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import orjson

from leadline.sdk.errors import PermanentError
from leadline.sdk.records import Cursor, FieldSchema, FieldType, ObjectSchema, Page, PullRequest, RawRecord
from leadline_hubspot.answers import next_after, results_of
from leadline_hubspot.client import PATHS, Client
from leadline_hubspot.people import contacts_by_email
from leadline_hubspot.values import iso, millis

Row: TypeAlias = Mapping[str, Any]
_FORM_PAGE, _EMAIL_PAGE, _OCCURRENCE_PAGE = "50", "1000", "100"
LATE = 300_000
"""Milliseconds that a log may trail behind at least; no figure of HubSpot's is known."""


@dataclass(frozen=True, slots=True)
class Event:
    """One logged event. `values` by the name that a mapping uses; `contact_id` or `email` tell whose it was."""

    id: str
    at: int  # milliseconds since 1970
    values: Mapping[str, Any]
    email: str = ""
    contact_id: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of a log: its events, where the next one starts (None: there is none), and the vendor's time."""

    events: Sequence[Event]
    after: str | None
    at: int | None


class Log(Protocol):
    """One kind of log. `fields` are its own, each with its type."""

    fields: Mapping[str, FieldType]

    def parts(self, client: Client) -> list[str]:
        """What has to be read one after the other, in an order that stays."""
        ...

    def batch(self, client: Client, part: str, since: int, after: str | None) -> Batch:
        """Events of a part not before `since` (milliseconds; some earlier ones may be among them)."""
        ...

    def more_fields(self, client: Client) -> Sequence[str]:
        """Names of text values that depend on the portal. CredentialsError when the log may not be read."""
        ...


def pull(log: Log, client: Client, request: PullRequest, overlap: int) -> Iterator[Page]:
    """Pages of events since the cursor; the last one carries the cursor of the next read."""
    position: Mapping[str, Any] = request.cursor.position if request.cursor else {}
    since, began = int(position.get("since") or 0), position.get("began")
    resumed, after = position.get("part"), position.get("after")
    parts = [part for part in log.parts(client) if resumed is None or part >= resumed]
    for number, part in enumerate(parts):
        following = after if part == resumed else None
        while True:
            batch = _batch(log, client, part, since, following, resumed=following is not None and following == after)
            if began is None:
                began = batch.at if batch.at is not None else request.now * 1000
            following = batch.after
            last = following is None and number == len(parts) - 1
            stands = {"part": part, "after": following} if following is not None else {"part": _next(parts, number)}
            cursor = _finished(began, overlap) if last else {"mode": "events", "since": since, "began": began, **stands}
            yield Page(_records(client, request, batch.events, since), Cursor(cursor))
            if following is None:
                break
    if not parts:
        yield Page((), Cursor(_finished(began or request.now * 1000, overlap)))


def _batch(log: Log, client: Client, part: str, since: int, after: str | None, *, resumed: bool) -> Batch:
    """A page of a part. A place to go on from that HubSpot does not know any more is the part's beginning."""
    try:
        return log.batch(client, part, since, after)
    except PermanentError:
        if not resumed:
            raise
        return log.batch(client, part, since, None)


def _next(parts: Sequence[str], number: int) -> str:
    return parts[min(number + 1, len(parts) - 1)]


def _finished(began: int, overlap: int) -> dict[str, Any]:
    return {"mode": "events", "since": began - max(overlap, LATE)}


def _records(client: Client, request: PullRequest, events: Sequence[Event], since: int) -> tuple[RawRecord, ...]:
    fresh = [event for event in events if event.at >= since]
    wanted = "contacts" in request.links
    people = contacts_by_email(client, [each.email for each in fresh if not each.contact_id]) if wanted else {}
    return tuple(
        RawRecord(
            id=event.id,
            fields={name: event.values.get(name) for name in request.fields},
            modified_at=event.at // 1000,
            links={to: _whose(event, people) if to == "contacts" else () for to in request.links},
        )
        for event in fresh
    )


def _whose(event: Event, people: Mapping[str, str]) -> tuple[str, ...]:
    found = event.contact_id or people.get(event.email.lower(), "")
    return (found,) if found else ()


def schema(log: Log, client: Client, object: str) -> ObjectSchema:
    """The fields of a log; all of them read-only."""
    kinds = {**dict.fromkeys(log.more_fields(client), FieldType.TEXT), **log.fields}
    fields = {name: FieldSchema(name, name, kind, writable=False) for name, kind in kinds.items()}
    return ObjectSchema(object, object, fields, creatable=False, updatable=False)


def refuse_ids(object: str) -> PermanentError:
    """Logs have no way to read one event."""
    return PermanentError(f"{object} are read in order only, not by id", code="NOT_BY_ID", place=object)


class FormSubmissions:
    """Submissions of all forms. Values of a form's own fields go by the field's name."""

    fields: Mapping[str, FieldType] = {
        "formId": FieldType.ID,
        "formName": FieldType.TEXT,
        "submittedAt": FieldType.DATETIME,
        "pageUrl": FieldType.TEXT,
    }

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def parts(self, client: Client) -> list[str]:
        """Ids of all forms, archived ones left out."""
        self._names = {str(each["id"]): str(each.get("name") or "") for each in self._forms(client)}
        return sorted(self._names)

    def _forms(self, client: Client) -> Iterator[Row]:
        after: str | None = None
        while True:
            query = [("limit", "100"), *([("after", after)] if after else [])]
            body = client.get(PATHS["forms"], query).body
            yield from results_of(body)
            after = next_after(body)
            if not after:
                return

    def batch(self, client: Client, part: str, since: int, after: str | None) -> Batch:
        """Newest first, so that an older one than `since` ends the form."""
        query = [("limit", _FORM_PAGE), *([("after", after)] if after else [])]
        answer = client.get(PATHS["submissions"].format(form=part), query)
        events = [self._event(part, row) for row in results_of(answer.body)]
        behind = any(event.at < since for event in events)
        return Batch(events, None if behind else next_after(answer.body), answer.at)

    def _event(self, form: str, row: Row) -> Event:
        given = {str(each.get("name")): each.get("value") for each in row.get("values") or ()}
        at = int(row["submittedAt"])
        own = {
            "formId": form,
            "formName": self._names.get(form),
            "submittedAt": iso(at),
            "pageUrl": row.get("pageUrl"),
        }
        said = hashlib.blake2b(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
        return Event(
            id=str(row.get("conversionId") or f"{form}:{at}:{said}"),
            at=at,
            values={**given, **own},
            email=str(given.get("email") or ""),
        )

    def more_fields(self, client: Client) -> Sequence[str]:
        """Fields of all forms."""
        groups = [group for form in self._forms(client) for group in form.get("fieldGroups") or ()]
        return sorted({str(each["name"]) for group in groups for each in group.get("fields") or () if each.get("name")})


class EmailEvents:
    """The log of marketing e-mails: sent, delivered, opened, clicked, bounced and the like."""

    fields: Mapping[str, FieldType] = {
        "id": FieldType.ID,
        "type": FieldType.TEXT,
        "created": FieldType.DATETIME,
        "recipient": FieldType.TEXT,
        "emailCampaignId": FieldType.ID,
        "url": FieldType.TEXT,
        "filteredEvent": FieldType.BOOLEAN,
    }

    def __init__(self, types: Sequence[str]) -> None:
        self._types = types

    def parts(self, client: Client) -> list[str]:
        """The event types."""
        return sorted(self._types)

    def batch(self, client: Client, part: str, since: int, after: str | None) -> Batch:
        """A page of up to a thousand."""
        query = [("eventType", part), ("limit", _EMAIL_PAGE), ("startTimestamp", str(since))]
        query += [("offset", after)] if after else []
        answer = client.get(PATHS["email_events"], query)
        events = [self._event(row) for row in results_of(answer.body, "events")]
        return Batch(events, str(answer.body["offset"]) if answer.body.get("hasMore") else None, answer.at)

    def _event(self, row: Row) -> Event:
        at = int(row["created"])
        values = {**row, "created": iso(at)}
        # By HubSpot's guide an event is known by its id and its time together.
        return Event(f"{at}:{row['id']}", at, values, email=str(row.get("recipient") or ""))

    def more_fields(self, client: Client) -> Sequence[str]:
        """None. One call all the same, which tells whether the log may be read."""
        client.get(PATHS["email_events"], [("limit", "1")])
        return ()


class EventOccurrences:
    """Occurrences of web and custom events, of the types that the options name."""

    fields: Mapping[str, FieldType] = {
        "eventType": FieldType.TEXT,
        "occurredAt": FieldType.DATETIME,
        "objectType": FieldType.TEXT,
        "objectId": FieldType.ID,
        "hs_url": FieldType.TEXT,
        "hs_title": FieldType.TEXT,
    }

    def __init__(self, types: Sequence[str]) -> None:
        self._types = types

    def parts(self, client: Client) -> list[str]:
        """The event types."""
        return sorted(self._types)

    def batch(self, client: Client, part: str, since: int, after: str | None) -> Batch:
        """In the order in which they occurred."""
        query = [("eventType", part), ("limit", _OCCURRENCE_PAGE), ("sort", "occurredAt")]
        query += [("occurredAfter", iso(since))] if since > 0 else []
        query += [("after", after)] if after else []
        answer = client.get(PATHS["occurrences"], query)
        return Batch([self._event(row) for row in results_of(answer.body)], next_after(answer.body), answer.at)

    def _event(self, row: Row) -> Event:
        values = {**(row.get("properties") or {}), **{name: row.get(name) for name in ("eventType", "occurredAt")}}
        values |= {name: row.get(name) for name in ("objectType", "objectId")}
        person = str(row.get("objectType") or "").upper() in {"CONTACT", "0-1"}
        return Event(
            id=str(row["id"]),
            at=millis(row["occurredAt"]),
            values=values,
            contact_id=str(row.get("objectId") or "") if person else "",
        )

    def more_fields(self, client: Client) -> Sequence[str]:
        """None that HubSpot tells: what stands in `properties` may be mapped by its name. One call, as above."""
        client.get(PATHS["occurrences"], [("eventType", each) for each in self._types[:1]] + [("limit", "1")])
        return ()
