"""BANT and MEDDIC: the same points, reported by the parts of the qualification frameworks."""

from __future__ import annotations

from collections.abc import Iterable

from leadline.core.scoring.model import PERSONA, Model
from leadline.core.scoring.subject import LedgerRow
from leadline.core.scoring.vocabulary import Qualification


def tags(model: Model) -> dict[str, tuple[Qualification, ...]]:
    """The parts of frameworks that each rule, signal, committee and persona is reported under."""
    found = {rule.id: rule.qualification for rule in model.rules}
    found |= {signal.id: signal.qualification for signal in model.signals}
    found |= {entry.id: entry.qualification for entry in model.committee}
    if model.persona:
        found[PERSONA] = model.persona.qualification
    return {name: parts for name, parts in found.items() if parts}


def qualification_parts(model: Model, rows: Iterable[LedgerRow]) -> dict[Qualification, int]:
    """Thousandths by part of a framework, in the frameworks' order; every part that the model names, also at 0."""
    by_rule = tags(model)
    named = {part for parts in by_rule.values() for part in parts}
    sums = {part: 0 for part in Qualification if part in named}
    for row in rows:
        for part in by_rule.get(row.rule, ()):
            sums[part] += row.points
    return sums
