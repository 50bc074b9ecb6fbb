"""Raw records -> canonical rows.

Work is done by column and on distinct values: a column's value is read once however often it occurs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from leadline.core import entities
from leadline.core.normalize.compile import spelling
from leadline.core.normalize.mapping import ObjectMapping, Reading, Skip, Write
from leadline.core.normalize.text import clean
from leadline.core.normalize.transforms import Canonical, Context
from leadline.core.normalize.write import from_crm
from leadline.sdk.records import Json, RawRecord


@dataclass(frozen=True, slots=True)
class Normalized:
    """Canonical rows of one object, in the order of the records.

    A record that the mapping leaves out is a deleted row: it may have been taken in before it was edited.
    A row has `uid, connection, object, source_id, modified_at, read_at, deleted, merged_into`, every
    canonical field of the entity (None when missing; a deleted record has no field at all, only the
    identity) and `crm`: the write-back fields as the CRM holds them, by canonical output.
    `skipped` counts records that the mapping leaves out, `unmapped` (canonical field, value as it was
    written) what no transform or value map could place.
    """

    rows: list[dict[str, Any]]
    skipped: int
    unmapped: Counter[tuple[str, str]]


def request(mapping: ObjectMapping) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(vendor fields, associations) to ask for: everything read, skipped by, or written back to."""
    fields = [source for reading in mapping.readings for source in reading.sources]
    fields += [skip.field for skip in mapping.skips]
    fields += [write.field for write in mapping.write.values()]
    links = [name for reading in mapping.readings for name in reading.associations]
    return tuple(dict.fromkeys(fields)), tuple(dict.fromkeys(links))


def normalize(
    mapping: ObjectMapping, connection: str, object: str, records: Sequence[RawRecord], read_at: int
) -> Normalized:
    """Canonical rows of the records of one object. `read_at` is in seconds UTC."""
    live = [record for record in records if not record.deleted and not _is_skipped(mapping.skips, record)]
    taken = {id(record) for record in live}
    unmapped: Counter[tuple[str, str]] = Counter()
    columns = _columns(mapping, connection, live, unmapped)
    names = tuple(columns)
    filled = iter(zip(*columns.values(), strict=True) if columns else [() for _ in live])
    crm = iter(_crm_values(mapping, live))
    prefix = entities.uid(connection, object, "")
    rows = []
    for record in records:
        row: dict[str, Any] = {
            "uid": prefix + record.id,
            "connection": connection,
            "object": object,
            "source_id": record.id,
            "modified_at": record.modified_at,
            "read_at": read_at,
            "deleted": id(record) not in taken,
            "merged_into": prefix + record.merged_into if record.merged_into else None,
        }
        if not row["deleted"]:
            row.update(zip(names, next(filled), strict=True))
            row["crm"] = next(crm)
        rows.append(row)
    skipped = sum(row["deleted"] for row in rows) - sum(record.deleted for record in records)
    return Normalized(rows, skipped, unmapped)


def _is_skipped(skips: Sequence[Skip], record: RawRecord) -> bool:
    return any(_skips(skip, clean(record.fields.get(skip.field))) for skip in skips)


def _skips(skip: Skip, value: Json) -> bool:
    if skip.known is not None:
        return (value is not None) == skip.known
    if skip.among is not None:
        return spelling(value) in skip.among
    return skip.not_among is not None and spelling(value) not in skip.not_among


def _columns(
    mapping: ObjectMapping, connection: str, records: Sequence[RawRecord], unmapped: Counter[tuple[str, str]]
) -> dict[str, Sequence[Any]]:
    """One list of values per canonical field, in the entity's order."""
    readings = {reading.field.name: reading for reading in mapping.readings}
    columns: dict[str, Sequence[Any]] = {}
    for field in mapping.fields:
        reading = readings.get(field.name)
        if reading is not None:
            columns[field.name] = _column(mapping, reading, connection, records, unmapped)
        else:
            columns[field.name] = [mapping.constants.get(field.name)] * len(records)
    return columns


_NUMBERS = frozenset({int, float, bool})


class _Placed(NamedTuple):
    """A value read: `found` when it was placed, `fallback` otherwise; `strange` is the text that could not be."""

    found: Any
    fallback: Any = None
    strange: str | None = None


_MISSING = _Placed(None)


def _column(
    mapping: ObjectMapping,
    reading: Reading,
    connection: str,
    records: Sequence[RawRecord],
    unmapped: Counter[tuple[str, str]],
) -> Sequence[Any]:
    if reading.associations:
        return _associated(reading, connection, records)
    place = _link_reader(reading, connection) if reading.link else _value_reader(mapping, reading)
    placed = []
    for raws in _raws(reading, records):
        column, any_strange = _place_all(place, raws)
        if any_strange:
            strange = Counter(one.strange for one in column if one.strange is not None)
            unmapped.update({(reading.field.name, text): count for text, count in strange.items()})
        placed.append(column)
    if len(placed) == 1:
        return [one.found if one.found is not None else _otherwise(reading, one.fallback) for one in placed[0]]
    return [_first(reading, several) for several in zip(*placed, strict=True)]


def _first(reading: Reading, several: Sequence[_Placed]) -> Any:
    """The first source that was placed; else the first that has something to fall back on."""
    for one in several:
        if one.found is not None:
            return one.found
    return _otherwise(reading, next((one.fallback for one in several if one.fallback is not None), None))


def _otherwise(reading: Reading, fallback: Any) -> Any:
    return reading.default if reading.default is not None else fallback


def _raws(reading: Reading, records: Sequence[RawRecord]) -> list[list[Json]]:
    """The raw values by source; joined sources are one."""
    raws = [_raw_column(source, records) for source in reading.sources]
    if reading.joint is None:
        return raws
    cleaned = [[clean(raw) for raw in column] for column in raws]
    joint = reading.joint
    return [[joint.join(str(part) for part in parts if part is not None) for parts in zip(*cleaned, strict=True)]]


def _raw_column(source: str, records: Sequence[RawRecord]) -> list[Json]:
    return [record.fields.get(source) for record in records]


def _place_all(place: Callable[[Json], _Placed], raws: Sequence[Json]) -> tuple[list[_Placed], bool]:
    """(each value read, whether any could not be placed). Reads each distinct value once."""
    memo: dict[Any, _Placed] = {None: _MISSING}
    placed = []
    for raw in raws:
        # True, 1 and 1.0 are one key to a dict but not one value.
        key = raw if raw is None or raw.__class__ is str else _key(raw)
        one = memo.get(key)
        if one is None:
            one = memo[key] = place(raw)
        placed.append(one)
    return placed, any(one.strange is not None for one in memo.values())


def _key(raw: Json) -> tuple[str, Any]:
    kind = raw.__class__
    return (kind.__name__, raw if kind in _NUMBERS else orjson.dumps(raw))


def _value_reader(mapping: ObjectMapping, reading: Reading) -> Callable[[Json], _Placed]:
    context = Context(reading.currency, mapping.competitor_domains, reading.field.values)
    values = {spelling(key): value for key, value in reading.values.items()}
    final, apply = reading.field.values, reading.transform.apply

    def place(raw: Json) -> _Placed:
        if values and not isinstance(raw, list | tuple | Mapping):
            mapped = values.get(spelling(raw), _MISSING)
            if mapped is None:
                return _MISSING
            if not isinstance(mapped, _Placed):
                return _as_is(mapped) if final or isinstance(mapped, bool) else _read(mapped)
        return _read(raw)

    def _read(raw: Json) -> _Placed:
        value = clean(raw)
        if value is None:
            return _MISSING
        if final and value in final:
            return _as_is(value)
        found: Canonical = apply(value, context)
        if found is None:
            return _Placed(None, reading.transform.fallback, _shown(value))
        return _Placed(None if found == () else found)

    return place


def _as_is(value: Any) -> _Placed:
    return _Placed(value)


def _shown(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _link_reader(reading: Reading, connection: str) -> Callable[[Json], _Placed]:
    objects = reading.link.objects if reading.link else ()
    prefixes = [(start, None if name is None else entities.uid(connection, name, "")) for start, name in objects]

    def place(raw: Json) -> _Placed:
        text = str(raw).strip() if isinstance(raw, str | int) else ""
        if not text:
            return _MISSING
        for start, prefix in prefixes:
            if text.startswith(start):
                return _MISSING if prefix is None else _Placed(prefix + text)
        return _Placed(None, None, text)

    return place


def _associated(reading: Reading, connection: str, records: Sequence[RawRecord]) -> list[str | None]:
    """The first record of the first association that has one."""
    prefixes = [(name, entities.uid(connection, name, "")) for name in reading.associations]
    return [
        next((prefix + ids[0] for name, prefix in prefixes if (ids := record.links.get(name))), None)
        for record in records
    ]


def _crm_values(mapping: ObjectMapping, records: Sequence[RawRecord]) -> list[dict[str, Any]]:
    columns = {name: _crm_column(write, records) for name, write in mapping.write.items()}
    if not columns:
        return [{} for _ in records]
    names = tuple(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _crm_column(write: Write, records: Sequence[RawRecord]) -> list[Any]:
    memo: dict[Any, Any] = {None: None}
    column = []
    for raw in _raw_column(write.field, records):
        key = raw if raw is None or raw.__class__ is str else _key(raw)
        if key not in memo:
            memo[key] = from_crm(write, raw)
        column.append(memo[key])
    return column
