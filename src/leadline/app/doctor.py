"""Everything that can be wrong before a run, looked at in turn; one finding does not hide the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadline.app.bootstrap import LiveConnection, connect, load_project_model
from leadline.app.mappings import check_mapping
from leadline.app.team import active_members
from leadline.app.webhooks import address
from leadline.sdk.errors import LeadlineError
from leadline.sdk.records import Finding
from leadline.store.checks import save_check
from leadline.store.contests import count_frozen
from leadline.store.database import open_engine, reading, writing
from leadline.store.facts import load_owners
from leadline.yamlfile import did_you_mean

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from leadline.config import Settings
    from leadline.core.scoring.model import Model


@dataclass(frozen=True, slots=True)
class Examined:
    """A finding and what it belongs to: `project`, or a connection's name."""

    part: str
    finding: Finding


def examine(settings: Settings) -> Iterator[Examined]:
    """Look at the model, the database, and every connection: sign-in, permissions, mapping, sequences, owners."""
    yield Examined("project", Finding(True, "settings", "leadline.yaml is well formed"))
    model = _model(settings)
    yield Examined("project", _of_model(model))
    engine = _database(settings)
    try:
        yield Examined("project", _of_database(engine, settings))
        if not settings.connections:
            fix = "Fill in `connections:` in leadline.yaml; docs/settings.md shows how."
            yield Examined("project", Finding(False, "connections", "none is set up", fix))
        for name in settings.connections:
            for finding in _connection(settings, name, model, engine):
                yield Examined(name, finding)
    finally:
        if not isinstance(engine, LeadlineError):
            engine.dispose()


def _model(settings: Settings) -> Model | LeadlineError:
    try:
        return load_project_model(settings)
    except LeadlineError as error:
        return error


def _of_model(model: Model | LeadlineError) -> Finding:
    if isinstance(model, LeadlineError):
        return _failed("model", model)
    return Finding(True, "model", f"{model.name}, version {model.digest[:12]}")


def _database(settings: Settings) -> Engine | LeadlineError:
    try:
        return open_engine(settings.database_url, folder=settings.project)
    except LeadlineError as error:
        return error


def _of_database(engine: Engine | LeadlineError, settings: Settings) -> Finding:
    if isinstance(engine, LeadlineError):
        return _failed("database", engine)
    shown = engine.url.render_as_string(hide_password=True)
    return Finding(True, "database", shown.replace(f"{settings.project}/", ""))


def _connection(
    settings: Settings, name: str, model: Model | LeadlineError, engine: Engine | LeadlineError
) -> Iterator[Finding]:
    try:
        live = connect(settings, name)
    except LeadlineError as error:
        yield _failed("set-up", error)
        return
    try:
        found = live.connection.check()
        yield from found
        if all(finding.ok for finding in found):
            yield from _mapping(settings, live, engine)
        yield _webhooks(settings, live)
        if not isinstance(model, LeadlineError):
            yield from _sequences(settings, model, live)
            yield from _owners(settings, model, name, engine)
        yield from _frozen(name, engine)
    except LeadlineError as error:
        yield _failed("connection", error)
    finally:
        live.connection.close()


def _mapping(settings: Settings, live: LiveConnection, engine: Engine | LeadlineError) -> Iterator[Finding]:
    file = Path(live.mapping.document.name)
    problems = check_mapping(live.mapping, str(file), live.connection)
    for problem in problems:
        place = problem.place.removeprefix(f"{settings.project}/")
        yield Finding(False, "mapping", f"{place}: {problem.message}", problem.fix)
    if not problems:
        objects = len(live.mapping.objects)
        yield Finding(True, "mapping", f"{file.name} fits the CRM ({objects} objects)")
        if not isinstance(engine, LeadlineError):
            with writing(engine) as connection:
                save_check(connection, live.name, live.digest, now=settings.clock()())


def _webhooks(settings: Settings, live: LiveConnection) -> Finding:
    """Whether webhooks of this connection are taken, and where. None is no fault: the schedule finds everything."""
    if live.webhooks() is None:
        minutes = settings.schedule.every_minutes
        return Finding(True, "webhooks", f"not set up; changes are seen by schedule, every {minutes} minutes")
    if settings.web.public_url is None:
        said = "taken at the worker's own address; where the CRM calls another, set web.public_url to that"
        return Finding(True, "webhooks", said)
    return Finding(True, "webhooks", f"taken on {address(settings.web.public_url, live.name)}")


def _sequences(settings: Settings, model: Model, live: LiveConnection) -> Iterator[Finding]:
    """Plays that would enrol nobody here, or put nobody on a list, because the mapping does not know which."""
    able, mapping = live.connector.capabilities, live.mapping
    plays = [(group, play) for _, group, play in model.every_play()]
    for key, does, size, known, wanted in (
        ("sequence", "enrols in", able.enrol_batch, mapping.sequences, [(g, p.sequence) for g, p in plays]),
        ("list", "adds to", able.list_batch, mapping.lists, [(g, p.list_) for g, p in plays]),
    ):
        for group, name in dict.fromkeys(wanted) if size else ():
            if name is not None and name not in known:
                place = mapping.place((f"{key}s",)).removeprefix(f"{settings.project}/")
                fix = did_you_mean(name, list(known)) or f"Add it under `{key}s`, or take it out of the play."
                said = f"{place}: the play of {group} {does} '{name}', which the mapping does not name"
                yield Finding(False, key, said, fix)


def _owners(settings: Settings, model: Model, name: str, engine: Engine | LeadlineError) -> Iterator[Finding]:
    """Pools that plays assign from and that have nobody here. Owners are known once they have been read."""
    if isinstance(engine, LeadlineError):
        return
    with reading(engine).begin() as connection:
        owners = load_owners(connection, name)
    used = dict.fromkeys(play.assign for _, _, play in model.every_play() if play.assign is not None)
    for pool in used if owners else ():
        if not active_members(owners, settings.routing, pool):
            fix = f"Correct `routing.pools.{pool}` in leadline.yaml: owners go by e-mail address or CRM id."
            yield Finding(False, "owners", f"pool '{pool}' has no active owner in this CRM", fix)


def _frozen(name: str, engine: Engine | LeadlineError) -> Iterator[Finding]:
    """Fields that something else keeps changing back."""
    if isinstance(engine, LeadlineError):
        return
    with reading(engine).begin() as connection:
        counts = count_frozen(connection, name)
    for written, records in counts.items():
        said = f"'{written}' of {records:,} records is left alone: something else keeps changing it back"
        fix = "Find what changes it (`leadline outbox list` shows examples), then run `leadline outbox unfreeze --all`."
        yield Finding(False, "frozen", said, fix)


def _failed(what: str, error: LeadlineError) -> Finding:
    head = f"{error.place}: {error.message}" if error.place and error.place != what else error.message
    return Finding(False, what, head, error.fix)
