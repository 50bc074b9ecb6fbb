"""Facts of many clusters as frames, from the lines that the store keeps and the rows that have changed since."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import polars as pl

from leadline.core.entities import Entity
from leadline.core.scoring.facts import Facts
from leadline.frames import lines, local

TIMELINE: dict[str, pl.DataType] = {"uid": pl.String(), "kind": pl.String(), "asset": pl.String(), "at": pl.Int64()}
"""Columns of events beside who has them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Facts with the number of their events, and events beside the uid of who has them (uid, kind, asset, at).

    An account's events are those of nobody known; people's `account` is one of the accounts, or missing.
    """

    accounts: pl.DataFrame
    people: pl.DataFrame
    account_events: pl.DataFrame
    people_events: pl.DataFrame

    @classmethod
    def of(cls, accounts: str, account_events: str, people: str, people_events: str) -> Kept:
        """From lines, events in the order of the records that have them."""
        both = [lines.read_facts(accounts, Entity.ACCOUNT), lines.read_facts(people, Entity.PERSON)]
        timelines = [
            lines.read_events(text).insert_column(0, lines.owners_of(facts).alias("uid"))
            for facts, text in zip(both, (account_events, people_events), strict=True)
        ]
        return cls(*both, *timelines)

    @classmethod
    def from_facts(cls, accounts: pl.DataFrame, people: pl.DataFrame, events: pl.DataFrame) -> Kept:
        """From frames of whole clusters as scoring takes them: every event is of one of these people or accounts."""
        timeline = ("kind", "asset", "at")
        known = events.filter(pl.col("person").is_not_null()).select(pl.col("person").alias("uid"), *timeline)
        alone = events.filter(pl.col("person").is_null()).select(pl.col("account").alias("uid"), *timeline)
        return cls(
            _counted(accounts.select("uid", *lines.names(Entity.ACCOUNT)), alone),
            _counted(people.select("uid", *lines.names(Entity.PERSON)), known),
            alone,
            known,
        )

    def clusters(self) -> set[str]:
        """The clusters that there are facts of."""
        of_people = self.people.select(pl.coalesce("account", "uid").alias("uid"))
        return set(pl.concat([self.accounts.select("uid"), of_people]).to_series().unique().to_list())

    def with_accounts(self, rows: pl.DataFrame) -> Kept:
        """With these accounts (`lines.store_schema`) in place of those that were kept; their events stay."""
        fresh = _facts(rows, Entity.ACCOUNT)
        stay = self.accounts.filter(~pl.col("uid").is_in(fresh["uid"].implode()))
        return replace(self, accounts=pl.concat([stay, _counted(fresh, self.account_events)]))

    def with_people(self, rows: pl.DataFrame, timelines: pl.DataFrame) -> Kept:
        """With these people (`lines.store_schema`) and what they did (`TIMELINE`) in place of what was kept of them.

        Nobody has moved: they count for the account that is kept of them.
        """
        homes = self.people.select("uid", "account")
        fresh = _facts(rows.drop("account").join(homes, on="uid", how="inner").select(rows.columns), Entity.PERSON)
        others = ~pl.col("uid").is_in(fresh["uid"].implode())
        return replace(
            self,
            people=pl.concat([self.people.filter(others), _counted(fresh, timelines)]),
            people_events=pl.concat([self.people_events.filter(others), timelines]),
        )

    def without(self, clusters: Collection[str]) -> Kept:
        """Without these clusters."""
        if not clusters:
            return self
        gone = pl.Series(sorted(clusters)).implode()
        accounts = self.accounts.filter(~pl.col("uid").is_in(gone))
        people = self.people.filter(~pl.coalesce("account", "uid").is_in(gone))
        return Kept(
            accounts,
            people,
            self.account_events.join(accounts, on="uid", how="semi"),
            self.people_events.join(people, on="uid", how="semi"),
        )

    def facts(self, state: pl.DataFrame) -> Facts[pl.DataFrame]:
        """What scoring takes. `state`: uid and what a score depends on of the one before, as far as it matters."""
        accounts, people = (frame.join(state, on="uid", how="left") for frame in (self.accounts, self.people))
        of_people = self.people_events.select(pl.col("uid").alias("person"), "kind", "asset", "at")
        of_accounts = self.account_events.select(pl.col("uid").alias("account"), "kind", "asset", "at")
        return local.from_frames(
            accounts.select(*local.account_schema()),
            people.select(*local.person_schema()),
            pl.concat([of_people, of_accounts], how="diagonal").select(*local.event_schema()),
        )

    def rows(self, uids: Iterable[str] | None = None) -> list[tuple[str, str, str, str, str, str]]:
        """What the store keeps, of all or of these records: cluster, uid, entity, layout, facts, events."""
        some = None if uids is None else pl.Series(sorted(uids), dtype=pl.String).implode()
        found: list[tuple[str, str, str, str, str, str]] = []
        parts = (
            (Entity.ACCOUNT, self.accounts, self.account_events, pl.col("uid")),
            (Entity.PERSON, self.people, self.people_events, pl.coalesce("account", "uid")),
        )
        for entity, every, timeline, cluster in parts:
            facts = every if some is None else every.filter(pl.col("uid").is_in(some))
            events = timeline if some is None else timeline.filter(pl.col("uid").is_in(some))
            texts = events.select("uid", lines.event_lines(events).alias("text"))
            texts = texts.group_by("uid").agg(pl.col("text").str.join(""))
            ready = facts.select("uid", cluster.alias("cluster"), lines.fact_lines(facts, entity).alias("facts"))
            ready = ready.join(texts, on="uid", how="left").with_columns(pl.col("text").fill_null(""))
            constant = (pl.lit(entity.value).alias("entity"), pl.lit(lines.LAYOUT).alias("layout"))
            found += ready.select("cluster", "uid", *constant, "facts", "text").rows()
        return found


def _facts(rows: pl.DataFrame, entity: Entity) -> pl.DataFrame:
    """Facts from rows of the store: lists are JSON there."""
    return rows.with_columns(pl.col(name).str.json_decode(pl.List(pl.String)) for name in lines.lists(entity))


def _counted(facts: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    counts = events.group_by("uid").len(lines.COUNT).select("uid", pl.col(lines.COUNT).cast(pl.Int64))
    counted = facts.drop(lines.COUNT, strict=False).join(counts, on="uid", how="left", maintain_order="left")
    return counted.select(pl.col(lines.COUNT).fill_null(0), *(name for name in facts.columns if name != lines.COUNT))
