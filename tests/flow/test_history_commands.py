"""Looking back on the command line: what people read of it, and what a wrong word is answered. 8 s."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.desk import DAY, START, Desk
from tests.projects import MODEL
from tests.traces import Terminal

from leadline.cli import output

CHANGED = MODEL.replace("name: tiny", "name: strict").replace("points: 30, when", "points: 25, when")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An account whose chief asks for a demo a day after the backfill, then a new model, then silence."""
    made = tmp_path_factory.mktemp("project")
    desk = Desk(made)
    desk.account("a1")
    desk.contact("c1", "a1", Title="CEO")
    desk.contact("c2", "a1", Title="CEO")
    desk.backfill()
    desk.now += DAY
    desk.act("t1", "c1")
    desk.run()
    desk.now += DAY
    desk.set_model(CHANGED)
    desk.run()
    return made


@pytest.fixture
def terminal(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "120")
    return Terminal(folder, capsys, output.moment(START + 3 * DAY))


def test_explain_tells_what_changed_and_names_people(terminal: Terminal) -> None:
    lines = terminal.type("explain", "a1").out.splitlines()
    text = " ".join(" ".join(lines).split())
    assert "The last change, 2023-11-16 22:13: 75 → 70 (-5)" in text
    assert "-5 the model was changed Industry we serve: software (-5)" in text
    assert "The last change of group, 2023-11-15 22:13: 35 → 75 (+40), nurture → priority" in text
    assert "+40 something happened or became known Asked for a demo: C1 on 15 Nov (+40)" in text
    assert [line.split()[-2:] for line in lines if line.strip().startswith("+5 ")] == [["C1", "+1"]]
    assert "What it was before" in text


def test_explain_at_an_earlier_time_knows_nothing_of_later(terminal: Terminal) -> None:
    text = " ".join(terminal.type("explain", "a1", "--at", output.moment(START + 60)).out.split())
    assert "score 30 (" in text  # by the model of today
    assert "Asked for a demo" not in text
    assert "The last change" not in text
    replay = " ".join(terminal.type("explain", "a1", "--at", output.moment(START + 60), "--as-known").out.split())
    assert "score 35 (" in replay  # by the model of then
    early = terminal.type("explain", "a1", "--at", "2023-01-01").out
    assert "This record was first read after that time; what was known first stands there." in " ".join(early.split())


def test_score_counts_groups_and_says_what_stands_there_on_trust(terminal: Terminal) -> None:
    text = " ".join(terminal.type("score").out.split())
    assert text.startswith("3 records scored as of 2023-11-17T22:13:20Z by strict")
    assert "priority 1 1 nurture 0 1" in text
    assert "first read after" not in text
    text = " ".join(terminal.type("score", "--at", "2023-01-01").out.split())
    assert "3 records were first read after that time; what was known first stands there." in text
    text = " ".join(terminal.type("score", "--at", "2022-01-01").out.split())
    assert "Changes before 2022-10-13 are no longer kept (retention.days)" in text


def test_a_diff_shows_who_moves_where_and_why(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(MODEL.replace("points: 40", "points: 10"))
    text = " ".join(terminal.type("model", "diff", "active", str(tmp_path / "old.yaml")).out.split())
    assert "of 3 records 2 change group, 3 change score" in text
    assert "accounts: from \\ to nurture" in text
    assert "A1 priority nurture 70 → 45 Asked for a demo (-30); Industry we serve (+5)" in text
    text = " ".join(terminal.type("model", "diff", "active", "active").out.split())
    assert text.endswith("of 3 records 0 change group, 0 change score")


def test_a_model_is_checked_on_what_is_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rules that no record has, that all have, and pairs that the same have."""
    desk, file = Desk(tmp_path), tmp_path / "doubtful.yaml"
    for number in range(25):
        desk.account(f"a{number}")
    desk.backfill()
    terminal = Terminal(tmp_path, capsys, output.moment(desk.now))
    rule = "  - {id: %s, name: %s, part: fit, points: 20, when: {field: account.industry, in: [%s]}}\n"
    never, same = (rule % told for told in (("made", "Makes", "manufacturing"), ("again", "Again", "software, retail")))
    file.write_text(MODEL.replace("signals:\n", f"{never}{same}signals:\n", 1))

    def warned(*words: str) -> set[tuple[str, str]]:
        found = terminal.type("model", "check", str(file), *words, "--json").answer["warnings"]
        return {(finding["code"], finding["path"]) for finding in found}

    found = {("always", "rules[0]"), ("never", "rules[1]"), ("never", "rules[2]"), ("twins", "rules[3]")}
    assert warned() & found == set()
    assert found <= warned("--stored")
    assert terminal.type("model", "check", str(file), "--stored").code == 0
    ended = terminal.type("model", "check", str(file), "--stored", "--strict")
    assert ended.code == 2
    assert "warnings about tiny" in ended.err


def test_a_replay_is_told_as_json_too(terminal: Terminal) -> None:
    """With the sum of its lines as the score, by the model of today or (--as-known) of then."""
    at = ("--at", output.moment(START + DAY + 60), "--json")
    for words, score in (((), 70_000), (("--as-known",), 75_000)):
        told = terminal.type("explain", "a1", *at, *words).answer
        assert (told["score"], sum(line["points"] for line in told["lines"])) == (score, score)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["score", "--at", "tomorrow"], "'tomorrow' is not an ISO 8601 time"),
        (["score", "--as-known"], "give a time with --at"),
        (["explain", "a1", "--at", "yesterday"], "'yesterday' is not an ISO 8601 time"),
        (["score", "--model", "nowhere.yaml"], "there is no model file here"),
        (["model", "diff", "active", "0123456789"], "no model in use had this digest"),
        (["explain", "a1", "--at", "2023-01-01", "--as-known"], "was not known at that time"),
    ],
)
def test_a_wrong_word_is_answered_with_what_to_do(terminal: Terminal, words: list[str], said: str) -> None:
    ended = terminal.type(*words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
