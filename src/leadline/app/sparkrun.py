"""Scoring everything on Spark: facts of the store go to Parquet, scores and ledgers come as Parquet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from leadline.core.scoring.compile import score
from leadline.frames.parquet import FactsFolder
from leadline.frames.spark import SparkEngine, facts, open_engine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from leadline.config import Settings
    from leadline.core.scoring.facts import Facts, Scored
    from leadline.core.scoring.model import Model


@contextlib.contextmanager
def scored_by_spark(
    settings: Settings, model: Model, chunks: Iterable[Facts[Any]], now: int
) -> Iterator[tuple[SparkEngine, Scored[DataFrame]]]:
    """Scores of all chunks together, as long as Spark is there.

    ConfigError without PySpark or Java, before the first chunk is asked for.
    """
    spark = settings.spark
    with open_engine(settings.spark_folder, master=spark.master, options=spark.options) as engine:
        folder = FactsFolder(engine.folder / "facts")
        for chunk in chunks:
            folder.write(chunk)
        folder.close()
        yield engine, score(model, facts(engine, folder.path), now)
