"""`docs/scoring.md`: its steps build the shipped yardstick, its examples hold, no word of the language is left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadline.core.scoring.condition import FIRED, JOINS
from leadline.core.scoring.examples import check_examples
from leadline.core.scoring.load import load_model
from leadline.core.scoring.model import Model, Signal
from leadline.core.scoring.operators import OPERATORS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scoring.md").read_text()
SECTIONS = {title.strip("`"): body for title, body in re.findall(r"^### (.+)\n((?:(?!^#).*\n)*)", PAGE, re.MULTILINE)}
HEAD = "name: page\n"
GROUPS = "groups: [{group: poor_fit}]\n"


def blocks(text: str, kind: str) -> list[str]:
    """The fenced YAML of one kind."""
    return re.findall(rf"^```yaml {kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def example_model(block: str) -> Model:
    """The model of a block; what every model needs is added where the block leaves it out."""
    given = yaml.safe_load(block)
    text = HEAD + block + ("" if {"groups", "matrix"} & given.keys() else GROUPS)
    return load_model(text, place="docs/scoring.md")


def test_every_word_has_its_heading_and_an_example() -> None:
    """Operators, joins, options of signals, sections of a model."""
    signal = [name for name in Signal.model_fields if name not in ("id", "name", "part")]
    plain = {"name", "description", "rules", "signals", "segments", "plays", "suppress", "examples"}
    sections = [(field.alias or name) for name, field in Model.model_fields.items()]
    wanted = {*OPERATORS, *JOINS, FIRED, *signal, *(name for name in sections if name not in plain)}

    assert wanted - SECTIONS.keys() == set()
    without = [title for title in wanted if not blocks(SECTIONS[title], "example")]
    assert without == []


@pytest.mark.parametrize("title", [title for title, body in SECTIONS.items() if blocks(body, "example")])
def test_examples_hold_and_use_what_they_show(title: str) -> None:
    """Each block is a model that does what the page says, and each has examples."""
    for block in blocks(SECTIONS[title], "example"):
        model = example_model(block)

        assert model.examples
        assert [str(failure) for failure in check_examples(model)] == []
        if title in (*OPERATORS, *JOINS, FIRED, *Signal.model_fields):
            assert re.search(rf"\b{title}:", block), f"the example of {title} does not use it"


def test_the_steps_build_the_shipped_yardstick() -> None:
    """After each step its own examples hold, and the last one is `reference-100`."""
    built: dict[str, Any] = {}
    for block in blocks(PAGE, "step"):
        for key, value in yaml.safe_load(block).items():
            built[key] = [*built.get(key, []), *value] if key in ("rules", "signals") else value
        model = load_model(yaml.safe_dump(built), place="docs/scoring.md")
        assert [str(failure) for failure in check_examples(model)] == []
        built.pop("examples", None)
    shipped = load_model((ROOT / "models" / "reference-100.yaml").read_text(), place="reference-100.yaml")

    told = {"examples", "description"}
    assert load_model(yaml.safe_dump(built), place="built").model_dump(exclude=told) == shipped.model_dump(exclude=told)
