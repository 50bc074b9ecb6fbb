"""Everything that can be wrong before a run, looked at in turn; one finding does not hide the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadline.app.bootstrap import LiveConnection, connect, load_model_file
from leadline.app.mappings import check_mapping
from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import Finding

if TYPE_CHECKING:
    from leadline.config import Settings


@dataclass(frozen=True, slots=True)
class Examined:
    """A finding and what it belongs to: `project`, or a connection's name."""

    part: str
    finding: Finding


def examine(settings: Settings) -> Iterator[Examined]:
    """Look at the model, the database, and every connection: sign-in, permissions, mapping."""
    yield Examined("project", Finding(True, "settings", f"{settings.project / 'leadline.yaml'} is well formed"))
    yield Examined("project", _model(settings))
    yield Examined("project", _database(settings))
    if not settings.connections:
        fix = "Fill in `connections:` in leadline.yaml; docs/settings.md shows how."
        yield Examined("project", Finding(False, "connections", "none is set up", fix))
    for name in settings.connections:
        for finding in _connection(settings, name):
            yield Examined(name, finding)


def _model(settings: Settings) -> Finding:
    try:
        model = load_model_file(settings.model_file)
    except LeadlineError as error:
        return _failed("model", error)
    return Finding(True, "model", f"{model.name}, version {model.digest[:12]}")


def _database(settings: Settings) -> Finding:
    from leadline.store.database import open_engine

    try:
        engine = open_engine(settings.database_url, folder=settings.project)
    except LeadlineError as error:
        return _failed("database", error)
    shown = engine.url.render_as_string(hide_password=True)
    engine.dispose()
    return Finding(True, "database", shown)


def _connection(settings: Settings, name: str) -> Iterator[Finding]:
    try:
        live = connect(settings, name)
    except LeadlineError as error:
        yield _failed("set-up", error)
        return
    try:
        found = live.connection.check()
        yield from found
        if all(finding.ok for finding in found):
            yield from _mapping(settings, live)
    except LeadlineError as error:
        yield _failed("connection", error)
    finally:
        live.connection.close()


def _mapping(settings: Settings, live: LiveConnection) -> Iterator[Finding]:
    file = settings.mapping_file(live.name)
    problems = check_mapping(live.mapping, str(file), live.connection)
    for problem in problems:
        yield Finding(False, "mapping", f"{problem.place}: {problem.message}", problem.fix)
    if not problems:
        objects = len(live.mapping.objects)
        yield Finding(True, "mapping", f"{file.name} fits the CRM ({objects} objects)")


def _failed(what: str, error: LeadlineError) -> Finding:
    head = f"{error.place}: {error.message}" if error.place else error.message
    return Finding(False, what, head, error.fix)
