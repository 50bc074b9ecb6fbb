"""Rows as the CSV of a Bulk 2.0 ingest job, and its results as what happened to each record. Nothing is sent from here.

An empty cell says "leave alone", `#N/A` says "clear": rows of one job may set different fields.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from leadline_salesforce.ledger import Row

NULL = "#N/A"
MOST_BYTES = 100_000_000
"""The largest upload (vendor's limit of 150 MB holds after base64)."""

_ABSENT = object()
_PART = 500  # rows encoded at a time
_CODE = re.compile(r"([A-Z][A-Z0-9_]+) ?: ?(.*)\Z", re.DOTALL)
_FIELDS = re.compile(r":(?P<names>[\w ,.]*)--\Z")


def fits(row: Row) -> bool:
    """Whether CSV can say this row: the text that means "clear" cannot be written as a text."""
    return NULL not in row.body.values()


class Upload:
    """The rows as CSV, in parts, to be sent as often as need be. Its length is in bytes."""

    def __init__(self, rows: Sequence[Row]) -> None:
        fields = sorted({name for row in rows for name in row.body if name not in ("attributes", "id")})
        self._parts = [_lines([["Id", *fields]])]
        for start in range(0, len(rows), _PART):
            some = rows[start : start + _PART]
            self._parts.append(_lines([_cells(row, fields) for row in some]))
        self._bytes = sum(map(len, self._parts))

    def __len__(self) -> int:
        return self._bytes

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)


def _lines(cells: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    # The writer puts in quotes what holds a character of its line end: with LF alone a CR in a text would not be.
    csv.writer(text, lineterminator="\r\n").writerows(cells)
    return text.getvalue().encode()


def _cells(row: Row, fields: Sequence[str]) -> list[str]:
    get = row.body.get
    values = [get(name, _ABSENT) for name in fields]
    return [row.id, *[value if value.__class__ is str and value else _cell(value) for value in values]]


def _cell(value: Any) -> str:
    if value is _ABSENT:
        return ""
    if value is None or value == "":
        return NULL
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def results(text: str) -> Iterator[tuple[str, str]]:
    """(15 characters of the record's id, what `sf__Error` says) of each row of a result file. Empty: no rows."""
    lines = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip().lower() for name in next(lines, [])]
    if not header:
        return
    # The echo of what was sent comes first: sf__Id may be empty for a row that failed.
    places = [header.index(name) for name in ("id", "sf__id") if name in header]
    error = header.index("sf__error") if "sf__error" in header else None
    for line in lines:
        record = next((line[place] for place in places if place < len(line) and line[place]), "")
        yield record[:15], line[error] if error is not None and error < len(line) else ""


def error_parts(text: str) -> tuple[str, str]:
    """Code and message of `CODE:message:Field, Field --`."""
    match = _CODE.match(text.strip())
    if match is None:
        return "UNKNOWN_EXCEPTION", text or "no reason was given"
    code, message = match.groups()
    trailer = _FIELDS.search(message)
    if trailer is not None:
        message = message[: trailer.start()]
        names = trailer["names"].strip()
        if names and names not in message:
            message = f"{message} (fields: {names})"
    return code, message
