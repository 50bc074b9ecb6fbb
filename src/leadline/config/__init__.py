"""The settings of a project folder: every key once, with its type, its default and what it is for.

A project is a folder with a `leadline.yaml`. A key is taken, in this order, from the environment
(`LEADLINE_WEB__PORT` is `web.port`; a `.env` file in the folder counts as environment), from a
secret file of the same name (in the folder that `LEADLINE_SECRETS_DIR` names, `/run/secrets`
unless told), from `leadline.yaml`, from the default. `docs/settings.md` has a heading per key.

References to secrets are resolved when they are used, not when the settings are loaded, so that a
command that talks to nobody needs no credentials.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from leadline.config.origin import PREFIX, Origin, process_environment
from leadline.sdk.errors import ConfigError

_NAME = re.compile(r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$")


def instant(value: object) -> object:
    """Whole seconds since 1970 UTC of an ISO 8601 text; a time without zone is UTC. Other values as they are.

    `ValueError` for a text that is no time.
    """
    if not isinstance(value, str):
        return value
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"'{value}' is not an ISO 8601 time, e.g. 2025-03-01T09:00:00Z") from None
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


def _connection_name(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError("a connection's name is lower-case letters, digits, single - and _, e.g. 'crm-eu'")
    return name


def _public_url(address: str | None) -> str | None:
    """The address without a slash at its end: paths are put behind it."""
    if address is None:
        return None
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("an address as vendors call it, e.g. https://leadline.acme.com, without a query")
    return address.rstrip("/")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ConnectionSettings(_Part):
    """One system that Leadline signs in to."""

    connector: str = Field(description="Which connector to use; `leadline connectors` lists them.")
    mapping: Path = Field(
        default=Path(),
        description="The field mapping, relative to the project; `mappings/<connector>.yaml` unless given.",
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        repr=False,
        description="The connector's own options; see its README. Secrets as `${VARIABLE}` or `{file: path}`.",
    )
    daily_calls: int | None = Field(
        default=None, ge=1, description="API calls that Leadline may make in a day, none for the vendor's own limit."
    )

    @model_validator(mode="before")
    @classmethod
    def _mapping_of_connector(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("connector"), str) and not data.get("mapping"):
            return {**data, "mapping": f"mappings/{data['connector']}.yaml"}
        return data


class Member(_Part):
    """One owner in a routing pool."""

    owner: str = Field(description="The owner's e-mail address, or their id in the CRM.")
    weight: int = Field(default=1, ge=1, le=1000, description="The owner's share, relative to the other members'.")


def _one_pool() -> dict[str, list[Member]]:
    return {"sales": []}


class RoutingSettings(_Part):
    """Who receives the records that a play hands over."""

    pools: dict[str, list[Member]] = Field(
        default_factory=_one_pool,
        description="Owners by pool; plays name the pool. An empty list is every active owner, with equal shares.",
    )
    unassigned_owners: list[str] = Field(
        default_factory=list,
        description="Owners (e-mail or id) that stand for nobody, such as an integration's user: "
        "their records are handed out and they receive none.",
    )


class PushSettings(_Part):
    """When a score is worth writing to the CRM. A change of group always is."""

    min_points: int = Field(default=5, ge=1, description="Write when the score moved by at least this many points.")
    max_age_hours: int = Field(
        default=168, ge=1, description="Write a smaller move once the last write is older than this, in hours."
    )
    freeze_after: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="Leave a field of a record alone once something else has changed it back so many writes in a row.",
    )


class ScheduleSettings(_Part):
    """How often `leadline run` syncs."""

    every_minutes: int = Field(default=15, ge=1, le=1440, description="Minutes from one start of a sync to the next.")


class HttpSettings(_Part):
    """How calls to a CRM are made."""

    timeout_seconds: float = Field(default=30, gt=0, le=600, description="Hard deadline of one call, in seconds.")
    attempts: int = Field(default=5, ge=1, le=20, description="How often a call that may be repeated is tried.")


class WebSettings(_Part):
    """Where `leadline run` serves its health endpoint and takes webhooks."""

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 inside a container.")
    port: int = Field(default=8686, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: Annotated[str | None, AfterValidator(_public_url)] = Field(
        default=None, description="Address by which vendors reach this worker, where webhooks come through a proxy."
    )


class WebhookSettings(_Part):
    """What `leadline run` does about webhooks."""

    settle_seconds: float = Field(
        default=2, ge=0, le=300, description="Seconds from the first webhook to the run that follows it."
    )


class LogSettings(_Part):
    """What is logged, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="The least level shown.")
    format: Literal["console", "json"] = Field(default="console", description="For people, or one JSON object a line.")


class SyncSettings(_Part):
    """How a run is cut up."""

    chunk: int = Field(default=1_000, ge=1, le=50_000, description="Subjects scored and decided in one transaction.")
    read_workers: int = Field(default=2, ge=1, le=16, description="Objects of one connection read at the same time.")


class WriteSettings(_Part):
    """How writing to one CRM is kept to one worker at a time."""

    lease_seconds: int = Field(
        default=90, ge=10, le=3600, description="How long a silent worker keeps its right to write, in seconds."
    )


class RetentionSettings(_Part):
    """How long the past is kept."""

    days: int = Field(
        default=400,
        ge=0,
        le=36_500,
        description="Days for which ended effects, runs and former facts and scores are kept; 0 keeps all.",
    )


class SparkSettings(_Part):
    """How scoring reaches Spark, with `frames: spark`."""

    master: str = Field(default="local[*]", description="The cluster, as Spark names it: local[*], spark://host:7077.")
    folder: Path = Field(
        default=Path(".spark"),
        description="Folder for the Parquet files of a scoring, relative to the project; every machine reaches it.",
    )
    options: dict[str, str] = Field(
        default_factory=dict, description="Further options of Spark, by their full names, e.g. spark.driver.memory."
    )


class Settings(BaseSettings):
    """Everything that a deployment can choose."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    database: str = Field(
        default="sqlite:///leadline.db",
        repr=False,
        description="SQLAlchemy address. A SQLite path is relative to the project; `${VARIABLE}` is replaced.",
    )
    model: Path = Field(default=Path("models/b2b.yaml"), description="The scoring model, relative to the project.")
    connections: dict[Annotated[str, AfterValidator(_connection_name)], ConnectionSettings] = Field(
        default_factory=dict, description="The systems to read and write, by a name of your choice."
    )
    routing: RoutingSettings = Field(default_factory=RoutingSettings)
    push: PushSettings = Field(default_factory=PushSettings)
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    sync: SyncSettings = Field(default_factory=SyncSettings)
    write: WriteSettings = Field(default_factory=WriteSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    frames: Literal["local", "spark"] = Field(
        default="local", description="Where everything at once is scored: on this machine, or by Spark."
    )
    spark: SparkSettings = Field(default_factory=SparkSettings)
    now: Annotated[int | None, BeforeValidator(instant)] = Field(
        default=None, description="Act as if it were this ISO 8601 time; for sandboxes and rehearsals."
    )

    _origin: Origin = PrivateAttr()

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: Any) -> Any:
        """A section whose keys are all commented out is empty in YAML: it stands for its defaults."""
        return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` gathered and nothing else: the process's environment is an argument of `load`."""
        return (init_settings,)

    @property
    def project(self) -> Path:
        """The project folder, absolute."""
        return self._origin.folder

    @property
    def model_file(self) -> Path:
        """The scoring model, absolute."""
        return self.project / self.model

    @property
    def spark_folder(self) -> Path:
        """Where the files of a scoring on Spark lie, absolute."""
        return self.project / self.spark.folder

    def mapping_file(self, connection: str) -> Path:
        """The field mapping of a connection, absolute."""
        return self.project / self.connection(connection).mapping

    def place(self, *path: str) -> str:
        """The line of the settings file, the variable or the secret file that gave the value at `path`."""
        return self._origin.place(path)

    def connection(self, name: str) -> ConnectionSettings:
        """The connection called `name`; `ConfigError` when there is none."""
        try:
            return self.connections[name]
        except KeyError:
            known = ", ".join(self.connections) or "none"
            raise ConfigError(
                f"no connection called '{name}'.",
                fix=f"Connections here: {known}.",
                place=self._origin.place(("connections",)),
            ) from None

    @property
    def database_url(self) -> str:
        """The database's address, references replaced and a SQLite path absolute."""
        address = self._origin.resolve(self.database, ("database",))
        scheme, separator, path = str(address).partition(":///")
        if separator and scheme.startswith("sqlite") and path and not path.startswith(("/", ":memory:", "file:")):
            return f"{scheme}:///{self.project / path}"
        return str(address)

    def options(self, connection: str, model: type[BaseModel] | None = None) -> dict[str, Any]:
        """A connection's options with references replaced, checked against the connector's `model` if given.

        `ConfigError` naming file, line and key for a reference that leads nowhere or a value that the
        connector does not take. The values are as written: the connector reads them into its model.
        """
        path = ("connections", connection, "options")
        values = self._origin.resolve(self.connection(connection).options, path)
        if model is not None:
            try:
                model.model_validate(values)
            except ValidationError as error:
                raise self._origin.explain(error, model, path) from None
        return dict(values)

    def clock(self) -> Callable[[], int]:
        """A clock of whole seconds UTC: it stands when `now` is set."""
        fixed = self.now
        return (lambda: int(time.time())) if fixed is None else (lambda: fixed)

    def secrets(self) -> frozenset[str]:
        """Every secret in the settings that can be resolved now; logs must show none of them."""
        found = set(self._origin.secrets(self.database, ("database",)))
        for name, connection in self.connections.items():
            found.update(self._origin.secrets(connection.options, ("connections", name, "options")))
        return frozenset(found)


def load(folder: Path, *, now: int | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of the project in `folder`. `now`, in seconds UTC, overrides the setting.

    `environ` is the process's environment unless given. `ConfigError` naming file, line and key when
    something is wrong; nothing else is read or opened.
    """
    origin = Origin.read(folder, Settings, process_environment() if environ is None else environ)
    try:
        settings = Settings(**origin.values(**({} if now is None else {"now": now})))
    except ValidationError as error:
        raise origin.explain(error, Settings) from None
    settings._origin = origin
    return settings
