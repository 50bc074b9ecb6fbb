"""Model file to typed model, and the JSON Schema that editors use."""

from __future__ import annotations

import json

from leadline.core.scoring.model import Model
from leadline.yamlfile import parse


def load_model(text: str, *, place: str) -> Model:
    """Read the text of a model file. `place` is the file's name for messages.

    Raises FileError (a ConfigError), which names file, line, path and the nearest known word.
    """
    return parse(text, Model, place=place)


def schema_text() -> str:
    """The JSON Schema of a model file, as kept in `models/model.schema.json`."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Model.model_json_schema(by_alias=True),
        "title": "Leadline scoring model",
    }
    return json.dumps(schema, indent=2, sort_keys=False) + "\n"
