"""Facts and timelines in the form in which scoring reads them: a line of text per record, beside its cluster.

A cache of the entity tables, which are the truth: reading a few thousand clusters out of those means hundreds of
thousands of rows. It is right for every cluster without a mark, because whatever changes a row marks whom it
concerns (`concerns.py`), and a mark is cleared in the transaction that has brought the lines up to date.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Table, case, delete, func, select

from leadline.core.entities import Entity
from leadline.store.bulk import among, execute_many, fetch_all, fetch_frame
from leadline.store.database import upsert
from leadline.store.rows import batched
from leadline.store.tables import accounts, activities, dossiers, people

if TYPE_CHECKING:
    import polars as pl

    Schema = Mapping[str, pl.DataType]

_AT_ONCE = 5_000  # clusters whose lines the database joins to one text


@dataclass(frozen=True, slots=True)
class Dossiers:
    """Lines of some clusters; `frames/lines.py` reads them. Events stand in the order of the records that have them."""

    accounts: str = ""
    account_events: str = ""
    people: str = ""
    people_events: str = ""


def read_dossiers(connection: Connection, clusters: Iterable[str], *, layout: str) -> Dossiers:
    """What is kept of these clusters in this layout; of the others there is nothing."""
    found: dict[str, list[str]] = {field.name: [] for field in fields(Dossiers)}
    of_account, of_person = dossiers.c.entity == Entity.ACCOUNT.value, dossiers.c.entity == Entity.PERSON.value
    columns = (
        _joined(of_account, dossiers.c.facts).label("accounts"),
        _joined(of_account, dossiers.c.events).label("account_events"),
        _joined(of_person, dossiers.c.facts).label("people"),
        _joined(of_person, dossiers.c.events).label("people_events"),
    )
    for batch in batched(sorted(clusters), _AT_ONCE):
        query = select(*columns).where(among(connection, dossiers.c.cluster, batch), dossiers.c.layout == layout)
        for name, text in connection.execute(query).one()._mapping.items():
            if text is not None:
                found[str(name)].append(text)
    return Dossiers(**{name: "".join(texts) for name, texts in found.items()})


def _joined(which: ColumnElement[bool], column: ColumnElement[str]) -> ColumnElement[Any]:
    """All texts of a batch in one, in the order in which the database comes across them: for all columns the same."""
    return func.aggregate_strings(case((which, column)), "")


COLUMNS = ("cluster", "uid", "entity", "layout", "facts", "events")


def save_dossiers(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put these rows, with the values of `COLUMNS`, in place of those of the same records."""
    statement = upsert(connection, dossiers)
    given = {name: statement.excluded[name] for name in COLUMNS[2:]}
    execute_many(
        connection, statement.on_conflict_do_update(index_elements=["cluster", "uid"], set_=given), COLUMNS, rows
    )


def drop_dossiers(connection: Connection, clusters: Iterable[str]) -> None:
    """Forget these clusters; the next who scores them reads their rows."""
    for batch in batched(sorted(clusters)):
        connection.execute(delete(dossiers).where(dossiers.c.cluster.in_(batch)))


def read_accounts(connection: Connection, uids: Iterable[str], schema: Schema) -> pl.DataFrame:
    """These columns of those of the accounts that are there."""
    return _read(connection, accounts, uids, schema)


def read_people(connection: Connection, uids: Iterable[str], schema: Schema) -> pl.DataFrame:
    """These columns of those of the people that are there. Their links are as the CRM gives them."""
    return _read(connection, people, uids, schema)


def _read(connection: Connection, table: Table, uids: Iterable[str], schema: Schema) -> pl.DataFrame:
    columns = [table.c[name] for name in schema]
    those = among(connection, table.c.uid, set(uids))
    return fetch_frame(connection, select(*columns).where(those, table.c.deleted.is_(False)), schema)


def read_timelines(connection: Connection, roots: Iterable[str], schema: Schema) -> pl.DataFrame:
    """What these people did, as themselves or as the leads behind whom they are; `uid` of the schema is the person.

    Its other columns are those of activities.
    """
    import polars as pl

    stands_for = {uid: uid for uid in roots}
    behind = among(connection, people.c.contact, stands_for)
    leads = fetch_all(connection, select(people.c.uid, people.c.contact).where(behind, people.c.deleted.is_(False)))
    others = {uid: contact for uid, contact in leads if uid not in stands_for}
    told = [activities.c.person if name == "uid" else activities.c[name] for name in schema]
    alive = (activities.c.deleted.is_(False), activities.c.kind.is_not(None), activities.c.at.is_not(None))
    those = among(connection, activities.c.person, {**stands_for, **others})
    found = fetch_frame(connection, select(*told).where(those, *alive), schema)
    return found.with_columns(pl.col("uid").replace(others)) if others else found
