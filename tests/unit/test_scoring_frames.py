"""The ways in which frames are scored come to the same: engines, files; and the order of entries. 12 s."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from tests.oracle import random_scoring

from leadline.core.scoring import expressions as ex
from leadline.core.scoring.compile import score
from leadline.core.scoring.facts import Cell, Facts, Gather
from leadline.core.scoring.model import Model
from leadline.core.scoring.portable import Portable
from leadline.frames import local
from leadline.frames.files import score_parquet
from leadline.frames.local import LocalEngine
from leadline.frames.tally import HASH, SEEDS, joined, tally

NOW = random_scoring.NOW
ORDER = ["uid", "part", "rule"]
examples = settings(deadline=None, max_examples=8, phases=[Phase.generate], suppress_health_check=list(HealthCheck))


class PlainEngine(LocalEngine):
    """Polars by the constructs that every engine has."""

    number, translate, stack = Portable.number, Portable.translate, Portable.stack


def rows_of(records: Any) -> tuple[Any, Any, Any]:
    """Accounts, people, events."""
    return records.accounts, records.people, records.events


@examples
@given(model=random_scoring.models(), records=random_scoring.records())
def test_portable_constructs_come_to_the_same(model: Model, records: Any) -> None:
    """What Polars does in its own way, and what all engines do."""
    facts = local.facts(*rows_of(records))
    first = score(model, facts, NOW)
    plain = Facts(facts.accounts, facts.people, facts.events, PlainEngine())

    other = score(model, plain, NOW)

    assert other.scores.sort("uid").equals(first.scores.sort("uid"))
    assert other.ledger.sort(ORDER).equals(first.ledger.sort(ORDER))


@pytest.mark.parametrize("hashes", [True, False])
def test_files_hold_scores_and_points(tmp_path: Path, hashes: bool) -> None:
    """Scores of two Parquet files are those of `score`, and points by rule those of its ledger."""

    @examples
    @given(model=random_scoring.models(), records=random_scoring.records())
    def check(model: Model, records: Any) -> None:
        facts = local.facts(*rows_of(records))
        for name in ("accounts", "people", "events"):
            getattr(facts, name).collect().write_parquet(tmp_path / f"{name}.parquet")
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        wanted = score(model, facts, NOW)

        score_parquet(model, tmp_path, out, NOW, hashes=hashes)

        found = [pl.read_parquet(out / f"{name}.parquet") for name in ("accounts", "people")]
        texts = [frame.select(pl.col(pl.Enum).cast(pl.String)).columns for frame in found]
        scores = [frame.with_columns(pl.col(names).cast(pl.String)) for frame, names in zip(found, texts, strict=True)]
        together = pl.concat([frame.select(wanted.scores.columns) for frame in scores])
        assert together.sort("uid").equals(wanted.scores.sort("uid"))
        points = {
            (uid, rule.removeprefix("points.")): value
            for frame in found
            for uid, rule, value in frame.select("uid", pl.col("^points\\..*$").cast(pl.Int64))
            .unpivot(index="uid")
            .filter(pl.col("value").fill_null(0) != 0)
            .rows()
        }
        rules = wanted.ledger.filter(
            ~pl.col("rule").is_in(["cap", "floor", "rounding", "weight"]) & (pl.col("points") != 0)
        )
        assert points == {(uid, rule): value for uid, rule, value in rules.select("uid", "rule", "points").rows()}

    check()


def test_uids_whose_hashes_meet_are_told() -> None:
    """Two people with one hash must not be added up; two with their own may."""
    events = pl.LazyFrame(
        {"person": ["a", "b"], "account": [None, None], "event_class": [0, 0], "points_0": [1, 2]},
        schema_overrides={"account": pl.String},
    )
    people = pl.LazyFrame({"uid": ["a", "b"]})
    cells = [Cell("worth_0_0", "points_0", 0, Gather.SUM)]

    assert tally(events, cells, people, hashes=1) is None
    found = tally(events, cells, people)

    assert found is not None
    assert sorted(found[0]["worth_0_0"].to_list()) == [1, 2]


def test_a_tally_is_not_given_to_somebody_whose_hash_is_the_same() -> None:
    """Who did nothing is in no grouping, so that only the second hash tells."""
    events = pl.LazyFrame(
        {"person": ["a"], "account": [None], "event_class": [0], "points_0": [1]},
        schema_overrides={"account": pl.String},
    )
    people = pl.LazyFrame({"uid": ["a", "b"]})
    found = tally(events, [Cell("worth_0_0", "points_0", 0, Gather.SUM)], people)
    assert found is not None
    others = found[0].with_columns(pl.lit("b").hash(SEEDS[0]).alias(HASH))

    for tallied, worth in ((found[0], [1, None]), (others, [None, None])):
        assert joined(people, tallied.lazy()).sort("uid").collect()["worth_0_0"].to_list() == worth


@pytest.mark.parametrize("count", [1, 2, 16, 17, 40])
def test_few_words_and_many_are_looked_for_alike(count: int) -> None:
    """What is missing stays open."""
    frame = pl.DataFrame({"word": ["w0", f"w{count - 1}", "other", None]})

    found = nw.from_native(frame).select(found=ex.one_of(nw.col("word"), [f"w{number}" for number in range(count)]))

    assert found.to_native()["found"].to_list() == [True, True, False, None]


def test_entries_of_segments_stay_in_the_order_of_the_file() -> None:
    """A reason that only one segment has still comes where the file has it."""
    model = Model.model_validate(
        {
            "name": "ordered",
            "groups": [{"group": "poor_fit"}],
            "disqualify": [
                {
                    "id": "first",
                    "reason": "First",
                    "segments": ["us"],
                    "when": {"field": "account.domain", "known": False},
                },
                {"id": "second", "reason": "Second", "when": {"field": "account.country", "known": True}},
                {
                    "id": "third",
                    "reason": "Third",
                    "segments": ["us"],
                    "when": {"field": "account.domain", "known": False},
                },
            ],
            "segments": [
                {"id": "gb", "name": "GB", "when": {"field": "account.country", "in": ["GB"]}},
                {"id": "us", "name": "US", "when": {"field": "account.country", "in": ["US"]}},
            ],
        }
    )

    scored = score(model, local.facts([{"uid": "a", "country": "US"}, {"uid": "b", "country": "GB"}], [], []), NOW)

    reasons = dict(scored.scores.select("uid", "disqualify_reasons").rows())
    assert reasons == {"a": "First;Second;Third", "b": "Second"}


def test_more_facts_than_one_number_holds_are_named() -> None:
    """Missing facts are named in the order in which rules ask, however many there are."""
    facts = [
        "account.industry", "account.employees", "account.annual_revenue", "account.country", "account.business_model",
        "account.maturity", "account.lifecycle", "account.target_tier", "account.domain", "person.seniority",
        "person.function", "person.email_class", "person.title", "person.buying_stage",
    ]  # fmt: skip
    words = {"account.maturity": "low", "account.lifecycle": "customer", "account.industry": "media",
             "person.seniority": "vp", "person.function": "it", "person.email_class": "free"}  # fmt: skip
    numbers = ("account.employees", "account.annual_revenue")
    rules = [
        {
            "id": f"rule_{place}", "name": fact, "points": 1, "applies_to": "person",
            "when": {"field": fact, **({"range": [1, 9]} if fact in numbers else {"in": [words.get(fact, "x")]})},
        }
        for place, fact in enumerate(facts)
    ]  # fmt: skip
    model = Model.model_validate({"name": "many", "groups": [{"group": "poor_fit"}], "rules": rules})
    people = [{"uid": "p"}, {"uid": "q", "industry": "media", "title": "x"}]

    scored = score(model, local.facts([], people, []), NOW)

    missing = dict(scored.scores.select("uid", "missing_fields").rows())
    assert missing["p"] == ";".join(facts)
    assert missing["q"] == ";".join(fact for fact in facts if fact not in ("account.industry", "person.title"))
