"""`leadline init` makes a folder that the other commands accept, and overwrites nothing by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from leadline import config, registry
from leadline.app import scaffold
from leadline.cli import main
from leadline.sdk.errors import ConfigError

ACME = """
from pydantic import BaseModel, Field, SecretStr

class Options(BaseModel):
    site: str = Field(description="The address of the site.")
    api_token: SecretStr = Field(description="Made under Setup,\\n  API.")
    old_secret: SecretStr | None = None
    region: str = "eu"
    page_size: int = 100

class Acme:
    name, title, options = "acme", "Acme", Options

connector = Acme()
"""


@pytest.fixture
def acme(third_party: Callable[..., None]) -> None:
    """A connector of somebody else's."""
    third_party("acme_crm", ACME)


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_new_project_holds_settings_mappings_and_models(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "new")]) == 0

    made = files_in(tmp_path / "new")
    assert {"leadline.yaml", ".env.example", ".gitignore", "models/b2b.yaml", "models/reference-100.yaml"} <= set(made)
    assert {f"mappings/{name}.yaml" for name in registry.names()} <= set(made)
    for part in scaffold.COPIED:
        for path in (root / part).rglob("*"):
            if path.is_file():
                assert made[str(path.relative_to(root))] == path.read_text()
    told = " ".join(capsys.readouterr().out.split())
    assert "Uncomment the connections" in told
    assert "doctor" in told


def test_the_project_option_names_the_folder_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--project", str(tmp_path), "init", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told["project"] == str(tmp_path)
    assert "leadline.yaml" in told["written"]
    assert told["unchanged"] == []


def test_a_new_project_loads_before_anything_is_filled_in(tmp_path: Path) -> None:
    main(["init", str(tmp_path)])

    settings = config.load(tmp_path, environ={})
    assert settings.connections == {}
    assert settings.model_file.is_file()


def test_what_is_commented_out_shows_the_defaults(tmp_path: Path) -> None:
    """Switching on every commented setting, one alternative each, changes nothing: no key is misspelt or stale."""
    main(["init", str(tmp_path)])
    file = tmp_path / "leadline.yaml"
    before = config.load(tmp_path, environ={}).model_dump()
    head, _, tail = file.read_text().partition("connections:\n")
    tail = tail[tail.index("# Who receives") :]
    text = re.sub(r"^# ?((?:database: sqlite|[a-z]+:$|  [a-z_]+:).*)", r"\1", head + tail, flags=re.MULTILINE)

    file.write_text(text)

    switched_on = (
        "\ndatabase: ",
        "\npush:\n  min_points: 5\n  max_age_hours: 168\n",
        "\nschedule:\n  every_minutes: 15\n",
    )
    assert [shown for shown in switched_on if shown not in text] == []
    assert config.load(tmp_path, environ={}).model_dump() == before


@pytest.mark.usefixtures("acme")
def test_a_connection_that_is_used_is_switched_on_with_its_options(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path), "--use", "acme"]) == 0

    settings = config.load(tmp_path, environ={"ACME_API_TOKEN": "t"})
    assert list(settings.connections) == ["acme"]
    assert settings.options("acme") == {"site": "", "api_token": "t"}
    text = (tmp_path / "leadline.yaml").read_text()
    assert 'site: ""  # The address of the site.' in text
    assert "api_token: ${ACME_API_TOKEN}  # Made under Setup, API." in text
    assert "# old_secret: ${ACME_OLD_SECRET}" in text
    assert '# region: "eu"' in text
    assert "page_size" not in text
    variables = (tmp_path / ".env.example").read_text()
    assert "ACME_API_TOKEN=\nACME_OLD_SECRET=\n" in variables


def test_a_connector_that_is_not_installed_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "p"), "--use", "hubspit"]) == 2

    assert "Did you mean 'hubspot'?" in capsys.readouterr().err
    assert not (tmp_path / "p").exists()


def test_a_connector_without_its_packages_is_mentioned(third_party: Callable[..., None], tmp_path: Path) -> None:
    third_party("acme_half", "import no_such_client\n", extras=("acme",))

    assert main(["init", str(tmp_path)]) == 0

    assert "# acme: connector 'acme' needs 'no_such_client'" in (tmp_path / "leadline.yaml").read_text()
    config.load(tmp_path, environ={})


def test_files_of_ones_own_are_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "leadline.yaml").write_text("# mine\n")

    assert main(["init", str(tmp_path)]) == 2

    assert files_in(tmp_path) == {"leadline.yaml": "# mine\n"}
    assert "leadline.yaml" in capsys.readouterr().err


def test_force_overwrites_and_a_repeat_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "leadline.yaml").write_text("# mine\n")

    assert main(["init", str(tmp_path), "--force", "--json"]) == 0
    assert "leadline.yaml" in json.loads(capsys.readouterr().out)["written"]
    assert main(["init", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["written"] == []


def test_starter_files_are_found_in_a_wheel_and_in_a_checkout(tmp_path: Path) -> None:
    """Both layouts, with a package that stands in for ours."""
    wheel, checkout = tmp_path / "site" / "pkg", tmp_path / "repo" / "src" / "pkg"
    for package, starter in ((wheel, wheel / "_starter"), (checkout, tmp_path / "repo")):
        (starter / "models").mkdir(parents=True)
        package.mkdir(parents=True, exist_ok=True)

    assert scaffold.starter("models", wheel) == wheel / "_starter" / "models"
    assert scaffold.starter("models", checkout) == tmp_path / "repo" / "models"
    with pytest.raises(ConfigError, match="starter models are missing"):
        scaffold.starter("models", tmp_path / "neither" / "pkg")
