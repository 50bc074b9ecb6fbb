"""What tests share: no retry waits, no settings of the developer's own, third parties' packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.budgets import Budgets

if TYPE_CHECKING:
    from tests.databases import NewDatabase

ROOT = Path(__file__).parent.parent

# (package, source, entry point's name, extras) -> None; see `third_party`.
LayOut = Callable[..., None]


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's LEADLINE_* variables are not the tests' business."""
    for name in [name for name in os.environ if name.startswith("LEADLINE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def third_party(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[LayOut]:
    """Lay out an installed distribution, as pip leaves it: a package, and metadata with an entry point."""
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(str(folder))
    packages = []

    def lay_out(package: str, source: str, *, name: str = "acme", extras: tuple[str, ...] = ()) -> None:
        packages.append(package)
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text(source)
        info = folder / f"{package}-1.0.dist-info"
        info.mkdir()
        metadata = ["Metadata-Version: 2.1", f"Name: {package}", "Version: 1.0"]
        metadata += [f"Provides-Extra: {extra}" for extra in extras]
        metadata += [f"Requires-Dist: no-such-client>=1; extra == '{extra}'" for extra in extras]
        (info / "METADATA").write_text("\n".join(metadata) + "\n")
        (info / "entry_points.txt").write_text(f"[leadline.connectors]\n{name} = {package}:connector\n")

    yield lay_out
    for module in [module for module in sys.modules if module.partition(".")[0] in packages]:
        del sys.modules[module]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--db=sqlite` leaves PostgreSQL out."""
    parser.addoption("--db", default="sqlite,postgres", help="databases to test on, of: sqlite, postgres")


def pytest_configure(config: pytest.Config) -> None:
    """Add up the seconds of each suite, where the results of all processes arrive."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Budgets(), "budgets")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `new_database` runs once on each kind of database."""
    if "new_database" in metafunc.fixturenames:
        kinds = metafunc.config.getoption("--db").split(",")
        metafunc.parametrize("new_database", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest) -> Iterator[NewDatabase]:
    """Gives addresses of new databases, migrated or `empty=True`. PostgreSQL that cannot start is a failure."""
    from tests.databases import postgres_databases, sqlite_databases

    factories = {"sqlite": sqlite_databases, "postgres": postgres_databases}
    with ExitStack() as stack:
        yield stack.enter_context(factories[request.param]())
