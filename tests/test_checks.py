"""Each check of `.ci/run` fails when something is wrong, and says what.

The rules on imports are tried in `test_architecture.py`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.budgets import BUDGETS, Budgets

BIN = Path(sys.executable).parent

DOCS = "pytest -vv tests/test_docs.py -k "
PACKAGING = "pytest -vv tests/test_packaging.py -k "


@dataclass(frozen=True)
class Plant:
    """Something wrong: `text` is added to the end of `file`, and `command` must then fail with `complaint`."""

    file: str
    text: str
    command: str
    complaint: str


PLANTS = {
    "unused import": Plant("src/leadline/planted.py", "import os\n", "ruff check .", "F401"),
    "format": Plant("bench/planted.py", "x = {  'a':1 }\n", "ruff format --check .", "bench/planted.py"),
    "type of a new connector": Plant(
        "connectors/leadline_zoho/__init__.py",
        '"""Zoho."""\n\nname: int = "zoho"\n',
        "mypy",
        "connectors/leadline_zoho/__init__.py:3: error: Incompatible types",
    ),
    "half a connector": Plant(
        "connectors/leadline_zoho/__init__.py",
        '"""Zoho."""\n',
        PACKAGING + "every_folder_is_declared",
        "leadline_zoho:connector",
    ),
    "loose module": Plant("connectors/loose.py", "", PACKAGING + "no_loose_module", "loose.py"),
    "unpinned dependency": Plant(
        "constraints.txt",
        "zzz @ https://example.test/z.whl\n",
        PACKAGING + "plain_pins",
        "zzz @",
    ),
    "undeclared package": Plant(
        "src/leadline/app/events.py",
        "\nimport pandas\n",
        PACKAGING + "imported_is_declared",
        "pandas",
    ),
    "undocumented setting": Plant(
        "docs/settings.md",
        "\n### `web.colour`\n\nWhich one.\n",
        DOCS + "no_setting_is_documented",
        "web.colour",
    ),
    "undocumented error": Plant(
        "src/leadline/sdk/errors.py",
        '\n\nclass OddError(LeadlineError):\n    """Odd."""\n',
        DOCS + "every_error_has",
        "OddError",
    ),
    "dead link": Plant("README.md", "\n[x](docs/gone.md)\n", DOCS + "every_link", "docs/gone.md"),
    "unknown command": Plant(
        "README.md",
        "\n`leadline resync --now`\n",
        DOCS + "command_that_is_shown",
        "leadline resync",
    ),
    "unknown option": Plant(
        "docs/architecture.md",
        "\n`leadline sync --fast`\n",
        DOCS + "command_that_is_shown",
        "--fast",
    ),
}


@pytest.fixture(scope="module")
def copy(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of everything that the checks look at."""
    copied = tmp_path_factory.mktemp("tree")
    leave = shutil.ignore_patterns(".git", ".venv", "__pycache__", "dist", ".pytest_cache", ".hypothesis")
    shutil.copytree(root, copied, ignore=leave, dirs_exist_ok=True)
    return copied


@pytest.fixture
def planted(copy: Path, request: pytest.FixtureRequest) -> Iterator[Plant]:
    plant: Plant = PLANTS[request.param]
    file = copy / plant.file
    before = file.read_text() if file.exists() else None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text((before or "") + plant.text)
    yield plant
    if before is not None:
        file.write_text(before)
    elif file.parent.name == "leadline_zoho":
        shutil.rmtree(file.parent)
    else:
        file.unlink()


@pytest.mark.heavy
@pytest.mark.parametrize("planted", PLANTS, indirect=True)
def test_a_planted_violation_fails_its_check(planted: Plant, copy: Path) -> None:
    tool, *arguments = planted.command.split()
    paths = os.pathsep.join((str(copy / "src"), str(copy / "connectors")))

    ended = subprocess.run(
        [BIN / tool, *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1, ended.stdout
    assert planted.complaint in ended.stdout


def test_ci_runs_every_check_and_every_folder_of_tests(root: Path) -> None:
    text = (root / ".ci/run").read_text()

    for check in ("make --no-print-directory install", '"$BIN/ruff" check .', '"$BIN/ruff" format --check .'):
        assert f" {check}\n" in text
    assert re.search(r'^suite types \d+ "\$BIN/mypy"$', text, re.MULTILINE)
    assert re.search(r'^suite layers \d+ "\$BIN/lint-imports"', text, re.MULTILINE)
    assert re.search(r"^suite tests \d+ make --no-print-directory test$", text, re.MULTILINE)
    for needed in ("PEERS", "JAVA"):
        assert re.search(rf"^export LEADLINE_{needed}=required$", text, re.MULTILINE), (
            "no test is skipped for want of it"
        )


def test_the_command_for_the_tests_leaves_none_out(root: Path) -> None:
    told = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "test"], cwd=root, capture_output=True, text=True, check=True
    )
    (command,) = [line for line in told.stdout.splitlines() if "pytest" in line]
    assert re.fullmatch(r"\.venv/bin/pytest -q -n \d --dist worksteal", command.removeprefix("@"))


def test_a_suite_over_its_budget_is_marked() -> None:
    budgets = Budgets()
    for seconds, suite in ((900.0, "unit"), (1.0, "flow")):
        report = pytest.TestReport(f"tests/{suite}/test_x.py::test_y", ("", 0, ""), {}, "passed", None, "call")
        report.duration = seconds
        budgets.pytest_runtest_logreport(report)
    said: list[str] = []
    budgets.summary(said.append)
    within, over = (f"{BUDGETS[suite]:4d}s" for suite in ("flow", "unit"))
    assert said == [
        f"flow           1 tests     1s of {within}",
        f"unit           1 tests   900s of {over}  over budget",
    ]


def test_a_failing_suite_fails_the_run_and_the_others_still_run(root: Path, tmp_path: Path) -> None:
    """The script's own machinery, with suites of our own in place of the real ones."""
    text = (root / ".ci/run").read_text()
    head = text[: text.index("suite install ")].replace('cd "$(dirname "${BASH_SOURCE[0]}")/.."', ":")
    script = tmp_path / "run"
    script.write_text(head + 'suite one 9 true\nsuite two 9 false\nsuite three 9 echo last\nexit "$failed"\n')

    ended = subprocess.run(["bash", script], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    told = ended.stdout[ended.stdout.index("=== seconds") :]
    assert [line.split()[:2] for line in told.splitlines()[1:4]] == [["one", "ok"], ["two", "FAILED"], ["three", "ok"]]
    assert "\nlast\n" in ended.stdout
