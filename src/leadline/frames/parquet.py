"""Facts as Parquet files in a folder, which every engine reads: the canonical tables as scoring looks at them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from leadline.core.scoring.facts import Facts
from leadline.frames import local

TABLES = ("accounts", "people", "events")
"""The folders, named like the frames of `Facts`."""
_ROWS_A_FILE = 250_000


class FactsFolder:
    """`accounts/00000.parquet`, `people/...`, `events/...` below a folder; `close` writes what is left in memory."""

    def __init__(self, path: Path, *, rows_a_file: int = _ROWS_A_FILE) -> None:
        self.path = path
        self._rows_a_file = rows_a_file
        self._waiting: dict[str, list[pl.DataFrame]] = {table: [] for table in TABLES}
        self._written = dict.fromkeys(TABLES, 0)
        for table in TABLES:
            (path / table).mkdir(parents=True)

    def write(self, facts: Facts[pl.DataFrame]) -> None:
        """Take the facts of some clusters."""
        frames = pl.collect_all([getattr(facts, table).lazy() for table in TABLES])
        for table, frame in zip(TABLES, frames, strict=True):
            self._waiting[table].append(frame)
            if sum(waiting.height for waiting in self._waiting[table]) >= self._rows_a_file:
                self._flush(table)

    def close(self) -> None:
        """Write what waits. Tables without a row have one empty file."""
        schemas = (local.account_schema(), local.person_schema(), local.event_schema())
        for table, schema in zip(TABLES, schemas, strict=True):
            if not self._written[table]:
                self._waiting[table].append(pl.DataFrame(schema=schema))
            if self._waiting[table]:
                self._flush(table)

    def _flush(self, table: str) -> None:
        file = self.path / table / f"{self._written[table]:05}.parquet"
        pl.concat(self._waiting[table]).write_parquet(file)
        self._waiting[table].clear()
        self._written[table] += 1


def read_facts(folder: Path) -> Facts[pl.DataFrame]:
    """The facts in such a folder, for this machine."""
    accounts, people, events = (pl.scan_parquet(folder / table / "*.parquet") for table in TABLES)
    return Facts(accounts, people, events, local.ENGINE)
