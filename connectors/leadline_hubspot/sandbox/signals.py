"""What people did that is no record of the CRM: submitted forms, opened e-mails, visited pages.

Everything is kept in order of time and found by keyset, so a page costs what is on it. A position is a
moment in milliseconds and a running number, which the API hands out as `<ms>-<number>`.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from leadline_hubspot.sandbox.failures import bad_request, not_found

Position: TypeAlias = tuple[int, int]
_NAMES = uuid.UUID("5a9dbd0c-0000-4000-8000-00000000f0f0")


def fixed_uuid(text: str) -> str:
    """The same id for the same text, in every run."""
    return str(uuid.uuid5(_NAMES, text))


@dataclass(frozen=True, slots=True)
class Form:
    """A form on the web site. `kind` is the world's word for its submission."""

    guid: str
    name: str
    kind: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """One form, filled in by somebody. `at` in milliseconds since 1970 UTC."""

    id: str
    at: int
    values: Mapping[str, str]
    page_url: str


@dataclass(frozen=True, slots=True)
class EmailEvent:
    """Something that became of one sent e-mail: SENT, DELIVERED, OPEN, CLICK, BOUNCE, STATUSCHANGE."""

    id: str
    at: int
    kind: str
    recipient: str
    campaign: int
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One event of a record, such as a visit of a page by a contact."""

    id: str
    at: int
    kind: str
    object: str
    record_id: int
    properties: Mapping[str, str] = field(default_factory=dict)


class Timeline:
    """Entries in order of time."""

    def __init__(self) -> None:
        self._order: list[Position] = []
        self._sorted = True
        self._entries: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._order)

    def add(self, at: int, number: int, entry: Any) -> None:
        """Put an entry at its moment; `number` tells those of one moment apart."""
        self._sorted = self._sorted and (not self._order or self._order[-1] < (at, number))
        self._order.append((at, number))
        self._entries[number] = entry

    def walk(
        self, start: int, end: int, after: Position | None, *, newest_first: bool
    ) -> Iterator[tuple[Position, Any]]:
        """Entries from `start` up to before `end`, in milliseconds, behind the position `after`."""
        if not self._sorted:
            self._order.sort()
            self._sorted = True
        low, high = bisect_left(self._order, (start, -1)), bisect_left(self._order, (end, -1))
        if after is not None and newest_first:
            high = min(high, bisect_left(self._order, after))
        elif after is not None:
            low = max(low, bisect_right(self._order, after))
        places = range(high - 1, low - 1, -1) if newest_first else range(low, high)
        for place in places:
            position = self._order[place]
            yield position, self._entries[position[1]]


class Signals:
    """Everything of one portal."""

    def __init__(self) -> None:
        self.forms: dict[str, Form] = {}
        self.submissions: dict[str, Timeline] = {}
        self.email_events = Timeline()
        self.campaigns: dict[int, str] = {}
        self._occurrences: dict[tuple[str, ...], Timeline] = {}
        self._count = 0

    def _number(self) -> int:
        self._count += 1
        return self._count

    def add_form(self, form: Form) -> None:
        """Put a form on the web site."""
        self.forms[form.guid] = form
        self.submissions[form.guid] = Timeline()

    def form(self, guid: str) -> Form:
        """The form with that guid. Refused (404) when there is none."""
        if guid not in self.forms:
            raise not_found("form", guid)
        return self.forms[guid]

    def submit(self, guid: str, at: int, values: Mapping[str, str], key: str = "") -> Submission:
        """Somebody fills in a form. `key` makes the id; the running number does when it is empty."""
        number, form = self._number(), self.form(guid)
        made = Submission(fixed_uuid(key or f"submission {number}"), at, values, f"https://www.example.com/{form.kind}")
        self.submissions[guid].add(at, number, made)
        return made

    def mail(self, kind: str, at: int, recipient: str, campaign: int, key: str = "") -> EmailEvent:
        """Something becomes of an e-mail."""
        number = self._number()
        url = "https://www.example.com/offer" if kind == "CLICK" else None
        made = EmailEvent(fixed_uuid(key or f"mail {number}"), at, kind, recipient, campaign, url)
        self.email_events.add(at, number, made)
        return made

    def occur(self, event: Occurrence) -> None:
        """Something happens to a record."""
        number = self._number()
        for key in ((), (event.kind,), (event.object, str(event.record_id))):
            self._occurrences.setdefault(key, Timeline()).add(event.at, number, event)

    def occurrences(self, kind: str | None, object_type: str | None, record_id: str | None) -> Timeline:
        """The narrowest line that holds all events of that kind, or of that record."""
        if object_type and record_id:
            key: tuple[str, ...] = (object_type, record_id)
        else:
            key = (kind,) if kind else ()
        return self._occurrences.get(key, Timeline())

    def kinds(self) -> list[str]:
        """The kinds of events that have occurred."""
        return sorted(key[0] for key in self._occurrences if len(key) == 1)


def position_text(position: Position) -> str:
    """A position as the API hands it out."""
    return f"{position[0]}-{position[1]}"


def position_of(text: str | None) -> Position | None:
    """A position that the API handed out; None for none. Refused when it is not one."""
    if not text:
        return None
    at, dash, number = text.partition("-")
    if not (dash and at.isdigit() and number.isdigit()):
        raise bad_request(f"{text!r} is not a paging token of this call.")
    return int(at), int(number)
