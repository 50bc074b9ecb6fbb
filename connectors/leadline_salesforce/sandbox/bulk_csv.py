"""CSV as Bulk API 2.0 reads and writes it: five delimiters, two line endings, every cell quoted in answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
NULL = "#N/A"  # empties the field; an empty cell leaves it alone


class CsvError(Exception):
    """The data cannot be read: what the job's `errorMessage` says."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one job writes its data. Both are names of the vendor's."""

    delimiter: str = "COMMA"
    line_ending: str = "LF"

    def write(self, header: Sequence[str], rows: Iterable[Sequence[str | None]]) -> bytes:
        """The whole text, header first. None is an empty cell."""
        out = io.StringIO(newline="")
        writer = csv.writer(
            out,
            delimiter=DELIMITERS[self.delimiter],
            lineterminator=LINE_ENDINGS[self.line_ending],
            quoting=csv.QUOTE_ALL,
        )
        writer.writerow(header)
        writer.writerows(rows)
        return out.getvalue().encode()

    def read(self, data: bytes) -> tuple[list[str], list[list[str]]]:
        """Header and rows. CsvError for a wrong line ending, a wrong number of cells or text that is no UTF-8."""
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise CsvError("InvalidBatch : Failed to parse CSV: not UTF-8") from None
        first, newline, _ = text.partition("\n")
        if newline and first.endswith("\r") != (self.line_ending == "CRLF"):
            raise CsvError(f"LineEnding is invalid on user data. Current LineEnding setting is {self.line_ending}")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[self.delimiter], strict=True)
        try:
            rows = [row for row in reader if row]
        except csv.Error as error:
            raise CsvError(f"InvalidBatch : Failed to parse CSV: {error}") from None
        if not rows:
            raise CsvError("InvalidBatch : Unable to find object header")
        header = [name.strip() for name in rows[0]]
        for number, row in enumerate(rows[1:], 2):
            if len(row) != len(header):
                raise CsvError(
                    f"InvalidBatch : Failed to parse CSV. Found {len(row)} columns instead of {len(header)} "
                    f"in line {number}"
                )
        return header, rows[1:]


def cell(kind: str, value: Any) -> str | None:
    """A value of a field of that type as a query's answer shows it."""
    if value is None:
        return None
    if kind == "datetime":
        return f"{value[:-5]}Z"  # ...000Z, where REST says ...000+0000
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def values(header: Sequence[str], row: Sequence[str]) -> dict[str, Any]:
    """A row to write, by field name: empty cells left out, #N/A as None."""
    return {name: None if text == NULL else text for name, text in zip(header, row, strict=True) if text != ""}
