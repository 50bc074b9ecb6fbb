"""Whose record it is: the human who owns it, else the next of the pool; always with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadline.core.decisions.rotation import lineup_of, next_member


@dataclass(slots=True)
class Pool:
    """Who takes turns: owner uid -> weight, and how many hand-offs each has had under this line-up.

    `given` changes as hand-offs are made; the caller stores it with the decision.
    """

    name: str
    weights: Mapping[str, int]
    given: dict[str, int] = field(default_factory=dict)

    @property
    def lineup(self) -> str:
        """Hash of members and weights."""
        return lineup_of(self.weights)


@dataclass(frozen=True, slots=True)
class Assignment:
    """The owner chosen (uid, None when nobody can be), whether the CRM must be told, and why."""

    owner: str | None
    changed: bool
    why: str


def keep(present: str | None, owners: Mapping[str, Mapping[str, Any]], unassigned: frozenset[str]) -> Assignment:
    """The present owner where that is an active human, nobody otherwise; the CRM is not changed."""
    if not present or present in unassigned:
        return Assignment(None, False, "nobody owns the record")
    owner = owners.get(present)
    name = (owner or {}).get("name") or "its owner"
    if owner is not None and owner["active"] is False:
        return Assignment(None, False, f"{name}, who owns the record, is inactive")
    return Assignment(present, False, f"kept with {name}, who owns the record")


def stays(present: str | None, owners: Mapping[str, Mapping[str, Any]], unassigned: frozenset[str]) -> bool:
    """Whether the record's present owner is a human who can act; one who is not known here is taken for one."""
    if not present or present in unassigned:
        return False
    owner = owners.get(present)
    return owner is None or owner["active"] is not False


def assign(
    present: str | None,
    pool: Pool | None,
    owners: Mapping[str, Mapping[str, Any]],
    unassigned: frozenset[str],
) -> Assignment:
    """Keep an active human owner, else hand to the pool's next.

    `present` is the record's owner; `unassigned` holds owners that stand for nobody, such as the
    user of an integration.
    """
    kept = keep(present, owners, unassigned)
    if kept.owner:
        return kept
    if pool is None or not any(weight > 0 for weight in pool.weights.values()):
        return Assignment(None, False, "nobody could be assigned: the pool has no active member")
    chosen = next_member(pool.weights, pool.given)
    pool.given[chosen] = pool.given.get(chosen, 0) + 1
    total = sum(pool.weights.values())
    turns = sum(pool.given.values())
    why = (
        f"next in pool {pool.name}: hand-off {turns}, "
        f"{pool.given[chosen]} of them to {owners[chosen]['name']} (share {pool.weights[chosen]}/{total})"
    )
    if present and present not in unassigned:
        why += "; the former owner is inactive"
    return Assignment(chosen, True, why)
