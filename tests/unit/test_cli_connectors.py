"""`leadline connectors` lists what is installed, what it can do, and what it lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from leadline.cli import main

ABLE = """
from pydantic import BaseModel, Field, SecretStr
from leadline.sdk.capabilities import Capabilities

class Options(BaseModel):
    token: SecretStr = Field(description="Made under Setup.")
    pages: int = Field(7, description="How many.")

class Acme:
    name, title, options = "acme", "Acme CRM", Options
    capabilities = Capabilities(
        reads=("person",), page_size=2000, update_batch=50, task_batch=0, enrol_batch=0,
        partial_success=True, brings_sandbox=True,
    )

connector = Acme()
"""


def listed(capsys: pytest.CaptureFixture[str], name: str) -> dict[str, Any]:
    assert main(["connectors", "--json"]) == 0
    rows: dict[str, dict[str, Any]] = {row["name"]: row for row in json.loads(capsys.readouterr().out)["connectors"]}
    return rows[name]


def test_a_connector_is_listed_with_what_it_can_do(
    third_party: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    third_party("acme_able", ABLE)

    row = listed(capsys, "acme")
    assert (row["title"], row["package"], row["ready"], row["missing"]) == ("Acme CRM", "acme_able 1.0", True, [])
    assert (row["capabilities"]["update_batch"], row["capabilities"]["brings_sandbox"]) == (50, True)


def test_people_see_the_limits_that_there_are(
    third_party: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    third_party("acme_able", ABLE)

    assert main(["connectors"]) == 0

    (line,) = [line for line in capsys.readouterr().out.splitlines() if "Acme CRM" in line]
    assert "read 2,000, update 50" in line
    assert "tasks" not in line


def test_the_options_of_one_connector_are_shown(
    third_party: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    third_party("acme_able", ABLE)

    assert main(["connectors", "acme"]) == 0

    told = " ".join(capsys.readouterr().out.split())
    assert "token required Made under Setup. pages 7 How many." in told
    assert "hubspot" not in told


def test_a_connector_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connectors", "hubspit"]) == 2

    assert "Did you mean 'hubspot'?" in capsys.readouterr().err


@pytest.mark.parametrize("source", [ABLE, "import no_such_client\n"])
def test_missing_packages_are_named_with_the_command(
    third_party: Callable[..., None], capsys: pytest.CaptureFixture[str], source: str
) -> None:
    """Whether the connector misses them when imported or only when it connects."""
    third_party("acme_lacking", source, extras=("acme",))

    row = listed(capsys, "acme")
    assert (row["ready"], row["missing"]) == (False, ["no-such-client"])
    assert "pip install 'acme_lacking[acme]'" in row["fix"]


@pytest.mark.parametrize("name", ["hubspot", "salesforce"])
def test_the_shipped_connectors_are_ready(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    row = listed(capsys, name)

    assert row["ready"] is True
    assert row["capabilities"]["reads"]
