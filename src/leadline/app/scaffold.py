"""A new project folder: settings, field mappings and scoring models to start from.

The mappings and models are those of the repository. In a wheel they travel in `leadline/_starter`;
in an editable checkout they stand beside `src`. The block of a connection in the settings is made
from the options that its connector declares, so that a third party's connector gets one too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from leadline import registry
from leadline.sdk.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

COPIED = ("mappings", "models")


@dataclass(frozen=True, slots=True)
class Scaffolded:
    """What setting up a project folder did: files written, and files that were there already, the same."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]


def scaffold(folder: Path, *, connectors: Sequence[str] = (), force: bool = False) -> Scaffolded:
    """Set up a project in `folder`, with the connections of `connectors` switched on.

    Nothing is written when a file would be overwritten with something else, unless `force`.
    `ConfigError` then, and for a connector that is not installed.
    """
    contents = project_files(connectors)
    present = {name: folder / name for name in contents if (folder / name).exists()}
    unchanged = {name for name, path in present.items() if path.is_file() and path.read_text("utf-8") == contents[name]}
    in_the_way = [name for name in present if name not in unchanged]
    if in_the_way and not force:
        raise ConfigError(
            f"these files are there already and differ: {', '.join(in_the_way)}.",
            fix="Use --force to overwrite them, or choose an empty folder.",
            place=str(folder),
        )
    for name, text in contents.items():
        if name not in unchanged:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    return Scaffolded(tuple(name for name in contents if name not in unchanged), tuple(sorted(unchanged)))


def project_files(connectors: Sequence[str]) -> dict[str, str]:
    """The text of every file of a new project, by its path in the folder."""
    blocks, variables = connection_blocks(connectors)
    own = files("leadline") / "_starter"
    contents = {
        "leadline.yaml": (own / "leadline.yaml").read_text("utf-8").replace("{connections}\n", blocks),
        ".env.example": (own / "env.example").read_text("utf-8").replace("{variables}\n", variables),
        ".gitignore": (own / "gitignore").read_text("utf-8"),
    }
    for part in COPIED:
        contents |= {f"{part}/{path}": text for path, text in _texts(starter(part))}
    return contents


def starter(part: str, package: Traversable | None = None) -> Traversable:
    """The folder of starter files called `part`, from the wheel or from the checkout that is being edited.

    `package` is where the engine's package stands, ours unless given. `ConfigError` when it is in neither.
    """
    package = package or files("leadline")
    packaged = package / "_starter" / part
    if packaged.is_dir():
        return packaged
    checkout = Path(str(package)).parent.parent / part
    if checkout.is_dir():
        return checkout
    raise ConfigError(f"the starter {part} are missing from this installation.", fix="Reinstall leadline.")


def _texts(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _texts(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".yaml", ".json", ".md")):
            yield f"{prefix}{entry.name}", entry.read_text("utf-8")


def connection_blocks(connectors: Sequence[str]) -> tuple[str, str]:
    """The blocks of all installed connectors for `leadline.yaml`, and the variables that they refer to.

    The blocks of `connectors` are switched on, the others commented out.
    """
    installed = registry.names()
    for name in connectors:
        if name not in installed:
            registry.load(name)  # says which there are
    blocks: list[str] = []
    variables: list[str] = []
    for name in installed:
        try:
            options = registry.load(name).options
        except MissingExtraError as error:
            blocks.append(f"  # {name}: {error}\n")
            continue
        mark = "" if name in connectors else "# "
        blocks += [f"  {mark}{line}\n" for line in _block(name, options)]
        variables += [f"{_variable(name, key)}=\n" for key, field in options.model_fields.items() if _is_secret(field)]
    return "".join(blocks), "".join(variables)


def _block(name: str, options: type[BaseModel]) -> Iterator[str]:
    yield f"{name}:"
    yield f"  connector: {name}"
    yield f"  mapping: mappings/{name}.yaml"
    yield "  # daily_calls: 20000  # API calls that Leadline may make in a day"
    yield "  options:"
    yield f"    # All options: leadline connectors {name}"
    for key, field in options.model_fields.items():
        value = _value(name, key, field)
        if value is not None:
            mark = "" if field.is_required() else "# "
            about = f"  # {' '.join(field.description.split())}" if field.description else ""
            yield f"    {mark}{key}: {value}{about}"


def _value(name: str, key: str, field: FieldInfo) -> str | None:
    """What to show for an option; None for one that hardly anybody sets."""
    if _is_secret(field):
        return f"${{{_variable(name, key)}}}"
    if field.is_required():
        return '""'
    return json.dumps(field.default) if isinstance(field.default, str) else None


def _variable(name: str, key: str) -> str:
    return f"{name}_{key}".upper().replace("-", "_")


def _is_secret(field: FieldInfo) -> bool:
    return "Secret" in str(field.annotation)
