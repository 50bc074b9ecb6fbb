"""Checking mappings: a file alone, and against the live CRM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadline.app.bootstrap import connect
from leadline.core.normalize.check import Problem, check_live
from leadline.core.normalize.mapping import Mapping, load
from leadline.sdk.errors import PermanentError
from leadline.sdk.records import ObjectSchema
from leadline.yamlfile import FileError, Located

if TYPE_CHECKING:
    from leadline.config import Settings
    from leadline.sdk.ports import Describer


@dataclass(frozen=True, slots=True)
class Checked:
    """One connection's mapping file and what is wrong with it. `live`: the CRM was asked too."""

    connection: str
    file: str
    live: bool
    problems: list[Problem]


def check_mapping(mapping: Mapping | str, place: str, connection: Describer | None) -> list[Problem]:
    """Everything wrong with a mapping or its text; with a connection also what does not fit the CRM.

    `place` is the file's name. An object that the CRM does not know or hides is a problem;
    CredentialsError and TransientError of the connection are raised.
    """
    if isinstance(mapping, str):
        try:
            mapping = load(mapping, place)
        except FileError as error:
            return [_problem(mistake) for mistake in error.mistakes]
    return [] if connection is None else check_live(mapping, _schemas(mapping, connection))


def run_check(settings: Settings, *, offline: bool) -> Iterator[Checked]:
    """Check the mapping of every connection of a project; against the CRM unless `offline`.

    A file with mistakes is not taken to the CRM. ConfigError when a file cannot be read or a
    connection cannot be set up, TransientError when the CRM does not answer.
    """
    for name in settings.connections:
        file = settings.mapping_file(name)
        problems = check_mapping(file.read_text(encoding="utf-8"), str(file), None)
        if offline or problems:
            yield Checked(name, str(file), live=False, problems=problems)
            continue
        live = connect(settings, name)
        try:
            yield Checked(name, str(file), True, check_mapping(live.mapping, str(file), live.connection))
        finally:
            live.connection.close()


def _problem(mistake: Located) -> Problem:
    message = f"{mistake.path}: {mistake.message}" if mistake.path else mistake.message
    return Problem(mistake.place, "", "", message, mistake.fix)


def _schemas(mapping: Mapping, connection: Describer) -> dict[str, ObjectSchema]:
    schemas: dict[str, ObjectSchema] = {}
    for name in mapping.objects:
        try:
            schemas[name] = connection.schema(name)
        except PermanentError:
            continue  # told as an object that does not exist
    return schemas
