"""Times scoring and the walk to the next change on generated facts.

    python bench/scoring.py [--accounts N] [--model models/b2b.yaml]

Five people per account and ten events per person, spread over half a year. Prints seconds; compare
runs on one machine only.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import polars as pl

from leadline.core.entities import ACTIVITY_KINDS, FUNCTIONS, INDUSTRIES, SENIORITIES
from leadline.core.scoring.compile import score
from leadline.core.scoring.due import due_all
from leadline.core.scoring.facts import Facts
from leadline.core.scoring.load import load_model
from leadline.frames import local

NOW = 1_700_000_000
DAY = 86_400
Result = TypeVar("Result")


def generate(accounts: int, seed: int = 7) -> Facts[pl.DataFrame]:
    """Facts of that many accounts, the same for the same seed."""
    rng = random.Random(seed)
    people, events = accounts * 5, accounts * 50
    companies = {
        "uid": [f"a{number}" for number in range(accounts)],
        "industry": rng.choices([None, *INDUSTRIES], k=accounts),
        "employees": [rng.randrange(1, 4000) for _ in range(accounts)],
        "country": rng.choices(["US", "GB", "BR", None], k=accounts),
    }
    humans = {
        "uid": [f"p{number}" for number in range(people)],
        "account": [f"a{number // 5}" for number in range(people)],
        "seniority": rng.choices([None, *SENIORITIES], k=people),
        "function": rng.choices([None, *FUNCTIONS], k=people),
    }
    done = {
        "person": [f"p{rng.randrange(people)}" for _ in range(events)],
        "kind": rng.choices(ACTIVITY_KINDS, k=events),
        "asset": rng.choices([None, "roi guide", "case study", "newsletter"], k=events),
        "at": [NOW - rng.randrange(180 * DAY) for _ in range(events)],
    }
    return local.from_frames(
        _complete(pl.DataFrame(companies), local.account_schema()),
        _complete(pl.DataFrame(humans), local.person_schema()),
        _complete(pl.DataFrame(done), local.event_schema()),
    )


def _complete(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    given = [pl.col(name) if name in frame.columns else pl.lit(None).alias(name) for name in schema]
    return frame.select(given).cast(dict(schema.items()))


def timed(what: str, work: Callable[[], Result]) -> Result:
    """Run it, print how long it took."""
    start = time.perf_counter()
    result = work()
    print(f"{what:<40} {time.perf_counter() - start:8.2f} s")
    return result


def main() -> None:
    """Generate, score twice, walk."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--model", type=Path, default=Path(__file__).parents[1] / "models" / "b2b.yaml")
    options = parser.parse_args()
    model = load_model(options.model.read_text(), place=str(options.model))
    n = options.accounts
    facts = timed(f"generate {n:,} / {5 * n:,} / {50 * n:,}", lambda: generate(n))
    timed("score, first", lambda: score(model, facts, NOW))
    scored = timed("score, again", lambda: score(model, facts, NOW))
    pushed = dict(scored.scores.select("uid", "score").rows())
    due = timed(
        "walk to the next change, 7 days",
        lambda: due_all(model, facts, scored, NOW, pushed=pushed, n=5, horizon_seconds=7 * DAY),
    )
    soon = sum(instant < NOW + 7 * DAY for instant in due.values())
    print(f"{scored.scores.height:,} records, {scored.ledger.height:,} ledger rows, {soon:,} due within 7 days")


if __name__ == "__main__":
    main()
