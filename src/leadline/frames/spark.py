"""Scoring beyond one machine: the frames of `core/scoring` on PySpark, from Parquet to Parquet.

What several outputs use is written to Parquet and read back: a plan that is cut there is made and run faster than
one that is kept in memory, and survives the loss of a machine. Nothing is brought to the driver but small tables.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring.canonical import BREAK
from leadline.core.scoring.digest import BITS, Digest
from leadline.core.scoring.facts import EVENTS, Facts, Lazy, Schema, subject_schema
from leadline.core.scoring.portable import Portable
from leadline.frames.java import find_java
from leadline.sdk.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import DataFrame, SparkSession

PACKAGES = ("pyspark", "pyarrow")
_LIMB = 32
"""Bits of a hash that are added at once, so that 2^31 records fit a 64-bit sum."""

_JAVA_OPTIONS = "spark.driver.extraJavaOptions"

# Lines that Spark begins with, whatever comes after.
_CHAT = re.compile(
    r"WARNING: |Using Spark's default|Setting |To adjust |[\d/]+ [\d:]+ (WARN|INFO) |\s*at |An error occurred"
)

# Overflow is an error, not a wrapped number or a null.
_ALWAYS = {"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "UTC"}
_USUALLY = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # Else Java is told the line of Python behind every one of some ten thousand expressions: half of the planning.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # A record has some 230 columns on the way. Above 100, Spark passes every row through each step by itself.
    "spark.sql.codegen.maxFields": "1000",
}
# One machine: listen on loopback only; few partitions, since every one costs a task.
_ON_ONE_MACHINE = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
}


class SparkEngine(Portable):
    """Frames run in a Spark session; what is worked out lies as Parquet in `folder`, which every machine reaches."""

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self.session = session
        self.folder = folder
        self._numbers = count()

    def constant(self, columns: Mapping[str, Sequence[Any]], schema: Schema) -> Lazy:
        """A small frame of these values; Spark knows its size and sends it to where it is needed."""
        import pyarrow as pa

        kinds = {nw.String(): pa.string(), nw.Int64(): pa.int64(), nw.Boolean(): pa.bool_()}
        arrays = {name: pa.array(list(columns[name]), type=kinds[kind]) for name, kind in schema.items()}
        return _lazy(self.session.createDataFrame(pa.table(arrays)))

    def collect(self, frames: Sequence[Lazy]) -> list[DataFrame]:
        """Work each out; they share what `share` was asked for."""
        return [self._written(frame.to_native()) for frame in frames]

    def share(self, frame: Lazy) -> Lazy:
        """The frame, worked out now."""
        return _lazy(self._written(frame.to_native()))

    def columns(self, frame: DataFrame) -> dict[str, list[Any]]:
        """The values of a small frame."""
        rows = frame.collect()
        return {name: [row[name] for row in rows] for name in frame.columns}

    def stack(self, frame: Lazy, rows: Sequence[Mapping[str, nw.Expr]]) -> Lazy:
        """By one pass over the frame, which is not read anew for each entry."""
        from pyspark.sql import functions as sql

        cells = {f"{name}_{place}": cell for place, row in enumerate(rows) for name, cell in row.items()}
        wide = frame.select(**cells).to_native()
        entries = [
            sql.struct(*[sql.col(f"{name}_{place}").alias(name) for name in row]) for place, row in enumerate(rows)
        ]
        return _lazy(wide.select(sql.inline(sql.array(*entries))).filter(sql.col("points").isNotNull()))

    def digest(self, lines: Lazy) -> Digest:
        """Hashed where the records are; one row of sums comes back."""
        from pyspark.sql import functions as sql

        message = sql.concat_ws(BREAK, sql.sort_array(sql.collect_list("line")))
        hashes = lines.to_native().groupBy("uid").agg(sql.sha2(message, BITS).alias("hash"))
        width = _LIMB // 4
        limbs = [
            sql.sum(sql.conv(sql.substring("hash", 1 + number * width, width), 16, 10).cast("long"))
            for number in range(BITS // _LIMB)
        ]
        *sums, records = hashes.agg(*limbs, sql.count("hash")).collect()[0]
        total = 0
        for limb in sums:
            total = (total << _LIMB) + (limb or 0)
        return Digest(total % (1 << BITS), records)

    def files(self, frame: DataFrame) -> list[Path]:
        """The Parquet files of what `collect` gave."""
        return sorted(Path(unquote(urlsplit(file).path)) for file in frame.inputFiles())

    def read(self, path: Path, schema: Schema | None = None) -> DataFrame:
        """A folder of Parquet files."""
        reader = self.session.read
        return (reader.schema(_struct(schema)) if schema else reader).parquet(path.as_uri())

    def _written(self, frame: DataFrame) -> DataFrame:
        place = (self.folder / f"{next(self._numbers)}.parquet").as_uri()
        frame.write.parquet(place)
        return self.session.read.schema(frame.schema).parquet(place)


def facts(engine: SparkEngine, folder: Path) -> Facts[DataFrame]:
    """Facts from the Parquet files that `frames.parquet` wrote below `folder`."""
    return Facts(
        engine.read(folder / "accounts", subject_schema(Entity.ACCOUNT)),
        engine.read(folder / "people", subject_schema(Entity.PERSON)),
        engine.read(folder / "events", EVENTS),
        engine,
    )


@contextlib.contextmanager
def open_engine(folder: Path, *, master: str, options: Mapping[str, str] | None = None) -> Iterator[SparkEngine]:
    """A Spark session of our own, ended at the end with its Java process; its files below `folder` go with it.

    `options` are Spark's, and win. One at a time in a process. MissingExtraError without the packages, ConfigError
    without a Java or when Spark does not start.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"`frames: spark` needs the package {missing[0]}", place="frames", fix="pip install 'leadline[spark]'"
        )
    java = find_java()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="spark-", dir=folder.resolve()) as name:
        place = Path(name)
        with _session(java, place, _configuration(place, master, options or {})) as session:
            yield SparkEngine(session, place)


def _configuration(place: Path, master: str, options: Mapping[str, str]) -> dict[str, str]:
    temporary = place / "tmp"
    temporary.mkdir()
    java_options = f"-Djava.io.tmpdir={temporary} -XX:-UsePerfData {options.get(_JAVA_OPTIONS, '')}"
    return {
        "spark.app.name": "leadline",
        "spark.local.dir": str(temporary),
        "spark.sql.warehouse.dir": str(place / "warehouse"),
        **_USUALLY,
        **(_ON_ONE_MACHINE if master.startswith("local") else {}),
        **options,
        **_ALWAYS,
        _JAVA_OPTIONS: java_options.strip(),
        "spark.master": master,
    }


@contextlib.contextmanager
def _session(java: Path, place: Path, configuration: Mapping[str, str]) -> Iterator[SparkSession]:
    from pyspark import SparkConf
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    conf = SparkConf(loadDefaults=False).setAll(list(configuration.items()))
    log = place / "spark.log"
    with contextlib.ExitStack() as stack:
        # Spark chats on stderr before any of its settings is read; what it says matters only when it fails.
        output = stack.enter_context(log.open("wb"))
        launch: Callable[..., Any] = launch_gateway  # it carries no types
        with _environment(JAVA_HOME=str(java)):
            try:
                gateway = launch(conf, {"stdout": output, "stderr": output})
            except PySparkRuntimeError as error:
                _close_what_died(error)
                raise _not_started(log.read_text(errors="replace")) from error
        stack.callback(_end_java, gateway)
        try:
            session = _connected(conf, gateway)
        except Exception as error:  # Java's errors come as many kinds, and each means the same here
            raise _not_started(str(error)) from error
        stack.callback(session.stop)
        yield session


def _connected(conf: SparkConf, gateway: Any) -> SparkSession:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    with warnings.catch_warnings():
        # What PySpark does with pandas, this module does not use.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        return SparkSession(SparkContext(conf=conf, gateway=gateway))


def _not_started(told: str) -> ConfigError:
    """By the first line of what was told that is not chat."""
    said = [line.lstrip(": ").strip() for line in told.splitlines() if line.strip() and not _CHAT.match(line)]
    return ConfigError(
        f"Spark did not start: {said[0] if said else 'it said nothing'}",
        place="spark",
        fix="Check `spark.master` and `spark.options` in leadline.yaml.",
    )


def _close_what_died(error: BaseException) -> None:
    """Close the pipe to a Java that did not start: PySpark hands out its process only when it did."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        process = frame.f_locals.get("proc")
        if isinstance(process, subprocess.Popen) and process.stdin is not None:
            process.stdin.close()
            process.wait()


def _end_java(gateway: Any) -> None:
    """End the Java process, which PySpark would keep until Python ends, so that the next session starts its own."""
    from pyspark import SparkContext

    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    SparkContext._gateway = None
    SparkContext._jvm = None


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    former = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _lazy(frame: DataFrame) -> Lazy:
    lazy: Lazy = nw.from_native(frame)
    return lazy


def _struct(schema: Schema) -> Any:
    from pyspark.sql import types as t

    kinds: dict[Any, Any] = {
        nw.String(): t.StringType(), nw.Int64(): t.LongType(), nw.Boolean(): t.BooleanType(),
        nw.List(nw.String()): t.ArrayType(t.StringType()),
    }  # fmt: skip
    return t.StructType([t.StructField(name, kinds[kind]) for name, kind in schema.items()])
