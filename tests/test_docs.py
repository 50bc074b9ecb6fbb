"""Documents are under test: everything that has a name has a heading, and every link and command exists."""

from __future__ import annotations

import importlib
import inspect
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from leadline import cli
from leadline.config import Settings
from leadline.sdk import errors, ports

SHARED = {"--project", "--json", "--now", "--verbose", "--version", "--help"}


def documents(root: Path) -> list[Path]:
    """Every document of the project."""
    folders = (".", "docs", "connectors", "connectors/*", "mappings", "models", "bench")
    return sorted(path for folder in folders for path in root.glob(f"{folder}/*.md"))


def sections(document: Path) -> dict[str, str]:
    """The text under each heading, subsections not included, without the marks of code."""
    found: dict[str, str] = {}
    heading, fenced = "", False
    for line in document.read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        if line.startswith("#") and not fenced:
            heading = line.lstrip("#").strip().replace("`", "")
            assert heading not in found, f"{document.name} has two headings '{heading}'"
            found[heading] = ""
        else:
            found[heading] = found.get(heading, "") + line + "\n"
    return found


# Settings


def keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key with its field; a name of the user's own choice is written <name>, an item of a list []."""
    for name, field in model.model_fields.items():
        below = _model_below(field.annotation)
        if below is None:
            yield f"{prefix}{name}", field
            continue
        suffix, inner = below
        if suffix:
            yield f"{prefix}{name}", field
        yield from keys(inner, f"{prefix}{name}{suffix}.")


def _model_below(annotation: Any) -> tuple[str, type[BaseModel]] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "", annotation
    arguments = typing.get_args(annotation)
    origin = typing.get_origin(annotation)
    if origin is dict and (below := _model_below(arguments[1])):
        return f".<name>{below[0]}", below[1]
    if origin is list and (below := _model_below(arguments[0])):
        return f"[]{below[0]}", below[1]
    return None


def test_every_setting_has_a_heading_with_its_meaning_and_default(root: Path) -> None:
    told = sections(root / "docs/settings.md")
    missing = [
        f"{name}: {wanted}"
        for name, field in keys()
        for wanted in (field.description, f"Default: {_default(field)}.")
        if wanted not in told.get(name, "")
    ]

    assert missing == []


def test_no_setting_is_documented_that_does_not_exist(root: Path) -> None:
    headings = re.findall(r"^### `(.+)`$", (root / "docs/settings.md").read_text(), re.MULTILINE)

    assert headings == [name for name, _ in keys()]


def _default(field: Any) -> str:
    if field.is_required():
        return "none, it must be given"
    if field.default_factory is not None:
        return f"`{field.default_factory()}`".replace("'", "")
    return "none" if field.default in (None, Path()) else f"`{field.default}`"


# Commands


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be called, by its words."""
    for name in cli.COMMANDS:
        loaded: Any = cli.load(name)
        children = getattr(loaded, "commands", {})
        yield from ((f"{name} {child}", command) for child, command in children.items())
        if not children:
            yield name, loaded


def test_every_command_has_a_heading_and_every_option_is_told(root: Path) -> None:
    told = sections(root / "docs/commands.md")
    missing = []
    for words, command in commands():
        text = told.get(f"leadline {words}")
        missing += [f"leadline {words}"] if text is None else []
        missing += [f"leadline {words} {option}" for option in _options(command) if option not in (text or "")]

    assert missing == []


def test_no_command_or_option_is_documented_that_does_not_exist(root: Path) -> None:
    known = {f"leadline {words}": _options(command) | SHARED for words, command in commands()}
    stale = []
    for heading, text in sections(root / "docs/commands.md").items():
        if heading.startswith("leadline "):
            stale += [heading] if heading not in known else []
            stale += [
                f"{heading} {said}"
                for said in re.findall(r"--[a-z][a-z-]*", text)
                if said not in known.get(heading, ())
            ]

    assert stale == []


def _options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")} - SHARED


def test_every_exit_code_is_told(root: Path) -> None:
    table = sections(root / "docs/commands.md")["Exit codes"]
    codes = {kind.exit_code for kind in _errors()} | {0, cli.errors.INTERRUPTED}

    assert {code for code in codes if f"| {code} |" not in table} == set()


# Errors and ports


def _errors() -> list[type[errors.LeadlineError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LeadlineError)]


def test_every_error_has_a_heading_with_its_exit_code(root: Path) -> None:
    told = sections(root / "docs/errors.md")

    assert [
        kind.__name__ for kind in _errors() if f"Exit code {kind.exit_code}." not in told.get(kind.__name__, "")
    ] == []


def test_the_tree_in_the_docstring_is_the_tree(root: Path) -> None:
    """The drawing names every class, each deeper than its base."""
    drawing = errors.__doc__ or ""
    column = {kind: re.search(rf"\b{kind.__name__}\b", drawing) for kind in _errors()}

    assert [kind.__name__ for kind, found in column.items() if found is None] == []
    depth = {kind: len(_line_before(drawing, found.start())) for kind, found in column.items() if found}
    assert [kind.__name__ for kind in depth if kind.__base__ in depth and depth[kind] <= depth[kind.__base__]] == []


def _line_before(text: str, position: int) -> str:
    return text[text.rfind("\n", 0, position) + 1 : position]


def test_every_verb_of_a_connector_has_a_heading(root: Path) -> None:
    told = sections(root / "connectors/README.md")
    verbs = {
        name
        for port in (ports.Connector, ports.Source, ports.Sink, ports.Connection)
        for name, value in vars(port).items()
        if not name.startswith("_") and isinstance(value, types.FunctionType | property)
    }

    assert {verb for verb in verbs if verb not in told} == set()


# Mappings


def test_every_transform_has_a_heading(root: Path) -> None:
    transforms = importlib.import_module("leadline.core.normalize.transforms").TRANSFORMS
    told = sections(root / "mappings/README.md")

    assert {name for name in transforms if name not in told} == set()


# Links and examples


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_link_leads_somewhere(root: Path) -> None:
    dead = []
    for document in documents(root):
        text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target or target.startswith("mailto:"):
                continue
            path, _, anchor = target.partition("#")
            file = (document.parent / path) if path else document
            if not file.exists() or (anchor and anchor not in {_slug(name) for name in sections(file)}):
                dead.append(f"{document.relative_to(root)}: {target}")

    assert dead == []


def _code(document: Path) -> Iterator[str]:
    """Lines of code in a document: spans and the lines of blocks."""
    text = document.read_text(encoding="utf-8")
    for block in re.findall(r"```[a-z]*\n(.*?)```", text, flags=re.DOTALL):
        yield from (line.strip().removeprefix("$ ") for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def test_every_command_that_is_shown_exists(root: Path) -> None:
    known = dict(commands())
    wrong = []
    for document in documents(root):
        for line in _code(document):
            words = line.split("#")[0].split()
            if words[:1] != ["leadline"] or len(words) == 1 or words[1].startswith(("-", "[", "…", ".")):
                continue
            command = known.get(" ".join(words[1:3])) or known.get(words[1])
            if command is None and words[1] not in cli.COMMANDS:
                wrong.append(f"{document.name}: {line}")
            said = {word.partition("=")[0].strip("[]") for word in words if word.startswith(("--", "[--"))}
            wrong += [f"{document.name}: {line}"] if command is not None and said - _options(command) - SHARED else []

    assert wrong == []


def test_every_make_target_that_is_shown_exists(root: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (root / "Makefile").read_text(), re.MULTILINE))
    shown = {
        word
        for document in documents(root)
        for line in _code(document)
        if line.startswith("make ")
        for word in line.split("#")[0].split()[1:]
        if re.fullmatch(r"[a-z-]+", word)
    }

    assert shown <= targets


def test_the_phony_targets_are_those_with_a_description(root: Path) -> None:
    text = (root / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)[0].split()

    assert sorted(phony) == sorted(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))


def test_the_changelog_tells_of_this_version(root: Path) -> None:
    from leadline import __version__

    headings = re.findall(r"^## \[(.+?)\]", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0] == __version__
    assert __version__ in headings


@pytest.mark.parametrize("phrase", ["TODO", "FIXME", "lorem ipsum", "coming soon", "not yet implemented"])
def test_nothing_is_left_for_later(phrase: str, root: Path) -> None:
    assert [path.name for path in documents(root) if re.search(rf"\b{phrase}\b", path.read_text(), re.IGNORECASE)] == []


def test_the_docstrings_of_commands_are_for_people() -> None:
    """No parameter lists and no types: the help page shows them."""
    assert [words for words, command in commands() if re.search(r":param|Args:|Returns:", command.help or "")] == []


def test_every_public_function_of_the_seam_says_what_it_does() -> None:
    undocumented = []
    for name in ("leadline.registry", "leadline.config", "leadline.log", "leadline.sdk.errors", "leadline.yamlfile"):
        module = importlib.import_module(name)
        for member, value in vars(module).items():
            own = getattr(value, "__module__", None) == name and not member.startswith("_")
            if own and callable(value) and not inspect.getdoc(value):
                undocumented.append(f"{name}.{member}")

    assert undocumented == []
