"""Score from and to a project's database: everybody, or so many people whose activities have changed.

    stored.py WORLD DATABASE MODEL NOW everybody|another|COUNT [SHARE]

With `another` everybody is scored by another version of the model, which comes to the same. With SHARE the database
holds one in so many people of the world, the same changed people among them. Works on a copy of the database, which
is made when it is not there. Prints what it took as JSON; for so many people also whether their accounts come out as
they do when everybody is scored.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from leadline import allocator
from leadline.core.scoring.load import load_model
from leadline.store.database import open_engine


def main(folder: str, database_file: str, model_file: str, now: int, *what: str) -> None:
    """Print the figures."""
    allocator.share()  # as a worker does
    allocator.collect_seldom()
    allocator.one_thread()
    from bench.scoring.store import ANOTHER, VERSION, changed, database, everything, picked, rescore, scorer, scores_of
    from bench.scoring.world import World

    world, path = Path(folder), Path(database_file)
    who, share = what[0], int(what[1]) if len(what) > 1 else 1
    made = World(world, world / "accounts.parquet", world / "people.parquet", world / "events.parquet")
    whole = who in ("everybody", "another")
    version = ANOTHER if who == "another" else VERSION
    picks = () if whole else picked(made, int(who))
    database(made, path, picks=picks, share=share).dispose()
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    engine = open_engine(f"sqlite:///{copy}", folder=path.parent)
    model = load_model(Path(model_file).read_text(encoding="utf-8"), place=model_file)
    marks = everything(engine) if whole else changed(picks)
    took = rescore(engine, scorer(model, now, outdated=whole, version=version), marks, now)
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
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), *sys.argv[5:])
