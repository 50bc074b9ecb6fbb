"""`make fuzz` in small, and that random pairs reach what they are for: every feature decides some record's score."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from tests.oracle import coverage, fuzz, random_scoring
from tests.oracle import reference_scorer as reference
from tests.oracle.agreement import world_of
from tests.oracle.random_scoring import Records

from leadline.core.scoring.model import Model

NOW = random_scoring.NOW
usual = settings(database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


def decided(number: int, found: set[str]) -> set[str]:
    """The features that decided a record, of random models from a seed, and those that were found before."""

    @seed(number)
    @settings(usual, max_examples=50)
    @given(model=random_scoring.models(), records=random_scoring.records())
    def pairs(model: Model, records: Records) -> None:
        world = world_of(records)
        found.update(coverage.decisive(model, world, reference.score_all(model, world, NOW), NOW, found))

    pairs()
    return found


def test_every_feature_decides() -> None:
    """Each feature of the language is what made some random record come to what it comes to."""
    found: set[str] = set()
    for number in range(20):
        found = decided(number, found)
        if found.issuperset(coverage.ABLATIONS):
            break

    assert set(coverage.ABLATIONS) - found == set()


@pytest.mark.parametrize("kind", ["walk", "interval"])
def test_a_piece_of_the_fuzz(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece of work compares pairs and finds no difference."""
    monkeypatch.setattr(fuzz, "AT_ONCE", 30)

    counts, failure = fuzz.run(fuzz.Piece(kind, 1))

    assert failure == ""
    assert counts["models"] == 30
    assert counts["pairs"] > 30
    assert (counts["month: due"] > 0) == (kind == "walk")
    assert fuzz.wakeups(counts) <= fuzz.WAKEUPS


def test_a_difference_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shrunk pair is printed with the seed that found it."""

    def never(*_: object) -> fuzz.Counts:
        raise AssertionError("not equal")

    monkeypatch.setitem(fuzz.KINDS, "walk", never)

    monkeypatch.setattr(fuzz, "PHASES", (Phase.generate,))
    _, failure = fuzz.run(fuzz.Piece("walk", 7))

    assert failure.startswith("walk, seed 7: AssertionError: not equal")
    assert "model: {" in failure
