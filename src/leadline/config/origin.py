"""Where a setting's value came from, and what a reference in it stands for.

Values are gathered from the settings file, from secret files and from environment variables.
`Origin` remembers all three, so that a complaint about a value names the line or the variable that
someone must change, and so that references are resolved late, against the same environment.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from dotenv import dotenv_values
from pydantic import BaseModel, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    SecretsSettingsSource,
    SettingsError,
)

from leadline.sdk.errors import ConfigError
from leadline.yamlfile import Document, FileError, Located, Mistake

FILE = "leadline.yaml"
PREFIX = "LEADLINE_"
SECRETS_DIR = "/run/secrets"

KeyPath: TypeAlias = tuple[str | int, ...]

_REFERENCE = re.compile(r"\$(?P<escaped>\$?)\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_KEY = re.compile(r"token|secret|password|passphrase|credential|private_key|api_?key", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"://[^:/@]*:(?P<password>[^@]+)@")


@dataclass(frozen=True)
class Origin:
    """The three places that the settings of one project come from, as they were when read.

    `environment` is the process's environment over the project's `.env`; `from_files` and
    `from_variables` are the settings found in secret files and in the environment, nested.
    """

    folder: Path
    document: Document
    environment: Mapping[str, str]
    from_files: Mapping[str, Any]
    from_variables: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path, settings: type[BaseSettings], environ: Mapping[str, str]) -> Origin:
        """Gather what `settings` may take for the project in `folder`. `ConfigError` for what cannot be read."""
        file = folder / FILE
        if not file.is_file():
            raise ConfigError(
                f"there is no {FILE} in this folder, so it is no project.",
                fix="Run `leadline init` there, or name the project with --project.",
                place=str(folder),
            )
        document = Document(file.read_text(encoding="utf-8"), str(file))
        written = {name: value for name, value in dotenv_values(folder / ".env").items() if value is not None}
        environment = {**written, **environ}
        try:
            secret = NestedSecretsSettingsSource(
                SecretsSettingsSource(settings),
                secrets_dir=environment.get(f"{PREFIX}SECRETS_DIR", SECRETS_DIR),
                secrets_dir_missing="ok",
            )()
            said = _Variables(settings, environment)()
        except SettingsError as error:
            raise ConfigError(f"{error}.", fix="Give it as JSON, or key by key.", place=_variable_in(error)) from None
        return cls(folder.resolve(), document, environment, secret, said)

    def values(self, **overrides: Any) -> dict[str, Any]:
        """What is said about every key, the strongest source last. FileError when the file is no mapping."""
        data = {} if self.document.data is None else self.document.data
        if not isinstance(data, dict):
            raise FileError([self.document.located(Mistake((), "should be a mapping (key: value)"))])
        return _merged(data, self.from_files, self.from_variables, overrides)

    def place(self, path: KeyPath) -> str:
        """The variable, secret file or line of the settings file that gave the value at `path`."""
        for kind, values in (("variable", self.from_variables), ("secret file", self.from_files)):
            if given := _given(values, path):
                return f"{kind} {PREFIX}{'__'.join(str(part) for part in given).upper()}"
        return self.document.place(path)

    def explain(self, error: ValidationError, model: type[BaseModel], at: KeyPath = ()) -> FileError:
        """The error of validating the value at `at` against `model`, with the place of each mistake."""
        # What was validated stands in no single file: tell it by its paths, then look up who gave each.
        whole = Document(json.dumps(self.values(), default=str), self.document.name)
        placed = [replace(one, place=self.place(one.keys)) for one in whole.explain(error, model, at=at).mistakes]
        return FileError(sorted(placed, key=self._line))

    def resolve(self, value: Any, path: KeyPath) -> Any:
        """`value` with its references replaced: `${VARIABLE}` in any text, `{file: path}` as a whole.

        `ConfigError` naming the place and the key when a reference leads nowhere.
        """
        if isinstance(value, str):
            return _REFERENCE.sub(lambda match: self._variable(match, path), value)
        if isinstance(value, list):
            return [self.resolve(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, dict):
            if set(value) == {"file"}:
                return self._content(value["file"], path)
            return {key: self.resolve(item, (*path, key)) for key, item in value.items()}
        return value

    def secrets(self, value: Any, path: KeyPath) -> Iterator[str]:
        """Every secret within `value` that can be resolved now: by the name of its key, or read from a file."""
        if isinstance(value, dict) and set(value) != {"file"}:
            for key, item in value.items():
                yield from self.secrets(item, (*path, key))
            return
        try:
            resolved = self.resolve(value, path)
        except ConfigError:
            return
        if not isinstance(resolved, str):
            return
        if isinstance(value, dict) or _SECRET_KEY.search(str(path[-1])):
            yield resolved
        elif password := _URL_PASSWORD.search(resolved):
            yield password["password"]

    def _line(self, mistake: Located) -> int:
        """The line in the settings file; mistakes from elsewhere come first."""
        name, _, line = mistake.place.rpartition(":")
        return int(line) if name == self.document.name else 0

    def _variable(self, match: re.Match[str], path: KeyPath) -> str:
        if match["escaped"]:
            return match[0][1:]
        value = self.environment.get(match["name"])
        if value:
            return value
        message = f"environment variable {match['name']} is {'not set' if value is None else 'empty'}."
        raise self._lost(path, message, "Set it, or put it into the project's .env.")

    def _content(self, file: object, path: KeyPath) -> str:
        try:
            return (self.folder / str(file)).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise self._lost(
                path, f"secret file '{file}' cannot be read: {why.lower()}.", "Check path and rights."
            ) from None

    def _lost(self, path: KeyPath, message: str, fix: str) -> ConfigError:
        key = ".".join(str(part) for part in path)
        return ConfigError(f"{key}: {message}", fix=fix, place=self.place(path))


class _Variables(EnvSettingsSource):
    """Settings in an environment that was handed over, rather than in the process's own."""

    def __init__(self, settings: type[BaseSettings], environment: Mapping[str, str]) -> None:
        super().__init__(settings)
        self.env_vars = {name.lower(): value for name, value in environment.items()}


def process_environment() -> dict[str, str]:
    """The environment that this process was started with."""
    return dict(os.environ)


def _variable_in(error: SettingsError) -> str:
    found = re.search(r'field "(?P<name>[^"]+)"', str(error))
    return f"variable {PREFIX}{found['name'].upper()}" if found else ""


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings laid over each other, key by key at every depth; the last one wins."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            if isinstance(below, Mapping) and isinstance(value, Mapping):
                result[key] = _merged(below, value)
            else:
                result[key] = value
    return result


def _given(values: Mapping[str, Any], path: KeyPath) -> KeyPath:
    """The part of `path` at which `values` gives something that is no mapping; empty when it gives nothing there."""
    here: Any = values
    for depth, part in enumerate(path):
        if not isinstance(here, Mapping):
            return path[:depth]
        if part not in here:
            return ()
        here = here[part]
    return () if isinstance(here, Mapping) else path
