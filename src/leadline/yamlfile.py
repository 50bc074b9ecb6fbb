"""YAML files that people write, read into typed models.

Every complaint names file and line, the path within the file, what is wrong and what to do. The
scalars are those of YAML 1.2: `true`/`false` are the only booleans (so a country `NO` stays text),
`003` is a number only as a value, and keys are always text, as written.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal, TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from leadline.sdk.errors import ConfigError

Path: TypeAlias = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)

_SHOWN_OPTIONS = 24


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, by its path from where it was found. `fix` says what to do."""

    path: Path
    message: str
    fix: str = ""


class MistakesError(ValueError):
    """Raised by a model's validator that found mistakes deeper inside itself, each with its path."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("; ".join(mistake.message for mistake in mistakes))


@dataclass(frozen=True, slots=True)
class Located:
    """One mistake with its `place` (`file:line`) and its `path` as text (`objects.Account.fields.name`); `keys` is
    the path in parts."""

    place: str
    path: str
    message: str
    fix: str = ""
    keys: Path = ()


class FileError(ConfigError):
    """A file that cannot be used. `mistakes` has all of them in the order of the file; the text tells the first."""

    def __init__(self, mistakes: Sequence[Located]) -> None:
        self.mistakes = tuple(mistakes)
        first, *others = self.mistakes
        message = f"{first.path}: {first.message}" if first.path else first.message
        lines = list(dict.fromkeys(other.place.rpartition(":")[2] for other in others))
        more = f"More mistakes on line{'s'[: len(lines) > 1]} {', '.join(lines)}." if lines else ""
        super().__init__(f"{message}.", fix=" ".join(filter(None, (first.fix, more))), place=first.place)


def parse(text: str, model: type[Model], *, place: str) -> Model:
    """Read `text` as YAML into `model`. `place` is the file's name for messages. FileError (a ConfigError)."""
    return Document(text, place).read(model)


def did_you_mean(word: str, options: Sequence[str]) -> str:
    """A sentence with the nearest of `options`, or with all of them when none is near; empty without options."""
    if not options:
        return ""
    by_folded = {option.lower(): option for option in reversed(options)}
    near = get_close_matches(word.lower(), list(by_folded), n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{by_folded[near[0]]}'?"
    shown = ", ".join(options[:_SHOWN_OPTIONS])
    return f"Possible here: {shown}{', ...' if len(options) > _SHOWN_OPTIONS else ''}."


def path_text(path: Path) -> str:
    """`("rules", 3, "points")` as `rules[3].points`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{part}"
    return text


class Document:
    """A parsed file that still knows where everything stands."""

    def __init__(self, text: str, place: str) -> None:
        self.name = place
        self._root = _compose(text, place)
        self.data: Any = None if self._root is None else self._construct(self._root, (), ())

    def place(self, path: Path) -> str:
        """`file:line` of the deepest part of `path` that exists."""
        return f"{self.name}:{self._follow(path).line}"

    def located(self, mistake: Mistake) -> Located:
        """The mistake with its place; its path must start at the top of the file."""
        return Located(self.place(mistake.path), path_text(mistake.path), mistake.message, mistake.fix, mistake.path)

    def read(self, model: type[Model]) -> Model:
        """The file as `model`. FileError with every mistake found."""
        if self.data is None:
            raise FileError([Located(f"{self.name}:1", "", "the file is empty")])
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            raise self.explain(error, model) from None

    def explain(self, error: ValidationError, model: type[BaseModel], *, at: Path = ()) -> FileError:
        """What validating the part of the file at `at` against `model` found, told by line and path."""
        details = [_Detail(entry, self._follow((*at, *entry["loc"]))) for entry in error.errors(include_url=False)]
        found: list[tuple[int, Located]] = []
        for detail in _without_misspelt(_prune_branches(details)):
            for mistake in _reword(detail, model):
                path = detail.at.path + mistake.path
                place = self._follow(path)
                located = Located(f"{self.name}:{place.line}", path_text(path), mistake.message, mistake.fix, path)
                found.append((place.line, located))
        found.sort(key=lambda pair: pair[0])
        return FileError(list(dict.fromkeys(located for _, located in found)))

    def _follow(self, path: Sequence[str | int]) -> _At:
        """Walk along `path`, stepping over parts that are not in the file (names of union branches)."""
        node, line = self._root, 1
        known: list[str | int] = []
        strange: list[_Strange] = []
        for part in path:
            child = _child(node, part) if node is not None else None
            if child is None:
                strange.append(_Strange(part, len(known)))
                continue
            line, node = child
            known.append(part)
        return _At(tuple(known), line, tuple(strange))

    def _construct(self, node: yaml.Node, path: Path, above: tuple[int, ...]) -> Any:
        if id(node) in above:
            raise self._refuse(node, path, "refers to itself")
        above = (*above, id(node))
        if isinstance(node, yaml.SequenceNode):
            return [self._construct(item, (*path, index), above) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._construct_mapping(node, path, above)
        return _scalar(node)

    def _construct_mapping(self, node: yaml.MappingNode, path: Path, above: tuple[int, ...]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._refuse(key, path, "a key must be a plain word")
            line = key.start_mark.line + 1
            if key.value in result:
                message = f"key '{key.value}' is given twice, first on line {first[key.value]}"
                raise self._refuse(key, (*path, key.value), message, "Keep one of the two.")
            first[key.value] = line
            result[key.value] = self._construct(value, (*path, key.value), above)
        return result

    def _refuse(self, node: yaml.Node, path: Path, message: str, fix: str = "") -> FileError:
        return FileError([Located(f"{self.name}:{node.start_mark.line + 1}", path_text(path), message, fix)])


@dataclass(frozen=True, slots=True)
class _Strange:
    """A part of a pydantic location that is not in the file, and how many known parts stand before it."""

    part: str | int
    depth: int


@dataclass(frozen=True, slots=True)
class _At:
    path: Path
    line: int
    strange: tuple[_Strange, ...]


@dataclass(frozen=True, slots=True)
class _Detail:
    error: ErrorDetails
    at: _At
    alternatives: tuple[str, ...] = field(default=())

    @property
    def branches(self) -> tuple[_Strange, ...]:
        """The union branches that pydantic tried on the way to this error."""
        strange = self.at.strange
        if strange and (self.error["type"] == "missing" or strange[-1].part == "[key]"):
            strange = strange[:-1]
        return strange


class _Loader(yaml.SafeLoader):
    """Composes nodes with the scalar types of YAML 1.2."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _starts in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+(?:_[0-9]+)*", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_starts))


def _compose(text: str, place: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        what = " ".join(filter(None, (error.context, error.problem)))
        fix = "Check the indentation, quotes and colons here and on the line above."
        raise FileError([Located(f"{place}:{line}", "", f"not valid YAML: {what}", fix)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise FileError([Located(f"{place}:{line}", "", f"not valid YAML: {error.reason}")]) from None


def _scalar(node: yaml.Node) -> Any:
    kind = node.tag.rpartition(":")[2]
    if kind == "bool":
        return node.value.lower() == "true"
    if kind == "int":
        return int(node.value.replace("_", ""))
    if kind == "float":
        return float(node.value)
    return None if kind == "null" else node.value


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    """(line, node) below `node`; the line of a mapping's entry is its key's."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line + 1, item
    return None


def _prune_branches(details: list[_Detail]) -> list[_Detail]:
    """Pydantic reports every branch of a union. Keep the branch that fits what was written."""
    level = 0
    while any(len(detail.branches) > level for detail in details):
        groups: dict[object, list[_Detail]] = {}
        for index, detail in enumerate(details):
            branches = detail.branches
            key = (detail.at.path[: branches[level].depth],) if len(branches) > level else index
            groups.setdefault(key, []).append(detail)
        details = [kept for group in groups.values() for kept in _fitting(group, level)]
        level += 1
    return details


def _fitting(group: list[_Detail], level: int) -> list[_Detail]:
    if len(group) == 1:
        return group
    misfits = {detail.branches[level].part for detail in group if _is_misfit(detail, level)}
    fitting = [detail for detail in group if detail.branches[level].part not in misfits]
    if fitting:
        return fitting
    told = tuple(dict.fromkeys(_wording(detail.error) for detail in group if _is_misfit(detail, level)))
    return [_Detail(group[0].error, group[0].at, told)]


def _is_misfit(detail: _Detail, level: int) -> bool:
    """Whether the branch failed at its very root because another kind of value stands there."""
    at_root = len(detail.at.path) == detail.branches[level].depth and len(detail.branches) == level + 1
    return at_root and detail.error["type"].endswith(("_type", "_attributes_type"))


def _without_misspelt(details: list[_Detail]) -> list[_Detail]:
    """A key that is missing because it was misspelt is told once: as the unknown key that stands in its place."""
    unknown: dict[tuple[int | str, ...], list[str]] = {}
    for detail in details:
        if detail.error["type"] == "extra_forbidden":
            *parent, key = detail.error["loc"]
            unknown.setdefault(tuple(parent), []).append(str(key))

    def misspelt(detail: _Detail) -> bool:
        *parent, key = detail.error["loc"] or ("",)
        written = unknown.get(tuple(parent), ())
        return detail.error["type"] == "missing" and bool(get_close_matches(str(key), written, n=1, cutoff=0.6))

    return [detail for detail in details if not misspelt(detail)]


_WORDS = {
    "string_type": "should be a text",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "dict_type": "should be a mapping (key: value)",
    "model_type": "should be a mapping (key: value)",
    "model_attributes_type": "should be a mapping (key: value)",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "frozen_set_type": "should be a list",
    "set_type": "should be a list",
}


def _wording(error: ErrorDetails) -> str:
    message = _WORDS.get(error["type"])
    if message is None:
        message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        message = message.replace("Input should be", "should be").replace("Input should have", "should have")
    return message


def _reword(detail: _Detail, model: type[BaseModel]) -> list[Mistake]:
    error = detail.error
    cause = (error.get("ctx") or {}).get("error")
    if isinstance(cause, MistakesError):
        return list(cause.mistakes)
    key = str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "missing":
        return [Mistake((), f"key '{key}' is missing")]
    if error["type"] == "extra_forbidden":
        return [Mistake((), f"unknown key '{key}'", did_you_mean(key, _keys_at(model, error["loc"][:-1])))]
    if error["type"] == "too_short" and not error["input"]:
        return [Mistake((), "is empty", "Name at least one.")]
    if error["type"] in ("literal_error", "enum", "union_tag_invalid"):
        return [_unknown_value(error)]
    message = " or ".join(detail.alternatives) if detail.alternatives else _wording(error)
    value = error["input"]
    shown = value is None or (isinstance(value, str | int | float) and not _is_secret(model, error["loc"]))
    if message.startswith("should") and shown:
        message += f", not {_shown(value)}"
    return [Mistake((), message)]


def _unknown_value(error: ErrorDetails) -> Mistake:
    context = error.get("ctx") or {}
    options = re.findall(r"'([^']*)'", str(context.get("expected") or context.get("expected_tags") or ""))
    value = context.get("tag", error["input"])
    if isinstance(value, str):
        return Mistake((), f"unknown value {_shown(value)}", did_you_mean(value, options))
    return Mistake((), f"should be one of {', '.join(options)}")


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


def _is_secret(model: type[BaseModel], loc: Sequence[str | int]) -> bool:
    return any(branch in (SecretStr, SecretBytes) for annotation in _at(model, loc) for branch in _branches(annotation))


def _keys_at(model: type[BaseModel], loc: Sequence[str | int]) -> list[str]:
    """The keys that the model takes where pydantic's location `loc` leads."""
    models = [branch for annotation in _at(model, loc) for branch in _branches(annotation) if _is_model(branch)]
    return list(dict.fromkeys(key for found in models for key in _keys(found)))


def _at(model: type[BaseModel], loc: Sequence[str | int]) -> list[Any]:
    """The annotations of the model where pydantic's location `loc` leads."""
    here: list[Any] = [model]
    for part in loc:
        branches = [branch for annotation in here for branch in _branches(annotation)]
        below = [step for branch in branches if (step := _step(branch, part)) is not None]
        named = [branch for branch in branches if getattr(branch, "__name__", None) == part]
        here = below or named or branches
    return here


def _keys(model: type[BaseModel]) -> dict[str, Any]:
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _branches(annotation: Any) -> list[Any]:
    """The members of a union, through `Annotated` and named aliases."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _branches(typing.get_args(annotation)[0])
    if hasattr(annotation, "__value__"):
        return _branches(annotation.__value__)
    if origin in (typing.Union, types.UnionType):
        return [branch for member in typing.get_args(annotation) for branch in _branches(member)]
    return [annotation]


def _step(annotation: Any, part: str | int) -> Any:
    if _is_model(annotation):
        return _keys(annotation).get(str(part))
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None or origin is Literal or not isinstance(origin, type) or not arguments:
        return None
    if issubclass(origin, Mapping):
        return arguments[1]
    if isinstance(part, int) and issubclass(origin, Sequence | frozenset | set):
        return arguments[0]
    return None
