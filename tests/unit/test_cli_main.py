"""The command line as a whole: start-up, shared options, errors, exit codes."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from leadline import cli
from leadline.cli import errors, main, options
from leadline.sdk import errors as sdk

# Nobody waits for these to be told what the commands are.
HEAVY = {
    *(
        "polars",
        "narwhals",
        "pandas",
        "pyarrow",
        "pyspark",
        "sqlalchemy",
        "alembic",
        "starlette",
        "uvicorn",
        "apscheduler",
    ),
    *("simple_salesforce", "hubspot", "requests", "urllib3", "httpx", "leadforge", "lark", "trustme"),
    *("structlog", "pydantic_settings", "yaml", "tenacity"),
    *("leadline.app", "leadline.config", "leadline.core", "leadline.frames", "leadline.store", "leadline.web"),
}


@pytest.mark.parametrize("arguments", [["--help"], [], ["--version"], ["init", "--help"], ["connectors", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys; from leadline.cli import main; code = main(sys.argv[1:]);"
        "print(code, [m for m in sys.modules], file=sys.stderr)"
    )

    ended = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)

    code, _, loaded = ended.stderr.partition(" ")
    assert code == "0"
    assert {name for name in HEAVY if f"'{name}'" in loaded} == set()


def test_help_lists_every_command_with_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for name, summary in cli.COMMANDS.items():
        assert f"{name} {summary}" in told


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_summary_is_the_first_line_of_the_docstring(name: str) -> None:
    held: Any = getattr(importlib.import_module(f"leadline.cli.{name}"), name)

    if isinstance(held, typer.Typer):
        assert held.registered_callback is not None
        held = held.registered_callback.callback
    assert (inspect.getdoc(held) or "").partition("\n")[0] == cli.COMMANDS[name]


def test_every_module_that_holds_a_command_is_in_the_table() -> None:
    """A module holds a command when something in it bears its own name."""
    modules = [module.name for module in pkgutil.iter_modules(cli.__path__)]

    holding = [name for name in modules if hasattr(importlib.import_module(f"leadline.cli.{name}"), name)]
    assert sorted(holding) == sorted(cli.COMMANDS)


def test_a_misspelt_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connectrs"]) == 2

    assert "No such command 'connectrs'. Did you mean 'connectors'?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--json", "connectors"], ["connectors", "--json"]])
def test_shared_options_may_stand_anywhere(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0

    assert {row["name"] for row in json.loads(capsys.readouterr().out)["connectors"]} >= {"hubspot", "salesforce"}


def test_shared_options_reach_the_commands_of_a_group_and_are_forgotten_afterwards() -> None:
    seen = []
    group = typer.Typer()

    @group.callback()
    def things() -> None:
        """Do things."""

    @group.command()
    def do() -> None:
        """Do it."""
        seen.append(options.current())

    command = typer.main.get_command(group)
    cli._finish(command)
    with options.fresh():
        command(["--project", "/p", "do", "--now", "1970-01-01T00:01:00Z", "--verbose"], standalone_mode=False)

    assert seen == [options.Options(project=Path("/p"), now=60, verbose=True)]
    assert options.current() == options.Options()


def test_a_time_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connectors", "--now", "noon"]) == 2

    assert "'noon' is not an ISO 8601 time" in capsys.readouterr().err


def test_the_environment_is_read_and_gives_way_to_what_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADLINE_NOW", "noon")

    assert main(["connectors"]) == 2
    assert "'noon' is not an ISO 8601 time" in capsys.readouterr().err
    assert main(["--now", "1970-01-02", "connectors"]) == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (sdk.ConfigError("m.", fix="f.", place="p:1"), 2),
        (sdk.CredentialsError("m.", fix="f.", place="p:1"), 3),
        (sdk.MissingExtraError("m.", fix="f.", place="p:1"), 2),
        (sdk.TransientError("m.", retry_after=3, fix="f.", place="p:1"), 4),
        (sdk.BudgetError("m.", fix="f.", place="p:1"), 5),
        (sdk.PermanentError("m.", code="X", fix="f.", place="p:1"), 6),
        (sdk.UnknownOutcomeError("m.", fix="f.", place="p:1"), 4),
    ],
)
def test_an_error_is_one_line_and_a_code(
    error: sdk.LeadlineError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert errors.report(error, as_json=False) == code
    assert capsys.readouterr() == ("", "error: p:1: m. f.\n")

    assert errors.report(error, as_json=True) == code
    out, err = capsys.readouterr()
    told = json.loads(out)["error"]
    assert err == ""
    assert (told["type"], told["exit_code"]) == (type(error).__name__, code)
    assert (told["message"], told["fix"], told["place"]) == ("m.", "f.", "p:1")
    assert told.get("retry_after") == getattr(error, "retry_after", None)


def test_a_long_message_of_several_lines_stays_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    errors.report(sdk.ConfigError("word\n" * 100), as_json=False)

    assert capsys.readouterr().err.count("\n") == 1


def test_a_message_is_not_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    errors.report(sdk.ConfigError("rules[0] [bold]x[/bold]"), as_json=False)

    assert "rules[0] [bold]x[/bold]" in capsys.readouterr().err


def test_an_unreadable_file_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    try:
        (tmp_path / "gone").read_text()
    except OSError as error:
        assert errors.report(error, as_json=False) == 2

    assert capsys.readouterr().err == f"error: {tmp_path}/gone: no such file or directory.\n"


def test_a_defect_is_not_dressed_up() -> None:
    """An `OSError` without a file, like any other surprise, keeps its traceback."""
    with pytest.raises(OSError, match="surprise"):
        errors.report(OSError("surprise"), as_json=False)


@pytest.mark.parametrize(("raised", "code"), [("KeyboardInterrupt", 130), ("typer.Abort", 130), ("typer.Exit(7)", 7)])
def test_interruption_and_explicit_codes(raised: str, code: int) -> None:
    script = (
        "import sys, typer; from leadline import cli\n"
        f"def connectors():\n  '''x'''\n  raise {raised}\n"
        "import leadline.cli.connectors as module; module.connectors = connectors\n"
        "sys.exit(cli.main(['connectors']))"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


def test_the_module_runs_as_the_command_does() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "leadline", "--project", "/nowhere", "connectors", "--what"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "No such option: --what" in ended.stderr
    assert "See: leadline connectors --help" in ended.stderr
