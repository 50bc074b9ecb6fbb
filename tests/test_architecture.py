"""Who may import whom, and what may be called what. Connectors are discovered from their folders.

Import-linter keeps the engine's layers (pyproject.toml); the rules here are those that it cannot say.
Every rule is also tried on a copy of the tree in which it was broken on purpose.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# What the core may import of ours, besides itself.
CORE_MAY = ("leadline.core", "leadline.sdk.records", "leadline.sdk.errors", "leadline.yamlfile")

# The world outside, which the core must not touch: files, sockets, clocks, databases, chance.
WORLD = {"os", "io", "pathlib", "socket", "subprocess", "time", "random", "urllib", "http", "sqlite3", "sqlalchemy"}

MAGNETS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "shared", "stuff"}
LONGEST_MODULE = 500

Rule = Callable[[Path], list[str]]


def files(folder: Path, pattern: str) -> list[Path]:
    """Files below a folder; what tools leave behind in folders like `.hypothesis` is no part of the tree."""
    found = (path for path in folder.rglob(pattern) if path.is_file())
    return sorted(path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts))


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Every module of the engine and of the connectors: its dotted name and its file."""
    for source in (root / "src", root / "connectors"):
        for path in files(source, "*.py"):
            parts = path.relative_to(source).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def connectors(root: Path) -> list[str]:
    """The import packages in connectors/."""
    return sorted(path.parent.name for path in (root / "connectors").glob("*/__init__.py"))


def imports(path: Path) -> set[str]:
    """What a module imports, also within functions and for types; `from a import b` counts as a and as a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            found.add(origin)
            found.update(f"{origin}.{alias.name}" for alias in node.names)
    return found


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def engine_imports_no_connector(root: Path) -> list[str]:
    return [
        f"{module} imports {name}"
        for module, path in modules(root)
        for name in imports(path)
        if within(module, "leadline") and within(name, *connectors(root))
    ]


def connector_imports_only_the_sdk(root: Path) -> list[str]:
    return [
        f"{module} imports {name}"
        for module, path in modules(root)
        for name in imports(path)
        if within(module, *connectors(root)) and within(name, "leadline") and not within(name, "leadline.sdk")
        if name not in ("leadline", "leadline.sdk")
    ]


def connector_imports_no_other_connector(root: Path) -> list[str]:
    return [
        f"{module} imports {name}"
        for module, path in modules(root)
        for name in imports(path)
        for other in connectors(root)
        if within(module, *connectors(root)) and not within(module, other) and within(name, other)
    ]


def core_is_pure(root: Path) -> list[str]:
    return [
        f"{module} imports {name}"
        for module, path in modules(root)
        for name in imports(path)
        if within(module, "leadline.core")
        if (within(name, "leadline") and not within(name, *CORE_MAY) and name not in ("leadline", "leadline.sdk"))
        or name.partition(".")[0] in WORLD
    ]


def engine_names_no_vendor(root: Path) -> list[str]:
    vendors = re.compile("|".join(name.removeprefix("leadline_") for name in connectors(root)), re.IGNORECASE)
    return [
        f"{path.relative_to(root)}:{number} names {found[0]}"
        for path in files(root / "src", "*")
        if path.suffix != ".pyc"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := vendors.search(line))
    ]


def writers_take_turns(root: Path) -> list[str]:
    """A transaction that may write is `writing(engine)`: on SQLite the threads of a process take turns."""
    others = {
        "leadline.store.database",  # where turns are made
        "leadline.app.webhooks",  # has an engine of its own, which gives up soon
    }
    return [
        f"{module}:{node.lineno} begins a transaction by itself"
        for module, path in modules(root)
        if within(module, "leadline") and module not in others
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "begin"
        if not node.args and "reading" not in ast.unparse(node.func.value)
    ]


def no_relative_import(root: Path) -> list[str]:
    return [f"{module} imports {name}" for module, path in modules(root) for name in imports(path) if name[0] == "."]


def no_magnet_module(root: Path) -> list[str]:
    return [module for module, _ in modules(root) if module.rpartition(".")[2] in MAGNETS]


def no_package_without_init(root: Path) -> list[str]:
    """Import-linter passes over a folder without `__init__.py`: its modules would keep no layer."""
    loaded_by_path = root / "src/leadline/store/migrations/versions"  # by Alembic, one by one
    folders = {path.parent for _, path in modules(root)} - {root / "src", root / "connectors", loaded_by_path}
    return [str(folder.relative_to(root)) for folder in sorted(folders) if not (folder / "__init__.py").is_file()]


def no_overlong_module(root: Path) -> list[str]:
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in modules(root)}
    return [f"{module} has {length} lines" for module, length in lengths.items() if length > LONGEST_MODULE]


RULES: tuple[Rule, ...] = (
    engine_imports_no_connector,
    connector_imports_only_the_sdk,
    connector_imports_no_other_connector,
    core_is_pure,
    engine_names_no_vendor,
    writers_take_turns,
    no_relative_import,
    no_magnet_module,
    no_package_without_init,
    no_overlong_module,
)

# rule -> (file, what is written into it, what must be complained about)
PLANTS: dict[Rule, tuple[str, str, str]] = {
    engine_imports_no_connector: (
        "src/leadline/app/planted.py",
        "def late():\n    from leadline_planted import connector\n",
        "leadline.app.planted imports leadline_planted",
    ),
    connector_imports_only_the_sdk: (
        "connectors/leadline_planted/reach.py",
        "from leadline.core import entities\n",
        "leadline_planted.reach imports leadline.core",
    ),
    connector_imports_no_other_connector: (
        "connectors/leadline_planted/borrow.py",
        "import leadline_other.source\n",
        "leadline_planted.borrow imports leadline_other.source",
    ),
    core_is_pure: ("src/leadline/core/planted.py", "import time\n", "leadline.core.planted imports time"),
    engine_names_no_vendor: (
        "src/leadline/app/planted_name.py",
        '"""Made for Planted."""\n',
        "src/leadline/app/planted_name.py:1 names Planted",
    ),
    writers_take_turns: (
        "src/leadline/app/hasty.py",
        "with engine.begin() as connection:\n    pass\n",
        "leadline.app.hasty:1 begins a transaction by itself",
    ),
    no_relative_import: ("src/leadline/app/near.py", "from . import sync\n", "leadline.app.near imports ."),
    no_magnet_module: ("src/leadline/utils.py", "", "leadline.utils"),
    no_package_without_init: ("src/leadline/app/bare/idea.py", "", "src/leadline/app/bare"),
    no_overlong_module: (
        "src/leadline/app/long.py",
        "#\n" * (LONGEST_MODULE + 1),
        f"leadline.app.long has {LONGEST_MODULE + 1} lines",
    ),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule, root: Path) -> None:
    assert rule(root) == []


def test_there_are_modules_to_look_at(root: Path) -> None:
    """An empty walk would keep every rule."""
    found = [module for module, _ in modules(root)]

    assert {"leadline.registry", "leadline.core.entities", "leadline.sdk.ports"} <= set(found)
    assert connectors(root) == ["leadline_hubspot", "leadline_salesforce"]


def test_what_tools_leave_behind_is_passed_over(tmp_path: Path) -> None:
    """Run from within a source folder, Hypothesis leaves its finds there, which are no text."""
    for folder in ("src/.hypothesis/examples", "src/leadline/.hypothesis", "connectors/.hypothesis/constants"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "0f").write_bytes(b"\xff\xfe")
        (tmp_path / folder / "utils.py").write_bytes(b"import os\n")
    (tmp_path / "src/leadline/__init__.py").touch()

    assert list(modules(tmp_path)) == [("leadline", tmp_path / "src/leadline/__init__.py")]
    assert [complaint for rule in RULES for complaint in rule(tmp_path)] == []


@pytest.fixture(scope="module")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with two more connectors, to break rules in."""
    copied = tmp_path_factory.mktemp("tree")
    for part in ("src", "connectors"):
        shutil.copytree(root / part, copied / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", copied)
    for name in ("leadline_planted", "leadline_other"):
        (copied / "connectors" / name).mkdir()
        (copied / "connectors" / name / "__init__.py").touch()
    return copied


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_planted_violation_is_found(rule: Rule, copy: Path) -> None:
    file, text, complaint = PLANTS[rule]
    planted = copy / file
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(text)

    try:
        assert complaint in rule(copy)
    finally:
        planted.unlink()


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        (None, "", "kept"),
        ("src/leadline/utils.py", "", "leadline.utils"),
        ("src/leadline/core/planted.py", "import leadline.app.sync\n", "leadline.core.planted -> leadline.app.sync"),
    ],
)
def test_the_layers_hold_and_a_planted_violation_is_found(
    copy: Path, file: str | None, text: str, complaint: str
) -> None:
    planted = copy / (file or "src/leadline/py.typed")
    if file:
        planted.write_text(text)

    ended = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src")},
        capture_output=True,
        text=True,
        check=False,
    )

    if file:
        planted.unlink()
    assert complaint in ended.stdout
    assert ended.returncode == (1 if file else 0)
