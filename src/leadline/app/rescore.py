"""Scoring again what only drifts: everything at once, without a look at each record.

Most of what is scored again keeps its group and the score that the CRM shows. That is found out for tens of
thousands of records in one go, from the facts that the store keeps for it (`store/dossiers.py`); their scores and
ledgers are replaced in one go as well. Where a record moves, its cluster is left to `decide.py`, untouched.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from leadline.core.entities import Entity
from leadline.core.scoring.canonical import of_scored
from leadline.core.scoring.digest import Digest
from leadline.core.scoring.due import Due, due_all
from leadline.core.scoring.facts import Facts
from leadline.core.scoring.plan import compile_model
from leadline.frames import lines
from leadline.frames.drift import Drift, Policy, drift
from leadline.frames.kept import TIMELINE, Kept
from leadline.frames.prepared import Prepared
from leadline.frames.wide import Wide
from leadline.store.concerns import CHANGED, MOVED
from leadline.store.dossiers import read_accounts, read_dossiers, read_people, read_timelines, save_dossiers
from leadline.store.facts import Place, places_of
from leadline.store.rescoring import (
    Among,
    Rescored,
    clusters_scored,
    due_within,
    moved_within,
    read_states,
    read_states_within,
    save_rescored,
    unwritten,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from leadline.core.scoring.model import Model

AT_ONCE = 10_000
"""Marks whose clusters are scored together, before somebody looks at single records. Bounds memory: some 50,000
records with 500,000 events take about 400 MB."""
_BEFORE = {"previous_group": "group", "group_since": "group_since"}
"""What a score depends on of the one before: the name of the fact, and the column of the store."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Marks of which none is about moving: where each record is now, and the clusters that they are about."""

    depths: Mapping[str, int]
    places: Mapping[str, Place]
    clusters: Mapping[str, tuple[str, ...]]  # by marked uid: of now, and in which it was scored

    def every(self) -> set[str]:
        """All clusters."""
        return {cluster for clusters in self.clusters.values() for cluster in clusters}

    def fresh_people(self) -> set[str]:
        """People whose facts or timelines have changed, as who they count."""
        return {self.places[uid].root for uid, depth in self.depths.items() if depth == CHANGED and uid in self.places}

    def fresh_accounts(self) -> set[str]:
        """Accounts whose facts have changed."""
        return {uid for uid, depth in self.depths.items() if depth == CHANGED and uid not in self.places}


@dataclass(frozen=True, slots=True)
class Batch:
    """Facts of some clusters, and what is stored of those that get a score.

    `whole`: whether that is everybody who was scored in the clusters that `state` names.
    """

    asked: Asked
    kept: Kept
    state: pl.DataFrame
    facts: Facts[pl.DataFrame]
    whole: bool = False

    def clusters_of(self, uids: pl.Series) -> set[str]:
        """The clusters of these records: of now, and those of their state."""
        asked = pl.col("uid").is_in(uids.implode())
        people = self.kept.people.filter(asked).select(pl.coalesce("account", "uid")).to_series()
        accounts = self.kept.accounts.filter(asked)["uid"]
        return {*people, *accounts, *self.state.filter(asked)["cluster"]}

    def without(self, found: Drift, clusters: set[str]) -> Drift:
        """What there is to store when these clusters are left alone."""
        if not clusters:
            return found
        left = self.state.filter(pl.col("cluster").is_in(sorted(clusters)))["uid"].implode()
        return Drift(
            found.moved,
            found.changed.filter(~pl.col("uid").is_in(left)),
            found.same.filter(~found.same.is_in(left)),
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """What a pass has settled: marked uids, how many scores were replaced, of how many clusters, and their digest."""

    marks: list[str] = field(default_factory=list)
    clusters: int = 0
    subjects: int = 0
    digest: Digest = field(default_factory=Digest)


class Rescorer:
    """Scores marked clusters at `now` and replaces what only drifts. `versions`: the present one of each connection.

    `outdated`: some were scored by another version. `shown`: connections and objects whose records show a score.
    """

    def __init__(
        self,
        model: Model,
        policy: Policy,
        versions: Mapping[str, str],
        *,
        outdated: bool,
        shown: Sequence[tuple[str, str]],
        horizon: int,
    ) -> None:
        self._model, self._policy, self._versions = model, policy, versions
        self._scoring = Prepared(compile_model(model), policy.now)
        self._outdated, self._shown, self._horizon = outdated, shown, horizon

    def settle(self, connection: Connection, depths: Mapping[str, int]) -> Settled:
        """Settle as many of these marks (with their depths) as can be, inside the caller's transaction."""
        batch = self.read(connection, depths)
        if batch is None:
            return Settled()
        done = self.score(batch)
        # A full rescore moves nobody whose record in the CRM shows nothing yet; whoever is looked at again is written.
        restless = set() if self._outdated else unwritten(connection, batch.state["uid"], self._shown)
        found = drift(done.scores, batch.state, self._policy, restless=restless)
        moved = batch.clusters_of(found.moved)
        settled = batch.without(found, moved)
        due = {uid: (on.due_at, on.next_change_at, on.next_group) for uid, on in self.due(batch, done, settled).items()}
        save_rescored(connection, self.rescored(batch, done, settled), now=self._policy.now, due=due)
        clusters = batch.kept.clusters() - moved
        marks = [uid for uid, of in batch.asked.clusters.items() if clusters.issuperset(of)]
        digest = of_scored(batch.facts.engine, done.only(settled.uids()).scored())
        return Settled(marks, len(clusters), len(settled.changed) + len(settled.same), digest)

    # Reading

    def read(self, connection: Connection, depths: Mapping[str, int]) -> Batch | None:
        """Facts of all clusters that these marks are about and that can be told from what is kept."""
        asked = self._asked(connection, depths)
        every = asked.every()
        every -= moved_within(connection, every)
        if not every:
            return None
        texts = read_dossiers(connection, every, layout=lines.LAYOUT)
        kept = Kept.of(texts.accounts, texts.account_events, texts.people, texts.people_events)
        kept = self._refreshed(connection, kept, asked)
        if not len(kept.accounts) and not len(kept.people):
            return None
        found = self._state(connection, asked, kept)
        there = pl.concat([kept.accounts.select("uid"), kept.people.select("uid")])
        state = found.join(there, on="uid", how="semi")
        before = state.select("uid", *(pl.col(column).alias(name) for name, column in _BEFORE.items()))
        return Batch(asked, kept, state, kept.facts(before), whole=self._outdated and len(state) == len(found))

    def _asked(self, connection: Connection, depths: Mapping[str, int]) -> Asked:
        shallow = {uid: depth for uid, depth in depths.items() if depth < MOVED}
        places = places_of(connection, shallow)
        former = clusters_scored(connection, places)
        clusters: dict[str, tuple[str, ...]] = {uid: (uid,) for uid in shallow}
        for uid, place in places.items():
            clusters[uid] = tuple(dict.fromkeys((place.cluster, former.get(uid, uid))))
        return Asked(shallow, places, clusters)

    def _refreshed(self, connection: Connection, kept: Kept, asked: Asked) -> Kept:
        """With what has changed since it was kept; the store keeps that from now on."""
        roots = _those(kept.people, asked.fresh_people())
        changed = _those(kept.accounts, asked.fresh_accounts())
        if not roots and not changed:
            return kept
        if roots:
            rows = read_people(connection, roots, lines.store_schema(Entity.PERSON))
            kept = kept.with_people(rows, read_timelines(connection, roots, TIMELINE))
        if changed:
            kept = kept.with_accounts(read_accounts(connection, changed, lines.store_schema(Entity.ACCOUNT)))
        save_dossiers(connection, kept.rows({*roots, *changed}))
        return kept

    def _state(self, connection: Connection, asked: Asked, kept: Kept) -> pl.DataFrame:
        """Of everybody who gets a score: who was marked, is due or was scored by another version, and the accounts."""
        clusters = sorted(kept.clusters())
        if self._outdated:
            return read_states_within(connection, clusters, self._versions)
        targets = {*kept.accounts["uid"].to_list(), *asked.fresh_people()}
        targets |= due_within(connection, clusters, now=self._policy.now)
        fresh = _those(kept.accounts, asked.fresh_accounts())
        theirs = read_states_within(connection, fresh, self._versions)
        others = read_states(connection, targets.difference(theirs["uid"].to_list()), self._versions)
        return pl.concat([theirs, others])

    # Scoring

    def score(self, batch: Batch) -> Wide:
        """Scores and ledgers of everybody who gets a score; the others were there for the accounts' sake."""
        done = self._scoring.score(batch.facts)
        return done.only(batch.state["uid"]) if len(batch.state) < len(done) else done

    def due(self, batch: Batch, done: Wide, settled: Drift) -> dict[str, Due]:
        """When those must be looked at again whose former answer does not hold: their facts or the version changed,
        or that time has come."""
        now = self._policy.now
        same_facts = ~pl.col("uid").is_in(sorted(self._with_news(batch)))
        again = batch.state.filter(~(same_facts & (pl.col("due_at") > now) & pl.col("current")))
        again = again.filter(pl.col("uid").is_in(settled.uids().implode()))
        if not len(again):
            return {}
        return due_all(
            self._model,
            batch.facts,
            done.only(again["uid"]).scored(),
            now,
            pushed=dict(again.select("uid", "pushed_score").iter_rows()),
            n=self._policy.min_points,
            horizon_seconds=self._horizon,
            aged=dict(again.select("uid", pl.col("pushed_at") + self._policy.max_age).iter_rows()),
        )

    def _with_news(self, batch: Batch) -> set[str]:
        """Who has other facts or events than before: marked people, their accounts, the people of marked accounts."""
        roots, accounts = batch.asked.fresh_people(), batch.asked.fresh_accounts()
        people = batch.kept.people.select("uid", "account")
        homes = people.filter(pl.col("uid").is_in(sorted(roots)))["account"].drop_nulls()
        theirs = people.filter(pl.col("account").is_in(sorted(accounts)))["uid"]
        return {*roots, *accounts, *homes, *theirs}

    # Storing

    def rescored(self, batch: Batch, done: Wide, settled: Drift) -> Rescored:
        """What is stored of these."""
        uids = settled.uids()
        mine = batch.state
        if len(uids) < len(batch.state):
            mine = mine.join(uids.to_frame("uid"), on="uid", how="semi")
            done = done.only(uids)
        referred = mine.drop_nulls("breakdown")["breakdown"].value_counts()
        current, outdated = self._among(mine, whole=batch.whole)
        return Rescored(settled.changed, done.both(), current, outdated, dict(referred.iter_rows()), self._versions)

    def _among(self, state: pl.DataFrame, *, whole: bool) -> tuple[Among, Among]:
        """Those whom the present version has scored, and the others. A cluster is settled with all of its records."""
        if whole:
            clusters = state.group_by("cluster").agg(pl.col("current").all())
            current, outdated = _parted(clusters, "cluster")
            return Among(clusters=current), Among(clusters=outdated)
        current, outdated = _parted(state, "uid")
        return Among(uids=current), Among(uids=outdated)


def _parted(frame: pl.DataFrame, column: str) -> tuple[list[str], list[str]]:
    """The values where `current` is true, and where it is not."""
    return frame.filter("current")[column].to_list(), frame.filter(~pl.col("current"))[column].to_list()


def _those(records: pl.DataFrame, uids: Collection[str]) -> set[str]:
    """Those of the uids that are records."""
    asked = pl.Series(sorted(uids), dtype=pl.String).implode()
    return set(records.filter(pl.col("uid").is_in(asked))["uid"].to_list()) if uids else set()
