"""The state of one portal and what can be done to it, without HTTP.

Every change goes through here, whether it comes over the API or from a user at the keyboard, so
that the search index, unique values and stamps are always right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from leadline_hubspot.sandbox import checks
from leadline_hubspot.sandbox.failures import Refused, bad_request, not_found
from leadline_hubspot.sandbox.history import History
from leadline_hubspot.sandbox.index import Index
from leadline_hubspot.sandbox.limits import Limits
from leadline_hubspot.sandbox.links import Links
from leadline_hubspot.sandbox.lists import Lists
from leadline_hubspot.sandbox.objects import PORTAL_OBJECTS, ObjectType, Property
from leadline_hubspot.sandbox.records import Record, Store, derive, make
from leadline_hubspot.sandbox.sequences import Sequences
from leadline_hubspot.sandbox.signals import Signals
from leadline_hubspot.sandbox.validation import Rule
from leadline_hubspot.sandbox.values import moves_backward, stored

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
class Change:
    """Something that happened to a record, for those who listen. `at` in milliseconds since 1970 UTC.

    `kind` is creation, propertyChange, deletion, restore, merge or associationChange; `source` CRM_UI for
    what a user did, INTEGRATION for calls of the API.
    """

    kind: str
    object: str
    record_id: int
    at: int
    source: str
    property: str = ""
    value: str | None = None
    other: tuple[str, int] | None = None
    removed: bool = False
    merged: tuple[int, ...] = ()


@dataclass
class Table:
    """One object type with its records, properties, unique values and search index."""

    kind: ObjectType
    properties: dict[str, Property]
    store: Store
    index: Index
    unique: dict[str, dict[str, int]] = field(default_factory=dict)
    history: History = field(default_factory=History)
    bin: dict[int, list[tuple[str, int, frozenset[int]]]] = field(default_factory=dict)  # links of archived records

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
        self.sequences = Sequences()
        self.lists = Lists()
        self.signals = Signals()
        self.tables: dict[str, Table] = {}
        self.withheld: set[str] = set()  # scopes that the token does not have
        self.rules: list[Rule] = []
        self.locks: dict[tuple[str, int], float] = {}  # until when a record is locked, epoch seconds
        self.merge_new_id = False  # whether a merge leaves a record with an id of its own
        self.source = "INTEGRATION"
        self.listeners: list[Callable[[Change], None]] = []
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

    def find(self, table: Table, key: str, id_property: str | None = None, *, merged: bool = False) -> Record | None:
        """The live record with that id, or with that value of a unique property.

        With `merged` an id that was merged away leads to the record that is left, as it does in reads.
        """
        if id_property and id_property != "hs_object_id":
            if id_property not in table.unique_names():
                raise bad_request(f"Property {id_property} is not unique and cannot be used as idProperty.")
            definition = table.properties[id_property]
            found = table.unique.get(id_property, {}).get(stored(definition, key) or "")
            return None if found is None else table.store.get(found)
        if not key.isdigit():
            return None
        return table.store.get(table.store.survivor(int(key)) if merged else int(key))

    def must_find(self, table: Table, key: str, id_property: str | None = None, *, merged: bool = False) -> Record:
        """Like `find`; Refused (404) when there is none."""
        record = self.find(table, key, id_property, merged=merged)
        if record is None:
            raise not_found(table.kind.singular, key)
        return record

    # --- changing

    def prepare_create(
        self,
        table: Table,
        values: Mapping[str, Any],
        associations: Sequence[Mapping[str, Any]],
        stamp: int,
        *,
        version: str = "",
    ) -> Callable[[], Record]:
        """Check a new record with its links and return what creates it. Refused when anything is not valid."""
        texts = checks.checked(self, table, values, None, version)
        key = next((texts[name] for name in table.unique_names() if texts.get(name)), "")
        checks.refuse_if_told(self, table, key)
        checks.check_unique(table, texts, None)
        targets = checks.targets(self, table, associations)
        if table.kind.name == "leads" and "contacts" not in {to_type for to_type, _ in targets}:
            raise bad_request("A lead must be associated with a contact when it is created.")

        def create() -> Record:
            kept = {name: stored(table.properties[name], text) for name, text in texts.items()}
            derive(table.kind, kept)
            record = make(table.kind, table.store.take_id(), kept, created=stamp, modified=stamp)
            self.keep(table, None, record, stamp)
            self.tell("creation", table, record.id, stamp)
            for to_type, to_id in targets:
                self.link(table, record.id, self.tables[to_type], to_id, stamp)
            return record

        return create

    def prepare_update(
        self,
        table: Table,
        key: str,
        values: Mapping[str, Any],
        stamp: int,
        id_property: str | None = None,
        *,
        version: str = "",
    ) -> Callable[[], Record]:
        """Check an update of a live record and return what makes it. Refused (423) while the record is locked.

        A lifecycle stage that would go backward stays, without a word.
        """
        record = self.must_find(table, key, id_property)
        checks.refuse_if_locked(self, table, record.id)
        texts = checks.checked(self, table, values, record, version)
        checks.refuse_if_told(self, table, str(record.id))
        checks.check_unique(table, texts, record.id)
        return lambda: self._set(table, self.must_find(table, str(record.id)), texts, stamp)

    def _set(self, table: Table, record: Record, texts: Mapping[str, str], stamp: int) -> Record:
        kept = {name: stored(table.properties[name], text) for name, text in texts.items()}
        if moves_backward(record.values.get("lifecyclestage"), kept.get("lifecyclestage")):
            del kept["lifecyclestage"]
        merged = {**record.values, **kept}
        derive(table.kind, merged)
        changed = make(table.kind, record.id, merged, created=record.created, modified=stamp)
        self.keep(table, record, changed, stamp)
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
        self.keep(table, record, make(table.kind, record.id, merged, created=record.created, modified=modified), stamp)

    def archive(self, table: Table, record: Record, stamp: int) -> None:
        """Move a record to the recycle bin, off its links and out of search."""
        table.bin[record.id] = self.links.all_of(table.kind.name, record.id)
        self.remove(table, record, stamp)
        self.tell("deletion", table, record.id, stamp)

    def purge(self, table: Table, record: Record, stamp: int) -> None:
        """Delete a record for good, as privacy laws ask for: no list and no recycle bin has it afterwards."""
        self.remove(table, record, stamp)
        table.store.purge(record)
        self.tell("privacyDeletion", table, record.id, stamp)

    def remove(self, table: Table, record: Record, stamp: int, *, merged_into: int | None = None) -> None:
        """Take a record away: into the recycle bin, or into the record that it was merged into."""
        table.store.archive(record, stamp, merged_into)
        table.index.note(record.id, None, self._due())
        others = [self.tables[name] for name in sorted(_STAMPED_BY_LINKS)]
        ends = [
            (other, each) for other in others for each in self.links.of(table.kind.name, record.id, other.kind.name)
        ]
        self.links.forget(table.kind.name, record.id)
        for other, other_id in ends:
            self.touch(other, other_id, self.computed(other, other_id), stamp, quiet=not self.link_stamps)
        for name in table.unique_names():
            value = record.values.get(name)
            if value is not None and table.unique.get(name, {}).get(value) == record.id:
                del table.unique[name][value]

    def restore(self, table: Table, record_id: int, stamp: int) -> Record:
        """Take a record out of the recycle bin, with the links that it had. Refused (404) when it is not there."""
        record = table.store.get(record_id, archived=True)
        if record is None:
            raise not_found(table.kind.singular, str(record_id))
        texts = {name: value for name in table.unique_names() if (value := record.values.get(name))}
        checks.check_unique(table, texts, record.id)
        live = make(table.kind, record.id, dict(record.values), created=record.created, modified=stamp)
        table.store.restore(live)
        self.keep(table, None, live, stamp)
        for other_type, other_id, labels in table.bin.pop(record.id, []):
            if self.tables[other_type].store.get(other_id) is not None:
                self.link(table, record.id, self.tables[other_type], other_id, stamp)
                self.links.set_labels(table.kind.name, record.id, other_type, other_id, labels)
        self.tell("restore", table, record.id, stamp)
        return live

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
            self.tell("associationChange", table, record_id, stamp, other=(end, other_id))

    def unlink(
        self, table: Table, record_id: int, other: Table, other_id: int, stamp: int, *, silent: bool = False
    ) -> None:
        """Remove an association."""
        if self.links.remove(table.kind.name, record_id, other.kind.name, other_id):
            self._linked((table, record_id), (other, other_id), stamp, quiet=silent)
            end = (other.kind.name, other_id)
            self.tell("associationChange", table, record_id, stamp, other=end, removed=True)

    def _linked(self, one: tuple[Table, int], other: tuple[Table, int], stamp: int, *, quiet: bool) -> None:
        """What a changed association does to its ends."""
        for side, side_id in (one, other):
            if side.kind.name in _STAMPED_BY_LINKS:
                self.touch(side, side_id, self.computed(side, side_id), stamp, quiet=quiet or not self.link_stamps)

    def computed(self, table: Table, record_id: int) -> dict[str, str | None]:
        """Properties of a record that follow from its links."""
        if table.kind.name != "contacts":
            return {}
        companies = self.links.of("contacts", record_id, "companies")
        return {"associatedcompanyid": str(companies[0]) if companies else None}

    # --- keeping

    def _due(self) -> int:
        return self.now() + round(self.limits.index_lag * 1000) if self.limits.index_lag else 0

    def keep(self, table: Table, before: Record | None, after: Record, stamp: int) -> None:
        """Store a record in place of what it was before (None: nothing), and let everybody know who must."""
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
            elif before is None and new is not None:
                table.unique.setdefault(name, {})[new] = after.id
        if before is not None:
            table.history.note(before, after, stamp, self.limits.history)
            self.faults.wrote(table.kind.name, str(after.id), before.values, after.values)
            if self.listeners:
                self._tell_values(table, before, after, stamp)

    def _tell_values(self, table: Table, before: Record, after: Record, stamp: int) -> None:
        for name, value in after.values.items():
            if value != before.values.get(name) and name != table.kind.modified_property:
                self.tell("propertyChange", table, after.id, stamp, property=name, value=value)

    def tell(self, kind: str, table: Table, record_id: int, stamp: int, **more: Any) -> None:
        """Tell the listeners what happened."""
        for listener in self.listeners:
            listener(Change(kind, table.kind.name, record_id, stamp, self.source, **more))

    # --- properties

    def add_property(self, table: Table, definition: Property) -> None:
        """A new custom property. Refused (409) when the name is taken."""
        if definition.name in table.properties:
            raise Refused(409, "OBJECT_ALREADY_EXISTS", f"A property named '{definition.name}' already exists.")
        table.properties[definition.name] = definition

    def set_options(self, object_type: str, name: str, options: Sequence[str]) -> None:
        """The options that an enumeration accepts from now on."""
        table = self.tables[object_type]
        table.properties[name] = replace(table.properties[name], options=tuple(options))
