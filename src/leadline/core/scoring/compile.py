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
from leadline.core.scoring.behaviour import Tallied, tallies
from leadline.core.scoring.expressions import added, number, text
from leadline.core.scoring.facts import SCORES, Facts, Lazy, Out, Scored
from leadline.core.scoring.model import Model
from leadline.core.scoring.plan import Plan, compile_model
from leadline.core.scoring.records import Records, records_of, subjects_of
from leadline.core.scoring.rowcolumns import ledger_rows
from leadline.core.scoring.settling import Broken, Settling
from leadline.core.scoring.wide import Variant, best_of_staff

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
    records = records_of(plan, facts, now)
    tallied = tallies(plan, facts, records.people, records.accounts, now, times=detail)
    work = _Work(plan, facts, records, tallied, detail=detail, share=share)
    found = [work.variant(variant) for variant in plan.every()]
    return Breakdown(_united([pair[0] for pair in found]), _united([pair[1] for pair in found]))


class _Work:
    """One scoring: each variant is applied to the records of its segment."""

    def __init__(
        self, plan: Plan, facts: Facts[Any], records: Records, tallied: Tallied, *, detail: bool, share: bool
    ) -> None:
        self._plan, self._engine, self._records, self._tallied = plan, facts.engine, records, tallied
        self._detail, self._share = detail, share
        self._people, self._accounts = records.people, records.accounts
        if tallied.frame is not None:
            counts = self._engine.share(tallied.frame) if share else tallied.frame
            self._people = self._people.join(counts, on="key", how="left")
            self._accounts = self._accounts.join(counts, on="key", how="left")

    def variant(self, plan: Plan) -> tuple[Broken, Broken]:
        """People and accounts of one variant."""
        work = Variant(plan, self._tallied, self._records.asked, detail=self._detail)
        people = work.people(self._of(self._people, plan))
        if self._share:
            people = people.over(self._engine.share(people.frame))
        staff = work.staff(people.frame)
        best = None
        if self._detail and plan.model.persona:
            best = best_of_staff(people.frame, staff)
        accounts = work.accounts(self._of(self._accounts, plan), staff, best)
        found = []
        for entity, rows in ((Entity.PERSON, people), (Entity.ACCOUNT, accounts)):
            settled = Settling(plan, entity, rows, self._engine).scored()
            found.append(Broken(self._engine.share(settled.frame), settled.rows) if self._share else settled)
        return found[0], found[1]

    def _of(self, frame: Lazy, plan: Plan) -> Lazy:
        return frame.filter(nw.col("segment") == plan.segment) if self._plan.variants else frame


def _united(found: Sequence[Broken]) -> Broken:
    """The variants' records together; a column that one does not have is null there."""
    if len(found) == 1:
        return found[0]
    columns = tuple(dict.fromkeys(name for broken in found for name in broken.rows))
    frames = []
    for broken in found:
        absent = {name: _nothing(name) for name in columns if name not in broken.rows}
        frames.append(added(broken.frame, absent).select(*SCORES, *columns))
    return Broken(nw.concat(frames), columns)


def _nothing(name: str) -> nw.Expr:
    return text(None) if name.endswith(":value") else number(None)
