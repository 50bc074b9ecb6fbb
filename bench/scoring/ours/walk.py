"""The walk to the next change of every record.

python walk.py MODEL WORLD NOW
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.scoring.world import DAY, read

from leadline.core.scoring.compile import score
from leadline.core.scoring.due import due_all
from leadline.core.scoring.load import load_model


def main(place: Path, world: Path, now: int) -> None:
    """Score, walk, tell the seconds of each."""
    model, facts = load_model(place.read_text(), place=str(place)), read(world)
    began = time.perf_counter()
    scored = score(model, facts, now)
    done = time.perf_counter()
    pushed = dict(scored.scores.select("uid", "score").rows())
    due_all(model, facts, scored, now, pushed=pushed, n=5, horizon_seconds=7 * DAY)
    walked = time.perf_counter()
    print(json.dumps({"engine": done - began, "walk": walked - done, "records": scored.scores.height}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
