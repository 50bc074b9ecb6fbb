"""Many rows in and out at the speed of the driver.

What SQLAlchemy does for each value of each row costs more than the database takes to find or store it. Here a
statement is compiled once, and rows go to the driver and come from it as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import ARRAY, ColumnElement, Connection, Insert, Select, Text, Update, any_, bindparam, func, select

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


def among(connection: Connection, column: ColumnElement[str], uids: Collection[str]) -> ColumnElement[bool]:
    """Whether the column is one of these texts: a single parameter, however many they are."""
    asked = sorted(uids)
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, asked, type_=ARRAY(Text)))
    words = func.json_each(orjson.dumps(asked).decode()).table_valued("value")
    return column.in_(select(words.c.value))
