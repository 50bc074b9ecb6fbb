"""Everything that is stored, some clusters at a time, as scoring looks at it now or looked at it then.

Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadline.frames import local
from leadline.store.facts import ClusterFacts, load_facts
from leadline.store.past import all_clusters, count_clusters, facts_at
from leadline.store.versions import Moment

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project
    from leadline.core.scoring.facts import Facts

_AT_ONCE = 5_000
"""Accounts and people that are in memory together, with their activities."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """Facts of some clusters. `looked_at` records were gone through to find them; `assumed` of the subjects were read
    only after the moment."""

    facts: ClusterFacts
    looked_at: int
    assumed: int = 0


def survey(project: Project, moment: Moment | None) -> Iterator[Surveyed]:
    """The facts of all clusters, at the moment or as they are."""
    with project.reading().begin() as connection:
        for clusters in all_clusters(connection, size=_AT_ONCE):
            if moment is None:
                yield Surveyed(load_facts(connection, clusters), len(clusters))
            else:
                past = facts_at(connection, clusters, moment)
                yield Surveyed(past.facts, len(clusters), len(past.assumed))


def count_surveyed(project: Project) -> int:
    """How many records a survey goes through."""
    with project.reading().begin() as connection:
        return count_clusters(connection)


def frames_of(facts: ClusterFacts) -> Facts[Any]:
    """The facts as frames; each subject with the group in which it stands."""
    groups = {
        uid: {"previous_group": row["group"], "group_since": row["group_since"]} for uid, row in facts.scores.items()
    }
    return local.facts(
        [{**row, **groups.get(row["uid"], {})} for row in facts.accounts],
        [{**row, **groups.get(row["uid"], {})} for row in facts.people],
        facts.events,
    )
