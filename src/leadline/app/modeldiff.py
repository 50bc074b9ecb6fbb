"""What would change if one model took the place of another, on the stored data. Nothing is written to the store.

Both models score every record from where it stands today, so hysteresis holds records where it would hold them.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from heapq import heappush, heappushpop
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadline.app.survey import frames_of, survey
from leadline.core.scoring.compile import score
from leadline.core.scoring.explain import points_text, rule_names
from leadline.core.scoring.facts import Facts
from leadline.core.scoring.groups import every_group
from leadline.core.scoring.model import POINT, Model
from leadline.core.scoring.plan import compile_model
from leadline.frames.local import ENGINE

if TYPE_CHECKING:
    from leadline.app.bootstrap import Project

Row = tuple[str, str]  # part and rule of a row of the ledger
CSV_COLUMNS = ("uid", "entity", "name", "group_before", "group_after", "score_before", "score_after", "why")
_REASONS = 3


@dataclass(frozen=True, slots=True)
class Mover:
    """A record that changes score or group; points are thousandths, `why` its strongest rules with their points."""

    uid: str
    entity: str
    name: str
    groups: tuple[str, str]
    scores: tuple[int, int]
    why: tuple[tuple[str, int], ...]

    @property
    def weight(self) -> tuple[bool, int, str]:
        """By what it is shown before others: a change of group, then the size of the move."""
        return self.groups[0] != self.groups[1], abs(self.scores[1] - self.scores[0]), self.uid

    def reasons(self) -> str:
        """Why, on one line."""
        return "; ".join(f"{name} ({points_text(points)})" for name, points in self.why)


@dataclass(slots=True)
class RuleShare:
    """What a row of the ledger adds to the moves: of how many records, and thousandths up and down."""

    name: str
    records: int = 0
    up: int = 0
    down: int = 0


@dataclass(slots=True)
class ModelDiff:
    """How two models differ on the stored data.

    `matrix` counts subjects by (entity, group before, group after), `moves` by points that the score moves (whole).
    `movers` are the strongest, best first.
    """

    models: tuple[Model, Model]
    matrix: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    moves: Counter[int] = field(default_factory=Counter)
    rules: dict[Row, RuleShare] = field(default_factory=dict)
    movers: list[Mover] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many subjects were scored."""
        return self.moves.total()

    @property
    def changed_group(self) -> int:
        """How many change their group."""
        return sum(count for (_, old, new), count in self.matrix.items() if old != new)

    @property
    def changed_score(self) -> int:
        """How many change their score."""
        return self.records - self.moves[0]

    def quantile(self, percent: int) -> int:
        """The move, in whole points, that so many percent of the records that move do not exceed; 0 when none moves."""
        moved = sorted((move, count) for move, count in self.moves.items() if move)
        wanted, seen = max(1, -(-self.changed_score * percent // 100)), 0
        for move, count in moved:
            seen += count
            if seen >= wanted:
                return move
        return 0

    def group_order(self) -> list[str]:
        """The groups of both models, best first."""
        old, new = map(every_group, self.models)
        return list(dict.fromkeys((*new, *old)))

    def top_rules(self, limit: int) -> list[tuple[Row, RuleShare]]:
        """The rules behind the moves, those that move most points first."""
        return sorted(self.rules.items(), key=lambda item: (item[1].down - item[1].up, item[0]))[:limit]


def diff_models(
    project: Project,
    models: tuple[Model, Model],
    *,
    limit: int,
    table: Path | None = None,
    looked_at: Callable[[int], None] = lambda _: None,
) -> ModelDiff:
    """Score everything that is stored by both models. The `limit` strongest movers are kept, all go to `table` as CSV.

    `looked_at` hears of how many records more have been gone through.
    """
    found = ModelDiff(models)
    pair = _Pair(found, project.now())
    heap: list[tuple[tuple[bool, int, str], Mover]] = []
    with ExitStack() as stack:
        write = _csv(stack, table)
        for chunk in survey(project, None):
            names = {row["uid"]: str(row["name"] or "") for row in (*chunk.facts.accounts, *chunk.facts.people)}
            for mover in pair.movers(frames_of(chunk.facts), names) if names else ():
                write(mover)
                if len(heap) < limit:
                    heappush(heap, (mover.weight, mover))
                elif heap:
                    heappushpop(heap, (mover.weight, mover))
            looked_at(chunk.looked_at)
    found.movers = [mover for _, mover in sorted(heap, key=lambda item: item[0], reverse=True)]
    return found


def _csv(stack: ExitStack, path: Path | None) -> Callable[[Mover], None]:
    if path is None:
        return lambda _: None
    writer = csv.writer(stack.enter_context(path.open("w", encoding="utf-8", newline="")))
    writer.writerow(CSV_COLUMNS)

    def write(mover: Mover) -> None:
        points = (value // POINT for value in mover.scores)
        writer.writerow((mover.uid, mover.entity, mover.name, *mover.groups, *points, mover.reasons()))

    return write


class _Pair:
    """Both models over some clusters, counted into one answer."""

    def __init__(self, found: ModelDiff, now: int) -> None:
        self._found, self._now = found, now
        self._plans = [compile_model(model) for model in found.models]
        self._names = {**rule_names(found.models[0]), **rule_names(found.models[1])}

    def movers(self, facts: Facts[Any], names: Mapping[str, str]) -> Iterator[Mover]:
        """Count these subjects; the ones that change score or group."""
        scored = [score(plan.model, facts, self._now, plan=plan) for plan in self._plans]
        before, after = (_by_uid(ENGINE.columns(each.scores)) for each in scored)
        moved = []
        for uid, (entity, group, points) in before.items():
            _, new_group, new_points = after[uid]
            self._found.matrix[entity, group, new_group] += 1
            self._found.moves[(new_points - points) // POINT] += 1
            if (group, points) != (new_group, new_points):
                moved.append(uid)
        changed = self._row_moves([ENGINE.columns(each.ledger) for each in scored], set(moved))
        for uid in sorted(moved):
            entity, group, points = before[uid]
            _, new_group, new_points = after[uid]
            why = self._counted(changed.get(uid, {}))
            yield Mover(uid, entity, names.get(uid, ""), (group, new_group), (points, new_points), why)

    def _row_moves(self, ledgers: Iterable[Mapping[str, list[Any]]], wanted: set[str]) -> dict[str, dict[Row, int]]:
        """By uid, what the second ledger gives more than the first, by row."""
        found: dict[str, dict[Row, int]] = {}
        for sign, ledger in zip((-1, 1), ledgers, strict=True):
            columns = (ledger[name] for name in ("uid", "part", "rule", "points"))
            for uid, part, rule, points in zip(*columns, strict=True):
                if uid in wanted:
                    rows = found.setdefault(uid, {})
                    rows[part, rule] = rows.get((part, rule), 0) + sign * points
        return found

    def _counted(self, rows: Mapping[Row, int]) -> tuple[tuple[str, int], ...]:
        """Count one record's moves by rule; its strongest."""
        moves = sorted(
            ((row, points) for row, points in rows.items() if points), key=lambda move: (-abs(move[1]), move)
        )
        for (part, rule), points in moves:
            name = self._names.get(rule, f"{rule} of {part}")
            share = self._found.rules.setdefault((part, rule), RuleShare(name))
            share.records += 1
            share.up += max(points, 0)
            share.down += min(points, 0)
        return tuple((self._found.rules[row].name, points) for row, points in moves[:_REASONS])


def _by_uid(columns: Mapping[str, list[Any]]) -> dict[str, tuple[str, str, int]]:
    rows = zip(*(columns[name] for name in ("uid", "entity", "group", "score")), strict=True)
    return {uid: (entity, group, points) for uid, entity, group, points in rows}
