"""Random edits in a CRM, random pauses: after every sync all scores are right, and one more sync finds nothing to do.

`EDIT_SEEDS=50 pytest tests/flow/test_random_edits.py -m heavy` goes through many more.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from tests.checker import Checker
from tests.edits import user_of
from tests.people import Crowd
from tests.recompute import Truth
from tests.stage import DAY, NOW, SYSTEMS, Stage, did_nothing, stage

from leadline.sdk.sandbox.bundle import generate

SYNCS = 15
PAUSES = (0, 0, 1, 60, 3_600, DAY, 9 * DAY)


@pytest.mark.heavy
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("seed", range(int(os.environ.get("EDIT_SEEDS", "2"))))
def test_scores_follow_whatever_happens(system: str, seed: int, tmp_path: Path) -> None:
    drawn = random.Random(f"{system}{seed}")
    with stage(tmp_path, {system: generate(50, seed=seed, now=NOW)}) as on:
        checker = Checker(on)
        on.backfill()
        checker.check("backfill")
        for number in range(SYNCS):
            print(number, *act(on, system, checker, drawn), sep="\n  ")
            on.advance(drawn.choice((*PAUSES, drawn.randint(1, 20 * DAY))))
            assert on.sync().report.failures == {}
            checker.check(f"sync {number}")
            did_nothing(on.sync())


def act(on: Stage, system: str, checker: Checker, drawn: random.Random) -> list[str]:
    """One to three edits."""
    done = []
    for _ in range(drawn.randint(1, 3)):
        truth = Truth.of(system, on.crms[system].vendor.state(), checker.mappings[system])
        done.append(Crowd(user_of(system, on), truth, drawn, on.now).act())
    return done
