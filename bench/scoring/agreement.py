"""Whether two programs gave the same: every column of every record.

    python agreement.py OURS THEIRS

Theirs says which columns are compared: scores, group, and `points.<rule>` of every rule, to the thousandth. Where a
rule gave nothing we write no value and others 0. Ends with 1 and the first differences when there are some.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl

FILES = ("people.parquet", "accounts.parquet")
SHOWN = 3


def differences(ours: Path, theirs: Path) -> Iterator[str]:
    """One line per column that differs."""
    for name in FILES:
        left, right = (pl.read_parquet(folder / name).sort("uid") for folder in (ours, theirs))
        if not left["uid"].equals(right["uid"]):
            yield f"{name}: other records"
            continue
        for column in right.columns:
            if column not in left.columns:
                yield f"{name}: {column} is missing from {ours}"
                continue
            one, other = _comparable(left[column]), _comparable(right[column])
            differs = one.ne_missing(other)
            if differs.any():
                shown = pl.DataFrame({"uid": left["uid"], "ours": one, "theirs": other}).filter(differs)
                yield f"{name}: {column} of {differs.sum():,} records: {shown.head(SHOWN).rows()}"


def _comparable(values: pl.Series) -> pl.Series:
    if values.dtype.is_numeric():
        return values.cast(pl.Int64).fill_null(0)
    return values if values.dtype == pl.Boolean else values.cast(pl.String).fill_null("")


if __name__ == "__main__":
    found = list(differences(Path(sys.argv[1]), Path(sys.argv[2])))
    print("\n".join(found))
    sys.exit(bool(found))
