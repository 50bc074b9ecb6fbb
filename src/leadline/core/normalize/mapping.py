"""The typed mapping: what the normalizer, the pull and the writer work with, and how a file becomes one."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TYPE_CHECKING

from leadline.core.entities import FIELDS, Entity, Field
from leadline.core.normalize.transforms import Transform
from leadline.sdk.records import Scalar

if TYPE_CHECKING:
    from leadline.yamlfile import Document, Path


@dataclass(frozen=True, slots=True)
class Link:
    """Which object an id belongs to, by its first characters; `""` fits every id, None means ignored."""

    objects: tuple[tuple[str, str | None], ...]

    def targets(self) -> tuple[str, ...]:
        """The objects that it can lead to."""
        return tuple(dict.fromkeys(name for _, name in self.objects if name is not None))


@dataclass(frozen=True, slots=True)
class Reading:
    """How one canonical field is filled: from vendor fields, joined ones, or an association.

    `values` is the value map (keys as written), looked at before the transform.
    """

    field: Field
    sources: tuple[str, ...]
    transform_name: str
    transform: Transform
    currency: str
    joint: str | None = None
    associations: tuple[str, ...] = ()
    values: Map[str, Scalar] = attribute(default_factory=dict)
    default: Scalar = None
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """A record is left out when the field is known (or not), or its value is (or is not) one of some."""

    field: str
    known: bool | None
    among: frozenset[str] | None
    not_among: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Write:
    """One canonical output and its vendor field. `values` canonical -> vendor, `canonical` the way back."""

    output: str
    field: str
    values: Map[str, Scalar] = attribute(default_factory=dict)

    @property
    def canonical(self) -> dict[str, str]:
        """The value map read backwards."""
        return {str(theirs): ours for ours, theirs in self.values.items()}


@dataclass(frozen=True, slots=True)
class ObjectMapping:
    """One object of the CRM: what its records become, and what is written back to them."""

    name: str
    entity: Entity
    constants: Map[str, Scalar]
    skips: tuple[Skip, ...]
    readings: tuple[Reading, ...]
    write: Map[str, Write]
    competitor_domains: frozenset[str] = frozenset()

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every canonical field of the entity."""
        return FIELDS[self.entity]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping file: its objects by API name, and the CRM's sequences and lists by the names that plays use."""

    system: str
    objects: Map[str, ObjectMapping]
    sequences: Map[str, str]
    lists: Map[str, str]
    document: Document = attribute(repr=False, compare=False)

    def place(self, path: Path) -> str:
        """`file:line` of a path within the file."""
        return self.document.place(path)


def load(text: str, place: str) -> Mapping:
    """The mapping in a YAML text; `place` is the file's name. FileError (a ConfigError) with every mistake."""
    from leadline.core.normalize.compile import build
    from leadline.core.normalize.grammar import MappingFile
    from leadline.yamlfile import Document

    document = Document(text, place)
    return build(document.read(MappingFile), document)
