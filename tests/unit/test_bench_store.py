"""The bench of the store: the same people in a database of everybody and in a smaller one. About 4 s."""

from __future__ import annotations

from pathlib import Path

from bench.scoring.store import MODEL, changed, database, everything, picked, rescore, scorer, scores_of
from bench.scoring.world import NOW, world

from leadline.core.scoring.load import load_model


def test_a_smaller_database_gives_the_same_people_the_same_scores(tmp_path: Path) -> None:
    """They are scored with everybody whom they are scored with in the whole database, and as in a full rescore."""
    made = world(tmp_path, 200)
    picks = picked(made, 5)
    model = load_model(MODEL.read_text(), place="model")
    accounts = sorted({cluster for uid, cluster in picks if cluster != uid})
    records, found = [], []

    for share in (1, 10):
        engine = database(made, tmp_path / f"{share}.db", picks=picks, share=share)
        some = rescore(engine, scorer(model, NOW), changed(picks), NOW)
        found.append(scores_of(engine, accounts).sort("uid"))
        whole = rescore(engine, scorer(model, NOW, outdated=True), everything(engine), NOW)
        found.append(scores_of(engine, accounts).sort("uid"))
        records.append((some.records, whole.records))
        engine.dispose()

    assert all(other.equals(found[0]) for other in found)
    (many, everybody), (as_many, tenth) = records
    assert many == as_many == len(picks) + len(accounts)
    assert everybody == 1_200
    assert tenth < 400
