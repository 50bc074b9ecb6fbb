"""`leadline model`: mistakes by file and line, examples that are run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadline.cli import main


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["init", str(tmp_path)]) == 0
    capsys.readouterr()
    return tmp_path


def test_the_starter_model_is_well_and_its_examples_hold(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "check", "--project", str(project), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["name"]) == (True, "b2b")
    assert told["examples"] > 0

    assert main(["model", "test", "--project", str(project)]) == 0
    assert capsys.readouterr().out.count("ok  ") == told["examples"]


@pytest.mark.parametrize("command", ["check", "test"])
def test_a_mistake_names_file_line_and_the_nearest_word(
    project: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    file = project / "models" / "reference-100.yaml"
    lines = file.read_text().splitlines()
    number = next(index for index, line in enumerate(lines) if line.startswith("rules:"))
    lines[number] = "ruels:"
    file.write_text("\n".join(lines))

    assert main(["model", command, str(file)]) == 2

    told = capsys.readouterr().err
    assert f"{file}:{number + 1}: ruels: unknown key 'ruels'. Did you mean 'rules'?" in told


def test_an_example_that_does_not_hold_is_shown_and_fails(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "models" / "reference-100.yaml"
    text = file.read_text()
    start = text.index("score: ", text.index("examples:"))
    end = min(position for position in (text.find(mark, start) for mark in ",}\n") if position > 0)
    file.write_text(f"{text[:start]}score: -7{text[end:]}")

    assert main(["model", "test", str(file)]) == 2
    out, err = capsys.readouterr()
    assert "-7" in out
    assert "examples fail" in err

    assert main(["model", "test", str(file), "--json"]) == 2
    (failure,) = json.loads(capsys.readouterr().out)["failures"]
    assert (failure["what"], failure["expected"]) == ("score", "-7")


def test_a_pool_that_the_settings_do_not_name_is_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = project / "leadline.yaml"
    settings.write_text(settings.read_text().replace("    sales: []", "    others: []"))

    assert main(["model", "check", "--project", str(project)]) == 2

    told = capsys.readouterr().err
    assert "b2b.yaml:" in told
    assert "there is no pool 'sales' in the settings" in told
    assert "Possible here: others." in told


def test_the_schema_is_the_shipped_one(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "schema"]) == 0

    assert capsys.readouterr().out == (root / "models" / "model.schema.json").read_text()


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "check", str(tmp_path / "gone.yaml")]) == 2

    assert "gone.yaml" in capsys.readouterr().err
