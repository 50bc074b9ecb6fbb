"""Reasons in words for every account.

python sentences.py MODEL WORLD OUT NOW
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import polars as pl
from bench.scoring.world import read

from leadline.core.scoring.compile import score
from leadline.core.scoring.explain import sentences
from leadline.core.scoring.load import load_model
from leadline.core.scoring.subject import LedgerRow

COLUMNS = ("rule", "part", "points", "raw_points", "lost_to_decay", "lost_to_cap", "count", "last_at", "value")


def main(place: Path, world: Path, now: int) -> None:
    """Score, write the sentences, tell the seconds of each."""
    model, facts = load_model(place.read_text(), place=str(place)), read(world)
    began = time.perf_counter()
    scored = score(model, facts, now)
    done = time.perf_counter()
    accounts = scored.scores.filter(pl.col("entity") == "account").select("uid")
    rows: dict[str, list[LedgerRow]] = defaultdict(list)
    for uid, *cells in scored.ledger.join(accounts, on="uid", how="semi").select("uid", *COLUMNS).iter_rows():
        rows[uid].append(LedgerRow(*cells))
    texts = {uid: sentences(model, mine) for uid, mine in rows.items()}
    told = {"engine": done - began, "sentences": time.perf_counter() - done, "accounts": len(texts)}
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[4]))
