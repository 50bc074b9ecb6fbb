"""The CSV of a bulk query as the records that the REST API gives, value for value.

CSV has no types: null and nothing are one empty cell, numbers and booleans are text, and instants end in
`Z` where JSON has `+0000`. The types come from the object's description.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence

from leadline.sdk.errors import PermanentError, TransientError
from leadline.sdk.records import Json, RawRecord
from leadline_salesforce.cursor import epoch

# The largest text of a record (the vendor's 400,000 characters); the module's own bound is a third of it.
csv.field_size_limit(max(csv.field_size_limit(), 1 << 20))

# What no bulk query answers with: compound values and binary content.
NOT_IN_BULK = frozenset({"address", "location", "complexvalue", "base64", "json"})

_BOOLEANS = {"true": True, "false": False}
_Convert = Callable[[str], Json]


def _instant(cell: str) -> str:
    return f"{cell[:-1]}+0000" if cell.endswith("Z") else cell


def _whole(cell: str) -> int:
    return int(float(cell)) if "." in cell else int(cell)


_CONVERT: Mapping[str, _Convert] = {
    "boolean": lambda cell: _BOOLEANS[cell.lower()],
    "int": _whole,
    "long": _whole,
    "double": float,
    "currency": float,
    "percent": float,
    "datetime": _instant,
}


def records(body: bytes, expected: int, fields: Sequence[str], type_of: Callable[[str], str]) -> Iterator[RawRecord]:
    """The rows of one page of results, one by one.

    TransientError when it has not `expected` rows, PermanentError when a column or value is not as described.
    """
    # newline="": line ends are the reader's business, as quoted cells may hold them. The wrapper knows
    # no line ends but CR and LF, so that a U+2028 in a text is no end of a row.
    lines = csv.reader(io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline=""), strict=True)
    read = 0
    try:
        header = [name.lower() for name in next(lines, [])]
        record = _reader(header, fields, type_of) if header else None
        for row in lines:
            if row and record is not None:
                read += 1
                yield record(row)
    except (csv.Error, UnicodeDecodeError, IndexError) as error:
        raise _cut(read, expected) from error
    except (KeyError, ValueError) as error:  # no such column, or a cell that is not of its field's type
        raise PermanentError(f"a page of a bulk query cannot be read at row {read}: {error}") from error
    if read != expected:
        raise _cut(read, expected)


def _cut(read: int, expected: int) -> TransientError:
    return TransientError(f"a page of a bulk query ended after {read} of its {expected} rows")


def _reader(
    header: Sequence[str], fields: Sequence[str], type_of: Callable[[str], str]
) -> Callable[[Sequence[str]], RawRecord]:
    at = {name: index for index, name in enumerate(header)}
    columns = [(field, at[field.lower()], _CONVERT.get(type_of(field))) for field in fields]
    key, stamp = at["id"], at["systemmodstamp"]
    deleted, master = at.get("isdeleted"), at.get("masterrecordid")

    def record(row: Sequence[str]) -> RawRecord:
        values: dict[str, Json] = {}
        for field, index, convert in columns:
            cell = row[index]
            values[field] = None if cell == "" else convert(cell) if convert else cell
        return RawRecord(
            id=row[key],
            fields=values,
            modified_at=epoch(row[stamp]),
            deleted=deleted is not None and row[deleted].lower() == "true",
            merged_into=(row[master] or None) if master is not None else None,
        )

    return record
