"""Decayed points to the last thousandth: ties are rounded half to even, as the rules say."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.oracle import reference_behaviour as reference

from leadline.core.scoring.decay import curve
from leadline.core.scoring.load import load_model
from leadline.core.scoring.model import Signal

MODELS = sorted((Path(__file__).parents[2] / "models").glob("*.yaml"))


@pytest.mark.parametrize(
    ("points", "half_life", "day", "wanted"),
    [(3, 10, 40, 188), (8, 7, 49, 62), (1, 5, 20, 62), (-3, 10, 40, -188), (15, 60, 180, 1_875), (1, 1, 11, 0)],
)
def test_whole_half_lives_are_exact(points: int, half_life: int, day: int, wanted: int) -> None:
    """187.5 becomes 188 and 62.5 becomes 62: a factor that is off in the last digit would lose the tie."""
    signal = Signal.model_validate(
        {
            "id": "s", "name": "S", "kinds": ["webinar"], "points": points, "half_life_days": half_life,
            "window_days": 200, "part": "negative" if points < 0 else "intent",
        }
    )  # fmt: skip
    assert curve(signal).at(day) == wanted


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.stem)
def test_every_day_of_every_shipped_signal_is_the_references(file: Path) -> None:
    for signal in load_model(file.read_text(encoding="utf-8"), place=str(file)).signals:
        steps = tuple(signal.steps or ())
        wanted = [
            reference.points_at(signal.points, signal.half_life_days, steps, day) for day in range(signal.window_days)
        ]
        assert [curve(signal).at(day) for day in range(signal.window_days)] == wanted, signal.id
