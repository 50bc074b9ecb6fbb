"""Scores of many records with their ledgers in wide form, as they are stored: a column per rule."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import narwhals.stable.v2 as nw
import polars as pl

from leadline.core.scoring.compile import ledger_of
from leadline.core.scoring.facts import SCORES, Scored
from leadline.core.scoring.rowcolumns import is_row_column
from leadline.frames.local import ENGINE


@dataclass(frozen=True, slots=True)
class Wide:
    """People and accounts: the columns `SCORES`, and those of `core.scoring.rowcolumns`."""

    people: pl.DataFrame
    accounts: pl.DataFrame

    def __len__(self) -> int:
        return len(self.people) + len(self.accounts)

    @property
    def scores(self) -> pl.DataFrame:
        """The scores alone."""
        return pl.concat([self.people.select(*SCORES), self.accounts.select(*SCORES)])

    def only(self, uids: pl.Series) -> Wide:
        """Of these records."""
        asked = uids.to_frame("uid")
        return Wide(*(frame.join(asked, on="uid", how="semi") for frame in (self.people, self.accounts)))

    def both(self) -> pl.DataFrame:
        """uid and the columns of the ledgers, of all."""
        frames = [frame.select("uid", *filter(is_row_column, frame.columns)) for frame in (self.people, self.accounts)]
        return pl.concat(frames, how="diagonal")

    def scored(self) -> Scored[pl.DataFrame]:
        """Scores and the long ledger."""
        ledgers = [
            ledger_of(ENGINE, nw.from_native(frame.lazy()), [name for name in frame.columns if is_row_column(name)])
            for frame in (self.people, self.accounts)
        ]
        return Scored(self.scores, pl.concat(ENGINE.collect(ledgers)))


def kept_to(done: Scored[pl.DataFrame], uids: Collection[str]) -> Scored[pl.DataFrame]:
    """Scores and ledgers of these records alone."""
    asked = pl.DataFrame({"uid": list(uids)}, schema={"uid": pl.String})
    return Scored(*(frame.join(asked, on="uid", how="semi") for frame in (done.scores, done.ledger)))
