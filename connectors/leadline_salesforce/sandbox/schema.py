"""The objects as one org has them now: fields come, go, are hidden or closed while clients are at work.

Two views of each object: `full` is what the org has, `named` what the API's user may see of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.objects import OBJECTS, kind

ACCESS = ("hidden", "read", "edit")


class Schema:
    """One org's objects. `changed_at` says when (epoch seconds) they were last changed, by name."""

    def __init__(self) -> None:
        self._full = dict(OBJECTS)
        self._seen = dict(OBJECTS)
        self._names = {name.lower(): name for name in OBJECTS}
        self._access: dict[tuple[str, str], str] = {}
        self.changed_at = dict.fromkeys(OBJECTS, 0.0)

    def __iter__(self) -> Iterator[ObjectDef]:
        """All objects, as the API's user sees them."""
        return iter(self._seen.values())

    def named(self, name: str) -> ObjectDef | None:
        """The object of that name in any case, as the API's user sees it."""
        canonical = self._names.get(name.lower())
        return None if canonical is None else self._seen[canonical]

    def of_id(self, record_id: str) -> ObjectDef | None:
        """The object that ids with this beginning belong to, as the API's user sees it."""
        name = kind(record_id)
        return None if name is None else self._seen[name]

    def full(self, name: str) -> ObjectDef | None:
        """The object of that name in any case with all its fields."""
        canonical = self._names.get(name.lower())
        return None if canonical is None else self._full[canonical]

    def everything(self) -> Iterator[ObjectDef]:
        """All objects with all their fields."""
        return iter(self._full.values())

    def add_field(self, object: str, field: FieldDef, now: float) -> None:
        """A new field. ValueError when there is one of that name."""
        definition = self._full[object]
        if definition.field(field.name) is not None:
            raise ValueError(f"{object} has a field {field.name} already")
        self._change(replace(definition, own_fields=(*definition.own_fields, field)), now)

    def drop_field(self, object: str, name: str, now: float) -> None:
        """Take a custom field away. ValueError when there is none of that name."""
        definition = self._full[object]
        field = definition.field(name)
        if field is None or field not in definition.own_fields:
            raise ValueError(f"{object} has no field {name} that could be taken away")
        own = tuple(other for other in definition.own_fields if other is not field)
        self._change(replace(definition, own_fields=own), now)

    def allow(self, object: str, name: str, access: str, now: float) -> None:
        """What the API's user may do with a field: nothing (hidden), read it, or edit it."""
        definition = self._full[object]
        field = definition.field(name)
        if field is None or access not in ACCESS:
            raise ValueError(f"name a field of {object} and one of {', '.join(ACCESS)}, not {name!r} and {access!r}")
        self._access[object, field.name] = access
        self._change(definition, now)

    def _change(self, definition: ObjectDef, now: float) -> None:
        name = definition.name
        self._full[name] = definition
        self._seen[name] = replace(
            definition,
            own_fields=tuple(
                replace(field, read_only=True) if self._access.get((name, field.name)) == "read" else field
                for field in definition.own_fields
                if self._access.get((name, field.name)) != "hidden"
            ),
        )
        self.changed_at[name] = now
