"""Fields that something else keeps changing back: a workflow, another tool, or a person who disagrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadline.core.decisions.outputs import same
from leadline.sdk.records import Scalar

_EXEMPT = frozenset({"scored_at"})
"""A CRM may round an instant to its own precision; nobody fights about it."""


@dataclass(frozen=True, slots=True)
class Contest:
    """A field whose last `reversals` writes in a row did not stay: `ours` was written, `theirs` stood there later."""

    reversals: int
    frozen: bool
    ours: str
    theirs: str


def contested(
    told: Mapping[str, Scalar],
    values: Mapping[str, Scalar],
    crm: Mapping[str, Any],
    known: Mapping[str, Contest],
    *,
    limit: int,
) -> dict[str, Contest]:
    """The contests after one more look, made before a write of `values`.

    `told` is what was written last and `crm` what stands there now, by output; after `limit` reversals in
    a row a field is frozen: left alone until it holds what we would write, or somebody unfreezes it.
    """
    found: dict[str, Contest] = {}
    for name, ours in told.items():
        theirs, before = crm.get(name), known.get(name)
        if before is not None and before.frozen:
            if not same(values.get(name), theirs):
                found[name] = before
        elif name not in _EXEMPT and _reversed(ours, theirs):
            count = (before.reversals if before else 0) + 1
            found[name] = Contest(count, count >= limit, _shown(ours), _shown(theirs))
    return found


def _reversed(ours: Scalar, theirs: Any) -> bool:
    """Whether another value stands there than the one written; a CRM that cuts a text has not changed it back."""
    if same(ours, theirs):
        return False
    return not (isinstance(ours, str) and isinstance(theirs, str) and theirs and ours.startswith(theirs.rstrip("…")))


def _shown(value: Any) -> str:
    return "" if value is None else str(value)[:255]
