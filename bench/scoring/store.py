"""The world of the bench in a project's database, everybody scored a day ago, and scoring from and to it.

Timed are the steps of `app.rescore`, on a SQLite file as a worker uses it: facts as the store keeps them are read,
scored and compared with the stored scores; scores, ledgers and what was before are written. Nobody is left to be
decided on record by record, and the walk to the next change has a section of its own.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl
from bench.scoring.world import DAY, NOW, World, read
from sqlalchemy import Connection, Engine, insert, select, text

from leadline.app.rescore import AT_ONCE, Asked, Batch, Rescorer
from leadline.core.entities import FIELDS, Entity, Kind
from leadline.core.scoring.facts import Facts
from leadline.core.scoring.load import load_model
from leadline.core.scoring.model import Model
from leadline.frames.drift import Drift, Policy, drift, with_hash
from leadline.frames.kept import Kept
from leadline.store.breakdowns import save_breakdown
from leadline.store.bulk import among, execute_many, fetch_all
from leadline.store.concerns import CHANGED, DRIFTED
from leadline.store.database import open_engine
from leadline.store.dossiers import save_dossiers
from leadline.store.rescoring import save_rescored
from leadline.store.tables import ENTITY_TABLES, pushes, scores

MODEL = Path(__file__).with_name("model.yaml")
VERSION, ANOTHER = "bench/1", "bench/2"
_ALL = 1 << 40  # points and seconds that nothing reaches: nobody is left to be decided on


@dataclass(frozen=True)
class Seconds:
    """Of one measurement, with the number of records scored and stored."""

    wall: float
    cpu: float
    read: float
    score: float
    store: float
    records: int


Picks = Sequence[tuple[str, str]]
"""People, and the account or the person alone that each is scored together with."""


def picked(made: World, count: int, seed: int = 1) -> Picks:
    """So many people of the world."""
    people = _clusters(read(made.folder))[1].collect()
    return random.Random(seed).sample(sorted(people.iter_rows()), count)


def _clusters(found: Facts[pl.DataFrame]) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """uid and cluster of accounts and of people. The account of some people is not there."""
    accounts = found.accounts.select("uid", cluster="uid")
    there = accounts.select(account="uid", there="uid")
    people = found.people.select("uid", "account").join(there, on="account", how="left")
    return accounts, people.select("uid", cluster=pl.coalesce("there", "uid"))


def _around(found: Facts[pl.DataFrame], picks: Picks, share: int, seed: int = 1) -> Facts[pl.DataFrame]:
    """Of the world one in so many people: everybody who is scored with those picked, and other whole clusters.

    What is done for those picked is the same then as in the whole world, only the database is smaller.
    """
    accounts, people = (frame.collect() for frame in _clusters(found))
    first = pl.DataFrame({"cluster": sorted({cluster for _, cluster in picks})})
    others = pl.concat([accounts, people]).select("cluster").unique().join(first, on="cluster", how="anti")
    others = others.sort("cluster").sample(fraction=1, shuffle=True, seed=seed)
    sizes = people.group_by("cluster").len("people")
    every = pl.concat([first, others]).join(sizes, on="cluster", how="left", maintain_order="left")
    enough = every.with_columns(so_far=pl.col("people").fill_null(0).cum_sum())
    taken = enough.filter(
        (pl.col("so_far") <= len(people) // share) | pl.col("cluster").is_in(first["cluster"].implode())
    )
    mine = [frame.join(taken, on="cluster", how="semi").select("uid").lazy() for frame in (accounts, people)]
    by_nobody = found.events.join(found.people.select(person="uid"), on="person", how="anti")
    by_others = by_nobody.join(mine[0].select(account="uid"), on="account", how="semi")
    by_mine = found.events.join(mine[1].select(person="uid"), on="person", how="semi")
    return Facts(
        found.accounts.join(mine[0], on="uid", how="semi"),
        found.people.join(mine[1], on="uid", how="semi"),
        pl.concat([by_mine, by_others]),
        found.engine,
    )


def database(made: World, path: Path, *, picks: Picks = (), share: int = 1) -> Engine:
    """The world in a new database at `path`, everybody scored a day before; an existing one is opened.

    `share`: one in so many people, those picked and whoever is scored with them among them.
    """
    if path.exists():
        return open_engine(f"sqlite:///{path}", folder=path.parent)
    part = path.with_suffix(".part")
    for old in path.parent.glob(f"{part.name}*"):
        old.unlink()
    engine = open_engine(f"sqlite:///{part}", folder=path.parent)
    found = read(made.folder)
    if share > 1:
        found = _around(found, picks, share)
    accounts, people, events = (frame.collect() for frame in (found.accounts, found.people, found.events))
    people = people.with_columns(
        pl.when(pl.col("account").is_in(accounts["uid"].implode())).then("account").alias("account")
    )
    with engine.begin() as connection:
        _rows(connection, Entity.ACCOUNT, accounts)
        _rows(connection, Entity.PERSON, people)
        _rows(
            connection,
            Entity.ACTIVITY,
            events.with_row_index("n").with_columns(
                pl.concat_str(pl.lit("crm/activities/"), pl.col("n").cast(pl.String)).alias("uid")
            ),
        )
    homes = people.select(pl.col("uid").alias("person"), pl.col("account").alias("home"))
    known = events.join(homes, on="person").select("person", pl.col("home").alias("account"), "kind", "asset", "at")
    alone = events.join(homes, on="person", how="anti").join(accounts.select(account="uid"), on="account", how="semi")
    alone = alone.with_columns(pl.lit(None, dtype=pl.String).alias("person"))
    kept = Kept.from_facts(accounts, people, pl.concat([known, alone.select(known.columns)]))
    with engine.begin() as connection:
        lines = sorted(kept.rows())
        save_dossiers(connection, lines)
        model = load_model(MODEL.read_text(), place=str(MODEL))
        known = ("uid", "previous_group", "group_since")
        before = pl.concat([accounts.select(*known), people.select(*known)])
        clusters = pl.concat(
            [accounts.select("uid", cluster="uid"), people.select("uid", cluster=pl.coalesce("account", "uid"))]
        )
        rescorer = scorer(model, NOW - DAY)
        for part_of in _parts(sorted(set(clusters["cluster"]))):
            some = Kept.of(*_texts(connection, part_of))
            theirs = before.join(
                pl.concat([some.accounts.select("uid"), some.people.select("uid")]), on="uid", how="semi"
            )
            done = rescorer.score(Batch(Asked({}, {}, {}), some, theirs, some.facts(before)))
            _scores(connection, done.scores.join(clusters, on="uid"), done.both())
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
    part.rename(path)
    return open_engine(f"sqlite:///{path}", folder=path.parent)


def _texts(connection: Connection, clusters: Sequence[str]) -> tuple[str, str, str, str]:
    from leadline.frames import lines
    from leadline.store.dossiers import read_dossiers

    found = read_dossiers(connection, clusters, layout=lines.LAYOUT)
    return found.accounts, found.account_events, found.people, found.people_events


def _parts(uids: Sequence[str], size: int = AT_ONCE) -> Iterator[Sequence[str]]:
    for begin in range(0, len(uids), size):
        yield uids[begin : begin + size]


def _rows(connection: Connection, entity: Entity, frame: pl.DataFrame) -> None:
    table = ENTITY_TABLES[entity]
    lists = [field.name for field in FIELDS[entity] if field.kind is Kind.LIST and field.name in frame.columns]
    for name in lists:
        frame = frame.with_columns(
            frame[name].map_elements(lambda words: orjson.dumps(list(words)).decode(), return_dtype=pl.String)
        )
    constant: dict[str, Any] = {
        "connection": "crm",
        "object": entity.value,
        "source_id": "1",
        "modified_at": NOW - 2 * DAY,
        "read_at": NOW - 2 * DAY,
        "deleted": False,
        "crm": '{"group":"nurture","score":40}',
        "digest": "d" * 24,
        "row_digest": "r" * 24,
        "known_since": NOW - 2 * DAY,
        "name": "Somebody Somewhere",
    }
    ready = frame.select(
        *(column.name for column in table.c if column.name in frame.columns),
        *(
            pl.lit(value).alias(name)
            for name, value in constant.items()
            if name in table.c and name not in frame.columns
        ),
    )
    for rows in ready.iter_slices(200_000):
        execute_many(connection, insert(table), rows.columns, rows.rows())


def _scores(connection: Connection, done: pl.DataFrame, ledger: pl.DataFrame) -> None:
    number = save_breakdown(connection, ledger, records=len(done))
    shown = orjson.dumps(
        {
            "score": 40,
            "fit": 20,
            "intent": 20,
            "group": "nurture",
            "sort_key": "03-040",
            "action": "",
            "reasons": "Fits: industry software (+12)\nViewed pricing twice (+20)\nSenior (+8)",
            "scored_at": "2023-11-13T22:13:20Z",
        }
    ).decode()
    constant = {
        "group_since": NOW - 30 * DAY,
        "crossing": 1,
        "model": VERSION,
        "scored_at": NOW - DAY,
        "due_at": NOW + DAY,
        "push_no": 1,
        "pushed_at": NOW - DAY,
        "breakdown": number,
    }
    ready = with_hash(done).with_columns(
        pl.col("score").alias("pushed_score"), *(pl.lit(value).alias(name) for name, value in constant.items())
    )
    # As a worker comes across them: cluster by cluster.
    ready = ready.sort("cluster", "uid")
    told = ready.select("uid", pushed=pl.lit(shown))
    execute_many(connection, insert(pushes), told.columns, told.rows())
    ready = ready.select(column.name for column in scores.c if column.name in ready.columns)
    execute_many(connection, insert(scores), ready.columns, ready.rows())


def scorer(model: Model, now: int, *, outdated: bool = False, version: str = VERSION) -> Rescorer:
    """As a worker makes it, but that leaves nobody to be decided on."""
    return Rescorer(model, Policy(_ALL, _ALL, now), {"crm": version}, outdated=outdated, shown=(), horizon=400 * DAY)


def rescore(engine: Engine, rescorer: Rescorer, marks: Sequence[dict[str, int]], now: int) -> Seconds:
    """Score what is marked, part by part, each in a transaction, and store it all."""
    wall, cpu = time.perf_counter(), time.process_time()
    spent = [0.0, 0.0, 0.0]
    records = 0
    for depths in marks:
        with engine.begin() as connection:
            steps = [time.process_time()]
            batch = rescorer.read(connection, depths)
            assert batch is not None
            steps.append(time.process_time())
            done = rescorer.score(batch)
            steps.append(time.process_time())
            found = drift(done.scores, batch.state, Policy(_ALL, _ALL, now))
            crossing = with_hash(done.scores.filter(pl.col("uid").is_in(found.moved.implode())))
            everything = Drift(found.moved, pl.concat([found.changed, crossing]), found.same)
            save_rescored(connection, rescorer.rescored(batch, done, everything), now=now, due={})
            records += len(batch.state)
        steps.append(time.process_time())
        spent = [total + end - begin for total, begin, end in zip(spent, steps[:-1], steps[1:], strict=True)]
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu, spent[0], spent[1], spent[2], records)


def everything(engine: Engine) -> list[dict[str, int]]:
    """Marks on all clusters, as another version of the model makes them."""
    with engine.begin() as connection:
        clusters = sorted(set(connection.scalars(select(scores.c.cluster).distinct())))
    return [dict.fromkeys(part, DRIFTED) for part in _parts(clusters)]


def changed(picks: Picks) -> list[dict[str, int]]:
    """Marks on these people, whose activities have changed, and on their accounts."""
    accounts = {cluster: DRIFTED for uid, cluster in picks if cluster != uid}
    return [{**accounts, **{uid: CHANGED for uid, _ in picks}}]


def scores_of(engine: Engine, uids: Sequence[str]) -> pl.DataFrame:
    """The stored scores of these records, and the hash of all of each."""
    told = ("uid", "score", "fit", "intent", "negative", "persona", "group", "flags", "segment", "shown")
    with engine.begin() as connection:
        query = select(*(scores.c[name] for name in told)).where(among(connection, scores.c.uid, uids))
        rows = fetch_all(connection, query)
    return pl.DataFrame(rows, schema=list(told), orient="row", infer_schema_length=None)
