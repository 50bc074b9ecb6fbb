"""Ledgers of many records in one compressed block; each score names the block that holds its ledger.

A row per line of every ledger would be millions, and writing them most of the work of scoring everybody again.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, func, insert, select, update

from leadline.core.scoring.rowcolumns import lines_of
from leadline.store.rows import batched
from leadline.store.tables import breakdown_uses, breakdowns, scores

if TYPE_CHECKING:
    import polars as pl


def save_breakdown(connection: Connection, ledger: pl.DataFrame | Sequence[Mapping[str, Any]], *, records: int) -> int:
    """Store the ledgers of so many records; returns the number by which their scores name them.

    `ledger` has lines, or wide rows as `core.scoring.rowcolumns` tells.
    """
    import polars as pl

    content = io.BytesIO()
    frame = ledger if isinstance(ledger, pl.DataFrame) else pl.DataFrame(list(ledger), infer_schema_length=None)
    frame.write_ipc(content, compression="zstd")
    number = int(connection.execute(select(func.coalesce(func.max(breakdowns.c.number), 0))).scalar_one()) + 1
    connection.execute(insert(breakdowns).values(number=number, content=content.getvalue()))
    connection.execute(insert(breakdown_uses).values(number=number, records=records))
    return number


def release_breakdowns(connection: Connection, numbers: Mapping[int, int]) -> None:
    """So many scores refer to these blocks no more; blocks that none refers to go."""
    uses = breakdown_uses.c
    for number, count in sorted(numbers.items()):
        mine = uses.number == number
        connection.execute(update(breakdown_uses).where(mine).values(records=uses.records - count))
    for batch in batched(sorted(numbers)):
        query = select(uses.number).where(uses.number.in_(batch), uses.records <= 0)
        unused = connection.scalars(query).all()
        for table in (breakdowns, breakdown_uses):
            connection.execute(delete(table).where(table.c.number.in_(unused)))


def release_ledgers(connection: Connection, uids: Iterable[str]) -> None:
    """What these records' scores refer to is about to be replaced."""
    numbers: Counter[int] = Counter()
    for batch in batched(sorted(uids)):
        query = select(scores.c.breakdown, func.count()).where(scores.c.uid.in_(batch), scores.c.breakdown.is_not(None))
        numbers.update({row[0]: row[1] for row in connection.execute(query.group_by(scores.c.breakdown))})
    release_breakdowns(connection, numbers)


def load_ledgers(connection: Connection, uids: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The ledgers of these records by uid, of each the largest contribution first."""
    import polars as pl

    asked = list(dict.fromkeys(uids))
    places: dict[int, list[str]] = {}
    for batch in batched(asked):
        query = select(scores.c.uid, scores.c.breakdown).where(scores.c.uid.in_(batch))
        for row in connection.execute(query.where(scores.c.breakdown.is_not(None))):
            places.setdefault(row.breakdown, []).append(row.uid)
    found: dict[str, list[dict[str, Any]]] = {uid: [] for uid in asked}
    for number, here in sorted(places.items()):
        content = connection.execute(select(breakdowns.c.content).where(breakdowns.c.number == number)).scalar_one()
        lines = pl.read_ipc(io.BytesIO(content)).filter(pl.col("uid").is_in(here))
        for told in lines.to_dicts():
            found[told["uid"]] += [told] if "rule" in told else lines_of(told)
    for of_record in found.values():
        of_record.sort(key=lambda line: (-abs(line["points"]), line["rule"], line["part"]))
    return found


def load_ledger(connection: Connection, uid: str) -> list[dict[str, Any]]:
    """One subject's ledger, largest contribution first."""
    return load_ledgers(connection, [uid])[uid]
