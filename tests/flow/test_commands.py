"""Commands as their user meets them: what help teaches, what is printed for people and for machines, at which time."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.edits import heat
from tests.stage import DAY, NOW, SYSTEMS, Stage, _iso, stage
from tests.test_docs import _options, commands
from tests.traces import BOOKS, Ended, Terminal, shown, stored

from leadline import cli
from leadline.app.events import BatchPushed, ChunkScored, Event, ObjectRead, PageStored, StageStarted
from leadline.cli import main
from leadline.cli.progress import RunProgress
from leadline.sdk.sandbox.bundle import generate

SHARED = {"--project", "--json", "--now", "--verbose", "--version", "--help"}
# What stands under these keys goes by names of the user's own: connections, objects, states.
FREE = {"calls", "read", "failures", "totals", "payload", "qualification"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two CRMs and a project; backfilled, worked on, synced; some rows were refused."""
    worlds = {system: generate(60, seed=5 + number, now=NOW) for number, system in enumerate(SYSTEMS)}
    with stage(tmp_path_factory.mktemp("project"), worlds) as on:
        on.backfill()
        for system in SYSTEMS:
            heat(system, on, 9)
        on.crms["hubspot"].faults.add(
            {"object": "contacts", "every": 1, "code": "INVALID_OPTION", "message": "refused by a rule", "times": 2}
        )
        on.sync()
        on.crms["hubspot"].faults.clear()
        yield on


@pytest.fixture
def terminal(made: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A copy of the project, at the CRMs' time."""
    shutil.copytree(made.folder, tmp_path / "project")
    return Terminal(tmp_path / "project", capsys, _iso(NOW))


# Help


def _examples(text: str) -> list[str]:
    """Command lines in a help text, as they are typed."""
    lines = (line.strip() for line in text.splitlines())
    return [line[line.index("leadline ") :] for line in lines if re.match(r"(Example[^:]*: )?leadline ", line)]


def test_the_help_of_every_command_shows_an_example_that_can_be_typed() -> None:
    known = dict(commands())
    wrong = []
    for words, command in known.items():
        found = _examples(command.help)
        if words == "demo":  # nothing needs to be given: its name is the example
            continue
        wrong += [] if any(f" {words}" in line for line in found) else [f"{words}: no example"]
        for line in found:
            typed = re.sub(r" --project \S+", "", line.partition(" >")[0]).split()
            meant = known.get(" ".join(typed[1:3])) or known.get(typed[1])
            said = {word for word in typed if word.startswith("--")}
            if meant is None or said - _options(meant) - SHARED:
                wrong.append(f"{words}: {line}")

    assert wrong == []


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_is_whole_at_80_columns(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert main([name, "--help"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if "…" in line]
    assert any(cli.COMMANDS[name][:30] in line for line in lines)


def test_without_arguments_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert all(f" {name} " in capsys.readouterr().out for name in ("backfill",))


# Machines


def _documented(root: Path) -> dict[str, list[dict[str, Any]]]:
    """The JSON in docs/commands.md, by the heading above it."""
    found: dict[str, list[dict[str, Any]]] = {}
    text = (root / "docs/commands.md").read_text(encoding="utf-8")
    for section in re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        for block in re.findall(r"```json\n(.*?)```", body, flags=re.DOTALL):
            found.setdefault(heading.replace("`", ""), []).append(json.loads(block))
    return found


def _differences(documented: Any, real: Any, where: str = "") -> list[str]:
    """Where two JSON values have other keys or other types; null goes with anything."""
    free = where.rpartition(".")[2] in FREE or (where.endswith(".effects") and isinstance(documented, dict))
    if free or documented is None or real is None:
        return []
    if isinstance(documented, dict) and isinstance(real, dict):
        wrong = [f"{where}.{key}" for key in documented.keys() ^ real.keys()]
        for key in documented.keys() & real.keys():
            wrong += _differences(documented[key], real[key], f"{where}.{key}")
        return wrong
    if isinstance(documented, list) and isinstance(real, list):
        pairs = zip(documented[:1], real[:1], strict=False)
        return [each for one, other in pairs for each in _differences(one, other, f"{where}[]")]
    return [] if type(documented) is type(real) else [f"{where}: {documented!r} and {real!r}"]


def _other_model(terminal: Terminal) -> Path:
    """A model by which an industry is worth less."""
    model = terminal.folder / "models" / "b2b.yaml"
    other = model.with_name("other.yaml")
    other.write_text(model.read_text(encoding="utf-8").replace("points: 14", "points: 4"), encoding="utf-8")
    return other


def _some_refused(ended: Ended) -> str:
    return str(ended.answer["effects"][0]["key"])


def test_every_answer_has_the_shape_that_is_documented(root: Path, terminal: Terminal, tmp_path: Path) -> None:
    told = _documented(root)
    model = terminal.folder / "models" / "b2b.yaml"
    text = model.read_text(encoding="utf-8")
    model.with_name("wrong.yaml").write_text(text.replace("score: 62", "score: 61"), encoding="utf-8")
    refused = _some_refused(terminal.type("outbox", "list", "--state", "refused", "--json"))
    uid = terminal.type("queue", "--json").answer["records"][0]["uid"]

    typed = {
        "init": [str(tmp_path / "new")],
        "connectors": [],
        "model check": [],
        "model test": [str(model.with_name("wrong.yaml"))],
        "queue": [],
        "explain": [uid],
        "score": ["--at", "2026-05-20"],
        "model diff": ["active", str(_other_model(terminal))],
        "outbox list": ["--state", "refused"],
        "outbox retry": [refused],
        "sync": [],
    }
    wrong = []
    for words, arguments in typed.items():
        answer = terminal.type(*words.split(), *arguments, "--json").answer
        wrong += [f"{words}{each}" for each in _differences(told[f"leadline {words}"][0], answer)]
    dry_run = terminal.type("backfill", "--dry-run", "--json").answer
    wrong += _differences(told["leadline backfill"][0], dry_run)
    assert terminal.type("backfill", "--json").answer.keys() == told["leadline sync"][0].keys()

    mapping = terminal.folder / "mappings" / "hubspot.yaml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("process_maturity", "proces_maturity"), "utf-8")
    for words in ("doctor", "mappings check"):
        answer = terminal.type(*words.split(), "--json").answer
        wrong += [f"{words}{each}" for each in _differences(told[f"leadline {words}"][0], answer)]
    error = terminal.type("sync", "--json").answer
    wrong += _differences(told["Commands"][0], error)

    assert wrong == []


def test_what_is_documented_is_told_for_every_command_that_answers(root: Path) -> None:
    """A schema and a demo are no answers; the rest has an example of its JSON."""
    without = {"mappings schema", "model schema", "demo"}

    assert {words for words, _ in commands()} - without <= {
        heading.removeprefix("leadline ") for heading in _documented(root)
    }


def test_json_holds_no_number_for_a_time(terminal: Terminal) -> None:
    answer = terminal.type("outbox", "list", "--json", "--state", "refused", "--state", "written").answer

    times = [value for row in answer["effects"] for key, value in row.items() if key.endswith("_at")]
    assert times
    assert {bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(value))) for value in times} == {True}


# Time


def test_every_command_takes_the_time(terminal: Terminal, tmp_path: Path, made: Stage) -> None:
    """What a demo or a sandbox does with it has tests of its own."""
    uid = terminal.type("queue", "--json").answer["records"][0]["uid"]
    later = _iso(NOW + 200 * DAY)
    without = (*BOOKS, "mapping_checks")  # doctor remembers what fits
    before = shown(made.crms), stored(terminal.folder, without=without)
    for words in (
        ["init", str(tmp_path / "new")], ["doctor"], ["connectors"], ["mappings", "check"], ["mappings", "schema"],
        ["model", "check"], ["model", "test"], ["model", "schema"], ["queue"], ["explain", uid], ["outbox", "list"],
        ["backfill", "--dry-run"], ["score"], ["model", "diff", "active", "active"],
    ):  # fmt: skip
        ended = terminal.type(*words, "--now", later)
        assert (words, ended.code, ended.err) == (words, 0, "")

    assert (shown(made.crms), stored(terminal.folder, without=without)) == before


def test_the_time_can_be_said_in_two_ways_and_moves_a_score(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uid = terminal.type("queue", "--json").answer["records"][0]["uid"]
    now = terminal.type("explain", uid, "--json").answer
    later = terminal.type("explain", uid, "--json", "--now", "2027-01-01").answer
    monkeypatch.setenv("LEADLINE_NOW", "2027-01-01T00:00:00Z")
    capsys.readouterr()
    assert main(["--project", str(terminal.folder), "--json", "explain", uid]) == 0

    assert json.loads(capsys.readouterr().out) == later
    assert (now["now"], later["now"]) == (_iso(NOW), "2027-01-01T00:00:00Z")
    assert later["score"] < now["score"]
    assert now["score"] == sum(line["points"] for line in now["lines"])


# People


@pytest.mark.parametrize("width", [80, 100])
def test_tables_fit_the_terminal_and_cut_nothing(
    width: int, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    uid = terminal.type("queue", "--json").answer["records"][0]["uid"]

    for words in (
        ["queue"], ["explain", uid], ["outbox", "list"], ["backfill", "--dry-run"], ["doctor"], ["score"],
        ["model", "diff", "active", str(_other_model(terminal))],
    ):  # fmt: skip
        lines = terminal.type(*words).out.splitlines()
        assert max(map(len, lines)) <= width, words
        cut = [line for line in lines if "…" in line]
        assert not cut, words


def test_the_queue_names_the_record_its_owner_and_two_reasons(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    records = terminal.type("queue", "--limit", "3", "--json").answer["records"]
    text = terminal.type("queue", "--limit", "3").out
    whole = " ".join(text.split())

    assert [record for record in records if f" {record['score']} " not in whole] == []
    assert [record["name"] for record in records if record["name"] not in text] == []
    assert {len(record["why"].split("; ")) for record in records} <= {1, 2}
    groups = [record["group"] for record in records]
    assert groups == sorted(groups, key=["priority", "qualified_review", "nurture", "investigate", "research"].index)
    only = terminal.type("queue", "--owner", records[0]["owner"], "--json").answer["records"]
    assert {record["owner"] for record in only} == {records[0]["owner"]}


def test_an_empty_column_is_left_out(terminal: Terminal) -> None:
    assert "already" in terminal.type("backfill", "--dry-run").out
    assert "who acts" not in terminal.type("outbox", "list", "--state", "written").out
    (terminal.folder / "leadline.db").unlink()
    assert "already" not in terminal.type("backfill", "--dry-run").out


def test_doctor_says_that_all_is_well_and_what_to_do_next(terminal: Terminal) -> None:
    ended = terminal.type("doctor")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.rstrip().endswith("Everything is well. Next: leadline backfill --dry-run")
    assert "→" not in ended.out


def test_a_dry_run_counts_and_does_nothing(made: Stage, terminal: Terminal) -> None:
    before = shown(made.crms)
    (terminal.folder / "leadline.db").unlink()

    answer = terminal.type("backfill", "--dry-run", "--json").answer

    for system in SYSTEMS:
        for line in (each for each in answer["objects"] if each["connection"] == system and each["object"] != "owners"):
            assert line["records"] == len(made.records(system, line["object"]))
    assert shown(made.crms) == before
    assert stored(terminal.folder, without=(*BOOKS, "mapping_checks")) == {}


def test_refused_rows_are_listed_with_who_must_act_and_sent_again_when_asked(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    refused = terminal.type("outbox", "list", "--state", "refused", "--json").answer["effects"]
    assert len(refused) == 2
    text = " ".join(terminal.type("outbox", "list", "--state", "refused").out.split())
    for row in refused:
        assert row["key"] in text
        assert row["actor"].replace("_", " ") in text
    assert "refused by a rule" in text

    ended = terminal.type("outbox", "retry", refused[0]["key"], "--json")
    assert ended.answer == {"planned": 1}
    assert terminal.type("outbox", "retry", "--all", "--json").answer == {"planned": 1}
    assert terminal.type("outbox", "retry", "--all", "--json").answer == {"planned": 0}
    assert terminal.type("sync", "--json").answer["written"] >= 2
    states = terminal.type("outbox", "list", "--json", "--state", "written", "--limit", "10000").answer["effects"]
    assert {row["key"] for row in refused} <= {row["key"] for row in states}


# Progress


class Screen:
    """The last frame of the bars, as a person sees it."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def lines(self) -> list[str]:
        said = self._capsys.readouterr().err
        return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said).replace("\r", "\n").splitlines()]


EXPECTED = {"salesforce/Opportunity": 1_200_000, "hubspot/communications": 300, "hubspot/owners": 11}
EVENTS: list[Event] = [
    PageStored("salesforce", "Opportunity", 2_000, 2_000, 2_000),
    PageStored("hubspot", "communications", 100, 100, 100),
]
REST: list[Event] = [
    ObjectRead("hubspot", "communications"),
    ObjectRead("salesforce", "Opportunity"),
    StageStarted("score_and_decide"),
    StageStarted("score", total=1_636),
    ChunkScored(400, 900, 3, 20, marks=500),
    StageStarted("write:enrol", "salesforce", 2_000),
    BatchPushed("salesforce", "enrol", 50, {"written": 50}),
]


@pytest.mark.parametrize("width", [80, 100])
def test_there_is_a_bar_for_each_thing_and_no_name_is_cut(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    with RunProgress(EXPECTED) as progress:
        for event in EVENTS:
            progress(event)
    lines = Screen(capsys).lines()
    assert max(map(len, lines)) <= width
    for name, count in (
        ("read salesforce", "2,000/1,200,000"), ("  salesforce Opportunity", "2,000/1,200,000"),
        ("read hubspot", "100/311"), ("  hubspot communications", "100/300"),
    ):  # fmt: skip
        assert any(line.startswith(f"{name} ") and count in line for line in lines), name


def test_what_is_read_gives_way_to_what_comes_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with RunProgress(EXPECTED) as progress:
        for event in (*EVENTS, *REST):
            progress(event)

    frame = Screen(capsys).lines()[-4:]
    assert [re.split("[━╸╺]", line)[0].strip() for line in frame] == [
        "read salesforce", "read hubspot", "score", "write salesforce enrolments",
    ]  # fmt: skip
    assert [count in line for line, count in zip(frame, ("2,000", "100", "500/1,636", "50/2,000"), strict=True)] == [
        True
    ] * 4


def test_machines_and_files_get_no_bars(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert terminal.type("sync").err == ""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert terminal.type("sync", "--json").err == ""
