"""The only place where concrete things are built: settings, database, mappings, model, connections."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from leadline import registry
from leadline.config.origin import FILE
from leadline.sdk.errors import ConfigError
from leadline.sdk.ports import CallMade, Connection, Connector, Runtime, Webhooks
from leadline.yamlfile import Document, FileError, Mistake, did_you_mean

if TYPE_CHECKING:
    from sqlalchemy import Connection as DatabaseConnection
    from sqlalchemy import Engine

    from leadline.config import Settings
    from leadline.core.normalize.mapping import Mapping
    from leadline.core.scoring.model import Model


@dataclass(frozen=True, slots=True)
class LiveConnection:
    """A connection with the mapping that says what to read and write there."""

    name: str
    connector: Connector
    connection: Connection
    mapping: Mapping
    digest: str
    """Hash of the mapping and of the options that are no secrets: which mapping, for which CRM."""
    webhooks: Callable[[], Webhooks | None] = lambda: None
    """Makes the reader of the system's webhooks; None when the options hold nothing to prove them with."""


@dataclass(slots=True)
class Project:
    """A project folder, opened. Everything that a use case needs hangs here."""

    settings: Settings
    engine: Engine
    model: Model
    connections: dict[str, LiveConnection]
    now: Callable[[], int]
    sleep: Callable[[float], None]
    hearers: list[Callable[[CallMade], None]] = field(default_factory=list)
    model_text: str = ""
    """The text of the model's file."""
    _readers: list[Engine] = field(default_factory=list)
    _mappings: dict[str, Mapping] = field(default_factory=dict)

    def writing(self) -> contextlib.AbstractContextManager[DatabaseConnection]:
        """A transaction that may write."""
        from leadline.store.database import writing

        return writing(self.engine)

    def reading(self) -> Engine:
        """The database for transactions that only read."""
        from leadline.store.database import reading

        if not self._readers:
            self._readers.append(reading(self.engine))
        return self._readers[0]

    def listen(self, listener: Callable[[CallMade], None]) -> None:
        """Send word of every call to `listener` from now on."""
        self.hearers[:] = [listener]

    def mapping_of(self, name: str) -> Mapping:
        """The mapping of a connection, connected or not."""
        if name not in self._mappings:
            live = self.connections.get(name)
            self._mappings[name] = live.mapping if live else load_mapping_file(self.settings.mapping_file(name))
        return self._mappings[name]


def load_model_file(path: Path) -> Model:
    """The scoring model in a file; ConfigError naming file and line."""
    from leadline.core.scoring.load import load_model

    return load_model(_text(path, "model"), place=str(path))


def load_project_model(settings: Settings) -> Model:
    """The project's scoring model. ConfigError also for a play that names a pool which the settings do not have:
    it would assign nobody."""
    return _project_model(settings)[0]


def _project_model(settings: Settings) -> tuple[Model, str]:
    """The project's scoring model, and the text of its file."""
    from leadline.core.scoring.load import load_model

    path = settings.model_file
    text = _text(path, "model")
    model = load_model(text, place=str(path))
    pools = list(settings.routing.pools)
    lost = [
        Mistake(
            (*path, "assign"),
            f"there is no pool '{play.assign}' in the settings",
            did_you_mean(play.assign, pools) or f"Add it under `routing.pools` in {FILE}.",
        )
        for path, _, play in model.every_play()
        if play.assign is not None and play.assign not in pools
    ]
    if lost:
        document = Document(text, str(path))
        raise FileError([document.located(mistake) for mistake in lost])
    return model, text


def load_mapping_file(path: Path) -> Mapping:
    """The mapping in a file; ConfigError naming file and line."""
    from leadline.core.normalize.mapping import load

    return load(_text(path, "mapping"), place=str(path))


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"there is no {what} file here",
            place=str(path),
            fix="Name it in leadline.yaml, or run `leadline init` to get one to start from.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the {what} file cannot be read: {error}", place=str(path)) from None


def connect(
    settings: Settings,
    name: str,
    *,
    on_call: Callable[[CallMade], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    spent: Callable[[], int] = lambda: 0,
) -> LiveConnection:
    """One connection of the settings, its mapping read. Does not talk to the system yet."""
    chosen = settings.connection(name)
    with _at(settings.place("connections", name, "connector")):
        connector = registry.load(chosen.connector)
    mapping = load_mapping_file(settings.mapping_file(name))
    if mapping.system != connector.name:
        raise ConfigError(
            f"this mapping is for {mapping.system!r}, the connection uses {connector.name!r}",
            place=mapping.place(("system",)),
            fix=f"Give connection {name!r} a mapping whose `system` is {connector.name!r}.",
        )
    runtime = Runtime(
        name=name,
        now=settings.clock(),
        sleep=sleep,
        timeout=settings.http.timeout_seconds,
        daily_calls=chosen.daily_calls,
        spent=spent,
        on_call=on_call,
        attempts=settings.http.attempts,
    )
    options = settings.options(name, connector.options)
    with _at(settings.place("connections", name, "connector")):
        made = registry.connect(chosen.connector, options, runtime)
    digest = _digest(connector, options, mapping)
    return LiveConnection(name, connector, made, mapping, digest, lambda: connector.webhooks(options, runtime))


@contextlib.contextmanager
def _at(place: str) -> Iterator[None]:
    """Give a ConfigError that names no place this one."""
    try:
        yield
    except ConfigError as error:
        error.place = error.place or place
        raise


def _digest(connector: Connector, options: dict[str, object], mapping: Mapping) -> str:
    secret = {key for key, field in connector.options.model_fields.items() if "Secret" in str(field.annotation)}
    public = {key: value for key, value in options.items() if key not in secret}
    text = json.dumps([connector.name, public, mapping.document.data], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@contextlib.contextmanager
def open_project(
    settings: Settings,
    *,
    sleep: Callable[[float], None] = time.sleep,
    connected: bool = True,
) -> Iterator[Project]:
    """Open the project of these settings and close it at the end.

    Everything that can be wrong in files is found before the database is touched: settings, model,
    pools that plays name, mappings. `connected` False leaves the systems and their mappings out, for
    commands that only look at what is stored.
    """
    if connected and not settings.connections:
        raise ConfigError(
            "no connection is set up",
            place=str(settings.project / FILE),
            fix="Fill in `connections:`; docs/settings.md shows how.",
        )
    model, text = _project_model(settings)
    from leadline.app.spending import Spending

    with contextlib.ExitStack() as stack:
        hearers: list[Callable[[CallMade], None]] = []
        spending = Spending(settings.clock())

        def heard(call: CallMade) -> None:
            spending(call)
            for hearer in hearers:
                hearer(call)

        connections: dict[str, LiveConnection] = {}
        for name in settings.connections if connected else ():
            spent = partial(spending.spent, name)
            connections[name] = connect(settings, name, on_call=heard, sleep=sleep, spent=spent)
            stack.callback(connections[name].connection.close)
        from leadline.store.database import open_engine

        engine = open_engine(settings.database_url, folder=settings.project)
        stack.callback(engine.dispose)
        spending.open(engine)
        stack.callback(spending.flush)
        yield Project(settings, engine, model, connections, settings.clock(), sleep, hearers, text)
