"""The demo, as somebody who has just installed Leadline sees it: six chapters on two local CRMs, and what is left."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.stage import worker_environment

CHAPTERS = ("doctor", "backfill", "queue", "sync", "sync", "sync")
HUBSPOT_CALLS = 900  # a development portal's patience


@dataclass(frozen=True)
class Shown:
    """What a demo printed, at 80 columns, and the folder that it made."""

    text: str
    folder: Path

    def chapter(self, number: int) -> str:
        """The text of one chapter, 1 to 6."""
        parts = re.split(r"^(?:[1-6]  .+ ─+|Look around ─+)$", self.text, flags=re.MULTILINE)
        return " ".join(parts[number].split())

    def figure(self, pattern: str, number: int) -> int:
        """A number in a chapter."""
        found = re.search(pattern, self.chapter(number))
        assert found, (pattern, self.chapter(number))
        return int(found[1].replace(",", ""))


def typed(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**worker_environment(), "COLUMNS": "80"}
    return subprocess.run(
        [sys.executable, "-m", "leadline", *words], capture_output=True, text=True, env=environment, check=False
    )


def play(folder: Path, leads: int) -> Shown:
    ended = typed("demo", "--leads", str(leads), "--folder", str(folder))
    assert (ended.returncode, ended.stderr) == (0, "")
    return Shown(ended.stdout, folder)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """A small demo."""
    return play(tmp_path_factory.mktemp("demo") / "leadline-demo", 300)


def told_whole(demo: Shown) -> None:
    """The story, chapter by chapter."""
    headings = re.findall(r"^([1-6])  .*?leadline (\w+)", demo.text, flags=re.MULTILINE)
    assert [number for number, _ in headings] == ["1", "2", "3", "4", "5", "6"]
    assert tuple(command for _, command in headings) == CHAPTERS

    assert " no " not in demo.chapter(1)
    assert "fits the CRM" in demo.chapter(1)

    read = demo.figure(r"backfill read ([\d,]+) records", 2)
    predicted = demo.figure(r" all ([\d,]+) ", 2)
    assert read == predicted
    assert 0 < demo.figure(r"wrote ([\d,]+) in", 2) <= demo.figure(r" all [\d,]+ [\d,]+ ([\d,]+) ", 2)
    assert demo.figure(r"([\d,]+) plays withheld", 2) > 0
    groups = re.search(r"accounts by group: (.*)", demo.chapter(2))
    assert groups
    counts = re.findall(r"(\d+) (priority|qualified review|nurture|investigate|research|poor fit)", groups[1])
    assert len(counts) == 6
    assert all(int(count) > 0 for count, _ in counts), "every group can be seen"

    assert "nurture" in demo.chapter(3)
    assert demo.figure(r"changed\), scored ([\d,]+)", 4) < 20
    assert re.search(r"nurture priority", demo.chapter(4))
    assert "task due in 2 h, enrol in Fast track" in demo.chapter(4)
    assert "Why now: priority, was nurture" in demo.chapter(4)
    assert demo.figure(r"wrote ([\d,]+) in", 5) == demo.figure(r"scored ([\d,]+), wrote", 5) == 0
    scored, of = (demo.figure(pattern, 6) for pattern in (r"scored ([\d,]+) of", r"scored [\d,]+ of ([\d,]+) records"))
    assert 0 < scored < of
    assert " is nurture again" in demo.chapter(6)


def test_it_tells_the_whole_story(shown: Shown) -> None:
    told_whole(shown)


def test_it_fits_80_columns(shown: Shown) -> None:
    printed = [line for line in shown.text.splitlines() if "leadline --project" not in line]  # commands are kept whole

    assert max(map(len, printed)) <= 80


def test_what_it_says_to_type_next_can_be_typed(shown: Shown) -> None:
    lines = re.findall(r"^  .*leadline (--project \S+ .+)$", shown.text, flags=re.MULTILINE)
    commands = [re.split(r"\s{2,}", line)[0].split() for line in lines]
    assert {tuple(words[2:4]) for words in commands} >= {("queue",), ("outbox", "list")}
    queue = typed("--project", str(shown.folder), "queue", "--limit", "1", "--json").stdout
    name = re.search(r'"uid": "([^"]+)"', queue)
    assert name

    for words in commands:
        ended = typed(*[name[1] if word.isupper() else word for word in words])
        assert (ended.returncode, ended.stderr) == (0, ""), words
        assert len(ended.stdout.splitlines()) > 3


def test_it_leaves_no_process_and_no_secret_behind(shown: Shown) -> None:
    addresses = set(re.findall(r"http://127\.0\.0\.1:\d+", shown.text))
    assert len(addresses) == 2
    for address in addresses:
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(address, timeout=5)
    settings = (shown.folder / "leadline.yaml").read_text(encoding="utf-8")
    assert "${" in settings
    assert "pat-" not in settings + shown.text


@pytest.mark.heavy
def test_the_full_demo_keeps_to_its_budget_of_calls(tmp_path: Path) -> None:
    demo = play(tmp_path / "leadline-demo", 5_000)

    told_whole(demo)
    calls = re.search(r"([\d,]+) calls to hubspot", " ".join(demo.text.split("Look around")[1].split()))
    assert calls
    assert int(calls[1].replace(",", "")) <= HUBSPOT_CALLS
