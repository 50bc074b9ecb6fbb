"""The package of docs/connectors.md as its author would run it. Takes about 10 seconds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acme import files, lay_out


@pytest.fixture(scope="module")
def package(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acme")
    lay_out(root / "docs/connectors.md", folder)
    return folder


def run(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=package, env={**os.environ, "PYTHONPATH": str(package)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_example_passes_the_suite(package: Path) -> None:
    ran = run(package, "-m", "pytest", "-q", "-rs", "-W", "error", "-p", "no:cacheprovider", "tests")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    (passed, skipped) = re.findall(r"(\d+) passed, (\d+) skipped", ran.stdout)[0]
    assert int(passed) >= 28
    # With a reason each: no webhooks, jobs, sequences, lists, and twice no lagging search.
    reasons = re.findall(r"^SKIPPED \[(\d+)\] .*(?:reads no|takes no|has no)", ran.stdout, re.MULTILINE)
    assert int(skipped) == sum(map(int, reasons)) == 6


def test_the_example_is_found_by_its_entry_point(package: Path) -> None:
    ran = run(package, "-m", "leadline", "connectors", "--json")

    assert ran.returncode == 0, ran.stdout
    assert '"acme"' in json.dumps(json.loads(ran.stdout))


def test_the_example_is_typed_and_tidy(root: Path, package: Path) -> None:
    shown = [path for path in files(root / "docs/connectors.md") if path.endswith(".py")]
    ran = run(package, "-m", "ruff", "check", "--isolated", "--line-length", "120", "--select", "E,F,W,B,UP", *shown)
    formatted = run(package, "-m", "ruff", "format", "--isolated", "--line-length", "120", "--check", *shown)

    assert (ran.returncode, formatted.returncode) == (0, 0), ran.stdout + formatted.stdout


def test_the_test_file_of_a_connector_is_two_imports_and_a_class(root: Path) -> None:
    """In the document and in the shipped ones."""
    shown = {"the document": files(root / "docs/connectors.md")["tests/test_conformance.py"]}
    shown |= {path.name: path.read_text() for path in (root / "tests/contract").glob("test_conformance_*.py")}

    assert len(shown) >= 3
    for name, text in shown.items():
        code = [line for line in text.splitlines() if line.strip() and not line.startswith('"""')]
        assert len(code) == 4, name  # two imports, the class, its connector
