"""Scores and ledgers as Parquet files in a folder, a file per chunk, which every frame engine reads as one table."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from leadline.core.scoring.facts import Scored
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

    def write(self, scored: Scored[pl.DataFrame]) -> None:
        """Write one chunk."""
        name = f"{self._written:05}.parquet"
        scored.scores.sort("uid").write_parquet(self._scores / name)
        scored.ledger.sort("uid", "part", "rule").write_parquet(self._ledger / name)
        self._written += 1
