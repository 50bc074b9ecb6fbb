"""Scores whole tables: a model and frames of facts to scores and what they are made of.

Wide: one row per record, a column per rule, so that everything after the one pass over events is a horizontal
expression. Written once against narwhals; the long ledger is unfolded from the wide form when it is asked for, so the
two cannot disagree. `docs/scoring.md` is what all of it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.entities import Entity
from leadline.core.scoring.behaviour import tallies
from leadline.core.scoring.conduct_columns import Conduct
from leadline.core.scoring.facts import SCORES, Facts, Lazy, Out, Scored
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.records import records_of, subjects_of
from leadline.core.scoring.rowcolumns import ledger_rows
from leadline.core.scoring.settling import Broken, Settling
from leadline.core.scoring.variants import Variants
from leadline.core.scoring.wide import RowWork

__all__ = ["Breakdown", "break_down", "ledger_of", "score", "score_plans", "subjects_of"]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Scores and the wide form of their ledger, of people and of accounts. Nothing has been worked out yet.

    Columns: those of `SCORES`, and those of `rows` (see `rowcolumns`).
    """

    people: Broken
    accounts: Broken

    @property
    def both(self) -> tuple[Broken, Broken]:
        """People, accounts."""
        return self.people, self.accounts


def score(model: Model, facts: Facts[Out], now: int, *, plan: Plan | None = None) -> Scored[Out]:
    """Score every account and person at `now` (seconds)."""
    scores, ledger = score_plans(plan or compile_model(model), facts, now)
    first, second = facts.engine.collect([scores, ledger])
    return Scored(first, second)


def score_plans(plan: Plan, facts: Facts[Any], now: int) -> tuple[Lazy, Lazy]:
    """Scores and ledger; what they share has been worked out, they themselves have not."""
    found = break_down(plan, facts, now, detail=True, share=True)
    scores = nw.concat([broken.frame.select(*SCORES) for broken in found.both])
    ledger = nw.concat([ledger_of(facts.engine, broken.frame, broken.rows) for broken in found.both])
    return scores, ledger


def ledger_of(engine: Any, frame: Lazy, columns: Sequence[str]) -> Lazy:
    """The long ledger (columns `LEDGER`) of wide rows. `columns` are those of the wide form that the frame has."""
    found: Lazy = engine.stack(frame, ledger_rows(columns))
    return found


def break_down(plan: Plan, facts: Facts[Any], now: int, *, detail: bool, share: bool) -> Breakdown:
    """Scores in wide form. `detail`: with all that a ledger tells; `share`: work out now what several outputs use."""
    engine, variants = facts.engine, Variants(plan)
    records = records_of(plan, facts, now)
    tallied = tallies(plan, facts, records.people, records.accounts, now, detail=detail)
    people, accounts = records.people, records.accounts
    if tallied.frames:
        counts = [engine.share(frame) if share else frame for frame in tallied.frames]
        people, accounts = (
            frame.join(mine, on="key", how="left") for frame, mine in zip((people, accounts), counts, strict=True)
        )
    work = RowWork(variants, Conduct(variants, tallied, now, detail=detail), records.asked, detail=detail)
    of_people = work.people(people)
    if share:
        of_people = of_people.over(engine.share(of_people.frame))
    staff = work.staff(of_people.frame)
    of_accounts = work.accounts(accounts, staff, work.best_of_staff(of_people.frame, staff))
    found = []
    for entity, rows in ((Entity.PERSON, of_people), (Entity.ACCOUNT, of_accounts)):
        broken = Settling(variants, entity, rows, engine).scored()
        found.append(Broken(engine.share(broken.frame), broken.rows) if share else broken)
    return Breakdown(found[0], found[1])
