"""CSV of bulk queries as typed records, and pages that were cut short."""

from __future__ import annotations

import pytest

from leadline.sdk.errors import TransientError
from leadline.sdk.records import RawRecord
from leadline_salesforce.cells import records

TYPES = {"Score__c": "double", "Staff": "int", "Open": "boolean", "At": "datetime", "Day": "date", "Words": "textarea"}
HEADER = '"Id","SystemModstamp","IsDeleted","Score__c","Staff","Open","At","Day","Words"\n'
ROW = (
    '"00Q1","2026-05-27T22:13:20.000Z","false","5.0","12","true","2026-05-27T22:13:20.000Z","2026-05-27",'
    '"a ""b"",\nc"\n'
)
EMPTY = '"00Q2","2026-05-27T22:13:20.000Z","true","","","","","",""\n'


def parsed(text: str, expected: int) -> list[RawRecord]:
    return list(records(text.encode(), expected, tuple(TYPES), lambda field: TYPES[field]))


def test_cells_get_the_types_that_json_has() -> None:
    full, empty = parsed(HEADER + ROW + EMPTY, 2)
    assert full.fields == {
        "Score__c": 5.0, "Staff": 12, "Open": True, "At": "2026-05-27T22:13:20.000+0000", "Day": "2026-05-27",
        "Words": 'a "b",\nc',
    }  # fmt: skip
    assert [type(value) for value in full.fields.values()] == [float, int, bool, str, str, str]
    assert (full.id, full.deleted, full.modified_at, full.merged_into) == ("00Q1", False, 1_779_920_000, None)
    assert set(empty.fields.values()) == {None}
    assert empty.deleted


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r\n", "\r"])
def test_no_line_end_within_a_cell_ends_a_row(end: str) -> None:
    text = f'"Id","SystemModstamp","Words"\n"00Q1","2026-05-27T22:13:20.000Z","a{end}b"\n'
    (record,) = records(text.encode(), 1, ("Words",), lambda _: "textarea")
    assert record.fields["Words"] == f"a{end}b"


def test_numbers_in_the_exponents_of_java_and_long_texts_are_read() -> None:
    text = HEADER + ROW.replace("5.0", "1.25E7").replace("c", "c" * 300_000)
    (record,) = parsed(text, 1)
    assert record.fields["Score__c"] == 12_500_000.0
    assert len(str(record.fields["Words"])) > 300_000


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert [record.id for record in parsed("\ufeff" + HEADER + ROW, 1)] == ["00Q1"]


@pytest.mark.parametrize("text", ["", HEADER, HEADER + ROW, HEADER + ROW + EMPTY[:40], HEADER + ROW + EMPTY[:8]])
def test_a_page_that_was_cut_short_is_no_end(text: str) -> None:
    """Two rows were promised; what is left of the text would pass for a shorter answer."""
    with pytest.raises(TransientError, match="of its 2 rows"):
        parsed(text, 2)


def test_a_page_without_rows_is_read() -> None:
    assert parsed(HEADER, 0) == []
    assert parsed("", 0) == []
