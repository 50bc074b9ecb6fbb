"""Scores and ledgers as Parquet files in a folder, a file per chunk, which every frame engine reads as one table."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path

import polars as pl

from leadline.sdk.errors import ConfigError


class ParquetFolder:
    """`scores/00000.parquet` and `ledger/00000.parquet`, and so on, below a folder that is new or empty.

    The columns are those of `core.scoring.facts`; rows of a file are in the order of their uids.
    """

    def __init__(self, folder: Path) -> None:
        """ConfigError when the folder holds something: two runs must not become one table."""
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError("there is something here already", place=str(folder), fix="Name a new or empty folder.")
        self._scores, self._ledger = folder / "scores", folder / "ledger"
        self._written = 0
        for table in (self._scores, self._ledger):
            table.mkdir(parents=True)

    def write(self, scores: pl.DataFrame | None, ledger: pl.DataFrame | None) -> None:
        """Write one chunk of either or both."""
        name = f"{self._written:05}.parquet"
        if scores is not None:
            scores.sort("uid").write_parquet(self._scores / name)
        if ledger is not None:
            ledger.sort("uid", "part", "rule").write_parquet(self._ledger / name)
        self._written += 1

    def copy(self, scores: Iterable[Path], ledger: Iterable[Path]) -> None:
        """Write a chunk for each of these Parquet files, which need not go together."""
        for of_scores, of_ledger in zip_longest(scores, ledger):
            self.write(_read(of_scores), _read(of_ledger))


def _read(file: Path | None) -> pl.DataFrame | None:
    return None if file is None else pl.read_parquet(file)
