"""Score from and to a project's database: everybody, or so many people whose activities have changed.

    stored.py WORLD DATABASE MODEL NOW everybody|COUNT

Works on a copy of the database, which is made when it is not there. Prints what it took as JSON; for so many people
also whether their accounts come out as they do when everybody is scored.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from bench.scoring.store import changed, database, everything, rescore, scorer, scores_of
from bench.scoring.world import World

from leadline.core.scoring.load import load_model
from leadline.store.database import open_engine


def main(world: Path, path: Path, model_file: Path, now: int, what: str) -> None:
    """Print the figures."""
    made = World(world, world / "accounts.parquet", world / "people.parquet", world / "events.parquet")
    database(made, path).dispose()
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    engine = open_engine(f"sqlite:///{copy}", folder=path.parent)
    model = load_model(model_file.read_text(encoding="utf-8"), place=str(model_file))
    whole = what == "everybody"
    marks = everything(engine) if whole else changed(engine, int(what))
    took = rescore(engine, scorer(model, now, outdated=whole), marks, now)
    told = {"engine": took.wall, **asdict(took)}
    if not whole:
        accounts = sorted({uid for part in marks for uid in part if "/companies/" in uid})
        mine = scores_of(engine, accounts)
        told["accounts"] = len(mine)
        rescore(engine, scorer(model, now, outdated=True), everything(engine), now)
        told["different"] = len(mine.join(scores_of(engine, accounts), on=mine.columns, how="anti", nulls_equal=True))
    engine.dispose()
    copy.unlink()
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
