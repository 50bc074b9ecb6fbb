"""Finds by itself what of a system the suite can try things on: objects, fields to read, a text to edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadline.sdk.records import FieldType
from leadline.sdk.testing.surface import Refused, Surface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadline.sdk.ports import Connection
    from leadline.sdk.records import ObjectSchema

_PLAIN = frozenset({FieldType.TEXT, FieldType.NUMBER, FieldType.BOOLEAN, FieldType.PICKLIST, FieldType.DATETIME})
_SOME = 8
_ROOM = 24  # characters that a mark needs
_PROBE = "suite probe"


@dataclass(frozen=True, slots=True)
class Subject:
    """One object: `fields` to read, those of them that are `texts`; `text` is one that a user may set, None for none.

    `new` holds values with which a user can create a record, None when the suite found none.
    """

    object: str
    fields: tuple[str, ...]
    texts: frozenset[str]
    text: str | None = None
    new: dict[str, Any] | None = None


def find_subjects(connection: Connection, surface: Surface, reads: Sequence[str]) -> list[Subject]:
    """The objects among `reads` that the sandbox has records of, those with the most records first.

    Tries out edits, so the sandbox is not as it was afterwards.
    """
    state = surface.state()
    names = sorted((name for name in reads if state.get(name)), key=lambda name: -len(state[name]))
    return [_subject(surface, connection.schema(name)) for name in names]


def _subject(surface: Surface, schema: ObjectSchema) -> Subject:
    text = _editable(surface, schema)
    plain = [name for name, each in schema.fields.items() if each.type in _PLAIN]
    required = [name for name in plain if schema.fields[name].required]
    fields = tuple(dict.fromkeys([*([text] if text else []), *required, *plain]))[:_SOME]
    texts = frozenset(name for name in fields if schema.fields[name].type is FieldType.TEXT)
    return Subject(schema.name, fields, texts, text, _creatable(surface, schema, text) if text else None)


def _editable(surface: Surface, schema: ObjectSchema) -> str | None:
    """A text field that the vendor lets a user set and clear, of the newest record."""
    record_id = max(surface.truth(schema.name).living, default="")
    free = [
        name
        for name, each in schema.fields.items()
        if each.type is FieldType.TEXT and each.writable and not each.unique and each.options is None
        if (each.length or _ROOM) >= _ROOM
    ]
    # One that may be empty tells more: it can be cleared.
    for name in sorted(free, key=lambda name: schema.fields[name].required):
        try:
            surface.edit("update", schema.name, record_id, **{name: _PROBE})
        except Refused:
            continue
        return name
    return None


def _creatable(surface: Surface, schema: ObjectSchema, text: str) -> dict[str, Any] | None:
    """Values that make a record: the text and whatever is required. Tried out, and the trial deleted."""
    values: dict[str, Any] = {text: _PROBE}
    for name, each in schema.fields.items():
        if each.required and each.writable:
            values.setdefault(name, each.options[0] if each.options else _PROBE)
    try:
        surface.edit("delete", schema.name, surface.edit("create", schema.name, **values))
    except Refused:
        return None
    return values
