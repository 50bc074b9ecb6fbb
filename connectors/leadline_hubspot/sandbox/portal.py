"""The state of one portal and what can be done to it, without HTTP.

Every change goes through here, whether it comes over the API or from a user at the keyboard, so
that the search index, unique values and stamps are always right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from leadline_hubspot.sandbox.failures import Refused, bad_request, invalid_properties, not_found
from leadline_hubspot.sandbox.limits import Limits
from leadline_hubspot.sandbox.links import Links
from leadline_hubspot.sandbox.objects import PORTAL_OBJECTS, ObjectType, Property, association_type
from leadline_hubspot.sandbox.records import Record, Store, make
from leadline_hubspot.sandbox.search import Index
from leadline_hubspot.sandbox.values import host_of, iso, moves_backward, plain, problems, stored

if TYPE_CHECKING:
    from leadline.sdk.sandbox.clock import SandboxClock
    from leadline.sdk.sandbox.faults import Faults

# Links that change a property of both ends (counts of associated records, last activity), and so stamp them.
_STAMPED_BY_LINKS = frozenset({"contacts", "companies", "deals"})


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who can own records. `user_id` is the login's id, which differs from the owner's."""

    id: int
    user_id: int
    email: str
    first_name: str
    last_name: str
    active: bool
    source_id: str


@dataclass(frozen=True, slots=True)
class SalesSequence:
    """A series of e-mails and tasks that contacts are put into."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One contact in one sequence. `at` in milliseconds since 1970 UTC."""

    id: int
    sequence: SalesSequence
    contact_id: int
    email: str
    by: int
    by_email: str
    at: int


@dataclass
class Table:
    """One object type with its records, properties, unique values and search index."""

    kind: ObjectType
    properties: dict[str, Property]
    store: Store
    index: Index
    unique: dict[str, dict[str, int]] = field(default_factory=dict)

    def unique_names(self) -> list[str]:
        """Properties whose values no two records may share."""
        names = [each.name for each in self.properties.values() if each.unique]
        return [*names, "email"] if self.kind.name == "contacts" else names


class Portal:
    """Records, links, owners, sequences and enrolments of one account."""

    def __init__(self, clock: SandboxClock, faults: Faults, limits: Limits) -> None:
        self.clock = clock
        self.faults = faults
        self.limits = limits
        self.links = Links()
        self.owners: dict[int, Owner] = {}
        self.sequences: dict[int, SalesSequence] = {}
        self.enrollments: dict[int, Enrollment] = {}
        self.tables: dict[str, Table] = {}
        self.withheld: set[str] = set()  # scopes that the token does not have
        self.link_stamps = True  # whether a new or removed association moves the stamps of its ends
        self.migrating_until = 0.0  # epoch seconds by the sandbox's clock
        self._names: dict[str, str] = {}
        self._last_stamp = 0
        for kind in PORTAL_OBJECTS:
            properties = dict(kind.properties)
            self.tables[kind.name] = Table(kind, properties, Store(kind), Index(kind, properties, self.links))
            for name in (kind.name, kind.singular, kind.type_id, f"p_{kind.name}"):
                self._names[name] = kind.name

    def table(self, name: str) -> Table:
        """The object type of that name, singular, or type id. Refused when there is none."""
        known = self._names.get(name.lower())
        if known is None:
            raise Refused(
                400,
                "VALIDATION_ERROR",
                f"Unable to infer object type from: {name}",
                context={"objectType": [name]},
            )
        return self.tables[known]

    def now(self) -> int:
        """Milliseconds since 1970 by the sandbox's clock."""
        return int(self.clock.now() * 1000)

    def stamp(self) -> int:
        """A stamp for one request's changes: the time, and later than every stamp before it."""
        self._last_stamp = max(self.now(), self._last_stamp + 1)
        return self._last_stamp

    def refuse_while_migrating(self) -> None:
        """Refused (477) while the account is being moved to another data centre."""
        left = self.migrating_until - self.clock.now()
        if left > 0:
            raise Refused(
                477,
                "MIGRATION_IN_PROGRESS",
                "This HubSpot account is currently being migrated. Try again later.",
                headers={"Retry-After": str(math.ceil(left))},
            )

    def active_owner(self, owner_id: str) -> bool:
        """Whether a record may be given to that owner."""
        owner = self.owners.get(int(owner_id)) if owner_id.isdigit() else None
        return owner is not None and owner.active

    def load(self, table: Table, records: Sequence[Record]) -> None:
        """Put the first records of a type in at once."""
        table.store.load(records)
        table.index.load(records)
        for name in table.unique_names():
            table.unique[name] = {
                value: record.id for record in records if (value := record.values.get(name)) is not None
            }

    # --- looking up

    def find(self, table: Table, key: str, id_property: str | None = None) -> Record | None:
        """The live record with that id, or with that value of a unique property."""
        if id_property and id_property != "hs_object_id":
            if id_property not in table.unique_names():
                raise bad_request(f"Property {id_property} is not unique and cannot be used as idProperty.")
            definition = table.properties[id_property]
            found = table.unique.get(id_property, {}).get(stored(definition, key) or "")
            return None if found is None else table.store.get(found)
        return table.store.get(int(key)) if key.isdigit() else None

    def must_find(self, table: Table, key: str, id_property: str | None = None) -> Record:
        """Like `find`; Refused (404) when there is none."""
        record = self.find(table, key, id_property)
        if record is None:
            raise not_found(table.kind.singular, key)
        return record

    # --- changing

    def prepare_create(
        self, table: Table, values: Mapping[str, Any], associations: Sequence[Mapping[str, Any]], stamp: int
    ) -> Callable[[], Record]:
        """Check a new record with its links and return what creates it. Refused when anything is not valid."""
        texts = self._checked(table, values, creating=True)
        key = next((texts[name] for name in table.unique_names() if texts.get(name)), "")
        self._refuse_if_told(table, key)
        self._check_unique(table, texts, None)
        targets = self._targets(table, associations)
        if table.kind.name == "leads" and "contacts" not in {to_type for to_type, _ in targets}:
            raise bad_request("A lead must be associated with a contact when it is created.")

        def create() -> Record:
            kept = {name: stored(table.properties[name], text) for name, text in texts.items()}
            _derive(table.kind, kept)
            record = make(table.kind, table.store.take_id(), kept, created=stamp, modified=stamp)
            self._keep(table, None, record)
            for to_type, to_id in targets:
                self.link(table, record.id, self.tables[to_type], to_id, stamp)
            return record

        return create

    def prepare_update(
        self, table: Table, key: str, values: Mapping[str, Any], stamp: int, id_property: str | None = None
    ) -> Callable[[], Record]:
        """Check an update of a live record and return what makes it.

        A lifecycle stage that would go backward stays, without a word.
        """
        record = self.must_find(table, key, id_property)
        texts = self._checked(table, values, creating=False)
        self._refuse_if_told(table, str(record.id))
        self._check_unique(table, texts, record.id)
        return lambda: self._set(table, self.must_find(table, str(record.id)), texts, stamp)

    def _set(self, table: Table, record: Record, texts: Mapping[str, str], stamp: int) -> Record:
        kept = {name: stored(table.properties[name], text) for name, text in texts.items()}
        if moves_backward(record.values.get("lifecyclestage"), kept.get("lifecyclestage")):
            del kept["lifecyclestage"]
        merged = {**record.values, **kept}
        _derive(table.kind, merged)
        changed = make(table.kind, record.id, merged, created=record.created, modified=stamp)
        self._keep(table, record, changed)
        return changed

    def touch(
        self, table: Table, record_id: int, values: Mapping[str, str | None], stamp: int, *, quiet: bool = False
    ) -> None:
        """A change that the portal makes itself, such as a computed property. A `quiet` one moves no stamp."""
        record = table.store.get(record_id)
        if record is None:
            return
        merged = {**record.values, **values}
        modified = record.modified if quiet else stamp
        self._keep(table, record, make(table.kind, record.id, merged, created=record.created, modified=modified))

    def archive(self, table: Table, record: Record, stamp: int) -> None:
        """Move a record to the recycle bin, off its links and out of search."""
        table.store.archive(record, stamp)
        table.index.note(record.id, None, self._due())
        others = [self.tables[name] for name in sorted(_STAMPED_BY_LINKS)]
        ends = [
            (other, each) for other in others for each in self.links.of(table.kind.name, record.id, other.kind.name)
        ]
        self.links.forget(table.kind.name, record.id)
        for other, other_id in ends:
            self.touch(other, other_id, self._computed(other, other_id), stamp)
        for name in table.unique_names():
            value = record.values.get(name)
            if value is not None:
                table.unique.get(name, {}).pop(value, None)

    def merge(self, table: Table, winner: Record, loser: Record, stamp: int) -> Record:
        """Merge `loser` into `winner`: links move over, the loser is gone, the winner remembers its id."""
        for to_type in self.links.types_from(table.kind.name):
            for other in list(self.links.of(table.kind.name, loser.id, to_type)):
                self.links.add(table.kind.name, winner.id, to_type, other)
        self.archive(table, loser, stamp)
        before = winner.values.get("hs_merged_object_ids")
        ids = ";".join([*(before.split(";") if before else ()), str(loser.id)])
        self.touch(table, winner.id, {"hs_merged_object_ids": ids}, stamp)
        return self.must_find(table, str(winner.id))

    def link(
        self,
        table: Table,
        record_id: int,
        other: Table,
        other_id: int,
        stamp: int,
        *,
        primary: bool = False,
        silent: bool = False,
    ) -> None:
        """Associate two records.

        Both ends are stamped where a property of theirs counts the others, unless the change is `silent` or
        the portal's `link_stamps` is off: the vendor stamps sometimes, and a reader must not count on it.
        """
        start, end = table.kind.name, other.kind.name
        changed = self.links.add(start, record_id, end, other_id)
        if primary:
            changed = self.links.make_primary(start, record_id, end, other_id) or changed
        if changed:
            self._linked((table, record_id), (other, other_id), stamp, quiet=silent)

    def unlink(
        self, table: Table, record_id: int, other: Table, other_id: int, stamp: int, *, silent: bool = False
    ) -> None:
        """Remove an association."""
        if self.links.remove(table.kind.name, record_id, other.kind.name, other_id):
            self._linked((table, record_id), (other, other_id), stamp, quiet=silent)

    def _linked(self, one: tuple[Table, int], other: tuple[Table, int], stamp: int, *, quiet: bool) -> None:
        """What a changed association does to its ends."""
        for side, side_id in (one, other):
            if side.kind.name in _STAMPED_BY_LINKS:
                self.touch(side, side_id, self._computed(side, side_id), stamp, quiet=quiet or not self.link_stamps)

    def _computed(self, table: Table, record_id: int) -> dict[str, str | None]:
        if table.kind.name != "contacts":
            return {}
        companies = self.links.of("contacts", record_id, "companies")
        return {"associatedcompanyid": str(companies[0]) if companies else None}

    # --- checks

    def _checked(self, table: Table, values: Mapping[str, Any], *, creating: bool) -> dict[str, str]:
        texts = {name: plain(value) for name, value in values.items()}
        found = problems(table.properties, texts, active_owner=self.active_owner, creating=creating)
        if found:
            raise invalid_properties(found)
        return texts

    def _refuse_if_told(self, table: Table, key: str) -> None:
        fault = self.faults.refusal(table.kind.name, key)
        if fault is not None:
            raise Refused(
                400,
                "VALIDATION_ERROR",
                fault.message,
                errors=[{"message": fault.message, "code": fault.code, "context": {}}],
            )

    def _check_unique(self, table: Table, texts: Mapping[str, str], own_id: int | None) -> None:
        for name in table.unique_names():
            value = stored(table.properties[name], texts.get(name, ""))
            holder = table.unique.get(name, {}).get(value) if value is not None else None
            if holder is None or holder == own_id:
                continue
            if name == "email":
                raise Refused(409, "CONFLICT", f"Contact already exists. Existing ID: {holder}")
            raise Refused(
                400,
                "VALIDATION_ERROR",
                f'A {table.kind.singular} with the {name} value "{value}" already exists. Existing ID: {holder}',
                errors=[
                    {
                        "message": f"Cannot set {name}={value}: {holder} already has that value.",
                        "code": "CONFLICTING_UNIQUE_VALUE",
                        "context": {"propertyName": [name]},
                    }
                ],
            )

    def _targets(self, table: Table, associations: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
        """What a create's `associations` point at, found by the type ids that they name."""
        found = []
        for each in associations:
            wanted = {int(kind["associationTypeId"]) for kind in each.get("types", ())}
            to_id = str((each.get("to") or {}).get("id", ""))
            to_type = next((name for name in self.tables if _names_type(table.kind.name, name, wanted)), None)
            if to_type is None:
                raise bad_request(f"No association type {sorted(wanted)} from {table.kind.name} exists.")
            found.append((to_type, self.must_find(self.tables[to_type], to_id).id))
        return found

    def _due(self) -> int:
        return self.now() + round(self.limits.index_lag * 1000) if self.limits.index_lag else 0

    def _keep(self, table: Table, before: Record | None, after: Record) -> None:
        table.store.put(after)
        table.index.note(after.id, after, self._due())
        for name in table.unique_names():
            old, new = before.values.get(name) if before else None, after.values.get(name)
            if old != new:
                holders = table.unique.setdefault(name, {})
                if old is not None:
                    holders.pop(old, None)
                if new is not None:
                    holders[new] = after.id

    # --- properties and sequences

    def add_property(self, table: Table, definition: Property) -> None:
        """A new custom property. Refused (409) when the name is taken."""
        if definition.name in table.properties:
            raise Refused(409, "OBJECT_ALREADY_EXISTS", f"A property named '{definition.name}' already exists.")
        table.properties[definition.name] = definition

    def set_options(self, object_type: str, name: str, options: Sequence[str]) -> None:
        """The options that an enumeration accepts from now on."""
        table = self.tables[object_type]
        table.properties[name] = replace(table.properties[name], options=tuple(options))

    def enroll(self, contact_id: str, sequence_id: str, user_id: str, sender_email: str) -> Enrollment:
        """Put a contact into a sequence, as the user with that login id. At most one at a time."""
        contact = self.must_find(self.tables["contacts"], contact_id)
        sequence = self.sequences.get(int(sequence_id)) if sequence_id.isdigit() else None
        if sequence is None:
            raise Refused(404, "OBJECT_NOT_FOUND", f"Sequence {sequence_id} does not exist.")
        user = next((each for each in self.owners.values() if str(each.user_id) == user_id and each.active), None)
        if user is None:
            raise bad_request(f"User {user_id} does not exist or has no Sales Hub seat.")
        if sender_email.lower() != user.email.lower():
            raise bad_request(f"{sender_email} is not a connected inbox of user {user_id}.")
        fault = self.faults.refusal("enrollments", contact_id)
        if fault is not None:
            raise Refused(400, "VALIDATION_ERROR", fault.message, sub_category=fault.code)
        if not contact.values.get("email"):
            raise bad_request("The contact has no email address.", sub_category="SequenceError.CONTACT_HAS_NO_EMAIL")
        if contact.values.get("hs_email_optout") == "true":
            raise bad_request("The contact has unsubscribed.", sub_category="SequenceError.CONTACT_UNSUBSCRIBED")
        if contact.id in self.enrollments:
            raise bad_request(
                f"Contact {contact_id} is already enrolled in a sequence.",
                sub_category="SequenceError.CONTACT_ALREADY_ENROLLED",
            )
        at = self.stamp()
        enrollment = Enrollment(
            80_000_000_001 + len(self.enrollments), sequence, contact.id, contact.values["email"] or "", user.user_id,
            user.email, at,
        )  # fmt: skip
        self.enrollments[contact.id] = enrollment
        return enrollment


def _names_type(from_type: str, to_type: str, wanted: set[int]) -> bool:
    kind = association_type(from_type, to_type)
    return kind is not None and bool(wanted & {kind.default, kind.primary})


def _derive(kind: ObjectType, values: dict[str, str | None]) -> None:
    """Properties that the portal computes from others."""
    if kind.name == "deals":
        stage = values.get("dealstage")
        values["hs_is_closed"] = "true" if stage in {"closedwon", "closedlost"} else "false"
        values["hs_is_closed_won"] = "true" if stage == "closedwon" else "false"
    elif kind.name == "companies" and values.get("website") and not values.get("domain"):
        values["domain"] = host_of(values["website"])


def as_json(kind: ObjectType, record: Record, names: Sequence[str]) -> dict[str, Any]:
    """A record as replies give it: the properties asked for (None when empty) and the system's own."""
    values = record.values
    properties = {name: values.get(name) for name in names} if names else {n: values.get(n) for n in kind.shown}
    for name in ("hs_object_id", kind.created_property, kind.modified_property):
        properties[name] = values[name]
    body: dict[str, Any] = {
        "id": values["hs_object_id"],
        "properties": properties,
        "createdAt": values[kind.created_property],
        "updatedAt": values[kind.modified_property],
        "archived": record.archived_at is not None,
    }
    if record.archived_at is not None:
        body["archivedAt"] = iso(record.archived_at)
    return body
