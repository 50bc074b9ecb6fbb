"""The options that every command takes, wherever they stand on the line.

`leadline --json sync`, `leadline sync --json` and `leadline outbox --json list` mean the same: each
group and command carries these options, and what was said is kept in one place, `current()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.main import get_command

if TYPE_CHECKING:
    from leadline.app.lookback import Asked
    from leadline.config import Settings

PANEL = "Everywhere"
_NO_TIME = "'{}' is not an ISO 8601 time, e.g. 2025-03-01T09:00:00Z."


@dataclass(frozen=True, slots=True)
class Options:
    """What was said on the command line, whatever the command.

    `project` is the folder that holds `leadline.yaml`. `now` is in whole seconds UTC, None for the
    real time.
    """

    project: Path = Path()
    json: bool = False
    now: int | None = None
    verbose: bool = False

    def settings(self) -> Settings:
        """Load the project's settings, and set up logging as they say. `ConfigError` when they are wrong."""
        from leadline import config, log

        settings = config.load(self.project, now=self.now)
        log.configure(
            level="debug" if self.verbose else settings.log.level,
            format=settings.log.format,
            secrets=settings.secrets(),
        )
        return settings


_current: ContextVar[Options] = ContextVar("leadline.cli.options")


def current() -> Options:
    """What was said on the command line that is being run; the defaults outside of one."""
    return _current.get(Options())


@contextmanager
def fresh() -> Iterator[None]:
    """Begin a command line on which nothing was said yet."""
    token = _current.set(Options())
    try:
        yield
    finally:
        _current.reset(token)


def instant(text: str) -> int:
    """Whole seconds since 1970 UTC of an ISO 8601 time; a time without zone is UTC. `ValueError` otherwise."""
    parsed = datetime.fromisoformat(text)
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


def asked(at: str | None, *, as_known: bool, model: str | None) -> Asked:
    """What `--at`, `--as-known` and `--model` ask for. `BadParameter` for a time that is none."""
    from leadline.app.lookback import Asked

    if at is None and as_known:
        raise typer.BadParameter("--as-known says how to look back: give a time with --at.")
    try:
        return Asked(None if at is None else instant(at), as_known, model)
    except ValueError as error:
        raise typer.BadParameter(_NO_TIME.format(at)) from error


def parameters(*, of_root: bool = False) -> list[Any]:
    """Fresh parameter objects of the shared options, for one command.

    Only the root reads the environment: what was said there must not hide what a person typed.
    """
    probe = typer.Typer(add_completion=False)
    probe.command()(_shared)
    made = list(get_command(probe).params)
    for parameter in made:
        parameter.envvar = parameter.envvar if of_root else None
    return made


def _say(**said: object) -> None:
    """Keep what was said. Called once per group and command: what is left at its default changes nothing."""
    _current.set(replace(current(), **{name: value for name, value in said.items() if value}))  # type: ignore[arg-type]  # Typer has checked the types


def _say_project(value: Path | None) -> None:
    _say(project=value)


def _say_json(value: bool) -> None:
    _say(json=value)


def _say_verbose(value: bool) -> None:
    _say(verbose=value)


def _say_now(value: str | None) -> None:
    if value is None:
        return
    try:
        _say(now=instant(value))
    except ValueError as error:
        raise typer.BadParameter(_NO_TIME.format(value)) from error


def _say_version(value: bool) -> None:
    if value:
        from leadline import __version__

        typer.echo(f"leadline {__version__}")
        raise typer.Exit


def _shared(
    project: Annotated[
        Path | None,
        typer.Option(
            "--project",
            metavar="DIR",
            envvar="LEADLINE_PROJECT",
            help="The folder that holds leadline.yaml. \\[default: this folder]",
            expose_value=False,
            callback=_say_project,
            rich_help_panel=PANEL,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object, for machines.",
            expose_value=False,
            callback=_say_json,
            rich_help_panel=PANEL,
        ),
    ] = False,
    now: Annotated[
        str | None,
        typer.Option(
            "--now",
            metavar="TIME",
            envvar="LEADLINE_NOW",
            help="Act as if it were this ISO 8601 time.",
            expose_value=False,
            callback=_say_now,
            rich_help_panel=PANEL,
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", help="Log every step.", expose_value=False, callback=_say_verbose, rich_help_panel=PANEL
        ),
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and stop.",
            is_eager=True,
            expose_value=False,
            callback=_say_version,
            rich_help_panel=PANEL,
        ),
    ] = False,
) -> None:
    """Carry the shared options; never called."""
