"""Scores, ledgers and digests on PySpark: the same as on one machine, from either database. A minute of work, most of
them Spark's planning: one session for the module, few rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from tests.databases import NewDatabase
from tests.desk import Desk
from tests.language import MODEL as LANGUAGE
from tests.language import NOW, Crowd, crowd
from tests.rows import row

from leadline.app.survey import frames_of
from leadline.core.entities import Entity
from leadline.core.scoring.canonical import of_rows, of_scored
from leadline.core.scoring.compile import score
from leadline.core.scoring.digest import Digest
from leadline.core.scoring.facts import Facts
from leadline.core.scoring.load import load_model
from leadline.core.scoring.model import Model
from leadline.frames import local, spark
from leadline.frames.java import find_java
from leadline.frames.parquet import FactsFolder, read_facts
from leadline.sdk.errors import ConfigError, MissingExtraError
from leadline.store.database import open_engine as open_database
from leadline.store.database import reading
from leadline.store.facts import load_facts
from leadline.store.past import all_clusters
from leadline.store.records import save_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CROWD = crowd(60)
# Few rows: compiling a plan costs more than running it.
SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def _no_java() -> str:
    try:
        find_java()
    except ConfigError as error:
        return str(error)
    return ""


REQUIRED = os.environ.get("LEADLINE_JAVA") == "required"
NO_JAVA = "" if REQUIRED else _no_java()
needs_java = pytest.mark.skipif(bool(NO_JAVA), reason=NO_JAVA)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[spark.SparkEngine]:
    """Spark, and nothing of it afterwards."""
    folder = tmp_path_factory.mktemp("spark")
    with spark.open_engine(folder, master="local[2]", options=SMALL) as opened:
        gateway: Any = opened.session.sparkContext._gateway
        process = gateway.proc
        yield opened
    assert list(folder.iterdir()) == []
    assert process.returncode is not None


@pytest.fixture(scope="module")
def plain(root: Path) -> Model:
    """A model that Spark plans in seconds."""
    place = root / "models" / "reference-100.yaml"
    return load_model(place.read_text(), place=str(place))


def here(facts: Crowd) -> Facts[pl.DataFrame]:
    """The rows as facts on this machine."""
    return local.facts(facts.accounts, facts.people, facts.events)


def on_polars(model: Model, facts: Crowd) -> Digest:
    return of_scored(local.ENGINE, score(model, here(facts), NOW))


def in_parts(engine: spark.SparkEngine, folder: Path, number: int) -> Facts[DataFrame]:
    """The facts in a folder, cut in so many parts."""
    facts = spark.facts(engine, folder)
    cut = [frame.repartition(number) for frame in (facts.accounts, facts.people, facts.events)]
    return Facts(cut[0], cut[1], cut[2], engine)


def written(folder: Path, *chunks: Facts[pl.DataFrame], rows_a_file: int = 1_000_000) -> Path:
    """The folder, with the facts in it."""
    out = FactsFolder(folder, rows_a_file=rows_a_file)
    for chunk in chunks:
        out.write(chunk)
    out.close()
    return folder


def test_the_order_of_rows_does_not_show() -> None:
    known = on_polars(LANGUAGE, CROWD)
    for seed in (1, 2, 3):
        done = score(LANGUAGE, here(CROWD.shuffled(seed)), NOW)

        assert of_scored(local.ENGINE, done) == known
        assert of_rows(done.scores.to_dicts(), done.ledger.to_dicts()) == known


@needs_java
def test_spark_gives_the_same_bits_for_any_partitioning(
    engine: spark.SparkEngine, plain: Model, tmp_path: Path
) -> None:
    known = on_polars(plain, CROWD)
    for number in (1, 7):  # the whole language, below, is cut in 2
        folder = written(tmp_path / str(number), here(CROWD.shuffled(number)))

        done = score(plain, in_parts(engine, folder, number), NOW)

        assert of_scored(engine, done) == known, number


@needs_java
def test_spark_reads_the_whole_language_as_polars_does(engine: spark.SparkEngine, tmp_path: Path) -> None:
    """Row by row, and by the digest that each works out itself."""
    folder = written(tmp_path / "facts", here(CROWD))
    wanted = score(LANGUAGE, here(CROWD), NOW)

    done = score(LANGUAGE, in_parts(engine, folder, 2), NOW)

    assert of_scored(engine, done) == of_scored(local.ENGINE, wanted)
    assert wanted.ledger["rule"].n_unique() > 20
    for found, expected, order in (
        (done.scores, wanted.scores, ["uid"]),
        (done.ledger, wanted.ledger, ["uid", "part", "rule"]),
    ):
        frame = pl.concat([pl.read_parquet(file) for file in engine.files(found)])
        assert frame.schema == expected.schema
        assert frame.sort(order).equals(expected.sort(order))


@needs_java
def test_what_lies_in_a_database_scores_the_same_on_spark(
    engine: spark.SparkEngine, plain: Model, tmp_path: Path, new_database: NewDatabase
) -> None:
    """The same rows, kept in SQLite or in PostgreSQL, exported in chunks, scored by both engines."""
    facts = Crowd(*([_unscored(row) for row in rows] for rows in (CROWD.accounts, CROWD.people, CROWD.events)))
    database = open_database(new_database(), folder=tmp_path)
    try:
        with database.begin() as connection:
            for entity, rows in _stored(facts):
                save_rows(connection, entity, rows)
        with reading(database).begin() as connection:
            chunks = [frames_of(load_facts(connection, uids)) for uids in all_clusters(connection, size=25)]
    finally:
        database.dispose()
    folder = written(tmp_path / "facts", *chunks, rows_a_file=50)
    assert len(list((folder / "events").iterdir())) > 1

    for model in (plain, LANGUAGE):
        assert of_scored(local.ENGINE, score(model, read_facts(folder), NOW)) == on_polars(model, facts)
    assert of_scored(engine, score(plain, spark.facts(engine, folder), NOW)) == on_polars(plain, facts)


def _unscored(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("previous_group", "group_since")}


def _stored(facts: Crowd) -> Iterator[tuple[Entity, list[dict[str, Any]]]]:
    """Rows as the normalizer gives them."""
    yield Entity.ACCOUNT, [_record(Entity.ACCOUNT, r) for r in facts.accounts]
    yield Entity.PERSON, [_record(Entity.PERSON, r) for r in facts.people]
    yield Entity.ACTIVITY, [row(Entity.ACTIVITY, str(n), **r) for n, r in enumerate(facts.events)]


def _record(entity: Entity, fields: dict[str, Any]) -> dict[str, Any]:
    found = row(entity, fields["uid"].rpartition("/")[2], **{k: v for k, v in fields.items() if k != "uid"})
    assert found["uid"] == fields["uid"]
    return found


@needs_java
def test_a_scoring_of_nothing(engine: spark.SparkEngine, plain: Model, tmp_path: Path) -> None:
    done = score(plain, spark.facts(engine, written(tmp_path / "facts")), NOW)

    assert of_scored(engine, done) == Digest()


@needs_java
def test_the_settings_move_a_scoring_to_spark(tmp_path: Path) -> None:
    """`leadline score` tells the same on both, and leaves nothing of Spark behind."""
    desk = Desk(tmp_path)
    for number in range(3):
        desk.account(f"a{number}")
        desk.contact(f"c{number}", f"a{number}")
        desk.act(f"e{number}", f"c{number}")
    desk.backfill()
    told = _scored(tmp_path, "local", tmp_path / "local")
    again = _scored(tmp_path, "spark", tmp_path / "spark")

    assert told["records"] == 6
    assert {**again, "out": None} == {**told, "out": None}
    assert list((tmp_path / ".spark").iterdir()) == []
    for table, order in (("scores", ["uid"]), ("ledger", ["uid", "part", "rule"])):
        mine, theirs = (pl.read_parquet(tmp_path / name / table / "*.parquet") for name in ("local", "spark"))
        assert mine.sort(order).equals(theirs.sort(order))


def _scored(folder: Path, frames: str, out: Path) -> dict[str, Any]:
    chosen = {"LEADLINE_FRAMES": frames, "LEADLINE_SPARK__MASTER": "local[1]"}
    options = json.dumps(SMALL)
    done = subprocess.run(
        [sys.executable, "-m", "leadline", "score", "--json", "--now", "2023-11-14T22:13:20Z", "--out", str(out)],
        cwd=folder,
        env={**os.environ, **chosen, "LEADLINE_SPARK__OPTIONS": options},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARN" not in done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_without_its_packages_spark_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "PACKAGES", ("pyspark_of_another_name",))

    with (
        pytest.raises(MissingExtraError, match=r"pip install 'leadline\[spark\]'"),
        spark.open_engine(tmp_path, master="local[1]"),
    ):
        pass


@needs_java
def test_spark_that_does_not_start_says_why(tmp_path: Path) -> None:
    options = {"spark.driver.memory": "plenty"}

    with pytest.raises(ConfigError) as raised, spark.open_engine(tmp_path, master="local[1]", options=options):
        pass

    assert "plenty" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []
