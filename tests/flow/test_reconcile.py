"""`leadline doctor --reconcile` against both CRMs: faults that were planted are named, and mended. 15 seconds."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.edits import user_of
from tests.stage import NOW, SYSTEMS, Stage, _iso, stage
from tests.traces import Terminal, shown, stored

from leadline.sdk.sandbox.bundle import generate

CONTACTS = {"salesforce": "Contact", "hubspot": "contacts"}
FAR = 10**10
NOT_FOR_EVER = ("calls",)


@pytest.fixture(scope="module")
def crms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two CRMs and a project that has read them, written its scores and seen them there."""
    worlds = {system: generate(25, seed=number, now=NOW) for number, system in enumerate(SYSTEMS)}
    with stage(tmp_path_factory.mktemp("project"), worlds) as made:
        made.backfill()
        for _ in range(2):
            made.advance(1_000)
            made.sync()
        made.advance(1_000)
        yield made


@pytest.fixture
def terminal(crms: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A copy of the project to break."""
    shutil.copytree(crms.folder, tmp_path / "project")
    return Terminal(tmp_path / "project", capsys, _iso(crms.now))


def sql(terminal: Terminal, statement: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(terminal.folder / "leadline.db")) as database, database:
        return database.execute(statement, values).fetchall()


def a_contact(terminal: Terminal, system: str, number: int) -> tuple[str, str]:
    """(uid, id) of a contact: each test has its own, because the CRMs are shared."""
    query = "SELECT uid, source_id FROM people WHERE object = ? AND NOT deleted ORDER BY uid LIMIT 1 OFFSET ?"
    return tuple(sql(terminal, query, CONTACTS[system], number)[0])


def blind(terminal: Terminal, system: str) -> None:
    """Let the cursor of contacts stand in a far future: no sync notices anything of them any more."""
    position: dict[str, Any] = {"stamp": "2300-01-01T00:00:00.000Z", "id": "", "full_at": FAR}
    if system == "hubspot":
        bin_ = {"mark": FAR * 1000, "ids": []}
        position = {"mode": "changes", "since": FAR * 1000, "archived": bin_, "seen": None, "relinked": FAR * 1000}
    change = "UPDATE cursors SET position = ? WHERE connection = ? AND object = ?"
    sql(terminal, change, json.dumps(position), system, CONTACTS[system])


def settle(crms: Stage, terminal: Terminal) -> None:
    """A quarter of an hour passes: what has changed since is in every index."""
    crms.advance(1_000)
    terminal.now = _iso(crms.now)


def prove(terminal: Terminal, *words: str) -> tuple[int, dict[str, Any]]:
    ended = terminal.type("doctor", "--reconcile", *words, "--json")
    return ended.code, ended.answer


def line(answer: dict[str, Any], system: str) -> dict[str, Any]:
    (found,) = [each for each in answer["objects"] if each["object"] == CONTACTS[system]]
    return dict(found)


def faults(answer: dict[str, Any], system: str) -> list[tuple[str, int, list[str]]]:
    return [(each["what"], each["records"], each["ids"]) for each in answer["faults"] if each["connection"] == system]


@pytest.mark.parametrize("sample", ["200", "all"])
def test_a_project_that_lost_nothing_is_proved_and_left_alone(sample: str, crms: Stage, terminal: Terminal) -> None:
    before = stored(terminal.folder, without=NOT_FOR_EVER), shown(crms.crms)

    code, answer = prove(terminal, "--sample", sample)

    assert (code, answer["ok"], answer["faults"], answer["mended"]) == (0, True, [], 0)
    assert {each["object"] for each in answer["objects"]} > {"Account", "Lead", "companies", "owners", "web_events"}
    assert {each["wrong"] for each in answer["objects"]} == {0}
    assert min(each["sampled"] for each in answer["objects"]) > 0
    assert all(each["equal"] + each["changed"] == each["sampled"] for each in answer["objects"])
    assert (stored(terminal.folder, without=NOT_FOR_EVER), shown(crms.crms)) == before


def test_what_is_not_proved_is_named_with_its_reason(terminal: Terminal) -> None:
    _, answer = prove(terminal, "--sample", "20")

    reasons = {(gap["object"], gap["reason"].split(":")[0]) for gap in answer["not_proved"]}
    rows = line(answer, "hubspot")["stored"]
    assert ("Task", "the number of records") in reasons  # the mapping skips some
    assert ("contacts", f"the contents of {rows - 20} rows outside the sample") in {
        (gap["object"], gap["reason"]) for gap in answer["not_proved"]
    }


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_stored_value_that_was_altered(system: str, terminal: Terminal) -> None:
    uid, record = a_contact(terminal, system, 0)
    sql(terminal, "UPDATE people SET title = 'Altered' WHERE uid = ?", uid)

    code, answer = prove(terminal, "--mend")

    assert (code, faults(answer, system)) == (2, [("damaged", 1, [record])])
    assert answer["mended"] > 0  # what other tests have moved in the CRMs meanwhile is read again, too
    assert "fields: title" in answer["faults"][0]["detail"]
    assert line(answer, system)["wrong"] == 1
    assert_mended(terminal, system)
    assert sql(terminal, "SELECT count(*) FROM people WHERE title = 'Altered'") == [(0,)]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_row_that_vanished_from_the_store(system: str, terminal: Terminal) -> None:
    uid, record = a_contact(terminal, system, 1)
    sql(terminal, "DELETE FROM people WHERE uid = ?", uid)

    code, counted = prove(terminal)
    _, named = prove(terminal, "--sample", "all", "--mend")

    assert (code, faults(counted, system)) == (2, [("missing", 1, [])])
    assert faults(named, system) == [("missing", 1, [record])]
    assert_mended(terminal, system)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_record_that_was_deleted_in_the_crm_unseen(system: str, crms: Stage, terminal: Terminal) -> None:
    uid, record = a_contact(terminal, system, 2)
    user_of(system, crms).delete(uid)
    settle(crms, terminal)

    code, seen = prove(terminal)
    blind(terminal, system)
    blind_code, unseen = prove(terminal, "--mend")

    assert (code, faults(seen, system), line(seen, system)["changed"] > 0) == (0, [], True)
    assert blind_code == 2
    assert ("deleted in the CRM", [record]) in [(what, ids) for what, _, ids in faults(unseen, system)]
    assert_mended(terminal, system)


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_update_that_was_lost_is_told_from_one_that_is_on_its_way(
    system: str, crms: Stage, terminal: Terminal
) -> None:
    uid, record = a_contact(terminal, system, 3)
    user_of(system, crms).change(uid, title="Chief Storm Officer")
    settle(crms, terminal)

    code, seen = prove(terminal)
    blind(terminal, system)
    blind_code, unseen = prove(terminal)

    assert (code, faults(seen, system), line(seen, system)["changed"] > 0) == (0, [], True)
    assert blind_code == 2
    (fault,) = [each for each in unseen["faults"] if each["what"] == "differs"]
    assert record in fault["ids"]
    assert "title" in fault["detail"]
    assert "--mend" in fault["fix"]


def assert_mended(terminal: Terminal, system: str) -> None:
    """The next sync reads what was wrong; then nothing is."""
    assert terminal.type("sync").code == 0
    code, answer = prove(terminal, "--sample", "all")
    assert (code, answer["faults"]) == (0, [])
    assert line(answer, system)["wrong"] == 0


def test_it_speaks_to_people(terminal: Terminal) -> None:
    well = terminal.type("doctor", "--reconcile")
    uid, record = a_contact(terminal, "hubspot", 4)
    sql(terminal, "UPDATE people SET title = 'Altered' WHERE uid = ?", uid)
    ill = terminal.type("doctor", "--reconcile")

    assert (well.code, ill.code) == (0, 2)
    assert "Nothing is wrong in what could be proved." in well.out
    assert "not proved" in well.out
    assert record in ill.out
    assert "differs from the CRM in 1 of" in ill.err


def test_nothing_is_said_of_what_was_never_read(crms: Stage, terminal: Terminal) -> None:
    (terminal.folder / "leadline.db").unlink()

    code, answer = prove(terminal)

    assert (code, answer["faults"]) == (0, [])
    reasons = {gap["reason"] for gap in answer["not_proved"]}
    assert reasons == {"it has not been read to its end with this mapping yet; the next `leadline sync` does"}
    assert {(each["in_crm"], each["sampled"]) for each in answer["objects"]} == {(None, 0)}


def test_a_crm_that_cannot_be_asked_stops_no_other(crms: Stage, terminal: Terminal) -> None:
    settings = json.loads((terminal.folder / "leadline.yaml").read_text())
    settings["connections"]["salesforce"]["options"]["base_url"] = "http://127.0.0.1:9"
    settings["http"] = {"attempts": 1}
    (terminal.folder / "leadline.yaml").write_text(json.dumps(settings))

    code, answer = prove(terminal)

    assert (code, answer["error"]["type"]) == (4, "TransientError")
    assert {each["connection"] for each in answer["objects"]} == {"hubspot"}
    assert "could not be asked" in next(gap["reason"] for gap in answer["not_proved"] if gap["connection"] != "hubspot")


@pytest.mark.parametrize("words", [("--reconcile", "--sample", "few"), ("--mend",), ("--reconcile", "--sample", "0")])
def test_a_command_line_that_makes_no_sense(words: tuple[str, ...], terminal: Terminal) -> None:
    assert terminal.type("doctor", *words).code == 2
