"""The shape of a mapping file. What each key means is told in `mappings/README.md`.

These models say what may be written; `mapping.load` says whether it makes sense, and gives the
typed mapping that the normalizer works with.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from leadline.core.entities import FIELDS, Entity
from leadline.core.normalize.amounts import CURRENCIES
from leadline.core.normalize.transforms import TRANSFORMS
from leadline.core.normalize.write import OUTPUTS

Word: TypeAlias = Annotated[str, Field(min_length=1)]
Constant: TypeAlias = str | bool | int
Name: TypeAlias = Word | list[Word]


class Strict(BaseModel):
    """Frozen, and no key that is not in the grammar."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldRule(Strict):
    """How one canonical field is filled. Exactly one of `from`, `join` and `association`."""

    from_: Name | None = Field(
        None, alias="from", description="Vendor field, or several: the first that is not missing"
    )
    join: list[Word] | None = Field(None, min_length=2, description="Vendor fields whose texts are put together")
    association: Name | None = Field(None, description="Associated object, or several: the id of the first record")
    with_: str | None = Field(None, alias="with", description="What stands between joined texts; '/' when absent")
    transform: Word | None = Field(None, description="How a value is read; each kind of field has a default")
    values: dict[str, Constant | None] | None = Field(
        None, description="Value map, looked at before the transform: CRM's value -> canonical value, null for missing"
    )
    default: Constant | None = Field(None, description="Value when nothing else gave one")
    link: Word | dict[str, Word | None] | None = Field(
        None, description="Object that the id belongs to, or objects by the id's first characters, null for ignored"
    )
    currency: Word | None = Field(None, description="Currency of amounts that name none, for `transform: money`")


class SkipRule(Strict):
    """Records that are not wanted."""

    field: Word = Field(description="Vendor field to look at")
    known: bool | None = Field(None, description="true: skip when the field has a value; false: when it has none")
    in_: list[Constant] | None = Field(
        None, alias="in", min_length=1, description="Skip when the value is one of these"
    )
    not_in: list[Constant] | None = Field(None, min_length=1, description="Skip when the value is none of these")


class WriteRule(Strict):
    """Where one canonical output goes."""

    to: Word = Field(description="Vendor field")
    values: dict[str, Constant] | None = Field(None, description="Value map: canonical value -> the CRM's value")


class ObjectRule(Strict):
    """One object of the CRM."""

    entity: Entity = Field(description="What its records become")
    set: dict[str, Constant] = Field(
        default_factory=dict, description="Canonical fields with the same value everywhere"
    )
    skip_when: SkipRule | list[SkipRule] | None = Field(None, description="Records to leave out and count")
    fields: dict[str, Word | FieldRule] = Field(description="Canonical field -> vendor field, or how to fill it")
    write: dict[str, Word | WriteRule] = Field(default_factory=dict, description="Canonical output -> vendor field")


class MappingFile(Strict):
    """A whole file."""

    system: Word = Field(description="Name of the connector that this file is for")
    currency: Word = Field("USD", description="Currency of amounts that name none")
    competitor_domains: list[Word] = Field(default_factory=list, description="Web domains of competitors")
    objects: dict[str, ObjectRule] = Field(min_length=1, description="The CRM's objects by their API names")
    sequences: dict[str, Word] = Field(default_factory=dict, description="Sequence in a play -> the CRM's name or id")
    lists: dict[str, Word] = Field(default_factory=dict, description="List in a play -> the CRM's id of it")


def json_schema() -> dict[str, Any]:
    """JSON Schema for editors: completion of canonical fields by entity, transforms and outputs."""
    schema = MappingFile.model_json_schema(by_alias=True)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Leadline field mapping"}
    parts = schema["$defs"]
    parts["FieldRule"]["properties"]["transform"] = {
        "enum": sorted(TRANSFORMS),
        "description": parts["FieldRule"]["properties"]["transform"]["description"],
    }
    currency = {"enum": sorted(CURRENCIES)}
    parts["FieldRule"]["properties"]["currency"] |= currency
    schema["properties"]["currency"] |= currency
    parts["FieldRule"]["oneOf"] = [{"required": [way]} for way in ("from", "join", "association")]
    parts["ObjectRule"]["allOf"] = [_of_entity(entity) for entity in Entity]
    write = parts["ObjectRule"]["properties"]["write"]
    target = write.pop("additionalProperties")
    write["properties"] = {name: {**target, "description": output.meaning} for name, output in OUTPUTS.items()}
    write["additionalProperties"] = False
    return schema


def _of_entity(entity: Entity) -> dict[str, Any]:
    """The canonical fields that an object of this entity may fill."""
    rule = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/FieldRule"}]}
    fields = {field.name: {**rule, "description": _told(field.meaning, field.unit)} for field in FIELDS[entity]}
    constants = {
        field.name: {"description": field.meaning, **({"enum": list(field.values)} if field.values else {})}
        for field in FIELDS[entity]
    }
    return {
        "if": {"properties": {"entity": {"const": entity.value}}, "required": ["entity"]},
        "then": {
            "properties": {
                "fields": {"properties": fields, "additionalProperties": False},
                "set": {"properties": constants, "additionalProperties": False},
            }
        },
    }


def _told(meaning: str, unit: str) -> str:
    return f"{meaning} ({unit})" if unit else meaning
