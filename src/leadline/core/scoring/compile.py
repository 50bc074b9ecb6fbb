"""Scores whole tables: a model and frames of facts to scores and what they are made of.

Wide: one row per record, a column per rule, so that everything after the one pass over events is a horizontal
expression. Written once against narwhals; the long ledger is unfolded from the wide form when it is asked for, so the
two cannot disagree. `docs/scoring.md` is what all of it does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

from leadline.core.scoring.behaviour import tallies
from leadline.core.scoring.conduct_columns import Conduct
from leadline.core.scoring.facts import SCORES, Facts, Lazy, Out, Scored
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.records import records_of, subjects_of
from leadline.core.scoring.rowcolumns import ledger_rows
from leadline.core.scoring.settling import Broken, Settling
from leadline.core.scoring.variants import Variants
from leadline.core.scoring.wide import Rows, RowWork

Share = Callable[[Lazy], Lazy]

__all__ = ["Breakdown", "Scoring", "break_down", "ledger_of", "score", "score_plans", "subjects_of"]


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
    found = break_down(plan, facts, now)
    scores = nw.concat([broken.frame.select(*SCORES) for broken in found.both])
    ledger = nw.concat([ledger_of(facts.engine, broken.frame, broken.rows) for broken in found.both])
    return scores, ledger


def ledger_of(engine: Any, frame: Lazy, columns: Sequence[str]) -> Lazy:
    """The long ledger (columns `LEDGER`) of wide rows. `columns` are those of the wide form that the frame has."""
    found: Lazy = engine.stack(frame, ledger_rows(columns))
    return found


def break_down(plan: Plan, facts: Facts[Any], now: int) -> Breakdown:
    """Scores in wide form, with all that a ledger tells. What several outputs use has been worked out."""
    scoring = Scoring(plan, facts, now, detail=True)
    people = scoring.people(facts.engine.share)
    accounts = scoring.accounts(scoring.staff(people), people)
    return Breakdown(*(scoring.scored(rows, facts.engine.share) for rows in (people, accounts)))


class Scoring:
    """One scoring of all records, step by step: people, what an account's people come to together, accounts.

    `detail`: the wide form has all that a ledger tells; else points alone, perhaps 0 where there is no row. What the
    events come to may be worked out at once.
    """

    def __init__(self, plan: Plan, facts: Facts[Any], now: int, *, detail: bool) -> None:
        self._engine, self._variants, self._detail = facts.engine, Variants(plan), detail
        records = records_of(plan, facts, now)
        tallied = tallies(plan, facts, now, detail=detail)
        frames = [records.people, records.accounts]
        if tallied.frames is not None:
            frames = [
                self._engine.beside(frame, mine).with_columns(**tallied.columns)
                for frame, mine in zip(frames, tallied.frames, strict=True)
            ]
        self._people, self._accounts = frames
        conduct = Conduct(self._variants, tallied, now, detail=detail)
        self._work = RowWork(self._variants, conduct, records.asked, detail=detail)

    def people(self, share: Share) -> Rows:
        """People with their rows. `share` is told what is used more than once."""
        rows = self._work.people(self._people)
        return rows.over(share(rows.frame))

    def staff(self, people: Rows) -> Lazy:
        """A row per account with people: what these come to together."""
        return self._work.staff(people.frame)

    def accounts(self, staff: Lazy, people: Rows) -> Rows:
        """Accounts with their rows."""
        return self._work.accounts(self._accounts, staff, self._work.best_of_staff(people.frame, staff))

    def scored(self, rows: Rows, share: Share) -> Broken:
        """Records with their scores."""
        broken = Settling(self._variants, rows, self._engine, detail=self._detail).scored()
        return Broken(share(broken.frame), broken.rows)
