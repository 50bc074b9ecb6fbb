"""What must be scored: marks in the order of their names, read a page at a time and never as a whole.

Storing rows leaves marks on what they concern. What time, a new model or another record's change
make worth a look is marked here as well, by statements that run in the database, so that the
memory of a run does not grow with the number of records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, literal, select

from leadline.store.bulk import within
from leadline.store.concerns import DRIFTED, MOVED
from leadline.store.database import upsert
from leadline.store.facts import clusters_of
from leadline.store.rows import batched
from leadline.store.tables import accounts, dirty, people, scores

_contacts = people.alias("contacts")


def mark_pending(connection: Connection, versions: Mapping[str, str], *, now: int) -> None:
    """Mark what is due, what another version has scored, and what hangs on records that are marked.

    `versions` gives the present version of each connection; records of other connections are left alone.
    """
    # Whether a lead is a person of its own depends on the contact behind it.
    moved = select(dirty.c.uid).where(dirty.c.depth == MOVED)  # by IN: few marks are then few looks into an index,
    behind = people.c.contact.in_(moved)  # where a join may walk everything
    _mark(connection, select(people.c.account).where(behind), "linked", MOVED)
    _mark(connection, select(people.c.uid).where(behind), "linked", MOVED)
    # The people of an account that is gone are on their own now.
    live = exists().where(accounts.c.uid == scores.c.cluster, accounts.c.deleted.is_(False))
    alone = select(scores.c.uid).where(scores.c.cluster.in_(moved), scores.c.cluster != scores.c.uid, ~live)
    _mark(connection, alone, "moved", MOVED)
    due = select(_unindexed(scores.c.cluster)).where(scores.c.due_at <= now, within(_unindexed(scores.c.uid), versions))
    _mark(connection, due, "due", DRIFTED)
    for old in _outdated(connection, versions):
        _mark(connection, old, "outdated", DRIFTED)


def any_outdated(connection: Connection, versions: Mapping[str, str]) -> bool:
    """Whether a record of these connections was scored by another than their present version."""
    return any(connection.execute(old.limit(1)).first() for old in _outdated(connection, versions))


def _outdated(connection: Connection, versions: Mapping[str, str]) -> list[Select[tuple[str]]]:
    """The clusters that each former version has scored."""
    former = sorted(_versions(connection) - set(versions.values()))
    ours = select(scores.c.cluster).where(within(_unindexed(scores.c.uid), versions))
    return [ours.where(scores.c.model == version) for version in former]


def _mark(connection: Connection, uids: Select[Any], reason: str, depth: int) -> None:
    found = uids.distinct().subquery()
    [uid] = found.c
    # Sorted, as every process locks them.
    rows = select(uid, literal(1), literal(reason), literal(depth)).where(uid.is_not(None)).order_by(uid)
    statement = upsert(connection, dirty).from_select(["uid", "mark", "reason", "depth"], rows)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["uid"],
            set_={"depth": statement.excluded.depth},
            where=dirty.c.depth < statement.excluded.depth,
        )
    )


def _versions(connection: Connection) -> set[str]:
    """Every version that a score comes from, by hops over the index: there are few."""
    found: set[str] = set()
    last = ""
    while True:
        following = connection.execute(select(func.min(scores.c.model)).where(scores.c.model > last)).scalar()
        if following is None:
            return found
        found.add(following)
        last = following


def _unindexed(column: ColumnElement[str]) -> ColumnElement[str]:
    """The column as an expression: there is a better index to go by than its own."""
    return column + ""


def count_marks(connection: Connection, names: Iterable[str]) -> int:
    """How many records of these connections are marked."""
    return connection.execute(select(func.count()).select_from(dirty).where(within(dirty.c.uid, names))).scalar_one()


def next_marks(
    connection: Connection, names: Iterable[str], *, after: str, limit: int, upto: str | None = None
) -> dict[str, int]:
    """The next marks of these connections behind the uid `after` (to `upto`), in order of uid, each with its number."""
    query = select(dirty.c.uid, dirty.c.mark).where(within(dirty.c.uid, names), dirty.c.uid > after)
    if upto is not None:
        query = query.where(dirty.c.uid <= upto)
    return {row.uid: row.mark for row in connection.execute(query.order_by(dirty.c.uid).limit(limit))}


def depths_of(connection: Connection, uids: Iterable[str]) -> dict[str, int]:
    """How deep the marks of these uids are."""
    found: dict[str, int] = {}
    for batch in batched(uids):
        query = select(dirty.c.uid, dirty.c.depth).where(dirty.c.uid.in_(batch))
        found.update((row.uid, row.depth) for row in connection.execute(query))
    return found


def marked_clusters(connection: Connection, marks: Iterable[str], *, subjects: int) -> tuple[list[str], list[str]]:
    """The marks with which about so many subjects come up, one at least, and the clusters to look at for them.

    Both in the order of the marks. A mark concerns the cluster that it is in and the one that it was scored in;
    a cluster is taken whole, however large it is.
    """
    uids = list(marks)
    present = clusters_of(connection, uids)
    former: dict[str, str] = {}
    for batch in batched(uids):
        query = select(scores.c.uid, scores.c.cluster).where(scores.c.uid.in_(batch))
        former.update((row.uid, row.cluster) for row in connection.execute(query))
    people_of = _count_people(connection, {*present.values(), *former.values()})
    taken: list[str] = []
    clusters: dict[str, None] = {}
    for uid in uids:
        more = dict.fromkeys((present[uid], former.get(uid, present[uid])))
        subjects -= sum(1 + people_of.get(cluster, 0) for cluster in more if cluster not in clusters)
        if taken and subjects < 0:
            break
        taken.append(uid)
        clusters |= more
    return taken, list(clusters)


def _count_people(connection: Connection, clusters: Iterable[str]) -> dict[str, int]:
    """How many people are linked to each of these accounts. Leads of a contact count too: memory is what matters."""
    found: dict[str, int] = {}
    for batch in batched(sorted(clusters)):
        query = select(people.c.account, func.count()).where(people.c.account.in_(batch)).group_by(people.c.account)
        found.update((row[0], row[1]) for row in connection.execute(query))
    return found


def marks_within(connection: Connection, clusters: Sequence[str]) -> dict[str, int]:
    """The marks of everybody in these clusters. Read them before the facts: a later change has a later number."""
    marks: dict[str, int] = {}
    for batch in batched(clusters):
        itself = select(dirty.c.uid, dirty.c.mark).where(dirty.c.uid.in_(batch))
        member = select(dirty.c.uid, dirty.c.mark).join(people, people.c.uid == dirty.c.uid)
        behind = member.join(_contacts, _contacts.c.uid == people.c.contact)
        for query in (
            itself,
            member.where(people.c.account.in_(batch)),
            member.where(people.c.contact.in_(batch)),
            behind.where(_contacts.c.account.in_(batch)),
        ):
            marks.update((row.uid, row.mark) for row in connection.execute(query))
    home, asked = clusters_of(connection, marks), set(clusters)
    return {uid: mark for uid, mark in marks.items() if home[uid] in asked}
