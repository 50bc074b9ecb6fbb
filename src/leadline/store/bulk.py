"""Many rows in and out at the speed of the driver.

What SQLAlchemy does for each value of each row costs more than the database takes to find or store it. Here a
statement is compiled once, and rows go to the driver and come from it as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Text,
    Update,
    and_,
    any_,
    bindparam,
    cast,
    false,
    func,
    or_,
    select,
)

if TYPE_CHECKING:
    import polars as pl

_AT_ONCE = 50_000


def execute_many(
    connection: Connection, statement: Insert | Update, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Run the statement for each row; `names` are its parameters in the order of a row's values.

    Values must be what the driver takes.
    """
    if not rows:
        return
    keys = list(names) if isinstance(statement, Insert) else None
    compiled = statement.compile(dialect=connection.dialect, column_keys=keys)
    order = getattr(compiled, "positiontup", None)  # None where the driver takes parameters by name
    constant = {name: value for name, value in compiled.params.items() if name not in names}
    sources = [*names, *constant]
    places = [sources.index(name) for name in order or ()]
    for begin in range(0, len(rows), _AT_ONCE):
        some: Iterable[tuple[Any, ...]] = ((*row, *constant.values()) for row in rows[begin : begin + _AT_ONCE])
        if order is None:
            connection.exec_driver_sql(str(compiled), [dict(zip(sources, row, strict=True)) for row in some])
        else:
            pick = itemgetter(*places) if len(places) > 1 else tuple
            connection.exec_driver_sql(str(compiled), [pick(row) for row in some])


def fetch_all(connection: Connection, query: Select[Any]) -> list[tuple[Any, ...]]:
    """All rows as the driver gives them; SQLite's truth values are 0 and 1."""
    result = connection.execute(query)
    rows: Any = result.cursor.fetchall()
    result.close()
    return rows if isinstance(rows, list) else list(rows)


def fetch_frame(
    connection: Connection, query: Select[Any], schema: Mapping[str, pl.DataType | type[pl.DataType]]
) -> pl.DataFrame:
    """All rows as a frame; `schema` names the columns of the query in their order, each of another name.

    The database gives each column as one JSON array, which is several times faster than a Python value per cell.
    """
    import polars as pl

    rows = query.subquery()
    # Aggregates of one query meet its rows in one order.
    arrays: list[ColumnElement[Any]]
    if connection.dialect.name == "postgresql":
        arrays = [cast(func.json_agg(column), Text) for column in rows.c]
    else:
        arrays = [func.json_group_array(column) for column in rows.c]
    texts = connection.execute(select(*arrays)).one()
    found = []
    for (name, kind), text in zip(schema.items(), texts, strict=True):
        values = orjson.loads(text or "[]")
        if kind == pl.Boolean:  # 0 and 1 in SQLite
            values = [None if value is None else bool(value) for value in values]
        found.append(pl.Series(name, values, dtype=kind))
    return pl.DataFrame(found)


def among(connection: Connection, column: ColumnElement[str], uids: Collection[str]) -> ColumnElement[bool]:
    """Whether the column is one of these texts: a single parameter, however many they are.

    They are sorted, which is soon done for those that are: better from a dict in order than from a set.
    """
    asked = sorted(uids)
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, asked, type_=ARRAY(Text)))
    words = func.json_each(orjson.dumps(asked).decode()).table_valued("value")
    return column.in_(select(words.c.value))


def within(column: ColumnElement[str], names: Iterable[str]) -> ColumnElement[bool]:
    """Whether a uid belongs to one of these connections: `name/` up to, not with, `name0`, the next character."""
    return or_(false(), *(and_(column >= f"{name}/", column < f"{name}0") for name in sorted(names)))
