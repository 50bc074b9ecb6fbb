"""What is on disk is what is declared, installed and shipped."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import distribution, entry_points, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Every connector has these, so that a reader of one knows the others.
SAME_IN_EVERY_CONNECTOR = {"__init__.py", "py.typed", "connector.py", "source.py", "sink.py", "errors.py", "README.md"}


@pytest.fixture(scope="module")
def declared(root: Path) -> dict[str, Any]:
    """The `[project]` table of pyproject.toml."""
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return project


@pytest.fixture(scope="module")
def folders(root: Path) -> dict[str, Path]:
    """The folders of the connectors, by the connector's name."""
    return {path.name.removeprefix("leadline_"): path for path in (root / "connectors").glob("[!.]*") if path.is_dir()}


@pytest.fixture(scope="module")
def files(root: Path) -> list[str]:
    """What git would ship: everything that is tracked, or new and not ignored."""
    if not (root / ".git").exists():
        pytest.skip("not a checkout")
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listing.stdout.splitlines() if (root / name).is_file()]


@pytest.fixture(scope="session")
def artefacts(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source archive, and the wheel built from it."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(root)],
        check=True,
        capture_output=True,
    )
    (archive,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return archive, wheel


def test_every_folder_is_declared_and_has_its_extra_and_mapping(
    declared: dict[str, Any], folders: dict[str, Path], root: Path
) -> None:
    """Adding a connector: a folder, an entry point, an extra, the extra's name in `all`, a mapping."""
    points = declared["entry-points"]["leadline.connectors"]
    extras = declared["optional-dependencies"]

    assert points == {name: f"leadline_{name}:connector" for name in folders}
    assert set(folders) <= set(extras)
    assert Requirement(extras["all"][0]).extras == set(folders)
    assert [name for name in folders if not (root / "mappings" / f"{name}.yaml").is_file()] == []


def test_what_is_declared_is_installed(declared: dict[str, Any]) -> None:
    """Entry points are metadata of the installation: after adding one, run `make install` again."""
    installed = {
        point.name: point.value
        for point in entry_points(group="leadline.connectors")
        if point.dist is not None and point.dist.name == "leadline"
    }

    assert installed == declared["entry-points"]["leadline.connectors"]


def test_every_connector_has_the_same_files(folders: dict[str, Path]) -> None:
    lacking = {
        name: sorted(missing)
        for name, folder in folders.items()
        if (missing := SAME_IN_EVERY_CONNECTOR - {path.name for path in folder.iterdir()})
    }

    assert lacking == {}


def test_no_loose_module_beside_the_connectors(root: Path) -> None:
    """It would be importable from a checkout and absent from the wheel."""
    assert [path.name for path in (root / "connectors").iterdir() if path.suffix == ".py"] == []


def shipped(files: list[str]) -> Iterator[str]:
    """Where each file lands in the wheel: both roots are stripped, starter files travel in the engine."""
    for name in files:
        top, _, rest = name.partition("/")
        if top == "src" or (top == "connectors" and "/" in rest):
            yield rest
        elif top in ("mappings", "models"):
            yield f"leadline/_starter/{name}"


def test_the_wheel_holds_what_git_holds(artefacts: tuple[Path, Path], files: list[str]) -> None:
    with zipfile.ZipFile(artefacts[1]) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert held == set(shipped(files))


def test_nothing_leaks_to_the_top_of_site_packages(artefacts: tuple[Path, Path], folders: dict[str, Path]) -> None:
    with zipfile.ZipFile(artefacts[1]) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "leadline",
        *(folder.name for folder in folders.values()),
    }


def test_the_wheel_declares_its_connectors_and_its_command(
    artefacts: tuple[Path, Path], declared: dict[str, Any]
) -> None:
    with zipfile.ZipFile(artefacts[1]) as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
        points = ConfigParser()
        points.read_string(wheel.read(name).decode())

    assert dict(points["leadline.connectors"]) == declared["entry-points"]["leadline.connectors"]
    assert dict(points["console_scripts"]) == declared["scripts"]


def test_the_source_archive_can_be_tested_and_built(artefacts: tuple[Path, Path], files: list[str]) -> None:
    """It holds sources, tests and documents, and nothing that git does not hold."""
    with tarfile.open(artefacts[0]) as archive:
        held = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()} - {"PKG-INFO"}

    assert held <= set(files)
    wanted = ("src/", "connectors/", "mappings/", "models/", "tests/", "docs/", "Makefile", "constraints.txt")
    assert {name for name in files if name.startswith(wanted)} <= held


def test_no_machine_and_no_index_is_written_into_what_is_shipped(artefacts: tuple[Path, Path], root: Path) -> None:
    telling = re.compile(rf"{re.escape(str(root))}|--index-url|--extra-index-url|--find-links|://pypi\.|/simple/")
    with zipfile.ZipFile(artefacts[1]) as wheel:
        found = {name for name in wheel.namelist() if telling.search(wheel.read(name).decode("utf-8", "replace"))}

    assert found == set()


def pins(root: Path) -> dict[str, str]:
    lines = (root / "constraints.txt").read_text().splitlines()
    pattern = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+")
    assert [line for line in lines if not pattern.fullmatch(line)] == []
    return {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in lines}


def test_constraints_are_plain_pins_in_order(root: Path) -> None:
    """No address, no option, no path: which index they come from is the installing machine's business."""
    lines = (root / "constraints.txt").read_text().splitlines()

    assert lines == sorted(lines, key=lambda line: (line.upper(), line))
    assert "leadline" not in pins(root)


def test_constraints_pin_what_is_declared_and_what_is_installed(root: Path, declared: dict[str, Any]) -> None:
    """After changing a dependency: `make constraints`."""
    pinned = pins(root)
    groups = tomllib.loads((root / "pyproject.toml").read_text())["dependency-groups"]
    lists = [declared["dependencies"], *declared["optional-dependencies"].values(), *groups.values()]
    wanted = {Requirement(line) for lines in lists for line in lines}
    stale = {str(need) for need in wanted if need.name != "leadline" and not satisfied(need, pinned)}

    assert stale == set()
    assert {name: distribution(name).version for name in pinned} == pinned


def satisfied(need: Requirement, pinned: dict[str, str]) -> bool:
    version = pinned.get(canonicalize_name(need.name))
    return version is not None and need.specifier.contains(version)


def third_parties(folder: Path) -> set[str]:
    """The distributions that the modules in `folder` import, also late."""
    by_module = packages_distributions()
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            tops = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
            found |= {canonicalize_name(by_module[top][0]) for top in tops if top in by_module}
    return found - {"leadline", "pydantic-core"}  # the latter is pydantic's own half


def test_what_is_imported_is_declared(declared: dict[str, Any], folders: dict[str, Path], root: Path) -> None:
    """A package that only happens to be there today is missed in the field tomorrow."""
    extras = declared["optional-dependencies"]

    def names(*lists: list[str]) -> set[str]:
        return {canonicalize_name(Requirement(line).name) for lines in lists for line in lines}

    engine = names(declared["dependencies"], extras["sandbox"], extras["testing"], extras["postgres"], extras["spark"])
    undeclared = {"src": third_parties(root / "src") - engine}
    for name, folder in folders.items():
        undeclared[name] = third_parties(folder) - engine - names(extras[name])

    assert {place: found for place, found in undeclared.items() if found} == {}


@pytest.fixture(scope="session")
def bare(artefacts: tuple[Path, Path], root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and no extra, as a stranger gets it."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=True)
    pip_install(folder, str(artefacts[1]), root=root)
    return folder


def pip_install(environment: Path, what: str, *, root: Path) -> None:
    subprocess.run(
        [environment / "bin/python", "-m", "pip", "install", "--quiet", "--constraint", root / "constraints.txt", what],
        check=True,
        capture_output=True,
    )


def leadline(environment: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("LEADLINE_", "PYTHON"))}
    return subprocess.run(
        [environment / "bin/leadline", *arguments], cwd=cwd, env=own, capture_output=True, text=True, check=False
    )


@pytest.mark.heavy
def test_the_wheel_works_where_nothing_else_is(bare: Path, tmp_path: Path, folders: dict[str, Path]) -> None:
    """Without extras: help, a new project, and a list of connectors that says what each still needs."""
    assert leadline(bare, "--help", cwd=tmp_path).returncode == 0
    made = leadline(bare, "init", "--json", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert {"leadline.yaml", "models/b2b.yaml", *(f"mappings/{name}.yaml" for name in folders)} <= set(
        json.loads(made.stdout)["written"]
    )

    listed = leadline(bare, "connectors", "--json", cwd=tmp_path)
    rows = {row["name"]: row for row in json.loads(listed.stdout)["connectors"]}
    assert set(rows) == set(folders)
    for name, row in rows.items():
        assert (row["ready"], row["fix"]) == (False, f"pip install 'leadline[{name}]'")


@pytest.mark.heavy
def test_the_wheel_with_its_extras_is_ready(
    bare: Path, artefacts: tuple[Path, Path], root: Path, tmp_path: Path
) -> None:
    pip_install(bare, f"{artefacts[1]}[all]", root=root)

    listed = leadline(bare, "connectors", "--json", cwd=tmp_path)

    assert [row["ready"] for row in json.loads(listed.stdout)["connectors"]] == [True, True]


def test_the_image_is_small_safe_and_built_like_everything_else(root: Path) -> None:
    """No container engine is needed to see the essentials."""
    text = (root / "Dockerfile").read_text()
    instructions = [line.split(maxsplit=1) for line in text.replace("\\\n", " ").splitlines() if line[:1].isupper()]
    starts = [index for index, (word, _) in enumerate(instructions) if word == "FROM"]
    builder, runtime = instructions[starts[0] : starts[1]], instructions[starts[1] :]

    assert len(starts) == 2
    assert ["RUN", "make deploy PREFIX=/opt/leadline PYTHON=python3"] in builder
    assert instructions[starts[1]][1].endswith("-slim")
    assert ["COPY", "--from=builder /opt/leadline /opt/leadline"] in runtime
    assert [rest for word, rest in runtime if word == "COPY"] == ["--from=builder /opt/leadline /opt/leadline"]
    words = [word for word, _ in runtime]
    assert dict(runtime[words.index("USER") :])["USER"] == "leadline"
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert dict(runtime)["ENTRYPOINT"] == '["leadline"]'
    assert "HEALTHCHECK" in words
    assert "pip install" not in text


def test_the_image_is_given_what_it_copies(root: Path) -> None:
    let_in = {line[1:] for line in (root / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (root / "Dockerfile").read_text(), re.MULTILINE)

    assert {name for names in copied for name in names.split()} == let_in
    assert [name for name in let_in if not (root / name).exists()] == []


def test_the_deployed_extras_leave_the_sandboxes_out(root: Path) -> None:
    deploy = (root / "Makefile").read_text().partition("\ndeploy:")[2].partition("\n\n")[0]

    assert ".[all$(,)postgres]" in deploy
    assert "sandbox" not in deploy


def make(root: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")  # the tests themselves are run by make
    env = {name: value for name, value in os.environ.items() if name not in outer}
    return subprocess.run(
        ["make", *arguments],
        cwd=root,
        env={**env, "PATH": path or env["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_interpreter_that_is_too_old_is_passed_over(root: Path, tmp_path: Path) -> None:
    for name, body in (("python3.11", "exit 1"), ("python3.12", f'exec {sys.executable} "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)

    chosen = make(root, "--eval", "chosen: ; @echo $(PYTHON)", "chosen", path=f"{tmp_path}:{os.environ['PATH']}")

    assert chosen.stdout == "python3.12\n", chosen.stderr


def test_without_an_interpreter_the_message_says_what_is_needed(root: Path, tmp_path: Path) -> None:
    ended = make(root, "install", "PYTHON=", f"VENV={tmp_path}/venv")

    assert ended.returncode == 2
    assert "Leadline needs Python 3.11 or newer" in ended.stderr
    assert not (tmp_path / "venv").exists()
