"""Leadline, from Parquet to Parquet.

python files.py MODEL WORLD OUT NOW
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from leadline import allocator
from leadline.core.scoring.load import load_model


def main(model: Path, world: Path, out: Path, now: int) -> None:
    """Score, and tell the seconds without imports."""
    allocator.share()  # as every command does
    allocator.collect_seldom()
    from leadline.frames.files import score_parquet

    began = time.perf_counter()
    score_parquet(load_model(model.read_text(), place=str(model)), world, out, now)
    print(json.dumps({"engine": time.perf_counter() - began}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
