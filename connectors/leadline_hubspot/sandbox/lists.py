"""Lists of records: static ones that people and programs fill, and dynamic ones that fill themselves."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from leadline_hubspot.sandbox.failures import Refused, bad_request, not_found

MANUAL, DYNAMIC = "MANUAL", "DYNAMIC"
_KINDS = {MANUAL, DYNAMIC, "SNAPSHOT"}


@dataclass(frozen=True, slots=True)
class RecordList:
    """One list. `created` and `updated` in milliseconds since 1970 UTC; `type_id` such as 0-1 for contacts."""

    id: int
    name: str
    type_id: str
    kind: str
    created: int
    updated: int
    deleted: int | None = None


@dataclass
class _Members:
    """Record ids in order, with the moment at which each joined."""

    ids: list[int] = field(default_factory=list)
    joined: dict[int, int] = field(default_factory=dict)


class Lists:
    """All lists of a portal and who is on them."""

    def __init__(self) -> None:
        self._lists: dict[int, RecordList] = {}
        self._members: dict[int, _Members] = {}
        self._of: dict[tuple[str, int], set[int]] = {}

    def create(self, name: str, type_id: str, kind: str, at: int) -> RecordList:
        """A new, empty list. Refused (400) when the name is taken or the kind unknown."""
        if not name or kind not in _KINDS:
            raise bad_request(f"name is required, and processingType must be one of {sorted(_KINDS)}.")
        if any(each.name == name and each.type_id == type_id for each in self.all()):
            taken = f"There is already a list named {name!r}."
            raise Refused(400, "VALIDATION_ERROR", taken, sub_category="ILS.DUPLICATE_LIST_NAMES")
        made = RecordList(len(self._lists) + 1, name, type_id, kind, at, at)
        self._lists[made.id] = made
        self._members[made.id] = _Members()
        return made

    def all(self) -> list[RecordList]:
        """Lists that are not deleted, in order of id."""
        return [each for each in self._lists.values() if each.deleted is None]

    def get(self, key: str) -> RecordList:
        """The list with that id. Refused (404) when there is none."""
        found = self._lists.get(int(key)) if key.isdigit() else None
        if found is None or found.deleted is not None:
            raise not_found("list", key)
        return found

    def named(self, type_id: str, name: str) -> RecordList:
        """The list with that name. Refused (404) when there is none."""
        for each in self.all():
            if each.name == name and each.type_id == type_id:
                return each
        raise not_found("list", name)

    def delete(self, key: str, at: int) -> None:
        """Delete a list; it can be restored."""
        found = self.get(key)
        self._lists[found.id] = replace(found, deleted=at)

    def restore(self, key: str) -> None:
        """Bring a deleted list back. Refused (404) when there is none of that id."""
        found = self._lists.get(int(key)) if key.isdigit() else None
        if found is None:
            raise not_found("list", key)
        self._lists[found.id] = replace(found, deleted=None)

    def rename(self, key: str, name: str, at: int) -> RecordList:
        """Give a list another name."""
        found = replace(self.get(key), name=name, updated=at)
        self._lists[found.id] = found
        return found

    # --- members

    def change(self, key: str, added: Iterable[int], removed: Iterable[int], at: int) -> tuple[list[int], list[int]]:
        """Put records on a list and take others off; returns those that were really added and removed.

        Refused (400) for a dynamic list: its filters alone say who is on it.
        """
        found = self.get(key)
        if found.kind == DYNAMIC:
            raise Refused(
                400,
                "VALIDATION_ERROR",
                f"List {key} is dynamic; its memberships cannot be changed by hand.",
                sub_category="ILS.INVALID_LIST_PROCESSING_TYPE",
            )
        members = self._members[found.id]
        new = [each for each in dict.fromkeys(added) if each not in members.joined]
        gone = [each for each in dict.fromkeys(removed) if each in members.joined]
        for each in new:
            insort(members.ids, each)
            members.joined[each] = at
            self._of.setdefault((found.type_id, each), set()).add(found.id)
        for each in gone:
            members.ids.pop(bisect_left(members.ids, each))
            del members.joined[each]
            self._of[found.type_id, each].discard(found.id)
        if new or gone:
            self._lists[found.id] = replace(found, updated=at)
        return new, gone

    def fill(self, key: str, ids: Sequence[int], at: int) -> None:
        """Say who is on a dynamic list."""
        found = self.get(key)
        self._members[found.id] = _Members(sorted(ids), dict.fromkeys(ids, at))
        for each in ids:
            self._of.setdefault((found.type_id, each), set()).add(found.id)

    def members(self, key: str, after: int, limit: int) -> tuple[list[tuple[int, int]], bool]:
        """Up to `limit` members with an id above `after` as (id, moment of joining), and whether there are more."""
        members = self._members[self.get(key).id]
        start = bisect_right(members.ids, after)
        page = [(each, members.joined[each]) for each in members.ids[start : start + limit]]
        return page, start + limit < len(members.ids)

    def size(self, key: str) -> int:
        """How many records are on a list."""
        return len(self._members[self.get(key).id].ids)

    def of(self, type_id: str, record_id: int) -> list[tuple[RecordList, int]]:
        """The lists that a record is on, each with the moment of joining."""
        ids = sorted(self._of.get((type_id, record_id), ()))
        return [
            (self._lists[each], self._members[each].joined[record_id])
            for each in ids
            if self._lists[each].deleted is None
        ]
