"""Reasons in words for every account.

    python sentences.py MODEL WORLD OUT NOW

Scoring is timed from Parquet to Parquet, as everywhere in this bench. What the sentences are made of (counts,
times, values) is worked out between the two and belongs to neither.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.scoring.world import read

from leadline.core.scoring.compile import break_down
from leadline.core.scoring.load import load_model
from leadline.core.scoring.plan import compile_model
from leadline.frames.files import score_parquet
from leadline.frames.sentences import sentences_of


def main(place: Path, world: Path, out: Path, now: int) -> None:
    """Score, write the sentences, tell the seconds of each."""
    model, facts = load_model(place.read_text(), place=str(place)), read(world)
    began = time.perf_counter()
    score_parquet(model, world, out, now)
    scoring = time.perf_counter() - began
    found = break_down(compile_model(model), facts, now)
    (accounts,) = facts.engine.collect([found.accounts.frame])
    began = time.perf_counter()
    texts = sentences_of(model, accounts)
    told = {"engine": scoring, "sentences": time.perf_counter() - began, "accounts": texts.height}
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
