"""Finds the installed connectors, and imports one when it is used.

A connector is an entry point of the group `leadline.connectors`: its name is what a settings file
says, its value the object that satisfies `leadline.sdk.ports.Connector`. Listing imports nothing.
A vendor's client is an extra of the connector's distribution, so it may be absent: that is told
apart from a connector that is broken, and answered with the command that installs it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import TYPE_CHECKING, cast

from leadline.sdk.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from leadline.sdk.ports import Connection, Connector, Runtime
    from leadline.sdk.sandbox.vendor import VendorFactory

GROUP = "leadline.connectors"

# `vendor-client>=1.2; extra == "vendor"`, as the metadata of a distribution writes it.
_REQUIREMENT = re.compile(r"^\s*(?P<name>[A-Za-z0-9._-]+)[^;]*;(?P<marker>.*)$")
_EXTRA = re.compile(r"""extra\s*==\s*['"](?P<extra>[^'"]+)['"]""")


def names() -> list[str]:
    """The names of the installed connectors, sorted. Imports none of them."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load(name: str) -> Connector:
    """Import the connector called `name`.

    Raises `ConfigError` when no such connector is installed, or two packages claim the name, or the
    connector does not hold what its entry point promises; `MissingExtraError` when a package that
    it needs is absent. A connector that is broken in itself raises what it raises.
    """
    point = _entry_point(name)
    with _needs(point):
        try:
            loaded = point.load()
        except AttributeError as error:
            raise ConfigError(
                f"connector '{name}' is installed wrongly: {point.module} has no '{point.attr}'.",
                fix=f"Reinstall the package that brings it ({_dist_name(point)}).",
            ) from error
    return cast("Connector", loaded)


def connect(name: str, options: Mapping[str, object], runtime: Runtime) -> Connection:
    """Make a connection with the connector called `name`; errors as for `load`, and the connector's own."""
    connector = load(name)
    with _needs(_entry_point(name)):
        return connector.connect(options, runtime)


def sandbox(name: str) -> VendorFactory:
    """The sandbox that the connector brings. `ConfigError` when it brings none, otherwise as for `load`."""
    connector = load(name)
    with _needs(_entry_point(name), extra="sandbox"):
        factory = connector.sandbox()
    if factory is None:
        raise ConfigError(f"connector '{name}' brings no sandbox.", fix="`leadline connectors` shows which do.")
    return factory


def missing_packages(name: str) -> list[str]:
    """Distributions that the connector's extra asks for and that are not installed. Imports nothing.

    Empty when all are there, and for a connector whose distribution declares no extra of that name.
    """
    dist = _entry_point(name).dist
    if dist is None:
        return []
    return sorted(required for required in _required_by(dist, name) if not _installed(required))


def package(name: str) -> str:
    """The distribution that brings the connector called `name`, with its version. Imports nothing."""
    dist = _entry_point(name).dist
    return f"{dist.name} {dist.version}" if dist else ""


def install_command(name: str) -> str:
    """The command that installs what the connector called `name` needs."""
    point = _entry_point(name)
    return _install_command(point, extra=name, module=_dist_name(point))


def _entry_point(name: str) -> EntryPoint:
    found = entry_points(group=GROUP, name=name)
    claims = {point.value: point for point in found}
    if not claims:
        raise _unknown(name)
    if len(claims) > 1:
        owners = ", ".join(sorted(_dist_name(point) for point in claims.values()))
        raise ConfigError(f"two packages bring a connector called '{name}': {owners}.", fix="Uninstall one of them.")
    return next(iter(claims.values()))


def _unknown(name: str) -> ConfigError:
    installed = names()
    close = difflib.get_close_matches(name, installed, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    listing = f"Installed: {', '.join(installed)}." if installed else "No connector is installed."
    return ConfigError(f"no connector called '{name}' is installed.", fix=hint + listing)


@contextmanager
def _needs(point: EntryPoint, *, extra: str | None = None) -> Iterator[None]:
    """Turn the absence of a third party's module into `MissingExtraError`; let all else through."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not missing or missing in {point.module.partition(".")[0], "leadline"}:
            raise
        raise MissingExtraError(
            f"connector '{point.name}' needs '{missing}', which is not installed.",
            fix=f"Run: {_install_command(point, extra=extra or point.name, module=missing)}",
        ) from error


def _install_command(point: EntryPoint, *, extra: str, module: str) -> str:
    offered = (point.dist.metadata.get_all("Provides-Extra") or []) if point.dist else []
    if extra in offered:
        return f"pip install '{_dist_name(point)}[{extra}]'"
    return f"pip install {module}"


def _dist_name(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.module


def _required_by(dist: Distribution, extra: str) -> Iterator[str]:
    for line in dist.requires or []:
        requirement = _REQUIREMENT.match(line)
        marked = _EXTRA.search(requirement["marker"]) if requirement else None
        if requirement and marked and marked["extra"] == extra:
            yield requirement["name"]


def _installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
