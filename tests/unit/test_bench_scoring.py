"""What the scoring bench compares gives the same: without that its seconds would say nothing. About six seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest
from bench.scoring.agreement import differences
from bench.scoring.growth import MODEL, more_fit_rules, more_signals
from bench.scoring.race import PEERS, Program, run
from bench.scoring.setting import NOW
from bench.scoring.world import read, world

from leadline.core.scoring.load import load_model
from leadline.frames.files import score_parquet

ACCOUNTS = 200
RIVALS = ("duckdb_sql.py", "pandas_frames.py", "python_loop.py", "rule_engine_loop.py", "zen_loop.py")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small world."""
    return world(tmp_path_factory.mktemp("bench"), ACCOUNTS).folder


@pytest.fixture(scope="module")
def ours(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Leadline makes of it."""
    out = tmp_path_factory.mktemp("ours")
    score_parquet(load_model(MODEL.read_text(), place=str(MODEL)), place, out, NOW)
    return out


def _rival(file: str, python: Path, place: Path, out: Path) -> Path:
    run(Program(file, f"rivals/{file}", (str(place), str(out), str(NOW)), python))
    return out


def test_hand_written_polars_gives_the_same(place: Path, ours: Path, tmp_path: Path) -> None:
    theirs = _rival("polars_by_hand.py", Path(sys.executable), place, tmp_path)
    assert list(differences(ours, theirs)) == []


@pytest.mark.skipif(not PEERS.exists(), reason="the bench's rivals are not installed: make bench-scoring")
@pytest.mark.parametrize("file", RIVALS)
def test_a_rival_gives_the_same(file: str, place: Path, ours: Path, tmp_path: Path) -> None:
    theirs = _rival(file, PEERS, place, tmp_path)
    assert list(differences(ours, theirs)) == []


def test_a_single_point_that_differs_is_found(ours: Path, tmp_path: Path) -> None:
    for name in ("people", "accounts"):
        frame = pl.read_parquet(ours / f"{name}.parquet")
        changed = pl.when(pl.int_range(pl.len()) == 7).then(pl.col("score") + 1).otherwise("score")
        frame.with_columns(score=changed).write_parquet(tmp_path / f"{name}.parquet")
    found = list(differences(ours, tmp_path))
    assert [line.partition(" of 1 records")[0] for line in found] == [
        "people.parquet: score",
        "accounts.parquet: score",
    ]


def test_every_group_segment_and_rule_occurs_in_the_world(ours: Path) -> None:
    model, accounts = load_model(MODEL.read_text(), place="model"), pl.read_parquet(ours / "accounts.parquet")
    people = pl.read_parquet(ours / "people.parquet")
    assert set(accounts["group"]) == {entry.group.value for entry in model.groups}
    assert {segment.id for segment in model.segments} < set(accounts["segment"])
    for entry in (*model.rules, *model.signals, *model.committee):
        column = f"points.{entry.id}"
        fired = [frame for frame in (accounts, people) if column in frame.columns and frame[column].fill_null(0).sum()]
        assert fired, entry.id


def test_a_world_is_the_same_for_the_same_seed(place: Path, tmp_path: Path) -> None:
    again = world(tmp_path, ACCOUNTS).folder
    for one, other in zip(_tables(place), _tables(again), strict=True):
        assert one.equals(other)


def _tables(place: Path) -> list[pl.DataFrame]:
    facts = read(place)
    return [facts.accounts.collect(), facts.people.collect(), facts.events.collect()]


def test_models_grow_by_what_they_say() -> None:
    plain = load_model(MODEL.read_text(), place="model")
    fit = [rule for rule in load_model(more_fit_rules(10), place="model").rules if rule.part == "fit"]
    assert len(fit) == 10 * len([rule for rule in plain.rules if rule.part == "fit"])
    assert len({rule.when for rule in fit if "size" in rule.id}) == 40
    assert len(load_model(more_signals(4), place="model").signals) == 4 * len(plain.signals)
