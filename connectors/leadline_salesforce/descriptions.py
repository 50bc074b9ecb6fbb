"""What the org's objects look like, asked once and then only whether it has changed.

A description costs a call and, in orgs with hundreds of fields, a megabyte. It is believed for an hour;
after that, or when a field is not in it, the org is asked with If-Modified-Since and answers 304
as long as nothing was changed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from leadline.sdk.errors import PermanentError
from leadline.sdk.ports import Runtime
from leadline.sdk.records import ObjectSchema
from leadline_salesforce import answers, query
from leadline_salesforce.client import Client
from leadline_salesforce.describe import object_schema
from leadline_salesforce.errors import NOT_MODIFIED

# Codes with which a query is refused whose field or object this user does not see (any more).
NOT_SEEN = frozenset({"INVALID_FIELD", "INVALID_TYPE"})
FRESH = 3_600  # seconds for which a description is believed


@dataclass(frozen=True, slots=True)
class Trait:
    """What reading needs to know of a field. `type` is the vendor's word; `calculated`: a formula or roll-up."""

    name: str
    type: str
    calculated: bool
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """An object: its schema, and by lower-case name its fields and the lookups that a dotted name follows."""

    schema: ObjectSchema
    traits: Mapping[str, Trait]
    lookups: Mapping[str, Trait]
    modified: str  # the vendor's Last-Modified, empty when it does not say
    asked_at: int


class Descriptions:
    """The descriptions of one connection, shared by its threads."""

    def __init__(self, client: Client, runtime: Runtime) -> None:
        self._client = client
        self._runtime = runtime
        self._lock = threading.Lock()
        self._known: dict[str, Description] = {}

    def get(self, object: str, *, fresh: bool = False) -> Description:
        """The description; `fresh` asks the org in any case. PermanentError NOT_FOUND for what it does not show."""
        with self._lock:
            known, now = self._known.get(object), self._runtime.now()
            if known is not None and not fresh and 0 <= now - known.asked_at < FRESH:
                return known
            self._known[object] = self._asked(object, known, now)
            return self._known[object]

    def _asked(self, object: str, known: Description | None, now: int) -> Description:
        since = {"If-Modified-Since": known.modified} if known is not None and known.modified else {}
        reply = self._client.exchange("GET", f"sobjects/{query.name(object)}/describe", headers=since)
        if known is not None and reply.status_code == NOT_MODIFIED:
            return Description(known.schema, known.traits, known.lookups, known.modified, now)
        described = answers.told(reply, name=str, fields=list)
        try:
            schema = object_schema(described)
            pairs = [(_trait(field), field.get("relationshipName")) for field in described["fields"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise answers.unreadable(reply, "the body is no description") from error
        return Description(
            schema=schema,
            traits={trait.name.lower(): trait for trait, _ in pairs},
            lookups={relation.lower(): trait for trait, relation in pairs if relation},
            modified=reply.headers.get("Last-Modified", ""),
            asked_at=now,
        )

    def trait(self, object: str, field: str) -> Trait | None:
        """The field behind a name that may be dotted through lookups; None when this user sees none."""
        return self._find(object, field, fresh=False) or self._find(object, field, fresh=True)

    def _find(self, object: str, field: str, *, fresh: bool) -> Trait | None:
        first, _, rest = field.lower().partition(".")
        description = self.get(object, fresh=fresh)
        if not rest:
            return description.traits.get(first)
        lookup = description.lookups.get(first)
        # Several targets: an owner is a user or a queue. The first that has the field tells its type.
        found = (self._find(target, rest, fresh=fresh) for target in (lookup.references if lookup else ()))
        return next((trait for trait in found if trait is not None), None)

    def missing(self, object: str, fields: Iterable[str]) -> list[str]:
        """Those of the fields that the org does not show this user now."""
        self.get(object, fresh=True)
        return [field for field in fields if self.trait(object, field) is None]

    @contextmanager
    def explaining(self, object: str, fields: Iterable[str]) -> Iterator[None]:
        """Let a refused query raise PermanentError in words that name what has vanished."""
        try:
            yield
        except PermanentError as error:
            if error.code not in NOT_SEEN:
                raise
            raise self._explained(error, object, fields) from error

    def _explained(self, error: PermanentError, object: str, fields: Iterable[str]) -> PermanentError:
        try:
            gone = self.missing(object, fields)
        except PermanentError as hidden:
            if hidden.code != "NOT_FOUND":
                return error
            return _gone(error, f"There is no object {object} that this user may read", hidden.place)
        if not gone:
            return error
        word = "field" if len(gone) == 1 else "fields"
        return _gone(error, f"{object} has no {word} {', '.join(gone)} that this user may read", error.place)


def _gone(error: PermanentError, said: str, place: str) -> PermanentError:
    return PermanentError(
        f"{said} (Salesforce said: {error.message})",
        code=error.code,
        place=place,
        fix="It was deleted, renamed or hidden: give the integration user's permission set read access, "
        "or change the mapping; `leadline mappings check` names the line.",
    )


def _trait(field: Mapping[str, Any]) -> Trait:
    return Trait(field["name"], field["type"], bool(field["calculated"]), tuple(field["referenceTo"]))


def unmoving(descriptions: Descriptions, object: str, fields: Iterable[str]) -> Iterator[str]:
    """Those of the fields whose change moves no SystemModstamp of their row, so that no cursor tells of it."""
    for field in fields:
        trait = descriptions.trait(object, field)
        if "." in field or (trait is not None and (trait.calculated or trait.name in _LAST)):
            yield field


# Kept by the org beside the row: what happened to it last.
_LAST = frozenset({"LastActivityDate", "LastViewedDate", "LastReferencedDate"})
