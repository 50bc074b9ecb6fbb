"""How often each rule of a model fires among the stored records. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING

from leadline.app.survey import frames_of, survey
from leadline.core.scoring.compile import score
from leadline.core.scoring.plan import compile_model
from leadline.core.scoring.simplicity import Firing

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project
    from leadline.core.scoring.model import Model


def firing_of(project: Project, model: Model, looked_at: Callable[[int], None]) -> Firing:
    """Score everything that is stored by the model and count. `looked_at` hears of how many records more."""
    plan, now = compile_model(model), project.now()
    records: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    prints: Counter[str] = Counter()
    for part in survey(project, None):
        done = score(model, frames_of(part.facts), now, plan=plan)
        records.update(segment or "" for segment in done.scores["segment"].to_list())
        for uid, rule in done.ledger.select("uid", "rule").iter_rows():
            by_rule[rule] += 1
            prints[rule] += _number(uid)
        looked_at(part.looked_at)
    return Firing(dict(records), dict(by_rule), dict(prints))


def _number(uid: str) -> int:
    """A number of 64 bits; sums of it over different sets of records differ, for all that matters."""
    return int.from_bytes(blake2b(uid.encode(), digest_size=8).digest(), "big")
