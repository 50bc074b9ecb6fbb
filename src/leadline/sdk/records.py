"""Frozen values that cross the seam between the engine and a connector.

Times are whole seconds since 1970-01-01 UTC unless a docstring says otherwise.
Field names and record ids are the vendor's own; the engine never interprets them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Json: TypeAlias = "Scalar | Sequence[Json] | Mapping[str, Json]"


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one object has been read. Only the connector that made it understands `position`.

    `position` is JSON-able and small; the engine stores it in the same transaction as the
    records that it covers.
    """

    position: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What to read: one object, some fields, some links, from a cursor on.

    `fields` are vendor field names (a dotted name follows a lookup). `links` are names of
    associated objects for systems that keep associations beside the record. `cursor` None means
    everything. `now` is the engine's time, the only clock a connector may trust.
    """

    object: str
    fields: tuple[str, ...]
    links: tuple[str, ...] = ()
    cursor: Cursor | None = None
    now: int = 0


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record as the vendor gave it.

    `fields` holds every requested field (None when empty). `links` maps an associated object's
    name to record ids, in the vendor's order, first one primary. A deleted or archived record has
    `deleted=True` and may have no fields. `merged_into` names the surviving record of a merge.
    """

    id: str
    fields: Mapping[str, Json]
    modified_at: int
    links: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    deleted: bool = False
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and the cursor to store with them.

    `cursor` is where to go on if the process dies right after this page is stored: it never runs
    ahead of what has been handed over.
    """

    records: tuple[RawRecord, ...]
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a full read of one object would cost: `records` rows in `calls` API calls.

    `living` is how many of the rows are not deleted, None where the system does not tell; `exact` False
    where it is the system's guess. It is compared with what is stored, see `leadline doctor --reconcile`.
    """

    object: str
    records: int
    calls: int
    living: int | None = None
    exact: bool = True


class FieldType(StrEnum):
    """What a field can hold, in words that fit every CRM."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    PICKLIST = "picklist"
    MULTIPICKLIST = "multipicklist"
    REFERENCE = "reference"
    ID = "id"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field of one object. `length` is in characters; `options` are the stored values, not the labels."""

    name: str
    label: str
    type: FieldType
    length: int | None = None
    writable: bool = True
    required: bool = False
    unique: bool = False
    options: tuple[str, ...] | None = None
    restricted: bool = False  # a value outside `options` is refused by the vendor
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object as the signed-in user may see it."""

    name: str
    label: str
    fields: Mapping[str, FieldSchema]
    readable: bool = True
    creatable: bool = True
    updatable: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a health check: what was looked at, whether it is well, and what to do if not."""

    ok: bool
    what: str
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class RecordRef:
    """A record in the CRM, by object and id."""

    object: str
    id: str


@dataclass(frozen=True, slots=True)
class UpdateFields:
    """Set fields of an existing record. Values are JSON scalars; instants are ISO 8601 with `Z`; None clears."""

    key: str
    target: RecordRef
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class CreateTask:
    """Create a to-do for a salesperson, at most once for one `key`.

    The connector stores `key` on the task, in a unique field, so that a second push of the same
    key finds the first. `due_at` must be visible to the hour in the CRM.
    """

    key: str
    subject: str
    body: str
    due_at: int
    owner_id: str | None
    person: RecordRef | None
    account: RecordRef | None
    high_priority: bool = True


@dataclass(frozen=True, slots=True)
class Enrol:
    """Put a person into a sales sequence, unless they are in it already.

    `sequence` is the vendor's id of the sequence; `owner_id` the owner in whose name it is sent.
    """

    key: str
    person: RecordRef
    sequence: str
    owner_id: str | None
    sender_email: str | None = None


@dataclass(frozen=True, slots=True)
class JoinList:
    """Put a record on a static list of the CRM, unless it is there. `list_id` is the vendor's id of the list."""

    key: str
    target: RecordRef
    list_id: str


Effect: TypeAlias = UpdateFields | CreateTask | Enrol | JoinList


@dataclass(frozen=True, slots=True)
class Notice:
    """What one webhook event says: this record was touched. Nothing else in it is trusted.

    `id` is the event's own identity as far as the vendor gives one, for telling a repetition;
    `occurred_at` the vendor's time, 0 where it told none. Order and completeness are not promised.
    """

    object: str
    record_id: str
    occurred_at: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """An HTTP request that arrived, as it was sent. Header names are lower case; `url` is the full public one."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: int


class Outcome(StrEnum):
    """How one pushed row ended."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Actor(StrEnum):
    """Who must act before a refused row can succeed."""

    CRM_ADMIN = "crm_admin"
    RECORD_OWNER = "record_owner"
    LEADLINE_ADMIN = "leadline_admin"
    NOBODY = "nobody"


NOT_APPLIED = "NOT_APPLIED"
"""The code of a refusal by `find`: the effect certainly did not take place, and may be tried again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row was refused: the vendor's code and words, who must act, and what to do in one sentence."""

    code: str
    message: str
    actor: Actor
    fix: str = ""


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """The end of one effect. `record_id` is the record written or created, where known."""

    key: str
    outcome: Outcome
    refusal: Refusal | None = None
    record_id: str | None = None
