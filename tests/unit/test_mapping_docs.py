"""The page about mappings and the JSON Schema say what the code does."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from leadline.core.normalize import grammar
from leadline.core.normalize.amounts import CURRENCIES
from leadline.core.normalize.text import PLACEHOLDERS
from leadline.core.normalize.transforms import TRANSFORMS
from leadline.core.normalize.write import GROUPS, OUTPUTS
from leadline.yamlfile import Document

jsonschema = importlib.import_module("jsonschema")  # it ships no types
MAPPINGS = Path(__file__).parents[2] / "mappings"
PAGE = (MAPPINGS / "README.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^### `(\w+)`$", PAGE, re.MULTILINE)


def keys() -> set[str]:
    models = [each for each in vars(grammar).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    return {info.alias or name for model in models for name, info in model.model_fields.items()}


def test_every_key_and_transform_has_a_heading_and_no_other_has() -> None:
    assert set(HEADINGS) == keys() | set(TRANSFORMS)
    assert len(HEADINGS) == len(set(HEADINGS))


def test_the_page_has_the_outputs_the_groups_and_the_currencies() -> None:
    for word in (*OUTPUTS, *GROUPS):
        assert f"`{word}`" in PAGE, word
    for code, factor in CURRENCIES.items():
        assert f"| {code} | {factor} |" in PAGE, code
    assert f"text of {OUTPUTS['reasons'].max_length:,}" in PAGE
    assert f"text of {OUTPUTS['action'].max_length}" in PAGE
    assert f"text of {OUTPUTS['sort_key'].max_length}" in PAGE
    assert f"text of {OUTPUTS['group'].max_length}" in PAGE


def test_the_placeholders_on_the_page_are_placeholders() -> None:
    section = PAGE.split("## Placeholders")[1].split("A value map comes first")[0]

    assert {word.casefold() for word in re.findall(r"`([^`]+)`", section)} <= PLACEHOLDERS


def test_the_example_on_the_page_loads() -> None:
    from leadline.core.normalize.mapping import load

    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    assert list(load(example, "README.md").objects) == ["Account", "User"]


def test_the_schema_file_is_up_to_date() -> None:
    stored = json.loads((MAPPINGS / "mapping.schema.json").read_text(encoding="utf-8"))

    assert stored == grammar.json_schema(), "run: leadline mappings schema > mappings/mapping.schema.json"


def errors(data: Any) -> list[str]:
    schema = grammar.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.json_path for error in jsonschema.Draft202012Validator(schema).iter_errors(data)]


@pytest.mark.parametrize("name", ["salesforce", "hubspot"])
def test_the_schema_accepts_the_shipped_mappings(name: str) -> None:
    text = (MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8")

    assert errors(Document(text, name).data) == []
    assert text.startswith("# yaml-language-server: $schema=./mapping.schema.json\n")


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"entity": "account", "fields": {"nmae": "N"}}, "$.objects.X.fields"),
        ({"entity": "acount", "fields": {}}, "$.objects.X.entity"),
        ({"entity": "account", "fields": {"name": {"from": "N", "transform": "txt"}}}, "$.objects.X.fields.name"),
        ({"entity": "account", "fields": {"name": {"from": "N", "join": ["A", "B"]}}}, "$.objects.X.fields.name"),
        ({"entity": "account", "fields": {"name": "N"}, "write": {"scoer": "S"}}, "$.objects.X.write"),
        ({"entity": "person", "set": {"kind": "leed"}, "fields": {"name": "N"}}, "$.objects.X.set.kind"),
        ({"entity": "account", "feilds": {}}, "$.objects.X"),
    ],
)
def test_the_schema_refuses_what_an_editor_should_underline(part: dict[str, Any], path: str) -> None:
    assert path in errors({"system": "crm", "objects": {"X": part}})
