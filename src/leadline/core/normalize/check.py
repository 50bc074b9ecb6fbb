"""A mapping against the live CRM's schema: what would be read as nothing, or refused when written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from leadline.core.entities import Kind
from leadline.core.normalize.compile import spelling
from leadline.core.normalize.mapping import Link, ObjectMapping, Reading, Skip, Write
from leadline.core.normalize.mapping import Mapping as TypedMapping
from leadline.core.normalize.write import OUTPUTS, Output
from leadline.sdk.records import FieldSchema, FieldType, ObjectSchema
from leadline.yamlfile import Path, did_you_mean


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that will not work. `place` is `file:line`; `object` and `field` are the CRM's names, or empty."""

    place: str
    object: str
    field: str
    message: str
    fix: str = ""


_IDS = frozenset({FieldType.REFERENCE, FieldType.ID, FieldType.TEXT, FieldType.PICKLIST, FieldType.NUMBER})
_WRITABLE_TYPES: Mapping[Kind, frozenset[FieldType]] = {
    Kind.INTEGER: frozenset({FieldType.NUMBER}),
    Kind.ENUM: frozenset({FieldType.PICKLIST, FieldType.TEXT}),
    Kind.TEXT: frozenset({FieldType.TEXT, FieldType.PICKLIST}),
    Kind.TIME: frozenset({FieldType.DATETIME}),
    Kind.LINK: _IDS,
}


def check_live(mapping: TypedMapping, schemas: Mapping[str, ObjectSchema]) -> list[Problem]:
    """Every problem, in the order of the file. `schemas` are the objects that exist and may be seen, by name."""
    return [
        problem
        for name, object_mapping in mapping.objects.items()
        for problem in _ObjectCheck(mapping, object_mapping, schemas).problems(("objects", name))
    ]


class _ObjectCheck:
    def __init__(
        self, mapping: TypedMapping, object_mapping: ObjectMapping, schemas: Mapping[str, ObjectSchema]
    ) -> None:
        self._mapping = mapping
        self._object = object_mapping
        self._schemas = schemas

    def problems(self, path: Path) -> Iterator[Problem]:
        schema = self._schemas.get(self._object.name)
        if schema is None:
            known = [name for name in self._schemas if name not in self._mapping.objects]
            hint = did_you_mean(self._object.name, known) if known else ""
            message = f"the CRM has no object '{self._object.name}', or this user may not see it"
            yield self._problem(path, "", message, hint or "Correct the name, or give the user access to the object.")
            return
        if not schema.readable:
            yield self._problem(path, "", f"this user may not read '{schema.name}'", "Grant read access to the object.")
        for reading in self._object.readings:
            yield from self._reading((*path, "fields", reading.field.name), reading, schema)
        for skip in self._object.skips:
            yield from self._skip((*path, "skip_when"), skip, schema)
        yield from self._writes((*path, "write"), schema)

    def _problem(self, path: Path, field: str, message: str, fix: str = "") -> Problem:
        return Problem(self._mapping.place(path), self._object.name, field, message, fix)

    def _missing(self, path: Path, name: str, schema: ObjectSchema) -> Problem:
        message = f"'{schema.name}' has no field '{name}', or this user may not see it"
        return self._problem(path, name, message, did_you_mean(name, list(schema.fields)))

    def _reading(self, path: Path, reading: Reading, schema: ObjectSchema) -> Iterator[Problem]:
        for position, source in enumerate(reading.sources):
            field = _find(source, schema, self._schemas)
            if field is None:
                yield self._missing(path, source, schema)
            elif field is not _BEYOND:
                yield from self._type(path, reading, field)
                yield from self._values((*path, "values"), reading, position, field)

    def _type(self, path: Path, reading: Reading, field: FieldSchema) -> Iterator[Problem]:
        if reading.link is not None:
            yield from self._link(path, reading.link, field)
        elif not reading.values and reading.joint is None and field.type not in reading.transform.reads:
            able = ", ".join(sorted(reading.transform.reads))
            message = f"'{field.name}' is a {field.type} field, which transform '{reading.transform_name}' cannot read"
            yield self._problem(path, field.name, message, f"It reads: {able}.")

    def _link(self, path: Path, link: Link, field: FieldSchema) -> Iterator[Problem]:
        if field.type not in _IDS:
            message = f"'{field.name}' is a {field.type} field, not the id of another record"
            yield self._problem(path, field.name, message)
        elif field.references and not set(link.targets()) & set(field.references):
            message = f"'{field.name}' refers to {', '.join(field.references)}, not to {', '.join(link.targets())}"
            yield self._problem((*path, "link"), field.name, message)

    def _values(self, path: Path, reading: Reading, position: int, field: FieldSchema) -> Iterator[Problem]:
        """Keys of the value map that a restricted picklist can never hold."""
        if not field.restricted or field.options is None:
            return
        options = {spelling(option) for option in field.options}
        for written in reading.values:
            parts = written.split(reading.joint) if reading.joint else [written]
            if reading.joint and len(parts) != len(reading.sources):
                continue  # a part was missing: which one, the key does not tell
            part = parts[position if reading.joint else 0]
            if spelling(part) not in options and not _in_other_source(part, reading):
                message = f"picklist '{field.name}' has no value '{part}'"
                yield self._problem((*path, written), field.name, message, did_you_mean(part, field.options))

    def _skip(self, path: Path, skip: Skip, schema: ObjectSchema) -> Iterator[Problem]:
        field = _find(skip.field, schema, self._schemas)
        if field is None:
            yield self._missing(path, skip.field, schema)
        elif field.restricted and field.options is not None:
            options = {spelling(option) for option in field.options}
            for value in sorted((skip.among or frozenset()) | (skip.not_among or frozenset())):
                if value not in options:
                    message = f"picklist '{field.name}' has no value '{value}'"
                    yield self._problem(path, field.name, message, did_you_mean(value, field.options))

    def _writes(self, path: Path, schema: ObjectSchema) -> Iterator[Problem]:
        if self._object.write and not schema.updatable:
            message = f"this user may not change '{schema.name}'"
            yield self._problem(path, "", message, "Grant edit access to the object, or remove `write`.")
        for name, write in self._object.write.items():
            here = (*path, name)
            field = schema.fields.get(write.field)
            if field is None:
                yield self._missing(here, write.field, schema)
            elif not field.writable:
                message = f"'{field.name}' is read-only for this user"
                yield self._problem(here, field.name, message, "Grant edit access to the field, or write to another.")
            else:
                yield from self._target(here, write, OUTPUTS[name], field)

    def _target(self, path: Path, write: Write, output: Output, field: FieldSchema) -> Iterator[Problem]:
        if field.type not in _WRITABLE_TYPES[output.kind]:
            able = " or ".join(sorted(_WRITABLE_TYPES[output.kind]))
            message = f"'{field.name}' is a {field.type} field; {write.output} needs {able}"
            yield self._problem(path, field.name, message)
            return
        longest = _longest(write, output)
        if field.type is FieldType.TEXT and field.length is not None and longest > field.length:
            message = f"'{field.name}' holds {field.length} characters; {write.output} needs {longest}"
            yield self._problem(path, field.name, message, f"Make the field at least {longest} long.")
        if field.type is FieldType.PICKLIST and field.restricted:
            yield from self._options(path, write, output, field)

    def _options(self, path: Path, write: Write, output: Output, field: FieldSchema) -> Iterator[Problem]:
        """What will be written must be options of a restricted picklist."""
        options = field.options or ()
        for ours in dict.fromkeys((*output.values, *write.values)):
            theirs = str(write.values.get(ours, ours))
            if theirs not in options:
                message = (
                    f"picklist '{field.name}' has no value '{theirs}', which is written for {write.output} '{ours}'"
                )
                fix = did_you_mean(theirs, options) or "Add the value in the CRM, or map it under `values`."
                where = (*path, "values", ours) if ours in write.values else path
                yield self._problem(where, field.name, message, fix)


_BEYOND = FieldSchema("", "", FieldType.OTHER)
"""Stands for a field of another object whose schema was not asked for."""


def _find(name: str, schema: ObjectSchema, schemas: Mapping[str, ObjectSchema]) -> FieldSchema | None:
    """The field, followed through a lookup when the name is dotted (`Account.Name` through `AccountId`)."""
    field = schema.fields.get(name)
    if field is not None or "." not in name:
        return field
    relation, rest = name.split(".", 1)
    lookup = next((schema.fields[key] for key in _lookup_names(relation) if key in schema.fields), None)
    if lookup is None:
        return None
    target = next((schemas[other] for other in lookup.references if other in schemas), None)
    return _BEYOND if target is None else _find(rest, target, schemas)


def _lookup_names(relation: str) -> tuple[str, ...]:
    return (f"{relation}Id", f"{relation.removesuffix('__r')}__c", relation)


def _in_other_source(part: str, reading: Reading) -> bool:
    """With several sources a key may belong to any of them, so no single picklist can condemn it."""
    return reading.joint is None and len(reading.sources) > 1 and bool(part)


def _longest(write: Write, output: Output) -> int:
    names: Sequence[str] = [str(write.values.get(name, name)) for name in output.values]
    return max(map(len, names)) if names else 0 if write.output == "status" else output.max_length or 0
