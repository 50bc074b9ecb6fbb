"""`leadline mappings`: what people and machines are told, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leadline.app.scaffold import starter
from leadline.cli import main
from leadline.core.normalize.grammar import json_schema
from leadline.store.database import open_engine
from leadline.store.records import save_unmapped

GOOD = "system: salesforce\nobjects:\n  User: {entity: owner, fields: {name: Name}}\n"
BAD = "system: salesforce\nobjects:\n  User:\n    entity: owner\n    fields: {nmae: Name, email: Email}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with one connection that cannot be reached."""
    (tmp_path / "mappings").mkdir()
    (tmp_path / "leadline.yaml").write_text(
        "connections:\n  crm:\n    connector: salesforce\n    mapping: mappings/crm.yaml\n", encoding="utf-8"
    )
    return tmp_path


def run(project: Path, text: str, *words: str) -> int:
    (project / "mappings" / "crm.yaml").write_text(text, encoding="utf-8")
    return main(["--project", str(project), "mappings", *words])


def test_a_good_file_offline(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(project, GOOD, "check", "--offline") == 0
    assert "is well formed" in capsys.readouterr().out


def test_a_bad_file_is_told_with_file_line_and_fix(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(project, BAD, "check", "--offline", "--json") == 2

    answer = json.loads(capsys.readouterr().out)
    (mapping,) = answer["mappings"]
    (problem,) = mapping["problems"]
    assert (answer["ok"], mapping["connection"], mapping["live"]) == (False, "crm", False)
    assert problem["place"].endswith("crm.yaml:5")
    assert "no canonical field 'nmae'" in problem["message"]
    assert problem["fix"] == "Did you mean 'name'?"


def test_a_bad_file_is_not_taken_to_the_crm(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(project, BAD, "check") == 2

    told = capsys.readouterr()
    assert "1 problem found" in told.err
    assert "nmae" in told.out


def test_no_connection_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "leadline.yaml").write_text("connections: {}\n", encoding="utf-8")

    assert main(["--project", str(tmp_path), "mappings", "check"]) == 2
    assert "no connection is set up" in capsys.readouterr().err


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mappings", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema()


def test_values_that_could_not_be_placed_are_listed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "models").mkdir()
    (project / "models" / "b2b.yaml").write_text(starter("models").joinpath("b2b.yaml").read_text("utf-8"), "utf-8")
    engine = open_engine("sqlite:///leadline.db", folder=project)
    with engine.begin() as connection:
        save_unmapped(connection, "crm", "Account", {("industry", "Basket [weaving]"): 2, ("country", "Atlantis"): 3})
        save_unmapped(connection, "other", "Account", {("industry", "Juggling"): 1})
    engine.dispose()

    assert run(project, GOOD, "unmapped", "--connection", "crm", "--json") == 0

    values = json.loads(capsys.readouterr().out)["values"]
    assert [(row["value"], row["seen"]) for row in values] == [("Atlantis", 3), ("Basket [weaving]", 2)]
    assert run(project, GOOD, "unmapped") == 0
    assert "Basket [weaving]" in capsys.readouterr().out
    assert run(project, GOOD, "unmapped", "--connection", "crmm") == 2
