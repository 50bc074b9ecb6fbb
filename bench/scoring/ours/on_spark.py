"""Leadline's frames on Spark: scores and ledger of a world, as Parquet.

    python on_spark.py MODEL WORLD MASTER NOW

The start of the session and its first job are left out: a cluster is there before the work is. Java's second compiler
is off: for minutes it keeps a core busy, which is free for it on a machine with more cores than Spark is told to use.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from leadline.core.entities import Entity
from leadline.core.scoring.compile import score
from leadline.core.scoring.facts import EVENTS, Facts, subject_schema
from leadline.core.scoring.load import load_model
from leadline.frames.spark import open_engine

OPTIONS = {"spark.driver.memory": "4g", "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1"}


def main(place: Path, world: Path, master: str, now: int) -> None:
    """Score, tell the seconds."""
    model = load_model(place.read_text(), place=str(place))
    with (
        tempfile.TemporaryDirectory() as folder,
        open_engine(Path(folder), master=master, options=OPTIONS) as engine,
    ):
        accounts = engine.read(world / "accounts.parquet", subject_schema(Entity.ACCOUNT))
        people = engine.read(world / "people.parquet", subject_schema(Entity.PERSON))
        events = engine.read(world / "events.parquet", EVENTS)
        accounts.count()
        began = time.perf_counter()
        score(model, Facts(accounts, people, events, engine), now)
        print(json.dumps({"engine": time.perf_counter() - began}))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3], int(sys.argv[4]))
