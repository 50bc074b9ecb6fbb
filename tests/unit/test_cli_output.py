"""What commands print: for people, and as one JSON object for machines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pytest

from leadline.cli import options, output


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    colour: Colour


def test_people_get_lines_and_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    with options.fresh():
        output.show({"rows": 3}, "three rows")

    assert capsys.readouterr().out == "three rows\n"


def test_machines_get_one_object_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with options.fresh():
        options._current.set(options.Options(json=True))
        output.show(
            {
                "rows": (Row("ä\n", Colour.RED),),
                "at": datetime(2025, 3, 1, 9, tzinfo=UTC),
                "path": Path("a/b"),
                "kinds": {Colour.RED},
            },
            "never printed",
        )

    printed = capsys.readouterr().out
    assert printed.count("\n") == 1
    assert json.loads(printed) == {
        "rows": [{"name": "ä\n", "colour": "red"}],
        "at": "2025-03-01T09:00:00Z",
        "path": "a/b",
        "kinds": ["red"],
    }


def test_what_json_cannot_say_is_a_defect() -> None:
    with pytest.raises(TypeError, match="object cannot be printed as JSON"):
        output.print_json({"x": object()})


def test_a_table_keeps_ids_whole_and_numbers_right(capsys: pytest.CaptureFixture[str]) -> None:
    table = output.table("record", "score", right=("score",))
    table.add_row("003000000000001AAA", "7")
    table.add_row("x", "70")

    output.out().print(table)

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert any(line.endswith(" 7") and "003000000000001AAA" in line for line in lines)
    assert any(line.endswith(" 70") for line in lines)


def test_progress_never_reaches_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress() as progress:
        progress.update(progress.add_task("reading", total=2, done="0/2"), advance=2)

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("seconds", "text"), [(None, "–"), (0, "1970-01-01T00:00:00Z")])
def test_moments_are_utc(seconds: int | None, text: str) -> None:
    assert output.moment(seconds) == text
