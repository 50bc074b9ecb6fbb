"""Every mistake in a YAML file is told with its line, its path and what to do."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, model_validator

from leadline.sdk.errors import ConfigError
from leadline.yamlfile import Document, FileError, Mistake, MistakesError, did_you_mean, parse, path_text


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Rule(Strict):
    name: str
    points: int = 0
    colour: Colour = Colour.RED
    way: Literal["up", "down"] = "up"
    when: dict[str, str] = Field(default_factory=dict)


class Limits(Strict):
    low: int = 0
    high: int = 10

    @model_validator(mode="after")
    def ordered(self) -> Limits:
        if self.low > self.high:
            raise MistakesError([Mistake(("high",), "is below low", "Swap the two.")])
        return self


class Book(Strict):
    title: str
    from_: str | None = Field(default=None, alias="from")
    rules: tuple[Rule, ...] = ()
    chapters: dict[str, Rule | str] = Field(default_factory=dict)
    limits: Limits = Limits()
    ratio: float = 1.0
    open: bool = False


def broken(text: str) -> FileError:
    with pytest.raises(FileError) as caught:
        parse(text, Book, place="book.yaml")
    return caught.value


MISTAKES = [
    ("unknown key at the top", "title: x\nrulez: []\n", 2, "rulez: unknown key 'rulez'", "Did you mean 'rules'?"),
    ("alias is offered, not the attribute", "title: x\nform: y\n", 2, "unknown key 'form'", "Did you mean 'from'?"),
    (
        "unknown key in a list",
        "title: x\nrules:\n  - name: a\n  - name: b\n    pionts: 3\n",
        5,
        "rules[1].pionts: unknown key 'pionts'",
        "Did you mean 'points'?",
    ),
    (
        "unknown key in a union's branch",
        "title: x\nchapters:\n  one:\n    name: b\n    colur: red\n",
        5,
        "chapters.one.colur: unknown key 'colur'",
        "Did you mean 'colour'?",
    ),
    ("unknown enum value", "title: x\nrules: [{name: a, colour: gren}]\n", 2, "unknown value 'gren'", "mean 'green'?"),
    (
        "unknown literal",
        "title: x\nrules:\n- name: a\n  way: sideways\n",
        4,
        "rules[0].way",
        "Possible here: up, down.",
    ),
    ("missing key", "title: x\nrules:\n  - points: 3\n", 3, "rules[0]: key 'name' is missing", ""),
    ("number for a text", "title: 12\n", 1, "title: should be a text, not 12", ""),
    ("text for a number", "title: x\nrules: [{name: a, points: many}]\n", 2, "a whole number, not 'many'", ""),
    ("list for a mapping", "title: x\nlimits: [1]\n", 2, "limits: should be a mapping", ""),
    (
        "neither branch fits",
        "title: x\nchapters:\n  a: [1]\n",
        3,
        "chapters.a: should be a mapping (key: value) or",
        "",
    ),
    ("empty value", "title:\n", 1, "title: should be a text, not empty", ""),
    ("a validator's own path", "title: x\nlimits:\n  low: 5\n  high: 1\n", 4, "limits.high: is below low", "Swap"),
    ("duplicate key", "title: x\nlimits:\n  low: 1\n  low: 2\n", 4, "limits.low: key 'low' is given twice", "Keep one"),
    ("bad indentation", "title: x\n limits: 3\n", 2, "not valid YAML", "indentation"),
    ("unclosed quote", 'title: "x\nratio: 1\n', 3, "not valid YAML", ""),
    ("tab", "title: x\nlimits:\n\tlow: 1\n", 3, "not valid YAML", ""),
    ("control character", "title: x\nfrom: \x07\n", 2, "not valid YAML: special characters", ""),
    ("two documents", "title: x\n---\ntitle: y\n", 2, "not valid YAML", ""),
    ("a key that is a list", "title: x\nlimits: {[1]: 2}\n", 2, "a key must be a plain word", ""),
    ("refers to itself", "title: x\nrules: &a\n- *a\n", 2, "refers to itself", ""),
    ("empty", "", 1, "the file is empty", ""),
    ("only a comment", "# nothing\n", 1, "the file is empty", ""),
    ("a text", "hello", 1, "should be a mapping", ""),
]


@pytest.mark.parametrize(
    ("text", "line", "message", "fix"), [row[1:] for row in MISTAKES], ids=[r[0] for r in MISTAKES]
)
def test_mistake_is_told_with_line_path_and_fix(text: str, line: int, message: str, fix: str) -> None:
    error = broken(text)

    assert error.place == f"book.yaml:{line}"
    assert message in error.message
    assert fix in error.fix
    assert str(error).startswith(f"book.yaml:{line}: ")
    assert "\n" not in str(error)
    assert isinstance(error, ConfigError)


def test_all_mistakes_are_kept_and_the_first_names_the_lines_of_the_others() -> None:
    error = broken("title: 1\nratio: x\nnope: 1\nlimits:\n  low: z\n")

    assert [mistake.place for mistake in error.mistakes] == [f"book.yaml:{line}" for line in (1, 2, 3, 5)]
    assert error.fix == "More mistakes on lines 2, 3, 5."


def test_a_key_that_is_missing_because_it_was_misspelt_is_told_once() -> None:
    (mistake,) = broken("titel: x\n").mistakes

    assert (mistake.place, mistake.message, mistake.fix) == (
        "book.yaml:1", "unknown key 'titel'", "Did you mean 'title'?",
    )  # fmt: skip
    assert [each.message for each in broken("nope: x\n").mistakes] == ["key 'title' is missing", "unknown key 'nope'"]


def test_one_mistake_in_a_union_is_told_once() -> None:
    assert len(broken("title: x\nchapters:\n  one: {name: b, points: many}\n").mistakes) == 1


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("1_000", 1000),
        ("007", 7),
        ("0x10", "0x10"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("'true'", "true"),
        ("=", "="),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, expected: Any) -> None:
    value = Document(f"a: {written}\n", "f").data["a"]

    assert value == expected
    assert type(value) is type(expected)


def test_keys_are_text_as_written() -> None:
    assert Document("003: a\nNO: b\n1: c\nnull: d\n", "f").data == {"003": "a", "NO": "b", "1": "c", "null": "d"}


def test_an_anchor_shares_a_value() -> None:
    book = parse("title: x\nrules:\n- &r {name: a}\n- *r\n", Book, place="f")

    assert book.rules[0] == book.rules[1]


def test_place_of_a_path_falls_back_to_the_nearest_parent() -> None:
    document = Document("a:\n  b:\n    c: 1\n", "f.yaml")

    assert document.place(("a", "b", "c")) == "f.yaml:3"
    assert document.place(("a", "b", "gone")) == "f.yaml:2"
    assert document.place(()) == "f.yaml:1"


def test_did_you_mean() -> None:
    assert did_you_mean("NAEM", ["Name", "Age"]) == "Did you mean 'Name'?"
    assert did_you_mean("zzz", ["a", "b"]) == "Possible here: a, b."
    assert did_you_mean("zzz", [f"o{n}" for n in range(40)]).endswith("o23, ....")
    assert did_you_mean("zzz", []) == ""


def test_path_text() -> None:
    assert path_text(("rules", 3, "points")) == "rules[3].points"
