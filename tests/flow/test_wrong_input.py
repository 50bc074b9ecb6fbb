"""Whatever is wrong: one line that names the place and what to do, an exit code, and nothing written anywhere.

Each project is connected to two CRMs that were backfilled and in which something has happened since,
so that a run which went on in spite of a mistake would write.
"""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import LayOut
from tests.edits import user_of
from tests.stage import NOW, SYSTEMS, Stage, _iso, stage
from tests.traces import BOOKS, Ended, Terminal, shown, stored

from leadline.sdk.sandbox.bundle import generate

LOGS = (*BOOKS, "runs", "leases")  # a run that was begun and failed is logged


@pytest.fixture(scope="module")
def crms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two CRMs, backfilled, with news in both."""
    worlds = {system: generate(12, seed=number, now=NOW) for number, system in enumerate(SYSTEMS)}
    with stage(tmp_path_factory.mktemp("project"), worlds, settings={"http": {"attempts": 1}}) as made:
        made.backfill()
        for lead in made.records("salesforce", "Lead"):
            user_of("salesforce", made).visit(f"salesforce/Lead/{lead}", "demo_request")
        for contact in made.records("hubspot", "contacts"):
            user_of("hubspot", made).visit(f"hubspot/contacts/{contact}", "demo_request")
        yield made


@pytest.fixture(params=["new", "backfilled"])
def terminal(
    request: pytest.FixtureRequest, crms: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A copy of the project to break, before its first backfill or after it."""
    return _copy(crms, tmp_path / "project", capsys, backfilled=request.param == "backfilled")


@pytest.fixture
def backfilled(crms: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A copy of the project to break, after its backfill."""
    return _copy(crms, tmp_path / "project", capsys, backfilled=True)


def _copy(crms: Stage, folder: Path, capsys: pytest.CaptureFixture[str], *, backfilled: bool) -> Terminal:
    left_out = () if backfilled else ("leadline.db*",)
    shutil.copytree(crms.folder, folder, ignore=shutil.ignore_patterns(*left_out))
    return Terminal(folder, capsys, _iso(NOW))


@contextmanager
def untouched(crms: Stage, terminal: Terminal, *, without: tuple[str, ...] = BOOKS) -> Iterator[None]:
    """Neither the database nor a CRM changes within."""
    before = stored(terminal.folder, without=without), shown(crms.crms)
    yield
    assert (stored(terminal.folder, without=without), shown(crms.crms)) == before


def told(ended: Ended, code: int, *parts: str) -> None:
    """The command said one line, with these parts, and nothing else."""
    assert ended.code == code, ended
    (line,) = ended.err.splitlines()
    assert line.startswith("error: ")
    assert [part for part in parts if part not in line] == [], line
    assert "Traceback" not in ended.err


def told_json(ended: Ended, code: int, *parts: str) -> None:
    """The same as one JSON object."""
    assert (ended.code, ended.err) == (code, "")
    error = ended.answer["error"]
    assert error["exit_code"] == code
    said = " ".join(str(error.get(key, "")) for key in ("place", "message", "fix"))
    assert [part for part in parts if part not in said] == [], said


def change(file: Path, old: str, new: str) -> str:
    """Replace a text that stands there at least once, the first time; gives `file:line` of it."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return f"{file.name}:{text[: text.index(old)].count(chr(10)) + 1 + _lines_before(old)}"


def _lines_before(old: str) -> int:
    return len(old) - len(old.lstrip("\n"))


def options(folder: Path, system: str, **given: Any) -> None:
    """Change a connection's options in leadline.yaml; None takes one out."""

    def edit(settings: dict[str, Any]) -> None:
        held = settings["connections"][system]["options"]
        held.update(given)
        for key in [key for key, value in held.items() if value is None]:
            del held[key]

    settings(folder, edit)


def settings(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Edit leadline.yaml."""
    file = folder / "leadline.yaml"
    held = json.loads(file.read_text(encoding="utf-8"))
    edit(held)
    file.write_text(json.dumps(held, indent=1), encoding="utf-8")


# Mappings that are wrong in a way that only the CRM knows


@dataclass(frozen=True)
class Misfit:
    """A line of a shipped mapping, what it is changed to, and what must be said about it."""

    system: str
    old: str
    new: str
    said: tuple[str, ...]


MISFITS = {
    "misspelt field": Misfit(
        "hubspot", "maturity: process_maturity", "maturity: proces_maturity",
        ("'companies' has no field 'proces_maturity'", "Did you mean 'process_maturity'?"),
    ),
    "misspelt custom field": Misfit(
        "salesforce", "score: Leadline_Score__c", "score: Leadline_Skore__c",
        ("'Account' has no field 'Leadline_Skore__c'", "Did you mean 'Leadline_Score__c'?"),
    ),
    "misspelt object": Misfit(
        "salesforce", "\n  Web_Event__c:", "\n  Web_Evnt__c:", ("the CRM has no object 'Web_Evnt__c'",),
    ),
    "wrong type to read": Misfit(
        "hubspot", "country: {from: country, transform: country}", "country: {from: createdate, transform: country}",
        ("'createdate' is a datetime field, which transform 'country' cannot read", "It reads:"),
    ),
    "wrong type to write": Misfit(
        "salesforce", "score: Leadline_Score__c", "score: BillingCountry",
        ("'BillingCountry' is a text field; score needs number",),
    ),
    "unknown picklist value": Misfit(
        "salesforce", "group: Leadline_Group__c", "group: {to: Leadline_Group__c, values: {priority: A-list}}",
        ("picklist 'Leadline_Group__c' has no value 'A-list'",),
    ),
    "unknown value to read": Misfit(
        "hubspot", "values: {RESELLER: partner,", "values: {RESELER: partner,",
        ("picklist 'type' has no value 'RESELER'", "Did you mean 'RESELLER'?"),
    ),
    "read-only target": Misfit(
        "hubspot", "score: leadline_score", "score: hs_object_id", ("'hs_object_id' is read-only for this user",),
    ),
    "too short target": Misfit(
        "salesforce", "reasons: Leadline_Reasons__c", "reasons: BillingCountry",
        ("'BillingCountry' holds 80 characters; reasons needs 1000", "at least 1000"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISFITS)
def test_a_mapping_that_does_not_fit_is_found_before_anything_is_read(
    name: str, crms: Stage, terminal: Terminal
) -> None:
    misfit = MISFITS[name]
    place = change(terminal.folder / "mappings" / f"{misfit.system}.yaml", misfit.old, misfit.new)
    backfilled = (terminal.folder / "leadline.db").exists()

    with untouched(crms, terminal):
        if backfilled:
            told_json(terminal.type("sync", "--json"), 2, place, *misfit.said)
            told(terminal.type("run"), 2, place, *misfit.said)
        else:
            told(terminal.type("backfill"), 2, place, *misfit.said)
            told_json(terminal.type("backfill", "--dry-run", "--json"), 2, place, *misfit.said)


@pytest.mark.parametrize("name", MISFITS)
def test_doctor_and_mappings_check_find_it_too(name: str, crms: Stage, backfilled: Terminal) -> None:
    misfit = MISFITS[name]
    place = change(backfilled.folder / "mappings" / f"{misfit.system}.yaml", misfit.old, misfit.new)

    with untouched(crms, backfilled, without=(*BOOKS, "mapping_checks")):
        answer = backfilled.type("mappings", "check", "--json").answer
        problems = [problem for mapping in answer["mappings"] for problem in mapping["problems"]]
        assert any(one["place"].endswith(place) and misfit.said[0] in one["message"] for one in problems)
        assert answer["error"]["exit_code"] == 2

        answer = backfilled.type("doctor", "--json").answer
        findings = [finding for finding in answer["findings"] if not finding["ok"]]
        assert any(place in one["detail"] and misfit.said[0] in one["detail"] for one in findings)
        assert (answer["ok"], answer["error"]["exit_code"]) == (False, 2)


def test_a_mapping_that_fits_is_compared_once(crms: Stage, backfilled: Terminal) -> None:
    """A comparison costs a call per object, so it is made when the mapping or the connection has changed."""
    portal = crms.crms["hubspot"].requests
    at = portal.next_index
    backfilled.type("backfill", "--dry-run")
    assert not [entry for entry in portal.since(at) if "/properties/" in entry.path]

    change(backfilled.folder / "mappings" / "hubspot.yaml", "      maturity: process_maturity\n", "")
    backfilled.type("backfill", "--dry-run")
    asked = [entry.path for entry in portal.since(at) if "/properties/" in entry.path]
    assert len(asked) == len(set(asked)) == 9  # owners have no schema to ask for

    backfilled.type("backfill", "--dry-run")
    assert [entry.path for entry in portal.since(at) if "/properties/" in entry.path] == asked


def test_doctor_remembers_that_a_mapping_fits(crms: Stage, terminal: Terminal) -> None:
    assert terminal.type("doctor").code == 0

    at = crms.crms["hubspot"].requests.next_index
    assert terminal.type("backfill", "--dry-run").code == 0
    assert not [entry for entry in crms.crms["hubspot"].requests.since(at) if "/properties/" in entry.path]


# Files that are wrong by themselves: no CRM is asked at all


@dataclass(frozen=True)
class Slip:
    """A slip of the pen in one file, and what must be said about it."""

    file: str
    old: str
    new: str
    said: tuple[str, ...]


SLIPS = {
    "mapping: unknown canonical field": Slip(
        "mappings/hubspot.yaml", "maturity: process_maturity", "maturty: process_maturity",
        ("no canonical field 'maturty'", "Did you mean 'maturity'?"),
    ),
    "mapping: unknown transform": Slip(
        "mappings/salesforce.yaml", "transform: money", "transform: monney", ("monney", "Did you mean 'money'?"),
    ),
    "mapping: unknown key": Slip(
        "mappings/salesforce.yaml", "entity: account", "entitty: account", ("entitty", "Did you mean 'entity'?"),
    ),
    "mapping: malformed": Slip("mappings/hubspot.yaml", "country: {from: country,", "country: {from: country", ()),
    "model: unknown key": Slip("models/b2b.yaml", "half_life_days: 10", "half_life: 10", ("half_life", "Did you mean")),
    "model: bad points": Slip("models/b2b.yaml", "points: 14", "points: many", ("points", "number")),
    "model: points out of range": Slip("models/b2b.yaml", "points: 14", "points: 0.0001", ("points",)),
    "model: typo in a group's gate": Slip(
        "models/b2b.yaml", "when: {fit: [25, null], intent: [28, null]", "when: {fitt: [25, null], intent: [28, null]",
        ("fitt", "Did you mean 'fit'?"),
    ),
    "model: typo in a rule's gate": Slip(
        "models/b2b.yaml", "{field: account.employees, range: [200", "{field: account.employes, range: [200",
        ("account.employes", "Did you mean 'account.employees'?"),
    ),
    "model: a pool that is not there": Slip(
        "models/b2b.yaml", "assign: sales", "assign: slaes", ("there is no pool 'slaes'", "Did you mean 'sales'?"),
    ),
    "model: malformed": Slip("models/b2b.yaml", "hysteresis: 3", "hysteresis: [3", ()),
    "settings: malformed": Slip("leadline.yaml", '"attempts": 1', '"attempts": [1', ()),
    "settings: unknown key": Slip("leadline.yaml", '"attempts"', '"atempts"', ("atempts", "Did you mean 'attempts'?")),
    "settings: bad value": Slip("leadline.yaml", '"attempts": 1', '"attempts": 99', ("http.attempts", "20")),
    "settings: unknown connector": Slip(
        "leadline.yaml", '"connector": "hubspot"', '"connector": "hubspt"', ("hubspt", "Did you mean 'hubspot'?"),
    ),
    "settings: unknown option": Slip(
        "leadline.yaml", '"access_token"', '"acces_token"', ("acces_token", "Did you mean 'access_token'?"),
    ),
    "settings: no such mapping": Slip(
        "leadline.yaml", '"connector": "hubspot"', '"mapping": "mappings/gone.yaml", "connector": "hubspot"',
        ("gone.yaml", "there is no mapping file here"),
    ),
    "settings: another system's mapping": Slip(
        "leadline.yaml", '"connector": "hubspot"', '"mapping": "mappings/salesforce.yaml", "connector": "hubspot"',
        ("salesforce.yaml", "this mapping is for 'salesforce'"),
    ),
    "settings: missing secret": Slip(
        "leadline.yaml", '"access_token": "', '"access_token": "${NO_SUCH_TOKEN}',
        ("access_token", "NO_SUCH_TOKEN is not set", ".env"),
    ),
    "settings: missing secret file": Slip(
        "leadline.yaml", '"access_token": "', '"access_token": {"file": "no/such"}, "ca_file": "',
        ("access_token", "no/such", "cannot be read"),
    ),
}  # fmt: skip
ELSEWHERE = ("no such mapping", "another system's mapping", "malformed")  # told at another place


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_in_a_file_is_told_with_its_line_and_nobody_is_asked(
    name: str, crms: Stage, backfilled: Terminal
) -> None:
    slip = SLIPS[name]
    place = change(backfilled.folder / slip.file, slip.old, slip.new)
    named = () if name.endswith(ELSEWHERE) else (place,)
    asked = {system: crm.requests.next_index for system, crm in crms.crms.items()}

    with untouched(crms, backfilled):
        told(backfilled.type("backfill"), 2, str(backfilled.folder), *named, *slip.said)
        told_json(backfilled.type("sync", "--json"), 2, *named, *slip.said)
        told(backfilled.type("run"), 2, *named, *slip.said)

    assert {system: crm.requests.next_index for system, crm in crms.crms.items()} == asked


@pytest.mark.parametrize("name", [name for name in SLIPS if "malformed" in name])
def test_what_is_no_yaml_is_told_with_file_and_line(name: str, backfilled: Terminal) -> None:
    slip = SLIPS[name]
    change(backfilled.folder / slip.file, slip.old, slip.new)

    place = backfilled.type("sync", "--json").answer["error"]["place"]
    file, _, line = place.rpartition(":")
    assert (file, line.isdigit()) == (str(backfilled.folder / slip.file), True)


# Systems that say no, or nothing


@pytest.mark.parametrize(
    ("system", "wrong"),
    [("hubspot", {"access_token": "pat-wrong"}), ("salesforce", {"consumer_secret": "wrong"})],
)
def test_wrong_credentials_are_an_exit_code_of_their_own(
    system: str, wrong: dict[str, str], crms: Stage, terminal: Terminal
) -> None:
    options(terminal.folder, system, **wrong)
    settings(terminal.folder, lambda held: _only(held, system))
    commands = [["backfill"]] + ([["sync"]] if stored(terminal.folder) else [])

    with untouched(crms, terminal, without=LOGS):
        for command in commands:
            told(terminal.type(*command), 3, f"{system}: ", "credentials", "leadline doctor")
            told_json(terminal.type(*command, "--json"), 3, system, "credentials")
        findings = [one for one in terminal.type("doctor", "--json").answer["findings"] if not one["ok"]]
    assert [(one["part"], one["what"]) for one in findings] == [(system, "sign-in")]
    assert findings[0]["fix"]


def _only(held: dict[str, Any], system: str) -> None:
    held["connections"] = {system: held["connections"][system]}


def _free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_host_that_cannot_be_reached_is_waited_for_by_nobody(system: str, crms: Stage, terminal: Terminal) -> None:
    options(terminal.folder, system, base_url=f"http://127.0.0.1:{_free_port()}")
    settings(terminal.folder, lambda held: _only(held, system))

    with untouched(crms, terminal, without=LOGS):
        told(terminal.type("backfill"), 4, f"{system}: ", "failed once", "no connection", "the next run tries again")
        told_json(terminal.type("backfill", "--json"), 4, "failed once")  # `http.attempts` is 1


@pytest.mark.parametrize("system", SYSTEMS)
def test_plain_http_leaves_this_machine_never(system: str, crms: Stage, terminal: Terminal) -> None:
    options(terminal.folder, system, base_url="http://crm.example.com")

    with untouched(crms, terminal):
        told(terminal.type("backfill"), 2, "'http://crm.example.com' would send credentials unencrypted", "Use https")
        told_json(terminal.type("sync", "--json"), 2, "unencrypted")


# The database


DATABASES = {
    "no folder": ("sqlite:///no/such/folder/x.db", ("cannot be opened", "There is no folder")),
    "a folder": ("sqlite:///mappings", ("cannot be opened", "Check `database`")),
    "no database": ("sqlite:///mappings/README.md", ("cannot be opened", "not a database")),
    "no address": ("leadline.db", ("is not a database address", "sqlite:///leadline.db")),
    "not supported": ("mysql://host/x", ("'mysql' is not supported", "Use sqlite or postgresql")),
    "nobody there": ("postgresql://x:hidden@127.0.0.1:1/x", ("cannot be opened", "Check `database`")),
}


@pytest.mark.parametrize("name", DATABASES)
def test_a_database_that_cannot_be_used(name: str, crms: Stage, terminal: Terminal) -> None:
    address, said = DATABASES[name]
    settings(terminal.folder, lambda held: held.update(database=address))

    with untouched(crms, terminal):
        for command in ("backfill", "queue"):
            told(terminal.type(command), 2, "database", *said)
        told_json(terminal.type("sync", "--json"), 2, "database", *said)
        found = [one for one in terminal.type("doctor", "--json").answer["findings"] if not one["ok"]]
        assert [one["what"] for one in found] == ["database"]
        assert "hidden" not in json.dumps(found)


def test_a_database_of_a_newer_version_is_left_alone(crms: Stage, backfilled: Terminal) -> None:
    with closing(sqlite3.connect(backfilled.folder / "leadline.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    with untouched(crms, backfilled, without=()):
        told(backfilled.type("sync"), 2, "database", "made by a newer Leadline", "Upgrade Leadline")


def test_a_database_that_another_program_locks_is_not_a_defect(
    crms: Stage, backfilled: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the database in the middle of a run is one line too."""
    settings(backfilled.folder, lambda held: held.update(database="sqlite:///leadline.db?timeout=0.05"))
    with closing(sqlite3.connect(backfilled.folder / "leadline.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with untouched(crms, backfilled):
            told(backfilled.type("sync"), 4, "database", "locked", "run it again")


# Words on the command line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["outbox", "list", "--connection", "hubspt"], ("no connection called 'hubspt'", "salesforce, hubspot")),
        (["outbox", "list", "--state", "refsued"], ("no state is called 'refsued'", "refused")),
        (["outbox", "retry", "task-none"], ("not every key named is a refused effect", "leadline outbox list")),
        (["outbox", "retry"], ("name some keys, or say --all",)),
        (["queue", "--owner", "nobody@example.com"], ("no owner goes by 'nobody@example.com'", "Known: ")),
        (["queue", "--limit", "0"], ("--limit",)),
        (["explain", "nobody.example"], ("no account or person goes by 'nobody.example'", "CRM id")),
        (["explain"], ("Missing argument",)),
        (["sandbox", "hubspt"], ("hubspt", "Did you mean 'hubspot'?")),
        (["connectors", "hubspt"], ("hubspt", "Did you mean 'hubspot'?")),
        (["demo", "--leads", "3"], ("--leads",)),
        (["demo", "--folder", "mappings"], ("holds something that is no demo", "--folder")),
        (["init", "."], ("are there already and differ", "--force")),
        (["backfil"], ("No such command 'backfil'", "Did you mean 'backfill'?")),
        (["sync", "--now", "noon"], ("'noon' is not an ISO 8601 time",)),
        (["sync", "--dry-run"], ("No such option: --dry-run",)),
    ],
)
def test_a_word_that_means_nothing(
    words: list[str], said: tuple[str, ...], crms: Stage, backfilled: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(backfilled.folder)

    with untouched(crms, backfilled):
        told(backfilled.type(*words), 2, *said)
        told_json(backfilled.type(*words, "--json"), 2, *said)


def test_a_folder_that_is_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("sync", "backfill", "run", "doctor", "queue"):
        told(Terminal(tmp_path, capsys, _iso(NOW)).type(command), 2, str(tmp_path), "leadline init", "--project")
    assert list(tmp_path.iterdir()) == []


def test_a_project_without_connections(crms: Stage, backfilled: Terminal) -> None:
    settings(backfilled.folder, lambda held: held.update(connections={}))

    with untouched(crms, backfilled):
        told(backfilled.type("sync"), 2, "leadline.yaml", "no connection is set up", "connections:")


def test_a_sync_before_any_backfill(crms: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is to be flooded with tasks by a first look."""
    new = _copy(crms, tmp_path / "project", capsys, backfilled=False)

    with untouched(crms, new):
        for command in ("sync", "run"):
            told(new.type(command), 2, "has not been backfilled yet", "leadline backfill --dry-run")


def test_a_package_that_is_not_installed_is_told_with_the_command_that_installs_it(
    tmp_path: Path, third_party: LayOut, capsys: pytest.CaptureFixture[str]
) -> None:
    source = """
from pydantic import BaseModel
class Options(BaseModel):
    pass
class Connector:
    name = title = "acme"
    options = Options
    def connect(self, options, runtime):
        import no_such_client
connector = Connector()
"""
    third_party("acme_leadline", source, extras=("acme",))
    terminal = Terminal(tmp_path, capsys, _iso(NOW))
    assert terminal.type("init").code == 0
    (tmp_path / "leadline.yaml").write_text("connections: {crm: {connector: acme}}\n")
    (tmp_path / "mappings" / "acme.yaml").write_text(
        "system: acme\nobjects:\n  User: {entity: owner, fields: {name: Name}}\n"
    )

    told(terminal.type("backfill"), 2, "needs 'no_such_client'", "pip install 'acme_leadline[acme]'")
    told_json(terminal.type("sync", "--json"), 2, "pip install 'acme_leadline[acme]'")
    assert stored(tmp_path) == {}


# What a play needs, and nobody would miss until it was too late


def test_doctor_misses_a_sequence_that_the_mapping_does_not_name(crms: Stage, backfilled: Terminal) -> None:
    place = change(backfilled.folder / "mappings" / "hubspot.yaml", "\nsequences:", "\nsequences:")
    change(backfilled.folder / "mappings" / "hubspot.yaml", "  Fast track: Fast track", "  Fast trak: Fast track")

    ended = backfilled.type("doctor", "--json")

    (finding,) = [one for one in ended.answer["findings"] if not one["ok"]]
    assert (ended.code, finding["part"], finding["what"]) == (2, "hubspot", "sequence")
    assert place in finding["detail"]
    assert "the play of priority enrols in 'Fast track'" in finding["detail"]
    assert finding["fix"] == "Did you mean 'Fast trak'?"

    change(backfilled.folder / "models" / "b2b.yaml", "    sequence: Fast track", "    list: Hot")
    change(backfilled.folder / "mappings" / "hubspot.yaml", "\nsequences:", '\nlists: {Hots: "17"}\nsequences:')
    found = [one for one in backfilled.type("doctor", "--json").answer["findings"] if not one["ok"]]
    assert [(one["part"], one["what"]) for one in found] == [("salesforce", "list"), ("hubspot", "list")]
    assert all("the play of priority adds to 'Hot'" in one["detail"] for one in found)
    assert [one["fix"] for one in found] == [
        "Add it under `lists`, or take it out of the play.", "Did you mean 'Hots'?",
    ]  # fmt: skip


def test_doctor_misses_owners_in_a_pool_that_a_play_assigns_from(crms: Stage, backfilled: Terminal) -> None:
    pools = {"routing": {"pools": {"sales": [{"owner": "gone@example.com"}]}}}
    settings(backfilled.folder, lambda held: held.update(pools))

    findings = [one for one in backfilled.type("doctor", "--json").answer["findings"] if not one["ok"]]

    assert {(one["part"], one["what"]) for one in findings} == {("salesforce", "owners"), ("hubspot", "owners")}
    assert all("pool 'sales' has no active owner" in one["detail"] for one in findings)


def test_the_project_that_is_broken_here_would_write(crms: Stage, backfilled: Terminal) -> None:
    """The control for every test above, and after them: unbroken, a sync changes both CRMs and the database."""
    before, rows = shown(crms.crms), stored(backfilled.folder)

    assert backfilled.type("sync").code == 0

    after = shown(crms.crms)
    assert all(after[system] != before[system] for system in SYSTEMS)
    assert stored(backfilled.folder) != rows


# Last, because these let a connection write


def test_one_system_that_refuses_us_stops_a_first_backfill_and_not_a_sync(crms: Stage, terminal: Terminal) -> None:
    """Before the mappings were compared nothing is begun; afterwards the other connection goes on."""
    new = not stored(terminal.folder)
    options(terminal.folder, "hubspot", access_token="pat-wrong")
    before = shown(crms.crms)["hubspot"]

    ended = terminal.type("backfill" if new else "sync", "--json")

    assert (ended.code, ended.answer["error"]["type"]) == (3, "CredentialsError")
    assert shown(crms.crms)["hubspot"] == before
    if new:
        assert list(ended.answer) == ["error"]
    else:
        assert list(ended.answer["failures"]) == ["hubspot"]
        assert ended.answer["calls"]["salesforce"] > 0


def test_it_is_compared_again_after_the_crm_refused_a_query(crms: Stage, backfilled: Terminal) -> None:
    org = crms.crms["salesforce"]
    org.faults.add({"path": "*/queryAll*", "status": 400, "code": "INVALID_FIELD", "times": 1})
    try:
        assert backfilled.type("sync", "--json").code == 6
    finally:
        org.faults.clear()

    at = org.requests.next_index
    backfilled.type("backfill", "--dry-run")
    assert len([entry for entry in org.requests.since(at) if entry.path.endswith("/describe")]) == 8
    at = org.requests.next_index
    backfilled.type("backfill", "--dry-run")
    assert not [entry for entry in org.requests.since(at) if entry.path.endswith("/describe")]
